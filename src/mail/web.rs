//! The development mailbox: the mails that were written. Not found in production.
use super::db::MailRow;
use crate::{
    App,
    error::{Error, Result},
    web::Page,
    words,
};
use askama::Template;
use axum::{Json, extract::State};
use serde::Serialize;

#[derive(Template)]
#[template(path = "mail/mailbox.html")]
pub struct Mailbox {
    pub mails: Vec<Shown>,
}

pub struct Shown {
    pub to: String,
    pub subject: String,
    pub lines: Vec<Line>,
    pub at: String,
}

/// A line of a mail's text.
pub enum Line {
    Text(String),
    /// A page of ours, from its slash on.
    Link(String),
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

fn line_of(app: &App, line: &str) -> Line {
    match line.strip_prefix(app.url("").as_str()).filter(|path| path.starts_with('/')) {
        Some(path) => Line::Link(path.to_owned()),
        None => Line::Text(line.to_owned()),
    }
}

async fn newest(app: &App) -> Result<Vec<MailRow>> {
    match app.config.production {
        true => Err(Error::NotFound),
        false => super::newest(app).await,
    }
}
