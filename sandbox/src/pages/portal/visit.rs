//! One visit to the portal: how it begins, how long it lasts, what its flow lets through.
use crate::{
    objects::*,
    pages::{
        message::message,
        page::{Back, web},
    },
    refusal::{Answer, Refusal},
    reply::Reply,
    state::{World, wall},
};

/// From the link to its first use, and from one step to the next; both on the visitor's own clock.
const FIRST_USE: i64 = 5 * 60;
const IDLE: i64 = 60 * 60;

/// Where a step leads.
pub enum Next {
    To(&'static str),
    /// What a flow was opened for is done; outside of one, on to this page.
    Done(&'static str),
}

/// Who is here, and what they may do.
pub struct Visit {
    pub session: PortalSession,
    pub configuration: PortalConfiguration,
    pub customer: Customer,
}

/// What stands around every page of the portal.
pub struct Shell {
    pub customer: String,
    pub headline: Option<String>,
    pub back: Option<Back>,
    pub tabs: Vec<Tab>,
    pub privacy: Option<String>,
    pub terms: Option<String>,
    pub flash: Option<&'static str>,
}

pub struct Tab {
    pub href: &'static str,
    pub label: &'static str,
    pub here: bool,
}

/// The visit's token, and where it starts. Good once.
pub fn begin(w: &mut World, secret: &str) -> Answer<(String, String)> {
    let found = w.portal_sessions.iter().find(|session| session.secret == secret);
    let fresh = found.filter(|session| session.visit.is_none() && wall() - session.seen <= FIRST_USE);
    let id = fresh.ok_or_else(|| Refusal::not_found("portal session", ""))?.id.clone();
    let token = w.secret();
    if let Some(session) = w.portal_sessions.change(&id) {
        (session.visit, session.seen) = (Some(token.clone()), wall());
    }
    let start = read(w, &id).map_or_else(|| "/p/home".to_owned(), |visit| visit.start());
    Ok((token, start))
}

/// Why a link leads nowhere.
pub fn over(w: &World, secret: &str) -> Reply {
    let Some(session) = w.portal_sessions.iter().find(|session| session.secret == secret) else {
        return crate::pages::message::not_found();
    };
    let back = session.return_url.as_deref().and_then(Back::to);
    match session.visit {
        Some(_) => message(
            410,
            "This link was used before",
            "A link to the billing pages works once. Ask for a new one where you came from.",
            back,
        ),
        None => message(
            410,
            "This link has expired",
            "A link to the billing pages has to be opened within five minutes. Ask for a new one where you came from.",
            back,
        ),
    }
}

/// No visit, or one without a step for an hour.
pub fn unknown() -> Reply {
    let text = "You have not been here for a while, or you came without a link. Go back to where you manage your account and open billing again.";
    message(401, "This visit has ended", text, None)
}

/// The next step of a visit.
pub fn go_on(w: &mut World, token: &str) -> Answer<Visit> {
    let now = wall();
    let held = w.portal_sessions.iter().find(|s| s.visit.as_deref() == Some(token) && now - s.seen <= IDLE);
    let id = held.ok_or_else(|| Refusal::not_found("portal session", ""))?.id.clone();
    if let Some(session) = w.portal_sessions.change(&id) {
        session.seen = now;
    }
    read(w, &id).ok_or_else(|| Refusal::not_found("portal session", ""))
}

fn read(w: &World, id: &str) -> Option<Visit> {
    let session = w.portal_sessions.get(id)?.clone();
    let configuration = w.portal_configurations.get(&session.configuration)?.clone();
    let customer = w.customers.get(&session.customer).filter(|customer| !customer.deleted)?.clone();
    Some(Visit { session, configuration, customer })
}

/// The step that waits for a bank is replaced; answers the one that waited.
pub fn keep_waiting(w: &mut World, v: &Visit, waiting: Option<String>) -> Option<String> {
    let session = w.portal_sessions.change(&v.session.id)?;
    std::mem::replace(&mut session.challenged, waiting)
}

/// Where a step leads; a flow that is through leads where it was told to.
pub fn after(w: &mut World, v: &Visit, next: Next) -> String {
    match (next, v.flow()) {
        (Next::Done(_), Some(flow)) => {
            if let Some(session) = w.portal_sessions.change(&v.session.id) {
                session.done = true;
            }
            end_of(flow).unwrap_or_else(|| "/p/home".into())
        }
        (Next::To(page) | Next::Done(page), _) => page.to_owned(),
    }
}

/// None for `portal_homepage`.
fn end_of(flow: &Flow) -> Option<String> {
    match flow.after.as_str() {
        "redirect" => flow.after_url.clone(),
        "hosted_confirmation" => Some("/p/done".into()),
        _ => None,
    }
}

impl Visit {
    pub fn features(&self) -> &Features {
        &self.configuration.features
    }

    /// The flow, until it is through.
    pub fn flow(&self) -> Option<&Flow> {
        self.session.flow.as_ref().filter(|_| !self.session.done)
    }

    /// Whether the flow is of that kind.
    pub fn is_for(&self, kind: FlowKind) -> Option<&Flow> {
        self.flow().filter(|flow| flow.kind == kind)
    }

    pub fn start(&self) -> String {
        let Some(flow) = self.flow() else { return "/p/home".into() };
        let sub = flow.subscription.as_deref().unwrap_or_default();
        match flow.kind {
            FlowKind::PaymentMethodUpdate => "/p/cards/new".into(),
            FlowKind::CustomerUpdate => "/p/details".into(),
            FlowKind::SubscriptionCancel => format!("/p/subscriptions/{sub}/cancel"),
            FlowKind::SubscriptionUpdate => format!("/p/subscriptions/{sub}/plan"),
            FlowKind::SubscriptionUpdateConfirm => format!("/p/subscriptions/{sub}/plan/confirm"),
            FlowKind::SubscriptionPause => format!("/p/subscriptions/{sub}/pause"),
        }
    }

    /// A flow shows its step and nothing else; one that is through shows where it ended.
    pub fn led_away(&self, at: &[&str]) -> Option<String> {
        let Some(flow) = self.flow() else {
            let ended = self.session.flow.as_ref().and_then(end_of);
            return ended.filter(|_| at != ["done"]);
        };
        let own = |id: &&str| flow.subscription.as_deref() == Some(*id);
        let fits = match (flow.kind, at) {
            (_, ["bank"]) => true,
            (FlowKind::PaymentMethodUpdate, ["cards"] | ["cards", "new"]) => true,
            (FlowKind::CustomerUpdate, ["details", ..]) => true,
            (FlowKind::SubscriptionCancel, ["subscriptions", id, "cancel" | "offer"])
            | (FlowKind::SubscriptionUpdate, ["subscriptions", id, "plan", ..])
            | (FlowKind::SubscriptionUpdateConfirm, ["subscriptions", id, "plan", ..])
            | (FlowKind::SubscriptionPause, ["subscriptions", id, "pause"]) => own(id),
            _ => false,
        };
        (!fits).then(|| self.start())
    }

    pub fn back(&self) -> Option<Back> {
        self.session.return_url.as_deref().and_then(Back::to)
    }

    /// From a page that leads nowhere. A flow has no other page than that one.
    pub fn way_out(&self) -> Option<Back> {
        match self.flow() {
            Some(_) => self.back(),
            None => Some(Back::here("/p/home", "Back to billing")),
        }
    }

    /// Where a form may end up.
    pub fn leads_to(&self) -> [Option<&str>; 2] {
        let after = self.session.flow.as_ref().and_then(|flow| flow.after_url.as_deref());
        [self.session.return_url.as_deref(), after]
    }

    pub fn shell(&self, here: &'static str) -> Shell {
        let features = self.features();
        let all = [
            ("/p/home", "Overview", true),
            ("/p/cards", "Payment methods", features.payment_method_update),
            ("/p/details", "Billing details", features.customer_update),
            ("/p/invoices", "Invoices", features.invoice_history),
        ];
        let tab = |(href, label, _)| Tab { href, label, here: href == here };
        let shown = all.into_iter().filter(|(.., on)| *on && self.flow().is_none());
        let customer = self.customer.name.clone().or(self.customer.email.clone());
        Shell {
            customer: customer.unwrap_or_else(|| "Billing".into()),
            headline: self.configuration.headline.clone(),
            back: self.back(),
            tabs: shown.map(tab).collect(),
            privacy: web(&self.configuration.privacy_policy_url),
            terms: web(&self.configuration.terms_of_service_url),
            flash: None,
        }
    }

    /// A subscription of this customer; anybody else's is not there.
    pub fn subscription(&self, w: &World, id: &str) -> Answer<Subscription> {
        let own = w.subscriptions.get(id).filter(|sub| sub.customer == self.customer.id && sub.is_alive());
        own.cloned().ok_or_else(|| Refusal::not_found("subscription", id))
    }
}

/// What the configuration switches off is not there for anybody.
pub fn only_if(on: bool) -> Answer<()> {
    match on {
        true => Ok(()),
        false => Err(Refusal::invalid("This is not available here.").with_status(403)),
    }
}
