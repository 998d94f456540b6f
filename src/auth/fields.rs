//! What people type about themselves, checked once.
use crate::{brand, words};
use zxcvbn::{Score, feedback::Feedback, zxcvbn};

/// Bytes; more is refused before hashing (a 1 MB password is an attack, a 64-character one is not).
pub const LONGEST: usize = 1024;
/// Characters, where the password is the only factor (NIST 800-63B-4).
const SHORTEST: usize = 15;
/// Characters, beside a second factor. NIST allows 8.
const SHORTEST_WITH_FACTOR: usize = 12;

/// Characters that a new password needs.
pub fn shortest(has_second_factor: bool) -> usize {
    if has_second_factor { SHORTEST_WITH_FACTOR } else { SHORTEST }
}

/// An address as we keep it: trimmed and in lower case, so that one mailbox is one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    pub fn parse(typed: &str) -> Result<Self, String> {
        let email = normalised(typed);
        let plain =
            !email.chars().any(|c| c.is_whitespace() || c.is_control() || "<>()[],;:\\\"".contains(c));
        let shaped = email.rsplit_once('@').is_some_and(|(_, domain)| is_domain(domain));
        match (email.is_empty(), plain && shaped && email.len() <= 254 && is_address(&email)) {
            (true, _) => Err("Enter your e-mail address.".into()),
            (_, false) => Err("Enter an e-mail address like name@example.com.".into()),
            (_, true) => Ok(Email(email)),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

pub fn normalised(typed: &str) -> String {
    typed.trim().to_lowercase()
}

/// Whether mail can be sent to it: read as `mail/smtp.rs` reads it. An address with letters beyond ASCII before
/// the `@` needs a relay with SMTPUTF8, which few have.
fn is_address(text: &str) -> bool {
    let parsed = text.parse::<lettre::message::Mailbox>();
    parsed.is_ok_and(|mailbox| mailbox.name.is_none() && mailbox.email.user().is_ascii())
}

/// A name that can have a mail server: at least two labels, and no address of numbers.
fn is_domain(domain: &str) -> bool {
    let is_label =
        |label: &str| (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-');
    let last = domain.rsplit_once('.').map(|(_, last)| last);
    domain.split('.').all(is_label) && last.is_some_and(|last| last.contains(|c: char| !c.is_ascii_digit()))
}

/// A password somebody wants to start using. Kept byte for byte.
#[derive(Clone)]
pub struct NewPassword(String);

impl NewPassword {
    /// `words` are those an attacker would try first: name, address, organisation.
    pub fn parse(typed: &str, words: &[&str], has_second_factor: bool) -> Result<Self, String> {
        let shortest = shortest(has_second_factor);
        if typed.chars().count() < shortest {
            return Err(format!("Use at least {shortest} characters. A few unrelated words work well."));
        }
        if typed.len() > LONGEST {
            return Err(format!("Use at most {LONGEST} bytes."));
        }
        match advice(typed, words) {
            Some(advice) => Err(format!("This is too easy to guess. {advice}")),
            None => Ok(NewPassword(typed.to_owned())),
        }
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Passphrases that everybody has read somewhere, which zxcvbn takes for unrelated words.
const FAMOUS: &[&str] =
    &["correcthorsebatterystaple", "thequickbrownfoxjumpsoverthelazydog", "tobeornottobe"];

/// What is wrong with a password that would be guessed. zxcvbn's 3 of 4 is "safely unguessable" where tries
/// are limited, as ours are. Spaces between words count for nothing, and neither do the person's own words.
fn advice(password: &str, words: &[&str]) -> Option<String> {
    let lower = password.to_lowercase();
    let said: Vec<String> =
        words.iter().flat_map(|w| w.split(|c: char| !c.is_alphanumeric())).map(str::to_lowercase).collect();
    let own: Vec<&str> = said.iter().map(String::as_str).filter(|word| word.chars().count() >= 4).collect();
    let known = [&own[..], &[brand::SLUG], FAMOUS].concat();
    let joined: String = password.chars().filter(|c| !c.is_whitespace() && !"-_.,".contains(*c)).collect();
    for written in [password, &joined] {
        let strength = zxcvbn(written, &known);
        if strength.score() < Score::Three {
            return Some(strength.feedback().map(in_words).unwrap_or_default());
        }
    }
    let rest = [&own[..], &[brand::SLUG, "password"]]
        .concat()
        .iter()
        .fold(lower, |rest, word| rest.replace(word, ""));
    let left: std::collections::HashSet<char> = rest.chars().filter(|c| c.is_alphanumeric()).collect();
    (left.len() < 4).then(|| "Besides your name, your address or ours there is little in it.".to_owned())
}

fn in_words(feedback: &Feedback) -> String {
    let warning = feedback.warning().map(|it| it.to_string());
    warning
        .into_iter()
        .chain(feedback.suggestions().iter().map(ToString::to_string))
        .collect::<Vec<_>>()
        .join(" ")
}

/// A person's name.
pub fn person_name(typed: &str) -> Result<String, String> {
    words::line(typed, 100, "Enter your name.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mailbox_is_one_account() {
        assert_eq!(Email::parse(" Olivia@Example.COM "), Email::parse("olivia@example.com"));
    }

    #[test]
    fn an_address_that_could_smuggle_a_header_is_refused() {
        for bad in [
            "",
            "olivia",
            "@example.com",
            "a@b",
            "a@b..c",
            "a@b.c\r\nBcc: x@y.z",
            "a b@c.de",
            "a@-b.c",
            "<a@b.cd>",
            "a@b@c.de",
        ] {
            assert!(Email::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_address_that_no_mail_reaches_is_refused() {
        let long = format!("a@{}.com", "b".repeat(64));
        for bad in [
            "a..b@example.com",
            ".a@example.com",
            "a.@example.com",
            "a@example..com",
            "a@example.com.",
            "a@192.0.2.1",
            "jürgen@example.com",
            &long,
        ] {
            assert!(Email::parse(bad).is_err(), "{bad:?}");
        }
        for good in ["a.b+c@mail.example.com", "o'hara@example.co.uk", "a_b@xn--bcher-kva.example", "1@2.de"]
        {
            assert!(Email::parse(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn long_passwords_that_many_people_have_are_refused() {
        for common in [
            "passwordpassword",
            "password12345678",
            "Password123456789",
            "P@ssw0rdP@ssw0rd",
            "passw0rd12345678",
            "1234567890123456",
            "123123123123123",
            "qwertyuiopasdfgh",
            "qwertyuiop123456",
            "qwerty1234567890",
            "asdfghjklasdfghjkl",
            "1q2w3e4r5t6y7u8i",
            "1qaz2wsx3edc4rfv",
            "qazwsxedcrfvtgb",
            "abcdefghijklmnop",
            "abc123abc123abc123",
            "aaaaaaaaaaaaaaaa",
            "iloveyouiloveyou",
            "iloveyou12345678",
            "letmeinletmein12",
            "welcome123456789",
            "administrator123",
            "trustno1trustno1",
            "football12345678",
            "sunshine12345678",
            "correcthorsebatterystaple",
            "correct horse battery staple",
            &[brand::SLUG; 3].join(" "),
        ] {
            assert!(NewPassword::parse(common, &[], false).is_err(), "{common}");
        }
    }

    #[test]
    fn a_refused_password_comes_with_advice() {
        let Err(said) = NewPassword::parse("iloveyouiloveyou", &[], false) else { panic!("it is common") };

        assert!(said.starts_with("This is too easy to guess. ") && said.contains("words"), "{said}");
    }

    #[test]
    fn a_password_is_long_and_not_the_obvious() {
        let words = ["Olivia Owner", "olivia@acme-anvils.com", "Acme Anvils"];
        for good in
            ["a few unrelated words", "пароль из четырёх слов", crate::demo::PASSWORD, "aB3$xxxxxxxxxxx!?"]
        {
            assert!(NewPassword::parse(good, &words, false).is_ok(), "{good}");
        }
        for bad in [
            "fourteen chars",
            "aaaaaaaaaaaaaaaaaaaa",
            "passwordpassword",
            "olivia owner anvils",
            "12345678901234567890",
        ] {
            assert!(NewPassword::parse(bad, &words, false).is_err(), "{bad}");
        }
        assert!(NewPassword::parse(&"wörter ".repeat(200), &words, false).is_err());
    }

    #[test]
    fn beside_a_second_factor_a_password_may_be_shorter_and_not_easier() {
        assert!(NewPassword::parse("vexed lamp 9", &[], true).is_ok());
        assert!(NewPassword::parse("vexed lamp 9", &[], false).is_err());
        assert!(NewPassword::parse("vexed lamp9", &[], true).is_err(), "eleven characters");
        assert!(NewPassword::parse("password1234", &[], true).is_err());
    }
}
