//! Tests of the sandbox over HTTP, as clients, browsers and customers meet it.
#![allow(clippy::unwrap_used, reason = "in a test a panic with a line number is the right answer")]

#[path = "../support/mod.rs"]
mod support;

mod architecture;
mod contract;
mod control;
mod currencies;
mod discounts;
mod events;
mod faults;
mod fields;
mod input;
mod invariants;
mod invoices;
mod money;
mod pages;
mod panel;
mod payment_methods;
mod previews;
mod prices;
mod requests;
mod schedules;
mod sdk;
mod subscriptions;
mod webhook_mishaps;
mod webhooks;
mod year;
