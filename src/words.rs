//! One line of text as people type it, and instants as they read them.
use crate::db::At;
use time::macros::format_description;

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

/// `1 seat`, `5 seats`.
pub fn several(count: i64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// `$29.00`, `€12.50`, `¥500`, `12.50 SEK`: as the currency has it.
pub fn money(minor: i64, currency: &str) -> String {
    const WHOLE: [&str; 7] = ["jpy", "krw", "vnd", "clp", "isk", "xof", "xaf"];
    const THOUSANDTHS: [&str; 5] = ["bhd", "jod", "kwd", "omr", "tnd"];
    let places = if WHOLE.contains(&currency) {
        0
    } else if THOUSANDTHS.contains(&currency) {
        3
    } else {
        2
    };
    let unit = 10_i64.pow(places);
    let (sign, whole, rest) = (if minor < 0 { "-" } else { "" }, minor.abs() / unit, minor.abs() % unit);
    let figure = match places {
        0 => whole.to_string(),
        places => format!("{whole}.{rest:0places$}", places = places as usize),
    };
    match currency {
        "usd" => format!("{sign}${figure}"),
        "eur" => format!("{sign}€{figure}"),
        "gbp" => format!("{sign}£{figure}"),
        "jpy" => format!("{sign}¥{figure}"),
        other => format!("{sign}{figure} {}", other.to_uppercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::{line, money};

    #[test]
    fn a_name_shows_something_on_one_line() {
        for blank in ["", "  ", "\u{200b}", "\u{200d}\u{2060}", "\u{3164}", "\u{2800} \u{2800}", "\u{e0041}"] {
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
            (-105, "eur", "-€1.05"),
            (500, "jpy", "¥500"),
            (12_345, "kwd", "12.345 KWD"),
            (99, "sek", "0.99 SEK"),
        ] {
            assert_eq!(money(minor, currency), written);
        }
    }
}
