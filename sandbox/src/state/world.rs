//! The world the sandbox holds: one value behind one lock. An operation changes all it means to,
//! or, if it is refused, nothing.
use super::{Agenda, Chance, Kept, Perturbed, Row, Table, wall};
use crate::objects::*;
use serde::{Deserialize, Serialize};

/// What has no table of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// Seconds by which the sandbox is ahead of the wall clock.
    pub ahead: i64,
    /// Where the clock stands still, if it does; it then moves only when it is advanced.
    pub frozen: Option<i64>,
    /// It stands still for a test clock, and runs on when the last of those is deleted.
    #[serde(default)]
    pub is_held: bool,
    pub chance: Chance,
    /// What becomes of a subscription whose last retry failed.
    pub dunning: Dunning,
    pub delivery: Perturbed,
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
            pub(super) held_back: Option<Vec<Said>>,
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
    balance_transactions: BalanceTransaction,
    products: Product, prices: Price, coupons: Coupon, promotion_codes: PromotionCode,
    subscriptions: Subscription, schedules: Schedule,
    invoices: Invoice, invoice_items: InvoiceItem, payments: Payment,
    refunds: Refund, credit_notes: CreditNote,
    checkout_sessions: CheckoutSession,
    portal_configurations: PortalConfiguration, portal_sessions: PortalSession,
    events: Event, endpoints: Endpoint, deliveries: Delivery, faults: Fault,
    remembered: Remembered, test_clocks: TestClock,
}

impl Settings {
    pub fn fresh(seed: Option<u64>, frozen: Option<i64>) -> Self {
        let chance = seed.map_or_else(Chance::fresh, Chance::seeded);
        Self {
            ahead: 0,
            frozen,
            is_held: false,
            chance,
            dunning: Dunning::Cancel,
            delivery: Perturbed::default(),
        }
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

    /// The clock stands still from now on, at `at` if that is back in time.
    pub fn hold_clock(&mut self, at: i64) {
        let at = at.min(self.now());
        self.seen = self.seen.min(at);
        let settings = self.change_settings();
        settings.is_held |= settings.frozen.is_none();
        settings.frozen = Some(at);
    }

    /// The clock runs on, if it was held.
    pub fn release_clock(&mut self) {
        let now = self.now();
        let settings = self.change_settings();
        if std::mem::take(&mut settings.is_held) {
            (settings.frozen, settings.ahead) = (None, now - wall());
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
}
