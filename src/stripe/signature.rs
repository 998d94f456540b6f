//! Stripe's webhook signature, scheme v1: HMAC-SHA256 over `"{t}." + raw body`, keyed with the whole
//! secret, `whsec_` and all.
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// Seconds by which `t` may differ from our clock, either way.
const TOLERANCE: i64 = 300;
/// While a secret is rolled Stripe sends one for each; more is not Stripe.
const MOST_SIGNATURES: usize = 10;

/// Why a delivery is not verified; the two are different alarms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// Nobody who has a secret of ours signed this.
    Signature,
    /// `t` is too far off: somebody's clock is wrong, or it is a recording.
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

/// Whether the header alone could be Stripe's: it names a time near ours, and a signature. What fails
/// here fails in [`verify`] whatever the body is, so the body need not be read.
pub fn could_be_signed(header: &str, now: i64) -> Result<(), Rejected> {
    let (t, signatures) = parse(header).ok_or(Rejected::Signature)?;
    match (signatures.is_empty(), now.abs_diff(t) > TOLERANCE.unsigned_abs()) {
        (true, _) => Err(Rejected::Signature),
        (false, true) => Err(Rejected::Timestamp),
        (false, false) => Ok(()),
    }
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
        sign_body(secret, t, BODY)
    }

    fn sign_body(secret: &str, t: i64, body: &[u8]) -> String {
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        let mac = mac.chain_update(t.to_string()).chain_update(b".").chain_update(body);
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
    fn a_header_that_cannot_be_stripes_is_refused_without_its_body() {
        for header in ["", "t=1000", "v1=", "t=1000,v1=ab", "t=1000,v0=x", "t=-5,v1=x", "nonsense"] {
            assert_eq!(could_be_signed(header, 1000), Err(Rejected::Signature), "{header}");
        }
        let header = format!("t=1000,v1={}", "0".repeat(64));
        assert_eq!(could_be_signed(&header, 1300), Ok(()));
        assert_eq!(could_be_signed(&header, 1301), Err(Rejected::Timestamp));
        assert_eq!(could_be_signed(&header, 699), Err(Rejected::Timestamp));
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

        /// Whatever was signed is verified, beside whatever else the header says.
        #[test]
        fn what_was_signed_is_believed(body: Vec<u8>, t in 0..4_000_000_000i64, off in -300..=300i64,
            before in "(v0=[0-9a-f]{0,64},|v1=[0-9a-f]{64},|x=y,){0,4}", which in 0..2usize) {
            let signature = sign_body(["whsec_new", "whsec_old"][which], t, &body);
            let header = format!("{before}t={t},v1={signature}");
            proptest::prop_assert_eq!(could_be_signed(&header, t + off), Ok(()));
            proptest::prop_assert_eq!(verify(&header, &body, &secrets(), t + off), Ok(which));
        }

        /// One byte of the body another, one more or one less: not what was signed.
        #[test]
        fn a_changed_body_is_not_believed(body in proptest::collection::vec(0u8.., 1..200), at: usize, bit in 0..8u32, how in 0..3) {
            let header = format!("t=1000,v1={}", sign_body("whsec_new", 1000, &body));
            let (mut changed, at) = (body.clone(), at % body.len());
            match how {
                0 => changed[at] ^= 1 << bit,
                1 => changed.insert(at, body[at].wrapping_add(1)),
                _ => { changed.pop(); }
            }
            proptest::prop_assert_eq!(verify(&header, &changed, &secrets(), 1000), Err(Rejected::Signature));
        }

        /// A changed header is verified only where it still says the same: time and signature, in any case.
        #[test]
        fn a_changed_header_is_believed_only_if_it_says_the_same(at: usize, to in "[ -~]", how in 0..3) {
            let signature = sign("whsec_new", 1000);
            let header = format!("t=1000,v1={signature}");
            let at = at % header.len();
            let changed = match how {
                0 => format!("{}{to}{}", &header[..at], &header[at + 1..]),
                1 => format!("{}{to}{}", &header[..at], &header[at..]),
                _ => format!("{}{}", &header[..at], &header[at + 1..]),
            };
            if verify(&changed, BODY, &secrets(), 1000).is_ok() {
                let (t, signatures) = parse(&changed).unwrap();
                proptest::prop_assert_eq!(t, 1000);
                proptest::prop_assert!(signatures.contains(&unhex(&signature).unwrap()), "{}", changed);
            }
        }

        /// Whoever has another secret, or none, or says another time.
        #[test]
        fn another_secret_or_time_is_not_believed(secret in "[ -~]{1,40}", t in 0..4_000_000_000i64, said in 0..4_000_000_000i64) {
            proptest::prop_assume!(!["whsec_new", "whsec_old"].contains(&secret.as_str()));
            let forged = format!("t={t},v1={}", sign(&secret, t));
            proptest::prop_assert_eq!(verify(&forged, BODY, &secrets(), t), Err(Rejected::Signature));
            proptest::prop_assume!(said != t);
            let moved = format!("t={said},v1={}", sign("whsec_new", t));
            proptest::prop_assert_eq!(verify(&moved, BODY, &secrets(), said), Err(Rejected::Signature));
        }
    }
}
