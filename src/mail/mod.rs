//! Mail: what is said, an outbox that says it once, and SMTP or, in development, a mailbox to look at.
mod db;
mod message;
mod smtp;
pub mod web;

pub use db::MailRow;
pub use message::Message;
pub use smtp::Smtp;

use crate::{
    App,
    db::{At, OrgTx},
    error::{Error, Result},
    jobs::{self, Job},
};
use message::Place;

/// Writes to everybody (address and the organisation's name) into the outbox and queues it, in the
/// transaction of what it tells. The same reason never mails the same person twice.
pub async fn tell(
    tx: &mut OrgTx<'_>,
    app: &App,
    people: Vec<(String, String)>,
    reason: &str,
    message: &Message,
    link: &str,
    now: At,
) -> Result<()> {
    let org = tx.org();
    for (address, name) in people {
        let (key, letter) =
            (format!("{reason}:{org}:{address}"), message.letter(Place { org: &name, link })?);
        if db::insert(&mut *tx, &key, &address, &letter, now).await? {
            jobs::enqueue(&mut *tx, &Job::Mail(key), app.clock.now()).await?;
        }
    }
    Ok(())
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

/// How many there are, sent or not.
pub async fn count(app: &App) -> Result<i64> {
    Ok(db::count(&app.db).await?)
}

/// The newest, for the development mailbox.
pub async fn newest(app: &App) -> Result<Vec<MailRow>> {
    Ok(db::newest(&app.db).await?)
}
