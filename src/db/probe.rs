//! Whether the database can be written to.
use super::{At, Db, pool::Health};
use crate::sql;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How often a probe writes, however many ask.
const EVERY: Duration = Duration::from_secs(1);
/// Balancers give up sooner than a pool does.
const PATIENCE: Duration = Duration::from_secs(3);

impl Db {
    /// Whether the database takes a write: one row, committed, since only that meets a full disk. All
    /// who ask within a second share one write. The error says what stands in the way.
    pub async fn probe(&self, now: At) -> Result<(), String> {
        let mut last = self.health().last_probe.lock().await;
        match &*last {
            Some((at, outcome)) if at.elapsed() < EVERY => outcome.clone(),
            _ => {
                let written = timeout(PATIENCE, write_probe(self, now)).await;
                let outcome = match written {
                    Ok(written) => written.map(drop).map_err(|error| error.to_string()),
                    Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
                };
                *last = Some((Instant::now(), outcome.clone()));
                outcome
            }
        }
    }

    /// For users of the pools whose errors do not pass through here (the session store): connections
    /// that are open now are replaced before they are used again.
    pub fn note_outage(&self) {
        self.health().writes.note();
        self.health().reads.note();
    }

    fn health(&self) -> &Health {
        match self {
            Db::Sqlite { health, .. } | Db::Postgres { health, .. } => health,
        }
    }
}

async fn write_probe(db: &Db, now: At) -> super::Result<u64> {
    sql!(
        db,
        "insert into cursors (name, at) values ('probe', $1) on conflict (name) do update set at = $1",
        now
    )
    .execute()
    .await
}
