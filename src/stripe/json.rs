//! JSON that others wrote, made into text that we can keep.
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::borrow::Cow;

/// No text of Stripe's is longer.
const TEXT_CHARACTERS: usize = 5000;
/// The replacement character, as long as what it replaces.
const REPLACEMENT: &[u8] = b"\\ufffd";

/// Reads an answer. Texts in it are cut to the length that Stripe's own have: they end in tables and on pages.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    let mut answer = serde_json::from_slice(&plain(body))?;
    cut(&mut answer);
    T::deserialize(answer)
}

fn cut(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some((end, _)) = text.char_indices().nth(TEXT_CHARACTERS) {
                text.truncate(end);
            }
        }
        Value::Array(all) => all.iter_mut().for_each(cut),
        Value::Object(all) => all.values_mut().for_each(cut),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

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
    use super::{TEXT_CHARACTERS, plain};
    use serde_json::Value;

    fn read(body: &str) -> String {
        super::read(body.as_bytes()).unwrap()
    }

    #[test]
    fn a_text_is_cut_wherever_it_stands_in_an_answer() {
        let (long, longest) = ("ä".repeat(TEXT_CHARACTERS + 1), "ä".repeat(TEXT_CHARACTERS));
        let body = serde_json::json!({ "data": [{ "status": long, "metadata": { "plan": longest } }] });

        let answer: Value = super::read(body.to_string().as_bytes()).unwrap();

        let kept = serde_json::json!({ "data": [{ "status": longest, "metadata": { "plan": longest } }] });
        assert_eq!(answer, kept);
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
