//! What a change of plan costs, said before anybody confirms it.
use super::visit::Visit;
use crate::{
    act::{self, Switch},
    engine,
    money::amount,
    objects::{Invoice, Price, Subscription},
    pages::words,
    refusal::Answer,
    state::{World, date},
};

pub struct Costs {
    pub lines: Vec<(String, String)>,
    /// Whether what a discount takes off stands among the lines.
    pub discounted: bool,
    /// What it comes to: a label and an amount.
    pub due: (&'static str, String),
    pub then: String,
}

impl Costs {
    /// The operation under way is undone by this: nothing of it stays.
    pub fn of(
        w: &mut World,
        v: &Visit,
        sub: &Subscription,
        to: &Switch,
        new: &Price,
        quantity: i64,
    ) -> Answer<Self> {
        let features = v.features();
        if act::waits(w, sub, &new.id, quantity, &features.update_at_period_end) {
            let then = format!("Takes effect on {}. Until then nothing changes.", date(sub.period_end()));
            let due = ("Due today", amount(0, &sub.currency));
            return Ok(Self { lines: Vec::new(), discounted: false, due, then });
        }
        let change = act::planned(sub, &new.id, quantity, features);
        if let Some(coupon) = &to.coupon {
            let code = to.promotion_code.as_deref();
            act::add_discount(w, &sub.id, coupon, code).map_err(|refusal| refusal.at("code"))?;
        }
        let invoice = engine::preview(w, &sub.id, &change)?;
        let lines = lines(w, &invoice, to);
        let (due, then) = due(sub, &invoice, &words::price(new, quantity));
        Ok(Self { lines, discounted: invoice.discount > 0, due, then })
    }
}

fn lines(w: &World, invoice: &Invoice, to: &Switch) -> Vec<(String, String)> {
    let of = |minor: i64| amount(minor, &invoice.currency);
    let mut lines: Vec<(String, String)> =
        invoice.lines.iter().map(|line| (line.description.clone(), of(line.amount))).collect();
    if invoice.discount > 0 {
        let coupon = to.coupon.as_ref().and_then(|id| w.coupons.get(id)).map(words::coupon);
        let label = coupon.map_or_else(|| "Discount".into(), |coupon| format!("Discount: {coupon}"));
        lines.push((label, of(-invoice.discount)));
    }
    lines
}

fn due(sub: &Subscription, invoice: &Invoice, price: &str) -> ((&'static str, String), String) {
    let of = |minor: i64| amount(minor, &sub.currency);
    let (now, end) = (invoice.billing_reason == "subscription_update", date(sub.period_end()));
    let then = format!("Then {price}.");
    match (now, invoice.total()) {
        (true, total) if total < 0 => (("Credit for later invoices", of(-total)), then),
        (true, _) => (("Due today", of(invoice.amount_due())), then),
        (false, 0) => (("Due today", of(0)), format!("Nothing to pay today. From {end}: {price}.")),
        (false, total) => {
            (("On the next invoice", of(total)), format!("Settled with the invoice of {end}. {then}"))
        }
    }
}
