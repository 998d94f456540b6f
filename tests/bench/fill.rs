//! Ten thousand people with an organisation, a login and a session each, so that look-ups look through something.
use product::{
    auth,
    clock::Clock,
    db::{Db, Origin},
    orgs,
};

const ROWS: usize = 10_000;

/// No `analyze`: it would keep samples of values, with which SQLite plans statements anew. The product's own
/// statistics are made when the database is closed.
const ON_SQLITE: &str = "
    insert into logins (id, user_id, created_at, seen_at, reauthenticated_at, ip, user_agent)
        select randomblob(16), id, created_at, created_at, created_at, '127.0.0.1', 'bench' from users;
    insert into sessions (id, data, expiry_date)
        select lower(hex(randomblob(11))), randomblob(60), unixepoch() + 86400 from users";
const ON_POSTGRES: &str = "
    insert into logins (id, user_id, created_at, seen_at, reauthenticated_at, ip, user_agent)
        select gen_random_uuid(), id, created_at, created_at, created_at, '127.0.0.1', 'bench' from users;
    insert into sessions (id, data, expiry_date)
        select substr(md5(random()::text), 1, 22), decode(repeat('00', 60), 'hex'), now() + interval '1 day' from users;
    analyze";

pub async fn fill(url: &str) {
    let db = Db::connect(url).await.expect("the database that the product just used");
    let (now, origin) = (Clock::default().now(), Origin::default());
    let mut tx = db.system_tx().await.expect("a transaction");
    for n in 0..ROWS {
        let (email, name) = (format!("p{n}@floor.test"), format!("Company {n}"));
        let person = auth::add_person(&mut tx, &email, "Somebody", "no hash", now).await.expect("a person");
        let person = person.expect("an address of their own");
        orgs::create_in(&mut tx, &origin, person, &name, now).await.expect("an organisation");
    }
    tx.commit().await.expect("all of it");
    let done = match &db {
        Db::Sqlite { writer, .. } => sqlx::raw_sql(ON_SQLITE).execute(writer).await.map(drop),
        Db::Postgres { pool, .. } => sqlx::raw_sql(ON_POSTGRES).execute(pool).await.map(drop),
    };
    done.expect("logins and sessions");
    db.close().await;
}
