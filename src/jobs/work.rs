//! The worker: claims, does, and puts back what did not go.
use super::{Job, db};
use crate::{
    App,
    db::At,
    error::{Error, Result},
};
use std::{convert::Infallible, time::Duration};
use time::Duration as Span;
use tokio::task::JoinSet;

/// How many jobs one process works on at once.
const CONCURRENCY: usize = 4;
/// A worker that died is replaced after that long; one that lives renews its lease while it works,
/// so that a full pass over thousands is still one worker's.
const LEASE: Span = Span::seconds(15);
const RENEW: Duration = Duration::from_secs(5);
/// Where nobody calls, somebody looks.
const POLL: Duration = Duration::from_millis(1000);
/// After that many failures in a row, spread over some eight hours, a job waits for a person: what
/// we need may be down for an hour, or a night, and nothing is given up because of that.
const TRIES: i64 = 60;

/// What a job that went well asks for.
pub enum Done {
    Finished,
    /// Once more, in that time: a schedule.
    Again(Span),
}

/// One try at a job.
pub struct Try {
    pub job: Job,
    /// After this one it is given up, should it fail.
    pub is_last: bool,
}

/// Works until the process ends; whatever is under way then comes back when its lease ends. What a
/// job means is the caller's: the queue knows no room.
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
    loop {
        match step(&app, &work).await {
            Ok(true) => {}
            Ok(false) => {
                tokio::time::timeout(POLL, app.work_arrived.notified()).await.ok();
            }
            Err(error) => {
                tracing::warn!(%error, "the queue");
                tokio::time::sleep(POLL).await;
            }
        }
    }
}

/// One job, if one is due.
async fn step<F: Future<Output = Result<Done>>>(app: &App, work: &impl Fn(App, Try) -> F) -> Result<bool> {
    let now = app.clock.now();
    if !db::is_any_due(&app.db, now).await? {
        return Ok(false); // looked up by a reader, so that idle workers do not queue for the one writer
    }
    let Some(claimed) = db::claim(&app.db, now, now + LEASE).await? else { return Ok(false) };
    let is_last = claimed.tries >= TRIES;
    let outcome = match Job::parse(&claimed.key) {
        Some(job) => tokio::select! {
            outcome = work(app.clone(), Try { job, is_last }) => outcome,
            never = renew_lease(app, &claimed) => match never {},
        },
        None => Err(Error::broken("a job of a newer version")),
    };
    let now = app.clock.now();
    match outcome {
        Ok(Done::Finished) if db::finish(&app.db, &claimed).await? == 1 => {}
        Ok(Done::Finished) => drop(db::release(&app.db, &claimed, now, None).await?),
        Ok(Done::Again(after)) => drop(db::release(&app.db, &claimed, now + after, None).await?),
        Err(error) => put_back(app, &claimed, &error, now).await?,
    }
    Ok(true)
}

/// Renews the lease for as long as it is polled.
async fn renew_lease(app: &App, claimed: &db::Claimed) -> Infallible {
    loop {
        tokio::time::sleep(RENEW).await;
        if let Err(error) = db::renew(&app.db, claimed, app.clock.now() + LEASE).await {
            tracing::warn!(key = claimed.key, %error, "a lease could not be renewed");
        }
    }
}

async fn put_back(app: &App, claimed: &db::Claimed, error: &Error, now: At) -> Result<()> {
    let dead = claimed.tries >= TRIES;
    let wait = pause(claimed.tries);
    tracing::warn!(job = claimed.key, tries = claimed.tries, dead, %error, "job failed");
    let error = error.to_string();
    // Who asked for another round meanwhile has not been tried yet, so that one is not given up.
    if !dead || db::dead_letter(&app.db, claimed, &error).await? == 0 {
        db::release(&app.db, claimed, now + wait, Some(&error)).await?;
    }
    Ok(())
}

/// 1 s, doubled each time up to 10 minutes, of which a random half: many that failed together do
/// not come back together.
fn pause(tries: i64) -> Span {
    let limit = f64::from(1u32 << tries.clamp(1, 11).saturating_sub(1)).min(600.0);
    let mut byte = [0];
    let chance = getrandom::fill(&mut byte).map_or(0.5, |()| f64::from(byte[0]) / 255.0);
    Span::seconds_f64(limit * (0.5 + chance / 2.0))
}
