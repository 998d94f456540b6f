//! Portico: a server-rendered SaaS shell with billing that cannot drift. A room per feature.
pub mod account;
pub mod audit;
pub mod auth;
pub mod billing;
pub mod clock;
pub mod config;
pub mod db;
pub mod demo;
pub mod error;
pub mod ops;
pub mod orgs;
pub mod pages;
pub mod routes;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod serve;
pub mod stripe;
pub mod web;
pub mod words;

use std::sync::Arc;

/// What every handler may reach. Cheap to clone: one `Arc`.
#[derive(Clone)]
pub struct App(Arc<Inside>);

pub struct Inside {
    pub config: config::Config,
    pub db: db::Db,
    pub clock: clock::Clock,
    pub stripe: stripe::Stripe,
    pub passwords: auth::Passwords,
    pub limits: web::Limits,
    pub signer: web::Signer,
    /// Whether the demo's people are in this database (see demo.rs).
    demo_is_here: std::sync::atomic::AtomicBool,
}

impl App {
    /// Everything from the configuration and a migrated database.
    pub fn new(config: config::Config, db: db::Db, secrets: &[secrecy::SecretString]) -> Self {
        let (stripe, signer) = (stripe::Stripe::new(&config), web::Signer::new(secrets));
        let (passwords, limits) = (auth::Passwords::new(config.argon2), web::Limits::new(config.rate_limits));
        let (clock, demo_is_here) = Default::default();
        App(Arc::new(Inside { db, clock, stripe, passwords, limits, signer, config, demo_is_here }))
    }
}

impl std::ops::Deref for App {
    type Target = Inside;
    fn deref(&self) -> &Inside {
        &self.0
    }
}
