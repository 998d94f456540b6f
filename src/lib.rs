//! Portico: a server-rendered SaaS shell with billing that cannot drift. A room per feature.
pub mod account;
mod app;
pub mod audit;
pub mod auth;
pub mod billing;
pub mod cli;
pub mod clock;
pub mod config;
pub mod db;
pub mod demo;
pub mod dev;
pub mod error;
pub mod jobs;
pub mod limit;
pub mod mail;
pub mod ops;
pub mod orgs;
pub mod pages;
pub mod projects;
pub mod rooms;
pub mod routes;
pub mod serve;
pub mod stripe;
pub mod web;
pub mod words;
pub mod worker;

pub use app::{App, Inside};
