//! Coupons and promotion codes.
use super::{Answer, Paging, Params, Refusal};
use crate::{objects::*, state::World, wire};
use serde_json::json;

pub fn create(w: &mut World, mut p: Params) -> Answer {
    let duration = p.choice("duration", &["once", "repeating", "forever"])?.unwrap_or_else(|| "once".into());
    let mut coupon = Coupon {
        id: p.word("id")?.unwrap_or_default(),
        created: w.now(),
        name: p.word("name")?,
        percent_off: p.decimal("percent_off")?,
        amount_off: p.int_in("amount_off", 1, 99_999_999)?,
        currency: p.word("currency")?,
        duration_in_months: p.int_in("duration_in_months", 1, 120)?,
        max_redemptions: p.int_in("max_redemptions", 1, i64::MAX)?,
        redeem_by: p.instant("redeem_by")?,
        duration,
        ..Coupon::default()
    };
    p.metadata(&mut coupon.metadata)?;
    p.finish_but(&["applies_to", "currency_options"])?;
    if coupon.id.is_empty() {
        coupon.id = w.secret()[..8].to_owned();
    }
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

pub fn list(w: &World, mut p: Params) -> Answer {
    let paging = Paging::take(&mut p)?;
    p.finish_but(&["created"])?;
    paging
        .of("/v1/coupons", w.coupons.iter().rev().filter(|it| !it.deleted), |coupon| wire::coupon(w, coupon))
}

pub fn delete(w: &mut World, id: &str, p: Params) -> Answer {
    let gone = retrieve(w, id, p)?;
    if let Some(coupon) = w.coupons.change(id) {
        coupon.deleted = true;
    }
    w.emit("coupon.deleted", gone);
    Ok(json!({ "id": id, "object": "coupon", "deleted": true }))
}

pub fn create_code(w: &mut World, mut p: Params) -> Answer {
    let coupon = coupon_of(w, &mut p)?;
    let first_time_transaction = first_time(&mut p)?;
    let mut code = PromotionCode {
        id: w.id("promo_"),
        created: w.now(),
        code: p.word("code")?.unwrap_or_default(),
        coupon,
        active: p.flag("active")?.unwrap_or(true),
        customer: p.word("customer")?,
        max_redemptions: p.int_in("max_redemptions", 1, i64::MAX)?,
        expires_at: p.instant("expires_at")?,
        first_time_transaction,
        ..PromotionCode::default()
    };
    p.metadata(&mut code.metadata)?;
    p.finish()?;
    if code.code.is_empty() {
        code.code = w.secret()[..8].to_uppercase();
    }
    if w.promotion_codes.iter().any(|known| known.active && known.code.eq_ignore_ascii_case(&code.code)) {
        return Err(Refusal::invalid("An active promotion code with this code already exists.").at("code"));
    }
    let object = wire::promotion_code(&code);
    w.promotion_codes.put(code);
    w.emit("promotion_code.created", object.clone());
    Ok(object)
}

/// Since 2025-09-30 the coupon stands in `promotion`; before that it stood by itself.
fn coupon_of(w: &World, p: &mut Params) -> Answer<String> {
    let coupon = match p.map("promotion")? {
        Some(mut promotion) => {
            promotion.choice("type", &["coupon"])?;
            let coupon = promotion.required("coupon")?;
            promotion.finish()?;
            coupon
        }
        None => p.required("coupon")?,
    };
    match there(w, &coupon) {
        Some(_) => Ok(coupon),
        None => Err(Refusal::no_such("coupon", &coupon, "promotion[coupon]")),
    }
}

fn first_time(p: &mut Params) -> Answer<bool> {
    let Some(mut restrictions) = p.map("restrictions")? else { return Ok(false) };
    restrictions.ignore(&["minimum_amount", "minimum_amount_currency", "currency_options"]);
    let first_time = restrictions.flag("first_time_transaction")?;
    restrictions.finish()?;
    Ok(first_time.unwrap_or(false))
}

pub fn update_code(w: &mut World, id: &str, mut p: Params) -> Answer {
    let mut code =
        w.promotion_codes.get(id).cloned().ok_or_else(|| Refusal::not_found("promotion code", id))?;
    let before = wire::promotion_code(&code);
    code.active = p.flag("active")?.unwrap_or(code.active);
    p.metadata(&mut code.metadata)?;
    p.finish()?;
    let after = wire::promotion_code(&code);
    w.promotion_codes.put(code);
    w.emit_change("promotion_code.updated", &before, after.clone());
    Ok(after)
}

pub fn list_codes(w: &World, mut p: Params) -> Answer {
    let paging = Paging::take(&mut p)?;
    let (code, coupon, active, customer) =
        (p.word("code")?, p.word("coupon")?, p.flag("active")?, p.word("customer")?);
    p.finish_but(&["created"])?;
    let rows = w.promotion_codes.iter().rev().filter(|it| {
        code.as_ref().is_none_or(|code| it.code.eq_ignore_ascii_case(code))
            && coupon.as_ref().is_none_or(|coupon| it.coupon == *coupon)
            && active.is_none_or(|active| it.active == active)
            && customer.as_ref().is_none_or(|customer| it.customer.as_ref() == Some(customer))
    });
    paging.of("/v1/promotion_codes", rows, wire::promotion_code)
}
