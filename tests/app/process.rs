//! The real program: on an empty folder, without a setting, the whole main job over HTTP.
use crate::support::{
    child_process,
    http::{Person, Site},
    postgres,
    process::Process,
    stub::{Reply, Stub},
};
use std::time::{Duration, Instant};

const PORTICO: &str = crate::support::process::PROGRAM;

/// The settings that keep one test's program out of another's way, and nothing more.
fn settings(more: &[(&str, &str)]) -> (Vec<(String, String)>, String) {
    let home = format!("http://localhost:{}", child_process::free_port());
    let mut all = vec![
        ("BIND".to_owned(), home.replace("http://localhost", "127.0.0.1")),
        ("PUBLIC_URL".to_owned(), home.clone()),
        ("OPS_BIND".to_owned(), format!("127.0.0.1:{}", child_process::free_port())),
        ("SANDBOX_BIND".to_owned(), format!("127.0.0.1:{}", child_process::free_port())),
    ];
    all.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    (all, home)
}

fn start(settings: &[(String, String)]) -> Process {
    let pairs: Vec<(&str, &str)> =
        settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Process::start(PORTICO, &[], &pairs)
}

async fn the_main_job_on_an_empty_folder(more: &[(&str, &str)]) {
    let (settings, home) = settings(more);
    let mut portico = start(&settings);
    portico.answers_at(&format!("{}/readyz", home.replace("localhost", "127.0.0.1"))).await;
    let said = portico.line_with("Sign in as").await;
    let (email, password) = said.split_once("as").unwrap().1.split_once('/').expect("address and password");
    let sandbox = portico.line_with("Stripe sandbox").await.split_whitespace().last().unwrap().to_owned();
    let owner = Person::visiting(&Site::behind(&home.replace("localhost", "127.0.0.1"), &home));

    owner
        .post("/sign-in")
        .field("email", email.trim())
        .field("password", password.trim())
        .await
        .assert_redirects_to("/account");
    owner.get("/account").await.assert_status(200).assert_says("Manage billing").assert_says("Trial until");
    let sent = owner.post("/orgs/acme/billing/portal").await;

    sent.assert_redirects_to(&sandbox);
    let portal = sent.location().strip_prefix(&sandbox).unwrap();
    let way_back = format!("{home}/orgs/acme/billing/return");
    let at_stripe = Person::visiting(&Site::at(&sandbox));
    let opened = at_stripe.get(portal).await;
    at_stripe.follow(&opened).await.assert_status(200).assert_says(&way_back);
    owner.get("/orgs/acme/billing/return").await.assert_redirects_to("/orgs/acme/billing");
    let secret = portal.rsplit('/').next().unwrap();
    assert!(!portico.output().contains(secret), "the portal's address is never logged");
    assert!(
        !portico.output().contains(password.trim()) || portico.output().matches(password.trim()).count() == 1
    );
    portico.terminate();
    assert!(portico.ended().await.success(), "{}", portico.output());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_folder_and_one_command_are_enough() {
    the_main_job_on_an_empty_folder(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_program_does_it_on_postgres() {
    let Some(url) = postgres::fresh_database_of_a_plain_owner_or_skip("the same program").await else {
        return;
    };
    the_main_job_on_an_empty_folder(&[("DATABASE_URL", &url)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_an_untouched_clone_stripe_verify_finds_nothing_wrong() {
    let (settings, _) = settings(&[]);
    let mut portico = start(&settings);
    portico.line_with("Sign in as").await;

    let pairs: Vec<(&str, &str)> =
        settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut verify = Process::start(PORTICO, &["stripe", "verify"], &pairs);

    assert!(verify.ended().await.success(), "{}", verify.output());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_start_keeps_people_and_their_logins() {
    let (settings, home) = settings(&[]);
    let (mut portico, address) = (start(&settings), home.replace("localhost", "127.0.0.1"));
    portico.line_with("Sign in as").await;
    portico.answers_at(&address).await;
    let owner = Person::visiting(&Site::behind(&address, &home));
    let form = [("email", "demo@example.com"), ("password", product::demo::PASSWORD)];
    owner.post("/sign-in").fields(&form).await.assert_redirects_to("/account");
    let folder = portico.stop();

    let pairs: Vec<(&str, &str)> =
        settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut portico = Process::start_in(folder, PORTICO, &[], &pairs);
    portico.line_with("Sign in as").await;
    portico.answers_at(&address).await;

    owner.get("/account").await.assert_status(200).assert_says("Trial until");
    assert!(
        !owner.post("/orgs/acme/billing/portal").await.header_text("location").is_empty(),
        "the sandbox kept its customer too"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_programs_may_start_at_once_on_one_new_database() {
    let Some(url) = postgres::fresh_database_or_skip("two programs").await else { return };
    let (one, _) = settings(&[("DATABASE_URL", &url)]);
    let (two, _) = settings(&[("DATABASE_URL", &url)]);

    let (mut one, mut two) = (start(&one), start(&two));

    one.line_with("Sign in as").await;
    two.line_with("Sign in as").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_start_names_every_setting_and_ends_with_an_error() {
    let bad = [("APP_ENV", "production"), ("ARGON2_TIME", "0"), ("BIND", "here")];
    let mut portico = Process::start(PORTICO, &[], &bad);

    let ended = portico.ended().await;

    assert!(!ended.success());
    for name in ["APP_SECRET", "PUBLIC_URL", "STRIPE_SECRET_KEY", "ARGON2", "BIND"] {
        assert!(portico.output().contains(name), "{name}: {}", portico.output());
    }
}

/// Whoever starts it with the wrong key reads so before the first customer does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_prices_under_a_test_key_are_said_at_every_start() {
    let page = |live: bool| {
        let data = format!(r#"[{{"id":"x_1","livemode":{live},"product":"prod_1"}}]"#);
        format!(r#"{{"object":"list","data":{data},"has_more":false}}"#)
    };
    for (live, said) in [(true, "live and test are mixed up"), (false, "are of one mode")] {
        let stripe = Stub::answering([Reply::http("200 OK", &[], &page(live))]);
        let base = stripe.url();
        let at = [
            ("STRIPE_API_BASE", base.as_str()),
            ("STRIPE_SECRET_KEY", "sk_test_123"),
            ("STRIPE_WEBHOOK_SECRETS", "whsec_0123456789abcdef"),
        ];
        let (settings, home) = settings(&at);
        let mut portico = start(&settings);

        portico.answers_at(&format!("{}/readyz", home.replace("localhost", "127.0.0.1"))).await;

        portico.line_with(said).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_address_is_said_in_one_line() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut portico = Process::start(PORTICO, &[], &[("BIND", &address)]);

    assert!(!portico.ended().await.success());
    assert!(portico.output().contains(&format!("BIND {address}")), "{}", portico.output());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sandbox_stands_alone() {
    let bind = format!("127.0.0.1:{}", child_process::free_port());
    let settings = [("SANDBOX_BIND", bind.as_str()), ("SANDBOX_DATA", ":memory:")];
    let mut sandbox = Process::start(PORTICO, &["sandbox"], &settings);
    sandbox.answers_at(&format!("http://{bind}/")).await;

    let client = Person::visiting(&Site::at(&format!("http://{bind}")));
    let started = Instant::now();
    let made = client
        .post("/v1/customers")
        .header("authorization", "Bearer sk_test_123")
        .field("name", "Acme")
        .await;

    assert_eq!(made.assert_status(200).json()["object"], "customer");
    assert!(started.elapsed() < Duration::from_secs(5));
}
