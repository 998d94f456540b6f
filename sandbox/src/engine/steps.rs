//! What happens by itself, read off the world as it is: no list of jobs that could go stale.
use super::{
    amend,
    amend::say,
    cancel,
    cards::Holder,
    change::begin_phase,
    customers::card_in_charge,
    ending::{complete_schedule, end, release_change, release_schedule},
    invoicing::{self, finalize},
    paying::{attempt, overdue, settle_debit},
    periods::next_period,
    preview::upcoming,
};
use crate::{
    objects::{Invoice, Payment, Schedule, Subscription},
    state::{DAY, HOUR, World},
};

/// In the order in which those of one instant happen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    TrialWillEnd(String),
    Upcoming(String),
    End(String),
    EndTrial(String),
    Renew(String),
    Resume(String),
    Collect(String),
    GiveUpFirstPayment(String),
    Finalize(String),
    Retry(String),
    Settle(String),
    Overdue(String),
    BeginPhase(String),
    CompleteSchedule(String),
}

const SUBSCRIPTIONS: u8 = 0;
const INVOICES: u8 = 1;
const PAYMENTS: u8 = 2;
const SCHEDULES: u8 = 3;

/// The next one, and when it is due. Only rows that changed since are looked at again.
pub fn next(w: &mut World) -> Option<(i64, Step)> {
    for place in w.subscriptions.take_touched() {
        let steps = w.subscriptions.at(place).map(of_subscription).unwrap_or_default();
        w.agenda.set((SUBSCRIPTIONS, place), steps.iter().map(|(at, step)| (*at, rank(step))));
    }
    for place in w.invoices.take_touched() {
        let steps = w.invoices.at(place).map(of_invoice).unwrap_or_default();
        w.agenda.set((INVOICES, place), steps.iter().map(|(at, step)| (*at, rank(step))));
    }
    for place in w.payments.take_touched() {
        let step = w.payments.at(place).and_then(of_payment);
        w.agenda.set((PAYMENTS, place), step.iter().map(|(at, step)| (*at, rank(step))));
    }
    for place in w.schedules.take_touched() {
        let step = w.schedules.at(place).and_then(of_schedule);
        w.agenda.set((SCHEDULES, place), step.iter().map(|(at, step)| (*at, rank(step))));
    }
    let (at, order, (table, place)) = w.agenda.first()?;
    let mut steps = match table {
        SUBSCRIPTIONS => w.subscriptions.at(place).map(of_subscription).unwrap_or_default(),
        INVOICES => w.invoices.at(place).map(of_invoice).unwrap_or_default(),
        SCHEDULES => w.schedules.at(place).and_then(of_schedule).into_iter().collect(),
        _ => w.payments.at(place).and_then(of_payment).into_iter().collect(),
    };
    steps.retain(|(when, step)| (*when, rank(step)) == (at, order));
    steps.into_iter().next()
}

/// Steps of one kind at one instant stay in the order of the rows, not of their ids.
fn rank(step: &Step) -> u8 {
    match step {
        Step::TrialWillEnd(_) => 0,
        Step::Upcoming(_) => 1,
        Step::End(_) => 2,
        Step::EndTrial(_) | Step::Renew(_) => 3,
        Step::Resume(_) | Step::Collect(_) => 4,
        Step::GiveUpFirstPayment(_) => 5,
        Step::Finalize(_) => 6,
        Step::Retry(_) => 7,
        Step::Settle(_) => 8,
        Step::Overdue(_) => 9,
        // After the period that may begin at the same instant.
        Step::BeginPhase(_) => 4,
        Step::CompleteSchedule(_) => 5,
    }
}

fn of_subscription(sub: &Subscription) -> Vec<(i64, Step)> {
    if !sub.is_alive() {
        return Vec::new();
    }
    let (id, end) = (|| sub.id.clone(), sub.period_end());
    let runs = sub.is_billing() || sub.status == "trialing";
    let ends = sub.ends_at().filter(|_| runs || sub.status == "paused");
    let goes_on = ends.is_none_or(|at| at > end);
    let mut steps = Vec::new();
    if let (Some(trial_end), false) = (sub.trial_end.filter(|_| sub.status == "trialing"), sub.trial_end_said)
    {
        steps.push(((trial_end - 3 * DAY).max(sub.created), Step::TrialWillEnd(id())));
    }
    let long = end - sub.period_start() > 7 * DAY;
    if runs && goes_on && long && sub.status != "unpaid" && sub.upcoming_said != Some(end) {
        steps.push((end - 7 * DAY, Step::Upcoming(id())));
    }
    steps.extend(ends.map(|at| (at, Step::End(id()))));
    match sub.status.as_str() {
        "trialing" => steps.push((end, Step::EndTrial(id()))),
        "incomplete" => steps.push((sub.created + 23 * HOUR, Step::GiveUpFirstPayment(id()))),
        "paused" => {
            steps.extend(sub.paused.as_ref().and_then(|p| p.resumes_at).map(|at| (at, Step::Resume(id()))));
        }
        _ => steps.push((end, Step::Renew(id()))),
    }
    steps
        .extend(sub.pause_collection.as_ref().and_then(|p| p.resumes_at).map(|at| (at, Step::Collect(id()))));
    steps
}

fn of_invoice(invoice: &Invoice) -> Vec<(i64, Step)> {
    let id = || invoice.id.clone();
    let due = invoice.due_date.filter(|_| invoice.status == "open" && !invoice.overdue);
    let goes_on = match invoice.status.as_str() {
        _ if !invoice.auto_advance => None,
        "draft" => invoice.finalizes_at.map(|at| (at, Step::Finalize(id()))),
        "open" => invoice.next_payment_attempt.map(|at| (at, Step::Retry(id()))),
        _ => None,
    };
    goes_on.into_iter().chain(due.map(|at| (at, Step::Overdue(id())))).collect()
}

fn of_schedule(schedule: &Schedule) -> Option<(i64, Step)> {
    let last = schedule.phases.last().filter(|_| schedule.status == "active")?;
    Some(match schedule.next() {
        Some(next) => (next.start, Step::BeginPhase(schedule.id.clone())),
        None => (last.end, Step::CompleteSchedule(schedule.id.clone())),
    })
}

fn of_payment(payment: &Payment) -> Option<(i64, Step)> {
    payment.settles_at.map(|at| (at, Step::Settle(payment.id.clone())))
}

pub fn run(w: &mut World, step: &Step) {
    match step {
        Step::TrialWillEnd(id) => {
            if let Some(sub) = w.subscriptions.change(id) {
                sub.trial_end_said = true;
            }
            say(w, id, "customer.subscription.trial_will_end");
        }
        Step::Upcoming(id) => {
            if let Some(sub) = w.subscriptions.change(id) {
                sub.upcoming_said = Some(sub.period_end());
            }
            if let Some(object) = upcoming(w, id) {
                w.emit("invoice.upcoming", object);
            }
        }
        Step::End(id) => {
            end(w, id, "cancellation_requested");
            invoicing::bill_what_waits(w, id);
        }
        Step::EndTrial(id) => end_trial(w, id),
        Step::Renew(id) => begin_period(w, id),
        Step::Resume(id) => {
            if cancel::resume(w, id, Holder::Absent).is_err() {
                // Without a card it stays paused, and is not tried again every second.
                if let Some(paused) = w.subscriptions.change(id).and_then(|sub| sub.paused.as_mut()) {
                    paused.resumes_at = None;
                }
            }
        }
        Step::Collect(id) => {
            amend(w, id, |sub| sub.pause_collection = None).ok();
        }
        Step::GiveUpFirstPayment(id) => cancel::expire_incomplete(w, id),
        Step::Finalize(id) => {
            finalize(w, id);
            invoicing::collect(w, id, Holder::Absent).ok(); // a failure has its own consequences
        }
        Step::Settle(id) => settle_debit(w, id, None),
        Step::Overdue(id) => overdue(w, id),
        Step::BeginPhase(id) => begin_phase(w, id).unwrap_or_else(|_| release_of(w, id)),
        Step::CompleteSchedule(id) => complete_schedule(w, id),
        Step::Retry(id) => {
            attempt(w, id, Holder::Absent, None).ok();
        }
    }
}

fn end_trial(w: &mut World, id: &str) {
    let Some(sub) = w.subscriptions.get(id).cloned() else { return };
    let has_card =
        card_in_charge(w, &sub.customer, Some(id)).is_some() || sub.collection_method == "send_invoice";
    match sub.missing_payment_method.as_str() {
        "cancel" if !has_card => end(w, id, "payment_failed"),
        "pause" if !has_card => {
            cancel::pause(w, id, "trial_end_without_payment_method", None).ok();
        }
        _ => begin_period(w, id),
    }
}

/// The next period, with its draft invoice.
fn begin_period(w: &mut World, id: &str) {
    let Some(sub) = w.subscriptions.get(id).cloned() else { return };
    let next = next_period(w, &sub);
    let (_, followed) = w.hold_back(|w| release_change(w, id));
    let lines = invoicing::lines_of_cycle(w, &next);
    amend(w, id, |sub| *sub = Subscription { schedule: sub.schedule.take(), ..next }).ok();
    w.say_all(followed);
    invoicing::draft_for_cycle(w, id, lines, sub.period_start());
}

/// A phase that cannot begin (its price is gone, say) ends its schedule.
fn release_of(w: &mut World, name: &str) {
    if let Some(id) = w.schedules.get(name).map(|schedule| schedule.subscription.clone()) {
        release_schedule(w, &id);
    }
}
