//! SQL of the queue.
use crate::{
    db::{At, Exec, LeaseId, Result},
    sql,
};

#[derive(sqlx::FromRow)]
pub struct Claimed {
    pub key: String,
    /// This hold of it, and no other.
    pub lease: LeaseId,
    pub round: i64,
    /// This one counted.
    pub tries: i64,
}

/// Queued once; asked for again while it waits it keeps its earlier time, while it runs it gets
/// another round.
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

/// Queued unless it is there already.
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

/// The next one that is due and nobody's, leased. Whoever held it before, and worked on past their
/// lease, has no say in it any more: what follows a job is written under the lease's own id.
pub async fn claim(on: impl Exec<'_>, now: At, until: At) -> Result<Option<Claimed>> {
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

/// Done, and nobody asked for another round meanwhile: 1. Else nothing.
pub async fn finish(on: impl Exec<'_>, it: &Claimed) -> Result<u64> {
    sql!(on, "delete from jobs where key = $1 and lease = $2 and round = $3", &*it.key, it.lease, it.round)
        .execute()
        .await
}

/// Still being worked on.
pub async fn renew(on: impl Exec<'_>, it: &Claimed, until: At) -> Result<u64> {
    sql!(on, "update jobs set leased_until = $3 where key = $1 and lease = $2", &*it.key, it.lease, until)
        .execute()
        .await
}

/// Not leased any more, and due at `at`; without an error the tries begin anew.
pub async fn release(on: impl Exec<'_>, it: &Claimed, at: At, error: Option<&str>) -> Result<u64> {
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

/// Given up, until somebody asks for it again; nothing if somebody has.
pub async fn dead_letter(on: impl Exec<'_>, it: &Claimed, error: &str) -> Result<u64> {
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

/// Alive and dead.
pub async fn counts(on: impl Exec<'_>) -> Result<(i64, i64)> {
    sql!(
        on,
        "select cast(coalesce(sum(case when dead then 0 else 1 end), 0) as bigint) as alive,
                cast(coalesce(sum(case when dead then 1 else 0 end), 0) as bigint) as dead_ones from jobs"
    )
    .one()
    .await
}
