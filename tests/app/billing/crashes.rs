//! The real program, killed again and again while Stripe sends: what it acknowledged it keeps, and
//! settles once.
#![expect(clippy::print_stderr, reason = "figures for whoever runs it alone")]
use super::random_histories::Chance;
use crate::{
    support::{
        child_process,
        http::{Person, Site},
        postgres::fresh_database_of_a_plain_owner_or_skip,
        process::Process,
        temp::TempDir,
    },
    test_app::{sign_up_form, start_sandbox},
    webhook_deliveries::signature,
};
use http_body_util::Full;
use hyper::{Request, StatusCode, body::Bytes};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};
use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

const PORTICO: &str = crate::support::process::PROGRAM;

const SECRET: &str = "whsec_of_the_one_who_is_killed";

const KILLS: usize = 50;

const SENDERS: usize = 16;

const CUSTOMERS: usize = 8;

/// Past this the test has failed, whatever it waits for.
const LIMIT: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_kills_lose_nothing_and_apply_nothing_twice() {
    let folder = TempDir::new();
    let url = format!("sqlite://{}", folder.join("portico.db").display());
    tokio::time::timeout(LIMIT, killed_while_stripe_sends(&url, setting("PORTICO_EVENTS", 10_000)))
        .await
        .expect("it ends in time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_kills_lose_nothing_on_postgres() {
    let Some(url) = fresh_database_of_a_plain_owner_or_skip("fifty kills").await else { return };
    tokio::time::timeout(LIMIT, killed_while_stripe_sends(&url, setting("PORTICO_EVENTS_POSTGRES", 2_000)))
        .await
        .expect("it ends in time");
}

fn setting(name: &str, otherwise: usize) -> usize {
    child_process::setting(name).and_then(|n| n.parse().ok()).unwrap_or(otherwise)
}

async fn killed_while_stripe_sends(database: &str, events: usize) {
    let settings = settings(database, &start_sandbox().await);
    let home = settings["PUBLIC_URL"].clone();
    let mut portico = start(&settings, &["serve"]).await;
    let customers = customers(&home, &settings["STRIPE_API_BASE"]).await;
    let seed = setting("PORTICO_SEED", 7) as u64;
    let post = Arc::new(Post::of(seed, events, &customers, &home));
    let (mut chance, mut kills) = (Chance::seeded(seed), 0);
    let begun = Instant::now();
    let each = post.left() / (KILLS + 2);

    while post.left() > 0 {
        // So many more are acknowledged, and then the plug is pulled in the middle of the others.
        let until = match kills < KILLS {
            true => post.acknowledgements() + each / 2 + chance.below(each as u64) as usize,
            false => usize::MAX,
        };
        let senders: Vec<_> = (0..SENDERS).map(|_| tokio::spawn(post.clone().send(until))).collect();
        while post.acknowledgements() < until && post.left() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if kills < KILLS {
            tokio::time::sleep(Duration::from_micros(chance.below(4_000))).await;
            portico.kill();
            kills += 1;
            portico = start(&settings, &["serve"]).await;
        }
        for sender in senders {
            sender.await.unwrap();
        }
    }

    let sent = begun.elapsed();
    let rows = settled(&settings).await;
    let acknowledged = post.acknowledged.lock().unwrap().clone();
    eprintln!(
        "{events} events, {} deliveries acknowledged, {kills} kills: sent in {sent:.0?}, settled after {:.0?}",
        post.acknowledgements(),
        begun.elapsed()
    );
    assert_eq!(acknowledged.len(), events, "every one is acknowledged in the end");
    assert!(kills >= KILLS, "{kills}");
    for id in &acknowledged {
        let row = rows.get(id).unwrap_or_else(|| panic!("{id} was acknowledged and is lost (seed {seed})"));
        assert_eq!((&row["state"], &row["applied"]), (&json!("done"), &json!(1)), "seed {seed}: {row}");
    }
    portico.kill();
}

fn settings(database: &str, stripe: &str) -> HashMap<&'static str, String> {
    let address = || format!("127.0.0.1:{}", child_process::free_port());
    let bind = address();
    HashMap::from([
        ("DATABASE_URL", database.to_owned()),
        ("PUBLIC_URL", format!("http://{bind}")),
        ("BIND", bind),
        ("OPS_BIND", address()),
        ("APP_SECRET", "a secret that only tests use and long enough".into()),
        ("STRIPE_SECRET_KEY", "sk_test_123".into()),
        ("STRIPE_API_BASE", stripe.into()),
        ("STRIPE_WEBHOOK_SECRETS", SECRET.into()),
        ("RATE_LIMITS", "off".into()),
        ("LOG", "error".into()),
    ])
}

async fn start(settings: &HashMap<&'static str, String>, arguments: &[&str]) -> Process {
    let pairs: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut process = Process::start(PORTICO, arguments, &pairs);
    if arguments == ["serve"] {
        process.answers_at(&format!("{}/healthz", settings["PUBLIC_URL"])).await;
    }
    process
}

/// Organisations with a customer each, made as people make them.
async fn customers(home: &str, stripe: &str) -> Vec<String> {
    let owner = Person::visiting(&Site::at(home));
    owner.post("/sign-up").fields(&sign_up_form("Olivia", "olivia@acme.test", "Acme 0")).await;
    for n in 0..CUSTOMERS {
        if n > 0 {
            owner.post("/orgs").field("name", &format!("Acme {n}")).await.assert_redirects_to("/orgs/");
        }
        owner.post(&format!("/orgs/acme-{n}/billing/portal")).await.assert_redirects_to(stripe);
    }
    let client = Person::visiting(&Site::at(stripe));
    let held =
        client.get("/v1/customers?limit=100").header("authorization", "Bearer sk_test_123").await.json();
    let ids: Vec<String> =
        held["data"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), CUSTOMERS);
    ids
}

/// What is to be sent, shuffled and some of it twice or three times, and what was acknowledged.
struct Post {
    client: Client<HttpConnector, Full<Bytes>>,
    url: String,
    waiting: Mutex<Vec<(String, String)>>,
    under_way: AtomicUsize,
    answered: AtomicUsize,
    acknowledged: Mutex<HashSet<String>>,
}

impl Post {
    fn of(seed: u64, events: usize, customers: &[String], home: &str) -> Self {
        let mut chance = Chance::seeded(seed ^ 0x5eed);
        let mut waiting = Vec::new();
        for n in 0..events {
            let id = format!("evt_kill{n:06}");
            let customer = &customers[chance.below(customers.len() as u64) as usize];
            let kind = ["customer.subscription.updated", "invoice.paid", "customer.updated"][n % 3];
            let object = json!({ "id": format!("in_{n}"), "object": "invoice", "customer": customer });
            let event = json!({ "id": id, "object": "event", "type": kind, "created": 1_800_000_000 + n, "livemode": false,
                "api_version": "2026-09-30.endive", "data": { "object": object } });
            let copies = [1, 1, 1, 1, 1, 1, 2, 2, 2, 3][chance.below(10) as usize];
            waiting.extend((0..copies).map(|_| (id.clone(), event.to_string())));
        }
        for n in (1..waiting.len()).rev() {
            waiting.swap(n, chance.below(n as u64 + 1) as usize);
        }
        Self {
            client: Client::builder(TokioExecutor::new()).build(HttpConnector::new()),
            url: format!("{home}/webhooks/stripe"),
            waiting: Mutex::new(waiting),
            under_way: AtomicUsize::default(),
            answered: AtomicUsize::default(),
            acknowledged: Mutex::default(),
        }
    }

    fn left(&self) -> usize {
        self.waiting.lock().unwrap().len() + self.under_way.load(Ordering::SeqCst)
    }

    fn acknowledgements(&self) -> usize {
        self.answered.load(Ordering::SeqCst)
    }

    fn take(&self) -> Option<(String, String)> {
        let mut waiting = self.waiting.lock().unwrap();
        let taken = waiting.pop();
        self.under_way.fetch_add(usize::from(taken.is_some()), Ordering::SeqCst);
        taken
    }

    /// One sender: until nothing is left, a delivery fails, or enough are acknowledged and the
    /// process is about to be gone anyway.
    async fn send(self: Arc<Self>, until: usize) {
        while let Some((id, body)) = self.take() {
            let request = Request::post(&self.url).header("stripe-signature", signed(&body));
            let request = request.body(Full::from(body.clone())).unwrap();
            let asked = tokio::time::timeout(Duration::from_secs(10), self.client.request(request));
            let status = asked.await.ok().and_then(Result::ok).map(|answer| answer.status());
            match status {
                Some(StatusCode::OK) => {
                    self.acknowledged.lock().unwrap().insert(id);
                    self.answered.fetch_add(1, Ordering::SeqCst);
                }
                // Again, as Stripe does, and not next.
                _ => self.waiting.lock().unwrap().insert(0, (id, body)),
            }
            self.under_way.fetch_sub(1, Ordering::SeqCst);
            if status.is_none() && until != usize::MAX {
                return;
            }
        }
    }
}

fn signed(body: &str) -> String {
    signature(SECRET, product::clock::Clock::default().now().unix(), body)
}

/// The inbox as the command line prints it, once nothing in it waits.
async fn settled(settings: &HashMap<&'static str, String>) -> HashMap<String, Value> {
    loop {
        let mut listed = start(settings, &["stripe", "events", "--json"]).await;
        assert!(listed.ended().await.success(), "{}", listed.output());
        let rows = listed.output();
        let rows: Vec<Value> = rows.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        if rows.iter().all(|row| row["state"] != "pending") {
            return rows.into_iter().map(|row| (row["id"].as_str().unwrap().to_owned(), row)).collect();
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
