//! The banner of the billing page: the most urgent problem, with the one action that solves it.
use crate::{
    billing::{Access, BillingState, Entitlements, GRACE, InvoiceRow},
    words::{date, several},
};

pub struct Banner {
    /// `warn` or `bad`.
    pub kind: &'static str,
    pub text: String,
    pub help: Help,
}

/// The action that solves the problem.
pub enum Help {
    /// Opens the portal on the page of that flow.
    Portal {
        flow: &'static str,
        label: &'static str,
    },
    /// Opens the unpaid invoice.
    Invoice {
        id: String,
    },
    Nothing,
}

impl Banner {
    /// `open` are the invoices that wait for a payment.
    pub fn of(s: &BillingState, may: &Entitlements, open: &[InvoiceRow]) -> Option<Self> {
        let pay = || pay(open);
        match s.status.as_deref()? {
            "past_due" => Some(bad(past_due(s, may), pay())),
            "unpaid" => Some(bad(
                "You have unpaid invoices, so your organisation is read-only until they are paid.",
                pay(),
            )),
            "incomplete" => Some(warn("The first payment is not complete.", pay())),
            "paused" => {
                let text = "Your plan is paused. You are not charged, and the Free plan’s limits apply.";
                Some(warn(text, Help::Portal { flow: "resume", label: "Resume" }))
            }
            "active" | "trialing" => running(s),
            _ => None,
        }
    }

    /// More members than paid seats: somebody lowered the quantity in the portal, which stands.
    pub fn of_seats(may: &Entitlements, members: i64) -> Option<Self> {
        let seats = may.seats().filter(|seats| *seats < members)?;
        let (people, paid) = (several(members, "member"), several(seats, "seat"));
        let text = format!("You have {people} but pay for {paid}. Nobody loses access; please add seats.");
        Some(warn(text, Help::Portal { flow: "change_plan", label: "Add seats" }))
    }
}

/// The banner of an active subscription or a trial.
fn running(s: &BillingState) -> Option<Banner> {
    if s.live_subscriptions > 1 {
        let text = "There are two subscriptions, so you may be paying twice. Please contact support.";
        return Some(bad(text, Help::Nothing));
    }
    if let Some(ends) = s.cancel_at {
        let text = format!("Your plan ends on {}.", date(ends));
        return Some(warn(text, Help::Portal { flow: "resume", label: "Keep the plan" }));
    }
    if s.status.as_deref() == Some("trialing") && s.card_brand.is_none() {
        let text = format!(
            "Your trial ends on {} and no card is on file.",
            s.trial_end.map(date).unwrap_or_default()
        );
        return Some(warn(text, Help::Portal { flow: "payment_method", label: "Add a card" }));
    }
    if s.collection_paused {
        return Some(warn("Payments are paused. Your plan continues.", Help::Nothing));
    }
    let by_hand =
        "This subscription has several items, so it cannot be changed here. Contact us to change it.";
    (s.item_count > 1).then(|| warn(by_hand, Help::Nothing))
}

fn past_due(s: &BillingState, may: &Entitlements) -> String {
    let until = s.trouble_since.map(|since| date(since + GRACE)).unwrap_or_default();
    match may.access {
        Access::Full => format!(
            "A payment did not go through. Everything works until {until}; after that your organisation is read-only."
        ),
        Access::ReadOnly => {
            "A payment is overdue, so your organisation is read-only until it is paid.".to_owned()
        }
    }
}

/// The invoice that is unpaid for longest, or the page for a new payment method where there is none.
fn pay(open: &[InvoiceRow]) -> Help {
    match open.iter().find(|invoice| invoice.is_payable()) {
        Some(invoice) => Help::Invoice { id: invoice.id.clone() },
        None => Help::Portal { flow: "payment_method", label: "Update payment method" },
    }
}

fn bad(text: impl Into<String>, help: Help) -> Banner {
    Banner { kind: "bad", text: text.into(), help }
}

fn warn(text: impl Into<String>, help: Help) -> Banner {
    Banner { kind: "warn", text: text.into(), help }
}
