//! Checkout sessions.
use super::{
    Answer, Paging, Params, Refusal, customers,
    subscription_update::{BillingMode, DiscountGiven, TrialSettings},
};
use crate::{
    engine, money,
    objects::*,
    params::{Given, Ignored, Instant, Int, words},
    state::{DAY, World, wall},
    wire,
};
use serde::Deserialize;

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

words! {
    Mode: "payment" | "setup" | "subscription";
    UiMode: "hosted_page" | "hosted";
    CardAsked: "always" | "if_required";
    AddressAsked: "auto" | "required";
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    mode: Mode,
    #[serde(rename = "ui_mode")]
    _ui_mode: Option<UiMode>,
    customer: Option<String>,
    customer_email: Option<String>,
    client_reference_id: Option<String>,
    currency: Option<String>,
    #[serde(default)]
    line_items: Vec<LineGiven>,
    subscription_data: Option<SubscriptionGiven>,
    success_url: Option<String>,
    cancel_url: Option<String>,
    allow_promotion_codes: Option<bool>,
    #[serde(default)]
    discounts: Vec<DiscountGiven>,
    expires_at: Option<Instant>,
    payment_method_collection: Option<CardAsked>,
    billing_address_collection: Option<AddressAsked>,
    automatic_tax: Option<Switch>,
    tax_id_collection: Option<Switch>,
    locale: Option<String>,
    integration_identifier: Option<String>,
    #[serde(default, rename = "payment_method_types")]
    _payment_method_types: Vec<String>,
    #[serde(default)]
    metadata: Given,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LineGiven {
    price: String,
    quantity: Option<Int<1, 999_999>>,
    #[serde(default, rename = "adjustable_quantity")]
    _adjustable_quantity: Ignored,
    #[serde(default, rename = "tax_rates")]
    _tax_rates: Ignored,
    #[serde(default, rename = "dynamic_tax_rates")]
    _dynamic_tax_rates: Ignored,
    #[serde(default, rename = "metadata")]
    _metadata: Ignored,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    enabled: bool,
    #[serde(default, rename = "liability")]
    _liability: Ignored,
    #[serde(default, rename = "required")]
    _required: Ignored,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SubscriptionGiven {
    description: Option<String>,
    trial_period_days: Option<Int<1, 730>>,
    trial_end: Option<Instant>,
    billing_cycle_anchor: Option<Instant>,
    trial_settings: Option<TrialSettings>,
    billing_mode: Option<BillingMode>,
    #[serde(default)]
    metadata: Given,
    #[serde(default, rename = "application_fee_percent")]
    _application_fee_percent: Ignored,
    #[serde(default, rename = "default_tax_rates")]
    _default_tax_rates: Ignored,
    #[serde(default, rename = "invoice_settings")]
    _invoice_settings: Ignored,
    #[serde(default, rename = "on_behalf_of")]
    _on_behalf_of: Ignored,
    #[serde(default, rename = "proration_behavior")]
    _proration_behavior: Ignored,
    #[serde(default, rename = "transfer_data")]
    _transfer_data: Ignored,
    #[serde(default, rename = "pending_invoice_item_interval")]
    _pending_invoice_item_interval: Ignored,
}

pub fn create(w: &mut World, mut p: Params) -> Answer {
    let custom_text = p.map("custom_text")?.map(Params::into_json);
    let new: New = p.read_but(WITHOUT_EFFECT)?;
    if new.mode.0 == "payment" {
        return Err(Refusal::invalid("This sandbox knows the modes subscription and setup.").at("mode"));
    }
    if let Some(customer) = &new.customer {
        customers::named(w, customer)?;
    }
    if let Some(code) = &new.currency {
        money::currency(code, "currency")?;
    }
    let session = CheckoutSession { custom_text, ..read(w, new)? };
    if let (Some(customer), Some(currency)) = (&session.customer, &session.currency) {
        engine::fits_currency(w, customer, currency)?;
    }
    check(&session)?;
    let object = wire::checkout_session(w, &session);
    w.checkout_sessions.put(session);
    Ok(object)
}

fn read(w: &mut World, new: New) -> Answer<CheckoutSession> {
    let line_items = line_items_of(w, new.line_items, &new.mode.0)?;
    let (coupon, promotion_code) = discount(w, new.discounts, new.customer.as_deref())?;
    let (now, page) = (wall(), w.secret());
    let sold = line_items.first().and_then(|item| w.prices.get(&item.price));
    let currency = sold.map(|price| price.currency.clone());
    Ok(CheckoutSession {
        id: w.id("cs_test_"),
        created: now,
        expires_at: expires_at(new.expires_at, now)?,
        mode: new.mode.0,
        status: "open".into(),
        payment_status: "unpaid".into(),
        customer: new.customer,
        customer_email: new.customer_email,
        client_reference_id: new.client_reference_id,
        currency,
        line_items,
        subscription_data: new.subscription_data.map(|data| data.read(w)).transpose()?.unwrap_or_default(),
        success_url: new.success_url,
        cancel_url: new.cancel_url,
        allow_promotion_codes: new.allow_promotion_codes.unwrap_or(false),
        coupon,
        promotion_code,
        payment_method_collection: new.payment_method_collection.map_or_else(|| "always".into(), |it| it.0),
        billing_address_collection: new.billing_address_collection.map(|it| it.0),
        automatic_tax: new.automatic_tax.is_some_and(|it| it.enabled),
        tax_id_collection: new.tax_id_collection.is_some_and(|it| it.enabled),
        locale: new.locale,
        integration_identifier: new.integration_identifier,
        metadata: new.metadata.fresh()?,
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

fn line_items_of(w: &mut World, given: Vec<LineGiven>, mode: &str) -> Answer<Vec<LineItem>> {
    let mut items = Vec::new();
    for LineGiven { price, quantity, .. } in given {
        let refused = |said: String| Err(Refusal::invalid(said).at("line_items[0][price]"));
        let known =
            w.prices.get(&price).ok_or_else(|| Refusal::no_such("price", &price, "line_items[0][price]"))?;
        if mode == "subscription" && known.recurring.is_none() {
            return refused("This sandbox sells recurring prices only.".into());
        }
        if !known.active {
            return refused(format!("The price specified is inactive: {price}"));
        }
        items.push(LineItem { id: w.id("li_"), price, quantity: quantity.map_or(1, |quantity| quantity.0) });
    }
    match (mode, items.is_empty()) {
        ("subscription", true) => Err(Refusal::missing("line_items")),
        _ if items.len() > 20 => {
            Err(Refusal::invalid("A subscription can have up to 20 line items.").at("line_items"))
        }
        _ => Ok(items),
    }
}

fn discount(
    w: &World,
    mut given: Vec<DiscountGiven>,
    customer: Option<&str>,
) -> Answer<(Option<String>, Option<String>)> {
    let Some(DiscountGiven { coupon, promotion_code, .. }) = given.pop() else { return Ok((None, None)) };
    let Some(code) = promotion_code else {
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

fn expires_at(given: Option<Instant>, now: i64) -> Answer<i64> {
    let at = given.map_or(now + DAY, |at| at.0);
    // Stripe's bounds are 30 minutes and 24 hours; a little is allowed for the way.
    if at < now + 30 * 60 - 60 || at > now + DAY + 60 {
        return Err(Refusal::invalid("The `expires_at` timestamp must be at least 30 minutes and at most 24 hours from Checkout Session creation.")
            .at("expires_at"));
    }
    Ok(at)
}

impl SubscriptionGiven {
    fn read(self, w: &World) -> Answer<SubscriptionData> {
        let trial_end = self.trial_end.map(|at| at.0);
        if trial_end.is_some_and(|end| end < w.now() + 2 * DAY - 60) {
            return Err(Refusal::invalid("The `trial_end` date has to be at least 2 days in the future.")
                .at("subscription_data[trial_end]"));
        }
        Ok(SubscriptionData {
            metadata: self.metadata.fresh()?,
            description: self.description,
            trial_period_days: self.trial_period_days.map(|days| days.0),
            trial_end,
            missing_payment_method: self.trial_settings.map(TrialSettings::missing_payment_method),
            billing_mode: self.billing_mode.map(BillingMode::word),
            billing_cycle_anchor: self.billing_cycle_anchor.map(|at| at.0),
        })
    }
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
