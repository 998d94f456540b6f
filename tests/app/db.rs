//! Transactions of people who go away.
use crate::test_app::TestApp;
use std::time::Duration;

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
