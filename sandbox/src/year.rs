//! A year in a few seconds, twice, and both years are the same.
use super::{
    Options, Sandbox, act,
    engine::{self, Holder, NewSubscription},
    objects::Customer,
    params::Params,
    refusal::{Answer, Refusal},
    seed,
    state::{DAY, Dunning, World},
    wire,
};
use std::time::{Duration, Instant};

const BEGIN: i64 = 1_800_014_400;
const CARDS: [&str; 4] = ["4242424242424242", "4000000000000341", "4000002760003184", "5555555555554444"];

fn customer(w: &mut World, n: usize) -> Answer<()> {
    let name = Some(format!("Customer {n}"));
    let customer = engine::create_customer(w, Customer { name, ..Customer::default() });
    act::add_card(w, &customer, CARDS[0], Holder::Approves)?;
    let price = w.prices.iter().nth(n % w.prices.len()).map(|price| price.id.clone());
    let new = NewSubscription {
        customer: customer.clone(),
        items: price.map(|price| (price, 1 + n as i64 % 3)).into_iter().collect(),
        trial_end: (n.is_multiple_of(5)).then_some(BEGIN + 14 * DAY),
        payment_behavior: "allow_incomplete".into(),
        ..NewSubscription::default()
    };
    engine::subscribe(w, new, Holder::Approves)?;
    act::add_card(w, &customer, CARDS[n % CARDS.len()], Holder::Approves).map(drop)
}

/// Every event of a year of a hundred customers, half of whom cannot pay.
async fn year(chance: u64) -> Vec<String> {
    let options = Options { seed: Some(chance), frozen_at: Some(BEGIN), ..Options::default() };
    let sandbox = Sandbox::open(options).await.unwrap();
    let lived = sandbox.act(|w| {
        seed::ensure_catalogue(w)?;
        w.change_settings().dunning = Dunning::MarkUnpaid;
        (0..100).try_for_each(|n| customer(w, n))?;
        engine::advance(w, BEGIN + 180 * DAY);
        for id in w.customers.ids(|_| true).iter().step_by(7) {
            act::act(w, Params::parse(format!("action=cancel&customer={id}").as_bytes())?)?;
        }
        engine::advance(w, BEGIN + 366 * DAY);
        Ok::<_, Refusal>(())
    });
    lived.await.unwrap();
    sandbox.look(|w| w.events.iter().map(|event| wire::event(event).to_string()).collect()).await
}

#[tokio::test]
async fn a_year_of_a_hundred_customers_takes_seconds_and_is_the_same_each_time() {
    let begun = Instant::now();

    let (one, two) = (year(1).await, year(1).await);

    assert!(begun.elapsed() < Duration::from_secs(60), "two years took {:?}", begun.elapsed());
    assert!(one.len() > 3_000, "only {} events", one.len());
    assert!(one == two, "the same seed gave another year");
    assert!(one.iter().any(|event| event.contains("\"status\":\"unpaid\"")));
}
