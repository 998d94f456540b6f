//! The list of invoices on the billing page, and the way to an invoice at Stripe.
use crate::{
    App,
    billing::{self, InvoiceRow},
    db::At,
    error::Result,
    stripe::HostedInvoice,
    web::{BillingManager, Path, ToStripe, flash, see_other},
    words::{date, money},
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

pub struct InvoiceLine {
    pub id: String,
    pub number: String,
    pub date: String,
    /// By when it has to be paid, where that is not now.
    pub due: Option<String>,
    pub amount: String,
    /// What was paid back or credited of it.
    pub notes: Vec<String>,
    pub status: String,
    pub kind: &'static str,
    pub payable: bool,
}

impl InvoiceLine {
    pub fn of(row: &InvoiceRow, now: At) -> Self {
        let (status, kind) = row.words(now);
        let note = |amount: i64, what: &str| {
            (amount > 0).then(|| format!("{} {what}", money(amount, &row.currency)))
        };
        let due = row.due_at.filter(|_| row.is_payable()).map(|at| format!("Due {}", date(at)));
        Self {
            id: row.id.clone(),
            number: row.number.clone().unwrap_or_else(|| "Without a number".into()),
            date: date(row.created_at),
            due,
            amount: money(row.total, &row.currency),
            notes: [note(row.refunded, "refunded"), note(row.credited, "credited")]
                .into_iter()
                .flatten()
                .collect(),
            status,
            kind,
            payable: row.is_payable(),
        }
    }
}

#[derive(Deserialize)]
pub struct InvoiceInUrl {
    id: String,
}

/// To Stripe's page of the invoice, where it can be paid while it is open. It changes nothing, here or there.
pub async fn open_invoice(
    State(app): State<App>,
    who: BillingManager,
    Path(InvoiceInUrl { id }): Path<InvoiceInUrl>,
) -> Result<Response> {
    at_stripe(&app, &who, &id, HostedInvoice::Page).await
}

pub async fn open_invoice_pdf(
    State(app): State<App>,
    who: BillingManager,
    Path(InvoiceInUrl { id }): Path<InvoiceInUrl>,
) -> Result<Response> {
    at_stripe(&app, &who, &id, HostedInvoice::Pdf).await
}

async fn at_stripe(app: &App, who: &BillingManager, id: &str, which: HostedInvoice) -> Result<Response> {
    app.limits.take_stripe_call(who.scope.org(), who.person.id)?;
    match billing::hosted_invoice(app, &who.scope, id, which).await? {
        Some(url) => Ok(ToStripe(url).into_response()),
        None => {
            flash("info", "Stripe has no page for this invoice.");
            Ok(see_other(&format!("/orgs/{}/billing", who.scope.slug())))
        }
    }
}
