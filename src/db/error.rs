//! Database errors under one name on both engines.
use sqlx::error::ErrorKind;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a room may want to tell apart. Everything else is a bug or an outage.
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
        let Some(db) = error.as_database_error() else {
            return match error {
                sqlx::Error::PoolTimedOut => Error::Conflict(error),
                error => Error::Sqlx(error),
            };
        };
        match (db.kind(), db.code().as_deref()) {
            (ErrorKind::UniqueViolation, _) => Error::Duplicate(match db.constraint() {
                Some(name) => name.to_owned(),
                None => postgres_name(db.message()),
            }),
            (ErrorKind::ForeignKeyViolation, _) => Error::Reference,
            // Postgres: serialization_failure, deadlock_detected. SQLite: BUSY, BUSY_SNAPSHOT.
            (_, Some("40001" | "40P01" | "5" | "517")) => Error::Conflict(error),
            _ => Error::Sqlx(error),
        }
    }
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
