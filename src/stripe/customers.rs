//! Making and changing customers.
use super::{
    deadline::Deadline,
    error::Error,
    gateway::Stripe,
    view::{Customer, CustomerId, CustomerState},
};
use std::collections::HashMap;
use stripe_client_core::StripeRequest;
use stripe_core::customer::{CreateCustomer, UpdateCustomer};

/// A customer to create at Stripe.
pub struct NewCustomer<'a> {
    pub org_id: String,
    pub slug: &'a str,
    pub name: &'a str,
    /// Where receipts go. It proves nothing about a person.
    pub email: &'a str,
}

/// What to change of a customer; what is none stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomerDetails {
    /// What stands on invoices.
    pub name: Option<String>,
    /// Where receipts and invoices go.
    pub email: Option<String>,
    /// The language of invoices and receipts.
    pub language: Option<String>,
    /// `metadata.org`: the organisation's word in URLs.
    pub slug: Option<String>,
}

impl Stripe {
    /// Creates a customer. The same `key` gives the same customer, however often it is sent.
    pub async fn create_customer(
        &self,
        new: NewCustomer<'_>,
        key: &str,
        until: Deadline,
    ) -> Result<CustomerId, Error> {
        let metadata =
            HashMap::from([("org_id".to_owned(), new.org_id), ("org".to_owned(), new.slug.to_owned())]);
        let ask = CreateCustomer::new().name(new.name).email(new.email).metadata(metadata).build();
        let made: Customer = self.transport.send(ask, Some(key), until).await?;
        Ok(made.id)
    }

    /// Changes a customer; what Stripe holds of it then.
    pub async fn change_customer(
        &self,
        customer: &CustomerId,
        change: &CustomerDetails,
        until: Deadline,
    ) -> Result<CustomerState, Error> {
        let mut ask = UpdateCustomer::new(customer.0.as_str());
        ask = change.name.iter().fold(ask, UpdateCustomer::name);
        ask = change.email.iter().fold(ask, UpdateCustomer::email);
        if let Some(language) = &change.language {
            ask = ask.preferred_locales(vec![language.clone()]);
        }
        if let Some(slug) = &change.slug {
            ask = ask.metadata(HashMap::from([("org".to_owned(), slug.clone())]));
        }
        let key = format!("details:{}", uuid::Uuid::now_v7());
        self.transport.send(ask.build(), Some(&key), until).await
    }
}
