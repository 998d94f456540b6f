//! The demo: one organisation on a trial, one person per role. Only in development, only into an
//! empty database.
use crate::{
    App, auth, billing,
    db::Origin,
    error::Result,
    orgs::{self, Role},
    stripe::Deadline,
};
use std::sync::atomic::Ordering;

pub const PASSWORD: &str = concat!(env!("CARGO_PKG_NAME"), " demo password");
const OWNER: (&str, &str) = ("demo@example.com", "Olivia Owner");
const OTHERS: [(&str, &str, Role); 3] = [
    ("admin@example.com", "Adam Admin", Role::Admin),
    ("billing@example.com", "Bianca Billing", Role::Billing),
    ("member@example.com", "Mira Member", Role::Member),
];

/// What the sign-in page and the start-up lines show.
#[derive(Clone, Copy, Debug)]
pub struct DemoHint {
    pub email: &'static str,
    pub password: &'static str,
}

impl App {
    /// Nothing unless the demo's people are in this database.
    pub fn demo_hint(&self) -> Option<DemoHint> {
        let hint = DemoHint { email: OWNER.0, password: PASSWORD };
        self.demo_is_here.load(Ordering::Relaxed).then_some(hint)
    }
}

/// Fills an empty database, and notes whether the demo's people are there.
pub async fn seed(app: &App) -> Result<()> {
    if !auth::has_anyone(app).await? {
        fill(app).await?;
    }
    app.demo_is_here.store(auth::is_known(app, OWNER.0).await?, Ordering::Relaxed);
    Ok(())
}

async fn fill(app: &App) -> Result<()> {
    let hash = app.passwords.hash(PASSWORD).await?;
    let origin = Origin { user_agent: "demo seed".into(), ..Origin::default() };
    let now = app.clock.now();
    let mut tx = app.db.system_tx().await?;
    // Another process may be seeding at this moment; one of us is enough.
    let Some(owner) = auth::add_person(&mut tx, OWNER.0, OWNER.1, &hash, now).await? else { return Ok(()) };
    let scope = orgs::create_in(&mut tx, &origin, owner, "Acme", now).await?;
    for (email, name, role) in OTHERS {
        if let Some(person) = auth::add_person(&mut tx, email, name, &hash, now).await? {
            orgs::add_member(&mut tx, scope.org(), person, role, now).await?;
        }
    }
    tx.commit().await?;
    let until = Deadline::of_job();
    let customer = billing::ensure_customer(app, &scope, until).await?;
    app.stripe.start_trial(&customer, "pro_month", 14, until).await?;
    billing::sync(app, &scope, until).await
}
