//! Invoices: made, finalized, settled against the customer's credit.
use super::{
    amend::say,
    cards::Holder,
    customers::{Why, move_balance},
    discounts, paying,
};
use crate::{
    money,
    objects::{Discount, Invoice, Line, Price, Subscription},
    refusal::{Answer, Refusal},
    state::{HOUR, World, date},
    wire,
};

/// Lines for the period that runs now.
pub fn lines_of_period(w: &World, sub: &Subscription) -> Vec<Line> {
    let line = |(n, item): (usize, &crate::objects::Item)| {
        let price = w.prices.get(&item.price)?;
        let trial = sub.status == "trialing";
        let amount = if trial { 0 } else { price.cost(item.quantity) };
        let name = product_name(w, price);
        Some(Line {
            id: format!("il_{}{n}", item.id.trim_start_matches("si_")),
            description: if trial {
                format!("Trial period for {name}")
            } else {
                described(price, item.quantity, &name)
            },
            amount,
            quantity: item.quantity,
            price: Some(price.id.clone()),
            period_start: item.current_period_start,
            period_end: item.current_period_end,
            subscription_item: Some(item.id.clone()),
            ..Line::default()
        })
    };
    sub.items.iter().enumerate().filter_map(line).collect()
}

fn described(price: &Price, quantity: i64, name: &str) -> String {
    let every = price.recurring.as_ref().map_or("once".to_owned(), |every| match every.count {
        1 => every.interval.clone(),
        count => format!("every {count} {}s", every.interval),
    });
    format!("{quantity} × {name} (at {} / {every})", money::each(price))
}

pub fn product_name(w: &World, price: &Price) -> String {
    w.products.get(&price.product).map_or_else(|| price.product.clone(), |product| product.name.clone())
}

/// What waits for the next invoice of a subscription.
pub fn waiting(w: &World, sub: &str) -> Vec<String> {
    w.invoice_items.ids(|it| it.invoice.is_none() && it.subscription.as_deref() == Some(sub))
}

/// An invoice over these lines as of an instant, without ids. `reason` is Stripe's `billing_reason`.
pub fn composed(w: &World, sub: &Subscription, mut lines: Vec<Line>, reason: &str, at: i64) -> Invoice {
    let live = discounts::live(w, sub, at);
    let discount = discounts::take(w, &live, &sub.currency, &mut lines);
    Invoice {
        created: at,
        customer: sub.customer.clone(),
        subscription: Some(sub.id.clone()),
        status: "draft".into(),
        billing_reason: reason.into(),
        collection_method: sub.collection_method.clone(),
        currency: sub.currency.clone(),
        period_start: at,
        period_end: at,
        discount,
        discounts: live.into_iter().map(|(discount, _)| discount).collect(),
        lines,
        auto_advance: sub.status != "unpaid",
        test_clock: sub.test_clock.clone(),
        ..Invoice::default()
    }
}

/// A draft with these lines and whatever waited for it.
fn draft(w: &mut World, sub: &Subscription, mut lines: Vec<Line>, reason: &str) -> Invoice {
    let id = w.id("in_");
    for item in waiting(w, &sub.id) {
        if let Some(item) = w.invoice_items.change(&item) {
            item.invoice = Some(id.clone());
            lines.push(item.line.clone());
        }
    }
    for line in &mut lines {
        line.id = w.id("il_");
    }
    let page = w.secret();
    Invoice { id, page, ..composed(w, sub, lines, reason, w.now()) }
}

/// A draft that finalizes itself in an hour, as renewals do. Says `invoice.created`. It covers the
/// period before it, which began at `since`; what it sells is in its lines.
pub fn draft_for_cycle(w: &mut World, sub: &str, lines: Vec<Line>, since: i64) {
    let Some(sub) = w.subscriptions.get(sub).cloned() else { return };
    let mut invoice = draft(w, &sub, lines, "subscription_cycle");
    invoice.period_start = since;
    let paused = sub.pause_collection.as_ref().is_some_and(|pause| pause.behavior == "keep_as_draft");
    invoice.auto_advance = invoice.auto_advance && !paused;
    invoice.finalizes_at = invoice.auto_advance.then_some(invoice.created + HOUR);
    keep(w, invoice, &sub.id);
}

/// Lines for a period that a renewal begins: one that the subscription's end cuts short costs its part.
pub fn lines_of_cycle(w: &World, sub: &Subscription) -> Vec<Line> {
    let mut lines = lines_of_period(w, sub);
    for (line, item) in lines.iter_mut().zip(&sub.items) {
        let start = item.current_period_start;
        let whole = super::periods::period_after(w, &item.price, start, sub.billing_cycle_anchor) - start;
        line.amount = money::share(line.amount, (item.current_period_end - start).min(whole), whole);
    }
    lines
}

/// Prorations that nobody has been charged for when the subscription ends at its time.
pub fn bill_what_waits(w: &mut World, sub: &str) {
    let Some(held) = w.subscriptions.get(sub).filter(|_| !waiting(w, sub).is_empty()) else { return };
    let since = held.period_start();
    draft_for_cycle(w, sub, Vec::new(), since);
}

/// They are let go when it ends at once.
pub fn forget_what_waits(w: &mut World, sub: &str) {
    for id in waiting(w, sub) {
        if let Some(item) = w.invoice_items.remove(&id) {
            w.emit("invoiceitem.deleted", wire::invoice_item(w, &item));
        }
    }
}

fn keep(w: &mut World, invoice: Invoice, sub: &str) -> String {
    let id = invoice.id.clone();
    spend_once_coupons(w, sub, &invoice);
    w.emit("invoice.created", wire::invoice(w, &invoice));
    w.invoices.put(invoice);
    if let Some(sub) = w.subscriptions.change(sub) {
        sub.latest_invoice = Some(id.clone());
    }
    id
}

/// A `once` coupon is used up by the first invoice it took something off.
fn spend_once_coupons(w: &mut World, sub: &str, invoice: &Invoice) {
    let once = |w: &World, id: &str| w.coupons.get(id).is_some_and(|coupon| coupon.duration == "once");
    let used =
        |d: &&Discount| invoice.lines.iter().flat_map(|l| &l.off).any(|(id, off)| *id == d.id && *off > 0);
    let spent: Vec<String> =
        invoice.discounts.iter().filter(|d| once(w, &d.coupon)).filter(used).map(|d| d.id.clone()).collect();
    if let (false, Some(sub)) = (spent.is_empty(), w.subscriptions.change(sub)) {
        sub.discounts.retain(|discount| !spent.contains(&discount.id));
    }
    let of_customer = w.customers.get(&invoice.customer).and_then(|customer| customer.discount.as_ref());
    if of_customer.is_some_and(|discount| spent.contains(&discount.id)) {
        super::change_customer(w, &invoice.customer, |customer| customer.discount = None).ok();
    }
}

/// Made, finalized and, where it is charged automatically, tried at once; without a `holder` it
/// waits for somebody to pay it.
pub fn invoice_now(
    w: &mut World,
    sub: &Subscription,
    lines: Vec<Line>,
    reason: &str,
    holder: Option<Holder>,
) -> Answer<String> {
    let invoice = draft(w, sub, lines, reason);
    let id = keep(w, invoice, &sub.id);
    finalize(w, &id);
    if let Some(holder) = holder {
        collect(w, &id, holder)?;
    }
    Ok(id)
}

/// Marks an invoice as paid by other means than Stripe's.
pub fn pay_outside(w: &mut World, id: &str) -> Answer<()> {
    payable(w, id)?;
    if paying::is_processing(w, id) {
        return Err(Refusal::invalid(
            "A payment for this invoice is still processing; it cannot be paid again.",
        ));
    }
    paying::pay_outside(w, id);
    Ok(())
}

/// Somebody pays now: from the portal, from the hosted page, or by the API.
pub fn pay(w: &mut World, id: &str, holder: Holder, with: Option<&str>) -> Answer<()> {
    payable(w, id)?;
    paying::attempt(w, id, holder, with)
}

/// Whether an invoice can be paid; a draft is finalized for it.
fn payable(w: &mut World, id: &str) -> Answer<()> {
    let invoice = w.invoices.get(id).ok_or_else(|| Refusal::not_found("invoice", id))?;
    match invoice.status.as_str() {
        "draft" => finalize(w, id),
        "open" | "uncollectible" => {}
        "paid" => return Err(Refusal::invalid("Invoice is already paid").with_code("invoice_already_paid")),
        other => {
            return Err(Refusal::invalid(format!("Invoice has status {other} and cannot be paid.")));
        }
    }
    Ok(())
}

/// Tries an open invoice that is charged automatically; one written off is nobody's to try.
pub fn collect(w: &mut World, id: &str, holder: Holder) -> Answer<()> {
    let tried = |i: &Invoice| i.status == "open" && i.collection_method == "charge_automatically";
    match w.invoices.get(id).is_some_and(tried) {
        true => paying::attempt(w, id, holder, None),
        false => Ok(()),
    }
}

/// From draft to open: numbered, with the customer's credit used up. What costs nothing is paid.
pub fn finalize(w: &mut World, id: &str) {
    let Some(invoice) = w.invoices.get(id).filter(|i| i.status == "draft").cloned() else { return };
    let (now, total) = (w.now(), invoice.total());
    let Some(customer) = w.customers.get(&invoice.customer).cloned() else { return };
    // Credit that is left over stays; what the customer owed besides is asked for with this invoice.
    let balance = (customer.balance + total).min(0);
    // That a number was given out is no news of the customer; that credit was used is.
    let Some(counted) = w.customers.change(&customer.id) else { return };
    counted.invoices_numbered += 1;
    counted.currency = Some(invoice.currency.clone());
    let number = format!("{}-{:04}", counted.invoice_prefix, counted.invoices_numbered);
    let why = Why { kind: "applied_to_invoice", invoice: Some(id.to_owned()), ..Why::default() };
    move_balance(w, &customer.id, balance - customer.balance, why);
    let pause =
        invoice.subscription.as_ref().and_then(|sub| w.subscriptions.get(sub)?.pause_collection.clone());
    let due = invoice.subscription.as_ref().and_then(|sub| w.subscriptions.get(sub)?.days_until_due);
    if let Some(invoice) = w.invoices.change(id) {
        invoice.number = Some(number);
        invoice.status = "open".into();
        invoice.finalized_at = Some(now);
        invoice.finalizes_at = None;
        invoice.starting_balance = customer.balance;
        invoice.ending_balance = Some(balance);
        invoice.due_date =
            due.filter(|_| invoice.collection_method == "send_invoice").map(|days| now + days * 24 * HOUR);
    }
    say(w, id, "invoice.finalized");
    match pause.map(|pause| pause.behavior).as_deref() {
        Some("void") => close(w, id, "void", "invoice.voided"),
        Some("mark_uncollectible") => close(w, id, "uncollectible", "invoice.marked_uncollectible"),
        _ => {
            if w.invoices.get(id).is_some_and(|i| i.collection_method == "send_invoice" && i.amount_due() > 0)
            {
                say(w, id, "invoice.sent");
            }
            paying::settle_nothing(w, id);
        }
    }
}

/// Withdraws an invoice.
pub fn void(w: &mut World, id: &str) -> Answer<()> {
    closable(w, id, &["open", "uncollectible"], "You can only void an open invoice; this one is")?;
    close(w, id, "void", "invoice.voided");
    Ok(())
}

/// Nobody expects an invoice to be paid any more.
pub fn write_off(w: &mut World, id: &str) -> Answer<()> {
    closable(w, id, &["open"], "You can only mark an open invoice as uncollectible; this one is")?;
    close(w, id, "uncollectible", "invoice.marked_uncollectible");
    Ok(())
}

fn closable(w: &World, id: &str, statuses: &[&str], said: &str) -> Answer<()> {
    let invoice = w.invoices.get(id).ok_or_else(|| Refusal::not_found("invoice", id))?;
    if !statuses.contains(&invoice.status.as_str()) {
        return Err(Refusal::invalid(format!("{said} {}.", invoice.status)));
    }
    match paying::is_processing(w, id) {
        true => {
            Err(Refusal::invalid("A payment for this invoice is still processing; wait until it is settled."))
        }
        false => Ok(()),
    }
}

/// Void or uncollectible: nothing more is asked for. Credit that a void invoice used comes back.
pub fn close(w: &mut World, id: &str, status: &str, event: &str) {
    let now = w.now();
    let Some(was) = w.invoices.get(id).cloned() else { return };
    let used = was.ending_balance.unwrap_or(was.starting_balance) - was.starting_balance;
    if status == "void" {
        let why = Why { kind: "unapplied_from_invoice", invoice: Some(id.to_owned()), ..Why::default() };
        move_balance(w, &was.customer, -used, why);
    }
    if let Some(invoice) = w.invoices.change(id) {
        invoice.status = status.into();
        invoice.auto_advance = false;
        invoice.next_payment_attempt = None;
        match status {
            "void" => invoice.voided_at = Some(now),
            _ => invoice.uncollectible_at = Some(now),
        }
    }
    say(w, id, event);
    paying::weigh(w, id);
    if let Some(sub) = was.subscription {
        paying::nothing_owed(w, &sub, status == "void");
    }
}

/// `Unused time on Pro after 25 Nov 2026`.
pub fn proration_words(what: &str, name: &str, quantity: i64, at: i64) -> String {
    let times = if quantity == 1 { String::new() } else { format!("{quantity} × ") };
    format!("{what} on {times}{name} after {}", date(at))
}
