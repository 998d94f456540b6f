//! Mail: the messages, an outbox that sends each once, and SMTP or, in development, a mailbox to look at.
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
use message::Context;

/// Puts a message into the outbox for each recipient (address, and the organisation's name) and queues the sending,
/// in the transaction of what the message is about. The same `reason` never mails the same person twice.
pub async fn enqueue(
    tx: &mut OrgTx<'_>,
    app: &App,
    recipients: Vec<(String, String)>,
    reason: &str,
    message: &Message,
    link: &str,
    now: At,
) -> Result<()> {
    let org = tx.org();
    for (address, name) in recipients {
        let (key, mail) = (format!("{reason}:{org}:{address}"), message.mail(Context { org: &name, link })?);
        if db::insert(tx.system(), &key, &address, &mail, now).await? {
            jobs::enqueue(tx.system(), &Job::Mail(key), app.clock.now()).await?;
        }
    }
    Ok(())
}

/// Sends one mail of the outbox. In development without SMTP, the mailbox is where it is sent to.
pub async fn deliver(app: &App, key: &str) -> Result<()> {
    let Some(mail) = db::unsent(&app.db, key).await? else { return Ok(()) };
    match &app.smtp {
        Some(smtp) => smtp.send(&mail).await?,
        None if app.config.production => {
            return Err(Error::broken("SMTP_URL is not set, so no mail is sent"));
        }
        None => {}
    }
    Ok(db::set_sent(&app.db, key, app.billing_now()).await.map(drop)?)
}

/// How many mails there are, sent or not.
pub async fn count(app: &App) -> Result<i64> {
    Ok(db::count(&app.db).await?)
}

/// The newest mails, for the development mailbox.
pub async fn newest(app: &App) -> Result<Vec<MailRow>> {
    Ok(db::newest(&app.db).await?)
}
