//! The durable queue: each job has a key and is done at least once, by any number of workers.
//!
//! A worker leases a job instead of locking it: if the worker dies, the lease ends and another takes the job, and
//! no connection is held while it works. A job enqueued again while it runs is run once more.
mod db;
mod job;
mod work;

pub use job::{Job, enqueue};
pub use work::{Done, Try, run};

use crate::{App, db::OrgId, error::Result};

/// The organisation that the job under way is about, in every log line of it from here on.
pub fn name_org(org: OrgId) {
    tracing::Span::current().record("org", tracing::field::display(org));
}

/// How many jobs wait or run, and how many are dead, for `/metrics`.
pub async fn counts(app: &App) -> Result<(i64, i64)> {
    Ok(db::counts(&app.db).await?)
}

/// Queues the jobs that repeat, at the first start.
pub async fn begin_schedules(app: &App) -> Result<()> {
    // Not at once, so that they do not compete with the start itself.
    let soon = app.clock.now() + time::Duration::seconds(30);
    for job in [Job::Reconcile, Job::FullPass, Job::Tidy] {
        db::begin(&app.db, &job.key(), soon).await?;
    }
    Ok(())
}
