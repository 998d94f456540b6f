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
    /// `invoice.overdue` has been said.
    #[serde(default)]
    pub overdue: bool,
    /// Minor units taken back by credit notes, before and after it was paid.
    #[serde(default)]
    pub pre_credit: i64,
    #[serde(default)]
    pub post_credit: i64,
    /// Minor units that were paid by a transfer or in cash, say.
    #[serde(default)]
    pub paid_off_stripe: i64,
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
    /// `succeeded`, `processing`, `requires_payment_method` or `requires_action`.
    pub status: String,
    pub decline_code: Option<String>,
    pub message: Option<String>,
    /// Minor units that were given back.
    #[serde(default)]
    pub refunded: i64,
    /// When a debit under way comes to its end.
    #[serde(default)]
    pub settles_at: Option<i64>,
}

/// Money given back for a payment.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Refund {
    pub id: String,
    pub created: i64,
    /// `pi_…`
    pub payment: String,
    pub amount: i64,
    pub currency: String,
    /// `duplicate`, `fraudulent`, `requested_by_customer` or none.
    pub reason: Option<String>,
    pub metadata: Metadata,
}

/// So much of an invoice is taken back.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CreditNote {
    pub id: String,
    pub created: i64,
    pub number: String,
    pub invoice: String,
    pub customer: String,
    pub currency: String,
    /// `issued` or `void`.
    pub status: String,
    pub amount: i64,
    /// Of that: off what was still to be paid; the rest after it was paid.
    pub pre_payment: i64,
    pub out_of_band: i64,
    pub refund: Option<String>,
    pub balance_transaction: Option<String>,
    pub reason: Option<String>,
    pub memo: Option<String>,
    pub lines: Vec<CreditLine>,
    pub voided_at: Option<i64>,
    pub metadata: Metadata,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CreditLine {
    pub id: String,
    /// None: a line of its own.
    pub invoice_line: Option<String>,
    pub description: String,
    pub amount: i64,
    pub quantity: Option<i64>,
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
        (self.total() + self.starting_balance - self.pre_credit).max(0)
    }

    pub fn amount_remaining(&self) -> i64 {
        match self.status.as_str() {
            "paid" | "void" => 0,
            _ => self.amount_due() - self.amount_paid,
        }
    }
}
