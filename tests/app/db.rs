//! What a person, Stripe and a balancer see when the database is squeezed, and when odd text arrives.
use crate::{
    support::{Answer, Person, child_process},
    test_app::{TestApp, sign_in_form},
    webhook_deliveries::{delivered, with_secret},
};
use product::db::Db;
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Value, json};
use std::{path::PathBuf, process::Command, time::Duration};

#[portico_test]
async fn an_outage_is_a_page_that_says_so_and_over_when_it_is_over(app: TestApp) {
    let Some((app, outage)) = Outage::of(app).await else { return };
    let acme = app.org("acme").await;
    outage.begin().await;

    // What the log of writes had room for already is still taken.
    let mut page = rename(&acme.owner).await;
    for _ in 0..500 {
        if page.status != 303 {
            break;
        }
        page = rename(&acme.owner).await;
    }
    let ready = app.visitor().get("/readyz").await;
    outage.end().await;

    assert_eq!(page.status, 503, "{}", page.text());
    assert!(page.header("retry-after").is_some());
    assert!(page.text().contains("We cannot reach our database"));
    ready.assert_status(503);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(rename(&acme.owner).await.status, 303);
    app.visitor().get("/readyz").await.assert_status(200);
}

async fn rename(owner: &Person) -> Answer {
    owner.post("/orgs/acme/settings").field("name", "Acme & Co").await
}

/// A small disk that fills up, or a database that lets nobody in.
enum Outage {
    Disk(PathBuf),
    Closed { database: String, admin: sqlx::PgPool },
}

impl Outage {
    async fn of(app: TestApp) -> Option<(TestApp, Outage)> {
        match &app.app.db {
            Db::Postgres { pool, .. } => {
                let database = pool.connect_options().get_database().unwrap().to_owned();
                let elsewhere = (*pool.connect_options()).clone().database("postgres");
                let admin = sqlx::PgPool::connect_with(elsewhere).await.unwrap();
                Some((app, Outage::Closed { database, admin }))
            }
            Db::Sqlite { .. } => {
                let folder =
                    std::env::temp_dir().join(format!("portico-disk-{}", child_process::random_hex()));
                std::fs::create_dir(&folder).unwrap();
                let mount = ["-t", "tmpfs", "-o", "size=3m", "tmpfs"];
                if !Command::new("mount").args(mount).arg(&folder).status().is_ok_and(|done| done.success()) {
                    std::fs::remove_dir(&folder).ok();
                    child_process::skip_or_fail("a small disk", "only root may mount one");
                    return None;
                }
                let url = format!("sqlite://{}", folder.join("portico.db").display());
                let there = app.restarted_with("DATABASE_URL", &url).await;
                Some((there, Outage::Disk(folder)))
            }
        }
    }

    async fn begin(&self) {
        match self {
            Outage::Disk(folder) => {
                let mut filler = std::fs::File::create(folder.join("filler")).unwrap();
                for size in [65_536, 1] {
                    while std::io::Write::write_all(&mut filler, &vec![0; size]).is_ok() {}
                }
            }
            Outage::Closed { database, admin } => {
                let close = format!("alter database {database} allow_connections false");
                sqlx::query(&close).execute(admin).await.unwrap();
                let end = "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = $1";
                sqlx::query(end).bind(database).execute(admin).await.unwrap();
            }
        }
    }

    async fn end(&self) {
        match self {
            Outage::Disk(folder) => std::fs::remove_file(folder.join("filler")).unwrap(),
            Outage::Closed { database, admin } => {
                let open = format!("alter database {database} allow_connections true");
                sqlx::query(&open).execute(admin).await.map(drop).unwrap();
            }
        }
    }
}

impl Drop for Outage {
    fn drop(&mut self) {
        if let Outage::Disk(folder) = self {
            Command::new("umount").arg("-l").arg(&*folder).status().ok();
            std::fs::remove_dir(folder).ok();
        }
    }
}

#[portico_test]
async fn whatever_is_signed_is_answered_for_good(app: TestApp) {
    let app = with_secret(&app).await;
    let mut runner = TestRunner::deterministic();
    let mut bodies: Vec<String> = (0..100)
        .map(|n| {
            let mut event = tree().new_tree(&mut runner).unwrap().current();
            event["id"] = json!(format!("evt_{n}"));
            event.to_string()
        })
        .collect();
    for odd in [
        r#""type":"a§b","created":1"#,
        r#""type":"¤","created":1"#,
        r#""type":"x","created":-377705116800"#,
        r#""type":"x","created":9223372036854775807"#,
        r#""type":"x","api_version":"§","created":1e300"#,
    ] {
        bodies.push(format!(r#"{{"id":"evt_odd_{}",{odd}}}"#, bodies.len()));
    }

    for body in &bodies {
        // NUL, and half a surrogate pair: JSON says them, no text of ours can.
        let body = body.replace('§', "\\u0000").replace('¤', "\\ud800");
        assert_eq!(delivered(&app, &body).await, 200, "{body}");
    }

    assert_eq!(app.count("select count(*) from stripe_events where id like 'evt_odd_%'").await, 5);
}

fn tree() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        3 => proptest::sample::select(vec![
            "type", "object", "data", "created", "livemode", "customer", "snapshot_event", "related_object", "api_version",
        ]).prop_map(str::to_owned),
        1 => ".{0,8}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z_0-9]{0,12}|.{0,300}|a§b|¤|customer|9999-12-31T23:59:59Z|0000-01-01T00:00:00Z"
            .prop_map(Value::from),
    ];
    let any = leaf.prop_recursive(4, 40, 8, move |inner| {
        prop_oneof![
            4 => proptest::collection::vec((name.clone(), inner.clone()), 0..8)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            1 => proptest::collection::vec(inner, 0..4).prop_map(Value::from),
        ]
    });
    (any, "[a-z.]{1,20}|a§b|¤x|.{0,300}").prop_map(|(rest, kind)| match rest {
        Value::Object(mut all) => {
            all.insert("type".into(), kind.into());
            Value::Object(all)
        }
        rest => json!({ "type": kind, "created": rest, "data": { "object": rest } }),
    })
}

#[portico_test]
async fn a_nul_in_an_address_finds_nothing(app: TestApp) {
    let acme = app.org("acme").await;

    acme.owner.get("/orgs/ac%00me").await.assert_status(404);
    let back = acme.owner.get("/orgs/acme/billing/return?session_id=cs_%00").await;
    assert!(back.status.as_u16() < 500, "{}", back.status);
}

#[portico_test]
async fn a_failed_sign_in_keeps_no_more_than_an_address_and_goes_after_a_while(app: TestApp) {
    app.org("acme").await;
    let email = format!("{}@x.test", "x".repeat(50_000));
    let mallory = app.visitor();
    mallory
        .post("/sign-in")
        .fields(&[("email", &email), ("password", "a wrong password")])
        .await
        .assert_status(422);
    let failed = "select count(*) from audit_events where action = 'auth.sign_in_failed'";
    let long =
        app.count("select cast(max(length(cast(personal as text))) as bigint) from audit_events").await;
    assert_eq!(app.count(failed).await, 1);

    app.app.clock.advance(time::Duration::days(91));
    let all = app.count("select count(*) from audit_events").await;
    product::auth::tidy(&app.app).await.unwrap();

    assert!(long < 1000, "{long} bytes");
    assert_eq!(app.count(failed).await, 0);
    assert_eq!(app.count("select count(*) from audit_events").await, all - 1, "and nothing else goes");
}

/// sqlx gives the connection back with the transaction still in it (see src/db/transaction.rs).
#[portico_test]
async fn who_goes_away_while_a_transaction_begins_leaves_nothing_behind(app: TestApp) {
    for microseconds in 0..600 {
        let db = app.app.db.clone();
        let begun = tokio::spawn(async move { db.system_tx().await.map(drop) });
        tokio::time::sleep(Duration::from_micros(microseconds)).await;
        begun.abort();
    }
    tokio::time::sleep(Duration::from_millis(200)).await;

    app.org("acme").await;

    if let product::db::Db::Postgres { .. } = &app.app.db {
        let left = "select count(*) from pg_stat_activity
                    where state like 'idle in transaction%' and datname = current_database()";
        assert_eq!(app.count(left).await, 0);
    }
}

/// The session layer alone would answer 500 without a page.
#[portico_test]
async fn a_sign_in_whose_session_cannot_be_saved_is_asked_to_come_back(app: TestApp) {
    app.org("acme").await;
    app.run("alter table sessions rename to sessions_elsewhere").await;

    let form = sign_in_form("owner@acme.test");
    let answer = app.visitor().post("/sign-in").fields(&form).await;

    answer.assert_status(503).assert_says("We cannot reach our database");
    assert_eq!(answer.header_text("retry-after"), "5");
}
