//! Numbers for whoever watches, as Prometheus reads them. Few enough to be written out by hand.
use super::counters::Metrics;
use crate::{
    App,
    billing::{self, Figures},
    brand::SLUG,
    error::Result,
    jobs,
};
use std::{fmt::Write, sync::atomic::Ordering::Relaxed};

/// All of them, in Prometheus's text format.
pub async fn rendered(app: &App) -> Result<String> {
    let mut text = String::new();
    counters(&mut text, &app.metrics);
    let Figures { events, duplicates, unknown_prices, disputes } = billing::figures(app).await?;
    family(&mut text, "inbox_events", "gauge", "Events in the inbox, by state.");
    for (state, count) in events {
        line(&mut text, "inbox_events", &format!("state=\"{}\"", state.as_str()), count);
    }
    let (jobs_alive, jobs_dead) = jobs::counts(app).await?;
    let unknown = "Organisations whose price does not say for which plan it is.";
    let twice = "Organisations with more than one subscription alive.";
    for (name, help, count) in [
        ("jobs_waiting", "Jobs in the queue.", jobs_alive),
        ("jobs_dead", "Jobs given up.", jobs_dead),
        ("duplicate_subscriptions", twice, duplicates),
        ("unknown_prices", unknown, unknown_prices),
        ("disputes", "Charges disputed with a bank, ever.", disputes),
        ("stripe_resting", "1 while Stripe is left alone.", i64::from(app.stripe.circuit_is_open())),
    ] {
        family(&mut text, name, "gauge", help);
        line(&mut text, name, "", count);
    }
    Ok(text)
}

fn counters(text: &mut String, m: &Metrics) {
    family(text, "webhook_rejected_total", "counter", "Webhooks that were not verified.");
    for (label, count) in
        [("reason=\"signature\"", &m.bad_signature), ("reason=\"timestamp\"", &m.bad_timestamp)]
    {
        line(text, "webhook_rejected_total", label, count.load(Relaxed));
    }
    family(text, "webhook_signed_total", "counter", "Webhooks that were verified, by our secret.");
    for (label, count) in [("secret=\"newest\"", &m.newest_secret), ("secret=\"older\"", &m.older_secret)] {
        line(text, "webhook_signed_total", label, count.load(Relaxed));
    }
    for (name, help, count) in [
        ("webhook_stored_total", "Webhooks stored and acknowledged.", &m.stored),
        ("webhook_not_stored_total", "Webhooks that could not be stored.", &m.not_stored),
        ("events_missed_total", "Events that never came and were found at Stripe.", &m.missed),
        ("drift_total", "Organisations whose copy was not what Stripe holds.", &m.drifted),
    ] {
        family(text, name, "counter", help);
        line(text, name, "", count.load(Relaxed));
    }
    let help = "Log lines dropped because they were not read in time.";
    family(text, "portico_log_lines_dropped_total", "counter", help);
    line(text, "portico_log_lines_dropped_total", "", crate::log::dropped_lines());
}

/// Each name begins with the product's: several products may be watched in one place.
fn family(text: &mut String, name: &str, kind: &str, help: &str) {
    writeln!(text, "# HELP {SLUG}_{name} {help}\n# TYPE {SLUG}_{name} {kind}").ok();
}

fn line(text: &mut String, name: &str, label: &str, value: impl std::fmt::Display) {
    match label {
        "" => writeln!(text, "{SLUG}_{name} {value}"),
        label => writeln!(text, "{SLUG}_{name}{{{label}}} {value}"),
    }
    .ok();
}
