//! SQL of the webhook events: the inbox.
use crate::{
    db::{At, Exec, Result},
    sql,
    stripe::Envelope,
    text_enum,
};

text_enum! {
    /// What became of an event. A parked one waits until its customer is known, or for a person.
    EventState { Pending = "pending", Done = "done", Ignored = "ignored", Parked = "parked", Dead = "dead" }
}

/// An event as operators see it, without its payload.
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
pub struct UnattributedEvent {
    pub object_id: Option<String>,
    pub state: EventState,
}

/// False if the event was stored before.
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

pub async fn unattributed_event(on: impl Exec<'_>, id: &str) -> Result<Option<UnattributedEvent>> {
    sql!(on, "select object_id, state from stripe_events where id = $1", id).optional().await
}

pub async fn attribute_event(on: impl Exec<'_>, id: &str, customer: &str) -> Result<u64> {
    sql!(on, "update stripe_events set customer_id = $2 where id = $1 and state = 'pending'", id, customer)
        .execute()
        .await
}

/// At most so many events are processed in one transaction.
pub const PENDING_PAGE: usize = 1000;

/// A customer's pending events, oldest first, at most `PENDING_PAGE`: the id of each and of its object.
pub async fn pending_events(on: impl Exec<'_>, customer: &str) -> Result<Vec<(String, Option<String>)>> {
    sql!(
        on,
        "select id, object_id from stripe_events where customer_id = $1 and state = 'pending' order by received_at, id limit $2",
        customer,
        PENDING_PAGE as i64
    )
    .all()
    .await
}

/// Marks a pending event as done. Called in the transaction that writes what came of it, so that an event is
/// applied once or not at all.
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

/// Moves all of a customer's events from one state to another.
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

/// Puts a customer's parked events back to pending. Those of the other mode (live or test) stay parked.
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

/// Counts a failed try for a customer's pending events.
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

/// Puts an event back to pending. Its customer, if it names one; `None` if there is no such event.
pub async fn replay_event(on: impl Exec<'_>, id: &str) -> Result<Option<(Option<String>,)>> {
    sql!(
        on,
        "update stripe_events set state = 'pending', error = null, processed_at = null where id = $1 returning customer_id",
        id
    )
    .optional()
    .await
}

/// The newest events, of one state or all, the oldest of them first.
pub async fn inbox_rows(on: impl Exec<'_>, state: Option<EventState>, limit: i64) -> Result<Vec<InboxRow>> {
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

/// How many events there are in each state.
pub async fn count_events(on: impl Exec<'_>) -> Result<Vec<(EventState, i64)>> {
    sql!(on, "select state, count(*) as events from stripe_events group by state").all().await
}

pub async fn count_of_kind(on: impl Exec<'_>, kind: &str) -> Result<i64> {
    sql!(on, "select count(*) as events from stripe_events where type = $1", kind).scalar().await
}

/// Deletes payloads, which hold personal data. The event's row stays.
pub async fn forget_payloads(on: impl Exec<'_>, before: At) -> Result<u64> {
    sql!(on, "update stripe_events set payload = null where received_at < $1 and payload is not null", before)
        .execute()
        .await
}
