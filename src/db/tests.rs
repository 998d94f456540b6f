//! Every statement of the program, held to both engines.
use super::{
    At, Db, EventId, Exec, Json, OrgId, Registered, RowSecurity, Scope, TENANT_TABLES, UserId, migrate,
    names_tenant_table, row_security,
};
use crate::sql;
use sqlx::{Column, Executor, Statement};
use std::collections::BTreeMap;

mod outages;
mod roles;

fn statements() -> Vec<&'static super::Stmt> {
    let all: Vec<_> = inventory::iter::<Registered>.into_iter().map(|r| r.0).collect();
    assert!(all.len() > 20, "the registry is empty: sql! no longer registers");
    all
}

async fn sqlite() -> Db {
    let path = std::env::temp_dir().join(format!("unit-test-{}.db", uuid::Uuid::now_v7()));
    let mut db = Db::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    migrate(&mut db).await.unwrap();
    db
}

#[path = "../../tests/support/postgres.rs"]
#[allow(dead_code)]
mod postgres_server;

async fn postgres() -> Option<Db> {
    let url = postgres_server::fresh_database_or_skip("statement checks").await?;
    let mut db = Db::connect(&url).await.unwrap();
    migrate(&mut db).await.unwrap();
    Some(db)
}

/// The column names the engine gives a statement.
async fn columns(db: &Db, statement: &super::Stmt) -> Result<Vec<String>, sqlx::Error> {
    Ok(match db {
        Db::Sqlite { writer, .. } => {
            let prepared = writer.prepare(statement.sqlite).await?;
            prepared.columns().iter().map(|c| c.name().to_owned()).collect()
        }
        Db::Postgres { pool, .. } => {
            let prepared = pool.prepare(statement.postgres).await?;
            prepared.columns().iter().map(|c| c.name().to_owned()).collect()
        }
    })
}

#[tokio::test]
async fn every_statement_prepares_with_the_same_columns_on_both_engines() {
    let (sqlite, postgres) = (sqlite().await, postgres().await);
    for statement in statements() {
        let ours = columns(&sqlite, statement)
            .await
            .unwrap_or_else(|e| panic!("SQLite refuses {}: {e}", statement.at));
        let Some(postgres) = &postgres else { continue };
        let theirs = columns(postgres, statement)
            .await
            .unwrap_or_else(|e| panic!("Postgres refuses {}: {e}", statement.at));
        assert_eq!(ours, theirs, "columns differ at {}: alias every computed one", statement.at);
    }
}

#[test]
fn every_statement_on_a_tenant_table_names_its_organisation() {
    for statement in statements() {
        for text in [statement.sqlite, statement.postgres] {
            assert!(
                !names_tenant_table(text) || text.contains("org_id"),
                "{} reads a tenant table without org_id: bind the scope's organisation",
                statement.at
            );
        }
    }
}

/// With samples of values (`sqlite_stat4`) SQLite plans a statement anew whenever one is bound to it. `pragma
/// optimize` takes none, because it has a limit of its own.
#[tokio::test]
async fn sqlite_keeps_statistics_and_no_samples_once_it_was_closed() {
    let path = std::env::temp_dir().join(format!("unit-test-{}.db", uuid::Uuid::now_v7()));
    let url = format!("sqlite://{}", path.display());
    let mut db = Db::connect(&url).await.unwrap();
    migrate(&mut db).await.unwrap();
    acme_and_globex(&db).await;
    db.close().await;

    let Db::Sqlite { writer, .. } = Db::connect(&url).await.unwrap() else { panic!("another engine") };
    let statistics: i64 =
        sqlx::query_scalar("select count(*) from sqlite_stat1").fetch_one(&writer).await.unwrap();
    let samples: Result<i64, _> =
        sqlx::query_scalar("select count(*) from sqlite_stat4").fetch_one(&writer).await;

    assert!(statistics > 0, "the optimizer knows nothing of the tables");
    assert_eq!(samples.unwrap_or(0), 0);
}

#[tokio::test]
async fn no_statement_scans_a_tenant_table() {
    let db = sqlite().await;
    let Db::Sqlite { writer, .. } = &db else { unreachable!() };
    // What an operator asks about everybody at once reads everybody.
    let about_all = |text: &str| text.contains("from orgs o") && !text.contains("$1");
    for statement in statements().into_iter().filter(|s| names_tenant_table(s.sqlite) && !about_all(s.sqlite))
    {
        let plan: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(&format!("explain query plan {}", statement.sqlite))
                .fetch_all(writer)
                .await
                .unwrap();
        for (.., step) in plan {
            assert!(!scans(&step, statement.sqlite), "{}: {step}. Add an index or bind org_id", statement.at);
        }
    }
}

/// A plan names a table by its alias where it has one.
fn scans(step: &str, statement: &str) -> bool {
    let words: Vec<&str> = statement.split_whitespace().collect();
    let named = |name: &str| {
        let at = words.iter().position(|word| *word == name);
        TENANT_TABLES.contains(&name)
            || words.windows(2).any(|pair| TENANT_TABLES.contains(&pair[0]) && pair[1] == name)
            || at.is_some_and(|i| i > 1 && words[i - 1] == "as" && TENANT_TABLES.contains(&words[i - 2]))
    };
    step.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next()).is_some_and(named)
}

#[test]
fn a_scan_is_seen_behind_an_alias_too() {
    assert!(scans("SCAN members", "select role from members"));
    assert!(scans(
        "SCAN m USING COVERING INDEX x",
        "select m.role from orgs o join members m on m.org_id = o.id"
    ));
    assert!(!scans("SEARCH m USING INDEX x (org_id=?)", "select m.role from members m where m.org_id = $1"));
    assert!(!scans("SCAN o", "select m.role from orgs o join members m on m.org_id = o.id"));
}

/// Two organisations with a member each, by the system.
async fn acme_and_globex(db: &Db) -> [Scope; 2] {
    let now = At::from_unix(1_700_000_000);
    let mut tx = db.system_tx().await.unwrap();
    let mut scopes = Vec::new();
    for name in ["acme", "globex"] {
        let (user, org) = (UserId::new(), OrgId::new());
        sql!(
            &mut tx,
            "insert into users (id, email, name, password_hash, created_at) values ($1, $2, $2, '', $3)",
            user,
            name,
            now
        )
        .execute()
        .await
        .unwrap();
        sql!(
            &mut tx,
            "insert into orgs (id, slug, name, created_at) values ($1, $2, $2, $3)",
            org,
            name,
            now
        )
        .execute()
        .await
        .unwrap();
        sql!(
            &mut tx,
            "insert into members (org_id, user_id, role, created_at) values ($1, $2, 'owner', $3)",
            org,
            user,
            now
        )
        .execute()
        .await
        .unwrap();
        scopes.push(Scope::of_job("test", org, name.into()));
    }
    tx.commit().await.unwrap();
    scopes.try_into().unwrap()
}

/// A statement that forgot its organisation. (SQLite's half is never run.)
async fn members_of_everyone(on: impl Exec<'_>) -> i64 {
    sql!(on, sqlite "select count(*) as n from members where org_id = x'00'",
             postgres "select count(*) as n from members where org_id is not null")
    .scalar()
    .await
    .unwrap()
}

async fn postgres_hides_other_organisations(url: String) {
    let mut db = Db::connect(&url).await.unwrap();
    migrate(&mut db).await.unwrap();
    let [acme, globex] = acme_and_globex(&db).await;

    assert!(matches!(row_security(&db).await.unwrap(), RowSecurity::Holds { .. }));
    assert_eq!(members_of_everyone(&mut db.read(&acme).await.unwrap()).await, 1);
    assert_eq!(
        members_of_everyone(db.system()).await,
        2,
        "the system sees everyone, and what one transaction set is gone"
    );

    let mut tx = db.write(&acme).await.unwrap();
    let stolen = sql!(&mut tx, "update members set role = 'member' where org_id = $1", globex.org())
        .execute()
        .await
        .unwrap();
    assert_eq!(stolen, 0, "another organisation's rows cannot be changed");
    let planted = sql!(
        &mut tx,
        "insert into billing_customers (org_id, customer_id, created_at) values ($1, 'cus_x', $2)",
        globex.org(),
        At::from_unix(1)
    )
    .execute()
    .await;
    assert!(planted.is_err(), "nor can rows be put there");
}

#[tokio::test]
async fn row_level_security_holds_a_superuser_who_becomes_the_tenant_role() {
    let Some(url) = postgres_server::fresh_database_or_skip("row-level security").await else { return };
    postgres_hides_other_organisations(url).await;
}

#[tokio::test]
async fn row_level_security_holds_a_plain_owner() {
    let Some(url) = postgres_server::fresh_database_of_a_plain_owner_or_skip("row-level security").await
    else {
        return;
    };
    postgres_hides_other_organisations(url).await;
}

async fn the_audit_log_cannot_be_edited(db: &Db) {
    let [acme, _] = acme_and_globex(db).await;
    let mut tx = db.system_tx().await.unwrap();
    sql!(
        &mut tx,
        "insert into audit_events (org_id, id, at, action, detail) values ($1, $2, $3, 'test', $4)",
        acme.org(),
        EventId::new(),
        At::from_unix(1),
        Json(serde_json::json!({}))
    )
    .execute()
    .await
    .unwrap();
    tx.commit().await.unwrap();

    let mut tx = db.system_tx().await.unwrap();
    let edited = sql!(&mut tx, "update audit_events set action = 'nothing' where org_id = $1", acme.org())
        .execute()
        .await;
    assert!(edited.unwrap_err().to_string().contains("append-only"));
    drop(tx);
    let mut tx = db.system_tx().await.unwrap();
    let deleted = sql!(&mut tx, "delete from audit_events where org_id = $1", acme.org()).execute().await;
    assert!(deleted.unwrap_err().to_string().contains("append-only"));
}

#[tokio::test]
async fn an_audit_entry_is_not_replaced_on_sqlite_either() {
    let db = sqlite().await;
    let Db::Sqlite { writer, .. } = &db else { unreachable!() };
    let entry = "audit_events (org_id, id, at, action, detail) values (x'01', x'02', 1, 'x', '{}')";
    sqlx::query(&format!("insert into {entry}")).execute(writer).await.unwrap();

    for again in ["insert or replace into", "replace into", "insert into"] {
        let refused = sqlx::query(&format!("{again} {entry}")).execute(writer).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{again}: {refused}");
    }
    let by_rowid = "insert or replace into audit_events (rowid, org_id, id, at, action, detail)
                    values (1, x'01', x'03', 1, 'x', '{}')";
    assert!(sqlx::query(by_rowid).execute(writer).await.is_err());
}

#[tokio::test]
async fn the_audit_log_cannot_be_edited_on_either_engine() {
    the_audit_log_cannot_be_edited(&sqlite().await).await;
    if let Some(postgres) = postgres().await {
        the_audit_log_cannot_be_edited(&postgres).await;
    }
}

/// table → column → not null
type Schema = BTreeMap<String, BTreeMap<String, bool>>;

fn schema(rows: Vec<(String, String, bool)>) -> Schema {
    let mut all = Schema::new();
    for (table, column, required) in rows {
        if !table.starts_with("_sqlx") {
            all.entry(table).or_default().insert(column, required);
        }
    }
    all
}

#[tokio::test]
async fn both_migration_folders_make_the_same_tables() {
    let Some(Db::Postgres { pool, .. }) = postgres().await else { return };
    let Db::Sqlite { writer, .. } = sqlite().await else { unreachable!() };
    let sqlite = sqlx::query_as(
        "select m.name, c.name, c.\"notnull\" from sqlite_master m join pragma_table_info(m.name) c where m.type in ('table', 'view')",
    );
    let postgres = sqlx::query_as(
        "select cast(table_name as text), cast(column_name as text), is_nullable = 'NO' from information_schema.columns
         where table_schema = 'public'",
    );

    let (ours, theirs) =
        (schema(sqlite.fetch_all(&writer).await.unwrap()), schema(postgres.fetch_all(&pool).await.unwrap()));

    assert_eq!(ours, theirs);
}

/// build.rs reads tables and views from the text of the migrations; SQLite knows better.
#[tokio::test]
async fn every_table_with_an_organisation_is_a_tenant_table() {
    let Db::Sqlite { writer, .. } = sqlite().await else { unreachable!() };
    let with_org = "select m.name from sqlite_master m join pragma_table_info(m.name) c
                    where m.type in ('table', 'view') and c.name = 'org_id' order by m.name";
    let tables: Vec<(String,)> = sqlx::query_as(with_org).fetch_all(&writer).await.unwrap();

    for table in TENANT_TABLES {
        assert!(tables.iter().any(|(made,)| made == table), "build.rs finds {table}, which is not there");
    }
    for (table,) in &tables {
        let turn = format!("Make it with `create table {table} (`, and `org_id` among its columns");
        assert!(TENANT_TABLES.contains(&table.as_str()), "build.rs does not find {table}. {turn}");
    }
    assert!(tables.len() > 5, "the schema is not where this test looks for it");
}

#[derive(sqlx::FromRow)]
struct Protection {
    table: String,
    forced: bool,
    policies: i64,
    may_read: bool,
}

#[tokio::test]
async fn every_tenant_table_has_its_policies_and_grants() {
    let Some(Db::Postgres { pool, .. }) = postgres().await else { return };
    let tables: Vec<Protection> = sqlx::query_as(
        "select cast(c.relname as text) as table, c.relrowsecurity and c.relforcerowsecurity as forced,
                (select count(*) from pg_policy p where p.polrelid = c.oid) as policies,
                has_any_column_privilege(cast($1 as name), c.oid, 'select, insert') as may_read
         from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id'
         where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace",
    )
    .bind(concat!(env!("CARGO_PKG_NAME"), "_tenant"))
    .fetch_all(&pool)
    .await
    .unwrap();

    if let Some(it) = tables.iter().find(|it| !it.forced || it.policies == 0 || !it.may_read) {
        let line = format!("select protect_tenant_table('{}');", it.table);
        panic!("{} is not protected. Add to its migration in migrations/postgres:\n    {line}", it.table);
    }
    assert!(tables.len() > 5, "the schema is not where this test looks for it");
}

#[test]
fn both_migration_folders_hold_the_same_files() {
    let names = |folder: &str| {
        let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().file_name()).collect();
        names.sort();
        names
    };

    assert_eq!(names("migrations/sqlite"), names("migrations/postgres"));
}
