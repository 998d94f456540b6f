//! The messages to an organisation's people: subject, text and button of each.
use super::letter::{Letter, Mail};
use crate::error::Result;

#[derive(Clone, Debug)]
pub enum Message {
    Started {
        plan: String,
    },
    TrialEnding {
        plan: String,
        on: String,
        has_method: bool,
    },
    /// Its button leads to the invoice.
    PaymentFailed {
        amount: String,
    },
    /// An invoice that is sent, and was not paid when it was due. Its button leads there.
    InvoiceOverdue {
        amount: String,
        due: String,
    },
    ReadOnly,
    Recovered,
    /// `next`: amount and date of the next payment, if there is one before the end.
    WillEnd {
        plan: String,
        on: String,
        next: Option<String>,
    },
    /// `to`: the plan, how it is paid, and from when.
    WillChange {
        to: String,
    },
    GoesOn {
        plan: String,
    },
    Ended {
        plan: String,
    },
    /// `made`: what was in it, `5 notes` each.
    Deleted {
        by: String,
        made: Vec<String>,
    },
}

/// What a message is about and where its button leads.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The organisation's name; somebody may be in several.
    pub org: &'a str,
    pub link: &'a str,
}

/// What every message is made of.
struct Content {
    subject: String,
    paragraphs: Vec<String>,
    button: &'static str,
}

impl Message {
    /// Renders the message as HTML and as plain text.
    pub fn mail(&self, Context { org, link }: Context) -> Result<Mail> {
        let Content { subject, paragraphs, button } = self.content();
        let because = format!("of your role at {org}");
        let button = Some((button, link));
        Letter { kind: self.kind(), subject, paragraphs, button, because }.render()
    }

    /// What scripts tell it by.
    fn kind(&self) -> &'static str {
        match self {
            Message::Started { .. } => "plan_started",
            Message::TrialEnding { .. } => "trial_ending",
            Message::PaymentFailed { .. } => "payment_failed",
            Message::InvoiceOverdue { .. } => "invoice_overdue",
            Message::WillChange { .. } => "plan_will_change",
            Message::ReadOnly => "read_only",
            Message::Recovered => "payment_recovered",
            Message::WillEnd { .. } => "plan_will_end",
            Message::GoesOn { .. } => "plan_continues",
            Message::Ended { .. } => "plan_ended",
            Message::Deleted { .. } => "organisation_deleted",
        }
    }

    fn content(&self) -> Content {
        let (subject, paragraphs, button): (String, &[&str], _) = match self {
            Message::Started { plan } => (format!("Welcome to {plan}"), &[STARTED], MANAGE),
            Message::TrialEnding { plan, on, has_method } => (
                format!("Your {plan} trial ends on {on}"),
                if *has_method { &[TRIAL_WITH_METHOD] } else { &[TRIAL_WITHOUT_METHOD] },
                if *has_method { MANAGE } else { "Add a payment method" },
            ),
            Message::PaymentFailed { amount } => {
                (format!("A payment of {amount} did not go through"), &[FAILED, FAILED_LATER], "Pay now")
            }
            Message::InvoiceOverdue { amount, due } => (
                format!("An invoice of {amount} was due on {due}"),
                &[OVERDUE, FAILED_LATER],
                "Pay this invoice",
            ),
            Message::ReadOnly => ("Your organisation is now read-only".into(), &[READ_ONLY], "Pay now"),
            Message::Recovered => ("Your payment went through".into(), &[RECOVERED], MANAGE),
            Message::WillEnd { plan, on, next } => {
                let until_then = next.as_ref().map_or(WILL_END.to_owned(), |next| {
                    format!("Until then everything works as before. Payments continue until that day; the next one is {next}.")
                });
                let paragraphs = vec![until_then, CHANGE_YOUR_MIND.to_owned()];
                return Content {
                    subject: format!("Your {plan} plan ends on {on}"),
                    paragraphs,
                    button: "Keep the plan",
                };
            }
            Message::WillChange { to } => (format!("Your plan changes to {to}"), &[WILL_CHANGE], MANAGE),
            Message::GoesOn { plan } => (format!("Your {plan} plan continues"), &[GOES_ON], MANAGE),
            Message::Ended { plan } => (format!("Your {plan} plan has ended"), &[ENDED], "See the plans"),
            Message::Deleted { by, made } => {
                let paragraphs = vec![deleted(by, made), DELETED.to_owned()];
                let subject = "Your organisation was deleted".to_owned();
                return Content { subject, paragraphs, button: "Go to your account" };
            }
        };
        Content { subject, paragraphs: paragraphs.iter().map(|&text| text.to_owned()).collect(), button }
    }
}

/// `Olivia deleted it, with 5 notes and 1 file.`
fn deleted(by: &str, made: &[String]) -> String {
    match made {
        [] => format!("{by} deleted it."),
        [only] => format!("{by} deleted it, with {only}."),
        [others @ .., last] => format!("{by} deleted it, with {} and {last}.", others.join(", ")),
    }
}

const MANAGE: &str = "Go to billing";
const STARTED: &str = "Your plan is active. Our payment provider will send your receipts; everything else is on your billing page.";
const TRIAL_WITH_METHOD: &str = "Your payment method will be charged for the first time then. If you do not want to continue, cancel before that date and you pay nothing.";
const TRIAL_WITHOUT_METHOD: &str = "You have not added a payment method yet. Add one to keep your plan. Nothing you have made will be deleted either way.";
const FAILED: &str = "Everything still works. We will try again over the next few days; you can also pay now or use another payment method.";
const OVERDUE: &str = "Everything still works. Please pay the invoice; if you have paid it in the last few days, there is nothing more to do.";
const FAILED_LATER: &str =
    "If it is still unpaid after a week, your organisation will be read-only until it is paid.";
const READ_ONLY: &str = "A payment has been overdue for more than a week. You can still see everything, and it will all work again as soon as you pay.";
const RECOVERED: &str = "Thank you. Everything works as before.";
const WILL_END: &str = "Until then everything works as before, and you will not be charged again.";
const CHANGE_YOUR_MIND: &str = "You can change your mind at any time before that date.";
const WILL_CHANGE: &str = "Until then nothing changes. If you would rather keep your present plan, you can take the change back on your billing page.";
const GOES_ON: &str = "It is no longer set to end. Nothing else has changed.";
const ENDED: &str = "Your organisation is now on the Free plan. Nothing was deleted. You can still see what is above its limits; to add more, choose a plan.";
const DELETED: &str = "Its members no longer have access, and any subscription was cancelled, so nothing more will be charged. Your own account is not affected. If you did not expect this, ask the person who did it.";

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: Context =
        Context { org: "Acme & Sons", link: "https://app.example.com/orgs/acme/billing" };

    #[test]
    fn each_message_has_a_subject_of_one_line_and_its_link_in_both_forms() {
        let plan = || "Pro".to_owned();
        for message in [
            Message::Started { plan: plan() },
            Message::TrialEnding { plan: plan(), on: "1 January 2027".into(), has_method: false },
            Message::InvoiceOverdue { amount: "$29.00".into(), due: "1 January 2027".into() },
            Message::WillChange { to: "Pro, paid every month, on 1 January 2027".into() },
            Message::PaymentFailed { amount: "$29.00".into() },
            Message::ReadOnly,
            Message::Recovered,
            Message::WillEnd { plan: plan(), on: "1 January 2027".into(), next: None },
            Message::GoesOn { plan: plan() },
            Message::Ended { plan: plan() },
            Message::Deleted { by: "Olivia Owner".into(), made: vec!["5 notes".into()] },
        ] {
            let mail = message.mail(CONTEXT).unwrap();

            assert!(!mail.subject.is_empty() && !mail.subject.contains(['\r', '\n']), "{message:?}");
            assert!(mail.text.contains("https://app.example.com/orgs/acme/billing"), "{message:?}");
            assert!(mail.html.contains("https://app.example.com/orgs/acme/billing"), "{message:?}");
            assert!(mail.text.contains("at Acme & Sons."), "somebody may be in several: {}", mail.text);
            assert!(mail.html.contains("at Acme &#38; Sons."), "{}", mail.html);
        }
    }

    #[test]
    fn who_deleted_it_and_with_what_is_one_sentence() {
        let made = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();

        assert_eq!(deleted("Olivia", &[]), "Olivia deleted it.");
        assert_eq!(deleted("Olivia", &made(&["1 note"])), "Olivia deleted it, with 1 note.");
        assert_eq!(
            deleted("Olivia", &made(&["2 notes", "1 file", "4 forms"])),
            "Olivia deleted it, with 2 notes, 1 file and 4 forms."
        );
    }
}
