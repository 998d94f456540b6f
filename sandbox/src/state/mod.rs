//! The world the sandbox holds: one value behind one lock. An operation changes all it means to,
//! or, if it is refused, nothing.
mod agenda;
mod calendar;
mod ids;
mod keep;
mod table;

pub use agenda::Agenda;
pub use calendar::{DAY, Every, HOUR, date, minute, wall, wall_ms};
pub use ids::Chance;
pub use keep::Keep;
pub use table::{Kept, Row, Table};

use super::{hooks, objects::*};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What has no table of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// Seconds by which the sandbox is ahead of the wall clock.
    pub ahead: i64,
    /// Where the clock stands still, if it does; it then moves only when it is advanced.
    pub frozen: Option<i64>,
    pub chance: Chance,
    /// What becomes of a subscription whose last retry failed.
    pub dunning: Dunning,
    pub delivery: hooks::Perturbed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dunning {
    Cancel,
    MarkUnpaid,
    LeavePastDue,
}

/// Who asked for the operation under way; stands in the events it causes.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub request: Option<String>,
    pub idempotency_key: Option<String>,
}

macro_rules! world {
    ($($table:ident: $row:ty),+ $(,)?) => {
        pub struct World {
            $(pub $table: Table<$row>,)+
            pub settings: Settings,
            settings_before: Option<Settings>,
            pub asked: Asked,
            /// Where people and clients reach the sandbox, without a slash at the end.
            pub base_url: String,
            /// The instant of the step under way, which may be later done than it was due.
            pub step_at: Option<i64>,
            /// Up to where everything due has been done: nothing happens before what happened.
            pub seen: i64,
            pub agenda: Agenda,
            /// Events that wait for the one they follow from (see `hold_back`).
            held_back: Option<Vec<Said>>,
        }

        impl World {
            pub fn new(settings: Settings) -> Self {
                let (settings_before, asked, base_url, step_at, seen, agenda, held_back) = Default::default();
                Self { $($table: Table::default(),)+ settings, settings_before, asked, base_url, step_at, seen, agenda, held_back }
            }

            /// The operation under way never was.
            pub fn undo(&mut self) {
                $(self.$table.undo();)+
                self.held_back = None;
                self.seen = 0; // until the next look at the clock
                if let Some(before) = self.settings_before.take() {
                    self.settings = before;
                }
            }

            /// The operation under way is over. What it changed, if anybody keeps that.
            pub fn settle(&mut self, kept: bool) -> Vec<Kept> {
                let mut changes = Vec::new();
                $(changes.append(&mut self.$table.settle(kept));)+
                if self.settings_before.take().is_some() && kept {
                    let json = serde_json::to_string(&self.settings).ok();
                    changes.push(Kept { kind: "settings", place: 0, json });
                }
                changes
            }

            pub fn load(&mut self, kind: &str, place: u64, json: &str) -> Result<(), serde_json::Error> {
                match kind {
                    "settings" => self.settings = serde_json::from_str(json)?,
                    $(<$row as Row>::KIND => self.$table.load(place, json)?,)+
                    _ => {} // of a newer sandbox
                }
                Ok(())
            }

            /// Forgets everything but what is in `settings`.
            pub fn clear(&mut self) {
                $(self.$table.clear();)+
                self.seen = 0;
            }
        }
    };
}
world! {
    customers: Customer, payment_methods: PaymentMethod, tax_ids: TaxId,
    products: Product, prices: Price, coupons: Coupon, promotion_codes: PromotionCode,
    subscriptions: Subscription, schedules: Schedule,
    invoices: Invoice, invoice_items: InvoiceItem, payments: Payment,
    checkout_sessions: CheckoutSession,
    portal_configurations: PortalConfiguration, portal_sessions: PortalSession,
    events: Event, endpoints: Endpoint, deliveries: Delivery, faults: Fault,
    remembered: Remembered, test_clocks: TestClock,
}

impl Settings {
    pub fn fresh(seed: Option<u64>, frozen: Option<i64>) -> Self {
        let chance = seed.map_or_else(Chance::fresh, Chance::seeded);
        Self { ahead: 0, frozen, chance, dunning: Dunning::Cancel, delivery: hooks::Perturbed::default() }
    }
}

impl World {
    /// The sandbox's time, in unix seconds.
    pub fn now(&self) -> i64 {
        self.step_at.unwrap_or_else(|| self.settings.frozen.unwrap_or_else(|| wall() + self.settings.ahead))
    }

    /// Moves the clock to `to`; never back.
    pub fn move_clock(&mut self, to: i64) {
        let by = (to - self.now()).max(0);
        let settings = self.change_settings();
        match &mut settings.frozen {
            Some(frozen) => *frozen += by,
            None => settings.ahead += by,
        }
    }

    pub fn change_settings(&mut self) -> &mut Settings {
        self.settings_before.get_or_insert_with(|| self.settings.clone());
        &mut self.settings
    }

    /// A fresh id: `cus_` and 14 letters, say.
    pub fn id(&mut self, prefix: &str) -> String {
        let length = if matches!(prefix, "cs_test_" | "whsec_") { 40 } else { 24 };
        format!("{prefix}{}", self.change_settings().chance.word(length))
    }

    pub fn secret(&mut self) -> String {
        self.change_settings().chance.word(32)
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    /// Something happened: written down, and on its way to whoever listens.
    pub fn emit(&mut self, kind: &str, object: Value) {
        self.say(Said { kind: kind.to_owned(), object, previous: None });
    }

    /// An object changed. Nothing happened if it looks as before.
    pub fn emit_change(&mut self, kind: &str, before: &Value, after: Value) {
        if let Some(previous) = previous_attributes(before, &after) {
            self.say(Said { kind: kind.to_owned(), object: after, previous: Some(previous) });
        }
    }

    /// Does the work and keeps back what it says, for `say_all` once the cause has been said.
    pub fn hold_back<T>(&mut self, work: impl FnOnce(&mut World) -> T) -> (T, Vec<Said>) {
        let outer = self.held_back.replace(Vec::new());
        let done = work(self);
        let said = std::mem::replace(&mut self.held_back, outer).unwrap_or_default();
        (done, said)
    }

    pub fn say_all(&mut self, all: Vec<Said>) {
        all.into_iter().for_each(|said| self.say(said));
    }

    fn say(&mut self, said: Said) {
        if let Some(waiting) = &mut self.held_back {
            return waiting.push(said);
        }
        let Asked { request, idempotency_key } = self.asked.clone();
        let (id, created) = (self.id("evt_"), self.now());
        let Said { kind, object, previous: previous_attributes } = said;
        let (pending_webhooks, unheard) = Default::default();
        let event = Event {
            id,
            created,
            kind,
            object,
            previous_attributes,
            request,
            idempotency_key,
            pending_webhooks,
            unheard,
        };
        hooks::send(self, event);
    }
}

/// An event before it has a name and a time.
pub struct Said {
    pub kind: String,
    pub object: Value,
    pub previous: Option<Value>,
}

/// What Stripe says of a change: the old values of what differs, nothing else.
pub fn previous_attributes(before: &Value, after: &Value) -> Option<Value> {
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return (before != after).then(|| before.clone());
    };
    let mut previous = Map::new();
    for (key, new_value) in new {
        let old_value = old.get(key).unwrap_or(&Value::Null);
        if let Some(difference) = previous_attributes(old_value, new_value) {
            previous.insert(key.clone(), difference);
        }
    }
    for (key, old_value) in old.iter().filter(|(key, _)| !new.contains_key(*key)) {
        previous.insert(key.clone(), old_value.clone());
    }
    (!previous.is_empty()).then_some(Value::Object(previous))
}

#[cfg(test)]
mod tests {
    use super::previous_attributes;
    use serde_json::json;

    #[test]
    fn an_event_says_what_was_before_and_only_that() {
        let before =
            json!({ "status": "active", "items": { "data": [{ "price": "a" }] }, "metadata": { "k": "v" } });
        let after = json!({ "status": "active", "items": { "data": [{ "price": "b" }] }, "metadata": {} });

        let previous = previous_attributes(&before, &after);

        assert_eq!(
            previous,
            Some(json!({ "items": { "data": [{ "price": "a" }] }, "metadata": { "k": "v" } }))
        );
        assert_eq!(previous_attributes(&before, &before), None);
    }
}
