//! Stripe's webhook signature, scheme v1: HMAC-SHA256 over `"{t}." + raw body`, keyed with the whole
//! secret, `whsec_` and all.
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// Seconds by which `t` may differ from our clock, either way.
const TOLERANCE: i64 = 300;
/// While a secret is rolled Stripe sends one for each; more is not Stripe.
const MOST_SIGNATURES: usize = 10;

/// Why a delivery is not believed; the two are different alarms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// Nobody who has a secret of ours signed this.
    Signature,
    /// Signed, but `t` is too far off: somebody's clock is wrong, or it is a recording.
    Timestamp,
}

impl Rejected {
    /// As metrics name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Rejected::Signature => "signature",
            Rejected::Timestamp => "timestamp",
        }
    }
}

/// Which of the secrets signed it. Any `v1` may match; other schemes are ignored, so that nobody can
/// choose a weaker one.
pub fn verify(header: &str, body: &[u8], secrets: &[SecretString], now: i64) -> Result<usize, Rejected> {
    let (t, signatures) = parse(header).ok_or(Rejected::Signature)?;
    let signed = |secret: &SecretString| {
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else { return false };
        let mac = mac.chain_update(t.to_string()).chain_update(b".").chain_update(body);
        // `verify_slice` compares in constant time.
        signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
    };
    let which = secrets.iter().position(signed).ok_or(Rejected::Signature)?;
    if now.abs_diff(t) > TOLERANCE.unsigned_abs() { Err(Rejected::Timestamp) } else { Ok(which) }
}

/// `t=1492774577,v1=<hex>,v1=<hex>,v0=…`
fn parse(header: &str) -> Option<(i64, Vec<Vec<u8>>)> {
    let (mut t, mut signatures) = (None, Vec::new());
    for part in header.split(',') {
        match part.trim().split_once('=')? {
            ("t", digits) if digits.bytes().all(|b| b.is_ascii_digit()) => t = digits.parse().ok(),
            ("t", _) => return None,
            ("v1", hex) if signatures.len() < MOST_SIGNATURES => signatures.extend(unhex(hex)),
            _ => {}
        }
    }
    Some((t?, signatures))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| char::from(b).to_digit(16).map(|d| d as u8);
    let pairs = text.as_bytes().chunks_exact(2);
    if text.len() != 64 {
        return None;
    }
    pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_1"}"#;

    fn sign(secret: &str, t: i64) -> String {
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        let mac = mac.chain_update(t.to_string()).chain_update(b".").chain_update(BODY);
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn secrets() -> Vec<SecretString> {
        vec!["whsec_new".into(), "whsec_old".into()]
    }

    #[test]
    fn any_secret_of_ours_and_any_v1_will_do() {
        let (new, old) = (sign("whsec_new", 1000), sign("whsec_old", 1000));
        for (header, which) in [
            (format!("t=1000,v1={new}"), 0),
            (format!("t=1000,v1={old}"), 1),
            (format!("t=1000,v1={},v1={old}", "0".repeat(64)), 1),
            (format!("t=1000,v0=x,v1={new}"), 0),
            (format!("t=1000, v1={new}"), 0),
        ] {
            assert_eq!(verify(&header, BODY, &secrets(), 1000), Ok(which), "{header}");
        }
    }

    #[test]
    fn a_forgery_and_a_wrong_clock_are_told_apart() {
        let new = sign("whsec_new", 1000);
        for header in [
            "",
            "t=1000",
            &format!("v1={new}"),
            &format!("t=1000,v0={new}"),
            &format!("t=1001,v1={new}"),
            "t=,v1=",
            "t=-5,v1=x",
        ] {
            assert_eq!(verify(header, BODY, &secrets(), 1000), Err(Rejected::Signature), "{header}");
        }
        let header = format!("t=1000,v1={new}");
        assert_eq!(verify(&header, BODY, &secrets(), 1300), Ok(0));
        assert_eq!(verify(&header, BODY, &secrets(), 1301), Err(Rejected::Timestamp));
        assert_eq!(verify(&header, BODY, &secrets(), 699), Err(Rejected::Timestamp));
        assert_eq!(verify(&header, b"another body", &secrets(), 1000), Err(Rejected::Signature));
        assert_eq!(verify(&header, BODY, &[], 1000), Err(Rejected::Signature));
    }

    proptest::proptest! {
        #[test]
        fn whatever_arrives_never_crashes_and_is_never_believed(header in ".{0,200}", body: Vec<u8>, now: i64) {
            proptest::prop_assert!(verify(&header, &body, &secrets(), now).is_err());
        }
    }
}
