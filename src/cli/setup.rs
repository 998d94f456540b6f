//! `stripe setup`, `stripe verify` and `doctor`, in words.
use crate::{
    billing::setup::{self, Mending, Outcome, Report},
    brand::SLUG,
    config::{Config, Refused},
    ops::{self, Check, Verdict},
    serve::Result,
    stripe::{self, Stripe},
};
use secrecy::ExposeSecret;

pub async fn setup(config: &Config, replace_endpoint: bool) -> Result<()> {
    let mut report = Report::default();
    let mending = if replace_endpoint { Mending::WithEndpoint } else { Mending::All };
    let outcome = setup::compare(&Stripe::new(config), config, mending, &mut report).await;
    for found in &report.findings {
        match found.outcome {
            Outcome::Left => println!("left     {}", found.drift),
            _ if found.drift.ends_with("is missing") => println!("made     {}", found.drift),
            _ => println!("mended   {}", found.drift),
        }
    }
    if let Some(secret) = &report.secret {
        println!(
            "\nThe endpoint's secret, which Stripe says only now; add it to the list in the environment:\n"
        );
        println!("STRIPE_WEBHOOK_SECRETS={}\n", secret.expose_secret());
    }
    outcome.map_err(|error| explain(&error))?;
    if report.findings.iter().all(|found| found.outcome == Outcome::Left) {
        println!("Nothing to change: {} things are as they should be.", report.right.len());
    }
    Ok(())
}

pub async fn verify(config: &Config) -> Result<()> {
    let mut report = Report::default();
    let outcome = setup::compare(&Stripe::new(config), config, Mending::None, &mut report).await;
    for found in &report.findings {
        println!("drift    {}", found.drift);
    }
    outcome.map_err(|error| explain(&error))?;
    match report.findings.len() {
        0 => {
            println!("Stripe is as `{SLUG} stripe setup` makes it: {}.", report.right.join(", "));
            Ok(())
        }
        drifts => {
            Err(format!("{drifts} differences at Stripe; `{SLUG} stripe setup` mends what it can").into())
        }
    }
}

fn explain(error: &stripe::Error) -> String {
    match error {
        stripe::Error::Refused(refusal) if matches!(refusal.status, 401 | 403) => {
            format!("{error}: the key lacks a right; `{SLUG} doctor` names it, docs/stripe.md lists them")
        }
        error => error.to_string(),
    }
}

pub async fn doctor(config: Config) -> Result<()> {
    told(&ops::examine(&config).await)
}

/// A refused configuration is what a doctor is asked about.
pub fn refusals_as_checks(loaded: Result<Config, Refused>) -> Result<Config> {
    match loaded {
        Ok(config) => Ok(config),
        Err(Refused(all)) => {
            let checks: Vec<Check> = all.into_iter().map(|said| Check::fail("configuration", said)).collect();
            told(&checks)?;
            Err("the configuration is refused".into())
        }
    }
}

fn told(checks: &[Check]) -> Result<()> {
    for Check { verdict, about, said } in checks {
        let word = match verdict {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
        };
        println!("{word:5} {about:16} {said}");
    }
    match checks.iter().filter(|check| check.verdict == Verdict::Fail).count() {
        0 => Ok(()),
        failed => Err(format!("{failed} checks failed").into()),
    }
}
