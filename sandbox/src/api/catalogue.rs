//! Products and prices.
use super::{Answer, Paging, Params, Refusal, list::Span};
use crate::{
    objects::*,
    state::{Every, World},
    wire,
};
use serde_json::json;

pub fn create_product(w: &mut World, mut p: Params) -> Answer {
    let (id, now) = (p.word("id")?, w.now());
    let mut product =
        Product { created: now, updated: now, active: true, name: p.required("name")?, ..Product::default() };
    product.id = id.unwrap_or_else(|| w.id("prod_"));
    if w.products.get(&product.id).is_some() {
        return Err(Refusal::invalid("Product already exists.")
            .with_code("resource_already_exists")
            .at("id"));
    }
    let price = p.map("default_price_data")?;
    product_fields(&mut p, &mut product)?;
    p.finish_but(&["shippable", "package_dimensions", "tax_details", "type"])?;
    let id = product.id.clone();
    w.emit("product.created", wire::product(&product));
    w.products.put(product);
    if let Some(price) = price {
        let made = create_price_of(w, price, Some(id.clone()))?;
        let default = made["id"].as_str().map(str::to_owned);
        if let Some(product) = w.products.change(&id) {
            product.default_price = default;
        }
    }
    wire::shown(w, "product", &id)
}

pub fn update_product(w: &mut World, id: &str, mut p: Params) -> Answer {
    let mut product = w.products.get(id).cloned().ok_or_else(|| Refusal::not_found("product", id))?;
    let before = wire::product(&product);
    product.name = p.word("name")?.unwrap_or(product.name);
    product_fields(&mut p, &mut product)?;
    if let Some(price) = p.text("default_price")? {
        if w.prices.get(&price).is_none() && !price.is_empty() {
            return Err(Refusal::no_such("price", &price, "default_price"));
        }
        product.default_price = Some(price).filter(|price| !price.is_empty());
    }
    p.finish_but(&["shippable", "package_dimensions", "tax_details"])?;
    product.updated = w.now();
    w.products.put(product);
    let after = wire::shown(w, "product", id)?;
    w.emit_change("product.updated", &before, after.clone());
    Ok(after)
}

fn product_fields(p: &mut Params, product: &mut Product) -> Answer<()> {
    for (name, into) in [
        ("description", &mut product.description),
        ("statement_descriptor", &mut product.statement_descriptor),
        ("tax_code", &mut product.tax_code),
        ("unit_label", &mut product.unit_label),
        ("url", &mut product.url),
    ] {
        if let Some(text) = p.text(name)? {
            *into = Some(text).filter(|text| !text.is_empty());
        }
    }
    product.active = p.flag("active")?.unwrap_or(product.active);
    if let Some(images) = p.words("images")? {
        product.images = images;
    }
    if p.has("marketing_features") {
        product.marketing_features.clear();
        for mut feature in p.maps("marketing_features")?.unwrap_or_default() {
            product.marketing_features.push(feature.required("name")?);
            feature.finish()?;
        }
    }
    p.metadata(&mut product.metadata)
}

pub fn list_products(w: &World, mut p: Params) -> Answer {
    let (paging, span) = (Paging::take(&mut p)?, Span::take(&mut p, "created")?);
    let (active, ids) = (p.flag("active")?, p.words("ids")?);
    p.finish_but(&["shippable", "url"])?;
    let rows = w.products.iter().rev().filter(|product| {
        span.holds(product.created)
            && active.is_none_or(|active| active == product.active)
            && ids.as_ref().is_none_or(|ids| ids.contains(&product.id))
    });
    paging.of("/v1/products", rows, wire::product)
}

pub fn delete_product(w: &mut World, id: &str, p: Params) -> Answer {
    p.finish()?;
    let gone = wire::shown(w, "product", id)?;
    if w.prices.iter().any(|price| price.product == id) {
        return Err(Refusal::invalid(
            "This product cannot be deleted because it has one or more user-created prices.",
        ));
    }
    w.products.remove(id);
    w.emit("product.deleted", gone);
    Ok(json!({ "id": id, "object": "product", "deleted": true }))
}

pub fn create_price(w: &mut World, p: Params) -> Answer {
    create_price_of(w, p, None)
}

fn create_price_of(w: &mut World, mut p: Params, product: Option<String>) -> Answer {
    let currency = p.required("currency")?.to_lowercase();
    let unit_amount = match (p.int_in("unit_amount", 0, 99_999_999)?, p.decimal("unit_amount_decimal")?) {
        (Some(amount), _) => amount,
        (None, Some(amount)) if amount.fract() == 0.0 => amount as i64,
        _ => return Err(p.missing("unit_amount")),
    };
    let recurring = p.map("recurring")?.map(every).transpose()?;
    let product = match (product, p.word("product")?, p.map("product_data")?) {
        (Some(product), ..) | (None, Some(product), _) => product,
        (None, None, Some(data)) => create_product(w, data)?["id"].as_str().unwrap_or_default().to_owned(),
        _ => return Err(p.missing("product")),
    };
    if w.products.get(&product).is_none() {
        return Err(Refusal::no_such("product", &product, "product"));
    }
    let (lookup_key, transfer) = (p.word("lookup_key")?, p.flag("transfer_lookup_key")?.unwrap_or(false));
    let mut price = Price {
        id: w.id("price_"),
        created: w.now(),
        active: p.flag("active")?.unwrap_or(true),
        product,
        currency,
        unit_amount,
        recurring,
        lookup_key: None,
        nickname: p.word("nickname")?,
        tax_behavior: tax_behavior(&mut p)?.unwrap_or_else(|| "unspecified".into()),
        metadata: Metadata::default(),
    };
    p.metadata(&mut price.metadata)?;
    price.lookup_key = claim(w, lookup_key, transfer)?;
    p.choice("billing_scheme", &["per_unit"])?;
    p.finish_but(&["currency_options"])?;
    let object = wire::price(&price);
    w.prices.put(price);
    w.emit("price.created", object.clone());
    Ok(object)
}

fn every(mut p: Params) -> Answer<Every> {
    let interval =
        p.choice("interval", &["day", "week", "month", "year"])?.ok_or_else(|| p.missing("interval"))?;
    let most = if interval == "year" { 3 } else { 156 };
    let count = p.int_in("interval_count", 1, most)?.unwrap_or(1);
    p.choice("usage_type", &["licensed"])?; // metered prices have no place in this sandbox yet
    p.finish_but(&["trial_period_days"])?;
    Ok(Every { interval, count })
}

fn tax_behavior(p: &mut Params) -> Answer<Option<String>> {
    p.choice("tax_behavior", &["inclusive", "exclusive", "unspecified"])
}

/// A lookup key belongs to one active price; it is taken from another only if that was asked for.
fn claim(w: &mut World, key: Option<String>, transfer: bool) -> Answer<Option<String>> {
    let Some(key) = key else { return Ok(None) };
    for id in w.prices.ids(|price| price.lookup_key.as_deref() == Some(&key)) {
        if !transfer {
            let said = format!("A price (`{id}`) already uses that lookup key.");
            return Err(Refusal::invalid(said).at("lookup_key"));
        }
        if let Some(price) = w.prices.change(&id) {
            price.lookup_key = None;
        }
    }
    Ok(Some(key))
}

pub fn update_price(w: &mut World, id: &str, mut p: Params) -> Answer {
    let mut price = w.prices.get(id).cloned().ok_or_else(|| Refusal::not_found("price", id))?;
    let before = wire::price(&price);
    price.active = p.flag("active")?.unwrap_or(price.active);
    p.set("nickname", &mut price.nickname)?;
    price.tax_behavior = tax_behavior(&mut p)?.unwrap_or(price.tax_behavior);
    p.metadata(&mut price.metadata)?;
    let (key, transfer) = (p.text("lookup_key")?, p.flag("transfer_lookup_key")?.unwrap_or(false));
    p.finish_but(&["currency_options"])?;
    if let Some(key) = key.filter(|key| price.lookup_key.as_deref() != Some(key)) {
        price.lookup_key = claim(w, Some(key).filter(|key| !key.is_empty()), transfer)?;
    }
    w.prices.put(price);
    let after = wire::shown(w, "price", id)?;
    w.emit_change("price.updated", &before, after.clone());
    Ok(after)
}

pub fn list_prices(w: &World, mut p: Params) -> Answer {
    let (paging, span) = (Paging::take(&mut p)?, Span::take(&mut p, "created")?);
    let (active, product, keys) = (p.flag("active")?, p.word("product")?, p.words("lookup_keys")?);
    let (kind, currency) = (p.choice("type", &["one_time", "recurring"])?, p.word("currency")?);
    p.finish_but(&["recurring"])?;
    let has_key =
        |price: &Price, keys: &[String]| price.lookup_key.as_ref().is_some_and(|key| keys.contains(key));
    let rows = w.prices.iter().rev().filter(|price| {
        span.holds(price.created)
            && active.is_none_or(|active| active == price.active)
            && product.as_ref().is_none_or(|product| *product == price.product)
            && currency.as_ref().is_none_or(|currency| *currency == price.currency)
            && kind.as_ref().is_none_or(|kind| (kind == "recurring") == price.recurring.is_some())
            && keys.as_ref().is_none_or(|keys| has_key(price, keys))
    });
    paging.of("/v1/prices", rows, wire::price)
}
