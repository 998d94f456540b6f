//! The most urgent thing on the billing page, with the one action that puts it right.
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

/// The one action that helps.
pub enum Help {
    /// Into the portal, on the page of that flow.
    Portal {
        flow: &'static str,
        label: &'static str,
    },
    /// To the open invoice.
    Invoice {
        url: String,
    },
    Nothing,
}

impl Banner {
    pub fn of(s: &BillingState, may: &Entitlements, invoices: &[InvoiceRow]) -> Option<Self> {
        let pay = || pay(invoices);
        match s.status.as_deref()? {
            "past_due" => Some(bad(past_due(s, may), pay())),
            "unpaid" => Some(bad(
                "Invoices are open, so your organisation can only be read until they are paid.",
                pay(),
            )),
            "incomplete" => Some(warn("The first payment still needs you.", pay())),
            "paused" => {
                let text = "Your plan is paused. Nothing is charged, and the Free plan’s limits apply.";
                Some(warn(text, Help::Portal { flow: "resume", label: "Resume" }))
            }
            "active" | "trialing" => running(s),
            _ => None,
        }
    }

    /// More people than paid seats: somebody lowered the number at Stripe, and that stands.
    pub fn of_seats(may: &Entitlements, members: i64) -> Option<Self> {
        let seats = may.seats().filter(|seats| *seats < members)?;
        let (people, paid) = (several(members, "member"), several(seats, "seat"));
        let text = format!("There are {people} and {paid} paid for. Nobody is removed; please add seats.");
        Some(warn(text, Help::Portal { flow: "change_plan", label: "Add seats" }))
    }
}

/// Of a subscription that runs.
fn running(s: &BillingState) -> Option<Banner> {
    if s.live_subscriptions > 1 {
        let text = "There are two subscriptions. Please tell support: one of them is a mistake.";
        return Some(bad(text, Help::Nothing));
    }
    if let Some(ends) = s.cancel_at {
        let text = format!("Your plan ends on {}.", date(ends));
        return Some(warn(text, Help::Portal { flow: "resume", label: "Keep the plan" }));
    }
    if s.status.as_deref() == Some("trialing") && s.card_brand.is_none() {
        let text = format!(
            "Your trial ends on {} and there is no card yet.",
            s.trial_end.map(date).unwrap_or_default()
        );
        return Some(warn(text, Help::Portal { flow: "payment_method", label: "Add a card" }));
    }
    if s.collection_paused {
        return Some(warn("Payments are paused; your plan goes on.", Help::Nothing));
    }
    let by_hand = "This subscription was put together by hand, so it is changed by writing to us.";
    (s.item_count > 1).then(|| warn(by_hand, Help::Nothing))
}

fn past_due(s: &BillingState, may: &Entitlements) -> String {
    let until = s.trouble_since.map(|since| date(since + GRACE)).unwrap_or_default();
    match may.access {
        Access::Full => format!(
            "A payment did not go through. Everything works until {until}; then your organisation can only be read."
        ),
        Access::ReadOnly => {
            "A payment is missing, so your organisation can only be read until it is made.".to_owned()
        }
    }
}

/// The open invoice, or a new card where there is none to be paid.
fn pay(invoices: &[InvoiceRow]) -> Help {
    let open = invoices.iter().find(|invoice| invoice.status == "open" && invoice.amount_remaining > 0);
    match open.and_then(|invoice| invoice.page_url.clone()) {
        Some(url) => Help::Invoice { url },
        None => Help::Portal { flow: "payment_method", label: "Update card" },
    }
}

fn bad(text: impl Into<String>, help: Help) -> Banner {
    Banner { kind: "bad", text: text.into(), help }
}

fn warn(text: impl Into<String>, help: Help) -> Banner {
    Banner { kind: "warn", text: text.into(), help }
}
