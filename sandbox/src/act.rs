//! What a customer can do, by name: the control API and the hosted pages take the same path.
use super::{
    engine::{self, Change, Holder, ItemChange, NewMethod, Paying, Proration, cards},
    objects::{Cancellation, Discount, Features, Payment, Subscription},
    params::Params,
    refusal::{Answer, Refusal},
    state::World,
    wire,
};
use serde_json::Value;

/// Does it; ids of what it touched. In Stripe's words if it is refused.
pub fn act(w: &mut World, mut p: Params) -> Answer<Vec<String>> {
    let action = p.required("action")?;
    let customer = p.word("customer")?;
    let by = By { customer };
    match action.as_str() {
        "complete_checkout" => by.complete_checkout(w, p),
        "decline_checkout" => engine::decline_checkout(w, &p.required("session")?).map(|()| Vec::new()),
        "expire_checkout" => engine::expire_checkout(w, &p.required("session")?).map(|()| Vec::new()),
        "refund" => by.refund(w, p),
        "mark_uncollectible" => by.with_invoice(w, p, engine::write_off),
        "mark_paid_out_of_band" => by.with_invoice(w, p, engine::pay_outside),
        "void_invoice" => by.with_invoice(w, p, engine::void),
        "add_discount" => by.add_discount(w, p),
        "pay_by" => by.pay_by(w, p),
        "settle_debit" => by.settle_debit(w, p),
        "add_method" => by.add_method(w, p),
        "add_card" => by.add_card(w, p),
        "remove_card" => by.remove_card(w, p),
        "switch_plan" => by.switch_plan(w, p),
        "cancel" => by.cancel(w, p),
        "renew" => by.with_subscription(w, p, engine::renew),
        "pause" => by.with_subscription(w, p, |w, id| engine::pause(w, id, "pause_requested", None)),
        "resume" => by.with_subscription(w, p, |w, id| resume(w, id, Holder::Approves)),
        "pay_invoice" => by.pay_invoice(w, p),
        "update_details" => by.update_details(w, p),
        other => Err(Refusal::invalid(format!("There is no action {other}.")).at("action")),
    }
}

struct By {
    customer: Option<String>,
}

impl By {
    fn customer(&self, w: &World) -> Answer<String> {
        let id = self
            .customer
            .clone()
            .ok_or_else(|| Refusal::invalid("Missing required param: customer.").at("customer"))?;
        match w.customers.get(&id) {
            Some(customer) if !customer.deleted => Ok(id),
            _ => Err(Refusal::no_such("customer", &id, "customer")),
        }
    }

    /// The one that is named, or the customer's only one that is alive.
    fn subscription(&self, w: &World, p: &mut Params) -> Answer<Subscription> {
        let customer = self.customer(w)?;
        if let Some(id) = p.word("subscription")? {
            let found = w.subscriptions.get(&id).filter(|sub| sub.customer == customer);
            return found.cloned().ok_or_else(|| Refusal::no_such("subscription", &id, "subscription"));
        }
        let mut alive = w.subscriptions.iter().filter(|sub| sub.customer == customer && sub.is_alive());
        match (alive.next(), alive.next()) {
            (Some(only), None) => Ok(only.clone()),
            (None, _) => Err(Refusal::invalid("The customer has no subscription.").at("subscription")),
            _ => {
                Err(Refusal::invalid("The customer has several subscriptions; name one.").at("subscription"))
            }
        }
    }

    fn with_subscription(
        &self,
        w: &mut World,
        mut p: Params,
        work: impl FnOnce(&mut World, &str) -> Answer<()>,
    ) -> Answer<Vec<String>> {
        let sub = self.subscription(w, &mut p)?;
        p.finish()?;
        work(w, &sub.id)?;
        Ok(vec![sub.id])
    }

    fn complete_checkout(&self, w: &mut World, mut p: Params) -> Answer<Vec<String>> {
        let session = p.required("session")?;
        let number = p.word("card")?.or(Some("4242424242424242".into()));
        p.finish_but(&["method"])?; // the panel's form sends both
        complete_checkout(w, &session, Paying { number, holder: Some(Holder::Approves), ..Paying::default() })
    }

    /// A Checkout session or an invoice by something that is no card.
    fn pay_by(&self, w: &mut World, mut p: Params) -> Answer<Vec<String>> {
        let (session, invoice) = (p.word("session")?, p.word("invoice")?);
        let method = NewMethod::of(&p.required("method")?, &Value::Null);
        p.finish_but(&["card"])?;
        if let Some(session) = session {
            let holder = Some(Holder::Approves);
            return complete_checkout(
                w,
                &session,
                Paying { method: Some(method), holder, ..Paying::default() },
            );
        }
        let (customer, id) = self.open_invoice(w, invoice)?;
        let method = engine::add_method(w, &customer, method, Holder::Approves)?;
        engine::pay(w, &id, Holder::Approves, Some(&method))?;
        Ok(vec![id, method])
    }

    fn with_invoice(
        &self,
        w: &mut World,
        mut p: Params,
        work: impl FnOnce(&mut World, &str) -> Answer<()>,
    ) -> Answer<Vec<String>> {
        let (_, id) = self.open_invoice(w, p.word("invoice")?)?;
        p.finish()?;
        work(w, &id)?;
        Ok(vec![id])
    }

    /// What was paid for an invoice, the newest paid one if none is named, or a part of it.
    fn refund(&self, w: &mut World, mut p: Params) -> Answer<Vec<String>> {
        let (customer, invoice) = (self.customer(w)?, p.word("invoice")?);
        let amount = p.int_in("amount", 1, 99_999_999)?;
        p.finish()?;
        let of = |it: &&Payment| invoice.is_none() || it.invoice == invoice;
        let paid = |it: &&Payment| it.customer == customer && it.status == "succeeded";
        let payment = w.payments.iter().rev().filter(paid).find(of).map(|it| it.id.clone());
        let payment = payment
            .ok_or_else(|| Refusal::invalid("The customer has paid nothing for that.").at("invoice"))?;
        let refund =
            engine::refund(w, &payment, amount, Some("requested_by_customer".into()), Default::default())?;
        Ok(vec![refund, payment])
    }

    /// As the Dashboard gives money off: on a subscription, or on the customer where none is named.
    fn add_discount(&self, w: &mut World, mut p: Params) -> Answer<Vec<String>> {
        let (customer, coupon) = (self.customer(w)?, p.required("coupon")?);
        if p.has("subscription") {
            let sub = self.subscription(w, &mut p)?;
            p.finish()?;
            add_discount(w, &sub.id, &coupon, None)?;
            return Ok(vec![sub.id]);
        }
        p.finish()?;
        engine::discount_customer(w, &customer, &coupon, None)?;
        Ok(vec![customer])
    }

    /// The customer's debit that is under way comes to its end now.
    fn settle_debit(&self, w: &mut World, mut p: Params) -> Answer<Vec<String>> {
        let (customer, invoice) = (self.customer(w)?, p.word("invoice")?);
        let outcome = p.choice("outcome", &["succeeded", "failed"])?;
        p.finish()?;
        let under_way = |it: &&Payment| it.status == "processing" && it.customer == customer;
        let of = |it: &&Payment| invoice.is_none() || it.invoice == invoice;
        let found = w.payments.iter().filter(under_way).find(of).cloned();
        let payment = found.ok_or_else(|| Refusal::invalid("No debit of this customer's is processing."))?;
        engine::settle_debit(w, &payment.id, outcome.map(|word| word == "succeeded"));
        Ok([Some(payment.id), payment.invoice].into_iter().flatten().collect())
    }

    fn add_method(&self, w: &mut World, mut p: Params) -> Answer<Vec<String>> {
        let (customer, method) = (self.customer(w)?, p.required("method")?);
        p.finish()?;
        let id = engine::add_method(w, &customer, NewMethod::of(&method, &Value::Null), Holder::Approves)?;
        make_default(w, &customer, &id)?;
        Ok(vec![id])
    }

    /// The invoice that is named, else the customer's newest open one; and whose it is.
    fn open_invoice(&self, w: &World, named: Option<String>) -> Answer<(String, String)> {
        let customer = self.customer(w)?;
        let open = || w.invoices.iter().rev().find(|it| it.customer == customer && it.status == "open");
        let id = named.or_else(|| open().map(|it| it.id.clone()));
        let id = id.ok_or_else(|| Refusal::invalid("The customer has no open invoice.").at("invoice"))?;
        match w.invoices.get(&id).is_some_and(|invoice| invoice.customer == customer) {
            true => Ok((customer, id)),
            false => Err(Refusal::no_such("invoice", &id, "invoice")),
        }
    }

    fn add_card(&self, w: &mut World, mut p: Params) -> Answer<Vec<String>> {
        let (customer, number) = (self.customer(w)?, p.required("card")?);
        p.finish()?;
        add_card(w, &customer, &number, Holder::Approves).map(|id| vec![id])
    }

    fn remove_card(&self, w: &mut World, mut p: Params) -> Answer<Vec<String>> {
        let customer = self.customer(w)?;
        let id = p.word("card")?.or_else(|| engine::card_in_charge(w, &customer, None));
        p.finish()?;
        let id = id.ok_or_else(|| Refusal::invalid("The customer has no card.").at("card"))?;
        remove_card(w, &customer, &id)?;
        Ok(vec![id])
    }

    fn switch_plan(&self, w: &mut World, mut p: Params) -> Answer<Vec<String>> {
        let sub = self.subscription(w, &mut p)?;
        let (price, quantity) = (p.word("price")?, p.int_in("quantity", 0, 999_999)?);
        p.finish()?;
        // A lookup key serves as well as an id.
        let price = price.map(|named| {
            let by_key = w.prices.iter().find(|price| price.lookup_key.as_deref() == Some(&named));
            by_key.map_or(named.clone(), |price| price.id.clone())
        });
        let to = Switch { price, quantity, ..Switch::default() };
        switch_plan(w, &sub.id, &to, &portal_features(w), Holder::Approves)?;
        Ok(vec![sub.id])
    }

    fn cancel(&self, w: &mut World, mut p: Params) -> Answer<Vec<String>> {
        let sub = self.subscription(w, &mut p)?;
        let when = p.choice("when", &["period_end", "now"])?;
        let why = Cancellation { comment: p.word("comment")?, feedback: p.word("feedback")?, reason: None };
        p.finish()?;
        match when.as_deref() {
            Some("now") => engine::cancel_now(w, &sub.id, why)?,
            _ => engine::schedule_cancel(w, &sub.id, why)?,
        }
        Ok(vec![sub.id])
    }

    fn pay_invoice(&self, w: &mut World, mut p: Params) -> Answer<Vec<String>> {
        let (_, id) = self.open_invoice(w, p.word("invoice")?)?;
        p.finish()?;
        pay_invoice(w, &id, None, false, Holder::Approves)?;
        Ok(vec![id])
    }

    fn update_details(&self, w: &mut World, mut p: Params) -> Answer<Vec<String>> {
        let customer = self.customer(w)?;
        let (name, email) = (p.word("name")?, p.word("email")?);
        p.finish()?;
        engine::change_customer(w, &customer, |c| {
            c.name = name.or(c.name.take());
            c.email = email.or(c.email.take());
        })?;
        Ok(vec![customer])
    }
}

/// Ids of what came of it.
fn complete_checkout(w: &mut World, session: &str, paying: Paying) -> Answer<Vec<String>> {
    engine::complete_checkout(w, session, paying)?;
    let done = w.checkout_sessions.get(session);
    let ids =
        done.map(|s| [Some(s.id.clone()), s.customer.clone(), s.subscription.clone(), s.invoice.clone()]);
    Ok(ids.into_iter().flatten().flatten().collect())
}

/// Adds a test card and makes it the customer's default.
pub fn add_card(w: &mut World, customer: &str, number: &str, holder: Holder) -> Answer<String> {
    let card = cards::by_number(number)?.card();
    let id = engine::add_card(w, customer, card, holder)?;
    make_default(w, customer, &id)?;
    Ok(id)
}

/// The last card of a customer stays while a subscription needs it.
pub fn remove_card(w: &mut World, customer: &str, id: &str) -> Answer<()> {
    own_card(w, customer, id)?;
    if is_last_card(w, customer) {
        return Err(Refusal::invalid(
            "The last payment method cannot be removed while a subscription is active.",
        ));
    }
    engine::remove_card(w, id)
}

/// Whether the customer has one card only, and a subscription that needs it.
pub fn is_last_card(w: &World, customer: &str) -> bool {
    let own = w.payment_methods.ids(|method| method.customer.as_deref() == Some(customer));
    own.len() == 1 && w.subscriptions.iter().any(|sub| sub.customer == customer && sub.is_alive())
}

/// What somebody chose instead of what they have; `None` leaves a value as it is.
#[derive(Clone, Debug, Default)]
pub struct Switch {
    pub price: Option<String>,
    pub quantity: Option<i64>,
    pub coupon: Option<String>,
    pub promotion_code: Option<String>,
}

/// As the portal's configuration has it: prorated now or later, or waiting for the period's end.
/// A payment that is refused changes nothing.
pub fn switch_plan(w: &mut World, id: &str, to: &Switch, features: &Features, holder: Holder) -> Answer<()> {
    let sub = w.subscriptions.get(id).cloned().ok_or_else(|| Refusal::not_found("subscription", id))?;
    let [item] = &sub.items[..] else {
        return Err(Refusal::invalid("This subscription cannot be updated because it has multiple items."));
    };
    let price = to.price.clone().unwrap_or_else(|| item.price.clone());
    let quantity = to.quantity.unwrap_or(item.quantity);
    let same = price == item.price && quantity == item.quantity;
    if let Some(coupon) = &to.coupon {
        add_discount(w, id, coupon, to.promotion_code.as_deref())?;
        if same {
            return Ok(());
        }
    }
    if same {
        return Err(Refusal::invalid(
            "This subscription cannot be updated because there are no changes to confirm.",
        ));
    }
    if w.prices.get(&price).is_none() {
        return Err(Refusal::no_such("price", &price, "price"));
    }
    if waits(w, &sub, &price, quantity, &features.update_at_period_end) {
        return engine::schedule_change(w, id, &price, quantity);
    }
    let change = planned(&sub, &price, quantity, features);
    engine::say_change(w, id, |w| {
        engine::change(w, id, &change, holder).map_err(|refusal| Refusal { stands: false, ..refusal })
    })
}

/// Money off from now on: a code that was typed, or what was offered to somebody about to leave.
pub fn add_discount(w: &mut World, id: &str, coupon: &str, promotion_code: Option<&str>) -> Answer<()> {
    let sub = w.subscriptions.get(id).cloned().ok_or_else(|| Refusal::not_found("subscription", id))?;
    let discount = engine::discount_of(w, coupon, promotion_code, &sub.currency)?;
    let discount = Discount { customer: sub.customer, subscription: Some(sub.id), ..discount };
    w.emit("customer.discount.created", wire::discount(&discount));
    engine::amend(w, id, |sub| sub.discounts.push(discount))
}

/// Pays with a new test card, else with the one in charge. `keep` puts a new card in charge of what
/// comes after, once it has paid.
pub fn pay_invoice(w: &mut World, id: &str, new: Option<&str>, keep: bool, holder: Holder) -> Answer<()> {
    let invoice = w.invoices.get(id).cloned().ok_or_else(|| Refusal::not_found("invoice", id))?;
    let added = match new {
        Some(number) => {
            Some(engine::add_card(w, &invoice.customer, cards::by_number(number)?.card(), holder)?)
        }
        None => None,
    };
    let sub = invoice.subscription.as_deref();
    let method = added.clone().or_else(|| engine::card_in_charge(w, &invoice.customer, sub));
    bank_may_ask(w, method.as_deref(), holder)?;
    engine::pay(w, id, holder, method.as_deref())?;
    match added.filter(|_| keep) {
        Some(card) => {
            make_default(w, &invoice.customer, &card)?;
            sub.map_or(Ok(()), |sub| use_card_for(w, &invoice.customer, sub, &card))
        }
        None => Ok(()),
    }
}

/// Back from a pause, with the payment for the period that begins.
pub fn resume(w: &mut World, id: &str, holder: Holder) -> Answer<()> {
    let sub = w.subscriptions.get(id).ok_or_else(|| Refusal::not_found("subscription", id))?;
    let method = engine::card_in_charge(w, &sub.customer, Some(id));
    bank_may_ask(w, method.as_deref(), holder)?;
    engine::resume(w, id, holder)
}

/// Somebody is at the screen: they are asked before an attempt is made that could only fail.
fn bank_may_ask(w: &World, method: Option<&str>, holder: Holder) -> Answer<()> {
    match method.filter(|method| holder == Holder::Absent && engine::would_ask(w, method)) {
        Some(_) => Err(cards::asks()),
        None => Ok(()),
    }
}

/// The card for everything that has none of its own.
pub fn make_default(w: &mut World, customer: &str, id: &str) -> Answer<()> {
    own_card(w, customer, id)?;
    engine::change_customer(w, customer, |c| c.default_payment_method = Some(id.to_owned()))
}

/// Pins a card to one subscription.
pub fn use_card_for(w: &mut World, customer: &str, sub: &str, id: &str) -> Answer<()> {
    own_card(w, customer, id)?;
    engine::amend(w, sub, |sub| sub.default_payment_method = Some(id.to_owned()))
}

fn own_card(w: &World, customer: &str, id: &str) -> Answer<()> {
    let own = w.payment_methods.get(id).filter(|method| method.customer.as_deref() == Some(customer));
    own.map(drop).ok_or_else(|| Refusal::no_such("PaymentMethod", id, "card"))
}

/// The change a switch makes, for the page that shows its price first.
pub fn planned(sub: &Subscription, price: &str, quantity: i64, features: &Features) -> Change {
    let item = ItemChange {
        id: sub.items.first().map(|item| item.id.clone()),
        price: Some(price.to_owned()),
        quantity: Some(quantity),
        deleted: false,
    };
    let proration = match features.update_proration.as_str() {
        "always_invoice" => Proration::Invoice,
        "create_prorations" => Proration::Create,
        _ => Proration::None,
    };
    let end_trial = sub.status == "trialing" && features.update_trial != "continue_trial";
    Change { items: vec![item], proration, anchor_now: features.update_anchor == "now", end_trial }
}

fn portal_features(w: &World) -> Features {
    let active = w.portal_configurations.iter().filter(|it| it.active);
    active.max_by_key(|it| it.is_default).map(|it| it.features.clone()).unwrap_or_default()
}

/// Whether the configuration lets such a change wait for the end of the period.
pub fn waits(w: &World, sub: &Subscription, price: &str, quantity: i64, conditions: &[String]) -> bool {
    let Some(item) = sub.items.first().filter(|_| sub.status != "trialing") else { return false };
    let (Some(old), Some(new)) = (w.prices.get(&item.price), w.prices.get(price)) else { return false };
    let has = |word: &str| conditions.iter().any(|it| it == word);
    let days = |price: &super::objects::Price| price.recurring.as_ref().map_or(0, super::state::Every::days);
    let cheaper = new.cost(quantity) < old.cost(item.quantity) && days(new) == days(old);
    (has("decreasing_item_amount") && cheaper) || (has("shortening_interval") && days(new) < days(old))
}
