//! What may happen in a history, drawn from its seed.
use crate::billing_app::{GOOD, NEVER_PAYS};
use serde_json::{Value, json};

const CARDS: [&str; 6] = [GOOD, GOOD, "5555555555554444", NEVER_PAYS, "4000000000000002", "4000002760003184"];
const PRICES: [(&str, &str); 4] =
    [("pro", "month"), ("pro", "year"), ("business", "month"), ("business", "year")];

/// Numbers from a seed (SplitMix64): the same seed, the same history.
pub struct Chance(u64);

impl Chance {
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end.max(1)
    }

    fn of<T: Clone>(&mut self, among: &[T]) -> T {
        among[self.below(among.len() as u64) as usize].clone()
    }
}

/// What happens next; organisations by number.
#[derive(Clone, Debug)]
pub enum Step {
    Buy(usize, &'static str, &'static str),
    /// In the newest tab, or in the one before.
    Pay(usize, usize, &'static str),
    ComeBack(usize),
    OpenPortal(usize),
    Act(usize, &'static str, Value),
    Delete(usize),
    /// A subscription to another product, made in the Dashboard.
    Foreign(usize),
    /// Some per cent off the subscription.
    Coupon(usize, u64),
    /// The customer's balance, in minor units.
    Balance(usize, i64),
    Hours(i64),
    Fault(Value),
    FaultsEnd,
    Deliveries(Value),
    SyncNow(usize),
    Reconcile,
    Resend,
    KillWorkers,
    OneMoreWorker,
}

pub fn steps(seed: u64) -> Vec<Step> {
    let mut c = Chance::seeded(seed);
    let mut steps = Vec::new();
    // Nothing can happen to who never bought anything.
    for org in 0..=c.below(2) as usize {
        let (plan, interval) = c.of(&PRICES);
        steps.extend([Step::Buy(org, plan, interval), Step::Pay(org, 0, CARDS[0])]);
    }
    if c.below(3) == 0 {
        steps.insert(0, Step::Deliveries(mishaps(&mut c)));
    }
    for _ in 0..4 + c.below(8) {
        steps.push(step(&mut c));
    }
    steps
}

fn step(c: &mut Chance) -> Step {
    let org = c.below(2) as usize;
    let (plan, interval) = c.of(&PRICES);
    match c.below(46) {
        0..=3 => Step::Buy(org, plan, interval),
        4..=6 => Step::Pay(org, c.below(2) as usize, c.of(&CARDS)),
        7 => Step::ComeBack(org),
        8 => Step::OpenPortal(org),
        9..=19 => act(c, org),
        20 => Step::Delete(org),
        21..=26 => Step::Hours(c.of(&[1, 5, 26, 71, 24 * 8, 24 * 14 + 2])),
        27..=29 => Step::Fault(fault(c)),
        30 => Step::FaultsEnd,
        31..=33 => Step::Deliveries(mishaps(c)),
        34 => Step::SyncNow(org),
        35 => Step::Reconcile,
        36 => Step::Resend,
        37..=38 => Step::KillWorkers,
        39 => Step::OneMoreWorker,
        40..=41 => Step::Foreign(org),
        42..=43 => Step::Coupon(org, 5 + c.below(90)),
        _ => Step::Balance(org, c.below(8_000) as i64 - 5_000),
    }
}

fn act(c: &mut Chance, org: usize) -> Step {
    let (plan, interval) = c.of(&PRICES);
    let card = c.of(&CARDS);
    let (action, more) = match c.below(20) {
        0..=2 => (
            "switch_plan",
            json!({ "price": format!("{plan}_{interval}"), "quantity": if plan == "pro" { 1 } else { 1 + c.below(5) } }),
        ),
        3..=4 => ("cancel", json!({ "when": "period_end" })),
        5 => ("cancel", json!({ "when": "now" })),
        6..=7 => ("renew", json!({})),
        8 => ("pause", json!({})),
        9 => ("resume", json!({})),
        10 => ("pay_invoice", json!({})),
        11..=12 => ("add_card", json!({ "card": card })),
        13 => ("refund", json!({})),
        14 => ("mark_paid_out_of_band", json!({})),
        15 => ("mark_uncollectible", json!({})),
        16..=17 => ("pay_by", json!({ "method": c.of(&["sepa_debit", "us_bank_account", "link"]) })),
        18 => ("settle_debit", json!({ "outcome": c.of(&["succeeded", "failed"]) })),
        _ => ("update_details", json!({ "name": "Another Name" })),
    };
    Step::Act(org, action, more)
}

fn fault(c: &mut Chance) -> Value {
    let kind = c.of(&["429", "500", "502_html", "truncated", "close_before", "close_after", "409"]);
    let path = c.of(&["/v1/subscriptions*", "/v1/customers*", "/v1/checkout/*", "/v1/*", "/v1/invoices*"]);
    // Of the product's key: a fault is not meant for somebody in the Dashboard.
    json!({ "kind": kind, "path": path, "key": "sk_test_123", "times": 1 + c.below(2) })
}

fn mishaps(c: &mut Chance) -> Value {
    let part = |c: &mut Chance| c.below(5) as f64 / 10.0;
    match c.below(5) {
        0 => json!({ "drop": 1.0 }),
        1 => json!({ "paused": true }),
        2 => json!({ "thin": true, "duplicate": part(c), "seed": 1 }),
        _ => {
            json!({ "duplicate": part(c), "drop": part(c), "bad_signature": part(c) / 2.0,
                "shuffle": c.below(2) == 0, "delay_ms": [0, c.below(60)], "seed": c.below(1000) })
        }
    }
}
