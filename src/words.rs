//! One line of text as people type it, and instants and amounts as they read them.
use crate::db::At;
use icu_decimal::{DecimalFormatter, input::Decimal};
use icu_locale_core::locale;
use time::{format_description::well_known::Rfc3339, macros::format_description};

/// Trimmed, one line, at most `max_chars` characters, something to see in it, and nothing that could forge
/// a log line, a mail header or the direction of the text around it.
pub fn line(typed: &str, max_chars: usize, missing: &str) -> Result<String, String> {
    let text = typed.trim();
    // U+2028 and U+2029 end a line, though they are no control characters.
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    if text.chars().all(is_invisible) {
        Err(missing.to_owned())
    } else if text.chars().count() > max_chars {
        Err(format!("Use at most {max_chars} characters."))
    } else if text.chars().any(hidden) {
        Err("Use plain text on one line, without control characters.".into())
    } else {
        Ok(text.to_owned())
    }
}

/// What shows nothing by itself: spaces, joiners, fillers, selectors (Unicode's Default_Ignorable_Code_Point
/// and the blank Braille pattern). Emoji and several scripts need joiners and selectors beside what shows.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// `24 November 2026`.
pub fn date(at: At) -> String {
    at.utc().format(format_description!("[day padding:none] [month repr:long] [year]")).unwrap_or_default()
}

/// `24 November 2026, 16:44 UTC`.
pub fn minute(at: At) -> String {
    at.utc()
        .format(format_description!("[day padding:none] [month repr:long] [year], [hour]:[minute] UTC"))
        .unwrap_or_default()
}

/// `2026-11-24T16:44:00Z`, for files that machines read too.
pub fn instant(at: At) -> String {
    at.utc().format(&Rfc3339).unwrap_or_default()
}

/// `1 seat`, `5 seats`.
pub fn several(count: i64, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {}", plural(one)) }
}

/// `seats`, `entries`, `boxes`: the regular plural of an English noun.
pub fn plural(one: &str) -> String {
    let before_y = one.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'i', 'o', 'u']));
    match before_y {
        Some(stem) => format!("{stem}ies"),
        None if ["s", "x", "z", "ch", "sh"].iter().any(|end| one.ends_with(end)) => format!("{one}es"),
        None => format!("{one}s"),
    }
}

/// `$1,800.00`, `€12.50`, `¥500`, `₹1,50,000.00`, `1,250.00 SEK`: English text, grouped as the currency's
/// own country does. `minor` is in Stripe's units; a currency without a symbol here has its code behind.
pub fn money(minor: i64, currency: &str) -> String {
    let code = currency.to_ascii_lowercase();
    let mut amount = Decimal::from(minor.unsigned_abs());
    amount.multiply_pow10(-decimals(&code));
    let locale = match code.as_str() {
        "inr" => locale!("en-IN"),
        "chf" => locale!("en-CH"),
        _ => locale!("en"),
    };
    let figure = DecimalFormatter::try_new(locale.into(), Default::default())
        .expect("the data of these three locales is compiled in")
        .format(&amount)
        .to_string();
    let sign = if minor < 0 { "-" } else { "" };
    let symbol = match code.as_str() {
        "usd" => "$",
        "eur" => "€",
        "gbp" => "£",
        "jpy" => "¥",
        "inr" => "₹",
        _ => return format!("{sign}{figure} {}", code.to_uppercase()),
    };
    format!("{sign}{symbol}{figure}")
}

/// How many of an amount's digits are decimals, in Stripe's API: ISO 4217, except that ISK and UGX keep
/// two that are always zero (<https://docs.stripe.com/currencies>).
fn decimals(code: &str) -> i16 {
    match code {
        "bif" | "clp" | "djf" | "gnf" | "jpy" | "kmf" | "krw" | "mga" | "pyg" | "rwf" | "vnd" | "vuv"
        | "xaf" | "xof" | "xpf" => 0,
        "bhd" | "jod" | "kwd" | "omr" | "tnd" => 3,
        _ => 2,
    }
}

/// A price as it is advertised: `$29`, and `$29.50` where the cents matter.
pub fn price(minor: i64, currency: &str) -> String {
    let zeros = match decimals(&currency.to_ascii_lowercase()) {
        3 => ".000",
        2 => ".00",
        _ => "",
    };
    money(minor, currency).replacen(zeros, "", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_of_a_thing_take_its_plural() {
        for (count, one, written) in [
            (1, "seat", "1 seat"),
            (0, "seat", "0 seats"),
            (2, "day", "2 days"),
            (2, "entry", "2 entries"),
            (2, "box", "2 boxes"),
        ] {
            assert_eq!(several(count, one), written);
        }
    }

    #[test]
    fn a_name_shows_something_on_one_line() {
        for blank in ["", "  ", "\u{200b}", "\u{200d}\u{2060}", "\u{3164}", "\u{2800} \u{2800}", "\u{e0041}"]
        {
            assert_eq!(line(blank, 60, "Enter a name."), Err("Enter a name.".into()), "{blank:?}");
        }
        for broken in ["Acme\u{2028}Anvils", "Acme\u{2029}Anvils", "Acme\u{85}Anvils", "a\u{202e}b"] {
            assert!(line(broken, 60, "").is_err(), "{broken:?}");
        }
        for good in ["👩‍👩‍👧 & Söhne", "می‌خواهم", "❤️", "한국"] {
            assert_eq!(line(good, 60, ""), Ok(good.into()));
        }
    }

    #[test]
    fn an_amount_is_written_as_its_currency_has_it() {
        for (minor, currency, written) in [
            (2_900, "usd", "$29.00"),
            (180_000, "usd", "$1,800.00"),
            (-105, "eur", "-€1.05"),
            (123_456_789, "eur", "€1,234,567.89"),
            (5, "gbp", "£0.05"),
            (0, "usd", "$0.00"),
            (1_500_000, "jpy", "¥1,500,000"),
            (15_000_000, "inr", "₹1,50,000.00"),
            (180_000, "chf", "1'800.00 CHF"),
            (12_345, "kwd", "12.345 KWD"),
            (500, "isk", "5.00 ISK"),
            (500, "xof", "500 XOF"),
            (-99, "sek", "-0.99 SEK"),
            (100, "USD", "$1.00"),
            (100, "zzz", "1.00 ZZZ"),
            (i64::MIN, "jpy", "-¥9,223,372,036,854,775,808"),
        ] {
            assert_eq!(money(minor, currency), written);
        }
    }

    #[test]
    fn a_price_has_cents_where_there_are_any() {
        for (minor, currency, written) in [
            (2_900, "usd", "$29"),
            (2_905, "usd", "$29.05"),
            (100_000, "eur", "€1,000"),
            (0, "eur", "€0"),
            (1_500, "jpy", "¥1,500"),
            (29_000, "kwd", "29 KWD"),
            (29_500, "sek", "295 SEK"),
        ] {
            assert_eq!(price(minor, currency), written);
        }
    }
}
