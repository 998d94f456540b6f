//! Everything we write to people, a message each.
use crate::error::{Error, Result};
use askama::Template;

#[derive(Clone, Debug)]
pub enum Message {
    Started { plan: String },
    TrialEnding { plan: String, on: String, has_card: bool },
    PaymentFailed { amount: String, page: Option<String> },
    ReadOnly,
    Recovered,
    WillEnd { plan: String, on: String },
    GoesOn { plan: String },
    Ended { plan: String },
    Deleted { by: String },
}

/// What a letter is about and where its button leads.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The organisation as its people call it; somebody may be in several.
    pub org: &'a str,
    pub link: &'a str,
}

/// Ready to be sent.
#[derive(Clone, Debug)]
pub struct Letter {
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// What all of them are made of: a line of why, what it means, and one button.
struct Words {
    subject: String,
    paragraphs: Vec<String>,
    button: &'static str,
}

#[derive(Template)]
#[template(path = "mail/letter.html")]
struct Html<'a> {
    subject: &'a str,
    paragraphs: &'a [String],
    button: &'a str,
    link: &'a str,
    org: &'a str,
}

#[derive(Template)]
#[template(path = "mail/letter.txt")]
struct Text<'a> {
    paragraphs: &'a [String],
    button: &'a str,
    link: &'a str,
    org: &'a str,
}

impl Message {
    pub fn letter(&self, Place { org, link }: Place) -> Result<Letter> {
        let Words { subject, paragraphs, button } = self.words();
        // An open invoice has a page of its own, where it can be paid at once.
        let link = if let Message::PaymentFailed { page: Some(page), .. } = self { page } else { link };
        let html = Html { subject: &subject, paragraphs: &paragraphs, button, link, org }.render();
        let text = Text { paragraphs: &paragraphs, button, link, org }.render();
        Ok(Letter { text: text.map_err(Error::broken)?, html: html.map_err(Error::broken)?, subject })
    }

    fn words(&self) -> Words {
        let (subject, paragraphs, button): (String, &[&str], _) = match self {
            Message::Started { plan } => (format!("Welcome to {plan}"), &[STARTED], MANAGE),
            Message::TrialEnding { plan, on, has_card } => (
                format!("Your {plan} trial ends on {on}"),
                if *has_card { &[TRIAL_WITH_CARD] } else { &[TRIAL_WITHOUT_CARD] },
                if *has_card { MANAGE } else { "Add a card" },
            ),
            Message::PaymentFailed { amount, .. } => {
                (format!("A payment of {amount} did not go through"), &[FAILED, FAILED_LATER], "Pay now")
            }
            Message::ReadOnly => ("Your organisation can only be read now".into(), &[READ_ONLY], "Pay now"),
            Message::Recovered => ("Your payment went through".into(), &[RECOVERED], MANAGE),
            Message::WillEnd { plan, on } => {
                (format!("Your {plan} plan ends on {on}"), &[WILL_END], "Keep the plan")
            }
            Message::GoesOn { plan } => (format!("Your {plan} plan goes on"), &[GOES_ON], MANAGE),
            Message::Ended { plan } => (format!("Your {plan} plan has ended"), &[ENDED], "See the plans"),
            Message::Deleted { by } => {
                let paragraphs = vec![format!("{by} deleted it."), DELETED.to_owned()];
                let subject = "Your organisation was deleted".to_owned();
                return Words { subject, paragraphs, button: "Go to your account" };
            }
        };
        Words { subject, paragraphs: paragraphs.iter().map(|&text| text.to_owned()).collect(), button }
    }
}

const MANAGE: &str = "Open billing";
const STARTED: &str =
    "Your plan is active. Receipts come from our payment provider; everything else is on your billing page.";
const TRIAL_WITH_CARD: &str =
    "The first payment is taken then. If you do not want to go on, cancel before that and you pay nothing.";
const TRIAL_WITHOUT_CARD: &str =
    "There is no card yet. Add one to keep your plan; nothing you have made is deleted either way.";
const FAILED: &str =
    "Nothing is switched off yet. We try again over the next days; you can also pay now or use another card.";
const FAILED_LATER: &str =
    "If it is still open after a week, your organisation can be read but not changed until it is paid.";
const READ_ONLY: &str = "A payment has been missing for more than a week. Everything can still be seen, and works again as soon as it is paid.";
const RECOVERED: &str = "Thank you. Everything is as it was before.";
const WILL_END: &str = "Until then everything works as before, and nothing more is charged. You can change your mind at any time before that day.";
const GOES_ON: &str = "It will not end after all. Nothing else has changed.";
const ENDED: &str = "Your organisation is on the Free plan now. Nothing was deleted; what is above its limits can be seen, and added to again once you choose a plan.";
const DELETED: &str = "Its projects are gone, its members have no way in any more, and any subscription was cancelled, so nothing more is charged. Your own account stays. If you did not expect this, ask the person who did it.";

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { org: "Acme & Sons", link: "https://app.example.com/orgs/acme/billing" };

    #[test]
    fn each_message_has_a_subject_of_one_line_and_its_link_in_both_forms() {
        let plan = || "Pro".to_owned();
        for message in [
            Message::Started { plan: plan() },
            Message::TrialEnding { plan: plan(), on: "1 January 2027".into(), has_card: false },
            Message::PaymentFailed { amount: "$29.00".into(), page: None },
            Message::ReadOnly,
            Message::Recovered,
            Message::WillEnd { plan: plan(), on: "1 January 2027".into() },
            Message::GoesOn { plan: plan() },
            Message::Ended { plan: plan() },
            Message::Deleted { by: "Olivia Owner".into() },
        ] {
            let letter = message.letter(PLACE).unwrap();

            assert!(!letter.subject.is_empty() && !letter.subject.contains(['\r', '\n']), "{message:?}");
            assert!(letter.text.contains("https://app.example.com/orgs/acme/billing"), "{message:?}");
            assert!(letter.html.contains("https://app.example.com/orgs/acme/billing"), "{message:?}");
            assert!(letter.text.contains("at Acme & Sons."), "somebody may be in several: {}", letter.text);
            assert!(letter.html.contains("at Acme &#38; Sons."), "{}", letter.html);
        }
    }

    #[test]
    fn a_failed_payment_leads_to_the_invoice() {
        let page = Some("https://invoice.stripe.com/i/x".to_owned());
        let letter = Message::PaymentFailed { amount: "$1.00".into(), page }.letter(PLACE).unwrap();

        assert!(letter.text.contains("https://invoice.stripe.com/i/x"));
    }
}
