//! One line of text as people type it, and instants as they read them.
use crate::db::At;
use time::macros::format_description;

/// Trimmed, one line, at most `max_chars` characters, with nothing that could forge a log line, a mail
/// header or the direction of the text around it.
pub fn line(typed: &str, max_chars: usize, missing: &str) -> Result<String, String> {
    let text = typed.trim();
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    if text.is_empty() {
        Err(missing.to_owned())
    } else if text.chars().count() > max_chars {
        Err(format!("Use at most {max_chars} characters."))
    } else if text.chars().any(hidden) {
        Err("Use plain text on one line, without control characters.".into())
    } else {
        Ok(text.to_owned())
    }
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
    use super::{money, several};

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
