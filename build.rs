//! `sqlx::migrate!` embeds the migrations when compiled and cannot ask cargo to watch them itself.
fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
