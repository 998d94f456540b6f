//! Checkout: one page, its promotion code, the bank's question, and what comes after.
use super::{
    Form, Wrong, bank,
    card_form::{self, CardForm},
    form::{asks, status},
    html, message,
    page::{Back, go},
    words,
};
use crate::{
    Sandbox,
    engine::{self, Holder, Paying},
    money,
    money::amount,
    objects::CheckoutSession,
    refusal::{Answer, Refusal},
    reply::Reply,
    request::Request,
    state::{World, date},
};
use askama::Template;
use hyper::Method;

#[derive(Template)]
#[template(path = "checkout.html")]
struct Checkout {
    page: String,
    title: String,
    lines: Vec<Line>,
    subtotal: String,
    discount: Option<Discount>,
    due: String,
    /// What comes after a trial, or nothing.
    trial: Option<String>,
    takes_codes: bool,
    code: String,
    locked_email: Option<String>,
    email: String,
    name: String,
    cards: Option<CardForm>,
    pay: String,
    setup: bool,
    back: Option<Back>,
    wrong: Wrong,
}

struct Line {
    name: String,
    price: String,
    total: String,
    features: Vec<String>,
}

struct Discount {
    words: String,
    off: String,
    removable: bool,
}

pub async fn answer(sandbox: &Sandbox, request: &Request, rest: &[&str]) -> Reply {
    let form = Form::of(request);
    match (&request.method, rest) {
        (&Method::POST, [page]) => pay(sandbox, page, &form, Holder::Absent).await,
        (&Method::POST, [page, "code"]) => change_code(sandbox, page, &form).await,
        (&Method::POST, [page, "bank"]) => after_bank(sandbox, page, &form).await,
        (_, [page, "bank"]) => sandbox.look(|w| question(w, page)).await,
        (_, [page]) => sandbox.look(|w| show(w, page, &Form::default(), None)).await,
        _ => message::not_found(),
    }
}

fn named<'w>(w: &'w World, page: &str) -> Option<&'w CheckoutSession> {
    w.checkout_sessions.iter().find(|session| session.page == page)
}

fn known(w: &World, page: &str) -> Answer<CheckoutSession> {
    named(w, page).cloned().ok_or_else(|| Refusal::not_found("checkout session", page))
}

fn show(w: &World, page: &str, form: &Form, refusal: Option<&Refusal>) -> Reply {
    let Some(session) = named(w, page) else { return message::not_found() };
    match session.status.as_str() {
        "complete" => completed(session),
        "expired" => {
            let back = session.cancel_url.as_deref().and_then(Back::to);
            message::message(
                410,
                "This page has expired",
                "Nothing was charged. Start again where you came from.",
                back,
            )
        }
        _ => {
            let checkout = checkout(w, session, form, refusal);
            let leads_to = [session.success_url.as_deref(), session.cancel_url.as_deref()];
            html(status(refusal), &checkout, &leads_to)
        }
    }
}

fn completed(session: &CheckoutSession) -> Reply {
    let back = success_url(session).as_deref().and_then(Back::to);
    message::message(200, "All done", "This was completed before. Nothing more is charged from here.", back)
}

/// Where Stripe sends people who have paid.
fn success_url(session: &CheckoutSession) -> Option<String> {
    session.success_url.as_ref().map(|url| url.replace("{CHECKOUT_SESSION_ID}", &session.id))
}

fn checkout(w: &World, s: &CheckoutSession, form: &Form, refusal: Option<&Refusal>) -> Checkout {
    let customer = s.customer.as_ref().and_then(|id| w.customers.get(id));
    let locked_email = customer.and_then(|c| c.email.clone()).or(s.customer_email.clone());
    let (subtotal, today) = money::checkout_amounts(w, s);
    let currency = s.currency.as_deref().unwrap_or("usd");
    let name = match form.has("name") {
        true => form.get("name").to_owned(),
        false => customer.and_then(|c| c.name.clone()).unwrap_or_default(),
    };
    Checkout {
        page: s.page.clone(),
        title: title(w, s),
        lines: lines(w, s),
        subtotal: amount(subtotal, currency),
        discount: discount(w, s, subtotal - today, currency),
        due: amount(today, currency),
        trial: money::trial_of(w, s).map(|end| after_trial(w, s, end, currency)),
        takes_codes: s.allow_promotion_codes && s.mode == "subscription",
        code: form.get("code").to_owned(),
        locked_email,
        email: form.get("email").to_owned(),
        name,
        cards: money::checkout_needs_card(w, s).then(|| CardForm::of(form)),
        pay: pay_label(w, s, today, currency),
        setup: s.mode == "setup",
        back: s.cancel_url.as_deref().and_then(Back::to),
        wrong: Wrong::with(refusal, &["email", "name", "number", "code"]),
    }
}

fn title(w: &World, s: &CheckoutSession) -> String {
    if s.mode == "setup" {
        return "Save a card".into();
    }
    let plans: Vec<String> = s
        .line_items
        .iter()
        .filter_map(|it| Some(engine::product_name(w, w.prices.get(&it.price)?)))
        .collect();
    match money::trial_of(w, s) {
        Some(_) => format!("Try {}", plans.join(" + ")),
        None => format!("Subscribe to {}", plans.join(" + ")),
    }
}

fn pay_label(w: &World, s: &CheckoutSession, today: i64, currency: &str) -> String {
    match (s.mode.as_str(), money::trial_of(w, s)) {
        ("setup", _) => "Save card".into(),
        (_, Some(_)) => "Start trial".into(),
        _ if today > 0 => format!("Pay {}", amount(today, currency)),
        _ => "Subscribe".into(),
    }
}

fn lines(w: &World, s: &CheckoutSession) -> Vec<Line> {
    let line = |item: &crate::objects::LineItem| {
        let price = w.prices.get(&item.price)?;
        let product = w.products.get(&price.product)?;
        Some(Line {
            name: product.name.clone(),
            price: words::price(price, item.quantity),
            total: amount(price.cost(item.quantity), &price.currency),
            features: product.marketing_features.clone(),
        })
    };
    s.line_items.iter().filter_map(line).collect()
}

fn discount(w: &World, s: &CheckoutSession, off: i64, currency: &str) -> Option<Discount> {
    let coupon = w.coupons.get(s.coupon.as_ref()?)?;
    let code = s.promotion_code.as_ref().and_then(|id| w.promotion_codes.get(id));
    let what =
        code.map_or_else(|| coupon.name.clone().unwrap_or(coupon.id.clone()), |code| code.code.clone());
    let words = format!("{what}: {}", words::coupon(coupon));
    Some(Discount { words, off: amount(-off, currency), removable: s.allow_promotion_codes })
}

fn after_trial(w: &World, s: &CheckoutSession, end: i64, currency: &str) -> String {
    let whole: i64 =
        s.line_items.iter().filter_map(|it| Some(w.prices.get(&it.price)?.cost(it.quantity))).sum();
    let coupon = s.coupon.as_ref().and_then(|id| w.coupons.get(id));
    let then = whole - coupon.map_or(0, |coupon| coupon.off(whole));
    format!(
        "Free until {}, then {}. Cancel before that and nothing is charged.",
        date(end),
        amount(then, currency)
    )
}

/// One attempt. If the bank asks, the form waits for its holder's answer.
async fn pay(sandbox: &Sandbox, page: &str, form: &Form, holder: Holder) -> Reply {
    let paid = sandbox.act(|w| {
        let session = known(w, page)?;
        let paying = paying(w, &session, form, holder)?;
        engine::complete_checkout(w, &session.id, paying)?;
        Ok(known(w, page)?.success_url.map(|url| url.replace("{CHECKOUT_SESSION_ID}", &session.id)))
    });
    match paid.await {
        Ok(Some(url)) => go(&url),
        Ok(None) => go(&format!("/c/pay/{page}")),
        Err(refusal) if asks(&refusal) => {
            keep_waiting(sandbox, page, Some(form.encoded())).await;
            go(&format!("/c/pay/{page}/bank"))
        }
        Err(refusal) => sandbox.look(|w| show(w, page, form, Some(&refusal))).await,
    }
}

fn paying(w: &World, s: &CheckoutSession, form: &Form, holder: Holder) -> Answer<Paying> {
    let customer = s.customer.as_ref().and_then(|id| w.customers.get(id));
    let known = customer.and_then(|c| c.email.as_ref()).or(s.customer_email.as_ref()).is_some();
    let email = if known { None } else { form.email("email")? };
    if !known && email.is_none() && s.status == "open" {
        return Err(Refusal::invalid("An e-mail address is needed for receipts.").at("email"));
    }
    let name = form.short("name", "Name", 150)?;
    if name.is_none() && s.status == "open" {
        return Err(Refusal::invalid("A name is needed for the invoices.").at("name"));
    }
    let number = card_form::number(form).filter(|_| money::checkout_needs_card(w, s));
    Ok(Paying { number, holder: Some(holder), name, email, method: None })
}

async fn keep_waiting(sandbox: &Sandbox, page: &str, form: Option<String>) -> Option<String> {
    let changed = sandbox.act(|w| {
        let id = known(w, page)?.id;
        let session = w.checkout_sessions.change(&id);
        Ok(session.and_then(|session| std::mem::replace(&mut session.challenged, form)))
    });
    changed.await.ok().flatten()
}

fn question(w: &World, page: &str) -> Reply {
    match named(w, page) {
        Some(session) if session.challenged.is_some() && session.status == "open" => {
            bank(&format!("/c/pay/{page}/bank"), &title(w, session), &[session.success_url.as_deref()])
        }
        _ => go(&format!("/c/pay/{page}")),
    }
}

async fn after_bank(sandbox: &Sandbox, page: &str, answer: &Form) -> Reply {
    match keep_waiting(sandbox, page, None).await {
        Some(form) => pay(sandbox, page, &Form::parse(form.as_bytes()), holder(answer)).await,
        None => go(&format!("/c/pay/{page}")),
    }
}

/// What the holder told their bank.
pub fn holder(answer: &Form) -> Holder {
    if answer.get("answer") == "approve" { Holder::Approves } else { Holder::Refuses }
}

async fn change_code(sandbox: &Sandbox, page: &str, form: &Form) -> Reply {
    let changed = sandbox.act(|w| {
        let session = known(w, page)?;
        if !session.allow_promotion_codes || session.status != "open" {
            return Err(Refusal::invalid("Promotion codes are not taken here.").at("code"));
        }
        let code = match form.has("remove") {
            true => None,
            false => Some(
                engine::code_for(w, form.get("code"), session.customer.as_deref())
                    .map_err(|refusal| refusal.at("code"))?,
            ),
        };
        if let Some(session) = w.checkout_sessions.change(&session.id) {
            session.coupon = code.as_ref().map(|code| code.coupon.clone());
            session.promotion_code = code.map(|code| code.id);
        }
        Ok(())
    });
    match changed.await {
        Ok(()) => go(&format!("/c/pay/{page}")),
        Err(refusal) => sandbox.look(|w| show(w, page, form, Some(&refusal))).await,
    }
}
