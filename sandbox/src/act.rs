//! What a customer can do, by name: the control API and the hosted pages take the same path.
use super::{
    engine::{self, Change, Holder, ItemChange, NewMethod, Paying, Proration, cards},
    objects::{Cancellation, Discount, Features, Payment, Subscription},
    params::{Int, Params, words},
    refusal::{Answer, Refusal},
    state::World,
    wire,
};
use serde::Deserialize;
use serde_json::Value;

words! {
    When: "period_end" | "now";
    Outcome: "succeeded" | "failed";
}

/// What is done, and to what; each action looks at what it needs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Act {
    action: String,
    customer: Option<String>,
    session: Option<String>,
    subscription: Option<String>,
    invoice: Option<String>,
    card: Option<String>,
    method: Option<String>,
    outcome: Option<Outcome>,
    price: Option<String>,
    quantity: Option<Int<0, 999_999>>,
    when: Option<When>,
    comment: Option<String>,
    feedback: Option<String>,
    amount: Option<Int<1, 99_999_999>>,
    coupon: Option<String>,
    name: Option<String>,
    email: Option<String>,
}

/// Does it; ids of what it touched. In Stripe's words if it is refused.
pub fn act(w: &mut World, p: Params) -> Answer<Vec<String>> {
    let it: Act = p.read()?;
    match it.action.as_str() {
        "complete_checkout" => {
            let number = Some(it.card.clone().unwrap_or_else(|| "4242424242424242".into()));
            let holder = Some(Holder::Approves);
            complete_checkout(w, it.session()?, Paying { number, holder, ..Paying::default() })
        }
        "decline_checkout" => engine::decline_checkout(w, it.session()?).map(|()| Vec::new()),
        "expire_checkout" => engine::expire_checkout(w, it.session()?).map(|()| Vec::new()),
        "add_card" => it.add_card(w),
        "remove_card" => it.remove_card(w),
        "switch_plan" => it.switch_plan(w),
        "cancel" => it.cancel(w),
        "renew" => it.with_subscription(w, engine::renew),
        "pause" => it.with_subscription(w, |w, id| engine::pause(w, id, "pause_requested", None)),
        "resume" => it.with_subscription(w, |w, id| resume(w, id, Holder::Approves)),
        "pay_invoice" => it.with_invoice(w, |w, id| pay_invoice(w, id, None, false, Holder::Approves)),
        "mark_uncollectible" => it.with_invoice(w, engine::write_off),
        "mark_paid_out_of_band" => it.with_invoice(w, engine::pay_outside),
        "void_invoice" => it.with_invoice(w, engine::void),
        "refund" => it.refund(w),
        "add_discount" => it.add_discount(w),
        "pay_by" => it.pay_by(w),
        "settle_debit" => it.settle_debit(w),
        "add_method" => it.add_method(w),
        "update_details" => it.update_details(w),
        other => Err(Refusal::invalid(format!("There is no action {other}.")).at("action")),
    }
}

impl Act {
    fn session(&self) -> Answer<&str> {
        self.session.as_deref().ok_or_else(|| Refusal::missing("session"))
    }

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
    fn subscription(&self, w: &World) -> Answer<Subscription> {
        let customer = self.customer(w)?;
        if let Some(id) = &self.subscription {
            let found = w.subscriptions.get(id).filter(|sub| sub.customer == customer);
            return found.cloned().ok_or_else(|| Refusal::no_such("subscription", id, "subscription"));
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
        work: impl FnOnce(&mut World, &str) -> Answer<()>,
    ) -> Answer<Vec<String>> {
        let sub = self.subscription(w)?;
        work(w, &sub.id)?;
        Ok(vec![sub.id])
    }

    /// The invoice that is named, else the customer's newest open one.
    fn open_invoice(&self, w: &World) -> Answer<String> {
        let customer = self.customer(w)?;
        let open = || w.invoices.iter().rev().find(|it| it.customer == customer && it.status == "open");
        let id = self.invoice.clone().or_else(|| open().map(|it| it.id.clone()));
        let id = id.ok_or_else(|| Refusal::invalid("The customer has no open invoice.").at("invoice"))?;
        match w.invoices.get(&id).is_some_and(|invoice| invoice.customer == customer) {
            true => Ok(id),
            false => Err(Refusal::no_such("invoice", &id, "invoice")),
        }
    }

    fn with_invoice(
        &self,
        w: &mut World,
        work: impl FnOnce(&mut World, &str) -> Answer<()>,
    ) -> Answer<Vec<String>> {
        let id = self.open_invoice(w)?;
        work(w, &id)?;
        Ok(vec![id])
    }

    fn method(&self) -> Answer<NewMethod> {
        let kind = self.method.as_ref().ok_or_else(|| Refusal::missing("method"))?;
        Ok(NewMethod::of(kind, &Value::Null))
    }

    /// A Checkout session or an invoice by something that is no card.
    fn pay_by(&self, w: &mut World) -> Answer<Vec<String>> {
        let method = self.method()?;
        if let Some(session) = &self.session {
            let holder = Some(Holder::Approves);
            return complete_checkout(
                w,
                session,
                Paying { method: Some(method), holder, ..Paying::default() },
            );
        }
        let (customer, id) = (self.customer(w)?, self.open_invoice(w)?);
        let method = engine::add_method(w, &customer, method, Holder::Approves)?;
        engine::pay(w, &id, Holder::Approves, Some(&method))?;
        Ok(vec![id, method])
    }

    /// What a customer has paid or tries to pay, the newest first: for the invoice that is named, if one is.
    fn payment(&self, w: &World, status: &str) -> Answer<Option<Payment>> {
        let customer = self.customer(w)?;
        let of = |it: &&Payment| self.invoice.is_none() || it.invoice == self.invoice;
        let mut theirs = w.payments.iter().rev().filter(|it| it.customer == customer && it.status == status);
        Ok(theirs.find(of).cloned())
    }

    /// The customer's debit that is under way comes to its end now.
    fn settle_debit(&self, w: &mut World) -> Answer<Vec<String>> {
        let payment = self.payment(w, "processing")?;
        let payment =
            payment.ok_or_else(|| Refusal::invalid("No debit of this customer's is processing."))?;
        engine::settle_debit(w, &payment.id, self.outcome.as_ref().map(|word| word.0 == "succeeded"));
        Ok([Some(payment.id), payment.invoice].into_iter().flatten().collect())
    }

    /// What was paid for an invoice, the newest paid one if none is named, or a part of it.
    fn refund(&self, w: &mut World) -> Answer<Vec<String>> {
        let payment = self.payment(w, "succeeded")?;
        let payment = payment
            .ok_or_else(|| Refusal::invalid("The customer has paid nothing for that.").at("invoice"))?;
        let (amount, reason) = (self.amount.map(|it| it.0), Some("requested_by_customer".into()));
        let refund = engine::refund(w, &payment.id, amount, reason, Default::default())?;
        Ok(vec![refund, payment.id])
    }

    /// As the Dashboard gives money off: on a subscription, or on the customer where none is named.
    fn add_discount(&self, w: &mut World) -> Answer<Vec<String>> {
        let coupon = self.coupon.as_ref().ok_or_else(|| Refusal::missing("coupon"))?;
        if self.subscription.is_some() {
            return self.with_subscription(w, |w, sub| add_discount(w, sub, coupon, None));
        }
        let customer = self.customer(w)?;
        engine::discount_customer(w, &customer, coupon, None)?;
        Ok(vec![customer])
    }

    fn add_method(&self, w: &mut World) -> Answer<Vec<String>> {
        let (customer, method) = (self.customer(w)?, self.method()?);
        let id = engine::add_method(w, &customer, method, Holder::Approves)?;
        make_default(w, &customer, &id)?;
        Ok(vec![id])
    }

    fn add_card(&self, w: &mut World) -> Answer<Vec<String>> {
        let (customer, number) = (self.customer(w)?, self.card.as_ref());
        let number = number.ok_or_else(|| Refusal::missing("card"))?;
        add_card(w, &customer, number, Holder::Approves).map(|id| vec![id])
    }

    fn remove_card(&self, w: &mut World) -> Answer<Vec<String>> {
        let customer = self.customer(w)?;
        let id = self.card.clone().or_else(|| engine::card_in_charge(w, &customer, None));
        let id = id.ok_or_else(|| Refusal::invalid("The customer has no card.").at("card"))?;
        remove_card(w, &customer, &id)?;
        Ok(vec![id])
    }

    fn switch_plan(&self, w: &mut World) -> Answer<Vec<String>> {
        let sub = self.subscription(w)?;
        // A lookup key serves as well as an id.
        let price = self.price.as_ref().map(|named| {
            let by_key = w.prices.iter().find(|price| price.lookup_key.as_ref() == Some(named));
            by_key.map_or(named.clone(), |price| price.id.clone())
        });
        let to = Switch { price, quantity: self.quantity.map(|it| it.0), ..Switch::default() };
        switch_plan(w, &sub.id, &to, &portal_features(w), Holder::Approves)?;
        Ok(vec![sub.id])
    }

    fn cancel(&self, w: &mut World) -> Answer<Vec<String>> {
        let sub = self.subscription(w)?;
        let (comment, feedback) = (self.comment.clone(), self.feedback.clone());
        let why = Cancellation { comment, feedback, reason: None };
        match self.when.as_ref().map(|word| word.0.as_str()) {
            Some("now") => engine::cancel_now(w, &sub.id, why)?,
            _ => engine::schedule_cancel(w, &sub.id, why)?,
        }
        Ok(vec![sub.id])
    }

    fn update_details(&self, w: &mut World) -> Answer<Vec<String>> {
        let customer = self.customer(w)?;
        engine::change_customer(w, &customer, |c| {
            c.name = self.name.clone().or(c.name.take());
            c.email = self.email.clone().or(c.email.take());
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
