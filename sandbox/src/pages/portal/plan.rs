//! Another plan: choose one, see what it costs, confirm.
use super::{
    Next,
    costs::Costs,
    home::may,
    visit::{Shell, Visit, only_if},
};
use crate::{
    act::{self, Switch},
    engine::{self, Holder},
    objects::*,
    pages::{Form, Wrong, form::status, html, words},
    refusal::{Answer, Refusal},
    reply::Reply,
    state::World,
};
use askama::Template;

#[derive(Template)]
#[template(path = "portal/plan.html")]
struct Choose {
    shell: Shell,
    id: String,
    plan: String,
    price: String,
    intervals: Vec<Interval>,
    offers: Vec<Offer>,
}

struct Interval {
    word: String,
    label: &'static str,
    here: bool,
}

struct Offer {
    price: String,
    name: String,
    words: String,
    features: Vec<String>,
    current: bool,
    quantity: Option<Quantity>,
}

struct Quantity {
    label: String,
    now: i64,
    least: i64,
    most: i64,
}

pub fn choose(w: &World, v: &Visit, id: &str, form: &Form) -> Answer<Reply> {
    let sub = switchable(w, v, id)?;
    let item = &sub.items[0];
    let of = |price: &Price| price.recurring.as_ref().map(|every| every.interval.clone()).unwrap_or_default();
    let all = offered(w, v, &sub);
    let current = w.prices.get(&item.price).map(of).unwrap_or_default();
    let mut words: Vec<String> = Vec::new();
    for (_, price) in &all {
        if !words.contains(&of(price)) {
            words.push(of(price));
        }
    }
    let asked = form.get("every").to_owned();
    let here = [asked, current].into_iter().find(|word| words.contains(word)).or(words.first().cloned());
    let here = here.unwrap_or_default();
    let offers = all.iter().filter(|(_, price)| of(price) == here);
    let page = Choose {
        shell: v.shell("/p/home"),
        id: sub.id.clone(),
        plan: words::plan(w, &sub),
        price: words::prices(w, &sub),
        offers: offers.map(|(product, price)| offer(w, v, item, product, price)).collect(),
        intervals: words
            .into_iter()
            .map(|word| Interval { label: label(&word), here: word == here, word })
            .collect(),
    };
    Ok(html(200, &page, &v.leads_to()))
}

fn label(interval: &str) -> &'static str {
    match interval {
        "day" => "Daily",
        "week" => "Weekly",
        "year" => "Yearly",
        _ => "Monthly",
    }
}

/// A subscription whose plan can be changed here and now.
fn switchable(w: &World, v: &Visit, id: &str) -> Answer<Subscription> {
    let sub = v.subscription(w, id)?;
    only_if(v.features().update)?;
    match may(w, v, &sub).switch {
        true => Ok(sub),
        false => Err(Refusal::invalid("This plan cannot be changed in its present state.").with_status(403)),
    }
}

/// Prices of the configuration that this subscription could have.
fn offered<'w>(w: &'w World, v: &'w Visit, sub: &Subscription) -> Vec<(&'w SwitchProduct, &'w Price)> {
    let may_switch = v.features().update_allowed.iter().any(|it| it == "price");
    let pairs = v.features().update_products.iter().flat_map(|it| it.prices.iter().map(move |id| (it, id)));
    let fits = |price: &&Price| price.active && price.currency == sub.currency && price.recurring.is_some();
    let priced = pairs.filter_map(|(product, id)| Some((product, w.prices.get(id).filter(fits)?)));
    priced.filter(|(_, price)| may_switch || price.id == sub.items[0].price).collect()
}

fn adjustable(v: &Visit, product: &SwitchProduct) -> bool {
    product.adjustable_quantity && v.features().update_allowed.iter().any(|it| it == "quantity")
}

fn offer(w: &World, v: &Visit, item: &Item, product: &SwitchProduct, price: &Price) -> Offer {
    let sold = w.products.get(&product.product);
    let unit = sold.and_then(|it| it.unit_label.clone()).unwrap_or_else(|| "unit".into());
    let quantity = adjustable(v, product).then(|| {
        let (least, most) = (product.minimum.max(1), product.maximum.unwrap_or(999_999));
        Quantity { label: format!("{unit}s"), now: item.quantity.clamp(least, most), least, most }
    });
    let each = quantity.as_ref().map(|_| format!(" per {unit}")).unwrap_or_default();
    Offer {
        price: price.id.clone(),
        name: sold.map_or_else(|| product.product.clone(), |it| it.name.clone()),
        words: format!("{}{each}", words::price(price, 1)),
        features: sold.map(|it| it.marketing_features.clone()).unwrap_or_default(),
        current: price.id == item.price,
        quantity,
    }
}

/// What was chosen, checked against what is offered. A flow's own choice cannot be changed.
fn wanted(w: &World, v: &Visit, sub: &Subscription, form: &Form) -> Answer<Switch> {
    let item = &sub.items[0];
    if let Some(flow) = v.is_for(FlowKind::SubscriptionUpdateConfirm) {
        let code = flow.promotion_code.clone();
        let of_code = code.as_ref().and_then(|id| w.promotion_codes.get(id)).map(|it| it.coupon.clone());
        let coupon = flow.coupon.clone().or(of_code);
        return Ok(Switch {
            price: flow.price.clone(),
            quantity: flow.quantity,
            coupon,
            promotion_code: code,
        });
    }
    let price = form.word("price").unwrap_or_else(|| item.price.clone());
    let all = offered(w, v, sub);
    let found = all.iter().find(|(_, it)| it.id == price);
    let (product, _) = found.ok_or_else(|| Refusal::not_found("price", &price))?;
    let quantity = quantity_of(v, product, form, item, w.prices.get(&item.price))?;
    let mut to = Switch { price: Some(price), quantity: Some(quantity), ..Switch::default() };
    if let Some(typed) = form.word("code").filter(|_| takes_codes(v)) {
        let code = engine::code_for(w, &typed, Some(&v.customer.id)).map_err(|refusal| refusal.at("code"))?;
        (to.coupon, to.promotion_code) = (Some(code.coupon), Some(code.id));
    }
    Ok(to)
}

fn quantity_of(v: &Visit, to: &SwitchProduct, form: &Form, item: &Item, now: Option<&Price>) -> Answer<i64> {
    if !adjustable(v, to) {
        // Sold once, whatever there was so many of before.
        return Ok(if now.is_some_and(|it| it.product == to.product) { item.quantity } else { 1 });
    }
    let (least, most) = (to.minimum.max(1), to.maximum.unwrap_or(999_999));
    let Some(typed) = form.word("quantity") else { return Ok(item.quantity.clamp(least, most)) };
    match typed.parse::<i64>() {
        Ok(quantity) if (least..=most).contains(&quantity) => Ok(quantity),
        _ => Err(Refusal::invalid(format!("A whole number from {least} to {most}, please.")).at("quantity")),
    }
}

fn takes_codes(v: &Visit) -> bool {
    v.flow().is_none_or(|flow| flow.kind != FlowKind::SubscriptionUpdateConfirm)
        && v.features().update_allowed.iter().any(|it| it == "promotion_code")
}

#[derive(Template)]
#[template(path = "portal/confirm.html")]
struct Confirm {
    shell: Shell,
    id: String,
    from: (String, String),
    to: (String, String),
    price: String,
    quantity: i64,
    adjustable: Option<Quantity>,
    takes_codes: bool,
    code: String,
    discount: Option<String>,
    costs: Costs,
    card: Option<String>,
    back: Option<String>,
    wrong: Wrong,
}

pub fn confirm(w: &mut World, v: &Visit, id: &str, form: &Form, refusal: Option<&Refusal>) -> Answer<Reply> {
    let sub = switchable(w, v, id)?;
    // A code or quantity that is no good is said at its field, beside the preview without it.
    let (to, mistake) = match wanted(w, v, &sub, form) {
        Err(refusal) if refusal.param.as_deref().is_some_and(|it| it == "code" || it == "quantity") => {
            let only_price = Form::parse(format!("price={}", form.get("price")).as_bytes());
            (wanted(w, v, &sub, &only_price)?, Some(refusal))
        }
        wanted => (wanted?, None),
    };
    let refusal = refusal.or(mistake.as_ref());
    let page = preview(w, v, &sub, &to, form, refusal)?;
    Ok(html(status(refusal), &page, &v.leads_to()))
}

fn preview(
    w: &mut World,
    v: &Visit,
    sub: &Subscription,
    to: &Switch,
    form: &Form,
    refusal: Option<&Refusal>,
) -> Answer<Confirm> {
    let item = &sub.items[0];
    let price_id = to.price.clone().unwrap_or_else(|| item.price.clone());
    let quantity = to.quantity.unwrap_or(item.quantity);
    let price = w.prices.get(&price_id).cloned().ok_or_else(|| Refusal::not_found("price", &price_id))?;
    let same = price_id == item.price && quantity == item.quantity;
    let costs = Costs::of(w, v, sub, to, &price, quantity)?;
    let fixed = v.is_for(FlowKind::SubscriptionUpdateConfirm).is_some();
    let product = v.features().update_products.iter().find(|it| !fixed && it.prices.contains(&price_id));
    let field = product.and_then(|product| offer(w, v, item, product, &price).quantity);
    let refusal_of_nothing = Refusal::invalid("You have this plan already: there is nothing to change.");
    let nothing = (same && to.coupon.is_none() && refusal.is_none()).then_some(&refusal_of_nothing);
    Ok(Confirm {
        shell: v.shell("/p/home"),
        id: sub.id.clone(),
        from: (words::plan(w, sub), words::prices(w, sub)),
        to: (engine::product_name(w, &price), words::price(&price, quantity)),
        price: price_id,
        quantity,
        adjustable: field.map(|field| Quantity { now: quantity, ..field }),
        takes_codes: takes_codes(v),
        code: form.get("code").to_owned(),
        discount: to.coupon.as_ref().and_then(|id| w.coupons.get(id)).map(words::coupon),
        card: words::card_in_charge(w, &sub.customer, Some(&sub.id)),
        back: (!fixed).then(|| format!("/p/subscriptions/{}/plan", sub.id)),
        wrong: Wrong::with(refusal.or(nothing), &["code", "quantity"]),
        costs,
    })
}

pub fn switch(w: &mut World, v: &Visit, id: &str, form: &Form, holder: Holder) -> Answer<Next> {
    let sub = switchable(w, v, id)?;
    let to = wanted(w, v, &sub, form)?;
    act::switch_plan(w, &sub.id, &to, v.features(), holder)?;
    let waits = w.subscriptions.get(id).is_some_and(|sub| sub.schedule.is_some());
    Ok(Next::Done(if waits { "/p/home?done=scheduled" } else { "/p/home?done=plan" }))
}
