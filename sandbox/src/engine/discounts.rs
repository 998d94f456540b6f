//! Coupons and promotion codes on their way to a subscription.
use crate::{
    money,
    objects::{Coupon, Discount, Invoice, Item, Line, PromotionCode, Subscription},
    refusal::{Answer, Refusal},
    state::{Every, World},
    wire,
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

/// A coupon's discount, counted as redeemed, for whatever costs in `currency`.
pub fn discount_of(
    w: &mut World,
    coupon: &str,
    promotion_code: Option<&str>,
    currency: &str,
) -> Answer<Discount> {
    let now = w.now();
    let held = w.coupons.change(coupon).filter(|coupon| !coupon.deleted);
    let held = held.ok_or_else(|| Refusal::no_such("coupon", coupon, "discounts[0][coupon]"))?;
    if !held.is_valid(now) {
        return Err(Refusal::invalid(format!("Coupon expired: {coupon}"))
            .with_code("coupon_expired")
            .at("coupon"));
    }
    if !fits(held, currency) {
        let said = format!(
            "The coupon {coupon} takes off an amount in {}, which cannot be used for prices in {currency}.",
            held.currency.as_deref().unwrap_or_default()
        );
        return Err(Refusal::invalid(said).at("discounts[0][coupon]"));
    }
    held.times_redeemed += 1;
    let months = held.duration_in_months.filter(|_| held.duration == "repeating");
    let end = months.map(|count| Every { interval: "month".into(), count }.after(now, now));
    if let Some(code) = promotion_code.and_then(|id| w.promotion_codes.change(id)) {
        code.times_redeemed += 1;
    }
    let (id, promotion_code) = (w.id("di_"), promotion_code.map(str::to_owned));
    Ok(Discount { id, coupon: coupon.into(), promotion_code, start: now, end, ..Discount::default() })
}

/// A discount on everything of a customer that has none of its own.
pub fn discount_customer(w: &mut World, id: &str, coupon: &str, promotion_code: Option<&str>) -> Answer<()> {
    let currency = w.customers.get(id).and_then(|customer| customer.currency.clone()).unwrap_or_default();
    let discount = discount_of(w, coupon, promotion_code, &currency)?;
    let discount = Discount { customer: id.to_owned(), ..discount };
    w.emit("customer.discount.created", wire::discount(&discount));
    super::change_customer(w, id, |customer| customer.discount = Some(discount))
}

pub fn remove_customer_discount(w: &mut World, id: &str) -> Answer<()> {
    let Some(discount) = w.customers.get(id).and_then(|customer| customer.discount.clone()) else {
        return Ok(());
    };
    w.emit("customer.discount.deleted", wire::discount(&discount));
    super::change_customer(w, id, |customer| customer.discount = None)
}

/// An amount off is in one currency; a part off in any.
fn fits(coupon: &Coupon, currency: &str) -> bool {
    coupon.amount_off.is_none() || currency.is_empty() || coupon.currency.as_deref() == Some(currency)
}

/// Discounts that count at an instant, with their coupons: the subscription's own, or else its
/// customer's.
pub fn live<'w>(w: &'w World, sub: &Subscription, at: i64) -> Vec<(Discount, &'w Coupon)> {
    let counts = |d: &&Discount| d.end.is_none_or(|end| end > at);
    let own: Vec<&Discount> = sub.discounts.iter().filter(counts).collect();
    let of_customer = || w.customers.get(&sub.customer).and_then(|customer| customer.discount.as_ref());
    let all = if own.is_empty() { of_customer().into_iter().filter(counts).collect() } else { own };
    all.into_iter().filter_map(|d| Some((d.clone(), w.coupons.get(&d.coupon)?))).collect()
}

/// Writes on each line what the discounts take off it, one after the other; how much that is together.
/// Prorations have had their discounts.
pub fn take(w: &World, live: &[(Discount, &Coupon)], currency: &str, lines: &mut [Line]) -> i64 {
    for (discount, coupon) in live.iter().filter(|(_, coupon)| fits(coupon, currency)) {
        let left: Vec<i64> = lines.iter().map(|line| left_of(w, coupon, line)).collect();
        let (mut whole, mut off) = (left.iter().sum::<i64>(), 0);
        off += coupon.off(whole);
        for (line, left) in lines.iter_mut().zip(left).filter(|(_, left)| *left > 0) {
            // The rest is shared among what is left, so that no cent is lost.
            let part = money::share(off, left, whole);
            (off, whole) = (off - part, whole - left);
            line.off.push((discount.id.clone(), part));
        }
    }
    lines.iter().map(Line::total_off).sum()
}

/// So much of a line a coupon can still take something off.
fn left_of(w: &World, coupon: &Coupon, line: &Line) -> i64 {
    let product = line.price.as_ref().and_then(|id| w.prices.get(id)).map(|price| &price.product);
    let covered = coupon.products.is_empty() || product.is_some_and(|id| coupon.products.contains(id));
    match covered && !line.proration {
        true => (line.amount - line.total_off()).max(0),
        false => 0,
    }
}

/// What was taken off when an item's running period was invoiced, for as large an amount. None if it never was.
pub fn taken_off(w: &World, sub: &Subscription, item: &Item, amount: i64) -> Option<i64> {
    let covers = |line: &&Line| {
        !line.proration
            && line.subscription_item.as_deref() == Some(&item.id)
            && line.period_end == item.current_period_end
    };
    let of = |i: &&Invoice| i.subscription.as_deref() == Some(&sub.id);
    let line = w.invoices.iter().rev().filter(of).find_map(|i| i.lines.iter().find(covers));
    line.map(|line| money::share(amount, line.total_off(), line.amount))
}
