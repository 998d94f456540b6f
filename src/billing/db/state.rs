//! SQL of the billing states.
use crate::{
    billing::state::BillingState,
    db::{Exec, OrgId, OrgTx, Result},
    sql,
};

/// The one list of the columns that hold a `BillingState`: the placeholder in the upsert, the column, the
/// field. A new column is a migration, a line here (with the next number) and a field in the struct.
macro_rules! columns {
    ($then:ident $(, $with:expr)*) => {
        $then! { $($with,)*
            3 subscription_id subscription_id
            4 status status
            5 plan plan
            6 unknown_price unknown_price
            7 billing_interval interval
            8 interval_count interval_count
            9 quantity quantity
            10 cancel_at cancel_at
            11 current_period_end current_period_end
            12 trial_end trial_end
            13 synced_at synced_at
            14 unit_amount unit_amount
            15 currency currency
            16 payment_method_type payment_method_type
            17 payment_method payment_method
            18 invoiced invoiced
            19 processing processing
            20 next_payment next_payment
            21 credit credit
            22 add_ons add_ons
            23 trouble_since trouble_since
            24 live_subscriptions live_subscriptions
            25 item_id item_id
            26 item_count item_count
            27 collection_paused collection_paused
            28 schedule_id schedule_id
            29 scheduled_change scheduled_change
            30 other_payment_method other_payment_method
            31 other_payment_method_id other_payment_method_id
            32 trial_used trial_used
        }
    };
}

/// The columns, as a select names them.
macro_rules! names {
    ($first_n:literal $first:ident $first_field:ident $($n:literal $column:ident $field:ident)*) => {
        concat!(stringify!($first) $(, ", ", stringify!($column))*)
    };
}

/// The upsert of a whole state, which is moved into it.
macro_rules! upsert {
    ($tx:expr, $org:expr, $version:expr, $state:expr, $($n:literal $column:ident $field:ident)*) => {
        sql!(
            $tx,
            concat!(
                "insert into billing_state (org_id, version" $(, ", ", stringify!($column))*,
                ") values ($1, $2 + 1" $(, ", $", stringify!($n))*,
                ") on conflict (org_id) do update set version = excluded.version"
                $(, ", ", stringify!($column), " = excluded.", stringify!($column))*,
                " where billing_state.version = $2"
            ),
            $org,
            $version
            $(, $state.$field)*
        )
    };
}

#[derive(sqlx::FromRow)]
pub struct StateOfOrg {
    pub org_id: OrgId,
    #[sqlx(flatten)]
    pub state: BillingState,
}

pub async fn state(on: impl Exec<'_>, org: OrgId) -> Result<Option<BillingState>> {
    sql!(on, concat!("select ", columns!(names), " from billing_state where org_id = $1"), org)
        .optional()
        .await
}

/// The states of all organisations that have one.
pub async fn state_of_every_org(on: impl Exec<'_>) -> Result<Vec<StateOfOrg>> {
    sql!(
        on,
        concat!("select s.org_id, ", columns!(names), " from orgs o join billing_state s on s.org_id = o.id")
    )
    .all()
    .await
}

/// Organisations with more than one live subscription: a person has to look at them.
pub async fn count_duplicates(on: impl Exec<'_>) -> Result<i64> {
    sql!(
        on,
        "select count(*) as duplicates from orgs o join billing_state s on s.org_id = o.id where s.live_subscriptions > 1"
    )
    .scalar()
    .await
}

/// Organisations whose price does not say for which plan it is: a person has to look at them.
pub async fn count_unknown_prices(on: impl Exec<'_>) -> Result<i64> {
    sql!(
        on,
        "select count(*) as unknown from orgs o join billing_state s on s.org_id = o.id where s.unknown_price"
    )
    .scalar()
    .await
}

/// Counts the writes of one organisation's state; 0 before the first.
pub async fn version(on: impl Exec<'_>, org: OrgId) -> Result<i64> {
    let found = sql!(on, "select version from billing_state where org_id = $1", org).optional::<(i64,)>();
    Ok(found.await?.map_or(0, |(version,)| version))
}

/// Writes a state that was fetched after `version` was read. False if somebody else wrote since: what they
/// fetched may be newer, so nothing is written.
pub async fn replace_state(tx: &mut OrgTx<'_>, state: BillingState, version: i64) -> Result<bool> {
    let org = tx.org();
    let written = columns!(upsert, tx, org, version, state);
    Ok(written.execute().await? == 1)
}
