//! JSON that others wrote, made into text that we can keep.
use std::borrow::Cow;

/// The replacement character, as long as what it replaces.
const REPLACEMENT: &[u8] = b"\\ufffd";

/// Escapes that are JSON and yet no text of ours are replaced: NUL, which Postgres refuses, and halves of
/// surrogate pairs, for which a parser refuses all that stands around them.
pub fn plain(body: &[u8]) -> Cow<'_, [u8]> {
    let mut body = Cow::Borrowed(body);
    let mut at = 0;
    while let Some(found) = body[at..].iter().position(|byte| *byte == b'\\') {
        at += found;
        at += match escape(&body, at) {
            Some(0) | Some(0xdc00..=0xdfff) => replace(&mut body, at),
            Some(0xd800..=0xdbff) => match escape(&body, at + REPLACEMENT.len()) {
                Some(0xdc00..=0xdfff) => 2 * REPLACEMENT.len(),
                _ => replace(&mut body, at),
            },
            Some(_) => REPLACEMENT.len(),
            None => 2, // a backslash escapes one character, itself too
        };
        at = at.min(body.len());
    }
    body
}

fn replace(body: &mut Cow<'_, [u8]>, at: usize) -> usize {
    body.to_mut()[at..at + REPLACEMENT.len()].copy_from_slice(REPLACEMENT);
    REPLACEMENT.len()
}

/// The code unit of the `\uXXXX` that begins at `at`.
fn escape(body: &[u8], at: usize) -> Option<u32> {
    let digits = body.get(at..at + REPLACEMENT.len())?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |unit, digit| Some(unit * 16 + char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::plain;
    use serde_json::Value;

    fn read(body: &str) -> String {
        serde_json::from_slice(&plain(body.as_bytes())).unwrap()
    }

    #[test]
    fn what_cannot_be_kept_is_replaced_and_nothing_else() {
        for (sent, kept) in [
            (r#""a\u0000b""#, "a\u{fffd}b"),
            (r#""\ud800""#, "\u{fffd}"),
            (r#""\udc00x""#, "\u{fffd}x"),
            (r#""\ud800\ud83d\ude00""#, "\u{fffd}😀"),
            (r#""\\u0000""#, r"\u0000"),
            (r#""\n\u0041\uD83D\uDE00""#, "\nA😀"),
        ] {
            assert_eq!(read(sent), kept, "{sent}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_text_is_written_with_whatever_escapes_it_is_read(units: Vec<u16>, tail in ".{0,20}") {
            let escaped: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let body = format!(r#""{escaped}""#);
            proptest::prop_assert!(!read(&body).contains('\0'));
            plain(format!("{escaped}\\{tail}").as_bytes());
        }

        #[test]
        fn text_that_can_be_kept_is_kept(text in "[^\0]{0,40}") {
            let body = Value::from(text.clone()).to_string();
            proptest::prop_assert_eq!(read(&body), text);
        }
    }
}
