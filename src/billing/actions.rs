//! What can be done in which state of billing: one table, read by the billing page, the pricing page, the
//! dashboard, and by links that lead straight into the portal, so that no button leads to a page that says no.
use super::state::BillingState;
use crate::stripe::Flow;
use Action::{CancelPlan, ChangePlan, ChoosePlan, KeepPresentPlan, PayInvoice, Resume, UpdatePaymentMethod};
use Availability::{Instead, No, Support, Yes};

/// What somebody may want to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    ChangePlan,
    CancelPlan,
    /// Goes on after all: it was set to end, or it is paused.
    Resume,
    UpdatePaymentMethod,
    PayInvoice,
    /// Buys a first plan, in Checkout.
    ChoosePlan,
    /// Takes back a change that is scheduled.
    KeepPresentPlan,
}

/// Whether it can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    Yes,
    No,
    /// First this has to be done.
    Instead(Action),
    /// Only support can do it.
    Support,
}

/// A state of billing, as far as it decides what can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Situation {
    NoSubscription,
    Running,
    Ending,
    PastDue,
    Unpaid,
    Paused,
    Incomplete,
    /// Stripe's status is one that we do not know.
    Unknown,
}

use Situation::{Ending, Incomplete, NoSubscription, PastDue, Paused, Running, Unknown, Unpaid};

/// The order of the table's columns. `KeepPresentPlan` and `PayInvoice` are offered wherever there is a scheduled
/// change or an open invoice.
const COLUMNS: [Action; 5] = [ChangePlan, CancelPlan, Resume, UpdatePaymentMethod, ChoosePlan];

#[rustfmt::skip]
const TABLE: [(Situation, [Availability; 5]); 8] = [
    //                change plan           cancel  resume  method  choose a plan
    (NoSubscription, [Instead(ChoosePlan),  No,     No,     No,     Yes]),
    (Running,        [Yes,                  Yes,    No,     Yes,    Instead(ChangePlan)]),
    (Ending,         [Instead(Resume),      No,     Yes,    Yes,    Instead(Resume)]),
    (PastDue,        [Instead(PayInvoice),  Yes,    No,     Yes,    Instead(PayInvoice)]),
    (Unpaid,         [Instead(PayInvoice),  Yes,    No,     Yes,    Instead(PayInvoice)]),
    (Paused,         [Instead(Resume),      Yes,    Yes,    Yes,    Instead(Resume)]),
    (Incomplete,     [Instead(PayInvoice),  No,     No,     Yes,    Instead(PayInvoice)]),
    (Unknown,        [Support,              No,     No,     Yes,    Support]),
];

/// Whether an action can be done, and what comes first where it cannot.
pub fn availability(state: &BillingState, action: Action) -> Availability {
    let situation = situation(state);
    let Some(column) = COLUMNS.iter().position(|it| *it == action) else {
        return match (action, state.schedule_id.is_some()) {
            (KeepPresentPlan, false) => No,
            _ => Yes,
        };
    };
    let row = TABLE.iter().find(|(of, _)| *of == situation).expect("the table has a row for each situation");
    // The portal changes one item at a price that it offers, and only where it may charge; nothing while another
    // change waits.
    let by_hand = state.item_count > 1 || state.unknown_price || state.invoiced;
    match (action, row.1[column]) {
        (ChangePlan | ChoosePlan, Yes | Instead(ChangePlan)) if by_hand && state.is_alive() => Support,
        (ChangePlan, Yes) | (ChoosePlan, Instead(ChangePlan)) if state.schedule_id.is_some() => {
            Instead(KeepPresentPlan)
        }
        (UpdatePaymentMethod, Yes) if state.invoiced => No,
        (_, stands) => stands,
    }
}

/// Whether an action can be done now.
pub fn is_available(state: &BillingState, action: Action) -> bool {
    availability(state, action) == Yes
}

/// What somebody who may manage billing is led to the billing page for.
pub fn next_step(state: &BillingState) -> &'static str {
    match (availability(state, ChoosePlan), availability(state, ChangePlan)) {
        (Yes, _) => "Choose a plan",
        (_, Instead(PayInvoice)) => "Pay invoice",
        (_, Instead(Resume)) => "Keep your plan",
        _ => "Go to billing",
    }
}

/// The portal's page for a wish: its home page, from which everything can be reached, where the wish cannot be
/// had now.
pub fn portal_page(state: &BillingState, wanted: Flow) -> Flow {
    let action = match wanted {
        Flow::Home => return Flow::Home,
        Flow::PaymentMethod => UpdatePaymentMethod,
        Flow::ChangePlan => ChangePlan,
        Flow::Cancel => CancelPlan,
        Flow::Resume => Resume,
    };
    // A payment method can be added before there is anything to pay.
    let first_method = wanted == Flow::PaymentMethod && !state.is_alive();
    if is_available(state, action) || first_method { wanted } else { Flow::Home }
}

fn situation(state: &BillingState) -> Situation {
    if !state.is_alive() {
        return NoSubscription;
    }
    match state.status.as_deref() {
        Some("active" | "trialing") if state.cancel_at.is_some() => Ending,
        Some("active" | "trialing") => Running,
        Some("past_due") => PastDue,
        Some("unpaid") => Unpaid,
        Some("paused") => Paused,
        Some("incomplete") => Incomplete,
        _ => Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::At;

    fn state(status: &str) -> BillingState {
        BillingState {
            subscription_id: Some("sub_1".into()),
            status: Some(status.into()),
            item_count: 1,
            ..BillingState::default()
        }
    }

    #[test]
    fn what_comes_first_is_itself_offered() {
        let ending = BillingState { cancel_at: Some(At::from_unix(9)), ..state("active") };
        let waits = BillingState { schedule_id: Some("sub_sched_1".into()), ..state("active") };
        let words =
            ["active", "trialing", "past_due", "unpaid", "paused", "incomplete", "hibernating", "canceled"];
        for state in words.map(state).into_iter().chain([ending, waits, BillingState::default()]) {
            for action in COLUMNS {
                if let Instead(first) = availability(&state, action) {
                    assert_eq!(availability(&state, first), Yes, "{action:?} in {:?}", state.status);
                }
            }
        }
    }

    #[test]
    fn what_the_portal_cannot_change_is_for_support() {
        for by_hand in [
            BillingState { item_count: 2, ..state("active") },
            BillingState { unknown_price: true, ..state("active") },
            BillingState { invoiced: true, ..state("active") },
        ] {
            assert_eq!(availability(&by_hand, ChangePlan), Support);
            assert_eq!(availability(&by_hand, ChoosePlan), Support);
            assert_eq!(portal_page(&by_hand, Flow::ChangePlan), Flow::Home);
        }
        let invoiced = BillingState { invoiced: true, ..state("active") };
        assert_eq!(availability(&invoiced, UpdatePaymentMethod), No, "nothing is charged");
    }
}
