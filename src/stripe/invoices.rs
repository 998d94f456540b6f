//! Which invoices are read of Stripe, what came of their payments, and their hosted pages.
use super::{
    deadline::Deadline,
    error::Error,
    gateway::Stripe,
    hosts::StripeUrl,
    view::{CustomerId, Invoice, List, Listed, PAGE},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::HashMap;
use stripe_billing::{
    InvoiceStatus,
    invoice::{ListInvoice, RetrieveInvoice},
};
use stripe_client_core::{RequestBuilder, StripeMethod, StripeRequest};
use stripe_types::RangeQueryTs;

/// What to read of a customer's invoices beside those that are open.
#[derive(Debug, Default)]
pub struct WantedInvoices {
    /// Every page back to invoices of this time (unix seconds); to the first one where it is none.
    pub since: Option<i64>,
    /// These besides, however old: ids of invoices, or of charges and credit notes of an invoice.
    pub ids: Vec<String>,
}

/// What was read.
#[derive(Debug, Default)]
pub struct ReadInvoices {
    pub found: Vec<Invoice>,
    /// Whether these are all that the customer has.
    pub all: bool,
    /// Ids that Stripe has no invoice for: drafts that were deleted.
    pub missing: Vec<String>,
}

/// An invoice's page at Stripe, where an open one can be paid, or its PDF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostedInvoice {
    Page,
    Pdf,
}

/// A try to pay. Refunds stand on it.
#[derive(Clone, Debug, Deserialize)]
struct Charge {
    id: String,
    payment_intent: Option<String>,
    #[serde(default)]
    amount_refunded: i64,
}

/// A credit note, or a payment of an invoice.
#[derive(Deserialize)]
struct PartOfInvoice {
    invoice: Option<String>,
}

/// Payments of invoices that were made by one payment intent.
#[derive(Serialize)]
struct InvoicePayments<'a> {
    payment: ByIntent<'a>,
}

#[derive(Serialize)]
struct ByIntent<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    payment_intent: &'a str,
}

#[derive(Serialize)]
struct ChargesOfCustomer<'a> {
    customer: &'a str,
    created: RangeQueryTs,
    limit: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    starting_after: Option<String>,
}

impl Listed for Invoice {
    /// Empty for an upcoming invoice, which no list has.
    fn id(&self) -> &str {
        self.id.as_deref().unwrap_or_default()
    }
}

impl Listed for Charge {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Stripe {
    /// A customer's invoices, newest first: the newest pages, every open one, and those that were asked for.
    /// Most customers have one page in all, and with it everything is read.
    pub async fn invoices(
        &self,
        customer: &CustomerId,
        wanted: &WantedInvoices,
        until: Deadline,
    ) -> Result<ReadInvoices, Error> {
        let goes_on = |read: &[Invoice]| match (wanted.since, read.last()) {
            (Some(since), Some(oldest)) => oldest.created >= since,
            _ => true,
        };
        let (found, all) = self.pages(until, |after| page(customer, None, after), goes_on).await?;
        let mut read = ReadInvoices { found, all, missing: Vec::new() };
        if !all {
            let open = self.all(until, |after| page(customer, Some(InvoiceStatus::Open), after)).await?;
            open.into_iter().for_each(|invoice| read.add(invoice));
            for id in &wanted.ids {
                self.read_by_id(id, &mut read, until).await?;
            }
        }
        self.read_processing(&mut read.found, until).await?;
        self.read_refunds(customer, &mut read.found, until).await?;
        Ok(read)
    }

    async fn read_by_id(&self, object: &str, read: &mut ReadInvoices, until: Deadline) -> Result<(), Error> {
        let Some(id) = self.invoice_of(object, until).await? else { return Ok(()) };
        if read.found.iter().any(|known| known.id() == id) {
            return Ok(());
        }
        let ask = RetrieveInvoice::new(&*id).expand(["payments".to_owned()]);
        match none_if_not_found(self.transport.send(ask.build(), None, until).await)? {
            Some(invoice) => read.add(invoice),
            None => read.missing.push(id),
        }
        Ok(())
    }

    /// The invoice that an object is or belongs to; the first part of its id tells what it is. None for an object
    /// without an invoice.
    pub async fn invoice_of(&self, object: &str, until: Deadline) -> Result<Option<String>, Error> {
        match object.split('_').next() {
            Some("in") => Ok(Some(object.to_owned())),
            Some("cn") => {
                let note: Option<PartOfInvoice> = self.one(format!("/credit_notes/{object}"), until).await?;
                Ok(note.and_then(|note| note.invoice))
            }
            Some("ch") => {
                let charge: Option<Charge> = self.one(format!("/charges/{object}"), until).await?;
                let Some(payment) = charge.and_then(|charge| charge.payment_intent) else { return Ok(None) };
                let query = InvoicePayments {
                    payment: ByIntent { kind: "payment_intent", payment_intent: &payment },
                };
                let ask = RequestBuilder::new(StripeMethod::Get, "/invoice_payments").query(&query);
                let payments: List<PartOfInvoice> = self.transport.send(ask, None, until).await?;
                Ok(payments.data.into_iter().find_map(|payment| payment.invoice))
            }
            _ => Ok(None),
        }
    }

    /// Ids are letters, digits and underscores (see envelope.rs), so nothing else gets into the path.
    async fn one<T: DeserializeOwned>(&self, path: String, until: Deadline) -> Result<Option<T>, Error> {
        none_if_not_found(
            self.transport.send(RequestBuilder::new(StripeMethod::Get, path), None, until).await,
        )
    }

    /// Notes on each open invoice whether a bank is working on its payment.
    async fn read_processing(&self, invoices: &mut [Invoice], until: Deadline) -> Result<(), Error> {
        for invoice in invoices.iter_mut().filter(|it| it.is_open() && it.payment_intents().next().is_some())
        {
            invoice.processing = self.is_processing(invoice.id(), until).await?;
        }
        Ok(())
    }

    /// Notes on each invoice what was paid back of it, which Stripe says of the charges alone. A key without the
    /// right to read them leaves it out; `doctor` names it.
    async fn read_refunds(
        &self,
        customer: &CustomerId,
        invoices: &mut [Invoice],
        until: Deadline,
    ) -> Result<(), Error> {
        let paid =
            |invoice: &&mut Invoice| invoice.amount_paid > 0 && invoice.payment_intents().next().is_some();
        let Some(oldest) = invoices.iter_mut().filter(paid).map(|invoice| invoice.created).min() else {
            return Ok(());
        };
        let charges: Vec<Charge> = match self.all(until, |after| charges(customer, oldest, after)).await {
            Err(error) if error.is_missing_right() => {
                tracing::warn!(%error, "refunds are not shown: the API key may not read charges");
                return Ok(());
            }
            charges => charges?,
        };
        let mut refunded: HashMap<&str, i64> = HashMap::new();
        for charge in &charges {
            *refunded.entry(charge.payment_intent.as_deref().unwrap_or_default()).or_default() +=
                charge.amount_refunded;
        }
        for invoice in invoices {
            invoice.refunded = invoice.payment_intents().filter_map(|id| refunded.get(id)).sum();
        }
        Ok(())
    }

    /// Where an invoice can be seen: asked for at the click, because Stripe's links expire. None for an invoice
    /// without a page, and for one that Stripe does not have.
    pub async fn hosted_invoice(
        &self,
        id: &str,
        which: HostedInvoice,
        until: Deadline,
    ) -> Result<Option<StripeUrl>, Error> {
        let ask = RetrieveInvoice::new(id).build();
        let invoice: Option<Invoice> = none_if_not_found(self.transport.send(ask, None, until).await)?;
        let url = invoice.and_then(|invoice| match which {
            HostedInvoice::Page => invoice.hosted_invoice_url,
            HostedInvoice::Pdf => invoice.invoice_pdf,
        });
        url.map(|url| self.hosts.check_invoice(url)).transpose()
    }
}

impl ReadInvoices {
    fn add(&mut self, invoice: Invoice) {
        if self.found.iter().all(|known| known.id != invoice.id) {
            self.found.push(invoice);
        }
    }
}

fn page(customer: &CustomerId, status: Option<InvoiceStatus>, after: Option<String>) -> RequestBuilder {
    let ask =
        ListInvoice::new().customer(customer.0.as_str()).expand(["data.payments".to_owned()]).limit(PAGE);
    let ask = status.into_iter().fold(ask, ListInvoice::status);
    after.into_iter().fold(ask, ListInvoice::starting_after).build()
}

fn charges(customer: &CustomerId, since: i64, after: Option<String>) -> RequestBuilder {
    let query = ChargesOfCustomer {
        customer: &customer.0,
        created: RangeQueryTs::gte(since),
        limit: PAGE,
        starting_after: after,
    };
    RequestBuilder::new(StripeMethod::Get, "/charges").query(&query)
}

fn none_if_not_found<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Err(error) if error.is_not_found() => Ok(None),
        answer => answer.map(Some),
    }
}
