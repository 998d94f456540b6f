//! `Stripe-Signature`, scheme v1: what Stripe's own libraries verify.
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// `t=…,v1=…`, one `v1` for each secret, without spaces: Stripe's libraries stumble over those.
pub fn header(secrets: &[String], at: i64, body: &[u8]) -> String {
    let signed = secrets.iter().map(|secret| format!(",v1={}", v1(secret, at, body)));
    format!("t={at}{}", signed.collect::<String>())
}

/// The key is the whole secret, `whsec_` included.
fn v1(secret: &str, at: i64, body: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(format!("{at}.").as_bytes());
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::header;

    #[test]
    fn it_is_what_other_implementations_compute() {
        // printf '1492774577.{}' | openssl dgst -sha256 -hmac whsec_test
        let expected = "0d0602f6611bd2252dd4b74b58a4528355a7380639a15e6cc21e3059d56d5b8b";
        let old_and_new = ["whsec_test".to_owned(), "whsec_old".to_owned()];

        assert_eq!(header(&old_and_new[..1], 1_492_774_577, b"{}"), format!("t=1492774577,v1={expected}"));
        assert_eq!(header(&old_and_new, 1, b"{}").matches(",v1=").count(), 2);
    }
}
