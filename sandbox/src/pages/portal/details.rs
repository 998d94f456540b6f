//! Billing details: only what the configuration lets people change. Tax IDs stand below.
use super::{
    Next,
    home::flash,
    visit::{Shell, Visit, only_if},
};
use crate::{
    api, engine,
    pages::{Form, Wrong, form::status, html},
    params::Params,
    refusal::{Answer, Refusal},
    reply::Reply,
    state::World,
};
use askama::Template;
use serde_json::json;

#[derive(Template)]
#[template(path = "portal/details.html")]
struct Details {
    shell: Shell,
    fields: Vec<Field>,
    country: Option<Vec<(&'static str, &'static str, bool)>>,
    tax: Option<Tax>,
    home: bool,
    wrong: Wrong,
}

struct Field {
    name: &'static str,
    label: &'static str,
    kind: &'static str,
    autocomplete: &'static str,
    value: String,
    /// Short enough for three in a row.
    third: bool,
}

struct Tax {
    /// Id, kind in words and the number itself.
    held: Vec<(String, &'static str, String)>,
    kinds: Vec<(&'static str, &'static str, bool)>,
    value: String,
}

/// Field, label, type and `autocomplete`.
type Row = (&'static str, &'static str, &'static str, &'static str);

/// Fields a mistake can be about.
const NAMES: [&str; 11] =
    ["name", "email", "phone", "line1", "line2", "postal_code", "city", "state", "country", "type", "value"];
/// What `allowed_updates` names one by one.
const PLAIN: [Row; 3] = [
    ("name", "Name", "text", "organization"),
    ("email", "E-mail for receipts", "email", "email"),
    ("phone", "Phone", "tel", "tel"),
];
const ADDRESS: [Row; 5] = [
    ("line1", "Address", "text", "address-line1"),
    ("line2", "Address, second line", "text", "address-line2"),
    ("postal_code", "Postal code", "text", "postal-code"),
    ("city", "City", "text", "address-level2"),
    ("state", "State or province", "text", "address-level1"),
];
const COUNTRIES: [(&str, &str); 24] = [
    ("AU", "Australia"),
    ("AT", "Austria"),
    ("BE", "Belgium"),
    ("BR", "Brazil"),
    ("CA", "Canada"),
    ("DK", "Denmark"),
    ("FI", "Finland"),
    ("FR", "France"),
    ("DE", "Germany"),
    ("IN", "India"),
    ("IE", "Ireland"),
    ("IT", "Italy"),
    ("JP", "Japan"),
    ("LU", "Luxembourg"),
    ("NL", "Netherlands"),
    ("NZ", "New Zealand"),
    ("NO", "Norway"),
    ("PT", "Portugal"),
    ("SG", "Singapore"),
    ("ES", "Spain"),
    ("SE", "Sweden"),
    ("CH", "Switzerland"),
    ("GB", "United Kingdom"),
    ("US", "United States"),
];

fn allowed(v: &Visit, what: &str) -> bool {
    v.features().customer_update && v.features().customer_allowed_updates.iter().any(|it| it == what)
}

pub fn show(w: &World, v: &Visit, form: &Form, refusal: Option<&Refusal>) -> Answer<Reply> {
    only_if(v.features().customer_update)?;
    let value = |name: &str| if form.has(name) { form.get(name).to_owned() } else { held(v, name) };
    let plain = PLAIN.iter().filter(|(name, ..)| allowed(v, name));
    let address = ADDRESS.iter().filter(|_| allowed(v, "address"));
    let field = |&(name, label, kind, autocomplete): &Row| {
        let third = matches!(name, "postal_code" | "city" | "state");
        Field { name, label, kind, autocomplete, value: value(name), third }
    };
    let country = value("country");
    let countries = || COUNTRIES.iter().map(|&(code, name)| (code, name, code == country)).collect();
    let page = Details {
        shell: Shell { flash: flash(form.get("done")), ..v.shell("/p/details") },
        fields: plain.chain(address).map(field).collect(),
        country: allowed(v, "address").then(countries),
        tax: allowed(v, "tax_id").then(|| tax(w, v, form)),
        home: v.flow().is_none(),
        wrong: Wrong::with(refusal, &NAMES),
    };
    Ok(html(status(refusal), &page, &v.leads_to()))
}

/// What the customer has now.
fn held(v: &Visit, name: &str) -> String {
    let c = &v.customer;
    let line = || c.address.as_ref().and_then(|it| it[name].as_str()).map(str::to_owned);
    let held = match name {
        "name" => c.name.clone(),
        "email" => c.email.clone(),
        "phone" => c.phone.clone(),
        _ => line(),
    };
    held.unwrap_or_default()
}

pub fn save(w: &mut World, v: &Visit, form: &Form) -> Answer<Next> {
    only_if(v.features().customer_update)?;
    let (name, email) = (form.short("name", "Name", 150)?, form.email("email")?);
    let phone = form.short("phone", "Phone", 30)?;
    let address = address(form)?;
    let may = |what: &str| allowed(v, what);
    if may("email") && form.has("email") && email.is_none() && v.customer.email.is_some() {
        return Err(Refusal::invalid("Receipts need an e-mail address to go to.").at("email"));
    }
    engine::change_customer(w, &v.customer.id, |c| {
        if may("name") && form.has("name") {
            c.name = name;
        }
        if may("email") && form.has("email") {
            c.email = email;
        }
        if may("phone") && form.has("phone") {
            c.phone = phone;
        }
        if may("address") && form.has("line1") {
            c.address = address;
        }
    })?;
    Ok(Next::Done("/p/details?done=details"))
}

/// None where every line is empty.
fn address(form: &Form) -> Answer<Option<serde_json::Value>> {
    let mut whole = json!({ "city": null, "country": null, "line1": null, "line2": null, "postal_code": null, "state": null });
    for (name, label, ..) in ADDRESS {
        whole[name] = json!(form.short(name, label, 200)?);
    }
    let country = form.word("country");
    if country.as_ref().is_some_and(|code| COUNTRIES.iter().all(|(known, _)| known != code)) {
        return Err(Refusal::invalid("Choose a country from the list.").at("country"));
    }
    whole["country"] = json!(country);
    let empty = whole.as_object().is_none_or(|lines| lines.values().all(serde_json::Value::is_null));
    Ok(Some(whole).filter(|_| !empty))
}

fn kind_words(kind: &str) -> &'static str {
    match kind {
        "eu_vat" => "EU VAT number",
        "gb_vat" => "UK VAT number",
        "ch_vat" => "Swiss VAT number",
        "no_vat" => "Norwegian VAT number",
        "us_ein" => "US EIN",
        "ca_bn" => "Canadian BN",
        "au_abn" => "Australian ABN",
        "nz_gst" => "New Zealand GST number",
        "in_gst" => "Indian GSTIN",
        "jp_cn" => "Japanese corporate number",
        "br_cnpj" => "Brazilian CNPJ",
        "sg_gst" => "Singapore GST number",
        _ => "Tax ID",
    }
}

fn tax(w: &World, v: &Visit, form: &Form) -> Tax {
    let own = w.tax_ids.iter().filter(|it| it.customer == v.customer.id);
    let kinds = api::TAX_ID_KINDS.iter().map(|&kind| (kind, kind_words(kind), form.get("type") == kind));
    Tax {
        held: own.map(|it| (it.id.clone(), kind_words(&it.kind), it.value.clone())).collect(),
        kinds: kinds.collect(),
        value: form.get("value").to_owned(),
    }
}

pub fn add_tax_id(w: &mut World, v: &Visit, form: &Form) -> Answer<Next> {
    only_if(allowed(v, "tax_id"))?;
    let value = form.short("value", "Number", 50)?;
    let value = value.ok_or_else(|| Refusal::invalid("Type the number.").at("value"))?;
    api::add_tax_id(w, &v.customer.id, form.get("type"), &value)?;
    Ok(Next::To("/p/details?done=tax"))
}

pub fn remove_tax_id(w: &mut World, v: &Visit, id: &str) -> Answer<Next> {
    only_if(allowed(v, "tax_id"))?;
    api::delete_tax_id(w, &v.customer.id, id, Params::default())?;
    Ok(Next::To("/p/details?done=tax"))
}
