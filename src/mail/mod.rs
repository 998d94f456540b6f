//! Mail: the messages, an outbox that sends each once, and SMTP or, in development, a mailbox to look at.
mod db;
mod letter;
mod message;
mod personal;
mod secret_link;
mod smtp;
pub mod web;

pub use db::MailRow;
pub use message::Message;
pub use personal::Personal;
pub use secret_link::{Seed, TOKEN};
pub use smtp::{Smtp, address_of, is_address};

use crate::{
    App,
    db::{At, OrgTx, Tx, UserId},
    error::{Error, Result},
    jobs::{self, Job},
};
use db::NewMail;
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
        let new = NewMail { key: &key, to: &address, mail: &mail, seed: None, person: None };
        if db::insert(tx.system(), new, now).await? {
            jobs::enqueue(tx.system(), &Job::Mail(key), app.clock.now()).await?;
        }
    }
    Ok(())
}

/// Puts a message to one person about their own account into the outbox and queues the sending. `seed` is that of
/// the token in its link, which then stands there as [`TOKEN`].
pub async fn enqueue_to_person(
    tx: &mut Tx,
    app: &App,
    (person, address): (UserId, &str),
    message: &Personal,
    seed: Option<&Seed>,
) -> Result<()> {
    let (mail, key) = (message.mail()?, format!("{}:{}", message.kind(), uuid::Uuid::now_v7()));
    let seed = seed.map(Seed::as_str);
    let new = NewMail { key: &key, to: address, mail: &mail, seed, person: Some(person) };
    db::insert(&mut *tx, new, app.billing_now()).await?;
    jobs::enqueue(tx, &Job::Mail(key), app.clock.now()).await
}

/// Sends one mail of the outbox. In development without SMTP, the mailbox is where it is sent to.
pub async fn deliver(app: &App, key: &str) -> Result<()> {
    let Some(mail) = db::unsent(&app.db, key).await? else { return Ok(()) };
    match &app.smtp {
        Some(smtp) => smtp.send(&mail.opened(app)).await?,
        None if app.config.production => {
            return Err(Error::broken("SMTP_URL is not set, so no mail is sent"));
        }
        None => {}
    }
    Ok(db::set_sent(&app.db, key, app.billing_now()).await.map(drop)?)
}

impl MailRow {
    /// With its link whole. Only for sending it, and for development's mailbox.
    fn opened(mut self, app: &App) -> Self {
        self.text_body = secret_link::with_token(app, &self.text_body, self.seed.as_deref());
        self.html_body = secret_link::with_token(app, &self.html_body, self.seed.as_deref());
        self
    }
}

/// How many mails there are, sent or not.
pub async fn count(app: &App) -> Result<i64> {
    Ok(db::count(&app.db).await?)
}

/// The newest mails, for the development mailbox.
pub async fn newest(app: &App) -> Result<Vec<MailRow>> {
    Ok(db::newest(&app.db).await?.into_iter().map(|mail| mail.opened(app)).collect())
}

/// What was mailed to a person, newest first. Links in it are not whole.
pub async fn of_person(app: &App, user: UserId, address: &str) -> Result<Vec<MailRow>> {
    Ok(db::of_person(&app.db, user, address).await?)
}

/// Deletes what was mailed to a person, also what is not sent yet.
pub async fn delete_of_person(tx: &mut Tx, user: UserId, address: &str) -> Result<()> {
    Ok(db::delete_of_person(tx, user, address).await.map(drop)?)
}

/// Deletes mails to people about themselves that were sent before then.
pub async fn forget_personal(app: &App, before: At) -> Result<()> {
    Ok(db::delete_personal(&app.db, before).await.map(drop)?)
}
