//! Subscriptions and what hangs on them.
use super::Metadata;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Subscription {
    pub id: String,
    pub created: i64,
    pub customer: String,
    /// Stripe's word.
    pub status: String,
    pub items: Vec<Item>,
    pub currency: String,
    pub collection_method: String,
    pub days_until_due: Option<i64>,
    pub start_date: i64,
    pub billing_cycle_anchor: i64,
    /// `flexible`, Stripe's default since 2025-09-30, or `classic`.
    pub billing_mode: String,
    pub cancel_at: Option<i64>,
    pub cancel_at_period_end: bool,
    pub canceled_at: Option<i64>,
    pub ended_at: Option<i64>,
    pub cancellation: Cancellation,
    pub trial_start: Option<i64>,
    pub trial_end: Option<i64>,
    /// What happens to a trial that ends without a card: `create_invoice`, `cancel` or `pause`.
    pub missing_payment_method: String,
    pub default_payment_method: Option<String>,
    pub latest_invoice: Option<String>,
    pub paused: Option<Paused>,
    pub pause_collection: Option<PauseCollection>,
    pub discounts: Vec<Discount>,
    pub schedule: Option<String>,
    pub description: Option<String>,
    pub metadata: Metadata,
    pub test_clock: Option<String>,
    /// `customer.subscription.trial_will_end` has been said.
    pub trial_end_said: bool,
    /// The period end for which `invoice.upcoming` has been said.
    pub upcoming_said: Option<i64>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Item {
    pub id: String,
    pub created: i64,
    pub price: String,
    pub quantity: i64,
    pub current_period_start: i64,
    pub current_period_end: i64,
    pub metadata: Metadata,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Cancellation {
    pub comment: Option<String>,
    pub feedback: Option<String>,
    pub reason: Option<String>,
}

/// Why and since when service is paused (`status` is then `paused`).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Paused {
    /// `pause_requested` or `trial_end_without_payment_method`.
    pub why: String,
    pub since: i64,
    pub resumes_at: Option<i64>,
}

/// Money off, access on: invoices are not collected for a while.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PauseCollection {
    /// `keep_as_draft`, `mark_uncollectible` or `void`.
    pub behavior: String,
    pub resumes_at: Option<i64>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Discount {
    pub id: String,
    #[serde(default)]
    pub customer: String,
    /// None: of the customer, and of every subscription without discounts of its own.
    #[serde(default)]
    pub subscription: Option<String>,
    pub coupon: String,
    pub promotion_code: Option<String>,
    pub start: i64,
    /// None: for ever, or until the one invoice of a `once` coupon.
    pub end: Option<i64>,
    pub checkout_session: Option<String>,
}

/// What a subscription will be, phase by phase.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Schedule {
    pub id: String,
    pub created: i64,
    pub customer: String,
    pub subscription: String,
    /// `active`, `completed`, `released` or `canceled`.
    pub status: String,
    /// One after the other, the first from where the subscription was.
    #[serde(default)]
    pub phases: Vec<Phase>,
    /// Which of them has begun last.
    #[serde(default)]
    pub begun: usize,
    /// `release` or `cancel`.
    #[serde(default)]
    pub end_behavior: String,
    /// A change that waits, made in the portal: it is let go when its last phase begins.
    #[serde(default)]
    pub is_change: bool,
    pub released_at: Option<i64>,
    #[serde(default)]
    pub canceled_at: Option<i64>,
    #[serde(default)]
    pub completed_at: Option<i64>,
    #[serde(default)]
    pub metadata: Metadata,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Phase {
    pub start: i64,
    pub end: i64,
    /// Price and quantity.
    pub items: Vec<(String, i64)>,
    /// What a change in the middle of a period does: `create_prorations`, `always_invoice` or `none`.
    pub proration: String,
}

impl Schedule {
    /// The phase that follows the one that has begun.
    pub fn next(&self) -> Option<&Phase> {
        self.phases.get(self.begun + 1).filter(|_| self.status == "active")
    }
}

impl Subscription {
    /// Whether it can still change; `canceled` and `incomplete_expired` are for ever.
    pub fn is_alive(&self) -> bool {
        !matches!(self.status.as_str(), "canceled" | "incomplete_expired")
    }

    /// Whether periods go by and invoices are made.
    pub fn is_billing(&self) -> bool {
        matches!(self.status.as_str(), "active" | "past_due" | "unpaid")
    }

    /// The end of the period that runs now.
    pub fn period_end(&self) -> i64 {
        self.items.iter().map(|item| item.current_period_end).min().unwrap_or(self.start_date)
    }

    pub fn period_start(&self) -> i64 {
        self.items.iter().map(|item| item.current_period_start).min().unwrap_or(self.start_date)
    }

    /// When it ends for good, however that was asked for.
    pub fn ends_at(&self) -> Option<i64> {
        self.cancel_at.or_else(|| self.cancel_at_period_end.then(|| self.period_end()))
    }

    pub fn is_flexible(&self) -> bool {
        self.billing_mode == "flexible"
    }
}
