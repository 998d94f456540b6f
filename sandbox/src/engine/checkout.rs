//! Checkout: from an open session to a subscription, or to nothing at all.
use super::{
    add_method,
    amend::say,
    cards,
    cards::Holder,
    change_customer, create_customer, discount_of,
    methods::NewMethod,
    paying::is_processing,
    subscribe::{NewSubscription, subscribe},
};
use crate::{
    money,
    objects::{CheckoutSession, Customer},
    refusal::{Answer, Refusal},
    state::{World, wall},
};

/// How somebody pays at Checkout.
#[derive(Clone, Debug, Default)]
pub struct Paying {
    /// A test card's number; none where nothing has to be paid and no card is asked for.
    pub number: Option<String>,
    /// Something that is no card.
    pub method: Option<NewMethod>,
    pub holder: Option<Holder>,
    pub name: Option<String>,
    pub email: Option<String>,
}

/// All of it, or nothing: a declined card leaves the session open and the world as it was.
pub fn complete_checkout(w: &mut World, id: &str, paying: Paying) -> Answer<()> {
    let session = open(w, id)?;
    let (_, total) = money::checkout_amounts(w, &session);
    let new = match (&paying.method, &paying.number, money::checkout_needs_card(w, &session)) {
        (Some(method), ..) => Some(method.clone()),
        (None, Some(number), _) => Some(NewMethod::card(cards::by_number(number)?.card())),
        (None, None, true) => {
            return Err(Refusal::card("incomplete_number", None, "Your card number is incomplete."));
        }
        (None, None, false) => None,
    };
    let holder = paying.holder.unwrap_or(Holder::Absent);
    let customer = customer_of(w, &session, &paying);
    let method = new.map(|new| add_method(w, &customer, new, holder)).transpose()?;
    change_customer(w, &customer, |c| {
        c.name = c.name.take().or(paying.name.clone());
        c.email = c.email.take().or(paying.email.clone());
        c.currency = session.currency.clone().or(c.currency.take());
    })?;
    let subscription = match session.mode.as_str() {
        "subscription" => Some(begin(w, &session, &customer, method.clone(), holder)?),
        _ => {
            change_customer(w, &customer, |c| c.default_payment_method = method.clone())?;
            None
        }
    };
    let invoice = subscription.as_ref().and_then(|id| w.subscriptions.get(id)?.latest_invoice.clone());
    let payment_status = match total {
        ..=0 => "no_payment_required",
        _ if invoice.as_ref().is_some_and(|id| is_processing(w, id)) => "unpaid",
        _ => "paid",
    };
    if let Some(session) = w.checkout_sessions.change(id) {
        session.customer = Some(customer);
        session.status = "complete".into();
        session.payment_status = payment_status.into();
        (session.subscription, session.invoice, session.challenged) = (subscription, invoice, None);
    }
    say(w, id, "checkout.session.completed");
    Ok(())
}

fn customer_of(w: &mut World, session: &CheckoutSession, paying: &Paying) -> String {
    session.customer.clone().unwrap_or_else(|| {
        let email = session.customer_email.clone().or(paying.email.clone());
        let new =
            Customer { email, name: paying.name.clone(), tax_exempt: "none".into(), ..Customer::default() };
        create_customer(w, new)
    })
}

fn begin(
    w: &mut World,
    session: &CheckoutSession,
    customer: &str,
    method: Option<String>,
    holder: Holder,
) -> Answer<String> {
    let data = session.subscription_data.clone();
    let currency = session.currency.as_deref().unwrap_or_default();
    let mut discounts = Vec::new();
    if let Some(coupon) = &session.coupon {
        let mut discount = discount_of(w, coupon, session.promotion_code.as_deref(), currency)?;
        discount.checkout_session = Some(session.id.clone());
        discounts.push(discount);
    }
    let new = NewSubscription {
        customer: customer.into(),
        items: session.line_items.iter().map(|item| (item.price.clone(), item.quantity)).collect(),
        trial_end: money::trial_of(w, session),
        missing_payment_method: data.missing_payment_method,
        default_payment_method: method,
        billing_mode: data.billing_mode,
        billing_cycle_anchor: data.billing_cycle_anchor,
        discounts,
        description: data.description,
        metadata: data.metadata,
        payment_behavior: "error_if_incomplete".into(),
        ..NewSubscription::default()
    };
    subscribe(w, new, holder)
}

/// A card that is declined: nothing happens, the session stays open.
pub fn decline_checkout(w: &mut World, id: &str) -> Answer<()> {
    let number = Some("4000000000000002".to_owned());
    complete_checkout(w, id, Paying { number, ..Paying::default() })
}

pub fn expire_checkout(w: &mut World, id: &str) -> Answer<()> {
    open(w, id)?;
    if let Some(session) = w.checkout_sessions.change(id) {
        session.status = "expired".into();
    }
    say(w, id, "checkout.session.expired");
    Ok(())
}

/// By the wall clock: a visitor's tab dies on the visitor's time.
pub fn expire_old_sessions(w: &mut World) {
    let now = wall();
    for id in w.checkout_sessions.ids(|session| session.status == "open" && session.expires_at <= now) {
        expire_checkout(w, &id).ok();
    }
}

fn open(w: &World, id: &str) -> Answer<CheckoutSession> {
    let session = w.checkout_sessions.get(id).ok_or_else(|| Refusal::not_found("checkout session", id))?;
    match session.status.as_str() {
        "open" => Ok(session.clone()),
        other => Err(Refusal::invalid(format!(
            "Only Checkout Sessions with a status in [\"open\"] can be expired or completed. This one is {other}."
        ))),
    }
}
