//! SQL of who had a trial.
use crate::{
    billing::plans::Plan,
    db::{At, AttemptId, Exec, OrgId, Result, UserId},
    sql,
};

/// Whether this person has started a trial.
pub async fn person_had_trial(on: impl Exec<'_>, person: UserId) -> Result<bool> {
    let found = sql!(on, "select user_id from trials where user_id = $1", person);
    Ok(found.optional::<(UserId,)>().await?.is_some())
}

/// Who began this attempt to buy, if it is the organisation's.
pub async fn person_of_attempt(
    on: impl Exec<'_>,
    org: OrgId,
    attempt: AttemptId,
) -> Result<Option<(UserId,)>> {
    sql!(on, "select user_id from checkout_attempts where org_id = $1 and id = $2", org, attempt)
        .optional()
        .await
}

/// Sessions in which this person could begin a trial of another organisation: the plan of each, and its id.
pub async fn open_sessions_of(
    on: impl Exec<'_>,
    person: UserId,
    but_for: OrgId,
    now: At,
) -> Result<Vec<(Plan, String)>> {
    sql!(
        on,
        "select plan, session_id from checkout_attempts
         where user_id = $1 and state = 'open' and org_id <> $2 and session_id is not null and expires_at > $3",
        person,
        but_for,
        now
    )
    .all()
    .await
}

/// The first trial of a person counts. Whoever is gone is left out.
pub async fn insert_trial(on: impl Exec<'_>, person: UserId, now: At) -> Result<u64> {
    sql!(
        on,
        "insert into trials (user_id, started_at) select id, $2 from users where id = $1
         on conflict (user_id) do nothing",
        person,
        now
    )
    .execute()
    .await
}
