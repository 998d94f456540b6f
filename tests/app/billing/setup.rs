//! `portico stripe setup`, `stripe verify` and `doctor`, against a Stripe that is empty, set up,
//! or not as it should be.
use crate::support::{
    http::{Person, Site},
    process::Process,
    stub::{Reply, Stub},
    temp::TempDir,
};
use product::{
    billing::{
        plans::{CURRENCY, OFFERS, Plan},
        setup::{self, Mending, Outcome, Report},
    },
    clock::Clock,
    config::Config,
    db::{self, Db},
    ops::{self, Verdict},
    stripe::Stripe,
};
use secrecy::ExposeSecret;
use serde_json::Value;

const PORTICO: &str = crate::support::process::PROGRAM;
const KEY: &str = "Bearer sk_test_123";
const HOOK: &str = "http://localhost:3000/webhooks/stripe";

/// How many plans are sold, and at how many prices.
fn sold() -> usize {
    OFFERS.len() - 1 // all but Free
}
fn prices() -> usize {
    OFFERS.iter().map(|offer| offer.prices().count()).sum()
}

/// A Stripe of one's own, and whoever sits at its Dashboard.
struct World {
    config: Config,
    stripe: Stripe,
    url: String,
    dashboard: Person,
}

impl World {
    /// As `setup` leaves it.
    async fn set_up() -> Self {
        let world = Self::empty().await;
        world.setup().await;
        world
    }

    async fn empty() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let sandbox = portico_sandbox::Sandbox::open(portico_sandbox::Options::default()).await.unwrap();
        tokio::spawn(async move { sandbox.serve(listener, std::future::pending()).await });
        let config = config(&[("STRIPE_API_BASE", &url)]);
        let (stripe, dashboard) = (Stripe::new(&config), Person::visiting(&Site::at(&url)));
        Self { config, stripe, url, dashboard }
    }

    async fn setup(&self) -> Report {
        self.compare(Mending::All).await
    }

    async fn verify(&self) -> Vec<String> {
        self.compare(Mending::None).await.findings.into_iter().map(|found| found.drift).collect()
    }

    async fn compare(&self, mending: Mending) -> Report {
        let mut report = Report::default();
        setup::compare(&self.stripe, &self.config, mending, &mut report).await.expect("Stripe answers");
        report
    }

    async fn all(&self, what: &str) -> Vec<Value> {
        let list = self.dashboard.get(&format!("/v1/{what}?limit=100")).header("authorization", KEY).await;
        list.json()["data"].as_array().expect("a list").clone()
    }

    /// The one whose field has this value.
    async fn one(&self, what: &str, field: &str, value: &str) -> Value {
        let all = self.all(what).await;
        all.into_iter()
            .find(|it| it[field] == value)
            .unwrap_or_else(|| panic!("no {what} with {field}={value}"))
    }

    async fn everything(&self) -> Vec<Vec<Value>> {
        let mut all = Vec::new();
        for what in ["products", "prices", "billing_portal/configurations", "webhook_endpoints"] {
            all.push(self.all(what).await);
        }
        all
    }

    /// Somebody changes something by hand.
    async fn change(&self, path: &str, fields: &[(&str, &str)]) -> Value {
        let path = format!("/v1/{path}");
        let done = self.dashboard.post(&path).header("authorization", KEY).fields(fields).await;
        done.assert_status(200);
        done.json()
    }

    async fn delete_endpoint(&self) {
        let path = format!("/v1/webhook_endpoints/{}", id(&self.all("webhook_endpoints").await[0]));
        let gone = self.dashboard.ask(axum::http::Method::DELETE, &path).header("authorization", KEY).await;
        gone.assert_status(200);
    }

    async fn price(&self, key: &str) -> Value {
        self.one("prices", "lookup_key", key).await
    }
}

fn config(more: &[(&str, &str)]) -> Config {
    let usual = [
        ("STRIPE_SECRET_KEY", "sk_test_123"),
        ("DATABASE_URL", "sqlite://absent/portico.db"),
        ("LOG", "error"),
    ];
    let find = |name: &str| {
        more.iter().chain(&usual).find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    };
    Config::read(find).expect("the test's own settings are right")
}

fn id(object: &Value) -> &str {
    object["id"].as_str().unwrap()
}

#[tokio::test]
async fn an_empty_account_gets_everything_and_a_second_run_changes_nothing() {
    let world = World::empty().await;

    let first = world.setup().await;

    assert!(first.secret.is_some_and(|secret| secret.expose_secret().starts_with("whsec_")));
    let made = world.everything().await;
    assert_eq!(made.iter().map(Vec::len).collect::<Vec<_>>(), [sold(), prices(), 1, 1]);
    assert_eq!(world.price("business_year").await["unit_amount"], Plan::Business.offer().year.unwrap());
    let update = &made[2][0]["features"]["subscription_update"];
    assert_eq!(
        (&update["enabled"], &update["trial_update_behavior"]),
        (&true.into(), &"continue_trial".into())
    );
    assert_eq!(made[2][0]["features"]["subscription_cancel"]["cancellation_reason"]["enabled"], true);
    assert_eq!((&made[3][0]["url"], &made[3][0]["api_version"]), (&HOOK.into(), &Stripe::version().into()));
    let again = world.setup().await;
    assert!(again.findings.is_empty() && again.secret.is_none(), "{:?}", again.findings);
    assert_eq!(world.everything().await, made);
    assert_eq!(world.verify().await, Vec::<String>::new());
}

/// What is changed, how, and how `verify` names it.
type Case<'c> = (&'c str, &'c [(&'c str, &'c str)], &'c str);

#[tokio::test]
async fn each_drift_is_named_and_mended() {
    let world = World::set_up().await;
    let pro = world.one("products", "name", "Pro").await;
    let portal =
        format!("billing_portal/configurations/{}", id(&world.all("billing_portal/configurations").await[0]));
    let hook = format!("webhook_endpoints/{}", id(&world.all("webhook_endpoints").await[0]));
    let product = format!("products/{}", id(&pro));
    let price = format!("prices/{}", id(&world.price("pro_month").await));
    let cases: &[Case] = &[
        (&product, &[("name", "Prospect")], "name is Prospect, should be Pro"),
        (&product, &[("active", "false")], "product pro: active is false"),
        (&product, &[("unit_label", "head")], "unit label is head, should be nothing"),
        (&product, &[("marketing_features[0][name]", "Less")], "features is Less"),
        (&price, &[("active", "false")], "price pro_month: is not active"),
        (&price, &[("lookup_key", "")], "price pro_month: is missing"),
        (
            &portal,
            &[("features[subscription_cancel][enabled]", "false")],
            "subscription_cancel.enabled is false",
        ),
        (
            &portal,
            &[("features[subscription_update][enabled]", "false")],
            "subscription_update.enabled is false",
        ),
        (
            &portal,
            &[("features[subscription_update][trial_update_behavior]", "end_trial")],
            "is end_trial, should be continue_trial",
        ),
        (&portal, &[("features[subscription_update][products]", "")], "subscription_update.products is []"),
        (
            &portal,
            &[("features[customer_update][allowed_updates][0]", "email")],
            "allowed_updates is [email]",
        ),
        (&portal, &[("login_page[enabled]", "true")], "login_page.enabled is true"),
        (&portal, &[("active", "false")], "is not active"),
        (
            &hook,
            &[("enabled_events[0]", "invoice.paid")],
            "is not subscribed to charge.refunded, checkout.session.async_payment_failed, ",
        ),
        (&hook, &[("enabled_events[0]", "*")], "should not be subscribed to *"),
        (&hook, &[("disabled", "true")], "is disabled"),
    ];
    for (path, fields, named) in cases {
        world.change(path, fields).await;

        let drifts = world.verify().await;

        assert!(drifts.iter().any(|drift| drift.contains(named)), "{named}: {drifts:?}");
        let report = world.setup().await;
        assert!(report.secret.is_none() && report.findings.iter().all(|it| it.outcome == Outcome::Mended));
        assert_eq!(world.verify().await, Vec::<String>::new(), "{named}");
    }
    assert_eq!(world.all("products").await.len(), sold());
    assert_eq!(world.all("webhook_endpoints").await.len(), 1);
}

#[tokio::test]
async fn a_price_of_another_amount_gives_way_to_a_new_one() {
    let world = World::set_up().await;
    let right = world.price("pro_month").await;
    let product = right["product"].as_str().unwrap();
    let foreign = if CURRENCY == "eur" { "usd" } else { "eur" };
    let by_hand = [
        ("product", product),
        ("unit_amount", "3500"),
        ("currency", foreign),
        ("recurring[interval]", "week"),
        ("lookup_key", "pro_month"),
        ("transfer_lookup_key", "true"),
    ];
    let wrong = world.change("prices", &by_hand).await;
    world.change(&format!("products/{product}"), &[("default_price", id(&wrong))]).await;

    let drifts = world.verify().await;
    world.setup().await;

    let amount = format!("amount is 3500, should be {}", right["unit_amount"]);
    let currency = format!("currency is {foreign}, should be {CURRENCY}");
    for named in [&*amount, &*currency, "interval is week, should be month"] {
        assert!(drifts.iter().any(|drift| drift.contains(named)), "{named}: {drifts:?}");
    }
    let (now, old) = (world.price("pro_month").await, world.one("prices", "id", id(&wrong)).await);
    assert_eq!((&now["unit_amount"], &now["active"]), (&right["unit_amount"], &true.into()));
    assert_eq!((&old["active"], &old["metadata"]["plan"]), (&false.into(), &"pro".into()));
    assert_eq!(world.one("products", "id", product).await["default_price"], now["id"]);
    assert_eq!(world.verify().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_endpoint_of_somebody_else_is_left_alone() {
    let world = World::empty().await;
    let theirs = world
        .change(
            "webhook_endpoints",
            &[("url", "http://localhost:4000/webhooks/stripe"), ("enabled_events[]", "*")],
        )
        .await;

    world.setup().await;

    let all = world.all("webhook_endpoints").await;
    assert_eq!(all.len(), 2);
    let kept = all.iter().find(|it| it["id"] == theirs["id"]).expect("it is still there");
    assert_eq!((&kept["enabled_events"], &kept["status"]), (&theirs["enabled_events"], &theirs["status"]));
}

#[tokio::test]
async fn an_endpoint_of_another_version_is_replaced_only_when_asked() {
    let world = World::set_up().await;
    world.delete_endpoint().await;
    let old = world
        .change(
            "webhook_endpoints",
            &[("url", HOOK), ("enabled_events[]", "*"), ("api_version", "2024-06-20")],
        )
        .await;

    let report = world.setup().await;

    assert!(report.secret.is_none(), "its secret stays");
    assert!(report.findings.iter().any(|it| it.outcome == Outcome::Left && it.drift.contains("2024-06-20")));
    assert_eq!(world.all("webhook_endpoints").await.len(), 1);
    assert!(world.verify().await.iter().any(|drift| drift.contains("--replace-endpoint")));
    let report = world.compare(Mending::WithEndpoint).await;
    assert!(report.secret.is_some());
    assert_eq!(world.one("webhook_endpoints", "id", id(&old)).await["status"], "disabled");
    assert_eq!(world.verify().await, Vec::<String>::new());
    assert!(world.compare(Mending::WithEndpoint).await.findings.is_empty(), "once is enough");
}

/// Runs a command of the real program against this Stripe: whether it succeeded, and what it said.
async fn runs(arguments: &[&str], more: &[(&str, &str)]) -> (bool, String) {
    let mut process = Process::start(PORTICO, arguments, more);
    let ended = process.ended().await;
    (ended.success(), process.output())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_verifies_sets_up_and_says_the_secret_once() {
    let world = World::empty().await;
    let settings = [
        ("STRIPE_API_BASE", world.url.as_str()),
        ("STRIPE_SECRET_KEY", "rk_test_123"),
        ("STRIPE_WEBHOOK_SECRETS", ""),
    ];

    let (right, said) = runs(&["stripe", "verify"], &settings).await;
    assert!(!right && said.contains("price pro_month: is missing"), "{said}");
    let (right, said) = runs(&["stripe", "setup"], &settings).await;
    assert!(right && said.matches("STRIPE_WEBHOOK_SECRETS=whsec_").count() == 1, "{said}");
    let (right, said) = runs(&["stripe", "setup"], &settings).await;

    assert!(right && said.contains("Nothing to change") && !said.contains("whsec_"), "{said}");
    let (right, said) = runs(&["stripe", "verify"], &settings).await;
    assert!(right && !said.contains("drift"), "{said}");
    let (right, said) = runs(&["serve"], &settings).await;
    assert!(!right && said.contains("STRIPE_WEBHOOK_SECRETS"), "a start still needs it: {said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_names_every_refused_setting() {
    let (right, said) = runs(&["doctor"], &[("APP_ENV", "production"), ("ARGON2_TIME", "0")]).await;

    assert!(!right, "{said}");
    for name in ["PUBLIC_URL", "STRIPE_SECRET_KEY", "APP_SECRET", "ARGON2"] {
        assert!(said.lines().any(|line| line.starts_with("fail") && line.contains(name)), "{name}: {said}");
    }
}

/// What the doctor says, a line each: `fail rights the key may not read Invoices…`.
async fn doctor(config: &Config) -> Vec<String> {
    let checks = ops::examine(config).await;
    let word = |verdict| match verdict {
        Verdict::Ok => "ok",
        Verdict::Warn => "warn",
        Verdict::Fail => "fail",
    };
    checks
        .into_iter()
        .map(|check| format!("{} {} {}", word(check.verdict), check.about, check.said))
        .collect()
}

#[track_caller]
fn assert_says(said: &[String], begins: &str, contains: &str) {
    let found = said.iter().any(|line| line.starts_with(begins) && line.contains(contains));
    assert!(found, "no {begins:?} with {contains:?}:\n{}", said.join("\n"));
}

#[tokio::test]
async fn a_healthy_installation_is_told_so() {
    let (world, folder) = (World::set_up().await, TempDir::new());
    let url = format!("sqlite://{}", folder.join("portico.db").display());
    db::migrate(&mut Db::connect(&url).await.unwrap()).await.unwrap();
    let config = config(&[
        ("STRIPE_API_BASE", &world.url),
        ("DATABASE_URL", &url),
        ("STRIPE_SECRET_KEY", "rk_test_123"),
        ("STRIPE_WEBHOOK_SECRETS", "whsec_0123456789abcdef"),
    ]);

    let said = doctor(&config).await;

    assert!(
        said.iter().all(|line| line.starts_with("ok ") || line.contains("data folder")),
        "{}",
        said.join("\n")
    );
    for about in ["database", "tenants", "stripe key", "rights", "mode", "setup", "clock", "webhook secrets"]
    {
        assert_says(&said, &format!("ok {about}"), "");
    }
}

#[tokio::test]
async fn the_doctor_finds_what_is_missing() {
    let (world, folder) = (World::set_up().await, TempDir::new());
    world.delete_endpoint().await;
    let url = format!("sqlite://{}", folder.join("portico.db").display());
    drop(Db::connect(&url).await.unwrap());
    let portal =
        format!("billing_portal/configurations/{}", id(&world.all("billing_portal/configurations").await[0]));
    world.change(&portal, &[("features[payment_method_update][enabled]", "false")]).await;

    let said = doctor(&config(&[("STRIPE_API_BASE", &world.url), ("DATABASE_URL", &url)])).await;

    assert_says(&said, "fail database", "migrations are pending");
    assert_says(&said, "fail webhook secrets", "stripe setup");
    assert_says(&said, "warn stripe key", "a restricted key");
    assert_says(&said, "fail setup", "webhook endpoint");
    assert_says(&said, "fail setup", "payment_method_update.enabled is false");
    let said = doctor(&config(&[("STRIPE_API_BASE", &world.url)])).await;
    assert_says(&said, "warn database", "does not exist yet");
    let said = doctor(&config(&[
        ("STRIPE_API_BASE", "http://127.0.0.1:9"),
        ("DATABASE_URL", "postgres://127.0.0.1:9/x"),
    ]))
    .await;
    assert_says(&said, "fail database", "cannot connect");
    assert_says(&said, "fail stripe", "no answer from http://127.0.0.1:9");
}

const NOTHING: &str = r#"{"object":"list","data":[],"has_more":false}"#;

/// A Stripe that says the same to everything, in a time by which ours is so many seconds ahead.
fn always(status: &str, ahead: i64, body: &str) -> Stub {
    let date = Clock::default().now().utc() - time::Duration::seconds(ahead);
    let date = date.format(&time::format_description::well_known::Rfc2822).unwrap().replace("+0000", "GMT");
    Stub::answering([Reply::http(status, &[&format!("date: {date}")], body)])
}

#[tokio::test]
async fn the_doctor_compares_our_clock_with_stripes() {
    for (ahead, verdict) in [(0, "ok clock"), (90, "warn clock"), (-400, "fail clock")] {
        let stripe = always("200 OK", ahead, NOTHING);

        let said = doctor(&config(&[("STRIPE_API_BASE", &stripe.url())])).await;

        assert_says(&said, verdict, "Stripe's");
    }
}

#[tokio::test]
async fn the_doctor_names_each_right_that_a_restricted_key_lacks() {
    let refusal = |kind: &str| format!(r#"{{"error":{{"type":"{kind}","message":"no"}}}}"#);
    let stripe = always("403 Forbidden", 0, &refusal("invalid_request_error"));

    let said = doctor(&config(&[("STRIPE_API_BASE", &stripe.url())])).await;

    for right in ["Customers", "Checkout Sessions", "Customer portal", "Subscriptions", "Invoices", "Events"]
    {
        assert_says(&said, "fail rights", &format!("may not read {right};"));
    }
    assert_says(&said, "warn rights", "Webhook Endpoints");
    let stripe = always("401 Unauthorized", 0, &refusal("invalid_request_error"));
    let said = doctor(&config(&[("STRIPE_API_BASE", &stripe.url())])).await;
    assert_says(&said, "fail stripe key", "does not accept STRIPE_SECRET_KEY");
}

#[tokio::test]
async fn the_doctor_finds_prices_of_the_other_mode() {
    let live =
        r#"{"object":"list","data":[{"id":"x_1","livemode":true,"product":"prod_1"}],"has_more":false}"#;
    let stripe = always("200 OK", 0, live);

    let said = doctor(&config(&[("STRIPE_API_BASE", &stripe.url())])).await;

    assert_says(&said, "fail mode", "the key is test");
}

#[cfg(unix)]
#[tokio::test]
async fn the_doctor_minds_who_may_read_the_data() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new();
    let file = folder.join("portico.db");
    std::fs::write(&file, "").unwrap();
    let allow = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let config = config(&[
        ("DATABASE_URL", &format!("sqlite://{}", file.display())),
        ("STRIPE_API_BASE", "http://127.0.0.1:9"),
    ]);
    allow(&file, 0o644);

    allow(folder.path(), 0o755);
    assert_says(&doctor(&config).await, "warn data folder", "chmod 700");

    allow(folder.path(), 0o700);
    assert_says(&doctor(&config).await, "ok data folder", "");
}
