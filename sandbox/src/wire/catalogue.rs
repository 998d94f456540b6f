//! Products, prices, coupons and promotion codes.
use crate::{objects::*, state::World};
use serde_json::{Value, json};

pub fn product(p: &Product) -> Value {
    let features: Vec<Value> = p.marketing_features.iter().map(|name| json!({ "name": name })).collect();
    json!({
        "id": p.id, "object": "product", "active": p.active, "created": p.created, "default_price": p.default_price,
        "description": p.description, "images": p.images, "livemode": false, "marketing_features": features,
        "metadata": p.metadata, "name": p.name, "package_dimensions": null, "shippable": null,
        "statement_descriptor": p.statement_descriptor, "tax_code": p.tax_code, "type": "service",
        "unit_label": p.unit_label, "updated": p.updated, "url": p.url,
    })
}

pub fn price(p: &Price) -> Value {
    json!({
        "id": p.id, "object": "price", "active": p.active, "billing_scheme": scheme(p), "created": p.created,
        "currency": p.currency, "custom_unit_amount": null, "livemode": false, "lookup_key": p.lookup_key,
        "metadata": p.metadata, "nickname": p.nickname, "product": p.product, "recurring": p.to_wire_recurring(),
        "tax_behavior": p.tax_behavior, "tiers_mode": p.tiers_mode,
        "transform_quantity": p.packages.as_ref().map(|(by, round)| json!({ "divide_by": by, "round": round })),
        "type": if p.recurring.is_some() { "recurring" } else { "one_time" },
        "unit_amount": p.unit_amount, "unit_amount_decimal": p.to_wire_each(),
    })
}

fn scheme(p: &Price) -> &'static str {
    if p.tiers.is_empty() { "per_unit" } else { "tiered" }
}

/// `tiers`, which a price shows only when it is asked for them.
pub fn tiers(p: &Price) -> Value {
    let whole = |amount: &Option<String>| amount.as_ref().and_then(|amount| amount.parse::<i64>().ok());
    let tier = |tier: &Tier| {
        json!({ "flat_amount": whole(&tier.flat_amount), "flat_amount_decimal": tier.flat_amount,
            "unit_amount": whole(&tier.unit_amount), "unit_amount_decimal": tier.unit_amount, "up_to": tier.up_to })
    };
    match p.tiers.is_empty() {
        true => Value::Null,
        false => p.tiers.iter().map(tier).collect(),
    }
}

/// The older word for a recurring price, which subscription items still carry.
pub fn plan(p: &Price) -> Value {
    let every = p.recurring.clone();
    json!({
        "id": p.id, "object": "plan", "active": p.active, "amount": p.unit_amount,
        "amount_decimal": p.to_wire_each(), "billing_scheme": scheme(p), "created": p.created,
        "currency": p.currency, "interval": every.as_ref().map(|e| e.interval.clone()),
        "interval_count": every.map(|e| e.count), "livemode": false, "metadata": p.metadata, "meter": null,
        "nickname": p.nickname, "product": p.product, "tiers_mode": p.tiers_mode, "transform_usage": null,
        "trial_period_days": null, "usage_type": "licensed",
    })
}

pub fn coupon(w: &World, c: &Coupon) -> Value {
    json!({
        "id": c.id, "object": "coupon", "amount_off": c.amount_off, "created": c.created, "currency": c.currency,
        "duration": c.duration, "duration_in_months": c.duration_in_months, "livemode": false,
        "max_redemptions": c.max_redemptions, "metadata": c.metadata, "name": c.name, "percent_off": c.percent_off,
        "redeem_by": c.redeem_by, "times_redeemed": c.times_redeemed, "valid": c.is_valid(w.now()),
    })
}

/// The products that a coupon is for; `null` where it is for all.
pub fn applies_to(c: &Coupon) -> Value {
    if c.products.is_empty() { Value::Null } else { json!({ "products": c.products }) }
}

pub fn promotion_code(p: &PromotionCode) -> Value {
    json!({
        "id": p.id, "object": "promotion_code", "active": p.active, "code": p.code, "created": p.created,
        "customer": p.customer, "customer_account": null, "expires_at": p.expires_at, "livemode": false,
        "max_redemptions": p.max_redemptions, "metadata": p.metadata,
        "promotion": { "type": "coupon", "coupon": p.coupon },
        "restrictions": { "first_time_transaction": p.first_time_transaction, "minimum_amount": null,
            "minimum_amount_currency": null },
        "times_redeemed": p.times_redeemed,
    })
}
