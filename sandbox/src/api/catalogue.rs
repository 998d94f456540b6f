//! Products and prices.
use super::{Answer, Params, Refusal};
use crate::{
    money,
    objects::*,
    params::{Given, Ignored, Int, Patch, words},
    state::{Every, World},
    wire,
};
use serde::Deserialize;

words! {
    Interval: "day" | "week" | "month" | "year";
    TaxBehavior: "inclusive" | "exclusive" | "unspecified";
    Scheme: "per_unit" | "tiered";
    TiersMode: "graduated" | "volume";
    // Metered prices have no place in this sandbox yet.
    Usage: "licensed";
    Round: "up" | "down";
}

/// What a new product may say and a change of one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductFields {
    id: Option<String>,
    name: Option<String>,
    active: Option<bool>,
    #[serde(default)]
    description: Patch<String>,
    #[serde(default)]
    statement_descriptor: Patch<String>,
    #[serde(default)]
    tax_code: Patch<String>,
    #[serde(default)]
    unit_label: Patch<String>,
    #[serde(default)]
    url: Patch<String>,
    #[serde(default)]
    images: Patch<Vec<String>>,
    #[serde(default)]
    marketing_features: Patch<Vec<Feature>>,
    #[serde(default)]
    default_price: Patch<String>,
    default_price_data: Option<Box<NewPrice>>,
    #[serde(default)]
    metadata: Given,
    #[serde(default, rename = "shippable")]
    _shippable: Ignored,
    #[serde(default, rename = "package_dimensions")]
    _package_dimensions: Ignored,
    #[serde(default, rename = "tax_details")]
    _tax_details: Ignored,
    #[serde(default, rename = "type")]
    _kind: Ignored,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Feature {
    name: String,
}

pub fn create_product(w: &mut World, p: Params) -> Answer {
    let fields = p.read()?;
    make_product(w, fields)
}

fn make_product(w: &mut World, mut fields: ProductFields) -> Answer {
    let now = w.now();
    let mut product = Product { created: now, updated: now, active: true, ..Product::default() };
    product.id = fields.id.take().unwrap_or_else(|| w.id("prod_"));
    product.name = fields.name.take().ok_or_else(|| Refusal::missing("name"))?;
    if w.products.get(&product.id).is_some() {
        return Err(Refusal::invalid("Product already exists.")
            .with_code("resource_already_exists")
            .at("id"));
    }
    let price = fields.default_price_data.take();
    fields.into(&mut product)?;
    let id = product.id.clone();
    w.emit("product.created", wire::product(&product));
    w.products.put(product);
    if let Some(price) = price {
        let made = make_price(w, *price, Some(id.clone()))?;
        let default = made["id"].as_str().map(str::to_owned);
        if let Some(product) = w.products.change(&id) {
            product.default_price = default;
        }
    }
    wire::shown(w, "product", &id)
}

pub fn update_product(w: &mut World, id: &str, p: Params) -> Answer {
    let fields: ProductFields = p.read()?;
    let mut product = w.products.get(id).cloned().ok_or_else(|| Refusal::not_found("product", id))?;
    let before = wire::product(&product);
    if let Patch::Set(price) = &fields.default_price
        && w.prices.get(price).is_none()
    {
        return Err(Refusal::no_such("price", price, "default_price"));
    }
    fields.into(&mut product)?;
    product.updated = w.now();
    w.products.put(product);
    let after = wire::shown(w, "product", id)?;
    w.emit_change("product.updated", &before, after.clone());
    Ok(after)
}

impl ProductFields {
    fn into(self, product: &mut Product) -> Answer<()> {
        product.name = self.name.unwrap_or(std::mem::take(&mut product.name));
        product.active = self.active.unwrap_or(product.active);
        self.description.apply(&mut product.description);
        self.statement_descriptor.apply(&mut product.statement_descriptor);
        self.tax_code.apply(&mut product.tax_code);
        self.unit_label.apply(&mut product.unit_label);
        self.url.apply(&mut product.url);
        self.default_price.apply(&mut product.default_price);
        if self.images.is_given() {
            product.images = self.images.into_option().unwrap_or_default();
        }
        if self.marketing_features.is_given() {
            let features = self.marketing_features.into_option().unwrap_or_default();
            product.marketing_features = features.into_iter().map(|feature| feature.name).collect();
        }
        self.metadata.merge(&mut product.metadata)
    }
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
    Ok(wire::deleted(id, "product"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPrice {
    currency: String,
    unit_amount: Option<Int<0, 99_999_999>>,
    unit_amount_decimal: Option<String>,
    billing_scheme: Option<Scheme>,
    tiers_mode: Option<TiersMode>,
    #[serde(default)]
    tiers: Vec<NewTier>,
    transform_quantity: Option<Transform>,
    recurring: Option<Recurring>,
    product: Option<String>,
    product_data: Option<ProductFields>,
    lookup_key: Option<String>,
    transfer_lookup_key: Option<bool>,
    active: Option<bool>,
    nickname: Option<String>,
    tax_behavior: Option<TaxBehavior>,
    #[serde(default)]
    metadata: Given,
    #[serde(default, rename = "currency_options")]
    _currency_options: Ignored,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTier {
    up_to: String,
    unit_amount: Option<Int<0, 99_999_999>>,
    unit_amount_decimal: Option<String>,
    flat_amount: Option<Int<0, 99_999_999>>,
    flat_amount_decimal: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Transform {
    divide_by: Int<1, 1_000_000>,
    round: Round,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recurring {
    interval: Interval,
    interval_count: Option<Int<1, 1095>>,
    #[serde(rename = "usage_type")]
    _usage_type: Option<Usage>,
    #[serde(default, rename = "trial_period_days")]
    _trial_period_days: Ignored,
}

pub fn create_price(w: &mut World, p: Params) -> Answer {
    let new = p.read()?;
    make_price(w, new, None)
}

fn make_price(w: &mut World, new: NewPrice, product: Option<String>) -> Answer {
    let currency = money::currency(&new.currency, "currency")?;
    let (tiers, tiers_mode) = tiers_of(&new)?;
    let (unit_amount, unit_amount_decimal) = match tiers.is_empty() {
        true => amount(new.unit_amount, new.unit_amount_decimal, "unit_amount")?
            .ok_or_else(|| Refusal::missing("unit_amount"))?,
        false => (None, None),
    };
    let product = match (product, new.product, new.product_data) {
        (Some(product), ..) | (None, Some(product), _) => product,
        (None, None, Some(data)) => make_product(w, data)?["id"].as_str().unwrap_or_default().to_owned(),
        _ => return Err(Refusal::missing("product")),
    };
    if w.products.get(&product).is_none() {
        return Err(Refusal::no_such("product", &product, "product"));
    }
    let price = Price {
        id: w.id("price_"),
        created: w.now(),
        active: new.active.unwrap_or(true),
        product,
        currency,
        unit_amount,
        unit_amount_decimal,
        tiers,
        tiers_mode,
        packages: new.transform_quantity.map(|it| (it.divide_by.0, it.round.0)),
        recurring: new.recurring.map(every).transpose()?,
        lookup_key: claim(w, new.lookup_key, new.transfer_lookup_key.unwrap_or(false))?,
        nickname: new.nickname,
        tax_behavior: new.tax_behavior.map_or_else(|| "unspecified".into(), |it| it.0),
        metadata: new.metadata.fresh()?,
    };
    let object = wire::price(&price);
    w.prices.put(price);
    w.emit("price.created", object.clone());
    Ok(object)
}

/// Whole minor units, or with a fraction.
type Amount = (Option<i64>, Option<String>);

fn amount<const M: i64>(
    whole: Option<Int<0, M>>,
    decimal: Option<String>,
    param: &str,
) -> Answer<Option<Amount>> {
    let decimal = match (whole, decimal) {
        (Some(amount), _) => return Ok(Some((Some(amount.0), None))),
        (None, None) => return Ok(None),
        (None, Some(decimal)) => decimal,
    };
    let shown: String = decimal.chars().take(100).collect();
    let broken = || Refusal::invalid(format!("Invalid decimal: {shown}")).at(format!("{param}_decimal"));
    parts(&decimal).ok_or_else(broken)?;
    let whole = decimal
        .split_once('.')
        .map_or(Some(decimal.as_str()), |(whole, rest)| rest.chars().all(|c| c == '0').then_some(whole));
    Ok(Some(match whole.and_then(|whole| whole.parse().ok()) {
        Some(whole) => (Some(whole), None),
        None => (None, Some(decimal)),
    }))
}

fn tiers_of(new: &NewPrice) -> Answer<(Vec<Tier>, Option<String>)> {
    let tiered = new.billing_scheme.as_ref().is_some_and(|scheme| scheme.0 == "tiered");
    if !tiered {
        let given = if new.tiers.is_empty() { "tiers_mode" } else { "tiers" };
        return match new.tiers.is_empty() && new.tiers_mode.is_none() {
            true => Ok((Vec::new(), None)),
            false => Err(Refusal::invalid(format!(
                "You cannot specify `{given}` unless `billing_scheme` is `tiered`."
            ))
            .at(given)),
        };
    }
    if new.unit_amount.is_some() || new.unit_amount_decimal.is_some() {
        let said = "You cannot specify `unit_amount` when `billing_scheme` is `tiered`.";
        return Err(Refusal::invalid(said).at("unit_amount"));
    }
    let mode = new.tiers_mode.as_ref().ok_or_else(|| Refusal::missing("tiers_mode"))?;
    let (mut tiers, mut below) = (Vec::new(), 0);
    for (n, tier) in new.tiers.iter().enumerate() {
        tiers.push(tier_of(tier, n, below, n + 1 == new.tiers.len())?);
        below = tiers[n].up_to.unwrap_or(below);
    }
    match tiers.is_empty() {
        true => Err(Refusal::missing("tiers")),
        false => Ok((tiers, Some(mode.0.clone()))),
    }
}

fn tier_of(tier: &NewTier, n: usize, below: i64, is_last: bool) -> Answer<Tier> {
    let at = format!("tiers[{n}]");
    let bound = tier.up_to.parse::<i64>().ok();
    if is_last != (tier.up_to == "inf") || (!is_last && bound.is_none_or(|up_to| up_to <= below)) {
        let said = "Tiers need bounds that rise, and `inf` as the `up_to` of the last one.";
        return Err(Refusal::invalid(said).at(format!("{at}[up_to]")));
    }
    let text = |whole: Option<Int<0, 99_999_999>>, decimal: &Option<String>, name: &str| {
        let given = amount(whole, decimal.clone(), &format!("{at}[{name}]"))?;
        Ok(given.and_then(|(whole, decimal)| whole.map(|n| n.to_string()).or(decimal)))
    };
    let unit_amount = text(tier.unit_amount, &tier.unit_amount_decimal, "unit_amount")?;
    let flat_amount = text(tier.flat_amount, &tier.flat_amount_decimal, "flat_amount")?;
    match unit_amount.is_none() && flat_amount.is_none() {
        true => Err(Refusal::missing(&format!("{at}[unit_amount]"))),
        false => Ok(Tier { up_to: bound.filter(|_| !is_last), unit_amount, flat_amount }),
    }
}

/// Three years at most.
fn every(it: Recurring) -> Answer<Every> {
    let most = match it.interval.0.as_str() {
        "day" => 1095,
        "week" => 156,
        "year" => 3,
        _ => 36,
    };
    let count = it.interval_count.map_or(1, |count| count.0);
    if count > most {
        let at = "recurring[interval_count]";
        let said = format!("Invalid value for {at}: must be between 1 and {most}.");
        return Err(Refusal::invalid(said).at(at));
    }
    Ok(Every { interval: it.interval.0, count })
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceUpdate {
    active: Option<bool>,
    #[serde(default)]
    nickname: Patch<String>,
    tax_behavior: Option<TaxBehavior>,
    #[serde(default)]
    lookup_key: Patch<String>,
    transfer_lookup_key: Option<bool>,
    #[serde(default)]
    metadata: Given,
    #[serde(default, rename = "currency_options")]
    _currency_options: Ignored,
}

pub fn update_price(w: &mut World, id: &str, p: Params) -> Answer {
    let update: PriceUpdate = p.read()?;
    let mut price = w.prices.get(id).cloned().ok_or_else(|| Refusal::not_found("price", id))?;
    let before = wire::price(&price);
    price.active = update.active.unwrap_or(price.active);
    update.nickname.apply(&mut price.nickname);
    price.tax_behavior = update.tax_behavior.map_or(price.tax_behavior, |it| it.0);
    update.metadata.merge(&mut price.metadata)?;
    match update.lookup_key {
        Patch::Set(key) if price.lookup_key.as_deref() != Some(&key) => {
            price.lookup_key = claim(w, Some(key), update.transfer_lookup_key.unwrap_or(false))?;
        }
        Patch::Clear => price.lookup_key = None,
        _ => {}
    }
    w.prices.put(price);
    let after = wire::shown(w, "price", id)?;
    w.emit_change("price.updated", &before, after.clone());
    Ok(after)
}
