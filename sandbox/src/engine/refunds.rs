//! Money given back, and parts of an invoice taken back.
use super::{
    amend::say,
    customers::{Why, move_balance},
    paying,
};
use crate::{
    money,
    objects::{CreditLine, CreditNote, Metadata, Refund},
    refusal::{Answer, Refusal},
    state::World,
    wire,
};

/// All that is left of a payment, or a part; the refund's id.
pub fn refund(
    w: &mut World,
    payment: &str,
    amount: Option<i64>,
    reason: Option<String>,
    metadata: Metadata,
) -> Answer<String> {
    let held = w
        .payments
        .get(payment)
        .cloned()
        .ok_or_else(|| Refusal::no_such("payment_intent", payment, "payment_intent"))?;
    let (charge, left) = (held.charge.clone().unwrap_or_default(), held.amount - held.refunded);
    if held.status != "succeeded" {
        let said = format!("This PaymentIntent ({payment}) does not have a successful charge to refund.");
        return Err(Refusal::invalid(said).at("payment_intent"));
    }
    if left == 0 {
        let said = format!("Charge {charge} has already been refunded.");
        return Err(Refusal::invalid(said).with_code("charge_already_refunded"));
    }
    let amount = amount.unwrap_or(left);
    if amount > left {
        let of = |minor: i64| money::amount(minor, &held.currency);
        let said = format!(
            "Refund amount ({}) is greater than unrefunded amount on charge ({})",
            of(amount),
            of(left)
        );
        return Err(Refusal::invalid(said).at("amount"));
    }
    if let Some(payment) = w.payments.change(payment) {
        payment.refunded += amount;
    }
    let (id, created) = (w.id("re_"), w.now());
    let refund = Refund {
        id: id.clone(),
        created,
        payment: payment.into(),
        amount,
        currency: held.currency,
        reason,
        metadata,
    };
    w.refunds.put(refund);
    say(w, &charge, "charge.refunded");
    say(w, &id, "refund.created");
    Ok(id)
}

/// What a credit note is to be; without amounts by kind it is as large as can be.
#[derive(Clone, Debug, Default)]
pub struct NewCredit {
    pub invoice: String,
    pub amount: i64,
    pub refund: i64,
    pub credit: i64,
    pub out_of_band: i64,
    pub reason: Option<String>,
    pub memo: Option<String>,
    pub lines: Vec<CreditLine>,
    pub metadata: Metadata,
}

/// Off what is still to be paid; of a paid invoice given back, as money or as credit. Its id.
pub fn credit(w: &mut World, new: NewCredit) -> Answer<String> {
    let invoice = w.invoices.get(&new.invoice).cloned();
    let invoice = invoice.ok_or_else(|| Refusal::no_such("invoice", &new.invoice, "invoice"))?;
    let refused = |said: String| Err(Refusal::invalid(said).at("amount"));
    let given_back = new.refund + new.credit + new.out_of_band;
    let (open, most) = match invoice.status.as_str() {
        "open" | "uncollectible" => (true, invoice.amount_remaining()),
        "paid" => (false, invoice.total() - invoice.pre_credit - invoice.post_credit),
        other => {
            let said = format!("A credit note needs an invoice that is open or paid; this one is {other}.");
            return Err(Refusal::invalid(said).at("invoice"));
        }
    };
    if new.amount > most {
        return refused(format!(
            "The amount of the credit note ({}) is more than can be credited ({}).",
            money::amount(new.amount, &invoice.currency),
            money::amount(most, &invoice.currency)
        ));
    }
    if given_back != if open { 0 } else { new.amount } {
        return refused("The sum of credit_amount, refund_amount and out_of_band_amount must equal what of the credit note is not to be paid any more.".into());
    }
    let id = w.id("cn_");
    let payment = invoice.payment.clone().unwrap_or_default();
    let refund = match new.refund {
        0 => None,
        amount => Some(refund(w, &payment, Some(amount), None, Metadata::new())?),
    };
    let why = Why { kind: "credit_note", credit_note: Some(id.clone()), ..Why::default() };
    let balance_transaction = move_balance(w, &invoice.customer, -new.credit, why);
    let before = w.credit_notes.iter().filter(|note| note.invoice == invoice.id).count();
    let note = CreditNote {
        id: id.clone(),
        created: w.now(),
        number: format!("{}-CN-{:02}", invoice.number.clone().unwrap_or_default(), before + 1),
        invoice: invoice.id.clone(),
        customer: invoice.customer.clone(),
        currency: invoice.currency.clone(),
        status: "issued".into(),
        amount: new.amount,
        pre_payment: if open { new.amount } else { 0 },
        out_of_band: new.out_of_band,
        refund,
        balance_transaction,
        reason: new.reason,
        memo: new.memo,
        lines: new.lines,
        voided_at: None,
        metadata: new.metadata,
    };
    w.credit_notes.put(note);
    if let Some(invoice) = w.invoices.change(&invoice.id) {
        let sum = if open { &mut invoice.pre_credit } else { &mut invoice.post_credit };
        *sum += new.amount;
    }
    say(w, &id, "credit_note.created");
    paying::credited(w, &invoice.id);
    Ok(id)
}

/// Takes a credit note back, while its invoice is still to be paid.
pub fn void_credit(w: &mut World, id: &str) -> Answer<()> {
    let note = w.credit_notes.get(id).cloned().ok_or_else(|| Refusal::not_found("credit note", id))?;
    let open = w.invoices.get(&note.invoice).is_some_and(|invoice| invoice.status == "open");
    if note.status != "issued" || note.pre_payment == 0 || !open {
        return Err(Refusal::invalid("Only a credit note of an open invoice can be voided."));
    }
    let now = w.now();
    if let Some(note) = w.credit_notes.change(id) {
        (note.status, note.voided_at) = ("void".into(), Some(now));
    }
    if let Some(invoice) = w.invoices.change(&note.invoice) {
        invoice.pre_credit -= note.pre_payment;
    }
    if let Some(object) = wire::by_id(w, id) {
        w.emit("credit_note.voided", object);
    }
    Ok(())
}
