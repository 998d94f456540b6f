//! How often a password may be tried. Nothing is refused by the account alone: whoever knows an address
//! could then lock its owner out.
use super::{Caller, Device, db};
use crate::{
    App,
    db::{Origin, Tx, UserId},
    error::{Error, Result},
};
use ipnet::IpNet;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use time::Duration;

/// So many at once, and the time in which one more is earned.
struct Quota {
    at_once: i32,
    every: Duration,
}

/// Of a device that has signed in to the account before.
const DEVICE: Quota = Quota { at_once: 20, every: Duration::seconds(6) };
/// Of everybody else in one network.
const NETWORK: Quota = Quota { at_once: 20, every: Duration::MINUTE };
/// Of all networks together. Past it nobody is refused, but each waits.
const STRANGERS: Quota = Quota { at_once: 100, every: Duration::seconds(36) };
const STRANGERS_WAIT: std::time::Duration = std::time::Duration::from_secs(2);

/// Of mails of one kind that somebody can ask for, to one address, whoever asks.
const ASKED_FOR: Quota = Quota { at_once: 3, every: Duration::HOUR };
/// Of mails that one person can send to addresses of others: to confirm that one is theirs.
const SENT_BY_ONE: Quota = Quota { at_once: 5, every: Duration::minutes(12) };
/// Of mails of one kind that tell somebody what happened.
const NEWS: Quota = Quota { at_once: 10, every: Duration::minutes(6) };

/// Takes one mail of a kind that can be asked for, or says when the next is due. Not inside a transaction: SQLite has
/// one writer.
pub async fn take_mail(app: &App, kind: &str, address: &str) -> Result<()> {
    take_if_on(app, &key("mail", kind, address), &ASKED_FOR).await
}

/// Takes one mail that a person sends to an address which may be somebody else's.
pub async fn take_mail_by(app: &App, person: UserId) -> Result<()> {
    take_if_on(app, &key("mail by", &person.to_string(), ""), &SENT_BY_ONE).await
}

/// Whether one more mail of a kind that tells what happened may be sent.
pub async fn may_tell(app: &App, kind: &str, address: &str) -> Result<bool> {
    match take_if_on(app, &key("news", kind, address), &NEWS).await {
        Err(Error::TooMany { .. }) => {
            tracing::warn!(kind, "mail_limit_reached");
            Ok(false)
        }
        taken => taken.map(|()| true),
    }
}

async fn take_if_on(app: &App, key: &str, quota: &Quota) -> Result<()> {
    if app.limits.are_on() { take(app, key, quota).await } else { Ok(()) }
}

/// Somebody about to show a password: the keys under which their tries are counted.
pub struct Attempt {
    /// None: the account was never signed in to on this device.
    device: Option<String>,
    network: String,
    strangers: String,
}

impl Attempt {
    pub fn on(email: &str, device: &Device, origin: &Origin) -> Self {
        Self {
            device: device.knows(email).then(|| key("device", device.id(), email)),
            network: key("network", &network(&origin.ip), email),
            strangers: key("strangers", "", email),
        }
    }

    pub fn caller(&self) -> Caller {
        if self.device.is_some() { Caller::KnownDevice } else { Caller::Stranger }
    }

    /// Takes a try, or says when the next is due. A known device is not counted with the others, so that
    /// the right password gets in there however many guess elsewhere.
    pub async fn take(&self, app: &App) -> Result<()> {
        if !app.limits.are_on() {
            return Ok(());
        }
        if let Some(device) = &self.device {
            return take(app, device, &DEVICE).await;
        }
        take(app, &self.network, &NETWORK).await?;
        if take(app, &self.strangers, &STRANGERS).await.is_err() {
            tokio::time::sleep(STRANGERS_WAIT).await;
        }
        Ok(())
    }

    /// The password was right, so those before it were typing errors. A device's stay counted: they are
    /// what bounds the sign-ins that one browser can make.
    pub async fn give_back(&self, tx: &mut Tx) -> Result<()> {
        Ok(db::forget_throttle(tx, &self.network).await.map(drop)?)
    }
}

async fn take(app: &App, key: &str, quota: &Quota) -> Result<()> {
    let now = app.clock.now().micros();
    let micros = |span: Duration| span.whole_microseconds() as i64;
    let (every, limit) = (micros(quota.every), micros(quota.every * quota.at_once));
    if db::take_from_throttle(&app.db, key, now, every, limit).await? {
        return Ok(());
    }
    Err(Error::TooMany { retry_after_seconds: quota.every.whole_seconds() as u64 })
}

/// A household or an office: a /24, and a /64 of IPv6, which one host has to itself.
fn network(ip: &str) -> String {
    let network = ip.parse().ok().and_then(|ip: IpAddr| {
        let bits = if ip.is_ipv4() { 24 } else { 64 };
        IpNet::new(ip, bits).ok()
    });
    network.map_or_else(String::new, |network| network.trunc().to_string())
}

/// Hashed: the table holds no addresses.
fn key(of: &str, whose: &str, email: &str) -> String {
    let digest = Sha256::digest(format!("{of}\n{whose}\n{email}"));
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::network;

    #[test]
    fn neighbours_share_their_tries() {
        assert_eq!(network("192.0.2.7"), network("192.0.2.250"));
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1"));
        assert_ne!(network("192.0.2.7"), network("192.0.3.7"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
    }
}
