//! Customers, their balance and their tax ids.
use super::{Answer, Params, Refusal};
use crate::{
    engine::{self, Why},
    money,
    objects::*,
    params::{Given, Ignored, Int, Patch, words},
    state::World,
    wire,
};
use serde::Deserialize;
use serde_json::{Value, json};

words! { TaxExempt: "none" | "exempt" | "reverse"; }

/// More than anybody owes.
type Balance = Int<-99_999_999_999, 99_999_999_999>;

/// What a new customer may say and a change of one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    #[serde(default)]
    name: Patch<String>,
    #[serde(default)]
    email: Patch<String>,
    #[serde(default)]
    phone: Patch<String>,
    #[serde(default)]
    description: Patch<String>,
    #[serde(default)]
    address: Patch<Address>,
    #[serde(default)]
    shipping: Patch<Shipping>,
    #[serde(default)]
    preferred_locales: Patch<Vec<String>>,
    balance: Option<Balance>,
    tax_exempt: Option<TaxExempt>,
    invoice_settings: Option<InvoiceSettings>,
    #[serde(default)]
    metadata: Given,
    /// Of a new customer only.
    payment_method: Option<String>,
    test_clock: Option<String>,
    #[serde(default)]
    tax_id_data: Vec<NewTaxId>,
    /// As the Dashboard gives a customer a discount; the API did until 2025.
    #[serde(default)]
    coupon: Patch<String>,
    #[serde(default)]
    promotion_code: Patch<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Address {
    city: Option<String>,
    country: Option<String>,
    line1: Option<String>,
    line2: Option<String>,
    postal_code: Option<String>,
    state: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shipping {
    name: Option<String>,
    phone: Option<String>,
    address: Option<Address>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InvoiceSettings {
    #[serde(default)]
    default_payment_method: Patch<String>,
    #[serde(default, rename = "custom_fields")]
    _custom_fields: Ignored,
    #[serde(default, rename = "footer")]
    _footer: Ignored,
    #[serde(default, rename = "rendering_options")]
    _rendering_options: Ignored,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTaxId {
    #[serde(rename = "type")]
    kind: String,
    value: String,
}

const WITHOUT_EFFECT: &[&str] = &[
    "cash_balance",
    "invoice_prefix",
    "next_invoice_sequence",
    "tax",
    "source",
    "business_name",
    "individual_name",
];

pub fn create(w: &mut World, p: Params) -> Answer {
    let mut fields: Fields = p.read_but(WITHOUT_EFFECT)?;
    let mut new =
        Customer { tax_exempt: "none".into(), test_clock: fields.test_clock.take(), ..Customer::default() };
    if let Some(clock) = new.test_clock.as_deref().filter(|id| w.test_clocks.get(id).is_none()) {
        return Err(Refusal::no_such("test clock", clock, "test_clock"));
    }
    let (method, tax_ids) = (fields.payment_method.take(), std::mem::take(&mut fields.tax_id_data));
    let after = fields.into(&mut new)?;
    let id = engine::create_customer(w, new);
    if let Some(method) = method {
        engine::attach(w, &method, &id)?;
    }
    after.apply(w, &id, "initial")?;
    for NewTaxId { kind, value } in tax_ids {
        add_tax_id(w, &id, &kind, &value)?;
    }
    wire::shown(w, "customer", &id)
}

pub fn update(w: &mut World, id: &str, p: Params) -> Answer {
    let fields: Fields = p.read_but(WITHOUT_EFFECT)?;
    let mut changed = alive(w, id)?.clone();
    let only_new = [
        ("payment_method", fields.payment_method.is_some()),
        ("test_clock", fields.test_clock.is_some()),
        ("tax_id_data", !fields.tax_id_data.is_empty()),
    ];
    if let Some((name, _)) = only_new.iter().find(|(_, given)| *given) {
        return Err(Refusal::unknown(name));
    }
    let after = fields.into(&mut changed)?;
    engine::change_customer(w, id, |customer| *customer = changed)?;
    after.apply(w, id, "adjustment")?;
    wire::shown(w, "customer", id)
}

/// What takes more than writing a field.
struct After {
    card: Patch<String>,
    balance: Option<i64>,
    coupon: Patch<String>,
    promotion_code: Patch<String>,
}

impl Fields {
    fn into(self, c: &mut Customer) -> Answer<After> {
        if let Patch::Set(email) = &self.email
            && !email.contains('@')
        {
            let said = format!("Invalid email address: {email}");
            return Err(Refusal::invalid(said).with_code("email_invalid").at("email"));
        }
        self.name.apply(&mut c.name);
        self.email.apply(&mut c.email);
        self.phone.apply(&mut c.phone);
        self.description.apply(&mut c.description);
        self.address.map(Address::into_json).apply_flat(&mut c.address);
        self.shipping.map(Shipping::into_json).apply_flat(&mut c.shipping);
        if self.preferred_locales.is_given() {
            c.preferred_locales = self.preferred_locales.into_option().unwrap_or_default();
        }
        c.tax_exempt = self.tax_exempt.map_or(std::mem::take(&mut c.tax_exempt), |it| it.0);
        self.metadata.merge(&mut c.metadata)?;
        Ok(After {
            card: self.invoice_settings.map(|settings| settings.default_payment_method).unwrap_or_default(),
            balance: self.balance.map(|balance| balance.0),
            coupon: self.coupon,
            promotion_code: self.promotion_code,
        })
    }
}

impl After {
    fn apply(self, w: &mut World, id: &str, kind: &'static str) -> Answer<()> {
        match self.card {
            Patch::Keep => {}
            Patch::Clear => {
                engine::change_customer(w, id, |customer| customer.default_payment_method = None)?
            }
            Patch::Set(card) => default_card(w, id, card)?,
        }
        if let Some(balance) = self.balance {
            let by = balance - alive(w, id)?.balance;
            engine::move_balance(w, id, by, Why { kind, ..Why::default() });
        }
        match (self.coupon, self.promotion_code) {
            (Patch::Clear, _) | (_, Patch::Clear) => engine::remove_customer_discount(w, id),
            (Patch::Set(coupon), _) => engine::discount_customer(w, id, &coupon, None),
            (_, Patch::Set(code)) => {
                let known = w.promotion_codes.get(&code).cloned();
                let known =
                    known.ok_or_else(|| Refusal::no_such("promotion code", &code, "promotion_code"))?;
                engine::code_is_usable(w, &known, Some(id))?;
                engine::discount_customer(w, id, &known.coupon, Some(&code))
            }
            (Patch::Keep, Patch::Keep) => Ok(()),
        }
    }
}

fn default_card(w: &mut World, id: &str, card: String) -> Answer<()> {
    let held = if card.starts_with("pm_card_") { engine::attach(w, &card, id)? } else { card };
    if w.payment_methods.get(&held).is_none_or(|method| method.customer.as_deref() != Some(id)) {
        return Err(Refusal::no_such("PaymentMethod", &held, "invoice_settings[default_payment_method]"));
    }
    engine::change_customer(w, id, |customer| customer.default_payment_method = Some(held))
}

impl Address {
    /// All of its lines, those not given as null; none if nothing is given.
    pub fn into_json(self) -> Option<Value> {
        let whole = json!({ "city": self.city, "country": self.country, "line1": self.line1, "line2": self.line2,
            "postal_code": self.postal_code, "state": self.state });
        let given = whole.as_object().is_some_and(|lines| lines.values().any(Value::is_string));
        given.then_some(whole)
    }
}

impl Shipping {
    fn into_json(self) -> Option<Value> {
        let address = self.address.and_then(Address::into_json);
        let given = self.name.is_some() || self.phone.is_some() || address.is_some();
        given.then(|| json!({ "address": address, "name": self.name, "phone": self.phone }))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewBalance {
    amount: Balance,
    currency: String,
    description: Option<String>,
    #[serde(default)]
    metadata: Given,
}

pub fn create_balance_transaction(w: &mut World, customer: &str, p: Params) -> Answer {
    let new: NewBalance = p.read()?;
    let currency = money::currency(&new.currency, "currency")?;
    alive(w, customer)?;
    engine::fits_currency(w, customer, &currency)?;
    let (description, metadata) = (new.description, new.metadata.fresh()?);
    if let Some(customer) = w.customers.change(customer) {
        customer.currency = Some(currency);
    }
    let why = Why { kind: "adjustment", description, metadata, ..Why::default() };
    let made = engine::move_balance(w, customer, new.amount.0, why);
    let made = made.ok_or_else(|| Refusal::invalid("The amount must not be 0.").at("amount"))?;
    wire::shown(w, "customer_balance_transaction", &made)
}

pub fn retrieve_balance_transaction(w: &World, customer: &str, id: &str, p: Params) -> Answer {
    p.finish()?;
    let found = w.balance_transactions.get(id).filter(|it| it.customer == customer);
    found.map(wire::balance_transaction).ok_or_else(|| Refusal::not_found("customer balance transaction", id))
}

pub fn delete_discount(w: &mut World, customer: &str, p: Params) -> Answer {
    p.finish()?;
    let discount = alive(w, customer)?.discount.clone();
    let discount = discount.ok_or_else(|| Refusal::not_found("discount", customer))?;
    engine::remove_customer_discount(w, customer)?;
    Ok(wire::deleted_discount(&discount))
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

pub fn create_tax_id(w: &mut World, customer: &str, p: Params) -> Answer {
    let NewTaxId { kind, value } = p.read()?;
    alive(w, customer)?;
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

pub fn retrieve_tax_id(w: &World, customer: &str, id: &str, p: Params) -> Answer {
    p.finish()?;
    let found = w.tax_ids.get(id).filter(|tax_id| tax_id.customer == customer);
    found.map(wire::tax_id).ok_or_else(|| Refusal::not_found("tax id", id))
}

pub fn delete_tax_id(w: &mut World, customer: &str, id: &str, p: Params) -> Answer {
    let gone = retrieve_tax_id(w, customer, id, p)?;
    w.tax_ids.remove(id);
    w.emit("customer.tax_id.deleted", gone);
    Ok(wire::deleted(id, "tax_id"))
}
