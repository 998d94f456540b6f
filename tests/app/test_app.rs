//! The product of a test: the real router over a fresh database, its own sandbox, and people.
use crate::support::{
    http::{Answer, Ask, Person, Site},
    postgres,
    temp::TempDir,
};
use hyper::Method;
use product::{App, config::Config, db, db::Db, orgs, orgs::Role, rooms, routes, worker};
use sqlx::Row;
use std::{collections::HashMap, sync::Arc, time::Duration};

pub const PASSWORD: &str = "a few unrelated words";
pub const PUBLIC_URL: &str = "http://portico.localhost";

/// A running product, as far as HTTP can tell.
#[derive(Clone)]
pub struct TestApp {
    pub app: App,
    pub router: axum::Router,
    /// Origin of this test's own Stripe sandbox, or of whatever stands in for it.
    pub stripe: String,
    settings: HashMap<String, String>,
    _folder: Arc<TempDir>,
}

/// An organisation and the scope of it that only a test may take without asking.
pub struct Org {
    pub slug: String,
    pub owner: Person,
}

impl TestApp {
    pub async fn sqlite(_: &str) -> Self {
        let folder = TempDir::new();
        let url = format!("sqlite://{}", folder.join("portico.db").display());
        Self::over(url, folder).await
    }

    pub async fn postgres(name: &str) -> Option<Self> {
        let url = postgres::fresh_database_or_skip(name).await?;
        Some(Self::over(url, TempDir::new()).await)
    }

    async fn over(database: String, folder: TempDir) -> Self {
        let stripe = start_sandbox().await;
        let settings = [
            ("DATABASE_URL", database.as_str()),
            ("PUBLIC_URL", PUBLIC_URL),
            ("APP_SECRET", "a secret that only tests use and long enough"),
            ("STRIPE_SECRET_KEY", "sk_test_123"),
            ("STRIPE_API_BASE", &stripe),
            ("RATE_LIMITS", "off"),
            // The floor's cheapest row in memory: tests sign in often.
            ("ARGON2_MEMORY_KIB", "7168"),
            ("ARGON2_TIME", "5"),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Self::start(settings, Arc::new(folder)).await
    }

    async fn start(settings: HashMap<String, String>, folder: Arc<TempDir>) -> Self {
        let config =
            Config::read(|name| settings.get(name).cloned()).expect("the test's own settings are right");
        let mut db = Db::connect(&config.database_url).await.unwrap();
        db::migrate(&mut db).await.unwrap();
        let stripe = config.stripe.api_base.as_str().trim_end_matches('/').to_owned();
        let app = App::new(config.clone(), db, &config.app_secrets, rooms::ROOMS);
        Self { router: routes::router(app.clone()), app, stripe, settings, _folder: folder }
    }

    /// The same database under another setting, as after a restart.
    pub async fn restarted_with(&self, name: &str, value: &str) -> Self {
        let mut settings = self.settings.clone();
        settings.insert(name.into(), value.into());
        Self::start(settings, self._folder.clone()).await
    }

    /// Somebody who is not signed in.
    pub fn visitor(&self) -> Person {
        Person::visiting(&Site::of(self.router.clone(), PUBLIC_URL))
    }

    /// Signs somebody new up, with an organisation of that name.
    pub async fn org(&self, name: &str) -> Org {
        let owner = self.visitor();
        let email = format!("owner@{}.test", name.to_lowercase().replace(' ', "-"));
        let answer = owner.post("/sign-up").fields(&sign_up_form("Olivia Owner", &email, name)).await;
        let slug = answer.location().strip_prefix("/orgs/").expect("signed up").to_owned();
        Org { slug, owner }
    }

    /// Somebody new with this role in the organisation, signed in.
    pub async fn joins(&self, org: &Org, role: Role) -> Person {
        let email = format!("{}-{}@{}.test", role.as_str(), product::db::UserId::new(), org.slug);
        let person = self.signs_up(&email).await;
        let ids = format!(
            "select u.id as user_id, o.id as org_id from users u, orgs o where u.email = '{email}' and o.slug = '{}'",
            org.slug
        );
        let (user, org): (db::UserId, db::OrgId) = self.pair(&ids).await;
        let mut tx = self.app.db.system_tx().await.unwrap();
        orgs::add_member(&mut tx, org, user, role, self.app.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        person
    }

    /// Somebody new with an organisation of their own.
    pub async fn signs_up(&self, email: &str) -> Person {
        let person = self.visitor();
        person
            .post("/sign-up")
            .fields(&sign_up_form("Somebody", email, "Elsewhere"))
            .await
            .assert_redirects_to("/orgs/");
        person
    }

    /// Does all jobs that wait, but for those that repeat.
    pub async fn does_its_jobs(&self) {
        let worker = tokio::spawn(worker::run(self.app.clone()));
        let waiting =
            "select count(*) from jobs where dead = false and key not in ('reconcile', 'full-pass', 'tidy')";
        for _ in 0..1000 {
            if self.count(waiting).await == 0 {
                worker.abort();
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("still to do: {:?}", self.texts("select key || ' ' || coalesce(error, '') from jobs").await);
    }

    /// What was mailed to an address, newest first, as the development mailbox has it.
    pub async fn mails_to(&self, address: &str) -> Vec<serde_json::Value> {
        let all = self.visitor().get("/dev/mailbox.json").await.assert_status(200).json();
        all.as_array().expect("a list").iter().filter(|mail| mail["to"] == address).cloned().collect()
    }

    /// What kinds of mail an address got, oldest first.
    pub async fn kinds_to(&self, address: &str) -> Vec<String> {
        let kinds = self.mails_to(address).await;
        kinds.iter().rev().map(|mail| mail["kind"].as_str().expect("a word").to_owned()).collect()
    }

    /// Where the link in the newest mail of a kind leads, from its slash on.
    pub async fn link_to(&self, address: &str, kind: &str) -> String {
        let mails = self.mails_to(address).await;
        let mail = mails.iter().find(|mail| mail["kind"] == kind);
        let mail = mail.unwrap_or_else(|| panic!("no {kind} among the mails to {address}: {mails:?}"));
        let text = mail["text"].as_str().expect("a text");
        let link =
            text.lines().find_map(|line| line.strip_prefix(PUBLIC_URL)).expect("a link on a line of its own");
        link.to_owned()
    }

    /// Runs a statement behind everybody's back.
    pub async fn run(&self, statement: &str) -> u64 {
        match &self.app.db {
            Db::Sqlite { writer, .. } => {
                sqlx::query(statement).execute(writer).await.unwrap().rows_affected()
            }
            Db::Postgres { pool, .. } => sqlx::query(statement).execute(pool).await.unwrap().rows_affected(),
        }
    }

    pub async fn count(&self, query: &str) -> i64 {
        match &self.app.db {
            Db::Sqlite { writer, .. } => sqlx::query(query).fetch_one(writer).await.unwrap().get(0),
            Db::Postgres { pool, .. } => sqlx::query(query).fetch_one(pool).await.unwrap().get(0),
        }
    }

    /// The first column of every row, as text.
    pub async fn texts(&self, query: &str) -> Vec<String> {
        match &self.app.db {
            Db::Sqlite { writer, .. } => {
                let rows = sqlx::query(query).fetch_all(writer).await.unwrap();
                rows.iter().map(|row| row.get(0)).collect()
            }
            Db::Postgres { pool, .. } => {
                let rows = sqlx::query(query).fetch_all(pool).await.unwrap();
                rows.iter().map(|row| row.get(0)).collect()
            }
        }
    }

    async fn pair(&self, query: &str) -> (db::UserId, db::OrgId) {
        match &self.app.db {
            Db::Sqlite { writer, .. } => sqlx::query_as(query).fetch_one(writer).await.unwrap(),
            Db::Postgres { pool, .. } => sqlx::query_as(query).fetch_one(pool).await.unwrap(),
        }
    }

    /// Actions in an organisation's audit log, oldest first; the empty slug is the installation.
    pub async fn audit(&self, slug: &str) -> Vec<String> {
        let of = match slug {
            "" => "not exists (select 1 from orgs where orgs.id = e.org_id)".to_owned(),
            slug => format!("e.org_id in (select id from orgs where slug = '{slug}')"),
        };
        self.texts(&format!("select e.action from audit_events e where {of} order by e.at, e.id")).await
    }

    /// Customers the sandbox holds.
    pub async fn customers_at_stripe(&self) -> Vec<serde_json::Value> {
        self.at_stripe("/v1/customers?limit=100").await
    }

    pub async fn at_stripe(&self, path: &str) -> Vec<serde_json::Value> {
        let client = Person::visiting(&Site::at(&self.stripe));
        let list = client.get(path).header("authorization", "Bearer sk_test_123").await;
        list.json()["data"].as_array().expect("a list").clone()
    }

    /// Somebody at the operators' port.
    pub fn operator(&self) -> Person {
        Person::visiting(&Site::of(routes::ops_router(self.app.clone()), "http://localhost:3001"))
    }

    /// A number of the operators' metrics, by its name without the product's, labels and all.
    pub async fn figure(&self, name: &str) -> u64 {
        let name = format!("{}_{name}", product::brand::SLUG);
        let text = self.operator().get("/metrics").await.assert_status(200).text();
        let value = text.lines().find_map(|line| line.strip_prefix(&*name)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {name} in\n{text}")).parse().unwrap()
    }

    /// The same person, cookie and all, in front of this one: what a restart looks like to a browser.
    pub fn lets_in(&self, person: &Person) -> Person {
        let here = self.visitor();
        here.set_cookie("__Host-session", &person.cookie("__Host-session").expect("signed in"));
        here
    }
}

/// A page without the line at the foot of development, which counts the mails that there are.
pub fn above_the_dev_line(page: &Answer) -> String {
    page.text().split(r#"<aside class="dev""#).next().unwrap_or_default().to_owned()
}

pub fn sign_up_form<'a>(name: &'a str, email: &'a str, organisation: &'a str) -> [(&'a str, &'a str); 4] {
    [("name", name), ("email", email), ("password", PASSWORD), ("organisation", organisation)]
}

pub fn sign_in_form(email: &str) -> [(&str, &str); 2] {
    [("email", email), ("password", PASSWORD)]
}

/// A sandbox that sells what plans.rs says. Nobody hears of its events yet.
pub async fn start_sandbox() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let sandbox = portico_sandbox::Sandbox::open(portico_sandbox::Options::default()).await.unwrap();
    tokio::spawn(async move { sandbox.serve(listener, std::future::pending()).await });
    let settings = [("STRIPE_SECRET_KEY", "sk_test_123"), ("STRIPE_API_BASE", base.as_str())];
    let find = |name: &str| settings.iter().find(|(known, _)| *known == name).map(|it| it.1.to_owned());
    product::serve::set_up_sandbox(&Config::read(find).unwrap()).await.unwrap();
    let client = Person::visiting(&Site::at(&base));
    let ask = |method, path: &str| client.ask(method, path).header("authorization", "Bearer sk_test_123");
    let made = ask(Method::GET, "/v1/webhook_endpoints").await.json();
    let endpoint = format!("/v1/webhook_endpoints/{}", made["data"][0]["id"].as_str().unwrap());
    ask(Method::DELETE, &endpoint).await.assert_status(200);
    base
}

/// Several headers at once, an empty one left out.
pub trait Headers: Sized {
    fn sending(self, headers: &[(&str, &str)]) -> Self;
}

impl Headers for Ask<'_> {
    fn sending(self, headers: &[(&str, &str)]) -> Self {
        headers.iter().fold(
            self,
            |ask, (name, value)| if value.is_empty() { ask.without(name) } else { ask.header(name, value) },
        )
    }
}
