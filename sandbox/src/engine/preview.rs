//! Invoices that are not there yet: the next one, and what a change would cost.
use super::{
    cards::Holder,
    change::{self, Change},
    invoicing,
};
use crate::{
    objects::{Invoice, Line, Subscription},
    refusal::{Answer, Refusal},
    state::{HOUR, World},
    wire,
};
use serde_json::Value;

/// The next invoice of a subscription, as `invoice.upcoming` says it: without an id. None where it
/// ends before there is one.
pub fn upcoming(w: &World, id: &str) -> Option<Value> {
    let mut object = wire::invoice(w, &next(w, id)?);
    if let Some(fields) = object.as_object_mut() {
        fields.remove("id");
    }
    Some(object)
}

fn next(w: &World, id: &str) -> Option<Invoice> {
    let sub = w.subscriptions.get(id)?;
    let ends = sub.ends_at().is_some_and(|at| at <= sub.period_end());
    if ends || !(sub.is_billing() || sub.status == "trialing") {
        return None;
    }
    let next = next_period(w, sub);
    let mut lines = invoicing::lines_of_period(w, &next);
    lines.append(&mut waiting_lines(w, id));
    Some(of_next_period(w, sub, &next, lines))
}

fn waiting_lines(w: &World, id: &str) -> Vec<Line> {
    let waiting = invoicing::waiting(w, id);
    waiting.iter().filter_map(|id| w.invoice_items.get(id)).map(|it| it.line.clone()).collect()
}

fn of_next_period(w: &World, sub: &Subscription, next: &Subscription, mut lines: Vec<Line>) -> Invoice {
    for (n, line) in lines.iter_mut().enumerate() {
        line.id = format!("il_tmp_{n}");
    }
    let sold = lines.iter().filter(|line| !line.proration).map(|line| line.amount).sum();
    let charged = sub.collection_method == "charge_automatically";
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
        next_payment_attempt: charged.then(|| sub.period_end() + HOUR),
        starting_balance: w.customers.get(&sub.customer).map_or(0, |customer| customer.balance),
        discount: super::discounts::off(w, next, sold),
        discounts: super::discounts::live(w, next).into_iter().map(|(discount, _)| discount).collect(),
        lines,
        auto_advance: true,
        ..Invoice::default()
    }
}

/// The subscription as it will be then, with the change that waits for it.
fn next_period(w: &World, sub: &Subscription) -> Subscription {
    let mut next = Subscription { status: "active".into(), ..sub.clone() };
    if let (Some(waits), Some(item)) =
        (sub.schedule.as_ref().and_then(|name| w.schedules.get(name)), next.items.first_mut())
    {
        (item.price, item.quantity) = (waits.price.clone(), waits.quantity);
    }
    for item in &mut next.items {
        let start = item.current_period_end;
        item.current_period_start = start;
        item.current_period_end = change::period_after(w, &item.price, start, sub.billing_cycle_anchor);
    }
    next
}

/// What a change by itself would put on an invoice, now or next. The operation under way is undone,
/// so that the world stays as it is.
pub fn preview(w: &mut World, id: &str, wanted: &Change) -> Answer<Invoice> {
    tried(w, id, wanted, |w| {
        let sub = w.subscriptions.get(id)?;
        Some(of_next_period(w, sub, sub, waiting_lines(w, id)))
    })
}

/// The invoice that would come after a change: at once, or with the next period. Undone as well.
pub fn preview_invoice(w: &mut World, id: &str, wanted: &Change) -> Answer<Invoice> {
    tried(w, id, wanted, |w| next(w, id))
}

fn tried(
    w: &mut World,
    id: &str,
    wanted: &Change,
    otherwise: impl FnOnce(&World) -> Option<Invoice>,
) -> Answer<Invoice> {
    let held = w.invoices.len();
    let (changed, _) = w.hold_back(|w| change::change(w, id, wanted, Holder::Approves));
    let would_be = match changed {
        Err(refusal) if !refusal.stands => Err(refusal),
        _ => {
            let made = w.invoices.iter().nth(held).cloned().map(unpaid);
            made.or_else(|| otherwise(w)).ok_or_else(nothing)
        }
    };
    w.undo();
    would_be
}

pub fn nothing() -> Refusal {
    Refusal::invalid("No upcoming invoices for customer").with_code("invoice_upcoming_none").with_status(404)
}

/// As it would be before anybody pays it.
fn unpaid(made: Invoice) -> Invoice {
    Invoice {
        status: "draft".into(),
        number: None,
        ending_balance: None,
        amount_paid: 0,
        attempt_count: 0,
        attempted: false,
        failures: 0,
        finalized_at: None,
        paid_at: None,
        payment: None,
        needs_action: false,
        ..made
    }
}
