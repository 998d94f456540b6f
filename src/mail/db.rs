//! SQL of the outbox.
use super::letter::Mail;
use crate::{
    db::{At, Exec, Result, UserId},
    sql,
};

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct MailRow {
    pub key: String,
    pub kind: String,
    pub recipient: String,
    pub subject: String,
    pub text_body: String,
    pub html_body: String,
    /// Of the token that its link needs.
    pub seed: Option<String>,
    pub created_at: At,
    pub sent_at: Option<At>,
}

/// A mail for the outbox.
pub struct NewMail<'a> {
    pub key: &'a str,
    pub to: &'a str,
    pub mail: &'a Mail,
    pub seed: Option<&'a str>,
    /// Whose own mail it is; None for one to an organisation's people.
    pub person: Option<UserId>,
}

/// False if there is a mail with this key already.
pub async fn insert(on: impl Exec<'_>, new: NewMail<'_>, now: At) -> Result<bool> {
    let NewMail { key, to, mail, seed, person } = new;
    let inserted = sql!(
        on,
        "insert into mails (key, kind, recipient, subject, text_body, html_body, seed, user_id, created_at, sent_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, null) on conflict (key) do nothing",
        key,
        mail.kind,
        to,
        mail.subject.clone(),
        mail.text.clone(),
        mail.html.clone(),
        seed,
        person,
        now
    )
    .execute()
    .await?;
    Ok(inserted == 1)
}

pub async fn unsent(on: impl Exec<'_>, key: &str) -> Result<Option<MailRow>> {
    sql!(
        on,
        "select key, kind, recipient, subject, text_body, html_body, seed, created_at, sent_at from mails
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
        "select key, kind, recipient, subject, text_body, html_body, seed, created_at, sent_at from mails
         order by created_at desc, key desc limit 100"
    )
    .all()
    .await
}

pub async fn count(on: impl Exec<'_>) -> Result<i64> {
    sql!(on, "select count(*) as mails from mails").scalar().await
}

/// Mails to a person about themselves, and to their address about an organisation; newest first.
pub async fn of_person(on: impl Exec<'_>, user: UserId, address: &str) -> Result<Vec<MailRow>> {
    sql!(
        on,
        "select key, kind, recipient, subject, text_body, html_body, seed, created_at, sent_at from mails
         where user_id = $1 or recipient = $2 order by created_at desc, key desc limit 10000",
        user,
        address
    )
    .all()
    .await
}

pub async fn delete_of_person(on: impl Exec<'_>, user: UserId, address: &str) -> Result<u64> {
    sql!(on, "delete from mails where user_id = $1 or recipient = $2", user, address).execute().await
}

/// Mails to people about themselves that were sent before then.
pub async fn delete_personal(on: impl Exec<'_>, before: At) -> Result<u64> {
    sql!(on, "delete from mails where user_id is not null and sent_at < $1", before).execute().await
}
