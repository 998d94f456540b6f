//! Payment methods: test cards, by number, by token, or by Stripe's ready-made ids (`pm_card_visa`).
use super::{Answer, Paging, Params, Refusal, customers};
use crate::{
    engine::{self, NewMethod, cards},
    objects::*,
    params::{Ignored, Int},
    state::World,
    wire,
};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCard {
    number: Option<String>,
    token: Option<String>,
    exp_month: Option<Int<1, 12>>,
    exp_year: Option<Int<2000, 2100>>,
    #[serde(default, rename = "cvc")]
    _cvc: Ignored,
    #[serde(default, rename = "networks")]
    _networks: Ignored,
}

pub fn create(w: &mut World, mut p: Params) -> Answer {
    let kind = p.required("type")?;
    let details = billing_details(p.map("billing_details")?)?;
    let hash = p.map(&kind)?;
    let new = match kind.as_str() {
        "card" => NewMethod::card(card(hash.ok_or_else(|| p.missing("card"))?.read()?)?),
        other if other.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') => {
            NewMethod::of(other, &hash.map_or(Value::Null, Params::into_json))
        }
        _ => return Err(Refusal::invalid("Invalid type: must be a payment method type").at("type")),
    };
    let (id, created) = (w.id("pm_"), w.now());
    let mut method = PaymentMethod {
        id,
        created,
        customer: None,
        detached: false,
        kind: new.kind,
        card: new.card,
        details: new.details,
        fails: new.fails,
        billing_details: details,
        metadata: Metadata::default(),
    };
    p.metadata(&mut method.metadata)?;
    p.finish_but(&["allow_redisplay", "radar_options"])?;
    let object = wire::payment_method(&method);
    w.payment_methods.put(method);
    Ok(object)
}

fn card(given: NewCard) -> Answer<Card> {
    let card = match (given.token, given.number) {
        (Some(token), _) => {
            engine::ready_made(&token).ok_or_else(|| Refusal::no_such("token", &token, "card[token]"))?
        }
        (None, Some(number)) => cards::by_number(&number)?.card(),
        (None, None) => return Err(Refusal::missing("card[number]")),
    };
    let (month, year) = (given.exp_month.map(|it| it.0), given.exp_year.map(|it| it.0));
    Ok(Card { exp_month: month.unwrap_or(card.exp_month), exp_year: year.unwrap_or(card.exp_year), ..card })
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct BillingDetails {
    address: Option<customers::Address>,
    email: Option<String>,
    name: Option<String>,
    phone: Option<String>,
    #[serde(default, rename = "tax_id")]
    _tax_id: Ignored,
}

fn billing_details(p: Option<Params>) -> Answer<Value> {
    let given: BillingDetails = p.unwrap_or_default().read()?;
    let nowhere = json!({ "city": null, "country": null, "line1": null, "line2": null, "postal_code": null, "state": null });
    let address = given.address.and_then(customers::Address::into_json).unwrap_or(nowhere);
    Ok(
        json!({ "address": address, "email": given.email, "name": given.name, "phone": given.phone, "tax_id": null }),
    )
}

pub fn attach(w: &mut World, id: &str, mut p: Params) -> Answer {
    let customer = p.required("customer")?;
    p.finish()?;
    customers::named(w, &customer)?;
    let id = engine::attach(w, id, &customer)?;
    wire::shown(w, "payment_method", &id)
}

pub fn detach(w: &mut World, id: &str, p: Params) -> Answer {
    p.finish()?;
    engine::remove_card(w, id)?;
    wire::shown(w, "payment_method", id)
}

pub fn update(w: &mut World, id: &str, mut p: Params) -> Answer {
    let mut method =
        w.payment_methods.get(id).cloned().ok_or_else(|| Refusal::not_found("PaymentMethod", id))?;
    let before = wire::payment_method(&method);
    p.metadata(&mut method.metadata)?;
    if let Some(details) = p.map("billing_details")? {
        method.billing_details = billing_details(Some(details))?;
    }
    p.finish_but(&["card", "allow_redisplay"])?;
    let after = wire::payment_method(&method);
    w.payment_methods.put(method);
    w.emit_change("payment_method.updated", &before, after.clone());
    Ok(after)
}

pub fn list(w: &World, of: Option<&str>, mut p: Params) -> Answer {
    let paging = Paging::take(&mut p)?;
    let customer = p.word("customer")?.or(of.map(str::to_owned));
    let kind = p.word("type")?;
    p.finish_but(&["allow_redisplay"])?;
    if let Some(customer) = &customer {
        customers::named(w, customer)?;
    }
    let rows = w
        .payment_methods
        .iter()
        .rev()
        .filter(|method| method.customer.is_some() && method.customer == customer)
        .filter(|method| kind.as_ref().is_none_or(|kind| method.kind == *kind));
    let url = of.map_or("/v1/payment_methods".to_owned(), |id| format!("/v1/customers/{id}/payment_methods"));
    paging.of(&url, rows, wire::payment_method)
}
