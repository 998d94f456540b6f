//! Transactions: `OrgTx` inside one organisation, `Tx` and `System` for work that has none.
use super::{
    Db, Error, Exec, OrgId, Query, Result, Scope, Stmt,
    pool::{Health, Lent, Outage},
    role::Role,
    statement::{On, Source},
};
use crate::sql;
use sqlx::{Database, Pool, Postgres, Sqlite};

/// A writing transaction of the system: sign-up, the inbox, jobs. Sees every organisation, so
/// each statement names the one it means.
pub struct Tx(Inner);

/// A transaction inside the organisation of its scope. On Postgres the engine itself hides every
/// other organisation's rows.
pub struct OrgTx<'s> {
    inner: Inner,
    scope: &'s Scope,
}

/// The system's own tables (jobs, mails, the inbox) from inside an organisation's transaction: what is
/// to be done because of a change is written with it. The tenant's role sees none of them.
pub struct Within<'c>(&'c mut Inner);

/// A single read across organisations ("my organisations"), named as such where it is done.
#[derive(Clone, Copy)]
pub struct System<'c>(&'c Db);

enum Inner {
    Sqlite(Lent<Sqlite>),
    Postgres {
        lent: Lent<Postgres>,
        /// Whose work is being done, where there is a role for each.
        role: Option<Role>,
    },
}

impl Db {
    /// A writing transaction of the system. SQLite takes its write lock now: a later upgrade
    /// fails at once with BUSY instead of waiting.
    pub async fn system_tx(&self) -> Result<Tx> {
        Ok(Tx(match self {
            Db::Sqlite { writer, health, .. } => sqlite_writer(writer, health).await?,
            Db::Postgres { pool, health, .. } => {
                Inner::Postgres { lent: begin(pool, &health.writes, None).await?, role: None }
            }
        }))
    }

    /// A single read across organisations.
    pub fn system(&self) -> System<'_> {
        System(self)
    }

    /// Writes inside the scope's organisation.
    pub async fn write<'s>(&self, scope: &'s Scope) -> Result<OrgTx<'s>> {
        let inner = match self {
            Db::Sqlite { writer, health, .. } => sqlite_writer(writer, health).await?,
            Db::Postgres { pool, tenant_role, health } => {
                let statement = Some(begin_in(scope.org(), *tenant_role));
                let lent = begin(pool, &health.writes, statement).await?;
                Inner::Postgres { lent, role: tenant_role.then_some(Role::Tenant) }
            }
        };
        Ok(OrgTx { inner, scope })
    }

    /// Reads inside the scope's organisation, from one snapshot, never waiting for the writer.
    pub async fn read<'s>(&self, scope: &'s Scope) -> Result<OrgTx<'s>> {
        let inner = match self {
            Db::Sqlite { readers, health, .. } => Inner::Sqlite(begin(readers, &health.reads, None).await?),
            Db::Postgres { pool, tenant_role, health } => {
                let statement = Some(begin_in(scope.org(), *tenant_role));
                let lent = begin(pool, &health.writes, statement).await?;
                Inner::Postgres { lent, role: tenant_role.then_some(Role::Tenant) }
            }
        };
        Ok(OrgTx { inner, scope })
    }
}

async fn sqlite_writer(writer: &Pool<Sqlite>, health: &Health) -> Result<Inner> {
    Ok(Inner::Sqlite(begin(writer, &health.writes, Some("begin immediate".into())).await?))
}

/// In a task of its own, which goes on when the caller is cancelled: a client hangs up, a worker is
/// stopped. Cut off between BEGIN and its answer, sqlx 0.8 gives the connection back with a
/// transaction in it that nobody ends; on SQLite that is the only writer there is.
async fn begin<D: Database>(pool: &Pool<D>, outage: &Outage, statement: Option<String>) -> Result<Lent<D>> {
    let (pool, outage) = (pool.clone(), outage.clone());
    let begun = tokio::spawn(async move { Lent::begin(&pool, &outage, statement).await });
    begun.await.unwrap_or(Err(Error::Unavailable(sqlx::Error::WorkerCrashed)))
}

/// One round trip, and local to the transaction: safe behind pgbouncer. A formatted UUID is hex
/// and hyphens, so nothing can be smuggled into the text.
fn begin_in(org: OrgId, tenant_role: bool) -> String {
    let role = if tenant_role { format!("{};", Role::Tenant.become_it()) } else { String::new() };
    format!("begin; {role} set local app.org_id = '{org}'")
}

impl Tx {
    pub async fn commit(self) -> Result<()> {
        self.0.commit().await
    }

    /// Locks the organisation's row until the end: before any check-then-act on it.
    pub async fn lock(&mut self, org: OrgId) -> Result<()> {
        lock(&mut *self, org).await
    }
}

impl<'s> OrgTx<'s> {
    pub fn scope(&self) -> &'s Scope {
        self.scope
    }

    pub fn org(&self) -> OrgId {
        self.scope.org()
    }

    pub async fn commit(self) -> Result<()> {
        self.inner.commit().await
    }

    /// For statements on the system's own tables.
    pub fn system(&mut self) -> Within<'_> {
        Within(&mut self.inner)
    }

    /// Locks the organisation's row until the end: before any check-then-act on it.
    pub async fn lock(&mut self) -> Result<()> {
        let org = self.org();
        lock(self, org).await
    }
}

/// SQLite needs no lock: whoever writes is alone. Not an advisory lock on Postgres: those are
/// ignored by the distributed engines this may grow to.
async fn lock<'c>(on: impl Exec<'c>, org: OrgId) -> Result<()> {
    sql!(on, sqlite "select id from orgs where id = $1", postgres "select id from orgs where id = $1 for update", org)
        .optional::<(OrgId,)>()
        .await?
        .map(drop)
        .ok_or(Error::Reference) // deleted by somebody since the guard let us in
}

impl Inner {
    async fn commit(self) -> Result<()> {
        match self {
            Inner::Sqlite(tx) => tx.commit().await,
            Inner::Postgres { lent, .. } => lent.commit().await,
        }
    }

    fn query<'c>(&'c mut self, statement: &'static Stmt, wanted: Role) -> Query<'c> {
        Query::new(match self {
            Inner::Sqlite(lent) => {
                On::Sqlite(statement.sqlite, Default::default(), Source::Transaction(lent, None))
            }
            Inner::Postgres { lent, role } => {
                let source = Source::Transaction(lent, role.as_mut().map(|now| (now, wanted)));
                On::Postgres(statement.postgres, Default::default(), source)
            }
        })
    }
}

impl<'c> Exec<'c> for &'c mut Tx {
    const SCOPED: bool = true;

    fn query(self, statement: &'static Stmt) -> Query<'c> {
        self.0.query(statement, Role::System)
    }
}

impl<'c> Exec<'c> for &'c mut OrgTx<'_> {
    const SCOPED: bool = true;
    const OF_TENANT: bool = true;

    fn query(self, statement: &'static Stmt) -> Query<'c> {
        self.inner.query(statement, Role::Tenant)
    }
}

impl<'c> Exec<'c> for Within<'c> {
    const SCOPED: bool = false;

    fn query(self, statement: &'static Stmt) -> Query<'c> {
        self.0.query(statement, Role::System)
    }
}

impl<'c> Exec<'c> for System<'c> {
    const SCOPED: bool = true;

    fn query(self, statement: &'static Stmt) -> Query<'c> {
        self.0.query(statement)
    }
}
