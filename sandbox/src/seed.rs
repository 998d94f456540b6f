//! Customers in every state a subscription can be in, so that each screen can be seen at once. Each
//! has lived through what its state says: made in the past, and brought to the present step by step.
use super::{
    api,
    engine::{self, Holder, NewSubscription},
    objects::{Cancellation, Customer, Metadata, Price},
    params::Params,
    refusal::{Answer, Refusal},
    state::{DAY, Dunning, HOUR, World},
};
use hyper::Method;
use std::collections::BTreeMap;

struct Life {
    /// The value of `metadata[seed]`; a second seed finds it by that.
    state: &'static str,
    name: &'static str,
    price: Wanted,
    quantity: i64,
    card: Option<&'static str>,
    /// How long ago it began.
    age: i64,
    trial: Option<i64>,
    then: Then,
}

/// Which of the prices there are; the first recurring one where there is none like that.
#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    Month,
    Year,
    /// Monthly, of a product that is sold by the unit.
    Seats,
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

use Wanted::{Month, Seats, Year};

const LIVES: [Life; 10] = [
    life("trialing", "Thimble Studio", Month, None, 4 * DAY, Then::Nothing),
    life("active_monthly", "Acorn & Sons", Month, GOOD, 40 * DAY, Then::Nothing),
    life("active_yearly", "Yarrow Labs", Year, GOOD, 100 * DAY, Then::Nothing),
    Life { quantity: 12, ..life("seats", "Beacon Logistics", Seats, GOOD, 12 * DAY, Then::Nothing) },
    life("past_due", "Pepper Press", Month, GOOD, 32 * DAY, Then::CardFails(Dunning::Cancel)),
    life("cancelling", "Lantern Books", Month, GOOD, 10 * DAY, Then::CancelsAtPeriodEnd),
    life("canceled", "Copper Kettle", Month, GOOD, 20 * DAY, Then::Cancels),
    life("unpaid", "Umber Pottery", Month, GOOD, 50 * DAY, Then::CardFails(Dunning::MarkUnpaid)),
    life("paused", "Harbour Yoga", Month, GOOD, 15 * DAY, Then::Pauses),
    life("incomplete", "Inkwell Media", Month, Some(NEVER_PAYS), 2 * HOUR, Then::Nothing),
];

const fn life(
    state: &'static str,
    name: &'static str,
    price: Wanted,
    card: Option<&'static str>,
    age: i64,
    then: Then,
) -> Life {
    let trial = if card.is_none() { Some(14 * DAY) } else { None };
    Life { state, name, price, quantity: 1, card, age, trial, then }
}

/// The customers it made; none the second time.
pub fn seed(w: &mut World) -> Answer<Vec<String>> {
    ensure_catalogue(w)?;
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
    let price = recurring(w).find(|price| fits(w, price, life.price)).or_else(|| recurring(w).next());
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

/// Prices that somebody can subscribe to.
fn recurring(w: &World) -> impl Iterator<Item = &Price> {
    w.prices.iter().filter(|price| price.active && price.recurring.is_some())
}

fn fits(w: &World, price: &Price, wanted: Wanted) -> bool {
    let every = price.recurring.as_ref().filter(|every| every.count == 1);
    let interval = if wanted == Wanted::Year { "year" } else { "month" };
    let by_the_unit = w.products.get(&price.product).is_some_and(|product| product.unit_label.is_some());
    every.is_some_and(|every| every.interval == interval) && by_the_unit == (wanted == Wanted::Seats)
}

/// A small catalogue where nothing is sold yet, and a portal where people switch between what is sold
/// where there is none yet.
pub fn ensure_catalogue(w: &mut World) -> Answer<()> {
    if recurring(w).next().is_none() {
        for (product, month, year) in
            [("name=Basic", 1_000, 10_000), ("name=Team&unit_label=seat", 800, 8_000)]
        {
            let product = post(w, "products", product)?;
            for (interval, amount) in [("month", month), ("year", year)] {
                let every = format!("currency=usd&unit_amount={amount}&recurring[interval]={interval}");
                post(w, "prices", &format!("product={product}&{every}"))?;
            }
        }
    }
    if w.portal_configurations.len() == 0 {
        let features = format!("{PORTAL}{}", products_to_switch_to(w));
        post(w, "billing_portal/configurations", &features)?;
    }
    Ok(())
}

/// Everything that people can do in the portal but pause.
const PORTAL: &str = "features[customer_update][enabled]=true\
    &features[customer_update][allowed_updates][0]=address&features[customer_update][allowed_updates][1]=name\
    &features[customer_update][allowed_updates][2]=tax_id\
    &features[invoice_history][enabled]=true&features[payment_method_update][enabled]=true\
    &features[subscription_cancel][enabled]=true&features[subscription_update][enabled]=true\
    &features[subscription_update][default_allowed_updates][0]=price\
    &features[subscription_update][default_allowed_updates][1]=quantity\
    &features[subscription_update][proration_behavior]=always_invoice";

/// The most that a configuration takes.
const MOST_PRODUCTS: usize = 10;

fn products_to_switch_to(w: &World) -> String {
    let mut prices = BTreeMap::<&str, Vec<&str>>::new();
    for price in recurring(w) {
        prices.entry(&price.product).or_default().push(&price.id);
    }
    let mut fields = String::new();
    for (n, (product, prices)) in prices.into_iter().take(MOST_PRODUCTS).enumerate() {
        let at = format!("&features[subscription_update][products][{n}]");
        fields += &format!("{at}[product]={product}");
        prices.iter().for_each(|price| fields += &format!("{at}[prices][]={price}"));
        if w.products.get(product).is_some_and(|product| product.unit_label.is_some()) {
            fields += &format!("{at}[adjustable_quantity][enabled]=true");
        }
    }
    fields
}

/// Makes something as a client of the API does; its id.
fn post(w: &mut World, path: &str, fields: &str) -> Answer<String> {
    let made = api::route(w, &Method::POST, &format!("/v1/{path}"), Params::parse(fields.as_bytes())?)?;
    Ok(made["id"].as_str().unwrap_or_default().to_owned())
}

/// Does something as of an instant in the past.
fn at<T>(w: &mut World, instant: i64, work: impl FnOnce(&mut World) -> Answer<T>) -> Answer<T> {
    w.seen = w.seen.min(instant); // what follows from it happens in the past too
    let outer = w.step_at.replace(instant);
    let done = work(w);
    w.step_at = outer;
    done
}
