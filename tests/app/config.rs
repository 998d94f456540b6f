//! Every refusal of a setting names it and says what would be right; a start lists them all.
use product::config::{Config, VARIABLES};

fn refused(settings: &[(&str, &str)]) -> Vec<String> {
    match Config::read(|name| {
        settings.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }) {
        Ok(_) => Vec::new(),
        Err(refused) => refused.0,
    }
}

#[test]
fn the_defaults_are_right() {
    assert_eq!(refused(&[]), Vec::<String>::new());
}

#[test]
fn each_bad_setting_is_refused_by_name() {
    for (name, value, right) in [
        ("APP_ENV", "staging", "development or production"),
        ("DATABASE_URL", "mysql://localhost/x", "sqlite://"),
        ("DATABASE_URL", "sqlite::memory:", "sqlite://"),
        ("BIND", "localhost", "127.0.0.1:3000"),
        ("PUBLIC_URL", "portico.test", "http://"),
        ("PUBLIC_URL", "https://portico.test/app", "without a path"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,nonsense", "networks"),
        ("APP_SECRET", "short", "32 characters"),
        ("APP_SECRET", "please-change-me-please-change-me-please", "of your own"),
        ("STRIPE_SECRET_KEY", "pk_test_123", "rk_live_"),
        ("STRIPE_SECRET_KEY", "sk_test_1,,sk_test_2", "blank"),
        ("STRIPE_SECRET_KEY", "sk_test_1,sk_live_2", "mixes"),
        ("STRIPE_API_BASE", "ftp://stripe", "http://"),
        ("SANDBOX_BIND", "0.0.0.0:12111", "loopback"),
        ("SANDBOX_WEBHOOK_URL", "https://hooks.example/stripe", "of this machine"),
        ("SANDBOX_WEBHOOK_SECRET", "secret", "whsec_"),
        ("ARGON2_MEMORY_KIB", "1024", "OWASP"),
        ("ARGON2_MEMORY_KIB", "9999999", "1048576"),
        ("ARGON2_TIME", "two", "passes"),
        ("SESSION_IDLE_MINUTES", "-5", "above 0"),
        ("SESSION_IDLE_MINUTES", "NaN", "above 0"),
        ("SESSION_MAX_DAYS", "0", "above 0"),
        ("RATE_LIMITS", "perhaps", "on or off"),
        ("LOG", "portico=loudly", "level"),
    ] {
        let said = refused(&[(name, value)]);
        assert!(
            said.iter().any(|line| line.starts_with(name) && line.contains(right)),
            "{name}={value}: {said:?}"
        );
    }
}

#[test]
fn production_refuses_what_is_only_good_for_development() {
    let said = refused(&[("APP_ENV", "production"), ("RATE_LIMITS", "off")]).join("\n");

    for name in ["APP_SECRET", "PUBLIC_URL", "STRIPE_SECRET_KEY", "RATE_LIMITS"] {
        assert!(said.contains(name), "{name} is missing: {said}");
    }
    let right = [
        ("APP_ENV", "production"),
        ("APP_SECRET", "q0d8Zk3mN5vR7xT1bW9cL2hJ4fG6sY8p"),
        ("PUBLIC_URL", "https://portico.test"),
        ("STRIPE_SECRET_KEY", "rk_live_123"),
        ("STRIPE_WEBHOOK_SECRETS", "whsec_0123456789abcdef"),
        ("SMTP_URL", "smtps://mail.portico.test"),
        ("MAIL_FROM", "billing@portico.test"),
    ];
    assert_eq!(refused(&right), Vec::<String>::new());
    for (name, value, because) in [
        ("SMTP_URL", "", "mails would reach nobody"),
        ("PUBLIC_URL", "http://portico.test", "https://"),
        ("TRUSTED_PROXIES", "0.0.0.0/0", "everybody in it"),
        ("TRUSTED_PROXIES", "::/0", "everybody in it"),
        ("APP_SECRET", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "random"),
        ("APP_SECRET", "0123456789012345678901234567890123456789", "random"),
        ("APP_SECRET", "secretsecretsecretsecretsecretsecret", "random"),
        ("APP_SECRET", "q0d8Zk3mq0d8Zk3mq0d8Zk3mq0d8Zk3m", "random"),
        ("STRIPE_WEBHOOK_SECRETS", "whsec_xxxxxxxxxxxxxxxxxxxxxxxx", "forge events"),
        ("STRIPE_SECRET_KEY", "rk_test_123", "STRIPE_MODE=test"),
        ("STRIPE_API_BASE", "http://api.stripe.com", "https://"),
        ("STRIPE_MODE", "test", "live key"),
    ] {
        let said = refused(&with(&right, &[(name, value)]));
        assert!(said.len() == 1 && said[0].contains(because), "{name}={value}: {said:?}");
    }
    let for_tests = with(&right, &[("STRIPE_SECRET_KEY", "rk_test_123"), ("STRIPE_MODE", "test")]);
    assert_eq!(refused(&for_tests), Vec::<String>::new());
}

fn with<'a>(settings: &[(&'a str, &'a str)], changed: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = settings.iter().filter(|(name, _)| changed.iter().all(|(other, _)| other != name));
    kept.chain(changed).copied().collect()
}

#[test]
fn development_is_recognised_and_not_assumed_where_app_env_was_forgotten() {
    let server = [
        ("PUBLIC_URL", "https://portico.test"),
        ("BIND", "0.0.0.0:3000"),
        ("OPS_BIND", "0.0.0.0:3001"),
        ("STRIPE_SECRET_KEY", "rk_live_123"),
        ("STRIPE_WEBHOOK_SECRETS", "whsec_0123456789abcdef"),
    ];

    let said = refused(&server);

    for name in ["PUBLIC_URL", "BIND", "OPS_BIND", "STRIPE_SECRET_KEY"] {
        let line =
            said.iter().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {said:?}"));
        assert!(line.contains("APP_ENV=production"), "{line}");
    }
    for (name, value) in server.into_iter().take(3) {
        assert_eq!(refused(&[(name, value)]).len(), 1, "{name} alone is enough");
    }
    for local in ["http://localhost:8080", "http://127.0.0.2", "http://[::1]:3000", "http://acme.localhost"] {
        assert_eq!(refused(&[("PUBLIC_URL", local), ("BIND", "[::1]:3000")]), Vec::<String>::new());
    }
}

#[test]
fn a_live_key_speaks_to_stripe_alone() {
    let said = refused(&[("STRIPE_SECRET_KEY", "sk_live_1"), ("STRIPE_API_BASE", "http://127.0.0.1:12111")]);

    assert!(said.iter().any(|line| line.starts_with("STRIPE_API_BASE")), "{said:?}");
}

#[test]
fn a_refusal_never_repeats_a_secret() {
    let said = refused(&[("STRIPE_SECRET_KEY", "sk_livid_hunter2"), ("APP_SECRET", "hunter2")]).join("\n");

    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn the_example_file_names_every_setting_with_its_default() {
    let example: Vec<(String, String)> = include_str!("../../.env.example")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.split_once('=').map(|(name, value)| (name.into(), value.into())).expect(line))
        .collect();

    let known: Vec<(String, String)> =
        VARIABLES.iter().map(|(name, default)| ((*name).into(), (*default).into())).collect();
    assert_eq!(example, known);
}
