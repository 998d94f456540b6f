//! `App`: what every handler and job may reach. It carries one part of each room that has one, so these
//! parts know nothing of it.
use crate::{auth, billing, clock, config, db, limit, mail, ops, stripe, web};
use std::sync::Arc;

/// What every handler may reach. Cheap to clone: one `Arc`.
#[derive(Clone)]
pub struct App(Arc<Inside>);

pub struct Inside {
    pub config: config::Config,
    pub db: db::Db,
    pub clock: clock::Clock,
    pub stripe: stripe::Stripe,
    pub passwords: auth::Passwords,
    /// None: `BREACHED_PASSWORDS` is off.
    pub breaches: Option<auth::Breaches>,
    pub limits: web::Limits,
    pub signer: web::Signer,
    /// Where webhooks are stored, many at a time.
    pub inbox: billing::Inbox,
    /// None: the development mailbox.
    pub smtp: Option<mail::Smtp>,
    pub metrics: ops::Metrics,
    /// What `rooms.rs` lists.
    pub rooms: &'static [web::Room<App>],
    /// There may be something to do (see jobs/).
    pub work_arrived: Arc<tokio::sync::Notify>,
    /// True once the program was told to stop: workers take no more jobs.
    pub stopping: tokio::sync::watch::Sender<bool>,
    /// Whether the demo's people are in this database (see demo.rs).
    pub(crate) demo_is_here: std::sync::atomic::AtomicBool,
}

impl App {
    /// Everything from the configuration, a migrated database and `rooms::ROOMS`, which stand above this
    /// file. Inside a tokio runtime: the inbox's writer starts here.
    pub fn new(
        config: config::Config,
        db: db::Db,
        secrets: &[secrecy::SecretString],
        rooms: &'static [web::Room<App>],
    ) -> Self {
        let (stripe, signer) = (stripe::Stripe::new(&config), web::Signer::new(secrets));
        let (passwords, limits) = (auth::Passwords::new(config.argon2), web::Limits::new(config.rate_limits));
        let breaches = config.breached_passwords.clone().map(auth::Breaches::at);
        let (clock, demo_is_here, metrics): (clock::Clock, _, _) = Default::default();
        let work_arrived = Arc::new(tokio::sync::Notify::new());
        let inbox = billing::Inbox::open(db.clone(), clock.clone(), work_arrived.clone());
        let smtp = config.smtp.as_ref().and_then(|smtp| mail::Smtp::new(&smtp.url, &smtp.from));
        App(Arc::new(Inside {
            db,
            clock,
            stripe,
            passwords,
            breaches,
            limits,
            signer,
            inbox,
            smtp,
            metrics,
            rooms,
            work_arrived,
            stopping: tokio::sync::watch::Sender::new(false),
            config,
            demo_is_here,
        }))
    }
}

impl App {
    /// The time by which subscriptions live: ours, moved on as far as the sandbox's clock was.
    pub fn billing_now(&self) -> db::At {
        self.clock.now() + time::Duration::seconds(self.stripe.ahead())
    }

    /// Everything that plans limit, in the order of `rooms.rs`.
    pub fn plan_limits(&self) -> impl Iterator<Item = limit::Limit> {
        self.rooms.iter().filter_map(|room| room.limit)
    }

    /// A page of ours, whole, for links that leave it. `path` begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.config.public_url.as_str().trim_end_matches('/'))
    }
}

impl std::ops::Deref for App {
    type Target = Inside;
    fn deref(&self) -> &Inside {
        &self.0
    }
}
