//! Customers and their cards.
use super::{
    cards::{self, Holder},
    methods::NewMethod,
};
use crate::{
    objects::{BalanceTransaction, Card, Customer, Metadata, PaymentMethod},
    refusal::{Answer, Refusal},
    state::World,
    wire,
};
use serde_json::json;

pub fn create_customer(w: &mut World, new: Customer) -> String {
    let (id, prefix) = (w.id("cus_"), w.id("").to_uppercase());
    let created = w.now();
    let customer = Customer { id: id.clone(), created, invoice_prefix: prefix[..8].into(), ..new };
    w.emit("customer.created", wire::customer(&customer));
    w.customers.put(customer);
    id
}

/// Changes a customer and says so if it shows.
pub fn change_customer<T>(w: &mut World, id: &str, change: impl FnOnce(&mut Customer) -> T) -> Answer<T> {
    let before = wire::by_id(w, id).ok_or_else(|| Refusal::not_found("customer", id))?;
    let customer = w.customers.change(id).ok_or_else(|| Refusal::not_found("customer", id))?;
    let done = change(customer);
    if let Some(after) = wire::by_id(w, id) {
        w.emit_change("customer.updated", &before, after);
    }
    Ok(done)
}

/// Why a balance moves.
#[derive(Clone, Debug, Default)]
pub struct Why {
    /// Stripe's word for it.
    pub kind: &'static str,
    pub invoice: Option<String>,
    pub credit_note: Option<String>,
    pub description: Option<String>,
    pub metadata: Metadata,
}

/// Moves a customer's balance; below zero `by` gives credit. The transaction's id, if it moved.
pub fn move_balance(w: &mut World, id: &str, by: i64, why: Why) -> Option<String> {
    let customer = w.customers.get(id).filter(|_| by != 0)?;
    let (currency, ending_balance) =
        (customer.currency.clone().unwrap_or_else(|| "usd".into()), customer.balance + by);
    let transaction = BalanceTransaction {
        id: w.id("cbtxn_"),
        created: w.now(),
        customer: id.to_owned(),
        amount: by,
        ending_balance,
        currency: currency.clone(),
        kind: why.kind.into(),
        invoice: why.invoice,
        credit_note: why.credit_note,
        description: why.description,
        metadata: why.metadata,
    };
    let name = transaction.id.clone();
    w.balance_transactions.put(transaction);
    change_customer(w, id, |c| {
        c.balance = ending_balance;
        c.currency.get_or_insert(currency);
    })
    .ok()?;
    Some(name)
}

/// A customer has one currency while anything of theirs is in it.
pub fn fits_currency(w: &World, id: &str, currency: &str) -> Answer<()> {
    let other = |held: &str| !held.is_empty() && held != currency;
    let subs = w.subscriptions.iter().filter(|sub| sub.customer == id && sub.is_alive());
    let open =
        w.invoices.iter().filter(|i| i.customer == id && matches!(i.status.as_str(), "draft" | "open"));
    let waiting = w.invoice_items.iter().filter(|it| it.customer == id && it.invoice.is_none());
    let customer = w.customers.get(id).filter(|customer| customer.balance != 0);
    let held =
        subs.map(|sub| &sub.currency).chain(open.map(|i| &i.currency)).chain(waiting.map(|it| &it.currency));
    let mut held = held.chain(customer.and_then(|customer| customer.currency.as_ref()));
    match held.find(|held| other(held)) {
        None => Ok(()),
        Some(held) => Err(Refusal::invalid(format!(
            "You cannot combine currencies on a single customer. This customer has an active subscription, subscription schedule, discount, quote, or invoice item with currency {held}."
        ))),
    }
}

pub fn add_card(w: &mut World, customer: &str, card: Card, holder: Holder) -> Answer<String> {
    add_method(w, customer, NewMethod::card(card), holder)
}

/// Adds a payment method to a customer once its bank, and its holder where the bank asks, agree.
pub fn add_method(w: &mut World, customer: &str, new: NewMethod, holder: Holder) -> Answer<String> {
    new.card.as_ref().map_or(Ok(()), cards::admit)?;
    let asked = new.card.as_ref().is_some_and(cards::asks_first);
    match holder {
        Holder::Absent if asked => return Err(cards::asks()),
        Holder::Refuses if asked => return Err(cards::not_authenticated()),
        _ => {}
    }
    let owner = w.customers.get(customer).ok_or_else(|| Refusal::not_found("customer", customer))?;
    let billing_details = json!({ "address": owner.address.clone().unwrap_or(json!({ "city": null, "country": null,
        "line1": null, "line2": null, "postal_code": null, "state": null })), "email": owner.email,
        "name": owner.name, "phone": owner.phone, "tax_id": null });
    let (id, created) = (w.id("pm_"), w.now());
    let card = new.card.map(|card| Card { authenticated: asked, ..card });
    let customer = Some(customer.to_owned());
    let method = PaymentMethod {
        id: id.clone(),
        created,
        customer,
        kind: new.kind,
        card,
        details: new.details,
        fails: new.fails,
        detached: false,
        billing_details,
        metadata: Default::default(),
    };
    w.emit("payment_method.attached", wire::payment_method(&method));
    w.payment_methods.put(method);
    Ok(id)
}

/// Detaches a card; whatever it was the default of has none any more.
pub fn remove_card(w: &mut World, id: &str) -> Answer<()> {
    let method = w.payment_methods.get(id).ok_or_else(|| Refusal::not_found("PaymentMethod", id))?;
    let Some(customer) = method.customer.clone() else {
        return Err(Refusal::invalid(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
        ));
    };
    if let Some(method) = w.payment_methods.change(id) {
        (method.customer, method.detached) = (None, true);
    }
    if let Some(object) = wire::by_id(w, id) {
        w.emit("payment_method.detached", object);
    }
    change_customer(w, &customer, |c| {
        c.default_payment_method = c.default_payment_method.take().filter(|it| it != id)
    })?;
    let pinned =
        w.subscriptions.ids(|sub| sub.default_payment_method.as_deref() == Some(id) && sub.is_alive());
    for sub in pinned {
        super::amend(w, &sub, |sub| sub.default_payment_method = None)?;
    }
    Ok(())
}

/// The card that is charged: the subscription's own, then the customer's.
pub fn card_in_charge(w: &World, customer: &str, subscription: Option<&str>) -> Option<String> {
    let pinned = subscription
        .and_then(|id| w.subscriptions.get(id))
        .and_then(|sub| sub.default_payment_method.clone());
    let usual = || w.customers.get(customer).and_then(|c| c.default_payment_method.clone());
    let attached =
        |id: &String| w.payment_methods.get(id).is_some_and(|m| m.customer.as_deref() == Some(customer));
    pinned.filter(attached).or_else(|| usual().filter(attached))
}
