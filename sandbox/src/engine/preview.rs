//! Invoices that are not there yet: the next one, and what a change would cost.
use super::{
    cards::Holder,
    change::{self, Change},
    invoicing, periods,
};
use crate::{
    objects::{Invoice, Line, Subscription},
    refusal::{Answer, Refusal},
    state::{DAY, HOUR, World},
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
    let waiting = waiting_lines(w, id);
    if !(sub.is_billing() || sub.status == "trialing") || (ends && waiting.is_empty()) {
        return None;
    }
    let next = if ends { sub.clone() } else { periods::next_period(w, sub) };
    let mut lines = if ends { Vec::new() } else { invoicing::lines_of_cycle(w, &next) };
    lines.extend(waiting);
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
    let at = sub.ends_at().map_or(sub.period_end(), |end| end.min(sub.period_end()));
    let charged = sub.collection_method == "charge_automatically";
    let due = sub.days_until_due.filter(|_| !charged);
    let mut invoice = Invoice {
        created: w.now(),
        period_start: sub.period_start(),
        period_end: sub.period_end(),
        next_payment_attempt: charged.then_some(at + HOUR),
        due_date: due.map(|days| at + HOUR + days * DAY),
        starting_balance: w.customers.get(&sub.customer).map_or(0, |customer| customer.balance),
        auto_advance: true,
        ..invoicing::composed(w, next, lines, "upcoming", at)
    };
    invoice.ending_balance = Some((invoice.starting_balance + invoice.total()).min(0));
    invoice
}

/// What a change by itself would put on an invoice, now or next. The operation under way is undone,
/// so that the world stays as it is.
pub fn preview(w: &mut World, id: &str, wanted: &Change) -> Answer<Invoice> {
    tried(w, id, wanted, |w| {
        let sub = w.subscriptions.get(id)?;
        Some(of_next_period(w, sub, sub, waiting_lines(w, id)))
    })
}

/// The invoice that comes next to a subscription as it is, or as it would be, and after a change: at once,
/// or with the next period. Undone as well.
pub fn preview_of(w: &mut World, sub: Subscription, wanted: Option<&Change>) -> Answer {
    let (id, customer) = (sub.id.clone(), sub.customer.clone());
    w.subscriptions.put(sub);
    let invoice = match wanted {
        Some(wanted) => tried(w, &id, wanted, |w| next(w, &id)),
        None => next(w, &id).ok_or_else(|| nothing(&customer)),
    };
    let object = invoice.map(|invoice| wire::invoice(w, &invoice));
    w.undo();
    object
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
            let customer = w.subscriptions.get(id).map(|sub| sub.customer.clone()).unwrap_or_default();
            made.or_else(|| otherwise(w)).ok_or_else(|| nothing(&customer))
        }
    };
    w.undo();
    would_be
}

pub fn nothing(customer: &str) -> Refusal {
    Refusal::invalid(format!("No upcoming invoices for customer: {customer}"))
        .with_code("invoice_upcoming_none")
        .with_status(404)
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
