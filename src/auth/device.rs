//! A browser in which somebody has signed in before, as a long-lived signed cookie carries it.
use super::fields::normalised;
use sha2::{Digest, Sha256};

/// A family's computer, or one person's several accounts. Past it the one longest not used is forgotten.
const ACCOUNTS: usize = 5;

/// An id of its own, and the accounts that were signed in to here. It opens nothing: it only has tries
/// of its own (see tries.rs).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    id: String,
    /// Hashes: whoever finds the cookie learns no address from it.
    accounts: Vec<String>,
}

impl Device {
    /// From what [`Device::text`] wrote.
    pub fn read(text: &str) -> Self {
        let mut words = text.split(' ').map(str::to_owned);
        Self { id: words.next().unwrap_or_default(), accounts: words.take(ACCOUNTS).collect() }
    }

    pub fn text(&self) -> String {
        [std::slice::from_ref(&self.id), &self.accounts].concat().join(" ")
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether somebody has signed in to this account here.
    pub fn knows(&self, email: &str) -> bool {
        !self.id.is_empty() && self.accounts.contains(&account(email))
    }

    /// The same device after a sign-in.
    pub fn remembering(mut self, email: &str) -> Self {
        let account = account(email);
        if self.id.is_empty() {
            self.id = uuid::Uuid::now_v7().simple().to_string();
        }
        self.accounts.retain(|known| *known != account);
        self.accounts.insert(0, account);
        self.accounts.truncate(ACCOUNTS);
        self
    }
}

fn account(email: &str) -> String {
    let digest = Sha256::digest(format!("device:{}", normalised(email)));
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_knows_the_last_five_that_signed_in_on_it() {
        let nobodys = Device::default();
        assert!(!nobodys.knows("0@acme.test") && !Device::read("").knows(""));

        let device = (0..6).fold(nobodys, |device, n| device.remembering(&format!("{n}@acme.test")));

        let device = Device::read(&device.text());
        assert!(device.knows("1@acme.test") && device.knows(" 5@ACME.test") && !device.knows("0@acme.test"));
        let again = device.clone().remembering("1@acme.test").remembering("6@acme.test");
        assert!(again.knows("1@acme.test") && !again.knows("2@acme.test"), "the one longest not used goes");
        assert_eq!(again.id(), device.id());
    }
}
