//! SMTP, through lettre.
use super::db::MailRow;
use crate::error::{Error, Result};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, MultiPart},
};
use sha2::{Digest, Sha256};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(20);

pub struct Smtp {
    relay: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Smtp {
    /// `url` is `smtp://user:password@host:587?tls=required` or `smtps://…`. None if it or `from` is malformed, which
    /// the configuration refuses at the start.
    pub fn new(url: &str, from: &str) -> Option<Self> {
        let relay = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).ok()?.timeout(Some(TIMEOUT)).build();
        Some(Self { relay, from: from.parse().ok()? })
    }

    pub async fn send(&self, mail: &MailRow) -> Result<()> {
        let to: Mailbox = mail.recipient.parse().map_err(Error::broken)?;
        // Every try sends the same message id, so that a relay or a mail program can drop a second copy.
        let digest: String =
            Sha256::digest(&mail.key)[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(&mail.subject)
            .message_id(Some(format!("<{digest}@{}>", self.from.email.domain())))
            .multipart(MultiPart::alternative_plain_html(mail.text_body.clone(), mail.html_body.clone()))
            .map_err(Error::broken)?;
        self.relay.send(message).await.map(drop).map_err(Error::broken)
    }
}

/// Whether mail can be sent to it: read as the sending reads it. An address with letters beyond ASCII before
/// the `@` needs a relay with SMTPUTF8, which few have.
pub fn is_address(text: &str) -> bool {
    let parsed = text.parse::<Mailbox>();
    parsed.is_ok_and(|mailbox| mailbox.name.is_none() && mailbox.email.user().is_ascii())
}

/// The bare address of `Portico <portico@localhost>`.
pub fn address_of(from: &str) -> Option<String> {
    Some(from.parse::<Mailbox>().ok()?.email.to_string())
}
