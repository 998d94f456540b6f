//! Opening a database: the pools and their settings.
use super::{
    Exec, Query, Result, Stmt,
    statement::{On, Source},
};
use crate::brand;
use sqlx::{
    Pool, Postgres, Sqlite,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous},
};
use std::{str::FromStr, time::Duration};

/// Past this a caller is told the service is busy rather than kept waiting.
const ACQUIRE: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
pub enum Db {
    /// One writer, because SQLite has one; several readers, which never wait for it (WAL).
    Sqlite { writer: SqlitePool, readers: SqlitePool },
    /// `tenant_role` once the tenant role exists and we may become it.
    Postgres { pool: PgPool, tenant_role: bool },
}

impl Db {
    /// `sqlite://path` or `postgres://…`. Does not migrate; see [`super::migrate`].
    pub async fn connect(url: &str) -> Result<Self> {
        if url.starts_with("sqlite:") { Self::sqlite(url).await } else { Self::postgres(url).await }
    }

    async fn sqlite(url: &str) -> Result<Self> {
        let options = SqliteConnectOptions::from_str(url)?
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full) // an acknowledged webhook survives a power cut
            .optimize_on_close(true, None)
            .busy_timeout(ACQUIRE);
        let pool = |size| {
            SqlitePoolOptions::new().max_connections(size).acquire_timeout(ACQUIRE).test_before_acquire(false)
        };
        let writer = pool(1).connect_with(options.clone()).await?;
        let readers = pool(4).connect_with(options.pragma("query_only", "on")).await?;
        Ok(Db::Sqlite { writer, readers })
    }

    async fn postgres(url: &str) -> Result<Self> {
        let options = PgConnectOptions::from_str(url)?.application_name(brand::SLUG);
        let pool = PgPoolOptions::new()
            .max_connections(16)
            .acquire_timeout(ACQUIRE)
            .max_lifetime(Duration::from_secs(1800))
            .test_before_acquire(false) // halves a look-up; a dead connection costs one request, then is gone
            .connect_with(options)
            .await?;
        Ok(Db::Postgres { pool, tenant_role: false })
    }

    pub fn engine(&self) -> &'static str {
        match self {
            Db::Sqlite { .. } => "SQLite",
            Db::Postgres { .. } => "Postgres",
        }
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        crate::sql!(self, "select cast(1 as bigint) as one").scalar::<i64>().await.map(drop)
    }

    pub async fn close(&self) {
        match self {
            Db::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Db::Postgres { pool, .. } => pool.close().await,
        }
    }
}

impl<'c> Exec<'c> for &'c Db {
    const SCOPED: bool = false;

    fn query(self, statement: &'static Stmt) -> Query<'c> {
        Query::new(match self {
            Db::Sqlite { writer, readers } => {
                let pool: &Pool<Sqlite> = if statement.reads { readers } else { writer };
                On::Sqlite(statement.sqlite, Default::default(), Source::Pool(pool))
            }
            Db::Postgres { pool, .. } => {
                let pool: &Pool<Postgres> = pool;
                On::Postgres(statement.postgres, Default::default(), Source::Pool(pool))
            }
        })
    }
}
