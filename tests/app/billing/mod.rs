//! The billing room, by subject.
mod access;
mod browser;
mod checkout;
mod coming_back;
mod crashes;
mod deletion;
mod dunning;
mod outages;
mod portal;
mod random_histories;
mod real_life;
mod reconcile;
mod seats;
mod setup;
mod sync;
mod webhooks;
