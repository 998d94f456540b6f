//! Every environment variable, its default and its meaning. A bad one is refused by name, and a
//! refused start names them all. `.env.example` is held against `VARIABLES` by a test.
mod checks;
mod reader;

use crate::brand;
use ipnet::IpNet;
use reader::Reader;
use secrecy::{ExposeSecret, SecretString};
use std::{net::SocketAddr, path::PathBuf, time::Duration};
use url::Url;

/// Name and default, in the order of `.env.example`.
pub const VARIABLES: &[(&str, &str)] = &[
    ("APP_ENV", "development"),
    ("DATABASE_URL", concat!("sqlite://data/", env!("CARGO_PKG_NAME"), ".db")),
    ("BIND", "127.0.0.1:3000"),
    ("PUBLIC_URL", "http://localhost:3000"),
    ("OPS_BIND", "127.0.0.1:3001"),
    ("OPS_HOSTS", ""),
    ("TRUSTED_PROXIES", ""),
    ("APP_SECRET", ""),
    ("STRIPE_MODE", "live"),
    ("STRIPE_SECRET_KEY", ""),
    ("STRIPE_WEBHOOK_SECRETS", ""),
    ("STRIPE_API_BASE", "https://api.stripe.com"),
    ("STRIPE_PORTAL_CONFIGURATION", ""),
    ("SANDBOX_BIND", "127.0.0.1:12111"),
    ("SANDBOX_DATA", "data/sandbox.db"),
    ("SANDBOX_WEBHOOK_URL", ""),
    ("SANDBOX_WEBHOOK_SECRET", ""),
    ("SMTP_URL", ""),
    ("MAIL_FROM", concat!(brand::name!(), " <", env!("CARGO_PKG_NAME"), "@localhost>")),
    ("ARGON2_MEMORY_KIB", "19456"),
    ("ARGON2_TIME", "2"),
    ("SESSION_IDLE_MINUTES", "720"),
    ("SESSION_MAX_DAYS", "14"),
    ("REAUTH_MINUTES", "15"),
    ("BILLING_REAUTH_MINUTES", "60"),
    ("BREACHED_PASSWORDS", "off"),
    ("RATE_LIMITS", "on"),
    ("LOG", "info"),
];

/// What stands where there is no key of Stripe's: the embedded sandbox takes any.
pub const SANDBOX_KEY: &str = "sk_test_sandbox";

#[derive(Clone, Debug)]
pub struct Config {
    pub production: bool,
    pub database_url: String,
    pub bind: SocketAddr,
    /// Set by hand, or in production: then a taken port is an error instead of a reason to take the next.
    pub bind_is_fixed: bool,
    /// Where people reach us: links, the origin check, Stripe's way back. Never taken from `Host`.
    pub public_url: Url,
    /// Set by hand: then it stays as it is, whatever port is bound.
    pub public_url_is_fixed: bool,
    /// For operators: metrics, health and the inbox. Never in front of people.
    pub ops_bind: SocketAddr,
    /// As for `bind`.
    pub ops_bind_is_fixed: bool,
    /// Names by which operators reach `ops_bind`, besides those of this machine.
    pub ops_hosts: Vec<String>,
    pub trusted_proxies: Vec<IpNet>,
    /// Signs flashes. The first signs, all verify, so that it can be rotated. Empty only in
    /// development, where one is made and kept beside the data.
    pub app_secrets: Vec<SecretString>,
    pub stripe: Stripe,
    pub sandbox: Sandbox,
    /// None: mails go to the development mailbox.
    pub smtp: Option<Smtp>,
    /// Whom mails come from, and who is written to about security.
    pub mail_from: String,
    pub argon2: Argon2,
    pub session_idle: Duration,
    pub session_max: Duration,
    /// How recent a sign-in must be for what cannot be undone.
    pub reauth: Duration,
    /// How recent a sign-in must be to open the portal or Checkout. None: however old.
    pub billing_reauth: Option<Duration>,
    /// Where new passwords are looked up among breached ones, if they are. Never set by hand but in tests.
    pub breached_passwords: Option<Url>,
    pub rate_limits: bool,
    pub log: String,
}

#[derive(Clone, Debug)]
pub struct Stripe {
    /// Empty: the embedded sandbox stands in. Several: the next is tried when Stripe says 401.
    pub keys: Vec<SecretString>,
    /// What signs webhooks; any of them may. Empty: the sandbox's own.
    pub webhook_secrets: Vec<SecretString>,
    pub api_base: Url,
    /// Overrides the portal configuration found by its metadata.
    pub portal_configuration: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Sandbox {
    pub bind: SocketAddr,
    /// As for `BIND`.
    pub bind_is_fixed: bool,
    pub data: String,
    /// Where `sandbox` alone delivers from the start, and what signs it.
    pub webhook: Option<(Url, SecretString)>,
}

/// Where mail goes, and from whom it comes.
#[derive(Clone, Debug)]
pub struct Smtp {
    pub url: String,
    pub from: String,
}

impl Stripe {
    /// Whether our key moves real money.
    pub fn is_live(&self) -> bool {
        self.keys.iter().any(|key| key.expose_secret().contains("_live_"))
    }
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
#[error("cannot start, because of these settings:\n{}", .0.iter().map(|r| format!("  {r}\n")).collect::<String>())]
pub struct Refused(pub Vec<String>);

impl Config {
    /// From the process's environment, then `.env` in the working directory, then the defaults.
    pub fn load() -> Result<Self, Refused> {
        Self::from_environment(true)
    }

    /// For `stripe setup`, `stripe verify` and `doctor`: they serve nobody, so they run anywhere, and
    /// before there is a webhook secret: they are how one comes to it.
    pub fn load_for_setup() -> Result<Self, Refused> {
        Self::from_environment(false)
    }

    fn from_environment(serves: bool) -> Result<Self, Refused> {
        let file: std::collections::HashMap<String, String> =
            dotenvy::dotenv_iter().into_iter().flatten().filter_map(Result::ok).collect();
        #[expect(clippy::disallowed_methods, reason = "this is the place that reads them")]
        let own = |name: &str| std::env::var(name).ok();
        Self::read_with(|name| own(name).or_else(|| file.get(name).cloned()), serves)
    }

    pub fn read(vars: impl Fn(&str) -> Option<String>) -> Result<Self, Refused> {
        Self::read_with(vars, true)
    }

    fn read_with(vars: impl Fn(&str) -> Option<String>, serves: bool) -> Result<Self, Refused> {
        let mut from = Reader { vars: &vars, defaults: VARIABLES, serves, refused: Vec::new() };
        let config = from.config();
        if from.refused.is_empty() { Ok(config) } else { Err(Refused(from.refused)) }
    }

    /// Makes the public address lead to what was really bound, unless it was set by hand.
    pub fn follow(&mut self, bound: SocketAddr) {
        if self.public_url_is_fixed || bound.port() == 0 {
            return;
        }
        let at_localhost = bound.ip().is_unspecified() || bound.ip().is_loopback();
        let host = if at_localhost { "localhost".to_owned() } else { bound.ip().to_string() };
        let host = if bound.is_ipv6() && !at_localhost { format!("[{host}]") } else { host };
        self.public_url = Url::parse(&format!("http://{host}:{}", bound.port())).expect("made of an address");
    }

    /// Whether the key is our own, for the sandbox beside us.
    pub fn uses_embedded_sandbox(&self) -> bool {
        self.stripe.keys.iter().any(|key| key.expose_secret() == SANDBOX_KEY)
    }

    /// Whether `STRIPE_API_BASE` is Stripe itself, not a stand-in.
    pub fn is_real_stripe(&self) -> bool {
        self.stripe.api_base.host_str() == Some("api.stripe.com")
    }
}

impl Reader<'_> {
    fn config(&mut self) -> Config {
        let production = self.one_of("APP_ENV", &["development", "production"]) == "production";
        let is_fixed = |name: &str| production || self.given(name).is_some_and(|it| !it.is_empty());
        let [bind_is_fixed, ops_bind_is_fixed, sandbox_is_fixed, public_url_is_fixed] =
            ["BIND", "OPS_BIND", "SANDBOX_BIND", "PUBLIC_URL"].map(is_fixed);
        let mut config = Config {
            production,
            database_url: self.text("DATABASE_URL"),
            bind: self.parsed("BIND", "an address and port, such as 127.0.0.1:3000"),
            bind_is_fixed,
            public_url: self.url("PUBLIC_URL"),
            public_url_is_fixed,
            ops_bind: self.parsed("OPS_BIND", "an address and port, such as 127.0.0.1:3001"),
            ops_bind_is_fixed,
            ops_hosts: self.hosts("OPS_HOSTS"),
            trusted_proxies: self.list("TRUSTED_PROXIES", "networks, such as 10.0.0.0/8"),
            app_secrets: self.secrets("APP_SECRET"),
            stripe: self.stripe(),
            sandbox: Sandbox {
                bind: self.parsed("SANDBOX_BIND", "a loopback address and port, such as 127.0.0.1:12111"),
                bind_is_fixed: sandbox_is_fixed,
                data: self.text("SANDBOX_DATA"),
                webhook: self.sandbox_webhook(),
            },
            smtp: self.smtp(),
            mail_from: self.text("MAIL_FROM"),
            argon2: self.argon2(),
            session_idle: self.span("SESSION_IDLE_MINUTES", 60.0),
            session_max: self.span("SESSION_MAX_DAYS", 86_400.0),
            reauth: self.span("REAUTH_MINUTES", 60.0),
            billing_reauth: self.span_or_off("BILLING_REAUTH_MINUTES", 60.0),
            breached_passwords: self.breached_passwords(),
            rate_limits: self.one_of("RATE_LIMITS", &["on", "off"]) == "on",
            log: self.text("LOG"),
        };
        config.follow(config.bind);
        self.check(&config);
        config
    }

    fn stripe(&mut self) -> Stripe {
        let configuration = Some(self.text("STRIPE_PORTAL_CONFIGURATION")).filter(|id| !id.is_empty());
        Stripe {
            keys: self.secrets("STRIPE_SECRET_KEY"),
            webhook_secrets: self.secrets("STRIPE_WEBHOOK_SECRETS"),
            api_base: self.url("STRIPE_API_BASE"),
            portal_configuration: configuration,
        }
    }

    fn breached_passwords(&mut self) -> Option<Url> {
        let is_on = self.one_of("BREACHED_PASSWORDS", &["off", "on"]) == "on";
        is_on.then(|| Url::parse("https://api.pwnedpasswords.com").expect("it is an address"))
    }

    fn smtp(&mut self) -> Option<Smtp> {
        let smtp = Smtp { url: self.text("SMTP_URL"), from: self.text("MAIL_FROM") };
        Some(smtp).filter(|smtp| !smtp.url.is_empty())
    }

    /// Both or neither: an endpoint without a secret would sign with nothing.
    fn sandbox_webhook(&mut self) -> Option<(Url, SecretString)> {
        let (url, secret) = (self.text("SANDBOX_WEBHOOK_URL"), self.text("SANDBOX_WEBHOOK_SECRET"));
        if url.is_empty() && secret.is_empty() {
            return None;
        }
        let formed = secret.strip_prefix("whsec_").is_some_and(|rest| !rest.is_empty());
        self.refuse_if(
            !formed,
            "SANDBOX_WEBHOOK_SECRET",
            "must be whsec_… and go with SANDBOX_WEBHOOK_URL: receivers refuse others",
        );
        let parsed = Url::parse(&url).ok().filter(|url| url.scheme() == "http" && is_loopback(url));
        self.refuse_if(
            parsed.is_none(),
            "SANDBOX_WEBHOOK_URL",
            "must be an http:// address of this machine, such as http://localhost:3000/webhooks/stripe",
        );
        Some((parsed?, secret.into()))
    }

    fn argon2(&mut self) -> Argon2 {
        Argon2 {
            memory_kib: self.parsed("ARGON2_MEMORY_KIB", "a number of KiB"),
            time: self.parsed("ARGON2_TIME", "a number of passes"),
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// The file behind a `sqlite://` address; None for Postgres.
pub fn sqlite_file(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("sqlite://")?.split('?').next()?;
    Some(path.into())
}
