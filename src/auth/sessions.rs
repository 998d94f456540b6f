//! Sessions: the stock SQL stores, with ids hashed at rest and a `save` that never revives.
use super::db as queries;
use crate::db::{At, Db, STATEMENT};
use async_trait::async_trait;
use sha2::{Digest, Sha256};
use tower_sessions::{
    Expiry, SessionManagerLayer, SessionStore,
    cookie::SameSite,
    session::{self, Id, Record},
    session_store::{Error, Result},
};
use tower_sessions_sqlx_store::{PostgresStore, SqliteStore};

/// The session's only key.
pub const LOGIN: &str = "login";

/// Browsers take `__Host-` cookies on `http://localhost` too, so one name serves everywhere.
pub const COOKIE: &str = "__Host-session";

#[derive(Clone, Debug)]
pub struct Store {
    db: Db,
    stock: Stock,
}

#[derive(Clone, Debug)]
enum Stock {
    Sqlite { writer: SqliteStore, readers: SqliteStore },
    Postgres(PostgresStore),
}

/// Lax, because Strict signs people out on their way back from Stripe.
pub fn layer(db: &Db, max: std::time::Duration) -> SessionManagerLayer<Store> {
    let max = max.try_into().unwrap_or(time::Duration::WEEK);
    SessionManagerLayer::new(Store::new(db))
        .with_name(COOKIE)
        .with_path("/")
        .with_secure(true)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(max))
}

impl Store {
    pub fn new(db: &Db) -> Self {
        const NAME: &str = "a valid name";
        let sqlite =
            |pool: &sqlx::SqlitePool| SqliteStore::new(pool.clone()).with_table_name("sessions").expect(NAME);
        let stock = match db {
            Db::Sqlite { writer, readers, .. } => {
                Stock::Sqlite { writer: sqlite(writer), readers: sqlite(readers) }
            }
            Db::Postgres { pool, .. } => {
                let store = PostgresStore::new(pool.clone()).with_schema_name("public").expect(NAME);
                Stock::Postgres(store.with_table_name("sessions").expect(NAME))
            }
        };
        Self { db: db.clone(), stock }
    }

    /// The stock stores use our pools without telling them how it went.
    fn noted(&self, error: Error) -> Error {
        let waited = matches!(&error, Error::Backend(why) if *why == sqlx::Error::PoolTimedOut.to_string());
        if matches!(error, Error::Backend(_)) && !waited {
            self.db.note_outage();
        }
        error
    }

    pub async fn delete_expired(&self, now: At) -> crate::db::Result<()> {
        queries::delete_expired_sessions(&self.db, now.utc()).await.map(drop)
    }
}

/// The stock stores do not pass through what limits our own statements.
async fn in_time<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let answer = tokio::time::timeout(STATEMENT, work).await;
    answer.unwrap_or_else(|_| Err(Error::Backend("the database does not answer".into())))
}

/// What the table holds in place of the cookie's value: an id has 128 random bits, so a plain
/// hash makes a leaked table or backup useless.
fn at_rest(id: &Id) -> Id {
    let digest = Sha256::digest(id.0.to_le_bytes());
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    Id(i128::from_le_bytes(half))
}

#[async_trait]
impl SessionStore for Store {
    async fn create(&self, record: &mut Record) -> Result<()> {
        let mut hashed = Record { id: at_rest(&record.id), ..record.clone() };
        let created = match &self.stock {
            Stock::Sqlite { writer, .. } => writer.create(&mut hashed).await,
            Stock::Postgres(store) => in_time(store.create(&mut hashed)).await,
        };
        created.map_err(|error| self.noted(error))?;
        // The stock store picks another id on a collision, whose cookie nobody could know.
        if hashed.id == at_rest(&record.id) {
            Ok(())
        } else {
            Err(Error::Backend("session id collision".into()))
        }
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let hashed = Record { id: at_rest(&record.id), ..record.clone() };
        let data = rmp_serde::to_vec(&hashed).map_err(|e| Error::Encode(e.to_string()))?;
        let saved = queries::update_session(&self.db, hashed.id.to_string(), data).await;
        saved.map(drop).map_err(|e| Error::Backend(e.to_string()))
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let found = match &self.stock {
            Stock::Sqlite { readers, .. } => readers.load(&at_rest(id)).await,
            Stock::Postgres(store) => in_time(store.load(&at_rest(id))).await,
        };
        let found = found.map_err(|error| self.noted(error))?;
        Ok(found.map(|record| Record { id: *id, ..record }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let deleted = match &self.stock {
            Stock::Sqlite { writer, .. } => writer.delete(&at_rest(id)).await,
            Stock::Postgres(store) => in_time(store.delete(&at_rest(id))).await,
        };
        deleted.map_err(|error| self.noted(error))
    }
}

/// The store says what went wrong in words alone, and nothing of it is our mistake.
impl From<session::Error> for crate::error::Error {
    fn from(error: session::Error) -> Self {
        match error {
            session::Error::Store(Error::Backend(why)) => crate::error::Error::Unavailable(why),
            error => crate::error::Error::broken(error),
        }
    }
}
