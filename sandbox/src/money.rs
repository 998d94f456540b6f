//! What things cost, and how an amount is written.
use crate::{
    objects::{CheckoutSession, Price},
    refusal::{Answer, Refusal},
    state::{DAY, World},
};
use icu_decimal::{DecimalFormatter, input::Decimal};
use icu_locale_core::locale;

/// Before and after the discount, in minor units; what is due today.
pub fn checkout_amounts(w: &World, s: &CheckoutSession) -> (i64, i64) {
    if trial_of(w, s).is_some() {
        return (0, 0);
    }
    let each = s.line_items.iter().filter_map(|item| Some(w.prices.get(&item.price)?.cost(item.quantity)));
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

/// What one costs: `$29.00`, `$0.005`; of tiers, what the first one costs.
pub fn each(price: &Price) -> String {
    match (&price.unit_amount_decimal, price.unit_amount) {
        (Some(decimal), _) => {
            let parts = Decimal::try_from_str(decimal).unwrap_or_default();
            written(parts, &price.currency)
        }
        (None, Some(amount_each)) => amount(amount_each, &price.currency),
        (None, None) => format!("from {}", amount(price.cost(1), &price.currency)),
    }
}

/// `$1,029.00`, `€12.50`, `¥500`, `₹1,50,000.00`, `1,250.00 SEK`: English text, grouped as the currency's
/// own country does. `minor` is in Stripe's units; a currency without a symbol here has its code behind.
pub fn amount(minor: i64, currency: &str) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    format!("{sign}{}", written(Decimal::from(minor.unsigned_abs()), currency))
}

fn written(mut amount: Decimal, currency: &str) -> String {
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
    match currency {
        "usd" => format!("${figure}"),
        "eur" => format!("€{figure}"),
        "gbp" => format!("£{figure}"),
        "jpy" => format!("¥{figure}"),
        "inr" => format!("₹{figure}"),
        other => format!("{figure} {}", other.to_uppercase()),
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

/// What Stripe charges in (<https://docs.stripe.com/currencies>).
const CURRENCIES: &str = "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd \
bwp byn bzd cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd \
hkd hnl htg huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd \
mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf \
sar sbd scr sek sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd \
xcg xof xpf yer zar zmw";

/// Stripe's code of a currency, in whichever case it was given.
pub fn currency(given: &str, param: &str) -> Answer<String> {
    let code = given.to_lowercase();
    if CURRENCIES.split_whitespace().any(|known| known == code) {
        return Ok(code);
    }
    let all = CURRENCIES.split_whitespace().collect::<Vec<_>>().join(", ");
    let shown: String = code.chars().take(100).collect();
    let said = format!("Invalid currency: {shown}. Stripe currently supports these currencies: {all}");
    Err(Refusal::invalid(said).at(param))
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
            (12_345, "kwd", "12.345 KWD"),
            (12_345, "clp", "12,345 CLP"),
        ] {
            assert_eq!(amount(minor, currency), written);
        }
    }
}
