//! What people type about themselves, checked once.
use crate::{brand, words};

/// Bytes; more is refused before hashing (a 1 MB password is an attack, a 64-character one is not).
pub const LONGEST: usize = 1024;
/// Characters, where the password is the only factor (NIST 800-63B-4).
const SHORTEST: usize = 15;

/// An address as we keep it: trimmed and in lower case, so that one mailbox is one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    pub fn parse(typed: &str) -> Result<Self, String> {
        let email = normalised(typed);
        let plain =
            !email.chars().any(|c| c.is_whitespace() || c.is_control() || "<>()[],;:\\\"".contains(c));
        let shaped = email.rsplit_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && local.len() <= 64
                && !local.contains('@')
                && domain.contains('.')
                && is_domain(domain)
        });
        match (email.is_empty(), plain && shaped && email.len() <= 254) {
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

fn is_domain(domain: &str) -> bool {
    domain.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
}

/// A password somebody wants to start using. Kept byte for byte.
#[derive(Clone)]
pub struct NewPassword(String);

impl NewPassword {
    /// `words` are those an attacker would try first: name, address, organisation.
    pub fn parse(typed: &str, words: &[&str]) -> Result<Self, String> {
        if typed.chars().count() < SHORTEST {
            return Err(format!("Use at least {SHORTEST} characters. A few unrelated words work well."));
        }
        if typed.len() > LONGEST {
            return Err(format!("Use at most {LONGEST} bytes."));
        }
        if is_guessable(&typed.to_lowercase(), words) {
            return Err(
                "This is too easy to guess: it is repetitive, or made of your name, your address or ours."
                    .into(),
            );
        }
        Ok(NewPassword(typed.to_owned()))
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Fewer than five different characters, or fewer than six left after taking out the obvious.
fn is_guessable(password: &str, words: &[&str]) -> bool {
    let different: std::collections::HashSet<char> = password.chars().collect();
    let obvious = [
        brand::SLUG,
        "password",
        "qwertyuiop",
        "1234567890",
        "0123456789",
        "abcdefghij",
        "letmein",
        "welcome",
    ];
    let mut rest = password.to_owned();
    let said: Vec<String> =
        words.iter().flat_map(|w| w.split(|c: char| !c.is_alphanumeric())).map(str::to_lowercase).collect();
    for word in said.iter().map(String::as_str).filter(|w| w.chars().count() >= 4).chain(obvious) {
        rest = rest.replace(word, "");
    }
    different.len() < 5
        || rest.chars().filter(|c| c.is_alphanumeric()).collect::<std::collections::HashSet<_>>().len() < 4
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
    fn a_password_is_long_and_not_the_obvious() {
        let words = ["Olivia Owner", "olivia@acme-anvils.com", "Acme Anvils"];
        for good in
            ["a few unrelated words", "пароль из четырёх слов", crate::demo::PASSWORD, "aB3$xxxxxxxxxxx!?"]
        {
            assert!(NewPassword::parse(good, &words).is_ok(), "{good}");
        }
        for bad in [
            "fourteen chars",
            "aaaaaaaaaaaaaaaaaaaa",
            "passwordpassword",
            "olivia owner anvils",
            "12345678901234567890",
        ] {
            assert!(NewPassword::parse(bad, &words).is_err(), "{bad}");
        }
        assert!(NewPassword::parse(&"wörter ".repeat(200), &words).is_err());
    }
}
