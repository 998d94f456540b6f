//! The queue: what happens when workers are slow, or several.
use crate::test_app::TestApp;
use product::{
    App,
    error::Error,
    jobs::{self, Done, Job, Try},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;

const JOB: &str = "select key from jobs where key = 'customer:cus_1'";

async fn asks(app: &TestApp, at: time::Duration) {
    let at = app.app.clock.now() + at;
    jobs::enqueue(&app.app.db, &Job::Customer("cus_1".into()), at).await.unwrap();
    app.app.work_arrived.notify_waiters();
}

async fn until(what: &str, there: impl AsyncFn() -> bool) {
    for _ in 0..500 {
        if there().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}");
}

/// So many jobs are found by the query, at last.
async fn found(app: &TestApp, query: &str, expected: usize) {
    until(query, async || app.texts(query).await.len() == expected).await;
}

/// Workers whose first piece of work ends when it is told to, and every other at once.
fn begin_work(app: &App, gate: Arc<Notify>) -> (tokio::task::JoinHandle<()>, Arc<AtomicUsize>) {
    let begun = Arc::new(AtomicUsize::new(0));
    let counted = begun.clone();
    let work = move |_: App, _: Try| {
        let (gate, first) = (gate.clone(), counted.fetch_add(1, Ordering::SeqCst) == 0);
        async move {
            if first {
                gate.notified().await;
            }
            Ok(Done::Finished)
        }
    };
    (tokio::spawn(jobs::run(app.clone(), work)), begun)
}

async fn begun(app: &TestApp, count: &AtomicUsize, expected: usize) {
    let there = async || {
        app.app.work_arrived.notify_waiters();
        count.load(Ordering::SeqCst) == expected
    };
    until(&format!("begun {expected} times"), there).await;
}

#[portico_test]
async fn who_worked_on_past_a_lease_ends_nothing_that_was_asked_for_since(app: TestApp) {
    let gate = Arc::new(Notify::new());
    let (workers, count) = begin_work(&app.app, gate.clone());
    asks(&app, time::Duration::ZERO).await;
    begun(&app, &count, 1).await;
    // The machine stood still for longer than a lease; another worker has done it meanwhile.
    app.run("update jobs set leased_until = null where key = 'customer:cus_1'").await;
    begun(&app, &count, 2).await;
    found(&app, JOB, 0).await;
    // Then somebody asks for it anew, and the first one comes to its end.
    asks(&app, time::Duration::hours(1)).await;
    gate.notify_one();
    tokio::time::sleep(Duration::from_millis(300)).await;

    found(&app, JOB, 1).await;

    workers.abort();
}

#[portico_test]
async fn work_asked_for_while_it_is_under_way_is_done_once_more(app: TestApp) {
    let gate = Arc::new(Notify::new());
    let (workers, count) = begin_work(&app.app, gate.clone());
    asks(&app, time::Duration::ZERO).await;
    begun(&app, &count, 1).await;

    asks(&app, time::Duration::ZERO).await;
    asks(&app, time::Duration::ZERO).await;
    gate.notify_one();

    found(&app, JOB, 0).await;
    assert_eq!(count.load(Ordering::SeqCst), 2, "twice asked for is once more");
    workers.abort();
}

#[portico_test]
async fn what_fails_waits_longer_each_time_and_its_error_is_kept(app: TestApp) {
    let work = |_: App, _: Try| async { Err(Error::broken("Stripe is down")) };
    let workers = tokio::spawn(jobs::run(app.app.clone(), work));
    asks(&app, time::Duration::ZERO).await;

    found(&app, "select key from jobs where error like '%Stripe is down%' and tries = 1", 1).await;
    app.app.clock.advance(time::Duration::seconds(2));
    app.app.work_arrived.notify_waiters();

    found(&app, "select key from jobs where tries = 2 and leased_until is null and lease is null", 1).await;
    app.app.clock.advance(time::Duration::milliseconds(900));
    app.app.work_arrived.notify_waiters();
    tokio::time::sleep(Duration::from_millis(100)).await;
    found(&app, "select key from jobs where tries = 2", 1).await;
    workers.abort();
}

#[portico_test]
async fn a_stop_waits_for_a_job_that_ends_soon(app: TestApp) {
    let gate = Arc::new(Notify::new());
    let (workers, count) = begin_work(&app.app, gate.clone());
    asks(&app, time::Duration::ZERO).await;
    begun(&app, &count, 1).await;

    app.app.stopping.send_replace(true);
    gate.notify_one();
    workers.await.unwrap();

    assert_eq!(app.texts(JOB).await.len(), 0);
}

#[portico_test]
async fn a_job_that_a_stop_cuts_off_is_free_at_once_and_no_try_is_lost(app: TestApp) {
    let (workers, count) = begin_work(&app.app, Arc::default());
    asks(&app, time::Duration::ZERO).await;
    begun(&app, &count, 1).await;

    app.app.stopping.send_replace(true);
    workers.await.unwrap();

    let free =
        format!("{JOB} and leased_until is null and lease is null and tries = 0 and run_at is not null");
    assert_eq!(app.texts(&free).await.len(), 1);
}
