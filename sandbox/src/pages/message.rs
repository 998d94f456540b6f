//! Pages that only say something: over, used, not there, and the bank's question.
use super::{html, page::Back};
use crate::{refusal::Refusal, reply::Reply};
use askama::Template;

#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    title: &'a str,
    text: &'a str,
    back: Option<Back>,
}

pub fn message(status: u16, title: &str, text: &str, back: Option<Back>) -> Reply {
    html(status, &Message { title, text, back }, &[])
}

pub fn not_found() -> Reply {
    message(404, "Nothing here", "There is no such page. The link may be incomplete.", None)
}

/// Something that cannot be shown or done at all.
pub fn refused(refusal: &Refusal, back: Option<Back>) -> Reply {
    match refusal.status {
        404 => not_found(),
        403 => message(403, "Not available", &refusal.message, back),
        status => message(status.max(400), "That did not work", &refusal.message, back),
    }
}

#[derive(Template)]
#[template(path = "bank.html")]
struct Bank<'a> {
    action: &'a str,
    what: &'a str,
}

/// 3-D Secure: the bank asks whether it is really the card's holder. `leads_to` as in `html`.
pub fn bank(action: &str, what: &str, leads_to: &[Option<&str>]) -> Reply {
    html(200, &Bank { action, what }, leads_to)
}
