//! Invoices.
use super::{Answer, Paging, Params, Refusal, subscription_update::PreviewDetails};
use crate::{
    engine::{self, Holder},
    money,
    objects::Subscription,
    params::Ignored,
    state::World,
    wire,
};
use serde::Deserialize;
use serde_json::Value;

pub fn lines(w: &World, id: &str, mut p: Params) -> Answer {
    Paging::take(&mut p)?;
    p.finish()?;
    let invoice = wire::shown(w, "invoice", id)?;
    let data = invoice["lines"]["data"].as_array().cloned().unwrap_or_default();
    Ok(wire::whole(&format!("/v1/invoices/{id}/lines"), data))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PaymentsOf {
    invoice: Option<String>,
    payment: Option<PaymentNamed>,
    #[serde(default, rename = "status")]
    _status: Ignored,
    #[serde(default, rename = "created")]
    _created: Ignored,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PaymentNamed {
    #[serde(rename = "type")]
    _kind: String,
    payment_intent: Option<String>,
}

/// Of an invoice, or the one that a payment intent is for.
pub fn payments(w: &World, mut p: Params) -> Answer {
    Paging::take(&mut p)?;
    let of: PaymentsOf = p.read()?;
    let by_intent = of.payment.and_then(|payment| payment.payment_intent);
    if let Some(intent) = by_intent {
        let payment = w.payments.get(&intent).filter(|it| it.invoice.is_some());
        let pair = payment.and_then(|it| Some((w.invoices.get(it.invoice.as_ref()?)?, it)));
        let data =
            pair.into_iter().map(|(invoice, payment)| wire::invoice_payment(invoice, payment)).collect();
        return Ok(wire::whole("/v1/invoice_payments", data));
    }
    let id = of.invoice.ok_or_else(|| Refusal::missing("invoice"))?;
    let invoice = wire::shown(w, "invoice", &id)?;
    wire::left_out(w, &invoice, "payments").ok_or_else(|| Refusal::no_such("invoice", &id, "invoice"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pay {
    payment_method: Option<String>,
    paid_out_of_band: Option<bool>,
}

pub fn pay(w: &mut World, id: &str, p: Params) -> Answer {
    let given: Pay = p.read_but(&["off_session", "forgive", "mandate", "source"])?;
    let invoice = w.invoices.get(id).ok_or_else(|| Refusal::not_found("invoice", id))?;
    let customer = Some(invoice.customer.as_str());
    let own =
        |id: &str| w.payment_methods.get(id).is_some_and(|method| method.customer.as_deref() == customer);
    if let Some(method) = given.payment_method.as_ref().filter(|id| !own(id)) {
        return Err(Refusal::no_such("PaymentMethod", method, "payment_method"));
    }
    match given.paid_out_of_band {
        Some(true) => engine::pay_outside(w, id)?,
        _ => engine::pay(w, id, Holder::Absent, given.payment_method.as_deref())?,
    }
    wire::shown(w, "invoice", id)
}

/// To the customer, once more; a draft is finalized for it.
pub fn send(w: &mut World, id: &str, p: Params) -> Answer {
    p.finish()?;
    let invoice = w.invoices.get(id).ok_or_else(|| Refusal::not_found("invoice", id))?;
    if invoice.collection_method != "send_invoice" {
        return Err(Refusal::invalid(
            "You can only manually send an invoice if its collection method is 'send_invoice'.",
        ));
    }
    match invoice.status == "draft" {
        true => engine::finalize(w, id), // which sends it
        false => engine::say(w, id, "invoice.sent"),
    }
    wire::shown(w, "invoice", id)
}

pub fn mark_uncollectible(w: &mut World, id: &str, p: Params) -> Answer {
    p.finish()?;
    engine::write_off(w, id)?;
    wire::shown(w, "invoice", id)
}

pub fn finalize(w: &mut World, id: &str, p: Params) -> Answer {
    p.finish_but(&["auto_advance"])?;
    match w.invoices.get(id).map(|invoice| invoice.status.clone()).as_deref() {
        None => return Err(Refusal::not_found("invoice", id)),
        Some("draft") => engine::finalize(w, id),
        Some(_) => {
            return Err(Refusal::invalid(
                "This invoice is already finalized, you can't re-finalize a non-draft invoice.",
            )
            .with_code("invoice_not_editable"));
        }
    }
    wire::shown(w, "invoice", id)
}

pub fn void(w: &mut World, id: &str, p: Params) -> Answer {
    p.finish()?;
    engine::void(w, id)?;
    wire::shown(w, "invoice", id)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Preview {
    customer: Option<String>,
    subscription: Option<String>,
    schedule: Option<String>,
    currency: Option<String>,
    subscription_details: Option<PreviewDetails>,
}

const WITHOUT_EFFECT: &[&str] =
    &["automatic_tax", "customer_details", "discounts", "invoice_items", "issuer", "preview_mode"];

/// What comes next, or what a change would make come.
pub fn create_preview(w: &mut World, p: Params) -> Answer {
    let given: Preview = p.read_but(WITHOUT_EFFECT)?;
    let sub = previewed(w, &given)?;
    if let Some(code) = given.currency {
        money::currency(&code, "currency")?;
    }
    let (with_end, change) = match given.subscription_details {
        Some(details) => details.read(w, &sub)?,
        None => (sub.clone(), None),
    };
    let mut object = engine::preview_of(w, with_end, change.as_ref())?;
    object["id"] = Value::from(format!("upcoming_in_{}", sub.id.trim_start_matches("sub_")));
    object["status"] = Value::from("draft");
    Ok(object)
}

/// The subscription that is named, that of a schedule, or the customer's that renews first.
fn previewed(w: &World, given: &Preview) -> Answer<Subscription> {
    if let Some(customer) = &given.customer {
        super::customers::named(w, customer)?;
    }
    let of_schedule = match &given.schedule {
        Some(id) => {
            let known = w.schedules.get(id);
            let known = known.ok_or_else(|| Refusal::no_such("subscription schedule", id, "schedule"))?;
            Some(known.subscription.clone())
        }
        None => None,
    };
    if let Some(id) = given.subscription.clone().or(of_schedule) {
        let found = w.subscriptions.get(&id).cloned();
        return found.ok_or_else(|| Refusal::no_such("subscription", &id, "subscription"));
    }
    let customer = given.customer.as_ref().ok_or_else(|| {
        Refusal::invalid("You must pass a customer, subscription or schedule to preview.").at("customer")
    })?;
    let coming = w.subscriptions.iter().filter(|sub| sub.customer == *customer);
    let coming = coming.filter(|sub| engine::upcoming(w, &sub.id).is_some());
    coming.min_by_key(|sub| sub.period_end()).cloned().ok_or_else(|| engine::nothing_upcoming(customer))
}
