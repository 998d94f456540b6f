//! The real program under pressure: a log that nobody reads, forged webhooks, a second signal.
use crate::support::{
    child_process,
    http::{Person, Site},
    process::Process,
    temp::TempDir,
};
use serde_json::json;
use sqlx::Connection;
use std::{
    io::Read,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const PORTICO: &str = crate::support::process::PROGRAM;

/// Settings that keep one test's program out of another's way, and the address it serves at.
fn settings() -> ([(&'static str, String); 4], String) {
    let address = format!("127.0.0.1:{}", child_process::free_port());
    let port = || format!("127.0.0.1:{}", child_process::free_port());
    let home = format!("http://{address}");
    (
        [("BIND", address.clone()), ("PUBLIC_URL", home), ("OPS_BIND", port()), ("SANDBOX_BIND", port())],
        address,
    )
}

async fn started() -> (Process, String) {
    let (settings, address) = settings();
    let pairs: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut portico = Process::start(PORTICO, &[], &pairs);
    portico.line_with("Sign in as").await;
    portico.answers_at(&format!("http://{address}/readyz")).await;
    (portico, address)
}

async fn signed_in(address: &str, email: &str) -> Person {
    let person = Person::visiting(&Site::at(&format!("http://{address}")));
    let form = [("email", email), ("password", "portico demo password")];
    person.post("/sign-in").fields(&form).await.assert_redirects_to("/account");
    person
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_logged_with_who_what_and_why() {
    let (mut portico, address) = started().await;
    let mira = signed_in(&address, "member@example.com").await;

    mira.get("/orgs/somebody-elses").await.assert_status(404);
    mira.post("/orgs/acme/settings").field("name", "Mine").await.assert_status(403);

    for (event, what) in [("somebody-elses", "not a member of it"), ("needed=\"Admin\"", "member")] {
        let line = portico.line_with(event).await;
        assert!(line.contains("authz_fail") && line.contains(what) && line.contains("user="), "{line}");
    }
    assert!(portico.line_with("needed=").await.contains("org="), "{}", portico.output());
}

/// Tells the embedded sandbox something by its control API.
async fn tell_sandbox(portico: &mut Process, path: &str, body: serde_json::Value) {
    let sandbox = portico.line_with("Stripe sandbox").await.split_whitespace().last().unwrap().to_owned();
    let stripe = Person::visiting(&Site::at(&sandbox));
    let told = stripe.post(&format!("/_sandbox/api{path}")).body("application/json", body.to_string()).await;
    told.assert_status(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_fails_is_logged_with_its_organisation() {
    let (mut portico, _) = started().await;
    let fault = json!({ "method": "GET", "path": "/v1/*", "kind": "truncated", "times": 50 });
    tell_sandbox(&mut portico, "/faults", fault).await;

    tell_sandbox(&mut portico, "/clock/advance", json!({ "to": "trial_end" })).await;

    let line = portico.line_with("job failed").await;
    assert!(line.contains("org=") && line.contains("customer:cus_"), "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_waits_for_a_click_at_stripe_whose_client_hung_up() {
    let (mut portico, address) = started().await;
    let olivia = signed_in(&address, "demo@example.com").await;
    let fault = json!({ "path": "/v1/billing_portal/sessions", "kind": "close_before", "times": 2 });
    tell_sandbox(&mut portico, "/faults", fault).await; // each is half a second until the next try

    let click =
        tokio::time::timeout(Duration::from_millis(300), olivia.post("/orgs/acme/billing/portal")).await;
    assert!(click.is_err(), "she waits, and closes the tab");
    portico.terminate();

    assert!(portico.ended().await.success(), "{}", portico.output());
    let file = format!("sqlite://{}", portico.folder().join("data").join("portico.db").display());
    let mut database = sqlx::SqliteConnection::connect(&file).await.unwrap();
    let opened = "select count(*) from audit_events where action = 'billing.portal_opened'";
    let opened: i64 = sqlx::query_scalar(opened).fetch_one(&mut database).await.unwrap();
    assert_eq!(opened, 1, "{}", portico.output());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_forged_webhooks_are_one_line() {
    let (portico, address) = started().await;
    let forger = Person::visiting(&Site::at(&format!("http://{address}")));

    for n in 0..100 {
        let forged = format!("t={n},v1={}", "0".repeat(64));
        let post = forger.post("/webhooks/stripe").body("application/json", "{}");
        post.header("stripe-signature", &forged).await.assert_status(400);
    }

    let is_about_it = |line: &&str| line.contains("rejected") || line.contains("status=400");
    assert_eq!(portico.output().lines().filter(is_about_it).count(), 1, "{}", portico.output());
}

/// Kills what it holds.
struct Mute(Child, #[expect(dead_code, reason = "removed when it is dropped")] TempDir);

impl Drop for Mute {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_nobody_reads_or_that_is_closed_fails_no_request() {
    let (settings, address) = settings();
    let folder = TempDir::new();
    let mut command = Command::new(PORTICO);
    command.env_clear().envs(settings.iter().map(|(name, value)| (*name, value.as_str())));
    command.current_dir(folder.path()).stdin(Stdio::null()).stderr(Stdio::null()).stdout(Stdio::piped());
    let mut portico = Mute(command.spawn().unwrap(), folder);
    let began = Instant::now();
    while !crate::support::http::answers(&format!("http://{address}/readyz")).await {
        assert!(began.elapsed() < Duration::from_secs(60), "it never answers");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let visitor = Person::visiting(&Site::at(&format!("http://{address}")));

    // A line each; the pipe holds 64 KiB.
    for _ in 0..800 {
        visitor.get("/terms").await.assert_status(200);
    }
    let mut pipe = portico.0.stdout.take().unwrap();
    let mut some = [0; 4096];
    assert!(pipe.read(&mut some).unwrap() > 0);
    drop(pipe);
    for _ in 0..50 {
        visitor.get("/terms").await.assert_status(200);
    }
    assert!(portico.0.try_wait().unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_signal_waits_for_a_request_and_the_second_does_not() {
    let (mut portico, address) = started().await;
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /sign-in HTTP/1.1\r\nHost: {address}\r\nContent-Length: 99\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\nemail="
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;

    portico.terminate();
    portico.line_with("stopping").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let told_again = Instant::now();
    portico.terminate();

    assert!(!portico.ended().await.success(), "{}", portico.output());
    assert!(told_again.elapsed() < Duration::from_secs(2), "{:?}", told_again.elapsed());
}

/// Resident memory in KiB.
#[cfg(target_os = "linux")]
fn memory(portico: &Process) -> i64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", portico.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_forged_bodies_cost_no_memory_that_stays() {
    let (portico, address) = started().await;
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    for header in [String::new(), format!("Stripe-Signature: t={now},v1={}\r\n", "0".repeat(64))] {
        let before = memory(&portico);

        let flood: Vec<_> = (0..150).map(|_| tokio::spawn(forge(address.clone(), header.clone()))).collect();
        let mut highest = 0;
        while flood.iter().any(|one| !one.is_finished()) {
            highest = highest.max(memory(&portico));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;

        let (most, stays) = (highest - before, memory(&portico) - before);
        assert!(most < 40 * 1024 && stays < 12 * 1024, "{header:?}: {most} KiB at most, {stays} KiB stay");
    }
}

/// Just under a mebibyte.
async fn forge(address: String, header: String) {
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /webhooks/stripe HTTP/1.1\r\nHost: {address}\r\nContent-Length: 1048000\r\n{header}\r\n"
    );
    let mut bytes = head.into_bytes();
    bytes.resize(bytes.len() + 1_048_000, b' ');
    stream.write_all(&bytes).await.ok();
    tokio::time::timeout(Duration::from_secs(20), stream.read(&mut [0; 1024])).await.ok();
}
