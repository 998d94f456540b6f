//! The development mailbox: the mails that were written. Not found in production.
use super::db::MailRow;
use crate::{
    App,
    error::{Error, Result},
    web::{Page, Query},
    words,
};
use askama::Template;
use axum::{
    Json,
    extract::State,
    http::header::CONTENT_SECURITY_POLICY,
    response::{Html, IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

/// Mails bring their own styles, and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "mail/mailbox.html")]
pub struct Mailbox {
    pub mails: Vec<Shown>,
}

pub struct Shown {
    /// Where it is shown as it would look.
    pub href: String,
    pub to: String,
    pub subject: String,
    pub lines: Vec<Line>,
    pub at: String,
}

/// A line of a mail's text.
pub enum Line {
    Text(String),
    /// A page of ours: from its slash on, and whole as it stands in the mail.
    Link {
        path: String,
        whole: String,
    },
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct One {
    key: String,
}

#[derive(Serialize)]
pub struct Sent {
    to: String,
    kind: String,
    subject: String,
    text: String,
    html: String,
    /// Unix seconds; for a mail that is not sent yet, when it was written.
    sent_at: i64,
}

pub async fn mailbox(State(app): State<App>) -> Result<Page<Mailbox>> {
    let mails = newest(&app).await?.into_iter().map(|mail| Shown {
        href: href(&mail.key),
        at: words::minute(mail.created_at),
        to: mail.recipient,
        subject: mail.subject,
        lines: mail.text_body.lines().map(|line| line_of(&app, line)).collect(),
    });
    Ok(Page::ok(Mailbox { mails: mails.collect() }))
}

pub async fn mailbox_json(State(app): State<App>) -> Result<Json<Vec<Sent>>> {
    let mails = newest(&app).await?.into_iter().map(|mail| Sent {
        sent_at: mail.sent_at.unwrap_or(mail.created_at).unix(),
        to: mail.recipient,
        kind: mail.kind,
        subject: mail.subject,
        text: mail.text_body,
        html: mail.html_body,
    });
    Ok(Json(mails.collect()))
}

/// One mail as a mail program shows it.
pub async fn mailbox_html(State(app): State<App>, Query(one): Query<One>) -> Result<Response> {
    let mail = newest(&app).await?.into_iter().find(|mail| mail.key == one.key).ok_or(Error::NotFound)?;
    Ok(([(CONTENT_SECURITY_POLICY, POLICY)], Html(mail.html_body)).into_response())
}

fn href(key: &str) -> String {
    format!("/dev/mailbox/html?{}", serde_urlencoded::to_string([("key", key)]).unwrap_or_default())
}

fn line_of(app: &App, line: &str) -> Line {
    match line.strip_prefix(app.url("").as_str()).filter(|path| path.starts_with('/')) {
        Some(path) => Line::Link { path: path.to_owned(), whole: line.to_owned() },
        None => Line::Text(line.to_owned()),
    }
}

async fn newest(app: &App) -> Result<Vec<MailRow>> {
    match app.config.production {
        true => Err(Error::NotFound),
        false => super::newest(app).await,
    }
}
