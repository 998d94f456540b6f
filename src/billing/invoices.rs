//! The organisation's invoices: our copy of them, which of Stripe's it is renewed from, and the way to their pages.
use super::{
    db,
    db::{CustomerRow, InvoiceRow},
    snapshot::Snapshot,
};
use crate::{
    App,
    db::{At, OrgTx, Scope},
    error::{Error, Result},
    stripe::{Deadline, HostedInvoice, Invoice, StripeUrl, WantedInvoices},
};
use time::Duration;

/// Invoices on a page of the list.
const A_PAGE: i64 = 25;
/// How far back from the newest invoice that we know we look for others: those that were made at once may come in
/// any order.
const OVERLAP: Duration = Duration::days(1);

/// A page of the list, newest first.
pub struct InvoicePage {
    pub invoices: Vec<InvoiceRow>,
    /// The invoice before which the next page begins; none on the last page.
    pub next: Option<String>,
}

/// The newest invoices, or those before the invoice `before`. Drafts are left out: they still change.
pub async fn page(app: &App, scope: &Scope, before: Option<&str>) -> Result<InvoicePage> {
    let mut tx = app.db.read(scope).await?;
    let mut invoices = db::invoices(&mut tx, scope.org(), before, A_PAGE + 1).await?;
    let is_last = invoices.len() <= A_PAGE as usize;
    invoices.truncate(A_PAGE as usize);
    let next = invoices.last().filter(|_| !is_last).map(|last| last.id.clone());
    Ok(InvoicePage { invoices, next })
}

/// The invoices that wait for a payment, the oldest first.
pub async fn open(app: &App, scope: &Scope) -> Result<Vec<InvoiceRow>> {
    Ok(db::open_invoices(&mut app.db.read(scope).await?, scope.org()).await?)
}

/// Stripe's page or PDF of an invoice of this organisation; none if it has none. Asked for at each click, because
/// Stripe's links expire. `NotFound` for any other invoice: Stripe is not asked.
pub async fn hosted(app: &App, scope: &Scope, id: &str, which: HostedInvoice) -> Result<Option<StripeUrl>> {
    if !db::has_invoice(&mut app.db.read(scope).await?, scope.org(), id).await? {
        return Err(Error::NotFound);
    }
    Ok(app.stripe.hosted_invoice(id, which, Deadline::of_click()).await?)
}

/// What a sync reads of Stripe's invoices. Stripe cannot be asked for what changed, so beside the newest and the
/// open ones it is those that were open when we last looked and those that an event is about (`hints`). All of
/// them if `everything` is wanted, or before they were all read once.
pub async fn wanted(
    tx: &mut OrgTx<'_>,
    customer: &CustomerRow,
    everything: bool,
    hints: &[String],
) -> Result<WantedInvoices> {
    let org = tx.org();
    let newest = db::newest_invoice_at(&mut *tx, org).await?;
    let Some(newest) = newest.filter(|_| customer.invoices_complete && !everything) else {
        return Ok(WantedInvoices::default());
    };
    let unsettled = db::unsettled_invoices(tx, org).await?.into_iter().map(|(id,)| id);
    let ids = unsettled.chain(hints.iter().cloned()).collect();
    Ok(WantedInvoices { since: Some((newest - OVERLAP).unix()), ids })
}

/// Writes down what was read, in the transaction of the billing state.
pub async fn keep(tx: &mut OrgTx<'_>, snapshot: &Snapshot) -> Result<()> {
    for row in snapshot.invoices.iter().filter_map(row) {
        db::put_invoice(tx, &row).await?;
    }
    for id in &snapshot.missing_invoices {
        db::delete_draft(tx, id).await?;
    }
    if snapshot.has_all_invoices {
        db::set_invoices_complete(tx).await?;
    }
    Ok(())
}

/// None for an upcoming invoice, which has no id.
fn row(invoice: &Invoice) -> Option<InvoiceRow> {
    // A credit note that paid money back counts as that.
    let after_payment = invoice.post_payment_credit_notes_amount - invoice.refunded;
    Some(InvoiceRow {
        id: invoice.id.clone()?,
        number: invoice.number.clone(),
        status: invoice.status.clone().unwrap_or_default(),
        total: invoice.total,
        amount_remaining: invoice.amount_remaining,
        amount_paid: invoice.amount_paid,
        currency: invoice.currency.clone(),
        created_at: At::from_unix(invoice.created),
        subscription_id: invoice.subscription().map(str::to_owned),
        due_at: invoice.due_date.map(At::from_unix),
        refunded: invoice.refunded,
        credited: invoice.pre_payment_credit_notes_amount + after_payment.max(0),
        paid_outside: invoice.is_paid_outside(),
        processing: invoice.processing,
    })
}

impl InvoiceRow {
    /// The status as people read it, and how urgent it is: `ok`, `info`, `warn`, `bad`, `quiet`.
    pub fn words(&self, now: At) -> (String, &'static str) {
        let (words, kind) = match self.status.as_str() {
            "paid" if self.refunded > 0 && self.refunded >= self.amount_paid => ("Refunded", "quiet"),
            "paid" if self.refunded > 0 => ("Partly refunded", "quiet"),
            "paid" if self.paid_outside => ("Paid outside Stripe", "ok"),
            "paid" => ("Paid", "ok"),
            "open" if self.processing => ("Processing", "info"),
            "open" if self.due_at.is_some_and(|due| due < now) => ("Overdue", "bad"),
            "open" => ("Open", "warn"),
            "void" => ("Void", "quiet"),
            "uncollectible" => ("Uncollectible", "quiet"),
            newer => return (newer.replace('_', " "), "quiet"),
        };
        (words.to_owned(), kind)
    }

    /// Whether it is to be paid now: not while a bank is working on it.
    pub fn is_payable(&self) -> bool {
        self.status == "open" && self.amount_remaining > 0 && !self.processing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> InvoiceRow {
        row(&serde_json::from_str(json).unwrap()).expect("it has an id")
    }

    #[test]
    fn each_state_of_an_invoice_has_its_words() {
        let now = At::from_unix(1_000);
        let invoice = |status: &str| InvoiceRow {
            amount_paid: 900,
            ..read(&format!(r#"{{"id":"in_1","status":"{status}"}}"#))
        };
        for (row, words) in [
            (invoice("open"), "Open"),
            (InvoiceRow { due_at: Some(At::from_unix(1_001)), ..invoice("open") }, "Open"),
            (InvoiceRow { due_at: Some(At::from_unix(999)), ..invoice("open") }, "Overdue"),
            (
                InvoiceRow { due_at: Some(At::from_unix(999)), processing: true, ..invoice("open") },
                "Processing",
            ),
            (invoice("paid"), "Paid"),
            (InvoiceRow { paid_outside: true, ..invoice("paid") }, "Paid outside Stripe"),
            (InvoiceRow { refunded: 899, ..invoice("paid") }, "Partly refunded"),
            (InvoiceRow { refunded: 900, ..invoice("paid") }, "Refunded"),
            (invoice("void"), "Void"),
            (invoice("uncollectible"), "Uncollectible"),
            (invoice("written_in_2031"), "written in 2031"),
        ] {
            assert_eq!(row.words(now).0, words, "{row:?}");
        }
    }

    #[test]
    fn a_credit_note_counts_once_where_it_paid_money_back() {
        let noted = r#"{"id":"in_1","status":"paid","pre_payment_credit_notes_amount":100,"post_payment_credit_notes_amount":500}"#;
        let mut invoice: Invoice = serde_json::from_str(noted).unwrap();
        assert_eq!(row(&invoice).unwrap().credited, 600);

        invoice.refunded = 300;

        assert_eq!(row(&invoice).unwrap().credited, 300);
        invoice.refunded = 800;
        assert_eq!(row(&invoice).unwrap().credited, 100);
    }
}
