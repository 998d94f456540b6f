//! One line of text as people type it, and instants as they read them.
use crate::db::At;
use time::macros::format_description;

/// Trimmed, one line, at most `most` characters, with nothing that could forge a log line, a mail
/// header or the direction of the text around it.
pub fn line(typed: &str, most: usize, missing: &str) -> Result<String, String> {
    let text = typed.trim();
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    if text.is_empty() {
        Err(missing.to_owned())
    } else if text.chars().count() > most {
        Err(format!("Use at most {most} characters."))
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
