//! The kinds of work that the queue knows, and how one is queued.
use super::db;
use crate::{
    db::{At, Exec, OrgId},
    error::Result,
};

/// A piece of work. Its key names it, so the same work is queued once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    /// Sync a Stripe customer's organisation and process the customer's events.
    Customer(String),
    /// Find out which customer an event is about.
    Event(String),
    /// Write to Stripe what an organisation is called and whom it bills.
    CustomerDetails(OrgId),
    /// Send a mail of the outbox.
    Mail(String),
    /// Mail a link to choose a new password with, if somebody has this address.
    ForgottenPassword(String),
    /// Make the seats of this organisation, and whom it bills, follow its members.
    Seats(OrgId),
    /// Look for webhook events that never arrived.
    Reconcile,
    /// Compare every organisation with Stripe.
    FullPass,
    /// Delete what is past its retention time.
    Tidy,
}

impl Job {
    /// The key in the queue.
    pub fn key(&self) -> String {
        match self {
            Job::Customer(id) => format!("customer:{id}"),
            Job::Event(id) => format!("event:{id}"),
            Job::CustomerDetails(org) => format!("details:{org}"),
            Job::Mail(key) => format!("mail:{key}"),
            Job::ForgottenPassword(email) => format!("forgotten-password:{email}"),
            Job::Seats(org) => format!("seats:{org}"),
            Job::Reconcile => "reconcile".into(),
            Job::FullPass => "full-pass".into(),
            Job::Tidy => "tidy".into(),
        }
    }

    /// The job of a key; None for a job of a newer version.
    pub fn parse(key: &str) -> Option<Self> {
        let (kind, rest) = key.split_once(':').unwrap_or((key, ""));
        Some(match kind {
            "customer" => Job::Customer(rest.into()),
            "event" => Job::Event(rest.into()),
            "details" => Job::CustomerDetails(OrgId(rest.parse().ok()?)),
            "mail" => Job::Mail(rest.into()),
            "forgotten-password" => Job::ForgottenPassword(rest.into()),
            "seats" => Job::Seats(OrgId(rest.parse().ok()?)),
            "reconcile" => Job::Reconcile,
            "full-pass" => Job::FullPass,
            "tidy" => Job::Tidy,
            _ => return None,
        })
    }
}

/// Queues a job in the caller's transaction, so that it exists if and only if what asked for it does.
pub async fn enqueue(on: impl Exec<'_>, job: &Job, at: At) -> Result<()> {
    Ok(db::enqueue(on, &job.key(), at).await.map(drop)?)
}

#[cfg(test)]
mod tests {
    use super::{Job, OrgId};

    #[test]
    fn a_job_is_found_by_its_name() {
        for job in [
            Job::Customer("cus_1".into()),
            Job::CustomerDetails(OrgId::new()),
            Job::Mail("ended:sub_1:5".into()),
            Job::Reconcile,
            Job::Tidy,
        ] {
            assert_eq!(Job::parse(&job.key()), Some(job));
        }
        assert_eq!(Job::parse("of_a_newer_version:1"), None);
    }
}
