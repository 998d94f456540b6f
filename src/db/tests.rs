//! Every statement of the program, held to both engines.
use super::{Db, Registered, TENANT_TABLES, migrate, names_tenant_table};
use sqlx::{Column, Executor, Statement};
use std::collections::BTreeMap;

fn statements() -> Vec<&'static super::Stmt> {
    let all: Vec<_> = inventory::iter::<Registered>.into_iter().map(|r| r.0).collect();
    assert!(all.len() > 20, "the registry is empty: sql! no longer registers");
    all
}

async fn sqlite() -> Db {
    let path = std::env::temp_dir().join(format!("portico-{}.db", uuid::Uuid::now_v7()));
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
        let ours = columns(&sqlite, statement).await.unwrap_or_else(|e| panic!("SQLite refuses {}: {e}", statement.at));
        let Some(postgres) = &postgres else { continue };
        let theirs = columns(postgres, statement).await.unwrap_or_else(|e| panic!("Postgres refuses {}: {e}", statement.at));
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

#[tokio::test]
async fn no_statement_scans_a_tenant_table() {
    let db = sqlite().await;
    let Db::Sqlite { writer, .. } = &db else { unreachable!() };
    for statement in statements().into_iter().filter(|s| names_tenant_table(s.sqlite)) {
        let plan: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(&format!("explain query plan {}", statement.sqlite)).fetch_all(writer).await.unwrap();
        for (.., step) in plan {
            let scanned = TENANT_TABLES.iter().any(|table| step == format!("SCAN {table}"));
            assert!(!scanned, "{} scans: {step}. Add an index or bind org_id", statement.at);
        }
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
        "select m.name, c.name, c.\"notnull\" from sqlite_master m join pragma_table_info(m.name) c where m.type = 'table'",
    );
    let postgres = sqlx::query_as(
        "select cast(table_name as text), cast(column_name as text), is_nullable = 'NO' from information_schema.columns
         where table_schema = 'public'",
    );

    let (ours, theirs) = (schema(sqlite.fetch_all(&writer).await.unwrap()), schema(postgres.fetch_all(&pool).await.unwrap()));

    assert_eq!(ours, theirs);
    for (table, columns) in &ours {
        let is_tenant = columns.contains_key("org_id");
        assert_eq!(is_tenant, TENANT_TABLES.contains(&table.as_str()), "{table}: is it in TENANT_TABLES?");
    }
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
