//! The sandbox's own SQLite file: every row as JSON, written before the answer goes out.
use super::{World, table::Kept};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use std::path::Path;

/// Nothing for `:memory:`.
pub struct Keep(Option<SqlitePool>);

impl Keep {
    pub async fn open(path: &str) -> Result<Self, sqlx::Error> {
        if path == ":memory:" || path.is_empty() {
            return Ok(Self(None));
        }
        if let Some(folder) = Path::new(path).parent() {
            std::fs::create_dir_all(folder)?;
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
        let table =
            "create table if not exists held (kind text not null, place integer not null, json text not null,
                     primary key (kind, place)) without rowid";
        sqlx::query(table).execute(&pool).await?;
        Ok(Self(Some(pool)))
    }

    pub fn is_on_disk(&self) -> bool {
        self.0.is_some()
    }

    /// What an earlier run held.
    pub async fn load(&self, world: &mut World) -> Result<(), sqlx::Error> {
        let Some(pool) = &self.0 else { return Ok(()) };
        let rows: Vec<(String, i64, String)> =
            sqlx::query_as("select kind, place, json from held order by kind, place").fetch_all(pool).await?;
        for (kind, place, json) in rows {
            world
                .load(&kind, place as u64, &json)
                .map_err(|error| sqlx::Error::Decode(format!("{kind} {place}: {error}").into()))?;
        }
        Ok(())
    }

    pub async fn write(&self, changes: Vec<Kept>) -> Result<(), sqlx::Error> {
        let Some(pool) = self.0.as_ref().filter(|_| !changes.is_empty()) else { return Ok(()) };
        let mut tx = pool.begin().await?;
        for Kept { kind, place, json } in changes {
            let place = place as i64;
            match json {
                Some(json) => {
                    sqlx::query("insert or replace into held (kind, place, json) values ($1, $2, $3)")
                        .bind(kind)
                        .bind(place)
                        .bind(json)
                        .execute(&mut *tx)
                        .await?
                }
                None => {
                    let gone = sqlx::query("delete from held where kind = $1 and place = $2");
                    gone.bind(kind).bind(place).execute(&mut *tx).await?
                }
            };
        }
        tx.commit().await
    }
}
