//! The workers: each claims a job, does it, and releases it for another try if it failed.
use super::{db, job::Job};
use crate::{
    App,
    db::{At, kept},
    error::{Error, Result},
};
use std::{convert::Infallible, time::Duration};
use time::Duration as Span;
use tokio::task::JoinSet;
use tracing::Instrument;

/// How many jobs one process works on at once.
const CONCURRENCY: usize = 4;
/// How long a lease lasts. A worker renews it while it works, however long the job takes; the job of a worker that
/// died is free again after this long.
const LEASE: Span = Span::seconds(15);
const RENEW: Duration = Duration::from_secs(5);
/// How often an idle worker looks for a job that another process queued: notifications stay within one process.
const POLL: Duration = Duration::from_millis(1000);
/// After this many failures in a row, spread over some eight hours, a job is dead-lettered. So many, because Stripe
/// or the mail server may be down for a night.
const TRIES: i64 = 60;
/// For a job under way when the program is told to stop. Then it is cut off and its lease released, so that another
/// worker need not wait for the lease to end.
const LAST_JOB: Duration = Duration::from_secs(5);
/// What is kept of why a job failed: a mail server, say, answers what it likes.
const ERROR_CHARACTERS: usize = 2000;

/// What happens to a job that succeeded.
pub enum Done {
    Finished,
    /// It runs again after this time: a schedule.
    Again(Span),
}

/// One try at a job.
pub struct Try {
    pub job: Job,
    /// If this one fails, the job is dead-lettered.
    pub is_last: bool,
}

/// Works on the queue until the program is told to stop. The job of a worker that is killed is taken up again when its
/// lease ends. `work` is what each job does: the queue knows no room.
pub async fn run<W, F>(app: App, work: W)
where
    W: Fn(App, Try) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Done>> + Send + 'static,
{
    let mut workers = JoinSet::new();
    for _ in 0..CONCURRENCY {
        workers.spawn(worker(app.clone(), work.clone()));
    }
    workers.join_all().await;
}

async fn worker<W, F>(app: App, work: W)
where
    W: Fn(App, Try) -> F + Send + Sync,
    F: Future<Output = Result<Done>> + Send,
{
    while !*app.stopping.borrow() {
        match step(&app, &work).await {
            Ok(true) => {}
            Ok(false) => tokio::select! {
                () = app.work_arrived.notified() => {}
                () = tokio::time::sleep(POLL) => {}
                () = told_to_stop(&app) => {}
            },
            Err(error) => {
                tracing::warn!(%error, "the job queue could not be read");
                tokio::time::sleep(POLL).await;
            }
        }
    }
}

async fn told_to_stop(app: &App) {
    app.stopping.subscribe().wait_for(|stopping| *stopping).await.ok();
}

/// Does one job, if one is due; true if so.
async fn step<F: Future<Output = Result<Done>>>(app: &App, work: &impl Fn(App, Try) -> F) -> Result<bool> {
    let now = app.clock.now();
    if !db::is_any_due(&app.db, now).await? {
        return Ok(false); // a read, so that idle workers do not wait for SQLite's one writer
    }
    let Some(claimed) = db::claim(&app.db, now, now + LEASE).await? else { return Ok(false) };
    let span = tracing::info_span!("job", key = claimed.key, org = tracing::field::Empty);
    do_one(app, work, &claimed).instrument(span).await.map(|()| true)
}

async fn do_one<F: Future<Output = Result<Done>>>(
    app: &App,
    work: &impl Fn(App, Try) -> F,
    claimed: &db::ClaimedJob,
) -> Result<()> {
    let is_last = claimed.tries >= TRIES;
    let outcome = match Job::parse(&claimed.key) {
        Some(job) => tokio::select! {
            outcome = work(app.clone(), Try { job, is_last }) => outcome,
            never = renew_lease(app, claimed) => match never {},
            () = out_of_time(app) => {
                tracing::info!("stopped in the middle of a job; it begins anew");
                return Ok(db::hand_back(&app.db, claimed).await.map(drop)?);
            }
        },
        None => Err(Error::broken("unknown job: a newer version queued it")),
    };
    let now = app.clock.now();
    match outcome {
        Ok(Done::Finished) if db::finish(&app.db, claimed).await? == 1 => {}
        Ok(Done::Finished) => drop(db::release(&app.db, claimed, now, None).await?),
        Ok(Done::Again(after)) => drop(db::release(&app.db, claimed, now + after, None).await?),
        Err(error) => retry_or_dead_letter(app, claimed, &error, now).await?,
    }
    Ok(())
}

/// Some time after the program was told to stop.
async fn out_of_time(app: &App) {
    told_to_stop(app).await;
    tokio::time::sleep(LAST_JOB).await;
}

/// Renews the lease for as long as it is polled.
async fn renew_lease(app: &App, claimed: &db::ClaimedJob) -> Infallible {
    loop {
        tokio::time::sleep(RENEW).await;
        if let Err(error) = db::renew(&app.db, claimed, app.clock.now() + LEASE).await {
            tracing::warn!(%error, "a lease could not be renewed");
        }
    }
}

/// Releases a failed job for another try, or dead-letters it after the last.
async fn retry_or_dead_letter(app: &App, claimed: &db::ClaimedJob, error: &Error, now: At) -> Result<()> {
    let dead = claimed.tries >= TRIES;
    let wait = pause(claimed.tries);
    tracing::warn!(tries = claimed.tries, dead, %error, "job failed");
    let error = kept(&error.to_string(), ERROR_CHARACTERS);
    // A job that was enqueued again while it ran is not dead-lettered: that round has not been tried yet.
    if !dead || db::dead_letter(&app.db, claimed, &error).await? == 0 {
        db::release(&app.db, claimed, now + wait, Some(&error)).await?;
    }
    Ok(())
}

/// Wait before the next try: 1 s, doubled each time up to 10 minutes, of which a random half, so that jobs that
/// failed together are not all tried again together.
fn pause(tries: i64) -> Span {
    let limit = f64::from(1u32 << tries.clamp(1, 11).saturating_sub(1)).min(600.0);
    let mut byte = [0];
    let chance = getrandom::fill(&mut byte).map_or(0.5, |()| f64::from(byte[0]) / 255.0);
    Span::seconds_f64(limit * (0.5 + chance / 2.0))
}
