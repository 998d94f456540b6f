//! Signed values for cookies: HMAC-SHA256 under `APP_SECRET`, any listed secret verifies.
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// Signs and opens short values, each for one purpose.
pub struct Signer {
    keys: Vec<Hmac<Sha256>>,
}

impl Signer {
    /// The first secret signs; at least one is expected.
    pub fn new(secrets: &[SecretString]) -> Self {
        let key = |s: &SecretString| Hmac::new_from_slice(s.expose_secret().as_bytes()).ok();
        Self { keys: secrets.iter().filter_map(key).collect() }
    }

    pub fn seal(&self, purpose: &str, text: &str) -> String {
        let Some(key) = self.keys.first() else { return String::new() };
        let tag = tagged(key, purpose, text).finalize().into_bytes();
        format!("{}.{}", BASE64.encode(text), BASE64.encode(tag))
    }

    /// A secret for another purpose, the same as long as the first of ours is.
    pub fn derived(&self, prefix: &str, purpose: &str) -> String {
        let Some(key) = self.keys.first() else { return String::new() };
        let tag = tagged(key, "derived", purpose).finalize().into_bytes();
        tag.iter().fold(prefix.to_owned(), |text, byte| text + &format!("{byte:02x}"))
    }

    /// The text, if one of our secrets sealed it for this purpose. Compared in constant time.
    pub fn open(&self, purpose: &str, sealed: &str) -> Option<String> {
        let (text, tag) = sealed.split_once('.')?;
        let text = String::from_utf8(BASE64.decode(text).ok()?).ok()?;
        let tag = BASE64.decode(tag).ok()?;
        self.keys.iter().any(|key| tagged(key, purpose, &text).verify_slice(&tag).is_ok()).then_some(text)
    }
}

fn tagged(key: &Hmac<Sha256>, purpose: &str, text: &str) -> Hmac<Sha256> {
    key.clone().chain_update(purpose).chain_update([0]).chain_update(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_we_sealed_for_this_purpose_opens() {
        let old = Signer::new(&["an old secret, long enough to be one".into()]);
        let new = Signer::new(&[
            "a new secret, long enough to be one!".into(),
            "an old secret, long enough to be one".into(),
        ]);

        let sealed = old.seal("flash", "success:Grüße");

        assert_eq!(new.open("flash", &sealed).as_deref(), Some("success:Grüße"));
        assert_eq!(new.open("other", &sealed), None);
        assert_eq!(old.open("flash", &new.seal("flash", "x")), None);
        assert_eq!(new.open("flash", &format!("{}x", sealed)), None);
    }
}
