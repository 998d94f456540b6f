//! Migrations, run under a lock so that two instances may start at once, and the check that
//! row-level security really holds for the role we connected as.
use super::{Db, OrgId, Result, Scope, role::TENANT_ROLE};
use crate::sql;
use sqlx::migrate::{Migrate, Migrator};
use std::sync::LazyLock;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: LazyLock<Migrator> = LazyLock::new(|| with_our_roles(sqlx::migrate!("migrations/postgres")));

/// The migrations say `portico_tenant` and `portico_system`. Roles belong to the server, not to a database,
/// and two products on one server must not share them: each puts its own name in. Checksums stay those
/// of the files, so that a renamed product runs our later migrations unchanged.
fn with_our_roles(mut all: Migrator) -> Migrator {
    for migration in all.migrations.to_mut() {
        migration.sql = migration.sql.replace("portico_", concat!(env!("CARGO_PKG_NAME"), "_")).into();
    }
    all
}

/// Brings the schema up to date. A role that may not create tables can start on a current schema.
pub async fn migrate(db: &mut Db) -> Result<()> {
    match db {
        Db::Sqlite { writer, .. } => {
            let _lock = lock_beside(writer.connect_options().get_filename()).await?;
            SQLITE.run(&*writer).await.map_err(sqlx::Error::from)?;
        }
        Db::Postgres { pool, tenant_role, .. } => {
            let mut connection = pool.acquire().await?;
            if !is_current(&mut connection).await {
                POSTGRES.run(&mut *connection).await.map_err(sqlx::Error::from)?;
            }
            *tenant_role = may_become_tenant(&mut connection).await?;
        }
    }
    Ok(())
}

/// sqlx takes an advisory lock on Postgres and none on SQLite, where two fresh processes would
/// both try to create the first table.
async fn lock_beside(database: &std::path::Path) -> Result<std::fs::File> {
    let path = database.with_extension("lock");
    let locked = tokio::task::spawn_blocking(move || {
        let file = std::fs::File::create(path)?;
        file.lock()?;
        Ok::<_, std::io::Error>(file)
    });
    Ok(locked.await.map_err(|gone| sqlx::Error::Io(std::io::Error::other(gone)))?.map_err(sqlx::Error::Io)?)
}

/// How many migrations have not run yet. Changes nothing.
pub async fn pending(db: &Db) -> Result<usize> {
    Ok(match db {
        Db::Sqlite { readers, .. } => to_come(&SQLITE, &mut *readers.acquire().await?).await,
        Db::Postgres { pool, .. } => to_come(&POSTGRES, &mut *pool.acquire().await?).await,
    })
}

async fn is_current(connection: &mut sqlx::PgConnection) -> bool {
    to_come(&POSTGRES, connection).await == 0
}

async fn to_come(all: &Migrator, connection: &mut impl Migrate) -> usize {
    // No table yet: a new database.
    let applied = connection.list_applied_migrations().await.unwrap_or_default();
    all.iter().filter(|m| !applied.iter().any(|a| a.version == m.version && a.checksum == m.checksum)).count()
}

async fn may_become_tenant(connection: &mut sqlx::PgConnection) -> Result<bool> {
    // Being a member is not enough where another database's owner made the role: it has to be let in here.
    let may = "select coalesce((select pg_has_role(current_user, oid, 'member')
                                        and has_table_privilege(oid, 'members', 'select')
                                 from pg_roles where rolname = $1), false)
               and has_table_privilege('orgs', 'select')";
    let (may,): (bool,) = sqlx::query_as(may).bind(TENANT_ROLE).fetch_one(connection).await?;
    Ok(may)
}

/// What stands between two tenants besides our own `where org_id = …`.
#[derive(Debug, PartialEq, Eq)]
pub enum RowSecurity {
    /// SQLite has none; statements are checked by test and tables keyed by organisation.
    NotOffered,
    /// Postgres hides other organisations' rows from the role that tenant work runs as.
    Holds { role: String },
    /// The connected role passes every policy by. The text says why.
    DoesNotHold(String),
}

#[derive(sqlx::FromRow)]
struct ConnectedRole {
    role: String,
    bypasses: bool,
    unforced: i64,
    /// Policies that let it see everybody.
    open: i64,
}

/// Asks the engine from inside a tenant transaction, where it counts.
pub async fn row_security(db: &Db) -> Result<RowSecurity> {
    if matches!(db, Db::Sqlite { .. }) {
        return Ok(RowSecurity::NotOffered);
    }
    let nobody = Scope::of_job("row-level security check", OrgId::new(), String::new());
    let mut tx = db.read(&nobody).await?;
    let connected: ConnectedRole = sql!(&mut tx,
        sqlite "select '' as role, false as bypasses, 0 as unforced, 0 as open",
        postgres "select cast(current_user as text) as role,
                         (select rolsuper or rolbypassrls from pg_roles where rolname = current_user) as bypasses,
                         (select count(*) from pg_class c join pg_attribute a on a.attrelid = c.oid
                          where a.attname = 'org_id' and c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
                            and not (c.relrowsecurity and c.relforcerowsecurity)) as unforced,
                         (select count(*) from pg_policies p, unnest(p.roles) as r
                          where p.schemaname = 'public' and p.qual = 'true'
                            and (r = 'public' or pg_has_role(current_user, r, 'usage'))) as open")
    .one()
    .await?;
    Ok(match connected {
        ConnectedRole { bypasses: true, role, .. } => {
            RowSecurity::DoesNotHold(format!("role {role} is a superuser or has BYPASSRLS"))
        }
        ConnectedRole { unforced: 1.., .. } => {
            RowSecurity::DoesNotHold("a tenant table lacks FORCE ROW LEVEL SECURITY".into())
        }
        ConnectedRole { open: 1.., role, .. } => {
            RowSecurity::DoesNotHold(format!("role {role} may not become {TENANT_ROLE} any more"))
        }
        ConnectedRole { role, .. } => RowSecurity::Holds { role },
    })
}
