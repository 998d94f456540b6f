//! The portal's first page, and the list of invoices.
use super::visit::{Shell, Visit, only_if};
use crate::{
    engine,
    money::amount,
    objects::{Invoice, Subscription},
    pages::{Form, html, words},
    refusal::Answer,
    reply::Reply,
    state::{World, date},
};
use askama::Template;

/// On the first page; the rest stands under *Invoices*.
const FIRST: usize = 5;
const MOST: usize = 200;

#[derive(Template)]
#[template(path = "portal/home.html")]
struct Home {
    shell: Shell,
    subs: Vec<Sub>,
    card: Option<String>,
    cards: bool,
    details: Option<Vec<String>>,
    invoices: Option<Vec<Row>>,
    more: bool,
}

pub struct Sub {
    pub id: String,
    pub plan: String,
    pub price: String,
    pub kind: &'static str,
    pub word: &'static str,
    pub said: String,
    pub discounts: Vec<String>,
    pub card: Option<String>,
    /// Address and amount of an invoice that waits to be paid.
    pub owes: Option<(String, String)>,
    pub may: May,
}

/// What the configuration and the state of a subscription let its owner do.
#[derive(Clone, Copy)]
pub struct May {
    pub switch: bool,
    /// A change that waits can be taken back.
    pub keep: bool,
    pub cancel: bool,
    pub renew: bool,
    pub pause: bool,
    pub resume: bool,
}

pub struct Row {
    pub href: String,
    pub number: String,
    pub date: String,
    pub amount: String,
    pub kind: &'static str,
    pub word: &'static str,
}

#[derive(Template)]
#[template(path = "portal/invoices.html")]
struct Invoices {
    shell: Shell,
    invoices: Vec<Row>,
}

pub fn overview(w: &World, v: &Visit, form: &Form) -> Reply {
    let features = v.features();
    let own = w.subscriptions.iter().rev().filter(|sub| sub.customer == v.customer.id && sub.is_alive());
    let mut rows = rows(w, v);
    let more = rows.len() > FIRST;
    rows.truncate(FIRST);
    let page = Home {
        shell: Shell { flash: flash(form.get("done")), ..v.shell("/p/home") },
        subs: own.map(|sub| described(w, v, sub)).collect(),
        card: words::card_in_charge(w, &v.customer.id, None),
        cards: features.payment_method_update,
        details: features.customer_update.then(|| address(v)),
        invoices: features.invoice_history.then_some(rows),
        more,
    };
    html(200, &page, &v.leads_to())
}

/// Said once, after what was just done; nothing from the address itself is shown.
pub fn flash(done: &str) -> Option<&'static str> {
    Some(match done {
        "plan" => "Your plan was changed.",
        "kept" => "Your plan stays as it is.",
        "scheduled" => "Your plan will change at the end of the period.",
        "cancelled" => "Your plan was cancelled.",
        "stayed" => "Thank you for staying. The discount is in place.",
        "renewed" => "Your plan goes on.",
        "paused" => "Your plan is paused.",
        "resumed" => "Your plan is running again.",
        "card" => "The card was added, and is now the default.",
        "default" => "The default card was changed.",
        "removed" => "The card was removed.",
        "charged" => "The card for this plan was changed.",
        "details" => "Your billing details were saved.",
        "tax" => "Your tax IDs were changed.",
        _ => return None,
    })
}

pub fn described(w: &World, v: &Visit, sub: &Subscription) -> Sub {
    let (kind, word, said) = words::state(w, sub);
    let coupons = sub.discounts.iter().filter_map(|it| w.coupons.get(&it.coupon));
    let open =
        w.invoices.iter().rev().find(|it| it.status == "open" && it.subscription.as_ref() == Some(&sub.id));
    Sub {
        id: sub.id.clone(),
        plan: words::plan(w, sub),
        price: words::prices(w, sub),
        kind,
        word,
        said,
        discounts: coupons.map(words::coupon).collect(),
        card: words::card_in_charge(w, &sub.customer, Some(&sub.id)),
        owes: open.map(|it| (address_of(it), amount(it.amount_remaining(), &it.currency))),
        may: may(w, v, sub),
    }
}

pub fn may(w: &World, v: &Visit, sub: &Subscription) -> May {
    let (features, ends) = (v.features(), sub.ends_at().is_some());
    let switchable = !features.update_products.is_empty() && engine::cannot_switch(w, sub).is_none();
    let waiting = sub.schedule.as_ref().and_then(|id| w.schedules.get(id));
    let paused = sub.status == "paused";
    let by_request = sub.paused.as_ref().is_some_and(|paused| paused.why == "pause_requested");
    May {
        switch: features.update && switchable,
        keep: features.update && waiting.is_some_and(|schedule| schedule.is_change),
        cancel: features.cancel && !ends,
        renew: features.cancel && ends,
        pause: features.pause && engine::can_pause(sub),
        // Nobody asked for the pause after a trial without a card: coming back is always open.
        resume: paused && (features.pause || !by_request),
    }
}

fn address(v: &Visit) -> Vec<String> {
    let c = &v.customer;
    let line = |name: &str| c.address.as_ref().and_then(|it| it[name].as_str()).map(str::to_owned);
    let place = [line("postal_code"), line("city")].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let lines = [
        c.name.clone(),
        c.email.clone(),
        c.phone.clone(),
        line("line1"),
        line("line2"),
        Some(place),
        line("country"),
    ];
    lines.into_iter().flatten().filter(|line| !line.is_empty()).collect()
}

fn address_of(invoice: &Invoice) -> String {
    format!("/i/{}?from=portal", invoice.page)
}

fn rows(w: &World, v: &Visit) -> Vec<Row> {
    let own = w.invoices.iter().rev().filter(|it| it.customer == v.customer.id && it.status != "draft");
    let row = |invoice: &Invoice| {
        let (kind, word) = words::invoice(&invoice.status);
        Row {
            href: address_of(invoice),
            number: invoice.number.clone().unwrap_or_default(),
            date: date(invoice.finalized_at.unwrap_or(invoice.created)),
            amount: amount(invoice.amount_due(), &invoice.currency),
            kind,
            word,
        }
    };
    own.take(MOST).map(row).collect()
}

pub fn invoices(w: &World, v: &Visit) -> Answer<Reply> {
    only_if(v.features().invoice_history)?;
    let page = Invoices { shell: v.shell("/p/invoices"), invoices: rows(w, v) };
    Ok(html(200, &page, &v.leads_to()))
}
