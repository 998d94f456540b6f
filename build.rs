//! `sqlx::migrate!` embeds the migrations when compiled and cannot ask cargo to watch them itself. The list of
//! tenant tables is read from them, so that no table of an organisation can be left out of it.
use std::{env, fs, path::Path};

fn main() {
    println!("cargo:rerun-if-changed=migrations");
    let folder = fs::read_dir("migrations/sqlite").expect("it is in the repository");
    let mut files: Vec<_> = folder.map(|file| file.expect("a readable folder").path()).collect();
    files.sort();
    let texts = files.iter().map(|file| fs::read_to_string(file).expect("migrations are UTF-8"));
    let migrations: String = texts.collect();
    let mut tables = tenant_tables(&migrations);
    // SQLite changes a table by making another, which then takes its name.
    tables.retain(|table| !migrations.contains(&format!("alter table {table} rename to ")));
    #[expect(
        clippy::disallowed_methods,
        reason = "what cargo tells a build script is no setting of the product's"
    )]
    let to = env::var("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&to).join("tenant_tables.rs"), format!("&{tables:?}"))
        .expect("cargo made the folder");
}

/// `create table notes ( org_id … );` → `notes`, and the same of views.
fn tenant_tables(migrations: &str) -> Vec<String> {
    let made = ["create table ", "create view "].into_iter().flat_map(|make| migrations.split(make).skip(1));
    let made = made.filter_map(|rest| rest.split(';').next()?.split_once(' '));
    made.filter(|(_, rest)| rest.contains("org_id")).map(|(name, _)| name.to_owned()).collect()
}
