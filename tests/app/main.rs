//! Tests of the whole product through its real router, each on SQLite and on Postgres.
#![allow(clippy::unwrap_used, reason = "in a test a panic with a line number is the right answer")]

// Tests name the library so, whatever the product is called.
extern crate portico as product;

#[path = "../support/mod.rs"]
mod support;
mod world;

mod account;
mod architecture;
mod audit;
mod auth;
mod billing;
mod billing_loop;
mod browser;
mod browser_loop;
mod cli;
mod config;
mod convergence;
mod jobs;
mod kill;
mod loop_world;
mod mail;
mod ops;
mod orgs;
mod permissions;
mod process;
mod projects;
mod reauthentication;
mod scenarios_1;
mod scenarios_2;
mod stripe_contract;
mod stripe_faults;
mod stripe_setup;
mod templates;
mod web;
