//! What goes wrong between a product and Stripe, scenarios 1 to 19 of the research. The number stands
//! above each test here. Proved elsewhere, in whole or in part:
//!
//! | scenario | test |
//! |---|---|
//! | 6 the tab is closed after paying | `billing_loop::a_person_who_closes_the_tab_after_paying_has_what_they_paid_for` |
//! | 9 another tenant's ids, on every route | `permissions`, `billing::{a_stranger_finds_nothing, an_unknown_flow_is_refused}` |
//! | 10 malformed session ids | `what_cannot_be_a_session_is_never_asked_for` in `billing/checkout.rs` |
//! | 11 demoted before a click on the portal | `billing::a_person_demoted_between_page_and_click_is_refused` |
//! | 16 retries carry the same key | `stripe_faults::{a_fault_that_passes_is_not_noticed, a_customer_made_before_a_fault_is_the_one_used_after}` |
//! | 17 recorded failures, for customers | `stripe_faults::a_recorded_failure_does_not_lock_an_organisation_out` |
//! | 19 breaker, page from our copy | `stripe_faults::after_five_failures_people_do_not_wait_for_the_sixth`, `billing::the_billing_page_asks_stripe_nothing` |
mod arriving;
mod clicking;
mod failing;
