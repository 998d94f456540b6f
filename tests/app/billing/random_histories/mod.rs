//! Random histories: whatever customers do, whatever goes wrong on the way and whenever workers die,
//! after one reconcile the billing state is what Stripe holds, and everything was said once.
//!
//! A seed is one history of two organisations. `PORTICO_SEED=n` runs one again, alone and with its
//! steps printed; `PORTICO_SEQUENCES=n` runs so many on each engine (CI: 2,000 and 200). Seeds that failed stay in
//! `failed.seeds` and are run first.
#![expect(clippy::print_stderr, reason = "a seed that failed is said at once, and how long all of them took")]
mod expectations;
mod steps;

pub use steps::Chance;

use crate::{
    billing_app::{BillingApp, DAY},
    support::{
        child_process,
        http::{Person, Site},
    },
    test_app::{Org, TestApp},
};
use hyper::Method;
use product::billing;
use serde_json::{Value, json};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use steps::{Step, steps};

/// Histories that one product and one sandbox live through, one after another.
const HISTORIES_PER_APP: usize = 10;
/// Products at once: most of the time somebody waits for a delivery.
const APPS: usize = 6;
/// Stripe's list of events goes back so far (see billing/reconcile.rs), less a day.
const LISTED: i64 = 29 * DAY;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_histories_converge_on_sqlite() {
    let here = tokio::task::LocalSet::new();
    here.run_until(histories(most(2_000, 150), async |name| Some(TestApp::sqlite(&name).await))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_histories_converge_on_postgres() {
    let here = tokio::task::LocalSet::new();
    here.run_until(histories(most(200, 30), async |name| TestApp::postgres(&name).await)).await;
}

/// As many as asked for; else all in CI, where everything is required, and some where somebody waits.
fn most(in_ci: usize, otherwise: usize) -> usize {
    let usual = if child_process::setting("PORTICO_REQUIRE_ALL").is_some() { in_ci } else { otherwise };
    child_process::setting("PORTICO_SEQUENCES").and_then(|n| n.parse().ok()).unwrap_or(usual)
}

/// All of them, some products at a time; fails with every seed that failed and what it found.
async fn histories(most: usize, app: impl AsyncFn(String) -> Option<TestApp>) {
    let again: Option<u64> = child_process::setting("PORTICO_SEED").and_then(|n| n.parse().ok());
    let seeds = match again {
        Some(seed) => vec![seed],
        None => kept_seeds().into_iter().chain(1..=most as u64).collect(),
    };
    let begun = Instant::now();
    let (lived, failed): (Arc<AtomicUsize>, Arc<Mutex<Vec<String>>>) = Default::default();
    let mut running = tokio::task::JoinSet::new();
    for (n, some) in seeds.chunks(HISTORIES_PER_APP).enumerate() {
        if running.len() == APPS {
            running.join_next().await.unwrap().unwrap();
        }
        if failed.lock().unwrap().len() > 5 {
            break;
        }
        let Some(app) = app(format!("history {n}")).await else { return };
        let (some, failed, lived) = (some.to_vec(), failed.clone(), lived.clone());
        running.spawn_local(async move {
            let mut product = HistoryApp::of(app).await;
            for seed in some {
                let found = product.live(seed, again.is_some()).await;
                lived.fetch_add(1, Ordering::Relaxed);
                if !found.is_empty() {
                    let steps = steps(seed);
                    let told = format!("seed {seed}: {steps:?}\n{}", found.join("\n"));
                    eprintln!("{told}");
                    failed.lock().unwrap().push(told);
                    return; // what went wrong may be in the way of the next
                }
            }
        });
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
    eprintln!("{} histories in {:.0?}", lived.load(Ordering::Relaxed), begun.elapsed());
    let failed = failed.lock().unwrap();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

fn kept_seeds() -> Vec<u64> {
    let lines = include_str!("failed.seeds").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect()
}

struct HistoryApp {
    it: BillingApp,
    owner: Org,
    dashboard: Person,
    /// Seconds by which the sandbox's clock was moved since the last full look.
    moved: i64,
}

impl HistoryApp {
    async fn of(app: TestApp) -> Self {
        let mut it = BillingApp::without_worker(app).await;
        it.start_worker();
        it.reconcile().await; // as a product does when it starts: from now on nothing is missed
        let owner = it.org("owner").await;
        it.app.signs_up("billing@owner.test").await;
        let dashboard = Person::visiting(&Site::at(&it.app.stripe));
        Self { it, owner, dashboard, moved: 0 }
    }

    /// One history; what is wrong at its end.
    async fn live(&mut self, seed: u64, aloud: bool) -> Vec<String> {
        let slugs = [self.organisation(seed, "a").await, self.organisation(seed, "b").await];
        let mut found = Vec::new();
        for step in steps(seed) {
            if aloud {
                eprintln!("{step:?}");
            }
            found.extend(self.take(&step, &slugs).await.map(|said| format!("{step:?}: {said}")));
        }
        found.extend(self.make_peace(&slugs).await);
        for slug in &slugs {
            found.extend(self.look(slug).await);
        }
        // Who is gone has no renewals that the next history would have to wait for.
        for slug in &slugs {
            if let Some(customer) = self.customer(slug).await {
                self.delete(&customer).await;
            }
        }
        found
    }

    async fn organisation(&mut self, seed: u64, which: &str) -> String {
        let name = format!("h{seed}{which}");
        let made = self.owner.owner.post("/orgs").field("name", &name).await;
        let slug = made.location().strip_prefix("/orgs/").expect("made").to_owned();
        let member = format!(
            "insert into members (org_id, user_id, role, created_at) select o.id, u.id, 'billing', o.created_at
             from orgs o, users u where o.slug = '{slug}' and u.email = 'billing@owner.test'"
        );
        assert_eq!(self.it.app.run(&member).await, 1);
        slug
    }

    async fn customer(&self, slug: &str) -> Option<String> {
        let query = format!(
            "select c.customer_id from billing_customers c join orgs o on o.id = c.org_id where o.slug = '{slug}'"
        );
        self.it.app.texts(&query).await.pop()
    }

    async fn delete(&self, customer: &str) {
        // A fault is meant for the product, not for us.
        self.it.ask(Method::DELETE, "/faults", json!({})).await;
        let gone = self.dashboard.ask(Method::DELETE, &format!("/v1/customers/{customer}"));
        gone.header("authorization", "Bearer sk_test_123").await;
    }

    /// Does it, or has it refused; what must never be the answer.
    async fn take(&mut self, step: &Step, slugs: &[String; 2]) -> Option<String> {
        let owner = &self.owner.owner;
        let answer = match step {
            Step::Buy(org, plan, interval) => {
                let form = [("plan", *plan), ("interval", *interval)];
                owner.post(&format!("/orgs/{}/billing/checkout", slugs[*org])).fields(&form).await
            }
            Step::OpenPortal(org) => owner.post(&format!("/orgs/{}/billing/portal", slugs[*org])).await,
            Step::SyncNow(org) => owner.post(&format!("/orgs/{}/billing/sync", slugs[*org])).await,
            Step::ComeBack(org) => {
                let session = self.sessions(&slugs[*org]).await.pop()?;
                owner.get(&format!("/orgs/{}/billing/return?session_id={session}", slugs[*org])).await
            }
            _ => {
                self.elsewhere(step, slugs).await;
                return None;
            }
        };
        (answer.status.as_u16() == 500).then(|| format!("500: {}", answer.text()))
    }

    /// What happens elsewhere than at our pages.
    async fn elsewhere(&mut self, step: &Step, slugs: &[String; 2]) {
        match step {
            Step::Pay(org, back, card) => {
                let (slug, body) = (&slugs[*org], json!({ "card": card }));
                let session = self.sessions(slug).await.into_iter().rev().nth(*back);
                self.act(slug, "complete_checkout", json!({ "session": session, "card": body["card"] }))
                    .await;
            }
            Step::Act(org, action, more) => self.act(&slugs[*org], action, more.clone()).await,
            Step::Delete(org) => {
                if let Some(customer) = self.customer(&slugs[*org]).await {
                    self.delete(&customer).await;
                }
            }
            Step::Foreign(org) => self.subscribe_to_another_product(&slugs[*org]).await,
            Step::Coupon(org, percent) => self.give_a_coupon(&slugs[*org], *percent).await,
            Step::Balance(org, amount) => {
                if let Some(customer) = self.customer(&slugs[*org]).await {
                    let path = format!("/v1/customers/{customer}");
                    self.try_at_stripe(&path, &[("balance", &amount.to_string())]).await;
                }
            }
            Step::Hours(hours) => {
                self.it.advance(hours * 3600).await;
                self.moved += hours * 3600;
            }
            Step::Fault(fault) => drop(self.it.control("/faults", fault.clone()).await),
            Step::FaultsEnd => drop(self.it.ask(Method::DELETE, "/faults", json!({})).await),
            Step::Deliveries(how) => self.it.deliver(how.clone()).await,
            Step::Reconcile => drop(billing::reconcile(&self.it.app.app).await),
            Step::Resend => {
                let newest = "select id from stripe_events order by received_at desc, id desc limit 1";
                if let Some(event) = self.it.app.texts(newest).await.pop() {
                    self.it
                        .ask(Method::POST, &format!("/events/{event}/resend"), json!({ "times": 2 }))
                        .await;
                }
            }
            Step::KillWorkers => {
                self.it.stop_workers();
                self.it.start_worker();
                self.it.hurry().await;
            }
            Step::OneMoreWorker => self.it.start_worker(),
            _ => unreachable!("a page of ours"),
        }
    }

    async fn act(&self, slug: &str, action: &str, more: Value) {
        if let Some(customer) = self.customer(slug).await {
            self.it.try_act(&customer, action, more).await;
        }
    }

    /// As somebody in the Dashboard would; refusals are no matter.
    async fn try_at_stripe(&self, path: &str, fields: &[(&str, &str)]) -> Value {
        let wrote = self
            .dashboard
            .post(path)
            .fields(fields)
            .header("authorization", "Bearer sk_test_dashboard")
            .await;
        serde_json::from_str(&wrote.text()).unwrap_or_default()
    }

    async fn subscribe_to_another_product(&self, slug: &str) {
        let Some(customer) = self.customer(slug).await else { return };
        let product = self.try_at_stripe("/v1/products", &[("name", "Support package")]).await;
        let price = [
            ("currency", "usd"),
            ("unit_amount", "900"),
            ("recurring[interval]", "month"),
            ("product", product["id"].as_str().unwrap_or_default()),
        ];
        let price = self.try_at_stripe("/v1/prices", &price).await;
        let price = price["id"].as_str().unwrap_or_default();
        self.try_at_stripe("/v1/subscriptions", &[("customer", &customer), ("items[0][price]", price)]).await;
    }

    async fn give_a_coupon(&self, slug: &str, percent: u64) {
        let Some(sub) = self.it.billing_state(slug).await["subscription"].as_str().map(str::to_owned) else {
            return;
        };
        let coupon = [("percent_off", &*percent.to_string()), ("duration", "forever")];
        let coupon = self.try_at_stripe("/v1/coupons", &coupon).await;
        let coupon = coupon["id"].as_str().unwrap_or_default();
        self.try_at_stripe(&format!("/v1/subscriptions/{sub}"), &[("discounts[0][coupon]", coupon)]).await;
    }

    /// Those whose address we gave to somebody, oldest first.
    async fn sessions(&self, slug: &str) -> Vec<String> {
        self.details(slug, "billing.checkout_started")
            .await
            .iter()
            .filter_map(|detail| Some(detail["session"].as_str()?.to_owned()))
            .collect()
    }

    /// Nothing goes wrong any more; one reconcile, and everything settles.
    async fn make_peace(&mut self, slugs: &[String; 2]) -> Option<String> {
        self.it.ask(Method::DELETE, "/faults", json!({})).await;
        self.it.deliver(json!({})).await;
        let begun = Instant::now();
        // While Stripe is left alone for a while nothing can be asked; jobs would use up their tries.
        while let Err(error) = billing::reconcile(&self.it.app.app).await {
            if begun.elapsed() > Duration::from_secs(30) {
                return Some(format!("no reconcile: {error}"));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        self.it.hurry().await;
        self.it.control("/delivery/flush", json!({})).await;
        if self.moved > LISTED {
            for slug in slugs {
                if let Err(error) = billing::sync_by_hand(&self.it.app.app, Some(slug)).await {
                    return Some(format!("no full look: {error}"));
                }
            }
        }
        self.moved = 0;
        let begun = Instant::now();
        loop {
            let waiting = "select key || ' tries ' || tries || ' ' || coalesce(error, '') from jobs where key not in ('reconcile', 'full-pass', 'tidy')";
            let events = "select id from stripe_events where state in ('pending', 'dead')";
            let waiting = [self.it.app.texts(waiting).await, self.it.app.texts(events).await].concat();
            if waiting.is_empty() {
                return None;
            }
            if begun.elapsed() > Duration::from_secs(20) {
                return Some(format!("not settled: {waiting:?}"));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
