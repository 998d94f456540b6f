//! Coupons and promotion codes on their way to a subscription.
use crate::{
    money,
    objects::{Coupon, Discount, Invoice, Item, Line, PromotionCode, Subscription},
    refusal::{Answer, Refusal},
    state::{Every, World},
};

/// The code people typed, if this customer may use it now.
pub fn code_for(w: &World, typed: &str, customer: Option<&str>) -> Answer<PromotionCode> {
    let known = w.promotion_codes.iter().find(|p| p.active && p.code.eq_ignore_ascii_case(typed.trim()));
    let invalid =
        || Refusal::invalid("This code is invalid.").with_code("promotion_code_invalid").at("promotion_code");
    let code = known.ok_or_else(invalid)?;
    usable(w, code, customer)?;
    Ok(code.clone())
}

/// Whether this customer may use a code now.
pub fn usable(w: &World, code: &PromotionCode, customer: Option<&str>) -> Answer<()> {
    let now = w.now();
    let invalid =
        || Refusal::invalid("This code is invalid.").with_code("promotion_code_invalid").at("promotion_code");
    let used_up = code.max_redemptions.is_some_and(|most| code.times_redeemed >= most);
    let foreign = code.customer.as_deref().is_some_and(|only| Some(only) != customer);
    if !code.active || used_up || foreign || code.expires_at.is_some_and(|at| at <= now) {
        return Err(invalid());
    }
    let bought_before = w.invoices.iter().any(|i| Some(i.customer.as_str()) == customer && i.amount_paid > 0);
    if code.first_time_transaction && bought_before {
        return Err(Refusal::invalid(
            "This promotion code cannot be redeemed because the associated customer has prior transactions.",
        )
        .with_code("promotion_code_customer_not_first_time"));
    }
    w.coupons.get(&code.coupon).filter(|coupon| coupon.is_valid(now)).map(drop).ok_or_else(invalid)
}

/// A coupon's discount, counted as redeemed.
pub fn discount_of(w: &mut World, coupon: &str, promotion_code: Option<&str>) -> Answer<Discount> {
    let now = w.now();
    let held = w.coupons.change(coupon).filter(|coupon| !coupon.deleted);
    let held = held.ok_or_else(|| Refusal::no_such("coupon", coupon, "discounts[0][coupon]"))?;
    if !held.is_valid(now) {
        return Err(Refusal::invalid(format!("Coupon expired: {coupon}"))
            .with_code("coupon_expired")
            .at("coupon"));
    }
    held.times_redeemed += 1;
    let months = held.duration_in_months.filter(|_| held.duration == "repeating");
    let end = months.map(|count| Every { interval: "month".into(), count }.after(now, now));
    if let Some(code) = promotion_code.and_then(|id| w.promotion_codes.change(id)) {
        code.times_redeemed += 1;
    }
    let (id, promotion_code) = (w.id("di_"), promotion_code.map(str::to_owned));
    Ok(Discount { id, coupon: coupon.into(), promotion_code, start: now, end, checkout_session: None })
}

/// What was taken off when an item's running period was invoiced, for as large an amount.
pub fn taken_off(w: &World, sub: &Subscription, item: &Item, amount: i64) -> i64 {
    let covers = |line: &&Line| {
        !line.proration
            && line.subscription_item.as_deref() == Some(&item.id)
            && line.period_end == item.current_period_end
    };
    let of = |i: &&Invoice| i.subscription.as_deref() == Some(&sub.id) && i.lines.iter().any(|l| covers(&l));
    let Some(invoice) = w.invoices.iter().rev().find(of) else { return off(w, sub, amount) };
    let sold: i64 = invoice.lines.iter().filter(|line| !line.proration).map(|line| line.amount).sum();
    money::share(amount, invoice.discount, sold)
}

/// What a subscription's discounts take off an amount, one after the other.
pub fn off(w: &World, sub: &Subscription, amount: i64) -> i64 {
    let coupons = live(w, sub);
    amount - coupons.iter().fold(amount, |left, (_, coupon)| left - coupon.off(left))
}

/// Discounts that count now, with their coupons.
pub fn live<'w>(w: &'w World, sub: &Subscription) -> Vec<(Discount, &'w Coupon)> {
    let now = w.now();
    let counts = |d: &&Discount| d.end.is_none_or(|end| end > now);
    sub.discounts.iter().filter(counts).filter_map(|d| Some((d.clone(), w.coupons.get(&d.coupon)?))).collect()
}
