//! What our API key may read, and how far our clock is from Stripe's.
use super::requests::Done;
use crate::stripe::{deadline::Deadline, error::Error, gateway::Stripe};
use stripe_client_core::{RequestBuilder, StripeMethod};

/// Lists to read: the permission's name in the Dashboard, the path, and whether the running product needs it
/// (otherwise only `stripe setup` does).
pub const READS: [(&str, &str, bool); 12] = [
    ("Customers", "/customers", true),
    ("Checkout Sessions", "/checkout/sessions", true),
    ("Customer portal", "/billing_portal/configurations", true),
    ("Subscriptions", "/subscriptions", true),
    ("Prices", "/prices", true),
    ("Products", "/products", true),
    ("Invoices", "/invoices", true),
    ("Charges and Refunds", "/charges", true),
    ("Credit Notes", "/credit_notes", true),
    ("PaymentMethods", "/payment_methods", true),
    ("Events", "/events", true),
    ("Webhook Endpoints", "/webhook_endpoints", false),
];

impl Stripe {
    /// Reads one object of a list, to see whether the key may.
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
