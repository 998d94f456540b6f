//! What happened, by whom, written in the same transaction as the change itself.
mod db;

pub use db::EntryRow as Entry;

use crate::{
    App,
    db::{At, EventId, OrgId, OrgTx, Origin, Tx, UserId},
    error::Result,
};
use serde_json::{Value, json};

/// Everything the log knows how to say. What identifies a person goes into `personal`, which can
/// be erased; what happened goes into `detail`, which cannot.
#[derive(Debug)]
pub enum Event<'a> {
    SignedUp {
        email: &'a str,
    },
    SignedIn,
    SignInFailed {
        email: &'a str,
    },
    SignedOut,
    ProfileChanged,
    AddressConfirmed {
        email: &'a str,
    },
    /// The new one, which is not confirmed yet.
    AddressChangeAsked {
        email: &'a str,
    },
    /// The new one.
    AddressChanged {
        email: &'a str,
    },
    /// The one taken back.
    AddressRestored {
        email: &'a str,
    },
    PasswordChanged,
    PasswordResetAsked {
        email: &'a str,
    },
    PasswordReset,
    SessionsEnded {
        count: u64,
    },
    PersonExported,
    PersonDeleted,
    /// Somebody is no longer in the organisation.
    MemberLeft {
        role: &'a str,
    },
    OrgCreated {
        name: &'a str,
        slug: &'a str,
    },
    OrgRenamed {
        old: &'a str,
        new: &'a str,
    },
    OrgDeleted {
        name: &'a str,
        slug: &'a str,
    },
    CustomerCreated {
        customer: &'a str,
    },
    /// Deleted at Stripe.
    CustomerDetached,
    CheckoutStarted {
        session: &'a str,
        plan: &'a str,
        interval: &'a str,
    },
    /// What Stripe holds changed, whoever changed it there.
    SubscriptionChanged {
        field: &'a str,
        old: &'a str,
        new: &'a str,
    },
    /// What stands on invoices, or their language.
    BillingDetailsChanged {
        field: &'a str,
        old: &'a str,
        new: &'a str,
    },
    /// Where invoices and receipts go.
    BillingEmailChanged {
        email: &'a str,
    },
    Reauthenticated,
    ReauthenticationFailed,
    /// Never the address it opened: that is a key.
    PortalOpened {
        session: &'a str,
        flow: &'a str,
    },
    /// What a room of `rooms.rs` says in its own words.
    OfRoom {
        action: &'static str,
        detail: Value,
    },
}

/// An event as it is stored.
struct Words<'a> {
    action: &'static str,
    detail: Value,
    email: Option<&'a str>,
}

impl<'a> Event<'a> {
    /// `action` is the thing and what happened to it: `project.created`. `detail` is an object without
    /// anything that identifies a person.
    pub fn of_room(action: &'static str, detail: Value) -> Self {
        Event::OfRoom { action, detail }
    }

    /// Each event has its line, so that none is stored without what it says.
    fn words(self) -> Words<'a> {
        let plain = |action| (action, json!({}), None);
        let (action, detail, email) = match self {
            Event::SignedUp { email } => ("auth.signed_up", json!({}), Some(email)),
            Event::SignedIn => plain("auth.signed_in"),
            Event::SignInFailed { email } => ("auth.sign_in_failed", json!({}), Some(email)),
            Event::SignedOut => plain("auth.signed_out"),
            Event::ProfileChanged => plain("account.profile_changed"),
            Event::AddressConfirmed { email } => ("account.address_confirmed", json!({}), Some(email)),
            Event::AddressChangeAsked { email } => ("account.address_change_asked", json!({}), Some(email)),
            Event::AddressChanged { email } => ("account.address_changed", json!({}), Some(email)),
            Event::AddressRestored { email } => ("account.address_restored", json!({}), Some(email)),
            Event::PasswordChanged => plain("account.password_changed"),
            Event::PasswordResetAsked { email } => ("auth.password_reset_asked", json!({}), Some(email)),
            Event::PasswordReset => plain("auth.password_reset"),
            Event::SessionsEnded { count } => ("account.sessions_ended", json!({ "count": count }), None),
            Event::PersonExported => plain("account.exported"),
            Event::PersonDeleted => plain("account.deleted"),
            Event::MemberLeft { role } => ("member.left", json!({ "role": role }), None),
            Event::OrgCreated { name, slug } => ("org.created", json!({ "name": name, "slug": slug }), None),
            Event::OrgRenamed { old, new } => ("org.renamed", json!({ "old": old, "new": new }), None),
            Event::OrgDeleted { name, slug } => ("org.deleted", json!({ "name": name, "slug": slug }), None),
            Event::CustomerCreated { customer } => {
                ("billing.customer_created", json!({ "customer": customer }), None)
            }
            Event::CustomerDetached => plain("billing.customer_detached"),
            Event::CheckoutStarted { session, plan, interval } => {
                let detail = json!({ "session": session, "plan": plan, "interval": interval });
                ("billing.checkout_started", detail, None)
            }
            Event::SubscriptionChanged { field, old, new } => {
                let detail = json!({ "field": field, "old": old, "new": new });
                ("billing.subscription_changed", detail, None)
            }
            Event::BillingDetailsChanged { field, old, new } => {
                let detail = json!({ "field": field, "old": old, "new": new });
                ("billing.details_changed", detail, None)
            }
            Event::BillingEmailChanged { email } => {
                ("billing.details_changed", json!({ "field": "email" }), Some(email))
            }
            Event::PortalOpened { session, flow } => {
                ("billing.portal_opened", json!({ "session": session, "flow": flow }), None)
            }
            Event::Reauthenticated => plain("auth.reauthenticated"),
            Event::ReauthenticationFailed => plain("auth.reauthentication_failed"),
            Event::OfRoom { action, detail } => (action, detail, None),
        };
        Words { action, detail, email }
    }
}

/// Into the log of the organisation the transaction is in.
pub async fn record(tx: &mut OrgTx<'_>, now: At, event: Event<'_>) -> Result<()> {
    let (org, origin) = (tx.org(), tx.scope().origin().clone());
    Ok(db::append(tx, entry(org, &origin, now, event)).await?)
}

/// Into the log of the installation, where nothing else is written with it.
pub async fn record_alone(app: &App, origin: &Origin, event: Event<'_>) -> Result<()> {
    let mut tx = app.db.system_tx().await?;
    record_in(&mut tx, OrgId::INSTALLATION, origin, app.clock.now(), event).await?;
    Ok(tx.commit().await?)
}

/// What a person did, newest first.
pub async fn of_person(app: &App, user: UserId) -> Result<Vec<Entry>> {
    Ok(db::of_person(app.db.system(), user).await?)
}

/// Erases what identifies a person in the log: where they acted, and where strangers tried their address.
pub async fn erase_person(tx: &mut Tx, user: UserId, email: &str) -> Result<()> {
    db::erase_actor(&mut *tx, user).await?;
    Ok(db::erase_failed_sign_ins(tx, OrgId::INSTALLATION, email).await.map(drop)?)
}

/// Failed sign-ins before then: strangers write them, as many as they like, so that they are the one
/// entry that does not stay for ever.
pub async fn forget_failed_sign_ins(app: &App, before: At) -> Result<()> {
    let mut tx = app.db.system_tx().await?;
    db::forget_failed_sign_ins(&mut tx, OrgId::INSTALLATION, before).await?;
    Ok(tx.commit().await?)
}

/// Into the log of `org` (or of the installation) from work of the system.
pub async fn record_in(tx: &mut Tx, org: OrgId, origin: &Origin, now: At, event: Event<'_>) -> Result<()> {
    Ok(db::append(tx, entry(org, origin, now, event)).await?)
}

fn entry(org: OrgId, origin: &Origin, now: At, event: Event<'_>) -> db::Entry {
    let Origin { user, ip, user_agent, request_id } = origin;
    let Words { action, mut detail, email } = event.words();
    if !request_id.is_empty() {
        detail["request"] = json!(request_id);
    }
    let personal = json!({ "ip": ip, "user_agent": user_agent, "email": email });
    db::Entry { org, id: EventId::new(), at: now, action, actor: *user, detail, personal }
}
