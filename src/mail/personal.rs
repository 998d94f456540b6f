//! The messages to one person about their own account.
use super::letter::{Letter, Mail};
use crate::{brand, error::Result};

/// What is said, with the whole address of its button where it has one.
#[derive(Clone, Debug)]
pub enum Personal {
    /// To the address somebody signed up with.
    ConfirmAddress {
        link: String,
    },
    /// To the address that an account is to have. It says nothing that whoever asked could write.
    ConfirmNewAddress {
        link: String,
    },
    ResetPassword {
        link: String,
    },
    /// After a change of address was undone: whoever changed it may know the password.
    SecureAccount {
        link: String,
    },
    PasswordChanged {
        link: String,
        at: String,
        by_link: bool,
    },
    /// To the old address.
    AddressChanged {
        link: String,
        new: String,
    },
    NewDevice {
        link: String,
        browser: String,
        ip: String,
        at: String,
    },
    AccountDeleted,
}

impl Personal {
    /// What scripts tell it by. What confirms an address is one kind, whichever address it is.
    pub fn kind(&self) -> &'static str {
        match self {
            Personal::ConfirmAddress { .. } | Personal::ConfirmNewAddress { .. } => "confirm_address",
            Personal::ResetPassword { .. } | Personal::SecureAccount { .. } => "reset_password",
            Personal::PasswordChanged { .. } => "password_changed",
            Personal::AddressChanged { .. } => "address_changed",
            Personal::NewDevice { .. } => "new_device",
            Personal::AccountDeleted => "account_deleted",
        }
    }

    /// Renders the message as HTML and as plain text.
    pub fn mail(&self) -> Result<Mail> {
        let (subject, paragraphs, button) = self.content();
        let because = match self {
            Personal::AccountDeleted => format!("this address belonged to an account at {}", brand::NAME),
            Personal::ConfirmNewAddress { .. } => "somebody entered this address".to_owned(),
            Personal::AddressChanged { .. } => "this was the address of the account".to_owned(),
            _ => "this is the address of the account".to_owned(),
        };
        Letter { kind: self.kind(), subject, paragraphs, button, because }.render()
    }

    fn content(&self) -> (String, Vec<String>, Option<(&str, &str)>) {
        let product = brand::NAME;
        match self {
            Personal::ConfirmAddress { link } => (
                format!("Confirm your e-mail address for {product}"),
                vec![CONFIRM.into(), CONFIRM_NOT_ME.into()],
                Some(("Confirm address", link)),
            ),
            Personal::ConfirmNewAddress { link } => (
                format!("Confirm your new e-mail address for {product}"),
                vec![
                    format!(
                        "Somebody wants to use this address for their account at {product}. {CONFIRM_NEW}"
                    ),
                    CONFIRM_NEW_NOT_ME.into(),
                ],
                Some(("Confirm address", link)),
            ),
            Personal::ResetPassword { link } => (
                format!("Reset your {product} password"),
                vec![RESET.into(), RESET_NOT_ME.into()],
                Some(("Choose a new password", link)),
            ),
            Personal::SecureAccount { link } => (
                format!("Choose a new {product} password"),
                vec![SECURE.into(), SECURE_HOW.into()],
                Some(("Choose a new password", link)),
            ),
            Personal::PasswordChanged { link, at, by_link } => (
                format!("Your {product} password was changed"),
                vec![password_changed(at, *by_link), NOT_ME_RESET.into()],
                Some(("Reset the password", link)),
            ),
            Personal::AddressChanged { link, new } => (
                format!("The e-mail address of your {product} account was changed"),
                vec![format!("The account now uses {new}. {ADDRESS_CHANGED}"), UNDO.into()],
                Some(("Undo the change", link)),
            ),
            Personal::NewDevice { link, browser, ip, at } => (
                format!("New sign-in to your {product} account"),
                vec![
                    format!("Somebody signed in on {at} with {browser}, from {ip}. {NEW_DEVICE}"),
                    NEW_DEVICE_NOT_ME.into(),
                ],
                Some(("See where you are signed in", link)),
            ),
            Personal::AccountDeleted => (
                format!("Your {product} account was deleted"),
                vec![ACCOUNT_DELETED.into(), ACCOUNT_DELETED_NOT_ME.into()],
                None,
            ),
        }
    }
}

fn password_changed(at: &str, by_link: bool) -> String {
    match by_link {
        true => format!("It was reset on {at} with a link sent to this address. Everybody was signed out."),
        false => format!("It was changed on {at} by somebody who was signed in and knew the old one."),
    }
}

const CONFIRM: &str = "Please confirm that this is your address. The link works for 24 hours.";
const CONFIRM_NOT_ME: &str = "If you did not sign up, do not confirm. You can take the account over and close it: choose “Forgot your password?” on the sign-in page.";
const CONFIRM_NEW: &str = "Confirm it, and it replaces the old one. The link works for 30 minutes.";
const CONFIRM_NEW_NOT_ME: &str = "If this was not you, do not confirm, and nothing changes.";
const RESET: &str = "Somebody, we hope you, asked for a new password. The link works once, for 30 minutes. When you use it, you are signed out everywhere.";
const RESET_NOT_ME: &str = "If it was not you, you need not do anything. Your password stays as it is.";
const SECURE: &str = "The change of your e-mail address was undone, and everybody was signed out. Whoever changed it may know your password, so choose a new one now.";
const SECURE_HOW: &str =
    "The link works once, for 30 minutes. After that, use “Forgot your password?” on the sign-in page.";
const NOT_ME_RESET: &str = "If this was not you, reset the password now. That ends all sessions.";
const ADDRESS_CHANGED: &str =
    "Mail about it no longer goes to you, and billing cannot be changed with it for 72 hours.";
const UNDO: &str = "If this was not you, undo it within 72 hours. Everybody is signed out, and you can choose a new password.";
const NEW_DEVICE: &str = "We have not seen this browser before.";
const NEW_DEVICE_NOT_ME: &str =
    "If it was you, you need not do anything. If not, end that session and change your password.";
const ACCOUNT_DELETED: &str = "Your name, your address, your sign-ins and your memberships are deleted. Organisations that you were in still exist.";
const ACCOUNT_DELETED_NOT_ME: &str = "If you did not do this, answer this mail soon.";

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "https://app.example.com/undo/{token}";

    fn all() -> Vec<Personal> {
        let (link, at) = (|| LINK.to_owned(), || "24 November 2026, 16:44 UTC".to_owned());
        vec![
            Personal::ConfirmAddress { link: link() },
            Personal::ConfirmNewAddress { link: link() },
            Personal::ResetPassword { link: link() },
            Personal::SecureAccount { link: link() },
            Personal::PasswordChanged { link: link(), at: at(), by_link: true },
            Personal::AddressChanged { link: link(), new: "o'<b>@acme.test".into() },
            Personal::NewDevice {
                link: link(),
                browser: "Firefox on Linux".into(),
                ip: "192.0.2.1".into(),
                at: at(),
            },
            Personal::AccountDeleted,
        ]
    }

    #[test]
    fn each_message_has_its_link_once_and_in_the_text_on_a_line_of_its_own() {
        for message in all() {
            let mail = message.mail().unwrap();

            let links = if matches!(message, Personal::AccountDeleted) { 0 } else { 1 };
            assert_eq!(mail.text.lines().filter(|line| *line == LINK).count(), links, "{}", mail.text);
            assert_eq!(
                (mail.text.matches("https://").count(), mail.html.matches(LINK).count()),
                (links, links)
            );
            assert!(!mail.subject.contains(['\r', '\n']) && mail.text.ends_with('.'), "{}", mail.text);
        }
    }

    #[test]
    fn an_address_cannot_become_markup() {
        let mail = all()[5].mail().unwrap();

        assert!(mail.html.contains("&#60;b&#62;@acme.test") && mail.text.contains("<b>@acme.test"));
    }
}
