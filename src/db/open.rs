//! Opening a database: the pools and their settings.
use super::{
    Exec, Query, Result, Stmt,
    pool::{ACQUIRE, Health, options},
    statement::{On, Source},
};
use crate::brand;
use sqlx::{
    Postgres,
    postgres::{PgConnectOptions, PgPool},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqliteSynchronous},
};
use std::{str::FromStr, time::Duration};

#[derive(Clone, Debug)]
pub enum Db {
    /// One writer, because SQLite has one; several readers, which never wait for it (WAL).
    Sqlite { writer: SqlitePool, readers: SqlitePool, health: Health },
    /// `tenant_role` once the tenants' role exists and we may become it.
    Postgres { pool: PgPool, tenant_role: bool, health: Health },
}

impl Db {
    /// `sqlite://path` or `postgres://…`. Does not migrate; see [`super::migrate`].
    pub async fn connect(url: &str) -> Result<Self> {
        if url.starts_with("sqlite:") { Self::sqlite(url).await } else { Self::postgres(url).await }
    }

    async fn sqlite(url: &str) -> Result<Self> {
        outlive_a_size_limit().map_err(sqlx::Error::Io)?;
        let connect = SqliteConnectOptions::from_str(url)?
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full) // an acknowledged webhook survives a power cut
            .optimize_on_close(true, None)
            .busy_timeout(ACQUIRE);
        let health = Health::default();
        let writer = options(1, &health.writes, false).connect_with(connect.clone()).await?;
        let readers =
            options(4, &health.reads, false).connect_with(connect.pragma("query_only", "on")).await?;
        Ok(Db::Sqlite { writer, readers, health })
    }

    async fn postgres(url: &str) -> Result<Self> {
        let connect = PgConnectOptions::from_str(url)?.application_name(brand::SLUG);
        let health = Health::default();
        let pool = options(16, &health.writes, true)
            .max_lifetime(Duration::from_secs(1800))
            .connect_with(connect)
            .await?;
        Ok(Db::Postgres { pool, tenant_role: false, health })
    }

    pub fn engine(&self) -> &'static str {
        match self {
            Db::Sqlite { .. } => "SQLite",
            Db::Postgres { .. } => "Postgres",
        }
    }

    pub async fn close(&self) {
        match self {
            Db::Sqlite { writer, readers, .. } => {
                readers.close().await;
                // The pool does not wait for a connection that is on its way back, and the writer's writes
                // SQLite's statistics as it closes.
                if let Ok(connection) = writer.acquire().await {
                    connection.close().await.ok();
                }
                writer.close().await;
            }
            Db::Postgres { pool, .. } => pool.close().await,
        }
    }
}

/// Past `ulimit -f` the kernel ends a process that writes on, unless it listens: then the write fails
/// as it does on a full disk.
#[cfg(target_os = "linux")]
fn outlive_a_size_limit() -> std::io::Result<()> {
    const SIGXFSZ: i32 = 25;
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(SIGXFSZ)).map(drop)
}

#[cfg(not(target_os = "linux"))]
fn outlive_a_size_limit() -> std::io::Result<()> {
    Ok(())
}

impl<'c> Exec<'c> for &'c Db {
    const SCOPED: bool = false;

    fn query(self, statement: &'static Stmt) -> Query<'c> {
        Query::new(match self {
            Db::Sqlite { writer, readers, health } => {
                let source = if statement.reads {
                    Source::Pool(readers, &health.reads)
                } else {
                    Source::Pool(writer, &health.writes)
                };
                On::Sqlite(statement.sqlite, Default::default(), source)
            }
            Db::Postgres { pool, health, .. } => {
                let source: Source<Postgres> = Source::Pool(pool, &health.writes);
                On::Postgres(statement.postgres, Default::default(), source)
            }
        })
    }
}
