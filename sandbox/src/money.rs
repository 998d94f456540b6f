//! What things cost, and how an amount is written.
use crate::{
    objects::CheckoutSession,
    state::{DAY, World},
};

/// Before and after the discount, in minor units; what is due today.
pub fn checkout_amounts(w: &World, s: &CheckoutSession) -> (i64, i64) {
    if trial_of(w, s).is_some() {
        return (0, 0);
    }
    let each =
        s.line_items.iter().filter_map(|item| Some(w.prices.get(&item.price)?.unit_amount * item.quantity));
    let subtotal: i64 = each.sum();
    let coupon = s.coupon.as_ref().and_then(|id| w.coupons.get(id));
    (subtotal, subtotal - coupon.map_or(0, |coupon| coupon.off(subtotal)))
}

/// Whether a card is asked for: always, unless the session says only where something is due.
pub fn checkout_needs_card(w: &World, s: &CheckoutSession) -> bool {
    s.mode == "setup" || s.payment_method_collection == "always" || checkout_amounts(w, s).1 > 0
}

/// When the trial that this session gives would end.
pub fn trial_of(w: &World, s: &CheckoutSession) -> Option<i64> {
    let data = &s.subscription_data;
    data.trial_end.or(data.trial_period_days.map(|days| w.now() + days * DAY))
}

/// So much of an amount, to the nearest minor unit.
pub fn share(amount: i64, part: i64, whole: i64) -> i64 {
    let (amount, part, whole) = (i128::from(amount), i128::from(part), i128::from(whole.max(1)));
    let twice = 2 * amount * part + whole * amount.signum();
    i64::try_from(twice / (2 * whole)).unwrap_or_default()
}

/// `$1,029.00`, `€12.50`, `¥500`; the code for what has no sign here.
pub fn amount(minor: i64, currency: &str) -> String {
    let whole = matches!(currency, "jpy" | "krw" | "vnd" | "clp" | "isk" | "xof" | "xaf");
    let sign = if minor < 0 { "-" } else { "" };
    let minor = minor.abs();
    let figure = if whole { grouped(minor) } else { format!("{}.{:02}", grouped(minor / 100), minor % 100) };
    match currency {
        "usd" => format!("{sign}${figure}"),
        "eur" => format!("{sign}€{figure}"),
        "gbp" => format!("{sign}£{figure}"),
        "jpy" => format!("{sign}¥{figure}"),
        other => format!("{sign}{figure} {}", other.to_uppercase()),
    }
}

/// `1,029`.
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let threes: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|three| std::str::from_utf8(three).ok()).collect();
    threes.join(",")
}
