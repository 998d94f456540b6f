//! The doctor's questions to Stripe: key, rights, mode, setup, clock. Reads only.
use super::check::{Check, Verdict};
use crate::{
    App,
    billing::setup::{self, Mending, Part, Report},
    brand::SLUG,
    config::Config,
    stripe::{Error, Stripe, account::READS},
};
use secrecy::ExposeSecret;

/// Stripe's signatures are good for five minutes.
const SKEW_FAILS: i64 = 300;
const SKEW_WARNS: i64 = 60;

pub async fn examine(config: &Config) -> Vec<Check> {
    let stripe = Stripe::new(config);
    let mut checks = vec![key_mode(config)];
    match rights(&stripe, config).await {
        Ok(found) => {
            let may_read_all = found.iter().all(|check| check.verdict == Verdict::Ok);
            checks.extend(found);
            if may_read_all {
                checks.extend(modes(&stripe, config).await);
                checks.extend(as_set_up(&stripe, config).await);
            }
        }
        Err(gone) => checks.push(gone),
    }
    checks.extend(clock(&stripe));
    checks
}

fn key_mode(config: &Config) -> Check {
    let about = "stripe key";
    let whole = |key: &str| key.starts_with("sk_");
    let is_whole = config.stripe.keys.iter().any(|key| whole(key.expose_secret()));
    match (config.uses_embedded_sandbox(), config.stripe.is_live(), config.production) {
        (true, ..) => Check::ok(about, "none: the embedded sandbox stands in"),
        (_, false, true) => Check::warn(about, "a test key in production: nobody will be charged"),
        (_, true, false) => Check::warn(about, "a live key in development: it moves real money"),
        _ if is_whole => {
            Check::warn(about, "a secret key (sk_) can do everything; a restricted key (rk_) is safer")
        }
        (_, is_live, _) => Check::ok(about, if is_live { "restricted, live" } else { "restricted, test" }),
    }
}

/// Err: nothing more can be asked.
async fn rights(stripe: &Stripe, config: &Config) -> Result<Vec<Check>, Check> {
    let (mut readable, mut missing) = (Vec::new(), Vec::new());
    for (right, path, is_needed) in READS {
        match stripe.may_read(path).await {
            Ok(()) => readable.push(right),
            Err(Error::Refused(refusal)) if refusal.status == 401 => {
                return Err(Check::fail(
                    "stripe key",
                    "Stripe does not accept STRIPE_SECRET_KEY: it is mistyped or was revoked",
                ));
            }
            Err(Error::Refused(refusal)) if refusal.status == 403 => {
                missing.push(lacks(right, is_needed));
            }
            Err(error) => {
                let base = &config.stripe.api_base;
                return Err(Check::fail(
                    "stripe",
                    format!("no answer from {base}, so the other checks were skipped: {error}"),
                ));
            }
        }
    }
    let said = format!(
        "may read {}; write permissions cannot be checked without writing, see docs/stripe.md",
        readable.join(", ")
    );
    Ok(if missing.is_empty() { vec![Check::ok("rights", said)] } else { missing })
}

fn lacks(right: &str, is_needed: bool) -> Check {
    match is_needed {
        true => Check::fail(
            "rights",
            format!("the key may not read {right}; give it that right in the Dashboard"),
        ),
        false => Check::warn(
            "rights",
            format!("the key may not read {right}; only `{SLUG} stripe setup` and `verify` need it"),
        ),
    }
}

async fn modes(stripe: &Stripe, config: &Config) -> Vec<Check> {
    let key = if config.stripe.is_live() { "live" } else { "test" };
    match mixed_modes(stripe, config).await {
        Err(_) => Vec::new(), // said by those who asked for rights
        Ok(Some(mixed)) => vec![Check::fail("mode", mixed)],
        Ok(None) => vec![Check::ok("mode", format!("key, prices and portal configuration are all {key}"))],
    }
}

/// A live key with test prices, or the other way round, cannot happen by itself; an address that is
/// not Stripe's can answer anything. None: all are of the key's mode.
async fn mixed_modes(stripe: &Stripe, config: &Config) -> Result<Option<String>, Error> {
    let keys: Vec<String> = setup::lookup_keys();
    let (prices, configurations) = (stripe.prices(&keys).await?, stripe.portal_configurations().await?);
    let ours = configurations.iter().filter(|it| it.is_ours());
    let mut live = prices.iter().map(|it| it.livemode).chain(ours.map(|it| it.livemode));
    let (key, other) = if config.stripe.is_live() { ("live", "test") } else { ("test", "live") };
    let is_mixed = live.any(|is_live| is_live != config.stripe.is_live());
    Ok(is_mixed.then(|| format!("the key is {key}, prices or portal configuration are {other}")))
}

/// At every start, beside it: Stripe being slow or down holds up nobody.
pub async fn compare_modes(app: App) {
    match mixed_modes(&app.stripe, &app.config).await {
        Ok(None) => tracing::info!("Stripe: key, prices and portal configuration are of one mode"),
        Ok(Some(mixed)) => tracing::error!(mixed, "Stripe: live and test are mixed up; run `{SLUG} doctor`"),
        Err(error) => {
            tracing::warn!(%error, "Stripe could not be reached, so live and test modes were not compared")
        }
    }
}

/// What `verify` finds. Without the portal and the endpoint the product does not work; the rest is
/// worth a look.
async fn as_set_up(stripe: &Stripe, config: &Config) -> Vec<Check> {
    let mut report = Report::default();
    if let Err(error) = setup::compare(stripe, config, Mending::None, &mut report).await {
        return vec![Check::fail("setup", error.to_string())];
    }
    let matters =
        |part: Part| matches!(part, Part::Portal | Part::Endpoint) && !config.uses_embedded_sandbox();
    let found = report.findings.into_iter().map(|found| {
        let (drift, way) = (&found.drift, format!("`{SLUG} stripe setup` corrects it"));
        let said =
            if drift.contains(&format!("`{SLUG} ")) { drift.clone() } else { format!("{drift}; {way}") };
        match matters(found.part) {
            true => Check::fail("setup", said),
            false => Check::warn("setup", said),
        }
    });
    report.right.into_iter().map(|what| Check::ok("setup", what)).chain(found).collect()
}

/// By the `Date` of Stripe's last answer. A skewed clock rejects every webhook.
fn clock(stripe: &Stripe) -> Option<Check> {
    let skew = stripe.clock_skew()?;
    let (about, way) = ("clock", if skew > 0 { "ahead of" } else { "behind" });
    let said = format!("{} s {way} Stripe's; synchronise it with NTP", skew.abs());
    Some(match skew.abs() {
        SKEW_FAILS.. => Check::fail(about, said),
        SKEW_WARNS.. => Check::warn(about, said),
        _ => Check::ok(about, format!("{} s from Stripe's", skew.abs())),
    })
}
