//! Customers and their tax ids.
use super::{Answer, Paging, Params, Refusal, list::Span};
use crate::{engine, objects::*, state::World, wire};
use serde_json::{Value, json};

pub fn create(w: &mut World, mut p: Params) -> Answer {
    let mut new = Customer { tax_exempt: "none".into(), ..Customer::default() };
    let tax_ids = p.maps("tax_id_data")?.unwrap_or_default();
    let method = p.word("payment_method")?;
    new.test_clock = p.word("test_clock")?;
    if let Some(clock) = new.test_clock.as_deref().filter(|id| w.test_clocks.get(id).is_none()) {
        return Err(Refusal::no_such("test clock", clock, "test_clock"));
    }
    let wanted = fields(w, &mut p, &mut new)?;
    p.finish()?;
    let id = engine::create_customer(w, new);
    if let Some(method) = method {
        engine::attach(w, &method, &id)?;
    }
    default_card(w, &id, wanted)?;
    for data in tax_ids {
        create_tax_id(w, &id, data)?;
    }
    wire::shown(w, "customer", &id)
}

pub fn update(w: &mut World, id: &str, mut p: Params) -> Answer {
    let mut changed = alive(w, id)?.clone();
    let wanted = fields(w, &mut p, &mut changed)?;
    p.finish()?;
    let card = wanted.clone().filter(|card| !card.is_empty());
    if let Some(card) = card
        && w.payment_methods.get(&card).is_none_or(|method| method.customer.as_deref() != Some(id))
    {
        return Err(Refusal::no_such("PaymentMethod", &card, "invoice_settings[default_payment_method]"));
    }
    if let Some(card) = wanted {
        changed.default_payment_method = Some(card).filter(|card| !card.is_empty());
    }
    engine::change_customer(w, id, |customer| *customer = changed)?;
    wire::shown(w, "customer", id)
}

fn default_card(w: &mut World, id: &str, wanted: Option<String>) -> Answer<()> {
    let Some(card) = wanted.filter(|card| !card.is_empty()) else { return Ok(()) };
    let held = if card.starts_with("pm_card_") { engine::attach(w, &card, id)? } else { card };
    if w.payment_methods.get(&held).is_none_or(|method| method.customer.as_deref() != Some(id)) {
        return Err(Refusal::no_such("PaymentMethod", &held, "invoice_settings[default_payment_method]"));
    }
    engine::change_customer(w, id, |customer| customer.default_payment_method = Some(held))
}

/// Reads what create and update share into `c`; the default payment method, if it was named.
fn fields(_: &World, p: &mut Params, c: &mut Customer) -> Answer<Option<String>> {
    p.set("name", &mut c.name)?;
    p.set("phone", &mut c.phone)?;
    p.set("description", &mut c.description)?;
    email(p, c)?;
    if let Some(given) = p.map("address")? {
        c.address = address(given)?;
    }
    if let Some(given) = p.map("shipping")? {
        c.shipping = shipping(given)?;
    }
    if let Some(locales) = p.words("preferred_locales")? {
        c.preferred_locales = locales;
    }
    if let Some(balance) = p.int_in("balance", -99_999_999_999, 99_999_999_999)? {
        c.balance = balance;
    }
    if let Some(exempt) = p.choice("tax_exempt", &["none", "exempt", "reverse"])? {
        c.tax_exempt = exempt;
    }
    p.metadata(&mut c.metadata)?;
    let card = invoice_settings(p)?;
    p.ignore(&[
        "cash_balance",
        "invoice_prefix",
        "next_invoice_sequence",
        "tax",
        "source",
        "business_name",
        "individual_name",
    ]);
    Ok(card)
}

fn email(p: &mut Params, c: &mut Customer) -> Answer<()> {
    let is_given = p.has("email");
    p.set("email", &mut c.email)?;
    match c.email.as_ref().filter(|email| is_given && !email.contains('@')) {
        Some(email) => {
            let said = format!("Invalid email address: {email}");
            Err(Refusal::invalid(said).with_code("email_invalid").at("email"))
        }
        None => Ok(()),
    }
}

/// The default payment method, if it is named.
fn invoice_settings(p: &mut Params) -> Answer<Option<String>> {
    let Some(mut settings) = p.map("invoice_settings")? else { return Ok(None) };
    let card = settings.text("default_payment_method")?;
    settings.finish_but(&["custom_fields", "footer", "rendering_options"])?;
    Ok(card)
}

/// All of an address's lines, those not given as null; none if nothing is given.
pub fn address(mut p: Params) -> Answer<Option<Value>> {
    let mut whole = serde_json::Map::new();
    for line in ["city", "country", "line1", "line2", "postal_code", "state"] {
        whole.insert(line.into(), p.word(line)?.into());
    }
    p.finish()?;
    Ok(whole.values().any(Value::is_string).then_some(Value::Object(whole)))
}

fn shipping(mut p: Params) -> Answer<Option<Value>> {
    let (name, phone) = (p.word("name")?, p.word("phone")?);
    let address = p.map("address")?.map(address).transpose()?.flatten();
    p.finish()?;
    let given = name.is_some() || phone.is_some() || address.is_some();
    Ok(given.then(|| json!({ "address": address, "name": name, "phone": phone })))
}

/// A customer that a list is filtered by, deleted or not.
pub fn known(w: &World, id: Option<&str>) -> Answer<()> {
    match id.filter(|id| w.customers.get(id).is_none()) {
        Some(id) => Err(Refusal::no_such("customer", id, "customer")),
        None => Ok(()),
    }
}

pub fn alive<'w>(w: &'w World, id: &str) -> Answer<&'w Customer> {
    w.customers.get(id).filter(|customer| !customer.deleted).ok_or_else(|| Refusal::not_found("customer", id))
}

/// A customer that a parameter names.
pub fn named<'w>(w: &'w World, id: &str) -> Answer<&'w Customer> {
    let found = w.customers.get(id).filter(|customer| !customer.deleted);
    found.ok_or_else(|| Refusal::no_such("customer", id, "customer"))
}

pub fn list(w: &World, mut p: Params) -> Answer {
    let (paging, span) = (Paging::take(&mut p)?, Span::take(&mut p, "created")?);
    let (email, clock) = (p.word("email")?, p.word("test_clock")?);
    p.finish()?;
    let rows = w.customers.iter().rev().filter(|c| {
        !c.deleted
            && span.holds(c.created)
            && email.as_ref().is_none_or(|email| c.email.as_ref() == Some(email))
            && clock.as_ref().is_none_or(|clock| c.test_clock.as_ref() == Some(clock))
    });
    paging.of("/v1/customers", rows, wire::customer)
}

/// Ends every subscription at once, as Stripe does.
pub fn delete(w: &mut World, id: &str, p: Params) -> Answer {
    p.finish()?;
    let gone = wire::customer(alive(w, id)?);
    for sub in w.subscriptions.ids(|sub| sub.customer == id && sub.is_alive()) {
        engine::end(w, &sub, "cancellation_requested");
    }
    if let Some(customer) = w.customers.change(id) {
        customer.deleted = true;
        customer.default_payment_method = None;
    }
    for card in w.payment_methods.ids(|method| method.customer.as_deref() == Some(id)) {
        if let Some(method) = w.payment_methods.change(&card) {
            (method.customer, method.detached) = (None, true);
        }
    }
    w.emit("customer.deleted", gone);
    wire::shown(w, "customer", id)
}

pub fn create_tax_id(w: &mut World, customer: &str, mut p: Params) -> Answer {
    alive(w, customer)?;
    let (kind, value) = (p.required("type")?, p.required("value")?);
    p.finish()?;
    add_tax_id(w, customer, &kind, &value)
}

pub fn add_tax_id(w: &mut World, customer: &str, kind: &str, value: &str) -> Answer {
    if !TAX_ID_KINDS.contains(&kind) {
        return Err(
            Refusal::invalid(format!("Invalid type: must be one of {}", TAX_ID_KINDS.join(", "))).at("type")
        );
    }
    let country = kind.split('_').next().filter(|c| *c != "eu").map(str::to_uppercase);
    let (id, created) = (w.id("txi_"), w.now());
    let tax_id =
        TaxId { id, created, customer: customer.into(), kind: kind.into(), value: value.into(), country };
    let object = wire::tax_id(&tax_id);
    w.tax_ids.put(tax_id);
    w.emit("customer.tax_id.created", object.clone());
    Ok(object)
}

/// Those people are likely to try; Stripe has a hundred.
pub const TAX_ID_KINDS: [&str; 12] = [
    "eu_vat", "gb_vat", "ch_vat", "no_vat", "us_ein", "ca_bn", "au_abn", "nz_gst", "in_gst", "jp_cn",
    "br_cnpj", "sg_gst",
];

pub fn list_tax_ids(w: &World, customer: &str, mut p: Params) -> Answer {
    let paging = Paging::take(&mut p)?;
    p.finish()?;
    alive(w, customer)?;
    let rows = w.tax_ids.iter().rev().filter(|tax_id| tax_id.customer == customer);
    paging.of(&format!("/v1/customers/{customer}/tax_ids"), rows, wire::tax_id)
}

pub fn retrieve_tax_id(w: &World, customer: &str, id: &str, p: Params) -> Answer {
    p.finish()?;
    let found = w.tax_ids.get(id).filter(|tax_id| tax_id.customer == customer);
    found.map(wire::tax_id).ok_or_else(|| Refusal::not_found("tax id", id))
}

pub fn delete_tax_id(w: &mut World, customer: &str, id: &str, p: Params) -> Answer {
    let gone = retrieve_tax_id(w, customer, id, p)?;
    w.tax_ids.remove(id);
    w.emit("customer.tax_id.deleted", gone);
    Ok(json!({ "id": id, "object": "tax_id", "deleted": true }))
}
