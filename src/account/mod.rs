//! Whoever is signed in: the person, their organisations, each with its billing in a word. Every
//! signed-in page begins with it; the account page shows it.
mod db;
mod deleting;
mod export;
pub mod web;

pub use deleting::{Deleted, delete};
pub use export::export;

use crate::{
    App,
    auth::{self, Person},
    billing::{BillingState, plans::Plan},
    db::{At, LoginId, OrgId},
    error::Result,
    orgs::Role,
};

/// A person with their organisations, by name.
#[derive(Clone, Debug)]
pub struct Account {
    pub person: Person,
    pub memberships: Vec<Membership>,
}

/// One person in one organisation.
#[derive(Clone, Debug)]
pub struct Membership {
    pub org: OrgId,
    pub slug: String,
    pub org_name: String,
    pub role: Role,
    plan: Plan,
    /// Stripe's word.
    status: Option<String>,
    cancel_at: Option<At>,
    trial_end: Option<At>,
}

/// The account behind a login, in one statement. None for a login that was ended, was not used for
/// `SESSION_IDLE_MINUTES`, or is older than `SESSION_MAX_DAYS`.
pub async fn of_login(app: &App, login: LoginId) -> Result<Option<Account>> {
    let rows = db::account(app.db.system(), login).await?;
    let Some(first) = rows.first() else { return Ok(None) };
    if !auth::use_login(app, login, first.created_at, first.seen_at).await? {
        return Ok(None);
    }
    let person = Person {
        id: first.user_id,
        login,
        name: first.name.clone(),
        email: first.email.clone(),
        is_confirmed: first.email_verified_at.is_some(),
        reauthenticated_at: first.reauthenticated_at,
        billing_locked_until: first.billing_locked_until,
    };
    Ok(Some(Account { person, memberships: rows.into_iter().filter_map(membership).collect() }))
}

/// None for the row of a person without an organisation.
fn membership(row: db::AccountRow) -> Option<Membership> {
    Some(Membership {
        org: row.org_id?,
        slug: row.slug?,
        org_name: row.org_name?,
        role: row.role?,
        plan: row.plan.unwrap_or(Plan::Free),
        status: row.status,
        cancel_at: row.cancel_at,
        trial_end: row.trial_end,
    })
}

impl Membership {
    pub fn is_paid(&self) -> bool {
        self.billing().is_paid()
    }

    pub fn plan_name(&self) -> String {
        self.billing().plan_name()
    }

    /// Text and kind of the badge, as the billing page shows it.
    pub fn badge(&self) -> (String, &'static str) {
        self.billing().badge()
    }

    /// As much of the billing state as plan and badge are made from. Private, because the rest of it
    /// was not read: whoever needs more asks `billing::state`.
    fn billing(&self) -> BillingState {
        BillingState {
            plan: self.plan,
            status: self.status.clone(),
            cancel_at: self.cancel_at,
            trial_end: self.trial_end,
            ..BillingState::default()
        }
    }
}
