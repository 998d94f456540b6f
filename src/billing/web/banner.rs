//! The banners of the billing page: each problem with the one action that solves it.
use crate::{
    billing::{Access, BillingState, Entitlements, GRACE, InvoiceRow},
    words::{date, money, several},
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
    /// Takes back the change that is scheduled.
    KeepPresentPlan,
    Nothing,
}

impl Banner {
    /// All that needs somebody's attention, the most urgent first. `invoices` are those that wait for a payment.
    pub fn all(s: &BillingState, may: &Entitlements, members: i64, invoices: &[InvoiceRow]) -> Vec<Self> {
        let several = (s.live_subscriptions > 1).then(|| {
            let text = "There are two subscriptions, so you may be paying twice. Please contact support.";
            bad(text, Help::Nothing)
        });
        let all = [
            several,
            of_status(s, may, invoices),
            s.unknown_price.then(|| warn(UNKNOWN_PRICE, Help::Nothing)),
            debt(s, invoices),
            of_method(s),
            of_seats(may, members),
            of_end(s),
            s.scheduled_change.as_ref().map(|change| {
                warn(format!("Your plan changes to {}.", change.text()), Help::KeepPresentPlan)
            }),
        ];
        all.into_iter().flatten().collect()
    }
}

const UNKNOWN_PRICE: &str = "We could not match your subscription to one of our plans. Your organisation keeps what it had, and our support team is looking into it.";

/// What Stripe's status asks for.
fn of_status(s: &BillingState, may: &Entitlements, invoices: &[InvoiceRow]) -> Option<Banner> {
    match s.status.as_deref()? {
        "past_due" | "incomplete" if s.processing => None,
        "past_due" => Some(bad(past_due(s, may), pay(s, invoices))),
        "unpaid" => Some(bad(
            "You have unpaid invoices, so your organisation is read-only until they are paid.",
            pay(s, invoices),
        )),
        "incomplete" => Some(warn("The first payment is not complete.", pay(s, invoices))),
        "paused" => {
            let text = "Your plan is paused. You are not charged, and the Free plan’s limits apply.";
            Some(warn(text, Help::Portal { flow: "resume", label: "Resume" }))
        }
        _ => None,
    }
}

/// An open invoice of a subscription that is gone.
fn debt(s: &BillingState, invoices: &[InvoiceRow]) -> Option<Banner> {
    let owed = invoices.iter().find(|it| {
        it.is_payable() && it.subscription_id.is_some() && it.subscription_id != s.subscription_id
    })?;
    let amount = money(owed.amount_remaining, &owed.currency);
    let text = format!("An earlier invoice of {amount} has not been paid.");
    Some(warn(text, pay_this(owed)))
}

/// A trial that nothing can be charged for at its end.
fn of_method(s: &BillingState) -> Option<Banner> {
    let lacks = s.status.as_deref() == Some("trialing") && s.payment_method.is_none() && !s.invoiced;
    let ends = s.trial_end.filter(|_| lacks && s.cancel_at.is_none()).map(date)?;
    let text = format!("Your trial ends on {ends} and there is no payment method.");
    Some(warn(text, Help::Portal { flow: "payment_method", label: "Add a payment method" }))
}

/// More members than paid seats: somebody lowered the quantity in the portal, which stands.
fn of_seats(may: &Entitlements, members: i64) -> Option<Banner> {
    let seats = may.seats().filter(|seats| *seats < members)?;
    let (people, paid) = (several(members, "member"), several(seats, "seat"));
    let text = format!("You have {people} but pay for {paid}. Nobody loses access; please add seats.");
    Some(warn(text, Help::Portal { flow: "change_plan", label: "Add seats" }))
}

fn of_end(s: &BillingState) -> Option<Banner> {
    let ends = s.cancel_at.filter(|_| matches!(s.status.as_deref(), Some("active" | "trialing")))?;
    let text = format!("Your plan ends on {}.", date(ends));
    Some(warn(text, Help::Portal { flow: "resume", label: "Keep the plan" }))
}

fn past_due(s: &BillingState, may: &Entitlements) -> String {
    let until = s.trouble_since.map(|since| date(since + GRACE)).unwrap_or_default();
    match may.access {
        Access::Full if s.invoiced => format!(
            "An invoice is overdue. Everything works until {until}; after that your organisation is read-only."
        ),
        Access::Full => format!(
            "A payment did not go through. Everything works until {until}; after that your organisation is read-only."
        ),
        Access::ReadOnly => {
            "A payment is overdue, so your organisation is read-only until it is paid.".to_owned()
        }
    }
}

/// The unpaid invoice, or the page for a new payment method where there is none.
fn pay(s: &BillingState, invoices: &[InvoiceRow]) -> Help {
    let ours = invoices.iter().find(|it| it.is_payable() && it.subscription_id == s.subscription_id);
    match ours.map(pay_this) {
        Some(help) => help,
        None if s.invoiced => Help::Nothing,
        None => Help::Portal { flow: "payment_method", label: "Update payment method" },
    }
}

fn pay_this(invoice: &InvoiceRow) -> Help {
    Help::Invoice { id: invoice.id.clone() }
}

fn bad(text: impl Into<String>, help: Help) -> Banner {
    Banner { kind: "bad", text: text.into(), help }
}

fn warn(text: impl Into<String>, help: Help) -> Banner {
    Banner { kind: "warn", text: text.into(), help }
}
