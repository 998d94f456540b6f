//! What a portal configuration switches on.
use super::{Answer, Params, Refusal};
use crate::{objects::*, state::World};

pub fn read(w: &World, mut p: Params, f: &mut Features) -> Answer<()> {
    defaults(f);
    if let Some(mut it) = p.map("customer_update")? {
        f.customer_update = flag(&mut it)?.unwrap_or(f.customer_update);
        if let Some(allowed) = it.words("allowed_updates")? {
            one_of(
                &allowed,
                &["address", "email", "name", "phone", "shipping", "tax_id"],
                "customer_update[allowed_updates]",
            )?;
            f.customer_allowed_updates = allowed;
        }
        it.finish()?;
    }
    if let Some(mut it) = p.map("invoice_history")? {
        f.invoice_history = flag(&mut it)?.unwrap_or(f.invoice_history);
        it.finish()?;
    }
    if let Some(mut it) = p.map("payment_method_update")? {
        f.payment_method_update = flag(&mut it)?.unwrap_or(f.payment_method_update);
        it.finish_but(&["payment_method_configuration"])?;
    }
    if let Some(mut it) = p.map("subscription_pause")? {
        f.pause = flag(&mut it)?.unwrap_or(f.pause);
        it.finish_but(&["duration"])?;
    }
    if let Some(it) = p.map("subscription_cancel")? {
        cancel(it, f)?;
    }
    if let Some(it) = p.map("subscription_update")? {
        update(w, it, f)?;
    }
    p.finish()
}

/// Stripe's own, where nothing was said yet.
fn defaults(f: &mut Features) {
    let set = |into: &mut String, word: &str| {
        if into.is_empty() {
            *into = word.into();
        }
    };
    set(&mut f.cancel_mode, "at_period_end");
    set(&mut f.cancel_proration, "none");
    set(&mut f.update_proration, "none");
    set(&mut f.update_anchor, "unchanged");
    set(&mut f.update_trial, "end_trial");
}

fn flag(p: &mut Params) -> Answer<Option<bool>> {
    p.flag("enabled")
}

fn one_of(given: &[String], words: &[&str], param: &str) -> Answer<()> {
    match given.iter().find(|word| !words.contains(&word.as_str())) {
        None => Ok(()),
        Some(_) => {
            Err(Refusal::invalid(format!("Invalid {param}: must be one of {}", words.join(", "))).at(param))
        }
    }
}

const REASONS: [&str; 8] = [
    "customer_service",
    "low_quality",
    "missing_features",
    "other",
    "switched_service",
    "too_complex",
    "too_expensive",
    "unused",
];

fn cancel(mut p: Params, f: &mut Features) -> Answer<()> {
    f.cancel = flag(&mut p)?.unwrap_or(f.cancel);
    f.cancel_mode = p.choice("mode", &["at_period_end", "immediately"])?.unwrap_or(f.cancel_mode.clone());
    let proration = p.choice("proration_behavior", &["none", "create_prorations", "always_invoice"])?;
    if proration.as_deref() == Some("always_invoice") {
        return Err(Refusal::invalid(
            "`always_invoice` is not supported for subscription cancellation in the portal.",
        )
        .at("features[subscription_cancel][proration_behavior]"));
    }
    f.cancel_proration = proration.unwrap_or(f.cancel_proration.clone());
    if let Some(mut reason) = p.map("cancellation_reason")? {
        f.cancel_reason = flag(&mut reason)?.unwrap_or(f.cancel_reason);
        if let Some(options) = reason.words("options")? {
            one_of(&options, &REASONS, "features[subscription_cancel][cancellation_reason][options]")?;
            f.cancel_reasons = options;
        }
        reason.finish_but(&["feedback_options"])?;
    }
    p.finish()
}

fn update(w: &World, mut p: Params, f: &mut Features) -> Answer<()> {
    f.update = flag(&mut p)?.unwrap_or(f.update);
    if let Some(allowed) = p.words("default_allowed_updates")? {
        one_of(
            &allowed,
            &["price", "quantity", "promotion_code"],
            "features[subscription_update][default_allowed_updates]",
        )?;
        f.update_allowed = allowed;
    }
    let prorations = ["none", "create_prorations", "always_invoice"];
    f.update_proration = p.choice("proration_behavior", &prorations)?.unwrap_or(f.update_proration.clone());
    f.update_anchor =
        p.choice("billing_cycle_anchor", &["unchanged", "now"])?.unwrap_or(f.update_anchor.clone());
    f.update_trial = p
        .choice("trial_update_behavior", &["end_trial", "continue_trial"])?
        .unwrap_or(f.update_trial.clone());
    if let Some(mut schedule) = p.map("schedule_at_period_end")? {
        let conditions = schedule.maps("conditions")?.unwrap_or_default().into_iter().map(|mut condition| {
            let kind = condition.choice("type", &["decreasing_item_amount", "shortening_interval"])?;
            condition.finish()?;
            Ok(kind.unwrap_or_default())
        });
        f.update_at_period_end = conditions.collect::<Answer<_>>()?;
        schedule.finish()?;
    }
    if let Some(products) = p.maps("products")? {
        if products.len() > 10 {
            return Err(Refusal::invalid("You can list at most 10 products.")
                .at("features[subscription_update][products]"));
        }
        f.update_products =
            products.into_iter().map(|product| switch_product(w, product)).collect::<Answer<_>>()?;
    } else if p.has("products") {
        p.ignore(&["products"]);
        f.update_products.clear();
    }
    p.finish()
}

fn switch_product(w: &World, mut p: Params) -> Answer<SwitchProduct> {
    let product = p.required("product")?;
    if w.products.get(&product).is_none() {
        return Err(Refusal::no_such(
            "product",
            &product,
            "features[subscription_update][products][0][product]",
        ));
    }
    let prices = p.words("prices")?.ok_or_else(|| p.missing("prices"))?;
    for price in &prices {
        let known = w.prices.get(price).is_some_and(|it| it.product == product && it.recurring.is_some());
        if !known {
            return Err(Refusal::no_such(
                "price",
                price,
                "features[subscription_update][products][0][prices]",
            ));
        }
    }
    let (mut adjustable_quantity, mut minimum, mut maximum) = (false, 1, None);
    if let Some(mut quantity) = p.map("adjustable_quantity")? {
        adjustable_quantity = quantity.flag("enabled")?.unwrap_or(false);
        minimum = quantity.int_in("minimum", 0, 999_999)?.unwrap_or(1);
        maximum = quantity.int_in("maximum", 1, 999_999)?;
        quantity.finish()?;
    }
    p.finish()?;
    Ok(SwitchProduct { product, prices, adjustable_quantity, minimum, maximum })
}
