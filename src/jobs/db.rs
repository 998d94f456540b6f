//! SQL of the queue.
use crate::{
    db::{At, Exec, LeaseId, Result},
    sql,
};

#[derive(sqlx::FromRow)]
pub struct ClaimedJob {
    pub key: String,
    /// The id of this claim.
    pub lease: LeaseId,
    /// Counts how often it was enqueued.
    pub round: i64,
    /// Failed tries in a row, and this one.
    pub tries: i64,
}

/// Queues a job. If it waits already it keeps the earlier time; if it runs, it runs once more afterwards.
pub async fn enqueue(on: impl Exec<'_>, key: &str, at: At) -> Result<u64> {
    sql!(
        on,
        "insert into jobs (key, run_at, leased_until, round, tries, dead, error) values ($1, $2, null, 1, 0, false, null)
         on conflict (key) do update set round = jobs.round + 1, dead = false, tries = 0,
           run_at = case when jobs.run_at > $2 then $2 else jobs.run_at end",
        key,
        at
    )
    .execute()
    .await
}

/// Queues a job unless it is queued already.
pub async fn begin(on: impl Exec<'_>, key: &str, at: At) -> Result<u64> {
    sql!(
        on,
        "insert into jobs (key, run_at, leased_until, round, tries, dead, error) values ($1, $2, null, 1, 0, false, null)
         on conflict (key) do nothing",
        key,
        at
    )
    .execute()
    .await
}

pub async fn is_any_due(on: impl Exec<'_>, now: At) -> Result<bool> {
    let due = sql!(
        on,
        "select key from jobs where dead = false and run_at <= $1 and (leased_until is null or leased_until < $1) limit 1",
        now
    );
    Ok(due.optional::<(String,)>().await?.is_some())
}

/// Leases the next job that is due. A worker whose lease ended can no longer change the job, because every later
/// statement names the id of the lease.
pub async fn claim(on: impl Exec<'_>, now: At, until: At) -> Result<Option<ClaimedJob>> {
    sql!(
        on,
        sqlite "update jobs set leased_until = $2, lease = $3, tries = tries + 1
                where key = (select key from jobs where dead = false and run_at <= $1
                             and (leased_until is null or leased_until < $1) order by run_at, key limit 1)
                returning key, lease, round, tries",
        postgres "update jobs set leased_until = $2, lease = $3, tries = tries + 1
                  where key = (select key from jobs where dead = false and run_at <= $1
                               and (leased_until is null or leased_until < $1) order by run_at, key limit 1
                               for update skip locked)
                  returning key, lease, round, tries",
        now,
        until,
        LeaseId::new()
    )
    .optional()
    .await
}

/// Deletes a finished job. 0 if it was enqueued again meanwhile, or the lease is lost.
pub async fn finish(on: impl Exec<'_>, it: &ClaimedJob) -> Result<u64> {
    sql!(on, "delete from jobs where key = $1 and lease = $2 and round = $3", &*it.key, it.lease, it.round)
        .execute()
        .await
}

/// Renews a lease.
pub async fn renew(on: impl Exec<'_>, it: &ClaimedJob, until: At) -> Result<u64> {
    sql!(on, "update jobs set leased_until = $3 where key = $1 and lease = $2", &*it.key, it.lease, until)
        .execute()
        .await
}

/// Ends a lease; the job is due again at `at`. Without an error the tries begin anew.
pub async fn release(on: impl Exec<'_>, it: &ClaimedJob, at: At, error: Option<&str>) -> Result<u64> {
    sql!(
        on,
        "update jobs set leased_until = null, lease = null, run_at = $3, error = $4,
           tries = case when cast($4 as text) is null then 0 else tries end
         where key = $1 and lease = $2",
        &*it.key,
        it.lease,
        at,
        error
    )
    .execute()
    .await
}

/// Ends the lease of a job that was not worked on to its end, as if it had not been claimed.
pub async fn hand_back(on: impl Exec<'_>, it: &ClaimedJob) -> Result<u64> {
    sql!(
        on,
        "update jobs set leased_until = null, lease = null, tries = tries - 1 where key = $1 and lease = $2",
        &*it.key,
        it.lease
    )
    .execute()
    .await
}

/// Dead-letters a job until it is enqueued again. 0 if it was enqueued again meanwhile.
pub async fn dead_letter(on: impl Exec<'_>, it: &ClaimedJob, error: &str) -> Result<u64> {
    sql!(
        on,
        "update jobs set leased_until = null, lease = null, dead = true, error = $4
         where key = $1 and lease = $2 and round = $3",
        &*it.key,
        it.lease,
        it.round,
        error
    )
    .execute()
    .await
}

/// How many jobs wait or run, and how many are dead.
pub async fn counts(on: impl Exec<'_>) -> Result<(i64, i64)> {
    sql!(
        on,
        "select cast(coalesce(sum(case when dead then 0 else 1 end), 0) as bigint) as alive,
                cast(coalesce(sum(case when dead then 1 else 0 end), 0) as bigint) as dead_ones from jobs"
    )
    .one()
    .await
}
