//! What tests stand on: databases, people, browsers, stand-ins, processes.
#![allow(dead_code, reason = "not every test binary uses everything")]
pub mod postgres;
pub mod temp;

#[allow(unused_imports, reason = "as above")]
pub use postgres::tether;
