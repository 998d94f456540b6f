//! `doctor`: what has to be right around us, a line each, with what would be right. It
//! changes nothing, here or at Stripe.
use super::{check::Check, doctor_stripe};
use crate::{
    brand::SLUG,
    config::{Config, sqlite_file},
    db::{self, Db, RowSecurity},
};
use std::path::Path;

pub async fn examine(config: &Config) -> Vec<Check> {
    let mut checks = vec![public_url(config)];
    checks.extend(database(config).await);
    checks.extend(data_folder(config));
    checks.push(webhook_secrets(config));
    checks.extend(doctor_stripe::examine(config).await);
    checks
}

fn public_url(config: &Config) -> Check {
    let url = config.public_url.as_str().trim_end_matches('/');
    match (config.public_url.scheme(), config.production) {
        ("https", _) => Check::ok("public url", url),
        (_, true) => Check::fail("public url", format!("{url} must be https:// in production")),
        (_, false) => Check::ok("public url", format!("{url} (https:// in production)")),
    }
}

async fn database(config: &Config) -> Vec<Check> {
    if let Some(file) = sqlite_file(&config.database_url).filter(|file| !file.exists()) {
        let said = format!("{} does not exist yet; `{SLUG} serve` creates it", file.display());
        return vec![Check::fail_in_production(config, "database", said)];
    }
    let mut db = match Db::connect(&config.database_url).await {
        Ok(db) => db,
        Err(error) => {
            return vec![Check::fail("database", format!("cannot connect to DATABASE_URL: {error}"))];
        }
    };
    let checks = match db::pending(&db).await {
        Err(error) => vec![Check::fail("database", error.to_string())],
        Ok(0) => vec![
            Check::ok("database", format!("{} responds and its schema is up to date", db.engine())),
            tenants(&mut db).await,
        ],
        Ok(pending) => {
            let said =
                format!("{pending} migrations are pending; `{SLUG} serve` or `{SLUG} worker` runs them");
            vec![Check::fail("database", said)]
        }
    };
    db.close().await;
    checks
}

/// The schema is current, so migrating changes nothing; it finds out which role tenants' work runs as.
async fn tenants(db: &mut Db) -> Check {
    let about = "tenants";
    if let Err(error) = db::migrate(db).await {
        return Check::fail(about, error.to_string());
    }
    match db::row_security(db).await {
        Ok(RowSecurity::NotOffered) => {
            Check::ok(about, "SQLite: types and statements keep organisations apart")
        }
        Ok(RowSecurity::Holds { role }) => {
            Check::ok(about, format!("row-level security is in force for {role}"))
        }
        Ok(RowSecurity::DoesNotHold(why)) => Check::fail(
            about,
            format!("row-level security is not in force: {why}; connect as a plain owner of the database"),
        ),
        Err(error) => Check::fail(about, error.to_string()),
    }
}

/// Whoever reads the file reads everybody's data.
#[cfg(unix)]
fn data_folder(config: &Config) -> Option<Check> {
    use std::os::unix::fs::PermissionsExt;
    let file = sqlite_file(&config.database_url)?;
    let folder = file.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mode = |path: &Path| std::fs::metadata(path).map(|it| it.permissions().mode() & 0o777).ok();
    let (inside, own) = (mode(folder)?, mode(&file).unwrap_or(0o600));
    let about = "data folder";
    Some(if inside & 0o005 != 0 && own & 0o004 != 0 {
        let said =
            format!("{0} can be read by every user of this machine; `chmod 700 {0}`", folder.display());
        Check::fail_in_production(config, about, said)
    } else if std::fs::metadata(folder).is_ok_and(|it| it.permissions().readonly()) {
        Check::fail(about, format!("{} cannot be written to", folder.display()))
    } else {
        Check::ok(about, format!("only this user can read {}", folder.display()))
    })
}

#[cfg(not(unix))]
fn data_folder(_: &Config) -> Option<Check> {
    None
}

/// Malformed ones are refused with the rest of the configuration.
fn webhook_secrets(config: &Config) -> Check {
    match config.stripe.webhook_secrets.len() {
        0 if config.uses_embedded_sandbox() => Check::ok("webhook secrets", "the sandbox's"),
        0 => Check::fail(
            "webhook secrets",
            concat!(
                "STRIPE_WEBHOOK_SECRETS is empty; `",
                env!("CARGO_PKG_NAME"),
                " stripe setup` prints one"
            ),
        ),
        1 => Check::ok("webhook secrets", "one, in the right form"),
        several => Check::ok(
            "webhook secrets",
            format!("{several}, in the right form; remove the old one once Stripe no longer uses it"),
        ),
    }
}
