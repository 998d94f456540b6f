//! SQL of the outbox.
use super::message::Mail;
use crate::{
    db::{At, Exec, Result},
    sql,
};

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct MailRow {
    pub key: String,
    pub recipient: String,
    pub subject: String,
    pub text_body: String,
    pub html_body: String,
    pub created_at: At,
    pub sent_at: Option<At>,
}

/// False if there is a mail with this key already.
pub async fn insert(on: impl Exec<'_>, key: &str, to: &str, mail: &Mail, now: At) -> Result<bool> {
    let inserted = sql!(
        on,
        "insert into mails (key, recipient, subject, text_body, html_body, created_at, sent_at)
         values ($1, $2, $3, $4, $5, $6, null) on conflict (key) do nothing",
        key,
        to,
        mail.subject.clone(),
        mail.text.clone(),
        mail.html.clone(),
        now
    )
    .execute()
    .await?;
    Ok(inserted == 1)
}

pub async fn unsent(on: impl Exec<'_>, key: &str) -> Result<Option<MailRow>> {
    sql!(
        on,
        "select key, recipient, subject, text_body, html_body, created_at, sent_at from mails
         where key = $1 and sent_at is null",
        key
    )
    .optional()
    .await
}

pub async fn set_sent(on: impl Exec<'_>, key: &str, now: At) -> Result<u64> {
    sql!(on, "update mails set sent_at = $2 where key = $1", key, now).execute().await
}

pub async fn newest(on: impl Exec<'_>) -> Result<Vec<MailRow>> {
    sql!(
        on,
        "select key, recipient, subject, text_body, html_body, created_at, sent_at from mails
         order by created_at desc, key desc limit 100"
    )
    .all()
    .await
}

pub async fn count(on: impl Exec<'_>) -> Result<i64> {
    sql!(on, "select count(*) as mails from mails").scalar().await
}
