//! What happened, by whom, written in the same transaction as the change itself.
mod db;

use crate::{
    App,
    db::{At, EventId, OrgId, OrgTx, Origin, Tx},
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
    Reauthenticated,
    ReauthenticationFailed,
    ProjectCreated {
        name: &'a str,
    },
    ProjectRenamed {
        old: &'a str,
        new: &'a str,
    },
    ProjectDeleted {
        name: &'a str,
    },
    /// Never the address it opened: that is a key.
    PortalOpened {
        session: &'a str,
        flow: &'a str,
    },
}

impl Event<'_> {
    fn action(&self) -> &'static str {
        match self {
            Event::SignedUp { .. } => "auth.signed_up",
            Event::SignedIn => "auth.signed_in",
            Event::SignInFailed { .. } => "auth.sign_in_failed",
            Event::SignedOut => "auth.signed_out",
            Event::ProfileChanged => "account.profile_changed",
            Event::OrgCreated { .. } => "org.created",
            Event::OrgRenamed { .. } => "org.renamed",
            Event::OrgDeleted { .. } => "org.deleted",
            Event::CustomerCreated { .. } => "billing.customer_created",
            Event::CustomerDetached => "billing.customer_detached",
            Event::CheckoutStarted { .. } => "billing.checkout_started",
            Event::SubscriptionChanged { .. } => "billing.subscription_changed",
            Event::PortalOpened { .. } => "billing.portal_opened",
            Event::Reauthenticated => "auth.reauthenticated",
            Event::ReauthenticationFailed => "auth.reauthentication_failed",
            Event::ProjectCreated { .. } => "project.created",
            Event::ProjectRenamed { .. } => "project.renamed",
            Event::ProjectDeleted { .. } => "project.deleted",
        }
    }

    fn detail(&self) -> Value {
        match self {
            Event::OrgCreated { name, slug } | Event::OrgDeleted { name, slug } => {
                json!({ "name": name, "slug": slug })
            }
            Event::CustomerCreated { customer } => json!({ "customer": customer }),
            Event::CheckoutStarted { session, plan, interval } => {
                json!({ "session": session, "plan": plan, "interval": interval })
            }
            Event::SubscriptionChanged { field, old, new } => {
                json!({ "field": field, "old": old, "new": new })
            }
            Event::ProjectCreated { name } | Event::ProjectDeleted { name } => json!({ "name": name }),
            Event::OrgRenamed { old, new } | Event::ProjectRenamed { old, new } => {
                json!({ "old": old, "new": new })
            }
            Event::PortalOpened { session, flow } => json!({ "session": session, "flow": flow }),
            _ => json!({}),
        }
    }

    fn email(&self) -> Option<&str> {
        match self {
            Event::SignedUp { email } | Event::SignInFailed { email } => Some(email),
            _ => None,
        }
    }
}

/// Into the log of the organisation the transaction is in.
pub async fn record(tx: &mut OrgTx<'_>, now: At, event: Event<'_>) -> Result<()> {
    let (org, origin) = (tx.org(), tx.scope().origin().clone());
    Ok(db::append(tx, entry(org, &origin, now, &event)).await?)
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
    Ok(db::append(tx, entry(org, origin, now, &event)).await?)
}

fn entry(org: OrgId, origin: &Origin, now: At, event: &Event<'_>) -> db::Entry {
    let Origin { user, ip, user_agent, request_id } = origin;
    let mut detail = event.detail();
    if !request_id.is_empty() {
        detail["request"] = json!(request_id);
    }
    let personal = json!({ "ip": ip, "user_agent": user_agent, "email": event.email() });
    db::Entry { org, id: EventId::new(), at: now, action: event.action(), actor: *user, detail, personal }
}
