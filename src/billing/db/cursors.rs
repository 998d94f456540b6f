//! SQL of cursors: the time up to which the reconciler has read Stripe's events.
use crate::{
    db::{At, Exec, Result},
    sql,
};

pub async fn cursor(on: impl Exec<'_>, name: &str) -> Result<Option<At>> {
    let found = sql!(on, "select at from cursors where name = $1", name).optional::<(At,)>();
    Ok(found.await?.map(|(at,)| at))
}

pub async fn set_cursor(on: impl Exec<'_>, name: &str, at: At) -> Result<u64> {
    sql!(
        on,
        "insert into cursors (name, at) values ($1, $2) on conflict (name) do update set at = $2",
        name,
        at
    )
    .execute()
    .await
}
