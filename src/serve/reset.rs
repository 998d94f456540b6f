//! The product's database and the sandbox's belong together: `demo reset` removes both, and a
//! start that finds only one of them says so.
use super::{Result, files};
use crate::{
    brand::SLUG,
    config::{Config, sqlite_file},
};
use std::path::{Path, PathBuf};

/// `demo reset`: the next start makes both databases anew. Only in development, only with the
/// sandbox, and only while nothing runs on them.
pub fn demo_reset(config: &Config) -> Result<()> {
    let Some(product) = sqlite_file(&config.database_url) else {
        return Err(format!(
            "Nothing was removed: DATABASE_URL is Postgres. Drop that database and create it again, delete {}, then start again.",
            config.sandbox.data
        ).into());
    };
    if config.production {
        return Err("Nothing was removed: APP_ENV is production.".into());
    }
    if !config.stripe.keys.is_empty() {
        return Err(
            "Nothing was removed: STRIPE_SECRET_KEY is set, so this database is not the demo's.".into()
        );
    }
    let both: Vec<PathBuf> = [Some(product), sandbox_file(config)].into_iter().flatten().collect();
    if let Some(used) = both.iter().find(|database| files::is_in_use(database)) {
        let used = used.display();
        return Err(format!("Nothing was removed: {used} is in use. Stop it, then try again.").into());
    }
    for database in &both {
        match files::remove(database)? {
            true => println!("Removed {}", database.display()),
            false => println!("{} was not there", database.display()),
        }
    }
    println!("The next start makes a new demo.");
    Ok(())
}

/// The sandbox's file, unless it keeps none.
pub fn sandbox_file(config: &Config) -> Option<PathBuf> {
    let data = config.sandbox.data.as_str();
    (!data.is_empty() && data != ":memory:").then(|| data.into())
}

/// What to say if one of the two is new and the other is not: customers that only one of them knows.
/// `has_people` is the product's side, which may be on Postgres; `sandbox_is_old` was read before the
/// sandbox opened.
pub fn mismatch(config: &Config, has_people: bool, sandbox_is_old: bool) -> Option<String> {
    let data = sandbox_file(config)?;
    let data = Path::new(&data).display();
    let what = match (has_people, sandbox_is_old) {
        (true, false) => format!("the database holds organisations whose customers {data} does not have"),
        (false, true) => format!("{data} holds customers of an earlier database"),
        _ => return None,
    };
    Some(format!("{what}. To start afresh: {SLUG} demo reset"))
}
