//! Payment methods: add, make the default, remove, and which card is charged for which plan.
use super::{
    Next,
    home::flash,
    visit::{Shell, Visit, only_if},
};
use crate::{
    act,
    engine::{self, Holder, methods},
    objects::FlowKind,
    pages::{
        Form, Wrong,
        card_form::{self, CardForm},
        form::status,
        html, words,
    },
    refusal::{Answer, Refusal},
    reply::Reply,
    state::World,
};
use askama::Template;

#[derive(Template)]
#[template(path = "portal/cards.html")]
struct Cards {
    shell: Shell,
    cards: Vec<Card>,
    plans: Vec<Charged>,
    wrong: Wrong,
}

struct Card {
    id: String,
    words: String,
    /// Of a card.
    expires: Option<String>,
    default: bool,
    /// Plans that are charged to it.
    pays_for: Vec<String>,
    /// Why it cannot be removed.
    locked: Option<&'static str>,
}

/// A plan, and the card it is charged to.
struct Charged {
    id: String,
    plan: String,
    card: Option<String>,
    pinned: bool,
}

#[derive(Template)]
#[template(path = "portal/new_card.html")]
struct NewCard {
    shell: Shell,
    cards: CardForm,
    /// Plans with a card of their own, which a new default does not change.
    pinned: Vec<(String, String)>,
    in_flow: bool,
    wrong: Wrong,
}

pub fn list(w: &World, v: &Visit, form: &Form, refusal: Option<&Refusal>) -> Answer<Reply> {
    only_if(v.features().payment_method_update)?;
    let plans = plans(w, v);
    let own = w.payment_methods.iter().filter(|it| it.customer.as_ref() == Some(&v.customer.id));
    let card = |method: &crate::objects::PaymentMethod| {
        let paid = plans.iter().filter(|plan| plan.card.as_ref() == Some(&method.id));
        let pays_for: Vec<String> = paid.map(|plan| plan.plan.clone()).collect();
        Card {
            id: method.id.clone(),
            words: methods::words(method),
            expires: method.card.as_ref().map(|card| format!("{:02}/{}", card.exp_month, card.exp_year)),
            default: v.customer.default_payment_method.as_ref() == Some(&method.id),
            locked: locked(w, v, &method.id),
            pays_for,
        }
    };
    let page = Cards {
        shell: Shell { flash: flash(form.get("done")), ..v.shell("/p/cards") },
        cards: own.map(card).collect(),
        plans,
        wrong: Wrong::with(refusal, &[]),
    };
    Ok(html(status(refusal), &page, &v.leads_to()))
}

fn plans(w: &World, v: &Visit) -> Vec<Charged> {
    let own = w.subscriptions.iter().filter(|sub| sub.customer == v.customer.id && sub.is_alive());
    own.map(|sub| Charged {
        id: sub.id.clone(),
        plan: words::plan(w, sub),
        card: engine::card_in_charge(w, &sub.customer, Some(&sub.id)),
        pinned: sub.default_payment_method.is_some(),
    })
    .collect()
}

/// A plan would be left without a card.
fn locked(w: &World, v: &Visit, id: &str) -> Option<&'static str> {
    let in_charge = plans(w, v).iter().any(|plan| plan.card.as_deref() == Some(id));
    match in_charge {
        _ if act::is_last_card(w, &v.customer.id) => Some("The last card stays while a plan needs it."),
        true => Some("A plan is charged to it. Choose another card for the plan first."),
        false => None,
    }
}

pub fn new(w: &World, v: &Visit, form: &Form, refusal: Option<&Refusal>) -> Answer<Reply> {
    only_if(v.features().payment_method_update)?;
    let pinned = plans(w, v).into_iter().filter(|plan| plan.pinned).filter_map(|plan| {
        let method = w.payment_methods.get(plan.card.as_deref()?)?;
        Some((plan.plan, methods::words(method)))
    });
    let page = NewCard {
        shell: v.shell("/p/cards"),
        cards: CardForm::of(form),
        pinned: pinned.collect(),
        in_flow: v.is_for(FlowKind::PaymentMethodUpdate).is_some(),
        wrong: Wrong::with(refusal, &["number"]),
    };
    Ok(html(status(refusal), &page, &v.leads_to()))
}

/// Becomes the customer's default. A card pinned to a subscription stays in charge of it: that is
/// how Stripe's own portal does it.
pub fn add(w: &mut World, v: &Visit, form: &Form, holder: Holder) -> Answer<Next> {
    only_if(v.features().payment_method_update)?;
    let number = card_form::number(form).unwrap_or_default();
    act::add_card(w, &v.customer.id, &number, holder)?;
    Ok(Next::Done("/p/cards?done=card"))
}

pub fn make_default(w: &mut World, v: &Visit, id: &str) -> Answer<Next> {
    only_if(v.features().payment_method_update)?;
    act::make_default(w, &v.customer.id, id)?;
    Ok(Next::To("/p/cards?done=default"))
}

pub fn remove(w: &mut World, v: &Visit, id: &str) -> Answer<Next> {
    only_if(v.features().payment_method_update)?;
    let own = w.payment_methods.get(id).is_some_and(|it| it.customer.as_ref() == Some(&v.customer.id));
    if let (true, Some(why)) = (own, locked(w, v, id)) {
        return Err(Refusal::invalid(why));
    }
    act::remove_card(w, &v.customer.id, id)?;
    Ok(Next::To("/p/cards?done=removed"))
}

/// Pins one of the customer's cards to one of their plans.
pub fn charge_to(w: &mut World, v: &Visit, id: &str, form: &Form) -> Answer<Next> {
    only_if(v.features().payment_method_update)?;
    let sub = v.subscription(w, id)?;
    act::use_card_for(w, &v.customer.id, &sub.id, form.get("card"))?;
    Ok(Next::To("/p/cards?done=charged"))
}
