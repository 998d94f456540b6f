//! SQL of the webhook inbox.
use crate::{
    db::{At, Exec, Result},
    sql,
    stripe::Envelope,
    text_enum,
};

text_enum! {
    /// Where an event stands. Parked ones wait for a customer we know, or for a person.
    EventState { Pending = "pending", Done = "done", Ignored = "ignored", Parked = "parked", Dead = "dead" }
}

/// An event as operators see it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct InboxRow {
    pub id: String,
    #[sqlx(rename = "type")]
    pub kind: String,
    pub customer_id: Option<String>,
    pub livemode: bool,
    pub state: EventState,
    pub tries: i64,
    pub applied: i64,
    pub received_at: At,
    pub processed_at: Option<At>,
    pub error: Option<String>,
}

#[derive(sqlx::FromRow)]
pub struct Unattributed {
    pub object_id: Option<String>,
    pub state: EventState,
}

/// False if it is here already.
pub async fn insert_event(
    on: impl Exec<'_>,
    e: &Envelope,
    payload: &[u8],
    state: EventState,
    error: Option<&str>,
    now: At,
) -> Result<bool> {
    let inserted = sql!(
        on,
        "insert into stripe_events (id, type, api_version, livemode, created_at, object_id, customer_id, payload,
                                    received_at, state, tries, applied, error, processed_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, $11, null) on conflict (id) do nothing",
        e.id.clone(),
        e.kind.clone(),
        e.api_version.clone(),
        e.livemode,
        At::from_unix(e.created),
        e.object_id.clone(),
        e.customer.clone(),
        payload.to_vec(),
        now,
        state,
        error
    )
    .execute()
    .await?;
    Ok(inserted == 1)
}

pub async fn unattributed(on: impl Exec<'_>, id: &str) -> Result<Option<Unattributed>> {
    sql!(on, "select object_id, state from stripe_events where id = $1", id).optional().await
}

pub async fn attribute_event(on: impl Exec<'_>, id: &str, customer: &str) -> Result<u64> {
    sql!(on, "update stripe_events set customer_id = $2 where id = $1 and state = 'pending'", id, customer)
        .execute()
        .await
}

/// The most that are processed in one transaction.
pub const PENDING_PAGE: usize = 1000;

/// Ids of a customer's events that wait, oldest first; a page of them.
pub async fn pending_events(on: impl Exec<'_>, customer: &str) -> Result<Vec<(String,)>> {
    sql!(
        on,
        "select id from stripe_events where customer_id = $1 and state = 'pending' order by received_at, id limit $2",
        customer,
        PENDING_PAGE as i64
    )
    .all()
    .await
}

/// In the transaction that wrote what they brought about: processed once, or not at all.
pub async fn mark_processed(on: impl Exec<'_>, id: &str, now: At) -> Result<u64> {
    sql!(
        on,
        "update stripe_events set state = 'done', applied = applied + 1, tries = tries + 1, processed_at = $2, error = null
         where id = $1 and state = 'pending'",
        id,
        now
    )
    .execute()
    .await
}

pub async fn set_event_state(
    on: impl Exec<'_>,
    id: &str,
    state: EventState,
    error: Option<&str>,
    now: At,
) -> Result<u64> {
    sql!(
        on,
        "update stripe_events set state = $2, error = $3, processed_at = $4, tries = tries + 1 where id = $1 and state = 'pending'",
        id,
        state,
        error,
        now
    )
    .execute()
    .await
}

/// All of a customer's that are in one state go to another.
pub async fn move_events(
    on: impl Exec<'_>,
    customer: &str,
    from: EventState,
    to: EventState,
    error: Option<&str>,
) -> Result<u64> {
    sql!(
        on,
        "update stripe_events set state = $3, error = $4 where customer_id = $1 and state = $2",
        customer,
        from,
        to,
        error
    )
    .execute()
    .await
}

/// Parked for want of a customer we know; those of the wrong mode stay where they are.
pub async fn unpark_events(on: impl Exec<'_>, customer: &str, live: bool) -> Result<u64> {
    sql!(
        on,
        "update stripe_events set state = 'pending', error = null
         where customer_id = $1 and state = 'parked' and livemode = $2",
        customer,
        live
    )
    .execute()
    .await
}

/// Counts a failed try for those that wait.
pub async fn count_try(on: impl Exec<'_>, customer: &str, error: &str) -> Result<u64> {
    sql!(
        on,
        "update stripe_events set tries = tries + 1, error = $2 where customer_id = $1 and state = 'pending'",
        customer,
        error
    )
    .execute()
    .await
}

/// Back to where it waits; its customer, if it has one.
pub async fn replay_event(on: impl Exec<'_>, id: &str) -> Result<Option<(Option<String>,)>> {
    sql!(
        on,
        "update stripe_events set state = 'pending', error = null, processed_at = null where id = $1 returning customer_id",
        id
    )
    .optional()
    .await
}

/// The newest, oldest of them first; of one state, or all.
pub async fn inbox(on: impl Exec<'_>, state: Option<EventState>, limit: i64) -> Result<Vec<InboxRow>> {
    sql!(
        on,
        "select id, type, customer_id, livemode, state, tries, applied, received_at, processed_at, error
         from (select * from stripe_events where cast($1 as text) is null or state = $1
               order by received_at desc, id desc limit $2) newest
         order by received_at, id",
        state,
        limit
    )
    .all()
    .await
}

/// Events by state.
pub async fn count_events(on: impl Exec<'_>) -> Result<Vec<(EventState, i64)>> {
    sql!(on, "select state, count(*) as events from stripe_events group by state").all().await
}

pub async fn count_of_kind(on: impl Exec<'_>, kind: &str) -> Result<i64> {
    sql!(on, "select count(*) as events from stripe_events where type = $1", kind).scalar().await
}

/// Payloads hold people's data; what is kept is that the event was here.
pub async fn forget_payloads(on: impl Exec<'_>, before: At) -> Result<u64> {
    sql!(on, "update stripe_events set payload = null where received_at < $1 and payload is not null", before)
        .execute()
        .await
}
