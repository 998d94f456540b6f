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
    pub text: String,
    pub at: String,
}

#[derive(Serialize)]
pub struct Sent {
    to: String,
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
        text: mail.text_body,
    });
    Ok(Page::ok(Mailbox { mails: mails.collect() }))
}

pub async fn mailbox_json(State(app): State<App>) -> Result<Json<Vec<Sent>>> {
    let mails = newest(&app).await?.into_iter().map(|mail| Sent {
        sent_at: mail.sent_at.unwrap_or(mail.created_at).unix(),
        to: mail.recipient,
        subject: mail.subject,
        text: mail.text_body,
        html: mail.html_body,
    });
    Ok(Json(mails.collect()))
}

async fn newest(app: &App) -> Result<Vec<MailRow>> {
    match app.config.production {
        true => Err(Error::NotFound),
        false => super::newest(app).await,
    }
}
