//! Invoices, what waits for the next one, and attempts to pay them.
use super::{Discount, Metadata};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Invoice {
    pub id: String,
    pub created: i64,
    pub number: Option<String>,
    pub customer: String,
    pub subscription: Option<String>,
    /// `draft`, `open`, `paid`, `uncollectible` or `void`.
    pub status: String,
    /// `subscription_create`, `subscription_cycle`, `subscription_update` or `manual`.
    pub billing_reason: String,
    pub collection_method: String,
    pub currency: String,
    pub period_start: i64,
    pub period_end: i64,
    pub lines: Vec<Line>,
    pub discounts: Vec<Discount>,
    /// Minor units off, by all discounts together.
    pub discount: i64,
    /// Below zero: credit of the customer before this invoice, and after it.
    pub starting_balance: i64,
    pub ending_balance: Option<i64>,
    pub amount_paid: i64,
    pub attempt_count: i64,
    pub attempted: bool,
    /// How many scheduled attempts have failed.
    pub failures: i64,
    /// Whether it goes on by itself: is finalized, and tried again after a failure.
    pub auto_advance: bool,
    pub next_payment_attempt: Option<i64>,
    pub finalizes_at: Option<i64>,
    pub due_date: Option<i64>,
    pub finalized_at: Option<i64>,
    pub paid_at: Option<i64>,
    pub voided_at: Option<i64>,
    pub uncollectible_at: Option<i64>,
    /// The last attempt.
    pub payment: Option<String>,
    /// The bank of the card in charge wants to see its holder.
    pub needs_action: bool,
    /// What was sent to pay it, while a bank wants to see the card's holder.
    pub challenged: Option<String>,
    /// Opens the hosted page: as secret as a link in a mail.
    pub page: String,
    pub metadata: Metadata,
    pub test_clock: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Line {
    pub id: String,
    pub description: String,
    pub amount: i64,
    pub quantity: i64,
    pub price: Option<String>,
    pub period_start: i64,
    pub period_end: i64,
    pub proration: bool,
    pub subscription_item: Option<String>,
    pub invoice_item: Option<String>,
    /// What each discount takes off it: the discount's id and minor units.
    #[serde(default)]
    pub off: Vec<(String, i64)>,
}

/// A proration that waits for the next invoice.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct InvoiceItem {
    pub id: String,
    pub created: i64,
    pub customer: String,
    pub subscription: Option<String>,
    pub invoice: Option<String>,
    pub currency: String,
    pub line: Line,
}

/// One attempt to take money: a payment intent and its charge.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Payment {
    /// `pi_…`
    pub id: String,
    /// `ch_…`, once a card was tried.
    pub charge: Option<String>,
    pub created: i64,
    pub customer: String,
    pub invoice: Option<String>,
    pub amount: i64,
    pub currency: String,
    pub payment_method: Option<String>,
    /// `succeeded`, `requires_payment_method` or `requires_action`.
    pub status: String,
    pub decline_code: Option<String>,
    pub message: Option<String>,
}

impl Line {
    pub fn total_off(&self) -> i64 {
        self.off.iter().map(|(_, off)| off).sum()
    }
}

impl Invoice {
    pub fn subtotal(&self) -> i64 {
        self.lines.iter().map(|line| line.amount).sum()
    }

    pub fn total(&self) -> i64 {
        self.subtotal() - self.discount
    }

    /// What has to be paid once credit is used up; never below zero.
    pub fn amount_due(&self) -> i64 {
        (self.total() + self.starting_balance).max(0)
    }

    pub fn amount_remaining(&self) -> i64 {
        match self.status.as_str() {
            "paid" | "void" => 0,
            _ => self.amount_due() - self.amount_paid,
        }
    }
}
