//! Taking money for an invoice, and what follows when it comes or does not.
use super::{
    amend::say,
    cards::{self, Holder, Verdict},
    customers::card_in_charge,
    ending,
    methods::{self, DEBIT_DAYS},
};
use crate::{
    objects::{CheckoutSession, Payment, Subscription},
    refusal::{Answer, Refusal},
    state::{DAY, Dunning, World},
    wire,
};

/// Days from one failure to the next try; after the last one dunning ends.
const RETRIES: [i64; 3] = [3, 5, 7];

/// What costs nothing is paid, whoever collects it and however.
pub fn settle_nothing(w: &mut World, id: &str) {
    if w.invoices.get(id).is_some_and(|invoice| invoice.status == "open" && invoice.amount_due() == 0) {
        paid(w, id, None);
    }
}

/// One attempt. A refusal stands: that a card was declined is a fact.
pub fn attempt(w: &mut World, id: &str, holder: Holder, with: Option<&str>) -> Answer<()> {
    let Some(invoice) =
        w.invoices.get(id).filter(|i| matches!(i.status.as_str(), "open" | "uncollectible")).cloned()
    else {
        return Ok(());
    };
    if invoice.amount_due() == 0 {
        paid(w, id, None);
        return Ok(());
    }
    let method = with
        .map(str::to_owned)
        .or_else(|| card_in_charge(w, &invoice.customer, invoice.subscription.as_deref()));
    if is_processing(w, id) {
        return Err(Refusal::invalid(
            "A payment for this invoice is still processing; it cannot be paid again.",
        ));
    }
    let held = method.as_ref().and_then(|id| w.payment_methods.get(id));
    let verdict = held.map_or_else(|| Verdict::Declined(no_card()), |held| methods::charge(held, holder));
    let payment = record(w, id, method.clone(), &verdict);
    match verdict {
        Verdict::Paid => {
            if let (Some(method), true) =
                (method.and_then(|id| w.payment_methods.change(&id)), holder == Holder::Approves)
            {
                method.card.iter_mut().for_each(|card| card.authenticated = true);
            }
            paid(w, id, Some(&payment));
            Ok(())
        }
        Verdict::Processing => {
            processing(w, id);
            Ok(())
        }
        Verdict::Asks => {
            failed(w, id, true);
            Err(cards::asks().standing())
        }
        Verdict::Declined(refusal) => {
            failed(w, id, false);
            Err(refusal.standing())
        }
    }
}

fn no_card() -> Refusal {
    let said =
        "There is no `default_payment_method` set on this Customer or Invoice. Please set one to pay it.";
    Refusal::card("missing", None, said)
}

/// The payment intent and charge of this attempt; says how they went.
fn record(w: &mut World, invoice: &str, method: Option<String>, verdict: &Verdict) -> String {
    let Some(invoice) = w.invoices.get(invoice).cloned() else { return String::new() };
    let (id, now) = (w.id("pi_"), w.now());
    let charge = (method.is_some() && !matches!(verdict, Verdict::Asks)).then(|| w.id("ch_"));
    let status = match verdict {
        Verdict::Paid => "succeeded",
        Verdict::Processing => "processing",
        Verdict::Asks => "requires_action",
        Verdict::Declined(_) => "requires_payment_method",
    };
    let refusal = if let Verdict::Declined(refusal) = verdict { Some(refusal.clone()) } else { None };
    let payment = Payment {
        id: id.clone(),
        charge,
        created: now,
        customer: invoice.customer.clone(),
        invoice: Some(invoice.id.clone()),
        amount: invoice.amount_due(),
        currency: invoice.currency.clone(),
        payment_method: method,
        status: status.into(),
        decline_code: refusal.as_ref().and_then(|r| r.decline_code.clone()),
        message: refusal.map(|r| r.message),
        refunded: 0,
        settles_at: matches!(verdict, Verdict::Processing).then_some(now + DEBIT_DAYS * DAY),
    };
    if let Some(invoice) = w.invoices.change(&invoice.id) {
        invoice.attempt_count += 1;
        invoice.attempted = true;
        invoice.payment = Some(id.clone());
        invoice.needs_action = matches!(verdict, Verdict::Asks);
    }
    say_payment(w, &payment, verdict);
    w.payments.put(payment);
    id
}

fn say_payment(w: &mut World, payment: &Payment, verdict: &Verdict) {
    let (intent, charge) = (wire::payment_intent(w, payment), wire::charge(w, payment));
    match verdict {
        Verdict::Paid => {
            w.emit("charge.succeeded", charge);
            w.emit("payment_intent.succeeded", intent);
        }
        Verdict::Processing => {
            w.emit("charge.pending", charge);
            w.emit("payment_intent.processing", intent);
        }
        Verdict::Asks => w.emit("payment_intent.requires_action", intent),
        Verdict::Declined(_) => {
            if payment.charge.is_some() {
                w.emit("charge.failed", charge);
            }
            w.emit("payment_intent.payment_failed", intent);
        }
    }
}

/// The day has passed on which an invoice that was sent had to be paid.
pub fn overdue(w: &mut World, id: &str) {
    let Some(invoice) = w.invoices.change(id) else { return };
    invoice.overdue = true;
    let (customer, sub) = (invoice.customer.clone(), invoice.subscription.clone());
    if is_processing(w, id) {
        return;
    }
    if let Some(customer) = w.customers.change(&customer) {
        customer.delinquent = true;
    }
    say(w, id, "invoice.overdue");
    if let Some(sub) = sub.filter(|sub| w.subscriptions.get(sub).is_some_and(|sub| sub.status == "active")) {
        super::amend(w, &sub, |sub| sub.status = "past_due".into()).ok();
    }
}

/// Somebody paid by a transfer or in cash, and the account's owner says so.
pub fn pay_outside(w: &mut World, id: &str) {
    if let Some(invoice) = w.invoices.change(id) {
        invoice.paid_off_stripe = invoice.amount_due() - invoice.amount_paid;
    }
    paid(w, id, None);
}

/// What is left of an invoice after a credit note: nothing more to pay, perhaps.
pub fn credited(w: &mut World, id: &str) {
    if w.invoices.get(id).is_some_and(|invoice| invoice.status == "open" && invoice.amount_remaining() == 0) {
        paid(w, id, None);
    }
}

/// A debit is under way: neither paid nor failed. What it is for begins meanwhile.
fn processing(w: &mut World, id: &str) {
    if let Some(invoice) = w.invoices.change(id) {
        invoice.next_payment_attempt = None;
    }
    say(w, id, "invoice.updated");
    let sub = w.invoices.get(id).and_then(|invoice| invoice.subscription.clone());
    let begins = |sub: &String| w.subscriptions.get(sub).is_some_and(|sub| sub.status == "incomplete");
    if let Some(sub) = sub.filter(begins) {
        super::amend(w, &sub, |sub| sub.status = "active".into()).ok();
    }
}

/// Whether a debit for this invoice is under way.
pub fn is_processing(w: &World, invoice: &str) -> bool {
    let last = w.invoices.get(invoice).and_then(|invoice| w.payments.get(invoice.payment.as_ref()?));
    last.is_some_and(|payment| payment.status == "processing")
}

/// A debit comes to its end: as it is told to, or else as its account has it.
pub fn settle_debit(w: &mut World, id: &str, outcome: Option<bool>) {
    let Some(payment) = w.payments.get(id).filter(|it| it.status == "processing").cloned() else { return };
    let method = payment.payment_method.as_ref().and_then(|id| w.payment_methods.get(id));
    let succeeds = outcome.unwrap_or_else(|| method.is_none_or(|method| !method.fails));
    let verdict = match succeeds {
        true => Verdict::Paid,
        false => Verdict::Declined(methods::debit_failed()),
    };
    if let Some(payment) = w.payments.change(id) {
        payment.settles_at = None;
        payment.status = if succeeds { "succeeded" } else { "requires_payment_method" }.into();
        if let Verdict::Declined(refusal) = &verdict {
            payment.decline_code.clone_from(&refusal.decline_code);
            payment.message = Some(refusal.message.clone());
        }
    }
    if let Some(payment) = w.payments.get(id).cloned() {
        say_payment(w, &payment, &verdict);
    }
    let Some(invoice) = payment.invoice else { return };
    match succeeds {
        true => paid(w, &invoice, Some(id)),
        false => failed(w, &invoice, false),
    }
    checkout_settled(w, &invoice, succeeds);
}

/// Says it to whoever waits at the Checkout session that the debit began with.
fn checkout_settled(w: &mut World, invoice: &str, succeeded: bool) {
    let waits =
        |it: &CheckoutSession| it.invoice.as_deref() == Some(invoice) && it.payment_status == "unpaid";
    for session in w.checkout_sessions.ids(waits) {
        if let Some(session) = w.checkout_sessions.change(&session).filter(|_| succeeded) {
            session.payment_status = "paid".into();
        }
        let came = if succeeded { "succeeded" } else { "failed" };
        say(w, &session, &format!("checkout.session.async_payment_{came}"));
    }
}

fn paid(w: &mut World, id: &str, payment: Option<&str>) {
    let (now, before) = (w.now(), wire::by_id(w, id).unwrap_or_default());
    if let Some(invoice) = w.invoices.change(id) {
        invoice.amount_paid = invoice.amount_due();
        invoice.status = "paid".into();
        invoice.paid_at = Some(now);
        invoice.attempted = true;
        invoice.next_payment_attempt = None;
        invoice.needs_action = false;
    }
    let after = wire::by_id(w, id).unwrap_or_default();
    if payment.is_some() {
        w.emit_change("invoice.updated", &before, after.clone());
    }
    w.emit("invoice.paid", after.clone());
    if w.invoices.get(id).is_some_and(|invoice| invoice.paid_off_stripe == 0) {
        w.emit("invoice.payment_succeeded", after);
    }
    weigh(w, id);
    let Some(sub) = w.invoices.get(id).and_then(|invoice| invoice.subscription.clone()) else { return };
    let settled = w.subscriptions.get(&sub).is_some_and(|held| {
        matches!(held.status.as_str(), "past_due" | "unpaid" | "incomplete")
            && (held.latest_invoice.as_deref() == Some(id) || !owes(w, &sub))
    });
    if settled {
        super::amend(w, &sub, |sub| sub.status = "active".into()).ok();
    }
}

/// Whether the customer of a settled invoice still owes for another.
pub fn weigh(w: &mut World, invoice: &str) {
    let Some(customer) = w.invoices.get(invoice).map(|invoice| invoice.customer.clone()) else { return };
    if w.customers.get(&customer).is_none_or(|customer| !customer.delinquent) {
        return;
    }
    let owes =
        w.invoices.iter().any(|i| i.customer == customer && i.status == "open" && (i.attempted || i.overdue));
    if let Some(customer) = w.customers.change(&customer) {
        customer.delinquent = owes;
    }
}

/// An invoice was closed unpaid. Where none is open any more, the subscription is in order again;
/// one whose first invoice was voided will never begin.
pub fn nothing_owed(w: &mut World, sub: &str, void: bool) {
    let Some(status) = w.subscriptions.get(sub).map(|sub| sub.status.clone()) else { return };
    match status.as_str() {
        "past_due" | "unpaid" if !owes(w, sub) => {
            super::amend(w, sub, |sub| sub.status = "active".into()).ok();
        }
        "incomplete" if void => {
            let now = w.now();
            super::amend(w, sub, |sub| {
                sub.status = "incomplete_expired".into();
                sub.ended_at = Some(now);
            })
            .ok();
        }
        _ => {}
    }
}

fn owes(w: &World, sub: &str) -> bool {
    w.invoices.iter().any(|invoice| invoice.subscription.as_deref() == Some(sub) && invoice.status == "open")
}

/// Says that it failed, plans the next try, and lets the subscription feel it.
fn failed(w: &mut World, id: &str, needs_action: bool) {
    let now = w.now();
    // A first payment is not tried again by itself: it has 23 hours.
    let first = |sub: &String| w.subscriptions.get(sub).is_some_and(|sub| sub.status == "incomplete");
    let scheduled = w.invoices.get(id).is_some_and(|i| {
        i.next_payment_attempt.is_none_or(|at| at <= now) && !i.subscription.as_ref().is_some_and(first)
    });
    let customer = w.invoices.get(id).map(|invoice| invoice.customer.clone()).unwrap_or_default();
    if let Some(customer) = w.customers.change(&customer) {
        customer.delinquent = true;
    }
    let mut exhausted = false;
    if let Some(invoice) = w.invoices.change(id).filter(|i| scheduled && i.auto_advance) {
        let wait = RETRIES.get(invoice.failures as usize);
        invoice.failures += 1;
        invoice.next_payment_attempt = wait.map(|days| now + days * DAY);
        exhausted = wait.is_none();
    }
    if needs_action {
        say(w, id, "invoice.payment_action_required");
    }
    say(w, id, "invoice.payment_failed");
    let Some(sub) = w.invoices.get(id).and_then(|invoice| invoice.subscription.clone()) else { return };
    if w.subscriptions.get(&sub).is_some_and(|held| matches!(held.status.as_str(), "active" | "trialing")) {
        super::amend(w, &sub, |sub| sub.status = "past_due".into()).ok();
    }
    if exhausted {
        give_up(w, id, &sub);
    }
}

/// The last retry failed.
fn give_up(w: &mut World, invoice: &str, sub: &str) {
    if let Some(invoice) = w.invoices.change(invoice) {
        invoice.auto_advance = false;
    }
    match w.settings.dunning {
        _ if !w.subscriptions.get(sub).is_some_and(Subscription::is_alive) => {}
        Dunning::Cancel => ending::end(w, sub, "payment_failed"),
        Dunning::MarkUnpaid => {
            super::amend(w, sub, |sub| sub.status = "unpaid".into()).ok();
        }
        Dunning::LeavePastDue => {}
    }
}
