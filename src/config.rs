//! Every environment variable, its default and its meaning. A bad one is refused by name, and a
//! refused start names them all. `.env.example` is held against `VARIABLES` by a test.
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use std::{net::SocketAddr, time::Duration};
use url::Url;

/// Name and default, in the order of `.env.example`.
pub const VARIABLES: &[(&str, &str)] = &[
    ("APP_ENV", "development"),
    ("DATABASE_URL", "sqlite://data/portico.db"),
    ("BIND", "127.0.0.1:3000"),
    ("PUBLIC_URL", "http://localhost:3000"),
    ("TRUSTED_PROXIES", ""),
    ("APP_SECRET", ""),
    ("STRIPE_SECRET_KEY", ""),
    ("STRIPE_API_BASE", "https://api.stripe.com"),
    ("STRIPE_PORTAL_CONFIGURATION", ""),
    ("SANDBOX_BIND", "127.0.0.1:12111"),
    ("SANDBOX_DATA", "data/sandbox.db"),
    ("ARGON2_MEMORY_KIB", "19456"),
    ("ARGON2_TIME", "2"),
    ("SESSION_IDLE_MINUTES", "720"),
    ("SESSION_MAX_DAYS", "14"),
    ("RATE_LIMITS", "on"),
    ("LOG", "info"),
];

#[derive(Clone, Debug)]
pub struct Config {
    pub production: bool,
    pub database_url: String,
    pub bind: SocketAddr,
    /// Where people reach us: links, the origin check, Stripe's way back. Never taken from `Host`.
    pub public_url: Url,
    pub trusted_proxies: Vec<IpNet>,
    /// Signs flashes. The first signs, all verify, so that it can be rotated. Empty only in
    /// development, where one is made and kept beside the data.
    pub app_secrets: Vec<SecretString>,
    pub stripe: Stripe,
    pub sandbox: Sandbox,
    pub argon2: Argon2,
    pub session_idle: Duration,
    pub session_max: Duration,
    pub rate_limits: bool,
    pub log: String,
}

#[derive(Clone, Debug)]
pub struct Stripe {
    /// Empty: the embedded sandbox stands in. Several: the next is tried when Stripe says 401.
    pub keys: Vec<SecretString>,
    pub api_base: Url,
    /// Overrides the portal configuration found by its metadata.
    pub portal_configuration: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Sandbox {
    pub bind: SocketAddr,
    /// Set by hand: then a taken port is an error instead of a reason to take the next.
    pub bind_is_fixed: bool,
    pub data: String,
}

/// Cost of a password hash. The floor is OWASP's table, all rows of which count as equal:
/// 46 MiB·1, 19·2, 12·3, 9·4, 7·5.
#[derive(Clone, Copy, Debug)]
pub struct Argon2 {
    pub memory_kib: u32,
    pub time: u32,
}

/// What is wrong with the environment, a line for each variable.
#[derive(Debug, thiserror::Error)]
#[error("refusing to start:\n{}", .0.iter().map(|r| format!("  {r}\n")).collect::<String>())]
pub struct Refused(pub Vec<String>);

impl Config {
    /// From the process's environment, then `.env` in the working directory, then the defaults.
    pub fn load() -> Result<Self, Refused> {
        let file: std::collections::HashMap<String, String> =
            dotenvy::dotenv_iter().into_iter().flatten().filter_map(Result::ok).collect();
        #[expect(clippy::disallowed_methods, reason = "this is the place that reads them")]
        let own = |name: &str| std::env::var(name).ok();
        Self::read(|name| own(name).or_else(|| file.get(name).cloned()))
    }

    pub fn read(vars: impl Fn(&str) -> Option<String>) -> Result<Self, Refused> {
        let mut from = Reader { vars: &vars, refused: Vec::new() };
        let config = from.config();
        if from.refused.is_empty() { Ok(config) } else { Err(Refused(from.refused)) }
    }

    /// Whether `STRIPE_API_BASE` is Stripe itself, not a stand-in.
    pub fn is_real_stripe(&self) -> bool {
        self.stripe.api_base.host_str() == Some("api.stripe.com")
    }
}

struct Reader<'v> {
    vars: &'v dyn Fn(&str) -> Option<String>,
    refused: Vec<String>,
}

impl Reader<'_> {
    fn config(&mut self) -> Config {
        let production = self.one_of("APP_ENV", &["development", "production"]) == "production";
        let config = Config {
            production,
            database_url: self.text("DATABASE_URL"),
            bind: self.parsed("BIND", "an address and port, such as 127.0.0.1:3000"),
            public_url: self.url("PUBLIC_URL"),
            trusted_proxies: self.list("TRUSTED_PROXIES", "networks, such as 10.0.0.0/8"),
            app_secrets: self.secrets("APP_SECRET"),
            stripe: Stripe {
                keys: self.secrets("STRIPE_SECRET_KEY"),
                api_base: self.url("STRIPE_API_BASE"),
                portal_configuration: Some(self.text("STRIPE_PORTAL_CONFIGURATION"))
                    .filter(|id| !id.is_empty()),
            },
            sandbox: Sandbox {
                bind: self.parsed("SANDBOX_BIND", "a loopback address and port, such as 127.0.0.1:12111"),
                bind_is_fixed: self.given("SANDBOX_BIND").is_some(),
                data: self.text("SANDBOX_DATA"),
            },
            argon2: Argon2 {
                memory_kib: self.parsed("ARGON2_MEMORY_KIB", "a number of KiB"),
                time: self.parsed("ARGON2_TIME", "a number of passes"),
            },
            session_idle: self.span("SESSION_IDLE_MINUTES", 60.0),
            session_max: self.span("SESSION_MAX_DAYS", 86_400.0),
            rate_limits: self.one_of("RATE_LIMITS", &["on", "off"]) == "on",
            log: self.text("LOG"),
        };
        self.check_general(&config);
        self.check_stripe(&config);
        config
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
            tracing_subscriber::EnvFilter::try_new(&config.log).is_err(),
            "LOG",
            "must be a level such as info, or directives such as info,portico=debug",
        );
        self.refuse_if(
            !config.sandbox.bind.ip().is_loopback(),
            "SANDBOX_BIND",
            "must be a loopback address: the sandbox has no passwords",
        );
        let weak = |s: &SecretString| s.expose_secret().len() < 32 || s.expose_secret().contains("change");
        self.refuse_if(
            config.app_secrets.iter().any(weak),
            "APP_SECRET",
            "must be at least 32 characters of your own, `openssl rand -base64 32`",
        );
        self.check_argon2(config.argon2);
        if config.production {
            self.check_production(config);
        }
    }

    fn check_argon2(&mut self, Argon2 { memory_kib, time }: Argon2) {
        let enough = [(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5)]
            .iter()
            .any(|&(m, t)| memory_kib >= m && time >= t);
        self.refuse_if(
            !enough,
            "ARGON2_MEMORY_KIB",
            "with ARGON2_TIME is below OWASP's floor; 19456 with 2 is the least we suggest",
        );
        self.refuse_if(
            memory_kib > 1 << 20 || time > 20,
            "ARGON2_MEMORY_KIB",
            "or ARGON2_TIME would make a sign-in take seconds; at most 1048576 and 20",
        );
    }

    fn check_production(&mut self, config: &Config) {
        self.refuse_if(!config.rate_limits, "RATE_LIMITS", "may be off only in development and tests");
        self.refuse_if(
            config.public_url.scheme() != "https",
            "PUBLIC_URL",
            "must be https:// in production: the session cookie is Secure",
        );
        self.refuse_if(
            config.app_secrets.is_empty(),
            "APP_SECRET",
            "is required in production: 32 random bytes or more, `openssl rand -base64 32`",
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

    fn given(&self, name: &str) -> Option<String> {
        (self.vars)(name).map(|value| value.trim().to_owned())
    }

    fn text(&self, name: &str) -> String {
        let default = || {
            VARIABLES.iter().find(|(known, _)| *known == name).map_or("", |(_, default)| default).to_owned()
        };
        self.given(name).filter(|value| !value.is_empty()).unwrap_or_else(default)
    }

    fn refuse_if(&mut self, wrong: bool, name: &str, why: &str) {
        if wrong {
            self.refused.push(format!("{name} {why}"));
        }
    }

    fn one_of(&mut self, name: &str, words: &[&str]) -> String {
        let value = self.text(name);
        self.refuse_if(!words.contains(&value.as_str()), name, &format!("must be {}", words.join(" or ")));
        value
    }

    fn parsed<T: std::str::FromStr>(&mut self, name: &str, right: &str) -> T {
        if let Ok(value) = self.text(name).parse() {
            return value;
        }
        self.refuse_if(true, name, &format!("must be {right}"));
        let default = VARIABLES.iter().find(|(known, _)| *known == name).and_then(|(_, d)| d.parse().ok());
        default.expect("each default parses")
    }

    fn list<T: std::str::FromStr>(&mut self, name: &str, right: &str) -> Vec<T> {
        let text = self.text(name);
        let parts: Vec<_> =
            text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::parse).collect();
        self.refuse_if(
            parts.iter().any(Result::is_err),
            name,
            &format!("must be a comma-separated list of {right}"),
        );
        parts.into_iter().filter_map(Result::ok).collect()
    }

    fn secrets(&mut self, name: &str) -> Vec<SecretString> {
        let text = self.text(name);
        let blank = !text.is_empty() && text.split(',').any(|part| part.trim().is_empty());
        self.refuse_if(blank, name, "has a blank entry in its list");
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(SecretString::from).collect()
    }

    fn url(&mut self, name: &str) -> Url {
        let url: Url = self.parsed(name, "an http:// or https:// address without a path");
        let bare = matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some()
            && url.path() == "/"
            && url.query().is_none();
        self.refuse_if(!bare, name, "must be an http:// or https:// address without a path");
        url
    }

    fn span(&mut self, name: &str, unit_seconds: f64) -> Duration {
        let value: f64 = self.parsed(name, "a number above 0");
        self.refuse_if(!(value > 0.0 && value < 1e6), name, "must be a number above 0");
        Duration::try_from_secs_f64(value * unit_seconds).unwrap_or_default()
    }
}
