//! The durable queue: work under a name, done at least once, by any number of workers.
//!
//! A lease, not a lock: a worker that dies is replaced when its lease ends, and nobody holds a
//! connection while working. Asking again while the work is under way asks for one more round.
mod db;
mod work;

pub use work::{Done, Try, run};

use crate::{
    App,
    db::{At, Exec},
    error::Result,
};

/// What there is to do. The name is the job's key, so the same work is queued once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    /// Fetch the truth about a Stripe customer and process their events.
    Customer(String),
    /// Find out whose event this is.
    Event(String),
    /// Send a mail of the outbox.
    Mail(String),
    /// Look for events that never came.
    Reconcile,
    /// Compare everybody with Stripe.
    FullPass,
    /// Forget what need not be kept.
    Tidy,
}

impl Job {
    pub fn key(&self) -> String {
        match self {
            Job::Customer(id) => format!("customer:{id}"),
            Job::Event(id) => format!("event:{id}"),
            Job::Mail(key) => format!("mail:{key}"),
            Job::Reconcile => "reconcile".into(),
            Job::FullPass => "full-pass".into(),
            Job::Tidy => "tidy".into(),
        }
    }

    pub fn parse(key: &str) -> Option<Self> {
        let (kind, rest) = key.split_once(':').unwrap_or((key, ""));
        Some(match kind {
            "customer" => Job::Customer(rest.into()),
            "event" => Job::Event(rest.into()),
            "mail" => Job::Mail(rest.into()),
            "reconcile" => Job::Reconcile,
            "full-pass" => Job::FullPass,
            "tidy" => Job::Tidy,
            _ => return None,
        })
    }
}

/// Queues it in the caller's transaction: it is there if and only if what asked for it is.
pub async fn enqueue(on: impl Exec<'_>, job: &Job, at: At) -> Result<()> {
    Ok(db::enqueue(on, &job.key(), at).await.map(drop)?)
}

/// Jobs that wait, and those given up, for whoever watches.
pub async fn counts(app: &App) -> Result<(i64, i64)> {
    Ok(db::counts(&app.db).await?)
}

/// Schedules that stand in the queue from the first start on.
pub async fn begin_schedules(app: &App) -> Result<()> {
    // Not at once: what arrives in the first moments needs nobody to look for it.
    let soon = app.clock.now() + time::Duration::seconds(30);
    for job in [Job::Reconcile, Job::FullPass, Job::Tidy] {
        db::begin(&app.db, &job.key(), soon).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Job;

    #[test]
    fn a_job_is_found_by_its_name() {
        for job in
            [Job::Customer("cus_1".into()), Job::Mail("ended:sub_1:5".into()), Job::Reconcile, Job::Tidy]
        {
            assert_eq!(Job::parse(&job.key()), Some(job));
        }
        assert_eq!(Job::parse("of_a_newer_version:1"), None);
    }
}
