//! `sql!`: a statement checked at compile time for its placeholders and for who may run it.
use super::Result;
use sqlx::{
    Arguments, Database, Encode, FromRow, Pool, Postgres, Sqlite, Type,
    error::BoxDynError,
    postgres::{PgArguments, PgRow},
    sqlite::{SqliteArguments, SqliteRow},
};

/// Tables whose every row belongs to one organisation: those that the migrations make with an `org_id`
/// (build.rs reads them). Statements on them run only through `OrgTx` or `System`, name `org_id`, and are
/// behind row-level security on Postgres.
pub const TENANT_TABLES: &[&str] = include!(concat!(env!("OUT_DIR"), "/tenant_tables.rs"));

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
    fn query(self, statement: &'static Stmt) -> Query<'c>;
}

/// Called by `sql!` only: refuses, when compiled, a tenant statement on a bare `&Db`.
pub fn on<'c, const TENANT: bool, E: Exec<'c>>(runner: E, statement: &'static Stmt) -> Query<'c> {
    const {
        assert!(!TENANT || E::SCOPED, "a tenant table is reached only through OrgTx, Tx or System");
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
        $crate::db::on::<{ $crate::db::names_tenant_table($lite) }, _>($on, &STMT)$(.bind($arg))*
    }};
    ($on:expr, $text:expr $(, $arg:expr)* $(,)?) => {
        $crate::sql!($on, sqlite $text, postgres $text $(, $arg)*)
    };
}

#[cfg(test)]
pub struct Registered(pub &'static Stmt);
#[cfg(test)]
inventory::collect!(Registered);

pub(super) enum Source<'c, D: Database> {
    Pool(&'c Pool<D>),
    Conn(&'c mut D::Connection),
}

pub(super) enum On<'c> {
    Sqlite(&'static str, SqliteArguments<'c>, Source<'c, Sqlite>),
    Postgres(&'static str, PgArguments, Source<'c, Postgres>),
}

/// A statement with its values, ready to run.
pub struct Query<'c> {
    on: On<'c>,
    failed: Option<BoxDynError>,
}

/// Runs one arm per engine; `$with` is sqlx's constructor, `$run` what to do with query and connection.
macro_rules! run {
    ($self:ident, $with:path, |$q:ident, $c:ident| $run:expr) => {{
        if let Some(error) = $self.failed {
            return Err(sqlx::Error::Encode(error).into());
        }
        match $self.on {
            On::Sqlite(text, args, Source::Pool($c)) => {
                let $q = $with(text, args);
                $run
            }
            On::Sqlite(text, args, Source::Conn($c)) => {
                let $q = $with(text, args);
                $run
            }
            On::Postgres(text, args, Source::Pool($c)) => {
                let $q = $with(text, args);
                $run
            }
            On::Postgres(text, args, Source::Conn($c)) => {
                let $q = $with(text, args);
                $run
            }
        }
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
        Ok(run!(self, sqlx::query_as_with, |query, on| query.fetch_one(on).await)?)
    }

    pub async fn optional<T: Record>(self) -> Result<Option<T>> {
        Ok(run!(self, sqlx::query_as_with, |query, on| query.fetch_optional(on).await)?)
    }

    pub async fn all<T: Record>(self) -> Result<Vec<T>> {
        Ok(run!(self, sqlx::query_as_with, |query, on| query.fetch_all(on).await)?)
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
        Ok(run!(self, sqlx::query_with, |query, on| query
            .execute(on)
            .await
            .map(|done| done.rows_affected()))?)
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
    let mut table = 0;
    while table < TENANT_TABLES.len() {
        if has_word(sql.as_bytes(), TENANT_TABLES[table].as_bytes()) {
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
