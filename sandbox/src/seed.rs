//! Customers in every state a subscription can be in, so that each screen can be seen at once. Each
//! has lived through what its state says: made in the past, and brought to the present step by step.
use super::{
    api::{Answer, Refusal},
    catalogue,
    engine::{self, Holder, NewSubscription},
    objects::{Cancellation, Customer, Metadata},
    state::{DAY, Dunning, HOUR, World},
};

struct Life {
    /// The value of `metadata[seed]`; a second seed finds it by that.
    state: &'static str,
    name: &'static str,
    price: &'static str,
    quantity: i64,
    card: Option<&'static str>,
    /// How long ago it began.
    age: i64,
    trial: Option<i64>,
    then: Then,
}

/// What happened to it since.
#[derive(Clone, Copy)]
enum Then {
    Nothing,
    /// The card stopped paying; what becomes of it in the end.
    CardFails(Dunning),
    CancelsAtPeriodEnd,
    Cancels,
    Pauses,
}

const GOOD: Option<&str> = Some("4242424242424242");
const NEVER_PAYS: &str = "4000000000000341";

const LIVES: [Life; 10] = [
    life("trialing", "Thimble Studio", "pro_month", None, 4 * DAY, Then::Nothing),
    life("active_monthly", "Acorn & Sons", "pro_month", GOOD, 40 * DAY, Then::Nothing),
    life("active_yearly", "Yarrow Labs", "pro_year", GOOD, 100 * DAY, Then::Nothing),
    Life {
        quantity: 12,
        ..life("seats", "Beacon Logistics", "business_month", GOOD, 12 * DAY, Then::Nothing)
    },
    life("past_due", "Pepper Press", "pro_month", GOOD, 32 * DAY, Then::CardFails(Dunning::Cancel)),
    life("cancelling", "Lantern Books", "pro_month", GOOD, 10 * DAY, Then::CancelsAtPeriodEnd),
    life("canceled", "Copper Kettle", "pro_month", GOOD, 20 * DAY, Then::Cancels),
    life("unpaid", "Umber Pottery", "pro_month", GOOD, 50 * DAY, Then::CardFails(Dunning::MarkUnpaid)),
    life("paused", "Harbour Yoga", "pro_month", GOOD, 15 * DAY, Then::Pauses),
    life("incomplete", "Inkwell Media", "pro_month", Some(NEVER_PAYS), 2 * HOUR, Then::Nothing),
];

const fn life(
    state: &'static str,
    name: &'static str,
    price: &'static str,
    card: Option<&'static str>,
    age: i64,
    then: Then,
) -> Life {
    let trial = if card.is_none() { Some(14 * DAY) } else { None };
    Life { state, name, price, quantity: 1, card, age, trial, then }
}

/// The customers it made; none the second time.
pub fn seed(w: &mut World) -> Answer<Vec<String>> {
    catalogue::furnish(w);
    let mut made = Vec::new();
    for life in &LIVES {
        let known =
            |it: &Customer| !it.deleted && it.metadata.get("seed").map(String::as_str) == Some(life.state);
        if !w.customers.iter().any(known) {
            made.push(live(w, life)?);
        }
    }
    Ok(made)
}

fn live(w: &mut World, life: &Life) -> Answer<String> {
    let (now, dunning) = (w.now(), w.settings.dunning);
    let begun = now - life.age;
    let (customer, subscription) = at(w, begun, |w| begin(w, life, begun))?;
    let why = Cancellation { feedback: Some("too_expensive".into()), ..Cancellation::default() };
    match life.then {
        Then::Nothing => {}
        Then::CardFails(end) => {
            at(w, begun + DAY, |w| super::act::add_card(w, &customer, NEVER_PAYS, Holder::Approves))?;
            w.change_settings().dunning = end;
        }
        Then::CancelsAtPeriodEnd => at(w, now - DAY, |w| engine::schedule_cancel(w, &subscription, why))?,
        Then::Cancels => at(w, now - 3 * DAY, |w| engine::cancel_now(w, &subscription, why))?,
        Then::Pauses => at(w, now - 2 * DAY, |w| engine::pause(w, &subscription, "pause_requested", None))?,
    }
    // Whatever fell due since, each at its own instant. Everybody else's has been done.
    w.seen = begun;
    engine::catch_up(w);
    w.change_settings().dunning = dunning;
    Ok(customer)
}

fn begin(w: &mut World, life: &Life, begun: i64) -> Answer<(String, String)> {
    let price = w.prices.iter().find(|price| price.lookup_key.as_deref() == Some(life.price));
    let price = price.or_else(|| w.prices.iter().find(|price| price.active && price.recurring.is_some()));
    let price = price.map(|price| price.id.clone());
    let price = price.ok_or_else(|| Refusal::invalid("There is no recurring price to subscribe to."))?;
    let word = life.name.split_whitespace().next().unwrap_or(life.name).to_lowercase();
    let customer = engine::create_customer(
        w,
        Customer {
            name: Some(life.name.into()),
            email: Some(format!("billing@{word}.example")),
            metadata: Metadata::from([("seed".into(), life.state.into())]),
            tax_exempt: "none".into(),
            ..Customer::default()
        },
    );
    if let Some(card) = life.card {
        super::act::add_card(w, &customer, card, Holder::Approves)?;
    }
    let new = NewSubscription {
        customer: customer.clone(),
        items: vec![(price, life.quantity)],
        trial_end: life.trial.map(|days| begun + days),
        missing_payment_method: life.trial.map(|_| "cancel".into()),
        metadata: Metadata::from([("seed".into(), life.state.into())]),
        payment_behavior: "allow_incomplete".into(),
        ..NewSubscription::default()
    };
    let subscription = engine::subscribe(w, new, Holder::Absent)?;
    Ok((customer, subscription))
}

/// Does something as of an instant in the past.
fn at<T>(w: &mut World, instant: i64, work: impl FnOnce(&mut World) -> Answer<T>) -> Answer<T> {
    w.seen = w.seen.min(instant); // what follows from it happens in the past too
    let outer = w.step_at.replace(instant);
    let done = work(w);
    w.step_at = outer;
    done
}
