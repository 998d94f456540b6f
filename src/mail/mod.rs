//! Mail: what is said, an outbox that says it once, and SMTP or, in development, a mailbox to look at.
mod db;
mod message;
mod smtp;
pub mod web;

pub use db::MailRow;
pub use message::{Message, Place};
pub use smtp::Smtp;

use crate::{
    App,
    db::{At, OrgTx},
    error::{Error, Result},
};

/// Into the outbox, in the transaction of what it tells. False if the same key was written before.
pub async fn write(
    tx: &mut OrgTx<'_>,
    key: &str,
    to: &str,
    message: &Message,
    place: Place<'_>,
    now: At,
) -> Result<bool> {
    let letter = message.letter(place)?;
    Ok(db::insert(tx, key, to, &letter, now).await?)
}

/// Sends one of the outbox. Without SMTP it is sent by being there: the mailbox shows it.
pub async fn deliver(app: &App, key: &str) -> Result<()> {
    let Some(mail) = db::unsent(&app.db, key).await? else { return Ok(()) };
    match &app.smtp {
        Some(smtp) => smtp.send(&mail).await?,
        None if app.config.production => return Err(Error::broken("SMTP_URL is not set, so mails wait")),
        None => {}
    }
    Ok(db::set_sent(&app.db, key, app.billing_now()).await.map(drop)?)
}

/// The newest, for the development mailbox.
pub async fn newest(app: &App) -> Result<Vec<MailRow>> {
    Ok(db::newest(&app.db).await?)
}
