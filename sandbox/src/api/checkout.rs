//! Checkout sessions.
use super::{Answer, Paging, Params, Refusal, customers, list::Span};
use crate::{
    engine, money,
    objects::*,
    state::{DAY, World, wall},
    wire,
};

/// Taken, and without effect in a sandbox.
const WITHOUT_EFFECT: &[&str] = &[
    "adaptive_pricing",
    "after_expiration",
    "allowed_payment_method_types",
    "branding_settings",
    "consent_collection",
    "custom_fields",
    "customer_creation",
    "customer_update",
    "excluded_payment_method_types",
    "invoice_creation",
    "managed_payments",
    "name_collection",
    "optional_items",
    "origin_context",
    "payment_intent_data",
    "payment_method_configuration",
    "payment_method_data",
    "payment_method_options",
    "permissions",
    "phone_number_collection",
    "redirect_on_completion",
    "return_url",
    "saved_payment_method_options",
    "setup_intent_data",
    "shipping_address_collection",
    "shipping_options",
    "submit_type",
    "wallet_options",
];

pub fn create(w: &mut World, mut p: Params) -> Answer {
    let mode = p.choice("mode", &["payment", "setup", "subscription"])?.ok_or_else(|| p.missing("mode"))?;
    if mode == "payment" {
        return Err(Refusal::invalid("This sandbox knows the modes subscription and setup.").at("mode"));
    }
    p.choice("ui_mode", &["hosted_page", "hosted"])?;
    let customer = p.word("customer")?;
    if let Some(customer) = &customer {
        customers::named(w, customer)?;
    }
    let mut session = read(w, &mut p, mode, customer)?;
    p.metadata(&mut session.metadata)?;
    if let Some(code) = p.word("currency")? {
        money::currency(&code, "currency")?;
    }
    if let (Some(customer), Some(currency)) = (&session.customer, &session.currency) {
        engine::fits_currency(w, customer, currency)?;
    }
    p.finish_but(WITHOUT_EFFECT)?;
    check(&session)?;
    let object = wire::checkout_session(w, &session);
    w.checkout_sessions.put(session);
    Ok(object)
}

fn read(w: &mut World, p: &mut Params, mode: String, customer: Option<String>) -> Answer<CheckoutSession> {
    let line_items = line_items_of(w, p, &mode)?;
    let (coupon, promotion_code) = discount(w, p, customer.as_deref())?;
    let (now, page) = (wall(), w.secret());
    Ok(CheckoutSession {
        id: w.id("cs_test_"),
        created: now,
        expires_at: expires_at(p, now)?,
        mode,
        status: "open".into(),
        payment_status: "unpaid".into(),
        customer,
        customer_email: p.word("customer_email")?,
        client_reference_id: p.word("client_reference_id")?,
        currency: line_items
            .first()
            .and_then(|item| w.prices.get(&item.price))
            .map(|price| price.currency.clone()),
        line_items,
        subscription_data: subscription_data(w, p)?,
        success_url: p.word("success_url")?,
        cancel_url: p.word("cancel_url")?,
        allow_promotion_codes: p.flag("allow_promotion_codes")?.unwrap_or(false),
        coupon,
        promotion_code,
        payment_method_collection: p
            .choice("payment_method_collection", &["always", "if_required"])?
            .unwrap_or_else(|| "always".into()),
        billing_address_collection: p.choice("billing_address_collection", &["auto", "required"])?,
        automatic_tax: enabled(p, "automatic_tax", &["liability"])?,
        tax_id_collection: enabled(p, "tax_id_collection", &["required"])?,
        locale: p.word("locale")?,
        integration_identifier: p.word("integration_identifier")?,
        custom_text: p.map("custom_text")?.map(Params::into_json),
        page,
        ..CheckoutSession::default()
    })
}

fn check(session: &CheckoutSession) -> Answer<()> {
    let missing = |name: &str| {
        Refusal::invalid(format!("Missing required param: {name}.")).with_code("parameter_missing").at(name)
    };
    if session.success_url.is_none() {
        return Err(missing("success_url"));
    }
    for (name, url) in [("success_url", &session.success_url), ("cancel_url", &session.cancel_url)] {
        let is_web = url.as_ref().is_none_or(|url| url.starts_with("https://") || url.starts_with("http://"));
        if !is_web {
            return Err(Refusal::invalid("Not a valid URL").with_code("url_invalid").at(name));
        }
    }
    if session.allow_promotion_codes && (session.coupon.is_some() || session.promotion_code.is_some()) {
        return Err(Refusal::invalid(
            "You may only specify one of these parameters: allow_promotion_codes, discounts.",
        ));
    }
    if session.customer.is_some() && session.customer_email.is_some() {
        return Err(Refusal::invalid(
            "You may only specify one of these parameters: customer, customer_email.",
        ));
    }
    Ok(())
}

fn line_items_of(w: &mut World, p: &mut Params, mode: &str) -> Answer<Vec<LineItem>> {
    let mut items = Vec::new();
    for mut item in p.maps("line_items")?.unwrap_or_default() {
        let price = item.required("price")?;
        let quantity = item.int_in("quantity", 1, 999_999)?.unwrap_or(1);
        item.finish_but(&["adjustable_quantity", "tax_rates", "dynamic_tax_rates", "metadata"])?;
        let known =
            w.prices.get(&price).ok_or_else(|| Refusal::no_such("price", &price, "line_items[0][price]"))?;
        if mode == "subscription" && known.recurring.is_none() {
            return Err(
                Refusal::invalid("This sandbox sells recurring prices only.").at("line_items[0][price]")
            );
        }
        if !known.active {
            return Err(Refusal::invalid(format!("The price specified is inactive: {price}"))
                .at("line_items[0][price]"));
        }
        items.push(LineItem { id: w.id("li_"), price, quantity });
    }
    match (mode, items.is_empty()) {
        ("subscription", true) => Err(p.missing("line_items")),
        _ if items.len() > 20 => {
            Err(Refusal::invalid("A subscription can have up to 20 line items.").at("line_items"))
        }
        _ => Ok(items),
    }
}

fn discount(w: &World, p: &mut Params, customer: Option<&str>) -> Answer<(Option<String>, Option<String>)> {
    let Some(mut given) = p.maps("discounts")?.and_then(|mut all| all.pop()) else { return Ok((None, None)) };
    let (coupon, code) = (given.word("coupon")?, given.word("promotion_code")?);
    given.finish()?;
    let Some(code) = code else {
        if let Some(coupon) = coupon.as_ref().filter(|id| w.coupons.get(id).is_none_or(|it| it.deleted)) {
            return Err(Refusal::no_such("coupon", coupon, "discounts[0][coupon]"));
        }
        return Ok((coupon, None));
    };
    let known = w.promotion_codes.get(&code);
    let known =
        known.ok_or_else(|| Refusal::no_such("promotion code", &code, "discounts[0][promotion_code]"))?;
    engine::code_is_usable(w, known, customer)?;
    Ok((Some(known.coupon.clone()), Some(code)))
}

fn expires_at(p: &mut Params, now: i64) -> Answer<i64> {
    let at = p.instant("expires_at")?.unwrap_or(now + DAY);
    // Stripe's bounds are 30 minutes and 24 hours; a little is allowed for the way.
    if at < now + 30 * 60 - 60 || at > now + DAY + 60 {
        return Err(Refusal::invalid("The `expires_at` timestamp must be at least 30 minutes and at most 24 hours from Checkout Session creation.")
            .at("expires_at"));
    }
    Ok(at)
}

fn subscription_data(w: &World, p: &mut Params) -> Answer<SubscriptionData> {
    let Some(mut data) = p.map("subscription_data")? else { return Ok(SubscriptionData::default()) };
    let mut read = SubscriptionData {
        description: data.word("description")?,
        trial_period_days: data.int_in("trial_period_days", 1, 730)?,
        trial_end: data.instant("trial_end")?,
        billing_cycle_anchor: data.instant("billing_cycle_anchor")?,
        ..SubscriptionData::default()
    };
    if read.trial_end.is_some_and(|end| end < w.now() + 2 * DAY - 60) {
        return Err(Refusal::invalid("The `trial_end` date has to be at least 2 days in the future.")
            .at("subscription_data[trial_end]"));
    }
    data.metadata(&mut read.metadata)?;
    if let Some(mut settings) = data.map("trial_settings")? {
        let mut end = settings.map("end_behavior")?.ok_or_else(|| settings.missing("end_behavior"))?;
        read.missing_payment_method =
            end.choice("missing_payment_method", &["cancel", "create_invoice", "pause"])?;
        end.finish()?;
        settings.finish()?;
    }
    if let Some(mut mode) = data.map("billing_mode")? {
        read.billing_mode = mode.choice("type", &["flexible", "classic"])?;
        mode.finish_but(&["flexible"])?;
    }
    data.finish_but(&[
        "application_fee_percent",
        "default_tax_rates",
        "invoice_settings",
        "on_behalf_of",
        "proration_behavior",
        "transfer_data",
        "pending_invoice_item_interval",
    ])?;
    Ok(read)
}

fn enabled(p: &mut Params, name: &str, ignored: &[&str]) -> Answer<bool> {
    let Some(mut given) = p.map(name)? else { return Ok(false) };
    let enabled = given.flag("enabled")?.ok_or_else(|| given.missing("enabled"))?;
    given.finish_but(ignored)?;
    Ok(enabled)
}

pub fn update(w: &mut World, id: &str, mut p: Params) -> Answer {
    let session = w.checkout_sessions.change(id).ok_or_else(|| Refusal::not_found("checkout session", id))?;
    p.metadata(&mut session.metadata)?;
    p.finish()?;
    wire::shown(w, "checkout.session", id)
}

pub fn line_items(w: &World, id: &str, mut p: Params) -> Answer {
    Paging::take(&mut p)?;
    p.finish()?;
    let found = w.checkout_sessions.get(id).map(|it| wire::line_items(w, it));
    found.ok_or_else(|| Refusal::not_found("checkout.session", id))
}

pub fn expire(w: &mut World, id: &str, p: Params) -> Answer {
    p.finish()?;
    wire::shown(w, "checkout.session", id)?;
    engine::expire_checkout(w, id)?;
    wire::shown(w, "checkout.session", id)
}

pub fn list(w: &World, mut p: Params) -> Answer {
    let (paging, span) = (Paging::take(&mut p)?, Span::take(&mut p, "created")?);
    let (customer, sub) = (p.word("customer")?, p.word("subscription")?);
    let status = p.choice("status", &["complete", "expired", "open"])?;
    p.finish_but(&["customer_details", "payment_intent", "payment_link"])?;
    let rows = w.checkout_sessions.iter().rev().filter(|it| {
        span.holds(it.created)
            && customer.as_ref().is_none_or(|customer| it.customer.as_ref() == Some(customer))
            && sub.as_ref().is_none_or(|sub| it.subscription.as_ref() == Some(sub))
            && status.as_ref().is_none_or(|status| it.status == *status)
    });
    paging.of("/v1/checkout/sessions", rows, |it| wire::checkout_session(w, it))
}
