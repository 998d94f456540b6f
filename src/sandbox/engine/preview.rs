//! Invoices that are not there yet: the next one, and what a change would cost.
use super::{
    change::{self, Change},
    invoicing,
    paying::Holder,
};
use crate::sandbox::{
    api::{Answer, Refusal},
    objects::{Invoice, Line},
    state::World,
    wire,
};
use serde_json::Value;

/// The next invoice of a subscription, as `invoice.upcoming` says it: without an id.
pub fn upcoming(w: &World, id: &str) -> Option<Value> {
    let sub = w.subscriptions.get(id)?.clone();
    let mut next = sub.clone();
    for item in &mut next.items {
        let start = item.current_period_end;
        item.current_period_start = start;
        item.current_period_end = change::period_after(w, &item.price, start, sub.billing_cycle_anchor);
    }
    next.status = "active".into();
    let mut lines = invoicing::lines_of_period(w, &next);
    let waiting = |it: &&crate::sandbox::objects::InvoiceItem| {
        it.subscription.as_deref() == Some(id) && it.invoice.is_none()
    };
    lines.extend(w.invoice_items.iter().filter(waiting).map(|it| it.line.clone()));
    Some(without_id(w, &without_items(w, &next, lines)))
}

fn without_items(w: &World, sub: &crate::sandbox::objects::Subscription, lines: Vec<Line>) -> Invoice {
    let off = super::discounts::off(w, sub, lines.iter().filter(|l| !l.proration).map(|l| l.amount).sum());
    Invoice {
        created: w.now(),
        customer: sub.customer.clone(),
        subscription: Some(sub.id.clone()),
        status: "draft".into(),
        billing_reason: "upcoming".into(),
        collection_method: sub.collection_method.clone(),
        currency: sub.currency.clone(),
        period_start: sub.period_start(),
        period_end: sub.period_end(),
        next_payment_attempt: Some(sub.period_start()),
        starting_balance: w.customers.get(&sub.customer).map_or(0, |customer| customer.balance),
        discount: off,
        lines,
        ..Invoice::default()
    }
}

fn without_id(w: &World, invoice: &Invoice) -> Value {
    let mut object = wire::invoice(w, invoice);
    if let Some(fields) = object.as_object_mut() {
        fields.remove("id");
    }
    object
}

/// What a change would put on an invoice, now or next. The operation under way is undone, so that
/// the world stays as it is.
pub fn preview(w: &mut World, id: &str, wanted: &Change) -> Answer<Invoice> {
    let held = w.invoices.len();
    let (changed, _) = w.hold_back(|w| change::change(w, id, wanted, Holder::Approves));
    let would_be = match changed {
        Err(refusal) if !refusal.stands => Err(refusal),
        _ => {
            let made = w.invoices.iter().nth(held).cloned();
            made.map_or_else(|| next_with_waiting(w, id), Ok)
        }
    };
    w.undo();
    would_be
}

fn next_with_waiting(w: &World, id: &str) -> Answer<Invoice> {
    let sub = w.subscriptions.get(id).cloned().ok_or_else(|| Refusal::not_found("subscription", id))?;
    let waits =
        w.invoice_items.iter().filter(|it| it.subscription.as_deref() == Some(id) && it.invoice.is_none());
    let lines = waits.map(|it| it.line.clone()).collect();
    Ok(without_items(w, &sub, lines))
}

/// `$1,029.00`, `€12.50`, `¥500`; the code for what has no sign here.
pub fn amount(minor: i64, currency: &str) -> String {
    let whole = matches!(currency, "jpy" | "krw" | "vnd" | "clp" | "isk" | "xof" | "xaf");
    let sign = if minor < 0 { "-" } else { "" };
    let minor = minor.abs();
    let figure = if whole { grouped(minor) } else { format!("{}.{:02}", grouped(minor / 100), minor % 100) };
    match currency {
        "usd" => format!("{sign}${figure}"),
        "eur" => format!("{sign}€{figure}"),
        "gbp" => format!("{sign}£{figure}"),
        "jpy" => format!("{sign}¥{figure}"),
        other => format!("{sign}{figure} {}", other.to_uppercase()),
    }
}

/// `1,029`.
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let threes: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|three| std::str::from_utf8(three).ok()).collect();
    threes.join(",")
}
