//! Coupons and promotion codes.
use super::{Answer, Params, Refusal};
use crate::{
    money,
    objects::*,
    params::{Given, Ignored, Instant, Int, words},
    state::World,
    wire,
};
use serde::Deserialize;

words! {
    Duration: "once" | "repeating" | "forever";
    PromotionKind: "coupon";
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCoupon {
    id: Option<String>,
    name: Option<String>,
    percent_off: Option<f64>,
    amount_off: Option<Int<1, 99_999_999>>,
    currency: Option<String>,
    duration: Option<Duration>,
    duration_in_months: Option<Int<1, 120>>,
    max_redemptions: Option<Int<1, { i64::MAX }>>,
    redeem_by: Option<Instant>,
    applies_to: Option<AppliesTo>,
    #[serde(default)]
    metadata: Given,
    #[serde(default, rename = "currency_options")]
    _currency_options: Ignored,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AppliesTo {
    #[serde(default)]
    products: Vec<String>,
}

pub fn create(w: &mut World, p: Params) -> Answer {
    let new: NewCoupon = p.read()?;
    let coupon = Coupon {
        id: new.id.unwrap_or_else(|| w.secret()[..8].to_owned()),
        created: w.now(),
        name: new.name,
        percent_off: new.percent_off,
        amount_off: new.amount_off.map(|it| it.0),
        currency: new.currency.map(|code| money::currency(&code, "currency")).transpose()?,
        duration: new.duration.map_or_else(|| "once".into(), |it| it.0),
        duration_in_months: new.duration_in_months.map(|it| it.0),
        max_redemptions: new.max_redemptions.map(|it| it.0),
        redeem_by: new.redeem_by.map(|it| it.0),
        products: new.applies_to.map(|it| it.products).unwrap_or_default(),
        metadata: new.metadata.fresh()?,
        ..Coupon::default()
    };
    check(w, &coupon)?;
    let object = wire::coupon(w, &coupon);
    w.coupons.put(coupon);
    w.emit("coupon.created", object.clone());
    Ok(object)
}

fn check(w: &World, coupon: &Coupon) -> Answer<()> {
    let percent = coupon.percent_off.is_none_or(|percent| percent > 0.0 && percent <= 100.0);
    let refusal = match (coupon.percent_off, coupon.amount_off) {
        (None, None) => Refusal::missing("percent_off"),
        (Some(_), Some(_)) => {
            Refusal::invalid("You may only specify one of these parameters: percent_off, amount_off.")
        }
        (_, Some(_)) if coupon.currency.is_none() => Refusal::missing("currency"),
        _ if !percent => {
            Refusal::invalid("Invalid percent_off: must be greater than 0 and at most 100.").at("percent_off")
        }
        _ if there(w, &coupon.id).is_some() => {
            Refusal::invalid("Coupon already exists.").with_code("resource_already_exists").at("id")
        }
        _ if coupon.duration == "repeating" && coupon.duration_in_months.is_none() => {
            Refusal::missing("duration_in_months")
        }
        _ => return Ok(()),
    };
    Err(refusal)
}

pub fn retrieve(w: &World, id: &str, p: Params) -> Answer {
    p.finish()?;
    there(w, id).map(|coupon| wire::coupon(w, coupon)).ok_or_else(|| Refusal::not_found("coupon", id))
}

fn there<'w>(w: &'w World, id: &str) -> Option<&'w Coupon> {
    w.coupons.get(id).filter(|coupon| !coupon.deleted)
}

pub fn delete(w: &mut World, id: &str, p: Params) -> Answer {
    let gone = retrieve(w, id, p)?;
    if let Some(coupon) = w.coupons.change(id) {
        coupon.deleted = true;
    }
    w.emit("coupon.deleted", gone);
    Ok(wire::deleted(id, "coupon"))
}

/// Since 2025-09-30 the coupon stands in `promotion`; before that it stood by itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCode {
    promotion: Option<Promotion>,
    coupon: Option<String>,
    code: Option<String>,
    active: Option<bool>,
    customer: Option<String>,
    max_redemptions: Option<Int<1, { i64::MAX }>>,
    expires_at: Option<Instant>,
    restrictions: Option<Restrictions>,
    #[serde(default)]
    metadata: Given,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Promotion {
    #[serde(rename = "type")]
    _kind: Option<PromotionKind>,
    coupon: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Restrictions {
    first_time_transaction: Option<bool>,
    #[serde(default, rename = "minimum_amount")]
    _minimum_amount: Ignored,
    #[serde(default, rename = "minimum_amount_currency")]
    _minimum_amount_currency: Ignored,
    #[serde(default, rename = "currency_options")]
    _currency_options: Ignored,
}

pub fn create_code(w: &mut World, p: Params) -> Answer {
    let new: NewCode = p.read()?;
    let coupon =
        new.promotion.map(|it| it.coupon).or(new.coupon).ok_or_else(|| Refusal::missing("coupon"))?;
    if there(w, &coupon).is_none() {
        return Err(Refusal::no_such("coupon", &coupon, "promotion[coupon]"));
    }
    let code = PromotionCode {
        id: w.id("promo_"),
        created: w.now(),
        code: new.code.unwrap_or_else(|| w.secret()[..8].to_uppercase()),
        coupon,
        active: new.active.unwrap_or(true),
        customer: new.customer,
        max_redemptions: new.max_redemptions.map(|it| it.0),
        expires_at: new.expires_at.map(|it| it.0),
        first_time_transaction: new.restrictions.and_then(|it| it.first_time_transaction).unwrap_or(false),
        metadata: new.metadata.fresh()?,
        ..PromotionCode::default()
    };
    if w.promotion_codes.iter().any(|known| known.active && known.code.eq_ignore_ascii_case(&code.code)) {
        return Err(Refusal::invalid("An active promotion code with this code already exists.").at("code"));
    }
    let object = wire::promotion_code(&code);
    w.promotion_codes.put(code);
    w.emit("promotion_code.created", object.clone());
    Ok(object)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeUpdate {
    active: Option<bool>,
    #[serde(default)]
    metadata: Given,
}

pub fn update_code(w: &mut World, id: &str, p: Params) -> Answer {
    let given: CodeUpdate = p.read()?;
    let mut code =
        w.promotion_codes.get(id).cloned().ok_or_else(|| Refusal::not_found("promotion code", id))?;
    let before = wire::promotion_code(&code);
    code.active = given.active.unwrap_or(code.active);
    given.metadata.merge(&mut code.metadata)?;
    let after = wire::promotion_code(&code);
    w.promotion_codes.put(code);
    w.emit_change("promotion_code.updated", &before, after.clone());
    Ok(after)
}
