//! Database errors under one name on both engines.
use sqlx::{
    error::{DatabaseError, ErrorKind},
    sqlite::SqliteError,
};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a room may want to tell apart. Everything else is a bug.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The constraint's name as Postgres gives it, on SQLite too: `users_email_key`.
    #[error("{0} must be unique")]
    Duplicate(String),
    /// What was to be referred to is not there (any more): an organisation, a person.
    #[error("a referenced row does not exist")]
    Reference,
    /// A serialisation failure, a deadlock, or SQLite's writer staying busy for 5 s.
    #[error("the database was busy: {0}")]
    Conflict(sqlx::Error),
    /// The database does not answer, or cannot write: it is restarted, its disk is full or read-only, it
    /// takes no more connections. Nothing is wrong with what was asked, and it may be asked again.
    #[error("the database is not available: {0}")]
    Unavailable(sqlx::Error),
    #[error(transparent)]
    Sqlx(sqlx::Error),
}

impl Error {
    /// Whether this is the unique constraint of that name.
    pub fn is_duplicate(&self, constraint: &str) -> bool {
        matches!(self, Error::Duplicate(name) if name == constraint)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let sqlx::Error::Database(db) = &error else {
            return match error {
                sqlx::Error::PoolTimedOut => Error::Conflict(error),
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
                | sqlx::Error::BeginFailed
                | sqlx::Error::InvalidSavePointStatement => Error::Unavailable(error),
                error => Error::Sqlx(error),
            };
        };
        match db.kind() {
            ErrorKind::UniqueViolation => Error::Duplicate(match db.constraint() {
                Some(name) => name.to_owned(),
                None => postgres_name(db.message()),
            }),
            ErrorKind::ForeignKeyViolation => Error::Reference,
            _ if is_conflict(&**db) => Error::Conflict(error),
            _ if is_outage(&**db) => Error::Unavailable(error),
            _ => Error::Sqlx(error),
        }
    }
}

/// Postgres: serialization_failure, deadlock_detected. SQLite: BUSY in all its forms.
fn is_conflict(error: &dyn DatabaseError) -> bool {
    match sqlite_code(error) {
        Some(code) => code == 5,
        None => matches!(error.code().as_deref(), Some("40001" | "40P01")),
    }
}

/// SQLite: NOMEM, READONLY, IOERR, FULL, CANTOPEN, PROTOCOL. Postgres: connection exceptions (08),
/// insufficient resources (53), operator intervention but for a cancelled query (57P), system errors
/// (58), and a server that has become a standby (25006).
fn is_outage(error: &dyn DatabaseError) -> bool {
    match sqlite_code(error) {
        Some(code) => matches!(code, 7 | 8 | 10 | 13 | 14 | 15),
        None => error.code().is_some_and(|code| {
            code == "25006" || ["08", "53", "57P", "58"].iter().any(|class| code.starts_with(class))
        }),
    }
}

/// The primary result code, which is the low byte of those that say more.
fn sqlite_code(error: &dyn DatabaseError) -> Option<i32> {
    let code: i32 = error.try_downcast_ref::<SqliteError>()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

/// "UNIQUE constraint failed: users.email" → `users_email_key`; "index 'x'" → `x`.
fn postgres_name(message: &str) -> String {
    let what = message.rsplit(": ").next().unwrap_or_default();
    if let Some(index) = what.strip_prefix("index '") {
        return index.trim_end_matches('\'').to_owned();
    }
    let mut columns = what.split(", ").map(|c| c.split_once('.').unwrap_or(("", c)));
    let (table, first) = columns.next().unwrap_or_default();
    let mut name = format!("{table}_{first}");
    for (_, column) in columns {
        name.push('_');
        name.push_str(column);
    }
    name + "_key"
}

#[cfg(test)]
mod tests {
    use super::postgres_name;

    #[test]
    fn sqlite_constraints_get_the_name_postgres_gives_them() {
        for (message, name) in [
            ("UNIQUE constraint failed: users.email", "users_email_key"),
            ("UNIQUE constraint failed: members.org_id, members.user_id", "members_org_id_user_id_key"),
            ("UNIQUE constraint failed: index 'orgs_slug_key'", "orgs_slug_key"),
        ] {
            assert_eq!(postgres_name(message), name);
        }
    }
}
