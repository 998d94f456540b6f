//! Refunds and credit notes.
use super::{Answer, Params, Refusal};
use crate::{
    engine::{self, NewCredit},
    objects::{CreditLine, Invoice},
    params::{Given, Ignored, Int, words},
    state::World,
    wire,
};
use serde::Deserialize;

words! {
    Reason: "duplicate" | "fraudulent" | "requested_by_customer";
    CreditReason: "duplicate" | "fraudulent" | "order_change" | "product_unsatisfactory";
    LineKind: "invoice_line_item" | "custom_line_item";
}

type Amount = Int<1, 99_999_999>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRefund {
    charge: Option<String>,
    payment_intent: Option<String>,
    amount: Option<Amount>,
    reason: Option<Reason>,
    #[serde(default)]
    metadata: Given,
    #[serde(default, rename = "refund_application_fee")]
    _refund_application_fee: Ignored,
    #[serde(default, rename = "reverse_transfer")]
    _reverse_transfer: Ignored,
}

pub fn create(w: &mut World, p: Params) -> Answer {
    let new: NewRefund = p.read()?;
    let payment = match (new.payment_intent, new.charge) {
        (Some(intent), _) => intent,
        (None, Some(charge)) => {
            let found = w.payments.iter().find(|it| it.charge.as_ref() == Some(&charge));
            found.map(|it| it.id.clone()).ok_or_else(|| Refusal::no_such("charge", &charge, "charge"))?
        }
        (None, None) => {
            let said =
                "One of the following params should be provided for this request: payment_intent or charge.";
            return Err(Refusal::invalid(said).with_code("parameter_missing").at("charge"));
        }
    };
    let (amount, reason) = (new.amount.map(|it| it.0), new.reason.map(|it| it.0));
    let id = engine::refund(w, &payment, amount, reason, new.metadata.fresh()?)?;
    wire::shown(w, "refund", &id)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewNote {
    invoice: String,
    amount: Option<Amount>,
    refund_amount: Option<Int<0, 99_999_999>>,
    credit_amount: Option<Int<0, 99_999_999>>,
    out_of_band_amount: Option<Int<0, 99_999_999>>,
    reason: Option<CreditReason>,
    memo: Option<String>,
    #[serde(default)]
    lines: Vec<NewLine>,
    #[serde(default)]
    metadata: Given,
    #[serde(default, rename = "email_type")]
    _email_type: Ignored,
    #[serde(default, rename = "effective_at")]
    _effective_at: Ignored,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewLine {
    #[serde(rename = "type")]
    kind: LineKind,
    invoice_line_item: Option<String>,
    description: Option<String>,
    amount: Option<Amount>,
    unit_amount: Option<Amount>,
    quantity: Option<Int<1, 1_000_000>>,
}

pub fn create_note(w: &mut World, p: Params) -> Answer {
    let new: NewNote = p.read()?;
    let invoice = w.invoices.get(&new.invoice).cloned();
    let invoice = invoice.ok_or_else(|| Refusal::no_such("invoice", &new.invoice, "invoice"))?;
    let mut lines = Vec::new();
    for (n, given) in new.lines.into_iter().enumerate() {
        lines.push(line(w, &invoice, given, n)?);
    }
    let (refund, credit, out_of_band) = [new.refund_amount, new.credit_amount, new.out_of_band_amount]
        .map(|it| it.map_or(0, |it| it.0))
        .into();
    let sum: i64 = lines.iter().map(|line| line.amount).sum();
    let amount = match (new.amount, sum) {
        (Some(amount), _) => amount.0,
        (None, 0) if refund + credit + out_of_band > 0 => refund + credit + out_of_band,
        (None, 0) => return Err(Refusal::missing("amount")),
        (None, sum) => sum,
    };
    let new = NewCredit {
        invoice: invoice.id,
        amount,
        refund,
        credit,
        out_of_band,
        reason: new.reason.map(|it| it.0),
        memo: new.memo,
        lines,
        metadata: new.metadata.fresh()?,
    };
    let id = engine::credit(w, new)?;
    wire::shown(w, "credit_note", &id)
}

fn line(w: &mut World, invoice: &Invoice, given: NewLine, n: usize) -> Answer<CreditLine> {
    let (id, quantity) = (w.id("cnli_"), given.quantity.map(|it| it.0));
    if given.kind.0 == "custom_line_item" {
        let each = given.unit_amount.ok_or_else(|| Refusal::missing(&format!("lines[{n}][unit_amount]")))?;
        let amount = each.0 * quantity.unwrap_or(1);
        let description = given.description.unwrap_or_else(|| "Credit".into());
        return Ok(CreditLine { id, invoice_line: None, description, amount, quantity });
    }
    let at = format!("lines[{n}][invoice_line_item]");
    let name = given.invoice_line_item.ok_or_else(|| Refusal::missing(&at))?;
    let of = invoice.lines.iter().find(|line| line.id == name);
    let of = of.ok_or_else(|| Refusal::no_such("invoice line item", &name, &at))?;
    let whole = of.amount - of.total_off();
    let part = quantity.map(|part| whole * part / of.quantity.max(1));
    let amount = given.amount.map(|it| it.0).or(part).unwrap_or(whole);
    Ok(CreditLine { id, invoice_line: Some(name), description: of.description.clone(), amount, quantity })
}

pub fn void_note(w: &mut World, id: &str, p: Params) -> Answer {
    p.finish()?;
    engine::void_credit(w, id)?;
    wire::shown(w, "credit_note", id)
}
