//! The floor: the smallest axum, askama and sqlx server with the shape of our account page, which
//! is 8 KB, looks a session up by its id and then a user by theirs. `floor fill URL`, `floor serve BIND URL`.
use askama::Template;
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header::COOKIE},
    response::Html,
    routing::get,
};
use sqlx::{
    PgPool, SqlitePool,
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};

type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

const ROWS: i64 = 10_000;

#[derive(Clone)]
enum Db {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// Runs the same lines on either pool.
macro_rules! on_either {
    ($db:expr, |$pool:ident| $run:expr) => {
        match $db {
            Db::Sqlite($pool) => $run,
            Db::Postgres($pool) => $run,
        }
    };
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Account</title></head><body>
<h1>{{ name }}</h1><p>{{ email }}</p><ul>
{% for n in lines.clone() %}<li><a href="/orgs/{{ n }}">Organisation {{ n }}</a> <span class="badge">Active</span> <p class="soft">Owner, since it was founded</p></li>
{% endfor %}</ul></body></html>"#
)]
struct Page {
    name: String,
    email: String,
    lines: std::ops::Range<u32>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["fill", url] => fill(&connect(url).await?).await,
        ["serve", bind, url] => serve(bind, connect(url).await?).await,
        _ => Err("floor fill URL | floor serve BIND URL".into()),
    }
}

/// With the settings that Portico's own pools have.
async fn connect(url: &str) -> Result<Db> {
    if url.starts_with("sqlite:") {
        let options: SqliteConnectOptions = url.parse()?;
        let options = options.create_if_missing(true).journal_mode(SqliteJournalMode::Wal);
        let pool = SqlitePoolOptions::new().max_connections(4).test_before_acquire(false);
        return Ok(Db::Sqlite(pool.connect_with(options).await?));
    }
    let pool = PgPoolOptions::new().max_connections(16).test_before_acquire(false);
    Ok(Db::Postgres(pool.connect(url).await?))
}

async fn fill(db: &Db) -> Result<()> {
    on_either!(db, |pool| {
        let mut tx = pool.begin().await?;
        for table in [
            "create table floor_users (id bigint primary key, name text not null, email text not null)",
            "create table floor_sessions (id text primary key, user_id bigint not null)",
        ] {
            sqlx::query(table).execute(&mut *tx).await?;
        }
        for n in 1..=ROWS {
            let user = sqlx::query("insert into floor_users (id, name, email) values ($1, $2, $3)");
            user.bind(n)
                .bind(format!("Person {n}"))
                .bind(format!("p{n}@floor.test"))
                .execute(&mut *tx)
                .await?;
            let session = sqlx::query("insert into floor_sessions (id, user_id) values ($1, $2)");
            session.bind(format!("session-number-{n:07}")).bind(n).execute(&mut *tx).await?;
        }
        sqlx::query("analyze").execute(&mut *tx).await?;
        tx.commit().await?;
    });
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the floor is the stock server")]
async fn serve(bind: &str, db: Db) -> Result<()> {
    let router = Router::new().route("/", get(public)).route("/account", get(account)).with_state(db);
    Ok(axum::serve(tokio::net::TcpListener::bind(bind).await?, router).await?)
}

async fn public() -> Result<Html<String>, StatusCode> {
    page("Everybody".into(), "all@floor.test".into())
}

async fn account(State(db): State<Db>, headers: HeaderMap) -> Result<Html<String>, StatusCode> {
    let cookie = headers.get(COOKIE).and_then(|v| v.to_str().ok()).and_then(|c| c.strip_prefix("session="));
    let session = cookie.ok_or(StatusCode::UNAUTHORIZED)?;
    let (name, email) = person(&db, session).await.map_err(|_| StatusCode::UNAUTHORIZED)?;
    page(name, email)
}

async fn person(db: &Db, session: &str) -> Result<(String, String), sqlx::Error> {
    on_either!(db, |pool| {
        let user = sqlx::query_scalar::<_, i64>("select user_id from floor_sessions where id = $1");
        let user = user.bind(session).fetch_one(pool).await?;
        sqlx::query_as("select name, email from floor_users where id = $1").bind(user).fetch_one(pool).await
    })
}

fn page(name: String, email: String) -> Result<Html<String>, StatusCode> {
    let page = Page { name, email, lines: 0..60 };
    page.render().map(Html).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}
