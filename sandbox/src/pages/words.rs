//! Objects in words, for pages.
use crate::{
    engine::{self, methods},
    money::{self, amount},
    objects::{Coupon, Invoice, Price, Subscription},
    state::{Every, World, date},
};

/// The payment method that is charged, in words.
pub fn card_in_charge(w: &World, customer: &str, subscription: Option<&str>) -> Option<String> {
    let id = engine::card_in_charge(w, customer, subscription)?;
    w.payment_methods.get(&id).map(methods::words)
}

/// `a month`, `every 3 months`.
pub fn every(every: &Every) -> String {
    match every.count {
        1 => format!("a {}", every.interval),
        count => format!("every {count} {}s", every.interval),
    }
}

/// `$29.00 a month`, `5 × $15.00 a month`.
pub fn price(price: &Price, quantity: i64) -> String {
    let each = money::each(price);
    let each = match quantity {
        _ if !price.tiers.is_empty() => amount(price.cost(quantity), &price.currency),
        1 => each,
        _ => format!("{quantity} × {each}"),
    };
    match &price.recurring {
        Some(recurring) => format!("{each} {}", every(recurring)),
        None => each,
    }
}

/// `25% off for 3 months`.
pub fn coupon(coupon: &Coupon) -> String {
    let off = match (coupon.percent_off, coupon.amount_off) {
        (Some(percent), _) => format!("{percent}% off"),
        (None, off) => {
            format!("{} off", amount(off.unwrap_or_default(), coupon.currency.as_deref().unwrap_or("usd")))
        }
    };
    match (coupon.duration.as_str(), coupon.duration_in_months) {
        ("once", _) => format!("{off} once"),
        ("repeating", Some(1)) => format!("{off} for a month"),
        ("repeating", Some(months)) => format!("{off} for {months} months"),
        _ => off,
    }
}

/// What somebody subscribes to: `Pro`, `Pro + Support`.
pub fn plan(w: &World, sub: &Subscription) -> String {
    let names = sub.items.iter().map(|item| match w.prices.get(&item.price) {
        Some(price) => engine::product_name(w, price),
        None => item.price.clone(),
    });
    names.collect::<Vec<_>>().join(" + ")
}

pub fn prices(w: &World, sub: &Subscription) -> String {
    let each = sub.items.iter().filter_map(|item| Some(price(w.prices.get(&item.price)?, item.quantity)));
    each.collect::<Vec<_>>().join(" + ")
}

/// The next invoice's amount, credit and discounts counted.
fn next_amount(w: &World, sub: &Subscription) -> String {
    let due = engine::upcoming(w, &sub.id).and_then(|next| next["amount_due"].as_i64());
    amount(due.unwrap_or_default(), &sub.currency)
}

/// A subscription's state: tone, a word, and a sentence.
pub fn state(w: &World, sub: &Subscription) -> (&'static str, &'static str, String) {
    let end = sub.period_end();
    if let Some(at) = sub.ends_at().filter(|_| sub.is_alive()) {
        let said = format!("Cancelled. It stays in use until {} and is not charged again.", date(at));
        return ("warn", "Ends soon", said);
    }
    match sub.status.as_str() {
        "trialing" => {
            let said = format!("The trial ends on {}. Then {}.", date(end), next_amount(w, sub));
            ("info", "Trial", said)
        }
        "past_due" => ("bad", "Payment failed", overdue(w, sub)),
        "unpaid" => (
            "bad",
            "Unpaid",
            "Every attempt to take the payment failed. Pay the open invoice to go on.".into(),
        ),
        "incomplete" => ("warn", "Not yet paid", "The first payment has not gone through.".into()),
        "paused" => {
            let until = sub.paused.as_ref().and_then(|paused| paused.resumes_at);
            let said = until.map_or_else(
                || "Paused: nothing is charged until it is resumed.".to_owned(),
                |at| format!("Paused: it resumes on {}.", date(at)),
            );
            ("quiet", "Paused", said)
        }
        "canceled" | "incomplete_expired" => {
            ("quiet", "Ended", format!("Ended on {}.", date(sub.ended_at.unwrap_or(end))))
        }
        _ => ("ok", "Active", renews(w, sub, end)),
    }
}

fn renews(w: &World, sub: &Subscription, end: i64) -> String {
    let waiting = sub.schedule.as_ref().and_then(|id| w.schedules.get(id)?.next());
    let to = waiting.and_then(|it| {
        let (id, quantity) = it.items.first()?;
        Some((it.start, w.prices.get(id)?, *quantity))
    });
    match to {
        Some((at, new, quantity)) => {
            format!("Changes to {} ({}) on {}.", engine::product_name(w, new), price(new, quantity), date(at))
        }
        None => format!("Renews on {} for {}.", date(end), next_amount(w, sub)),
    }
}

fn overdue(w: &World, sub: &Subscription) -> String {
    let open = w.invoices.iter().rev().find(|it| is_open(it) && it.subscription.as_ref() == Some(&sub.id));
    match open.and_then(|invoice| invoice.next_payment_attempt) {
        Some(at) => format!("The last payment failed. The next attempt is on {}.", date(at)),
        None => "The last payment failed. Pay the open invoice to keep the plan.".to_owned(),
    }
}

pub fn is_open(invoice: &Invoice) -> bool {
    matches!(invoice.status.as_str(), "open" | "uncollectible")
}

/// An invoice's state: tone and a word.
pub fn invoice(status: &str) -> (&'static str, &'static str) {
    match status {
        "paid" => ("ok", "Paid"),
        "open" => ("warn", "Open"),
        "uncollectible" => ("bad", "Uncollectible"),
        "void" => ("quiet", "Void"),
        _ => ("quiet", "Draft"),
    }
}

/// `too_expensive` as people say it.
pub fn reason(word: &str) -> &'static str {
    match word {
        "customer_service" => "Customer service was less than expected",
        "low_quality" => "Quality was less than expected",
        "missing_features" => "I need more features",
        "switched_service" => "I found an alternative",
        "too_complex" => "Ease of use was less than expected",
        "too_expensive" => "It’s too expensive",
        "unused" => "I no longer need it",
        _ => "Another reason",
    }
}
