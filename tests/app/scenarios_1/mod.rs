//! What goes wrong between a product and Stripe, scenarios 1 to 19 of the research: a test each.
//!
//! | scenario | proved by |
//! |---|---|
//! | 1 to 6 | `arriving`; 6 also by `billing_loop::a_person_who_closes_the_tab_after_paying_…` |
//! | 7 to 14 | `clicking`; 9 also by `permissions` (every route), `billing::an_unknown_flow_is_refused` and `billing::a_stranger_finds_nothing`; 11 also by `billing::a_person_demoted_between_page_and_click_is_refused` |
//! | 15 to 19 | `failing`; 16 also by `stripe_faults::a_fault_that_passes_is_not_noticed` and `stripe_faults::a_customer_made_before_a_fault_is_the_one_used_after`; 17, for customers, by `stripe_faults::a_recorded_failure_does_not_lock_an_organisation_out`; 19 also by `stripe_faults::after_five_failures_people_do_not_wait_for_the_sixth` and `billing::the_billing_page_asks_stripe_nothing` |
mod arriving;
mod clicking;
mod failing;
