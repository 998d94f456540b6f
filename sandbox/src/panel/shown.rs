//! What the panel's pages say of what the sandbox holds.
use crate::{
    engine::{self, cards::TEST_CARDS, methods},
    money,
    objects::*,
    state::{World, date, minute},
};

/// A subscription, or a customer by the one that matters most.
pub struct Sub {
    pub id: String,
    pub status: String,
    pub tone: &'static str,
    pub plan: String,
    pub next: String,
    pub price: String,
    pub quantity: i64,
    pub alive: bool,
    pub ending: bool,
}

pub struct Who {
    pub id: String,
    pub name: String,
    pub email: String,
}

pub struct CustomerRow {
    pub id: String,
    pub name: String,
    pub email: String,
    pub status: String,
    pub tone: &'static str,
    pub plan: String,
    pub next: String,
    pub card: String,
}

pub struct CardRow {
    pub id: String,
    pub words: String,
    pub says: &'static str,
    pub is_default: bool,
}

pub struct InvoiceRow {
    pub id: String,
    pub number: String,
    pub created: String,
    pub status: String,
    pub tone: &'static str,
    pub due: String,
    pub next_try: String,
    pub payable: bool,
    /// A debit for it is under way.
    pub processing: bool,
    pub paid: bool,
}

pub struct SessionRow {
    pub id: String,
    pub url: String,
    pub what: String,
}

pub struct PriceChoice {
    pub id: String,
    pub words: String,
}

pub struct EventRow {
    pub id: String,
    pub kind: String,
    pub object: String,
    pub created: String,
    pub pending: i64,
}

pub struct DeliveryRow {
    pub id: String,
    pub event: String,
    pub kind: String,
    pub status: String,
    pub tone: &'static str,
    pub attempts: i64,
    pub last: String,
    pub url: String,
    pub oddities: Vec<String>,
}

pub fn who(c: &Customer) -> Who {
    let name = c.name.clone().or(c.email.clone()).unwrap_or_else(|| c.id.clone());
    Who { id: c.id.clone(), name, email: c.email.clone().unwrap_or_default() }
}

pub fn customer(w: &World, c: &Customer) -> CustomerRow {
    let Who { id, name, email } = who(c);
    let theirs = || w.subscriptions.iter().rev().filter(|sub| sub.customer == c.id);
    let sub = theirs().find(|sub| sub.is_alive()).or_else(|| theirs().next());
    let card = engine::card_in_charge(w, &c.id, sub.map(|sub| sub.id.as_str()));
    let card = card.and_then(|id| w.payment_methods.get(&id)).map_or("none".into(), method_words);
    let Some(sub) = sub.map(|sub| subscription(w, sub)) else {
        let (status, plan, next) = ("no subscription".into(), "–".into(), "–".into());
        return CustomerRow { id, name, email, status, tone: "quiet", plan, next, card };
    };
    let Sub { status, tone, plan, next, .. } = sub;
    CustomerRow { id, name, email, status, tone, plan, next, card }
}

pub fn subscription(w: &World, sub: &Subscription) -> Sub {
    let (price, quantity) = sub.items.first().map(|it| (it.price.clone(), it.quantity)).unwrap_or_default();
    let named = w.prices.get(&price).map_or_else(|| price.clone(), |price| named(w, price));
    Sub {
        id: sub.id.clone(),
        status: words(&sub.status),
        tone: tone(&sub.status),
        plan: if quantity == 1 { named } else { format!("{named} × {quantity}") },
        next: next(w, sub),
        price,
        quantity,
        alive: sub.is_alive(),
        ending: sub.ends_at().is_some(),
    }
}

fn next(w: &World, sub: &Subscription) -> String {
    let retry = || w.invoices.get(sub.latest_invoice.as_ref()?)?.next_payment_attempt;
    match (sub.status.as_str(), sub.ends_at()) {
        ("canceled", _) => format!("ended {}", date(sub.ended_at.unwrap_or_default())),
        ("incomplete_expired", _) => "was never paid".into(),
        ("incomplete", _) => "waits for its first payment".into(),
        ("paused", _) => format!("paused since {}", date(sub.paused.as_ref().map_or(0, |it| it.since))),
        ("unpaid", _) => "not collected any more".into(),
        (_, Some(at)) => format!("ends {}", date(at)),
        ("trialing", _) => format!("trial ends {}", date(sub.period_end())),
        ("past_due", _) => retry().map_or("no more tries".into(), |at| format!("next try {}", date(at))),
        _ => format!("renews {}", date(sub.period_end())),
    }
}

fn tone(status: &str) -> &'static str {
    match status {
        "active" | "paid" | "delivered" => "ok",
        "trialing" | "pending" | "draft" => "info",
        "past_due" | "incomplete" | "open" | "dropped" => "warn",
        "unpaid" | "failed" | "uncollectible" => "bad",
        _ => "quiet",
    }
}

fn words(status: &str) -> String {
    status.replace('_', " ")
}

/// `Pro, monthly`.
fn named(w: &World, price: &Price) -> String {
    let name = w.products.get(&price.product).map_or(price.product.as_str(), |product| &product.name);
    match price.recurring.as_ref().map(|every| (every.interval.as_str(), every.count)) {
        Some(("month", 1)) => format!("{name}, monthly"),
        Some(("year", 1)) => format!("{name}, yearly"),
        Some((interval, count)) => format!("{name}, every {count} {interval}s"),
        None => name.to_owned(),
    }
}

pub fn prices(w: &World) -> Vec<PriceChoice> {
    let recurring = w.prices.iter().filter(|price| price.active && price.recurring.is_some());
    recurring
        .map(|price| {
            let each = money::each(price);
            PriceChoice { id: price.id.clone(), words: format!("{} at {each}", named(w, price)) }
        })
        .collect()
}

pub fn cards(w: &World, c: &Customer) -> Vec<CardRow> {
    let theirs = w.payment_methods.iter().filter(|m| m.customer.as_deref() == Some(&c.id));
    theirs
        .map(|m| CardRow {
            id: m.id.clone(),
            words: method_words(m),
            says: m.card.as_ref().map_or("", says),
            is_default: c.default_payment_method.as_deref() == Some(&m.id),
        })
        .collect()
}

fn method_words(method: &PaymentMethod) -> String {
    method
        .card
        .as_ref()
        .map_or_else(|| methods::words(method), |card| format!("{} {}", card.brand, card.last4))
}

fn says(card: &Card) -> &'static str {
    TEST_CARDS.iter().find(|it| it.last4() == card.behaves_like).map_or("", |it| it.says)
}

pub fn invoices(w: &World, customer: &str) -> Vec<InvoiceRow> {
    let theirs = w.invoices.iter().rev().filter(|invoice| invoice.customer == customer).take(50);
    theirs
        .map(|it| InvoiceRow {
            id: it.id.clone(),
            number: it.number.clone().unwrap_or_else(|| "draft".into()),
            created: date(it.created),
            status: if engine::is_processing(w, &it.id) { "processing".into() } else { words(&it.status) },
            tone: tone(&it.status),
            due: money::amount(it.amount_due(), &it.currency),
            next_try: it.next_payment_attempt.map_or("–".into(), date),
            payable: it.status == "open" && !engine::is_processing(w, &it.id),
            processing: engine::is_processing(w, &it.id),
            paid: it.status == "paid" && it.amount_paid > 0,
        })
        .collect()
}

pub fn sessions(w: &World, customer: &str) -> Vec<SessionRow> {
    let open = |it: &&CheckoutSession| it.status == "open" && it.customer.as_deref() == Some(customer);
    w.checkout_sessions
        .iter()
        .filter(open)
        .map(|it| {
            let price = it.line_items.first().and_then(|line| w.prices.get(&line.price));
            let url = crate::wire::checkout_session(w, it)["url"].as_str().unwrap_or_default().to_owned();
            SessionRow {
                id: it.id.clone(),
                url,
                what: price.map_or(it.mode.clone(), |price| named(w, price)),
            }
        })
        .collect()
}

pub fn event(e: &Event) -> EventRow {
    EventRow {
        id: e.id.clone(),
        kind: e.kind.clone(),
        object: e.object["id"].as_str().unwrap_or_default().to_owned(),
        created: minute(e.created),
        pending: e.pending_webhooks,
    }
}

pub fn delivery(w: &World, it: &Delivery) -> DeliveryRow {
    let mut oddities: Vec<String> = it.api_version.iter().map(|version| format!("as of {version}")).collect();
    let odd = [(it.thin, "thin"), (it.bad_signature, "wrongly signed"), (it.oversize, "oversize")];
    oddities.extend(odd.iter().filter(|(is, _)| *is).map(|(_, word)| (*word).to_owned()));
    let trying = it.status == "pending" && it.attempts > 0;
    DeliveryRow {
        id: it.id.clone(),
        event: it.event.clone(),
        kind: w.events.get(&it.event).map_or_else(|| "forgotten".into(), |event| event.kind.clone()),
        status: if trying { "retrying".into() } else { it.status.clone() },
        tone: if trying { "warn" } else { tone(&it.status) },
        attempts: it.attempts,
        last: it.last_response.clone().unwrap_or_else(|| "–".into()),
        url: w.endpoints.get(&it.endpoint).map_or_else(|| "deleted".into(), |it| it.url.clone()),
        oddities,
    }
}
