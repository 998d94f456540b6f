//! What is refused, and what would be right instead.
use super::{Argon2, Config, is_loopback, reader::Reader};
use secrecy::{ExposeSecret, SecretString};

impl Reader<'_> {
    pub fn check(&mut self, config: &Config) {
        self.check_general(config);
        if config.production {
            self.check_production(config);
        } else if self.serves {
            self.check_development(config);
        }
        self.check_stripe(config);
        self.check_webhooks(config);
        self.check_mail(config);
    }

    fn check_general(&mut self, config: &Config) {
        let url = &config.database_url;
        let known = url.starts_with("sqlite://")
            || url.starts_with("postgres://")
            || url.starts_with("postgresql://");
        self.refuse_if(
            !known || url.contains(":memory:"),
            "DATABASE_URL",
            "must be sqlite://path/to/file.db or postgres://…",
        );
        self.refuse_if(
            config.log.parse::<tracing_subscriber::filter::Targets>().is_err(),
            "LOG",
            "must be a level such as info, or directives such as info,sqlx=debug",
        );
        self.refuse_if(
            !config.sandbox.bind.ip().is_loopback(),
            "SANDBOX_BIND",
            "must be a loopback address, because the sandbox has no passwords",
        );
        let weak = |s: &SecretString| {
            let secret = s.expose_secret();
            secret.len() < 32 || secret.contains("change") || is_guessable(secret)
        };
        self.refuse_if(
            config.app_secrets.iter().any(weak),
            "APP_SECRET",
            "must be at least 32 characters of your own, random ones: `openssl rand -base64 32`",
        );
        self.check_argon2(config.argon2);
    }

    /// Development shows every mail to anyone and has a demo owner with a known password. So it is not
    /// assumed because `APP_ENV` was forgotten: it has to be out of others' reach.
    fn check_development(&mut self, config: &Config) {
        const ELSE: &str = "On a server, set APP_ENV=production";
        self.refuse_if(
            !is_loopback(&config.public_url),
            "PUBLIC_URL",
            &format!("must be on this machine in development, such as http://localhost:3000. {ELSE}"),
        );
        self.refuse_if(
            !config.bind.ip().is_loopback(),
            "BIND",
            &format!("must be a loopback address in development, such as 127.0.0.1:3000. {ELSE}"),
        );
        self.refuse_if(
            !config.ops_bind.ip().is_loopback(),
            "OPS_BIND",
            &format!("must be a loopback address in development, such as 127.0.0.1:3001. {ELSE}"),
        );
        self.refuse_if(
            config.stripe.is_live(),
            "STRIPE_SECRET_KEY",
            &format!("must not be a live key in development. {ELSE}"),
        );
    }

    fn check_argon2(&mut self, Argon2 { memory_kib, time }: Argon2) {
        let enough = [(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5)]
            .iter()
            .any(|&(m, t)| memory_kib >= m && time >= t);
        self.refuse_if(
            !enough,
            "ARGON2_MEMORY_KIB",
            "with ARGON2_TIME is below OWASP's minimum; use at least 19456 with 2",
        );
        self.refuse_if(
            memory_kib > 1 << 20 || time > 20,
            "ARGON2_MEMORY_KIB",
            "or ARGON2_TIME would make each sign-in take seconds; use at most 1048576 and 20",
        );
    }

    fn check_production(&mut self, config: &Config) {
        self.refuse_if(!config.rate_limits, "RATE_LIMITS", "may be off only in development and tests");
        self.refuse_if(
            config.public_url.scheme() != "https",
            "PUBLIC_URL",
            "must be https:// in production: the session cookie is Secure",
        );
        let wide = |net: &ipnet::IpNet| net.prefix_len() < if net.addr().is_ipv4() { 8 } else { 7 };
        self.refuse_if(
            config.trusted_proxies.iter().any(wide),
            "TRUSTED_PROXIES",
            "must not be wider than 10.0.0.0/8 or fc00::/7: everybody in it chooses the address we see",
        );
        self.refuse_if(
            config.app_secrets.is_empty(),
            "APP_SECRET",
            "is required in production: 32 random bytes or more, `openssl rand -base64 32`",
        );
        self.refuse_if(
            config.smtp.is_none(),
            "SMTP_URL",
            "is required in production: mails would reach nobody, such as smtp://user:password@host:587?tls=required",
        );
        let monotonous = |secret: &SecretString| {
            let random = secret.expose_secret().trim_start_matches("whsec_");
            random.chars().collect::<std::collections::HashSet<_>>().len() < 8
        };
        self.refuse_if(
            config.stripe.webhook_secrets.iter().any(monotonous),
            "STRIPE_WEBHOOK_SECRETS",
            "is not a secret of Stripe's: whoever guesses it can forge events",
        );
    }

    fn check_stripe(&mut self, config: &Config) {
        let keys: Vec<&str> = config.stripe.keys.iter().map(ExposeSecret::expose_secret).collect();
        let formed = |key: &&str| {
            ["sk_test_", "sk_live_", "rk_test_", "rk_live_"]
                .iter()
                .any(|p| key.starts_with(p) && key.len() > p.len())
        };
        self.refuse_if(
            !keys.iter().all(formed),
            "STRIPE_SECRET_KEY",
            "must be a secret or restricted key: rk_live_…, rk_test_…, sk_live_…, sk_test_…",
        );
        let live = keys.iter().filter(|key| key.contains("_live_")).count();
        self.refuse_if(live > 0 && live < keys.len(), "STRIPE_SECRET_KEY", "mixes live and test keys");
        self.refuse_if(
            live > 0 && !config.is_real_stripe(),
            "STRIPE_API_BASE",
            "must be Stripe's own with a live key",
        );
        let mode = self.one_of("STRIPE_MODE", &["live", "test"]);
        self.refuse_if(
            live > 0 && mode == "test",
            "STRIPE_SECRET_KEY",
            "must not be a live key with STRIPE_MODE=test",
        );
        self.refuse_if(
            config.production && live < keys.len() && mode == "live",
            "STRIPE_SECRET_KEY",
            "must be a live key in production: a test key charges nobody. For a test installation, set STRIPE_MODE=test",
        );
        self.refuse_if(
            config.is_real_stripe() && config.stripe.api_base.scheme() != "https",
            "STRIPE_API_BASE",
            "must be https://: the key is sent there",
        );
        self.refuse_if(
            config.production && keys.is_empty(),
            "STRIPE_SECRET_KEY",
            "is required in production: the sandbox is for development",
        );
        self.refuse_if(
            config.production && !keys.is_empty() && !config.is_real_stripe(),
            "STRIPE_API_BASE",
            "must be Stripe's own in production",
        );
    }

    /// An empty secret would be a key that everybody has.
    fn check_webhooks(&mut self, config: &Config) {
        let secrets = &config.stripe.webhook_secrets;
        let formed = |secret: &SecretString| {
            secret.expose_secret().len() > 14 && secret.expose_secret().starts_with("whsec_")
        };
        self.refuse_if(
            !secrets.iter().all(formed),
            "STRIPE_WEBHOOK_SECRETS",
            "must be a list of secrets that begin with whsec_",
        );
        let has_key = !config.stripe.keys.is_empty();
        let blank = self.given("STRIPE_WEBHOOK_SECRETS").is_some_and(|given| given.is_empty());
        self.refuse_if(
            self.serves && has_key && secrets.is_empty() && (blank || config.is_real_stripe()),
            "STRIPE_WEBHOOK_SECRETS",
            concat!(
                "must not be blank with a key of Stripe's: `",
                env!("CARGO_PKG_NAME"),
                " stripe setup` makes the endpoint and prints its secret"
            ),
        );
    }

    fn check_mail(&mut self, config: &Config) {
        let usable = config.smtp.as_ref().is_none_or(|smtp| {
            lettre::AsyncSmtpTransport::<lettre::Tokio1Executor>::from_url(&smtp.url).is_ok()
                && smtp.from.parse::<lettre::message::Mailbox>().is_ok()
        });
        self.refuse_if(
            !usable,
            "SMTP_URL",
            "must be smtp:// or smtps://, with MAIL_FROM an address such as Billing <billing@example.com>",
        );
    }
}

/// Long, but quickly tried: repeated, a row of keys, a few common words.
fn is_guessable(secret: &str) -> bool {
    const GUESSES: f64 = 1e16;
    zxcvbn::zxcvbn(secret, &[]).guesses_log10() < GUESSES.log10()
}
