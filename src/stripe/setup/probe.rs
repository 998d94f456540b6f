//! Harmless questions, to learn what our key may read and how our clock stands to Stripe's.
use super::{Done, Error, Stripe};
use crate::stripe::Deadline;
use stripe_client_core::{RequestBuilder, StripeMethod};

/// Lists to try: the right's name in the Dashboard, its path, and whether the running product
/// needs it (else only `stripe setup` does).
pub const READS: [(&str, &str, bool); 10] = [
    ("Customers", "/customers", true),
    ("Checkout Sessions", "/checkout/sessions", true),
    ("Customer portal", "/billing_portal/configurations", true),
    ("Subscriptions", "/subscriptions", true),
    ("Prices", "/prices", true),
    ("Products", "/products", true),
    ("Invoices", "/invoices", true),
    ("PaymentMethods", "/payment_methods", true),
    ("Events", "/events", true),
    ("Webhook Endpoints", "/webhook_endpoints", false),
];

impl Stripe {
    /// One of a list, and nothing of it kept.
    pub async fn may_read(&self, path: &str) -> Result<(), Error> {
        let ask =
            RequestBuilder { query: Some("limit=1".into()), ..RequestBuilder::new(StripeMethod::Get, path) };
        self.transport.send::<Done>(ask, None, Deadline::of_job()).await.map(drop)
    }

    /// Seconds by which our clock is ahead of Stripe's, by its last answer.
    pub fn clock_skew(&self) -> Option<i64> {
        self.transport.skew()
    }
}
