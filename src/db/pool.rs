//! Connections that failed are closed, not given back: what was temporary must not outlive its cause.
//!
//! A full disk, a file system that was read-only for a while, a server that was restarted: each leaves
//! pooled connections behind that fail for ever, though a new one would work.
use super::{Error, Result};
use sqlx::{
    Connection, Database, Pool, Postgres, TransactionManager, pool::PoolConnection, pool::PoolOptions,
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Past this a caller is told that the service is busy rather than kept waiting.
pub const ACQUIRE: Duration = Duration::from_secs(5);
/// A connection that was idle for longer is asked whether it still answers. Under load none is, so that
/// no look-up pays for the question.
const IDLE: Duration = Duration::from_secs(1);

/// For a connection to answer that was idle.
const PING: Duration = Duration::from_secs(1);
/// For Postgres to answer a statement. A network that swallows everything sends no reset, and TCP waits for
/// minutes; whoever waits for a lock waits no longer either. It is less than a request has.
pub const STATEMENT: Duration = Duration::from_secs(10);

/// When a pool last met an outage. Connections opened before then are not used again, since what
/// befell one has befallen the others. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Outage(Arc<Mutex<Option<Instant>>>);

impl Outage {
    pub fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn befell(&self, age: Duration) -> bool {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|at| at.elapsed() <= age)
    }
}

/// When a probe was, and how it went.
pub(super) type Probed = (Instant, Result<(), String>);

/// What is known of a database's pools. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Health {
    pub(super) writes: Outage,
    /// Of SQLite's readers: what stops its writer seldom stops them.
    pub(super) reads: Outage,
    pub(super) last_probe: Arc<tokio::sync::Mutex<Option<Probed>>>,
}

/// What every pool of ours does when it lends a connection and takes it back. It holds for whoever
/// uses the pool: the session store of others has the same protection. `over_network`: a connection may
/// fall silent.
pub fn options<D: Database>(most: u32, outage: &Outage, over_network: bool) -> PoolOptions<D> {
    let (lending, taking_back) = (outage.clone(), outage.clone());
    PoolOptions::new()
        .max_connections(most)
        .acquire_timeout(ACQUIRE)
        .test_before_acquire(false)
        .before_acquire(move |connection: &mut D::Connection, about| {
            let (spoilt, outage) = (lending.befell(about.age), lending.clone());
            Box::pin(async move {
                if !spoilt && about.idle_for > IDLE {
                    answers(connection, &outage).await?;
                }
                Ok(!spoilt)
            })
        })
        .after_release(move |connection: &mut D::Connection, about| {
            let (spoilt, outage) = (taking_back.befell(about.age), taking_back.clone());
            Box::pin(async move {
                // A rollback that was left to it has been tried after this. Nothing is silent within a process, so
                // that SQLite is asked for this alone; the pool asks once more by itself.
                if over_network || D::TransactionManager::get_transaction_depth(connection) > 0 {
                    answers(connection, &outage).await?;
                }
                Ok(!spoilt && D::TransactionManager::get_transaction_depth(connection) == 0)
            })
        })
}

/// Asks a connection whether it still answers. One that is silent is closed, and the others are not asked.
async fn answers<C: Connection>(connection: &mut C, outage: &Outage) -> sqlx::Result<()> {
    match tokio::time::timeout(PING, connection.ping()).await {
        Ok(answered) => answered,
        Err(_) => {
            outage.note();
            Err(silent())
        }
    }
}

/// What `running` brings, unless the database says nothing for too long. SQLite is a file: it has a limit of
/// its own for locks.
pub async fn in_time<D: Database, T>(running: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    if D::NAME != Postgres::NAME {
        return running.await;
    }
    tokio::time::timeout(STATEMENT, running).await.unwrap_or_else(|_| Err(silent()))
}

fn silent() -> sqlx::Error {
    sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())
}

/// A connection of a pool while we use it, in a transaction or for one statement.
pub struct Lent<D: Database> {
    connection: PoolConnection<D>,
    outage: Outage,
    in_transaction: bool,
}

impl<D: Database> Lent<D> {
    pub async fn from(pool: &Pool<D>, outage: &Outage) -> Result<Self> {
        let connection = match pool.acquire().await {
            Ok(connection) => connection,
            // Not busy: there is no connection that somebody else could be using.
            Err(error @ sqlx::Error::PoolTimedOut) if pool.size() == 0 => {
                return Err(Error::Unavailable(error));
            }
            Err(error @ sqlx::Error::PoolTimedOut) => return Err(error.into()),
            Err(error) => return Err(Error::Unavailable(error)),
        };
        Ok(Self { connection, outage: outage.clone(), in_transaction: false })
    }

    /// Begins a transaction. A connection that the database has dropped meanwhile is replaced, once.
    pub async fn begin(pool: &Pool<D>, outage: &Outage, statement: Option<String>) -> Result<Self> {
        match Self::try_begin(pool, outage, statement.clone()).await {
            Err(Error::Unavailable(_)) => Self::try_begin(pool, outage, statement).await,
            begun => begun,
        }
    }

    async fn try_begin(pool: &Pool<D>, outage: &Outage, statement: Option<String>) -> Result<Self> {
        let mut lent = Self::from(pool, outage).await?;
        let begun = D::TransactionManager::begin(&mut lent.connection, statement.map(Into::into));
        match in_time::<D, _>(begun).await {
            Ok(()) => lent.in_transaction = true,
            Err(error) => return Err(lent.thrown_away(error)),
        }
        Ok(lent)
    }

    pub async fn commit(mut self) -> Result<()> {
        match in_time::<D, _>(D::TransactionManager::commit(&mut self.connection)).await {
            Ok(()) => self.in_transaction = false,
            Err(error) => return Err(self.thrown_away(error)),
        }
        Ok(())
    }

    pub fn connection(&mut self) -> &mut D::Connection {
        &mut self.connection
    }

    /// To be told of every error of a statement. One of an outage closes the connection, and the pool's
    /// others before they are used again.
    pub fn failed(&mut self, error: sqlx::Error) -> Error {
        let error = Error::from(error);
        if matches!(error, Error::Unavailable(_)) {
            self.outage.note();
            self.connection.close_on_drop();
        }
        error
    }

    fn thrown_away(mut self, error: sqlx::Error) -> Error {
        self.connection.close_on_drop();
        self.failed(error)
    }
}

/// What was not committed is rolled back, by whoever takes the connection next at the latest.
impl<D: Database> Drop for Lent<D> {
    fn drop(&mut self) {
        if self.in_transaction {
            D::TransactionManager::start_rollback(&mut self.connection);
        }
    }
}
