//! `sql!`: a statement checked at compile time for its placeholders and for who may run it.
use super::{
    Result,
    pool::{Lent, Outage, in_time},
    role::Role,
};
use sqlx::{
    Arguments, Database, Encode, Executor, FromRow, Pool, Postgres, Sqlite, Type,
    error::BoxDynError,
    postgres::{PgArguments, PgRow},
    sqlite::{SqliteArguments, SqliteRow},
};
use std::pin::Pin;

/// Tables whose every row belongs to one organisation: those that the migrations make with an `org_id`
/// (build.rs reads them). Statements on them run only through `OrgTx` or `System`, name `org_id`, and are
/// behind row-level security on Postgres.
pub const TENANT_TABLES: &[&str] = include!(concat!(env!("OUT_DIR"), "/tenant_tables.rs"));

/// Tables of the system. An organisation's own work reaches them through `OrgTx::system` alone: on
/// Postgres the tenant's role sees none of them.
pub const SYSTEM_TABLES: &[&str] = &[
    "users",
    "sessions",
    "logins",
    "throttles",
    "stripe_events",
    "jobs",
    "cursors",
    "mails",
    "mail_tokens",
    "trials",
];

/// A value both drivers can bind.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be bound on both SQLite and Postgres",
    label = "not a column type both engines share",
    note = "shared types: bool, i64, f64, String, Vec<u8>, Uuid, At, Json<T>, text_enum! and #[sqlx(transparent)] newtypes of them"
)]
pub trait Value<'q>:
    Encode<'q, Sqlite> + Type<Sqlite> + Encode<'q, Postgres> + Type<Postgres> + Send + 'q
{
}
impl<'q, T> Value<'q> for T where
    T: Encode<'q, Sqlite> + Type<Sqlite> + Encode<'q, Postgres> + Type<Postgres> + Send + 'q
{
}

/// A row both drivers can decode.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a row on both SQLite and Postgres",
    note = "add #[derive(sqlx::FromRow)] and keep every field to the shared column types"
)]
pub trait Record: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<T> Record for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// One statement of the program.
#[derive(Debug)]
pub struct Stmt {
    pub sqlite: &'static str,
    pub postgres: &'static str,
    /// `file:line`, its name in logs and failures.
    pub at: &'static str,
    /// Whether a reader may run it on SQLite.
    pub(super) reads: bool,
}

impl Stmt {
    pub const fn new(sqlite: &'static str, postgres: &'static str, args: usize, at: &'static str) -> Self {
        assert!(placeholders(sqlite) == args, "number of $n placeholders differs from number of arguments");
        assert!(placeholders(postgres) == args, "number of $n placeholders differs from number of arguments");
        Self { sqlite, postgres, at, reads: starts_with(sqlite.as_bytes(), b"select ") }
    }
}

/// What can run a statement: `&Db`, `&mut Tx`, `&mut OrgTx`, `System`.
///
/// House rule: one statement → `impl Exec<'_>`; several → `&mut Tx` or `&mut OrgTx`.
pub trait Exec<'c>: Sized + Send {
    /// Whether this one names on whose behalf it reads tenant tables.
    const SCOPED: bool;
    /// Whether this one runs as the tenant's role.
    const OF_TENANT: bool = false;
    fn query(self, statement: &'static Stmt) -> Query<'c>;
}

/// Called by `sql!` only: refuses, when compiled, a tenant statement on a bare `&Db`, and one on a
/// table of the system by the tenant's role.
pub fn on<'c, const TENANT: bool, const SYSTEM: bool, E: Exec<'c>>(
    runner: E,
    statement: &'static Stmt,
) -> Query<'c> {
    const {
        assert!(!TENANT || E::SCOPED, "a tenant table is reached only through OrgTx, Tx or System");
        assert!(!SYSTEM || !E::OF_TENANT, "inside an organisation the system's tables need `tx.system()`");
    }
    runner.query(statement)
}

/// Takes a text known when compiling: a literal, or a `concat!` of them.
#[macro_export]
macro_rules! sql {
    ($on:expr, sqlite $lite:expr, postgres $pg:expr $(, $arg:expr)* $(,)?) => {{
        static STMT: $crate::db::Stmt = $crate::db::Stmt::new(
            $lite, $pg,
            0usize $(+ { let _ = stringify!($arg); 1 })*,
            concat!(file!(), ":", line!()),
        );
        #[cfg(test)]
        inventory::submit!($crate::db::Registered(&STMT));
        $crate::db::on::<
            { $crate::db::names_tenant_table($lite) },
            { $crate::db::names_system_table($lite) },
            _,
        >($on, &STMT)$(.bind($arg))*
    }};
    ($on:expr, $text:expr $(, $arg:expr)* $(,)?) => {
        $crate::sql!($on, sqlite $text, postgres $text $(, $arg)*)
    };
}

#[cfg(test)]
pub struct Registered(pub &'static Stmt);
#[cfg(test)]
inventory::collect!(Registered);

/// Where a statement runs.
pub(super) enum Source<'c, D: Database> {
    Pool(&'c Pool<D>, &'c Outage),
    /// With the role it is in, and the one that the statement is for, where there are roles.
    Transaction(&'c mut Lent<D>, Option<(&'c mut Role, Role)>),
}

pub(super) enum On<'c> {
    Sqlite(&'static str, SqliteArguments<'c>, Source<'c, Sqlite>),
    Postgres(&'static str, PgArguments, Source<'c, Postgres>),
}

/// Boxed where the lifetimes are known: sqlx's futures are not found to be `Send` further out.
type Boxed<'a, T> = Pin<Box<dyn Future<Output = sqlx::Result<T>> + Send + 'a>>;

/// A statement with its values, ready to run.
pub struct Query<'c> {
    on: On<'c>,
    failed: Option<BoxDynError>,
}

/// Runs one arm per engine; `$with` is sqlx's constructor, `$run` what to do with query and connection.
macro_rules! run {
    ($self:ident, $with:path, |$query:ident, $on:ident| $run:expr) => {{
        if let Some(error) = $self.failed {
            return Err(sqlx::Error::Encode(error).into());
        }
        match $self.on {
            On::Sqlite(text, args, source) => run!(Sqlite, source, $with(text, args), |$query, $on| $run),
            On::Postgres(text, args, source) => run!(Postgres, source, $with(text, args), |$query, $on| $run),
        }
    }};
    ($engine:ty, $source:ident, $made:expr, |$query:ident, $on:ident| $run:expr) => {{
        let mut own;
        let lent = match $source {
            Source::Transaction(lent, None) => lent,
            Source::Transaction(lent, Some((now, wanted))) => {
                if *now != wanted {
                    let changed = Executor::execute(lent.connection(), wanted.become_it());
                    in_time::<$engine, _>(changed).await.map_err(|error| lent.failed(error))?;
                    *now = wanted;
                }
                lent
            }
            Source::Pool(pool, outage) => {
                own = Lent::from(pool, outage).await?;
                &mut own
            }
        };
        let ($query, $on) = ($made, lent.connection());
        let running: Boxed<'_, _> = Box::pin($run);
        in_time::<$engine, _>(running).await.map_err(|error| lent.failed(error))
    }};
}

impl<'c> Query<'c> {
    pub(super) fn new(on: On<'c>) -> Self {
        Self { on, failed: None }
    }

    pub fn bind<T: Value<'c>>(mut self, value: T) -> Self {
        let added = match &mut self.on {
            On::Sqlite(_, args, _) => args.add(value),
            On::Postgres(_, args, _) => args.add(value),
        };
        self.failed = self.failed.or(added.err());
        self
    }

    pub async fn one<T: Record>(self) -> Result<T> {
        run!(self, sqlx::query_as_with, |query, on| query.fetch_one(on))
    }

    pub async fn optional<T: Record>(self) -> Result<Option<T>> {
        run!(self, sqlx::query_as_with, |query, on| query.fetch_optional(on))
    }

    pub async fn all<T: Record>(self) -> Result<Vec<T>> {
        run!(self, sqlx::query_as_with, |query, on| query.fetch_all(on))
    }

    /// The first column of the only row.
    pub async fn scalar<T>(self) -> Result<T>
    where
        (T,): Record,
    {
        Ok(self.one::<(T,)>().await?.0)
    }

    /// Rows affected.
    pub async fn execute(self) -> Result<u64> {
        run!(self, sqlx::query_with, |query, on| async move {
            query.execute(on).await.map(|done| done.rows_affected())
        })
    }
}

/// The number of distinct placeholders; refuses gaps (`$1 … $3`).
const fn placeholders(sql: &str) -> usize {
    let (bytes, mut i, mut seen, mut max) = (sql.as_bytes(), 0, 0u64, 0usize);
    while i < bytes.len() {
        if bytes[i] == b'$' {
            let mut n = 0;
            while i + 1 < bytes.len() && bytes[i + 1].is_ascii_digit() {
                n = n * 10 + (bytes[i + 1] - b'0') as usize;
                i += 1;
            }
            if n > 0 {
                seen |= 1 << (n - 1);
                if n > max {
                    max = n;
                }
            }
        }
        i += 1;
    }
    assert!(seen.count_ones() as usize == max, "placeholders must be $1, $2, … without gaps");
    max
}

/// Whether a tenant table stands in the text as a word.
pub const fn names_tenant_table(sql: &str) -> bool {
    names_one_of(TENANT_TABLES, sql)
}

/// Whether a table of the system stands in the text as a word.
pub const fn names_system_table(sql: &str) -> bool {
    names_one_of(SYSTEM_TABLES, sql)
}

const fn names_one_of(tables: &[&str], sql: &str) -> bool {
    let mut table = 0;
    while table < tables.len() {
        if has_word(sql.as_bytes(), tables[table].as_bytes()) {
            return true;
        }
        table += 1;
    }
    false
}

const fn has_word(text: &[u8], word: &[u8]) -> bool {
    let mut i = 0;
    while i + word.len() <= text.len() {
        let after = i + word.len();
        let open = i == 0 || !is_word(text[i - 1]);
        let closed = after == text.len() || !is_word(text[after]);
        if open && closed && starts_with(text.split_at(i).1, word) {
            return true;
        }
        i += 1;
    }
    false
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

const fn starts_with(text: &[u8], start: &[u8]) -> bool {
    let mut i = 0;
    while i < start.len() {
        if i >= text.len() || text[i] != start[i] {
            return false;
        }
        i += 1;
    }
    true
}
