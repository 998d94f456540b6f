//! The hosts of Stripe's pages that a person may be sent to.
use super::error::Error;
use crate::config::Config;
use url::Url;

const STRIPE: [&str; 2] = ["https://billing.stripe.com", "https://checkout.stripe.com"];
/// An invoice's page, and its PDF.
const INVOICES: [&str; 2] = ["https://invoice.stripe.com", "https://pay.stripe.com"];
/// Where the official stripe-mock says its portal is.
const STRIPE_MOCK: &str = "https://*.dev.stripe.me";

/// A hosted page of Stripe's: a bearer credential. It cannot be printed, only followed.
pub struct StripeUrl(String);

impl StripeUrl {
    /// For the `Location` header and nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for StripeUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StripeUrl(…)")
    }
}

/// Origins for the content security policy's `form-action`.
pub fn hosts_people_are_sent_to(config: &Config) -> Vec<String> {
    let mut hosts: Vec<String> = STRIPE.map(str::to_owned).into();
    if uses_stand_in(config) {
        hosts.push(config.stripe.api_base.origin().ascii_serialization());
        hosts.push(STRIPE_MOCK.to_owned());
    }
    hosts
}

/// Accepts a URL from an answer only if it leads to Stripe or, outside production, to the sandbox.
pub struct Hosts {
    stand_in: Option<url::Origin>,
}

impl Hosts {
    pub fn new(config: &Config) -> Self {
        Self { stand_in: uses_stand_in(config).then(|| config.stripe.api_base.origin()) }
    }

    /// The portal or Checkout.
    pub fn check(&self, answered: String) -> Result<StripeUrl, Error> {
        self.check_among(&STRIPE, answered)
    }

    /// An invoice's page or PDF.
    pub fn check_invoice(&self, answered: String) -> Result<StripeUrl, Error> {
        self.check_among(&INVOICES, answered)
    }

    fn check_among(&self, allowed: &[&str], answered: String) -> Result<StripeUrl, Error> {
        let Ok(url) = Url::parse(&answered) else { return Err(Error::ForeignPage("not a URL".into())) };
        let origin = url.origin();
        let stripes = allowed.contains(&origin.ascii_serialization().as_str());
        let mocks = self.stand_in.as_ref().is_some_and(|ours| *ours == origin || is_stripe_mock(&url));
        let plain = url.username().is_empty()
            && url.password().is_none()
            && answered.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
        if (stripes || mocks) && plain {
            return Ok(StripeUrl(answered)); // as given: re-encoding would change stripe-mock's braces
        }
        Err(Error::ForeignPage(origin.ascii_serialization()))
    }
}

fn uses_stand_in(config: &Config) -> bool {
    !config.production && !config.is_real_stripe()
}

fn is_stripe_mock(url: &Url) -> bool {
    url.scheme() == "https" && url.host_str().is_some_and(|host| host.ends_with(".dev.stripe.me"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(pairs: &[(&str, &str)]) -> Hosts {
        let vars: std::collections::HashMap<_, _> =
            pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        Hosts::new(&Config::read(|name| vars.get(name).cloned()).unwrap())
    }

    #[test]
    fn in_production_only_stripes_own_pages_are_followed() {
        let hosts = hosts(&[
            ("APP_ENV", "production"),
            ("PUBLIC_URL", "https://app.example.com"),
            ("STRIPE_SECRET_KEY", "rk_live_x"),
            ("APP_SECRET", "q0d8Zk3mN5vR7xT1bW9cL2hJ4fG6sY8p"),
            ("SMTP_URL", "smtps://mail.portico.test"),
            ("STRIPE_WEBHOOK_SECRETS", "whsec_0123456789abcdef"),
        ]);
        assert!(hosts.check("https://billing.stripe.com/p/session/x".into()).is_ok());
        assert!(hosts.check_invoice("https://invoice.stripe.com/i/acct_1/live_x?s=ap".into()).is_ok());
        assert!(hosts.check_invoice("https://pay.stripe.com/invoice/acct_1/live_x/pdf?s=ap".into()).is_ok());
        for foreign in [
            "http://billing.stripe.com/p/session/x",
            "https://billing.stripe.com.evil.test/",
            "https://billing.stripe.com@evil.test/",
            "https://user@billing.stripe.com/",
            "https://x.dev.stripe.me/session/{SESSION_SECRET}",
            "http://127.0.0.1:12111/p/session/x",
            "javascript:alert(1)",
            "/account",
        ] {
            assert!(hosts.check(foreign.into()).is_err(), "{foreign}");
            let invoice = foreign.replace("billing.stripe.com", "invoice.stripe.com");
            assert!(hosts.check_invoice(invoice).is_err(), "{foreign}");
        }
    }

    #[test]
    fn in_development_the_stand_in_is_followed_too() {
        let hosts =
            hosts(&[("STRIPE_API_BASE", "http://127.0.0.1:12111"), ("STRIPE_SECRET_KEY", "sk_test_123")]);

        assert!(hosts.check("http://127.0.0.1:12111/p/session/x".into()).is_ok());
        assert!(
            hosts
                .check("https://a-customer_portal-mydev.dev.stripe.me/session/{SESSION_SECRET}".into())
                .is_ok()
        );
        assert!(hosts.check("http://127.0.0.1:12112/p/session/x".into()).is_err());
    }
}
