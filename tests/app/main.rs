//! Tests of the whole product through its real router, each on SQLite and on Postgres.
#![allow(clippy::unwrap_used, reason = "in a test a panic with a line number is the right answer")]

/// `#[portico_test]` is at hand everywhere, as `#[test]` is.
#[macro_use]
extern crate portico_test;
// Tests name the library so, whatever the product is called.
extern crate portico as product;

#[path = "../support/mod.rs"]
mod support;

mod account;
mod architecture;
mod audit;
mod auth;
mod billing;
mod billing_app;
mod browser;
mod cli;
mod config;
mod db;
mod dev_line;
mod expected_billing_state;
mod first_minute;
mod jobs;
mod limits;
mod mail;
mod ops;
mod orgs;
mod permissions;
mod process;
mod projects;
mod rooms;
mod security_page;
mod squeezed;
mod stripe;
mod templates;
mod test_app;
mod web;
mod webhook_deliveries;
