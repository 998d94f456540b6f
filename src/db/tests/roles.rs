//! What each role of Postgres may see, and what the policies cost.
use super::{
    Db, RowSecurity, acme_and_globex, migrate, names_tenant_table, postgres_hides_other_organisations,
    postgres_server, row_security, statements,
};
use crate::db::role::TENANT_ROLE;
use sqlx::{Connection, Executor, PgConnection, Row, Statement};

/// Every table and view, and what work inside an organisation may do with it.
const TENANT_MAY: &[(&str, &str)] = &[
    ("_sqlx_migrations", ""),
    ("audit_events", "insert select"),
    ("billing_customers", "delete insert select update"),
    ("billing_former_customers", "insert"),
    ("billing_invoices", "delete insert select update"),
    ("billing_state", "delete insert select update"),
    ("checkout_attempts", "delete insert select update"),
    ("cursors", ""),
    ("jobs", ""),
    ("logins", ""),
    ("mail_tokens", ""),
    ("mails", ""),
    ("members", "delete insert select update"),
    ("org_people", "select"),
    ("orgs", "delete select update"),
    ("sessions", ""),
    ("stripe_events", ""),
    ("throttles", ""),
    ("trials", ""),
    ("users", ""),
];

fn system_role() -> String {
    TENANT_ROLE.replace("_tenant", "_system")
}

async fn migrated(url: &str) -> Db {
    let mut db = Db::connect(url).await.unwrap();
    migrate(&mut db).await.unwrap();
    db
}

#[tokio::test]
async fn the_tenants_role_may_do_this_to_each_table_and_nothing_else() {
    let Some(url) = postgres_server::fresh_database_or_skip("tenant grants").await else { return };
    migrated(&url).await.close().await;
    let mut admin = PgConnection::connect(&url).await.unwrap();

    let found: Vec<(String, String)> = sqlx::query_as(&format!(
        "select cast(c.relname as text), coalesce(string_agg(p, ' ' order by p) filter (where
             has_table_privilege('{TENANT_ROLE}', c.oid, p)
             or p in ('select', 'insert', 'update') and has_any_column_privilege('{TENANT_ROLE}', c.oid, p)), '')
         from pg_class c, unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) p
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
         group by 1"
    ))
    .fetch_all(&mut admin)
    .await
    .unwrap();

    let of_rooms = tables_of_rooms();
    for (table, may) in &found {
        let is_of_room = of_rooms.contains(table) && may == "delete insert select update";
        assert!(
            is_of_room || TENANT_MAY.contains(&(table.as_str(), may.as_str())),
            "The tenant's role may do this; if it should, the line to add is\n    (\"{table}\", \"{may}\"),"
        );
    }
    assert_eq!(found.len(), TENANT_MAY.len() + of_rooms.len(), "a table that is listed is gone");
}

/// Their migrations begin at 1000; each ends with `protect_tenant_table`.
fn tables_of_rooms() -> Vec<String> {
    let files = std::fs::read_dir("migrations/sqlite").unwrap().map(|file| file.unwrap().path());
    let of_rooms = files.filter(|file| file.file_name().is_some_and(|name| name >= "1000"));
    let texts: Vec<String> = of_rooms.map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let made = texts.iter().flat_map(|text| text.split("create table ").skip(1));
    made.filter_map(|rest| rest.split_once(' ')).map(|(name, _)| name.to_owned()).collect()
}

#[tokio::test]
async fn an_organisations_transaction_sees_its_own_people_and_does_the_systems_work_on_the_side() {
    let (super_user, plain) = (
        postgres_server::fresh_database_or_skip("people").await,
        postgres_server::fresh_database_of_a_plain_owner_or_skip("people").await,
    );
    for url in super_user.into_iter().chain(plain) {
        let db = migrated(&url).await;
        let [acme, _] = acme_and_globex(&db).await;
        let mut tx = db.write(&acme).await.unwrap();

        let before = names_of_everyone(&mut tx).await;
        let jobs = crate::sql!(tx.system(), "select count(*) as n from jobs").scalar::<i64>().await.unwrap();
        let after = names_of_everyone(&mut tx).await;

        assert_eq!((before, jobs), (vec!["acme".to_owned()], 0));
        assert_eq!(after, ["acme"], "it is the tenant again");
    }
}

async fn names_of_everyone(tx: &mut super::super::OrgTx<'_>) -> Vec<String> {
    let all = crate::sql!(tx, sqlite "select name from org_people where org_id = x'00'",
                              postgres "select name from org_people where org_id is not null");
    all.all::<(String,)>().await.unwrap().into_iter().map(|(name,)| name).collect()
}

#[tokio::test]
async fn row_level_security_holds_a_member_of_both_roles_who_owns_nothing() {
    let Some(url) = postgres_server::fresh_database_or_skip("member of roles").await else { return };
    migrated(&url).await.close().await;
    let (name, password) = (format!("member_{}", uuid::Uuid::now_v7().simple()), "a password of this test");
    let mut admin = PgConnection::connect(&url).await.unwrap();
    let create =
        format!("create role {name} login password '{password}' in role {TENANT_ROLE}, {}", system_role());
    sqlx::query(&create).execute(&mut admin).await.unwrap();
    let mut url = url::Url::parse(&url).unwrap();
    url.set_username(&name).and_then(|()| url.set_password(Some(password))).unwrap();

    postgres_hides_other_organisations(url.into()).await;
}

#[tokio::test]
async fn a_role_that_may_not_become_the_tenant_any_more_is_told_of() {
    let Some(url) = postgres_server::fresh_database_or_skip("revoked").await else { return };
    let mut db = migrated(&url).await;
    if let Db::Postgres { tenant_role, pool, .. } = &mut db {
        *tenant_role = false;
        let name = format!("owner_{}", uuid::Uuid::now_v7().simple());
        for statement in [
            format!("create role {name} in role {}", system_role()),
            format!("alter database {} set role {name}", url.rsplit('/').next().unwrap()),
        ] {
            sqlx::query(&statement).execute(&*pool).await.unwrap();
        }
    }
    db.close().await;
    let db = Db::connect(&url).await.unwrap();

    let held = row_security(&db).await.unwrap();

    assert!(matches!(held, RowSecurity::DoesNotHold(why) if why.contains("may not become")));
}

#[tokio::test]
async fn no_policy_looks_anything_up() {
    let (super_user, plain) = (
        postgres_server::fresh_database_or_skip("policies").await,
        postgres_server::fresh_database_of_a_plain_owner_or_skip("policies").await,
    );
    for url in super_user.into_iter().chain(plain) {
        migrated(&url).await.close().await;
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let all: Vec<(String, String)> =
            sqlx::query_as("select cast(tablename as text), lower(coalesce(qual, '') || coalesce(with_check, '')) from pg_policies")
                .fetch_all(&mut connection)
                .await
                .unwrap();

        assert!(all.len() >= 9, "each tenant table has one");
        for (table, text) in all {
            let calls = text.replace("app_org()", "");
            assert!(!calls.contains("select") && !calls.contains("()"), "{table}: {text}");
        }
    }
}

/// Policies that looked up the connected role took 0.7 ms for each table of a statement.
#[tokio::test]
async fn policies_cost_next_to_nothing_at_ten_thousand_organisations() {
    let (super_user, plain) = (
        postgres_server::fresh_database_or_skip("cost").await,
        postgres_server::fresh_database_of_a_plain_owner_or_skip("cost").await,
    );
    for url in super_user.into_iter().chain(plain) {
        let db = migrated(&url).await;
        let [acme, _] = acme_and_globex(&db).await;
        let mut connection = PgConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(
            "insert into orgs (id, slug, name, created_at) select gen_random_uuid(), 'o' || n, 'o', now() from generate_series(1, 10000) n;
             insert into billing_customers (org_id, customer_id, created_at) select id, 'cus_' || slug, now() from orgs;
             analyze",
        )
        .execute(&mut connection)
        .await
        .unwrap();
        let roles = ["reset role", &format!("set role {TENANT_ROLE}")];
        let may_be_tenant = matches!(db, Db::Postgres { tenant_role: true, .. });
        for role in roles.into_iter().take(if may_be_tenant { 2 } else { 1 }) {
            for org in ["", &acme.org().to_string()] {
                sqlx::raw_sql(&format!("{role}; set app.org_id = '{org}'"))
                    .execute(&mut connection)
                    .await
                    .unwrap();
                for table in ["orgs", "billing_customers"] {
                    let took =
                        execution_time(&mut connection, &format!("select count(*) from {table}")).await;
                    assert!(took / 10_000.0 < 0.02, "{role}, {table}: {took} ms for ten thousand rows");
                    let plan = plan_of(&mut connection, &format!("select * from {table}")).await.to_string();
                    assert!(
                        !plan.contains("InitPlan") && !plan.contains("SubPlan"),
                        "{role}, {table}: {plan}"
                    );
                }
            }
        }
    }
}

/// Every statement of the program as whoever runs it, beside the same as a superuser, whom no policy holds.
#[tokio::test]
async fn no_statement_pays_for_its_policies_at_ten_thousand_organisations() {
    let Some(with_roles) = postgres_server::fresh_database_or_skip("statements").await else { return };
    let Some(plain) = postgres_server::fresh_database_of_a_plain_owner_or_skip("statements").await else {
        return;
    };
    let [system, tenant] = [system_role(), TENANT_ROLE.to_owned()].map(|role| format!("set role {role}"));
    let (mut compared, mut refused) = (0, 0);
    for (url, runners) in [(&with_roles, vec![system, tenant]), (&plain, vec!["reset role".to_owned()])] {
        let db = migrated(url).await;
        let [acme, _] = acme_and_globex(&db).await;
        let mut unheld = url::Url::parse(&with_roles).unwrap();
        unheld.set_path(url::Url::parse(url).unwrap().path());
        let mut unheld = PgConnection::connect(unheld.as_str()).await.unwrap();
        sqlx::raw_sql(TEN_THOUSAND).execute(&mut unheld).await.unwrap();
        let mut held = PgConnection::connect(url).await.unwrap();
        for runner in runners {
            let begin = format!("{runner}; set app.org_id = '{}'", acme.org());
            sqlx::raw_sql(&begin).execute(&mut held).await.unwrap();
            for statement in statements().into_iter().filter(|it| names_tenant_table(it.postgres)) {
                let values = values(&mut unheld, statement.postgres, &acme).await;
                let free = Cost::of(&mut unheld, statement.postgres, &values).await;
                let bound = Cost::of(&mut held, statement.postgres, &values).await;
                let (Some(free), Some(bound)) = (free, bound) else {
                    refused += 1; // by a constraint, or the tenant's role may not
                    continue;
                };
                compared += 1;
                let at = format!("{runner}, {}", statement.at);
                assert_eq!(bound.look_ups, free.look_ups, "{at}: a policy looks something up");
                let policies = bound.milliseconds - free.milliseconds;
                let allowed = 0.02 * free.rows.max(bound.rows).max(25.0);
                assert!(policies < allowed, "{at}: policies take {policies} ms, of {allowed} allowed");
            }
        }
    }
    assert!(compared > 60 && compared > 2 * refused, "{compared} compared, {refused} not");
}

const TEN_THOUSAND: &str = "
    insert into orgs (id, slug, name, created_at)
        select gen_random_uuid(), 'o' || n, 'o', now() from generate_series(1, 10000) n;
    insert into users (id, email, name, password_hash, created_at)
        select id, slug || '@x.test', slug, '', now() from orgs;
    insert into members (org_id, user_id, role, created_at) select id, id, 'owner', now() from orgs where slug like 'o%';
    insert into billing_customers (org_id, customer_id, created_at) select id, 'cus_' || slug, now() from orgs;
    analyze";

/// What running a statement once costs.
struct Cost {
    /// The shortest of five.
    milliseconds: f64,
    /// Parts of the plan that read something for the rest of it.
    look_ups: usize,
    /// Rows that a filter, and so a policy, may have looked at.
    rows: f64,
}

impl Cost {
    /// None if it fails with these values.
    async fn of(connection: &mut PgConnection, statement: &str, values: &str) -> Option<Self> {
        let prepare = format!("begin; prepare probe as {statement}");
        sqlx::raw_sql(&prepare).execute(&mut *connection).await.ok();
        let mut cost: Option<Self> = None;
        for _ in 0..5 {
            let explain = format!("explain (analyze, timing off, format json) execute probe{values}");
            sqlx::raw_sql("savepoint before").execute(&mut *connection).await.ok();
            let plan = sqlx::query(&explain).persistent(false).fetch_one(&mut *connection).await;
            let plan: Option<serde_json::Value> = plan.ok().map(|row| row.get(0));
            sqlx::raw_sql("rollback to savepoint before").execute(&mut *connection).await.ok();
            let Some(plan) = plan else { break };
            let milliseconds = plan[0]["Execution Time"].as_f64().unwrap();
            let before = cost.map_or(f64::MAX, |cost| cost.milliseconds);
            let look_ups = plan.to_string().matches("Subplan Name").count();
            let rows = rows(&plan[0]["Plan"]);
            cost = Some(Self { milliseconds: milliseconds.min(before), look_ups, rows });
        }
        sqlx::raw_sql("rollback; deallocate probe").execute(&mut *connection).await.ok();
        cost
    }
}

fn rows(plan: &serde_json::Value) -> f64 {
    let number = |name: &str| plan[name].as_f64().unwrap_or(0.0);
    let own = (number("Actual Rows") + number("Rows Removed by Filter")) * number("Actual Loops");
    own + plan["Plans"].as_array().into_iter().flatten().map(rows).sum::<f64>()
}

/// A value for each parameter of the statement: of the organisation where it is an id.
async fn values(connection: &mut PgConnection, statement: &str, of: &crate::db::Scope) -> String {
    let prepared = connection.prepare(statement).await.unwrap();
    let Some(sqlx::Either::Left(types)) = prepared.parameters() else { return String::new() };
    let value = |of_type: &sqlx::postgres::PgTypeInfo| match of_type.to_string().as_str() {
        "UUID" => format!("'{}'", of.org()),
        "TIMESTAMPTZ" => "now()".to_owned(),
        "BOOL" => "true".to_owned(),
        "JSONB" | "JSON" => "'{}'".to_owned(),
        "BYTEA" => "'x'".to_owned(),
        "TEXT" | "VARCHAR" => "'owner'".to_owned(),
        _ => "1".to_owned(),
    };
    let all: Vec<String> = types.iter().map(value).collect();
    if all.is_empty() { String::new() } else { format!("({})", all.join(", ")) }
}

/// Milliseconds, the shortest of three.
async fn execution_time(connection: &mut PgConnection, statement: &str) -> f64 {
    let mut shortest = f64::MAX;
    for _ in 0..3 {
        let plan = plan_of(connection, statement).await;
        shortest = shortest.min(plan[0]["Execution Time"].as_f64().unwrap());
    }
    shortest
}

async fn plan_of(connection: &mut PgConnection, statement: &str) -> serde_json::Value {
    let explain = format!("explain (analyze, timing off, format json) {statement}");
    sqlx::query(&explain).fetch_one(connection).await.unwrap().get(0)
}
