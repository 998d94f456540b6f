//! `stripe setup` and `stripe verify`.
use crate::{
    billing::setup::{self, Mending, Outcome, Report},
    brand::SLUG,
    config::Config,
    serve::Result,
    stripe::{self, Stripe},
};
use secrecy::ExposeSecret;

/// `stripe setup`: makes and mends what has to be at Stripe.
pub async fn setup(config: &Config, replace_endpoint: bool) -> Result<()> {
    let mut report = Report::default();
    let mending = if replace_endpoint { Mending::WithEndpoint } else { Mending::All };
    let outcome = setup::compare(&Stripe::new(config), config, mending, &mut report).await;
    for found in &report.findings {
        match found.outcome {
            Outcome::Left => println!("skipped  {}", found.drift),
            _ if found.drift.ends_with("is missing") => println!("created  {}", found.drift),
            _ => println!("updated  {}", found.drift),
        }
    }
    if let Some(secret) = &report.secret {
        println!("\nThe webhook endpoint's secret. Stripe shows it only once; add it to the environment:\n");
        println!("STRIPE_WEBHOOK_SECRETS={}\n", secret.expose_secret());
    }
    outcome.map_err(|error| explain(&error))?;
    if report.findings.iter().all(|found| found.outcome == Outcome::Left) {
        println!("Nothing to change: all {} items are up to date.", report.right.len());
    }
    Ok(())
}

/// `stripe verify`: compares and changes nothing; an error if there is a difference.
pub async fn verify(config: &Config) -> Result<()> {
    let mut report = Report::default();
    let outcome = setup::compare(&Stripe::new(config), config, Mending::None, &mut report).await;
    for found in &report.findings {
        println!("drift    {}", found.drift);
    }
    outcome.map_err(|error| explain(&error))?;
    match report.findings.len() {
        0 => {
            println!("Everything is set up at Stripe: {}.", report.right.join(", "));
            Ok(())
        }
        drifts => {
            Err(format!("{drifts} differences at Stripe; run `{SLUG} stripe setup` to fix them").into())
        }
    }
}

fn explain(error: &stripe::Error) -> String {
    match error {
        stripe::Error::Refused(refusal) if matches!(refusal.status, 401 | 403) => {
            format!(
                "{error}: the API key lacks a permission; `{SLUG} doctor` names it, docs/stripe.md lists them all"
            )
        }
        error => error.to_string(),
    }
}
