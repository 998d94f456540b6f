//! Empty: see Cargo.toml beside it.
fn main() {}
