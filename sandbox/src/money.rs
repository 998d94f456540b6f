//! What things cost, and how an amount is written.
use crate::{
    objects::CheckoutSession,
    state::{DAY, World},
};
use icu_decimal::{DecimalFormatter, input::Decimal};
use icu_locale_core::locale;

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

/// `$1,029.00`, `€12.50`, `¥500`, `₹1,50,000.00`, `1,250.00 SEK`: English text, grouped as the currency's
/// own country does. `minor` is in Stripe's units; a currency without a symbol here has its code behind.
pub fn amount(minor: i64, currency: &str) -> String {
    let mut amount = Decimal::from(minor.unsigned_abs());
    amount.multiply_pow10(-decimals(currency));
    let locale = match currency {
        "inr" => locale!("en-IN"),
        "chf" => locale!("en-CH"),
        _ => locale!("en"),
    };
    let figure = DecimalFormatter::try_new(locale.into(), Default::default())
        .expect("the data of these three locales is compiled in")
        .format(&amount)
        .to_string();
    let sign = if minor < 0 { "-" } else { "" };
    match currency {
        "usd" => format!("{sign}${figure}"),
        "eur" => format!("{sign}€{figure}"),
        "gbp" => format!("{sign}£{figure}"),
        "jpy" => format!("{sign}¥{figure}"),
        "inr" => format!("{sign}₹{figure}"),
        other => format!("{sign}{figure} {}", other.to_uppercase()),
    }
}

/// How many of an amount's digits are decimals in Stripe's API (<https://docs.stripe.com/currencies>).
fn decimals(currency: &str) -> i16 {
    match currency {
        "bif" | "clp" | "djf" | "gnf" | "jpy" | "kmf" | "krw" | "mga" | "pyg" | "rwf" | "vnd" | "vuv"
        | "xaf" | "xof" | "xpf" => 0,
        "bhd" | "jod" | "kwd" | "omr" | "tnd" => 3,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::amount;

    #[test]
    fn an_amount_is_grouped_as_its_currency_has_it() {
        for (minor, currency, written) in [
            (102_900, "usd", "$1,029.00"),
            (-105, "eur", "-€1.05"),
            (500, "jpy", "¥500"),
            (15_000_000, "inr", "₹1,50,000.00"),
            (125_000, "sek", "1,250.00 SEK"),
        ] {
            assert_eq!(amount(minor, currency), written);
        }
    }
}
