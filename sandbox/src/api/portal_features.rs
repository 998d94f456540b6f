//! What a portal configuration switches on.
use super::{Answer, Refusal};
use crate::{
    objects::*,
    params::{Ignored, Int, Patch, words},
    state::World,
};
use serde::Deserialize;

words! {
    CustomerField: "address" | "email" | "name" | "phone" | "shipping" | "tax_id";
    CancelMode: "at_period_end" | "immediately";
    Proration: "none" | "create_prorations" | "always_invoice";
    Reason: "customer_service" | "low_quality" | "missing_features" | "other" | "switched_service" | "too_complex"
        | "too_expensive" | "unused";
    Change: "price" | "quantity" | "promotion_code";
    Anchor: "unchanged" | "now";
    Trial: "end_trial" | "continue_trial";
    Waits: "decreasing_item_amount" | "shortening_interval";
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeaturesGiven {
    customer_update: Option<CustomerUpdate>,
    invoice_history: Option<Switch>,
    payment_method_update: Option<Switch>,
    subscription_pause: Option<Switch>,
    subscription_cancel: Option<Cancel>,
    subscription_update: Option<Update>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    enabled: Option<bool>,
    #[serde(default, rename = "payment_method_configuration")]
    _payment_method_configuration: Ignored,
    #[serde(default, rename = "duration")]
    _duration: Ignored,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CustomerUpdate {
    enabled: Option<bool>,
    #[serde(default)]
    allowed_updates: Patch<Vec<CustomerField>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cancel {
    enabled: Option<bool>,
    mode: Option<CancelMode>,
    proration_behavior: Option<Proration>,
    cancellation_reason: Option<Reasons>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reasons {
    enabled: Option<bool>,
    #[serde(default)]
    options: Patch<Vec<Reason>>,
    #[serde(default, rename = "feedback_options")]
    _feedback_options: Ignored,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Update {
    enabled: Option<bool>,
    #[serde(default)]
    default_allowed_updates: Patch<Vec<Change>>,
    proration_behavior: Option<Proration>,
    billing_cycle_anchor: Option<Anchor>,
    trial_update_behavior: Option<Trial>,
    schedule_at_period_end: Option<Schedule>,
    #[serde(default)]
    products: Patch<Vec<Product>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Schedule {
    #[serde(default)]
    conditions: Patch<Vec<Condition>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Condition {
    #[serde(rename = "type")]
    kind: Waits,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Product {
    product: String,
    prices: Vec<String>,
    adjustable_quantity: Option<Quantity>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Quantity {
    enabled: Option<bool>,
    minimum: Option<Int<0, 999_999>>,
    maximum: Option<Int<1, 999_999>>,
}

/// A list that is given, an empty one too, in place of what there was.
fn set<T>(given: Patch<Vec<T>>, into: &mut Vec<String>, word: impl Fn(T) -> String) {
    if given.is_given() {
        *into = given.into_option().unwrap_or_default().into_iter().map(word).collect();
    }
}

fn on(given: Option<Switch>, into: &mut bool) {
    *into = given.and_then(|switch| switch.enabled).unwrap_or(*into);
}

impl FeaturesGiven {
    /// Into what there is; where nothing was said yet, Stripe's own.
    pub fn into(self, w: &World, f: &mut Features) -> Answer<()> {
        for (field, word) in [
            (&mut f.cancel_mode, "at_period_end"),
            (&mut f.cancel_proration, "none"),
            (&mut f.update_proration, "none"),
            (&mut f.update_anchor, "unchanged"),
            (&mut f.update_trial, "end_trial"),
        ] {
            if field.is_empty() {
                *field = word.into();
            }
        }
        if let Some(it) = self.customer_update {
            f.customer_update = it.enabled.unwrap_or(f.customer_update);
            set(it.allowed_updates, &mut f.customer_allowed_updates, |word| word.0);
        }
        on(self.invoice_history, &mut f.invoice_history);
        on(self.payment_method_update, &mut f.payment_method_update);
        on(self.subscription_pause, &mut f.pause);
        self.subscription_cancel.map_or(Ok(()), |it| it.into(f))?;
        self.subscription_update.map_or(Ok(()), |it| it.into(w, f))
    }
}

impl Cancel {
    fn into(self, f: &mut Features) -> Answer<()> {
        if self.proration_behavior.as_ref().is_some_and(|word| word.0 == "always_invoice") {
            return Err(Refusal::invalid(
                "`always_invoice` is not supported for subscription cancellation in the portal.",
            )
            .at("features[subscription_cancel][proration_behavior]"));
        }
        f.cancel = self.enabled.unwrap_or(f.cancel);
        put(self.mode.map(|it| it.0), &mut f.cancel_mode);
        put(self.proration_behavior.map(|it| it.0), &mut f.cancel_proration);
        if let Some(reasons) = self.cancellation_reason {
            f.cancel_reason = reasons.enabled.unwrap_or(f.cancel_reason);
            set(reasons.options, &mut f.cancel_reasons, |word| word.0);
        }
        Ok(())
    }
}

fn put(given: Option<String>, into: &mut String) {
    if let Some(word) = given {
        *into = word;
    }
}

impl Update {
    fn into(self, w: &World, f: &mut Features) -> Answer<()> {
        f.update = self.enabled.unwrap_or(f.update);
        set(self.default_allowed_updates, &mut f.update_allowed, |word| word.0);
        put(self.proration_behavior.map(|it| it.0), &mut f.update_proration);
        put(self.billing_cycle_anchor.map(|it| it.0), &mut f.update_anchor);
        put(self.trial_update_behavior.map(|it| it.0), &mut f.update_trial);
        if let Some(schedule) = self.schedule_at_period_end {
            f.update_at_period_end.clear();
            set(schedule.conditions, &mut f.update_at_period_end, |condition| condition.kind.0);
        }
        if self.products.is_given() {
            let products = self.products.into_option().unwrap_or_default();
            if products.len() > 10 {
                return Err(Refusal::invalid("You can list at most 10 products.")
                    .at("features[subscription_update][products]"));
            }
            let each = products.into_iter().enumerate().map(|(n, product)| product.read(w, n));
            f.update_products = each.collect::<Answer<_>>()?;
        }
        Ok(())
    }
}

impl Product {
    fn read(self, w: &World, n: usize) -> Answer<SwitchProduct> {
        let at = |field: &str| format!("features[subscription_update][products][{n}][{field}]");
        let Self { product, prices, adjustable_quantity } = self;
        if w.products.get(&product).is_none() {
            return Err(Refusal::no_such("product", &product, &at("product")));
        }
        let known =
            |id: &String| w.prices.get(id).is_some_and(|it| it.product == product && it.recurring.is_some());
        if let Some(price) = prices.iter().find(|id| !known(id)) {
            return Err(Refusal::no_such("price", price, &at("prices")));
        }
        let (mut enabled, mut minimum, mut maximum) = (false, 1, None);
        if let Some(quantity) = adjustable_quantity {
            enabled = quantity.enabled.unwrap_or(false);
            minimum = quantity.minimum.map_or(1, |it| it.0);
            maximum = quantity.maximum.map(|it| it.0);
        }
        Ok(SwitchProduct { product, prices, adjustable_quantity: enabled, minimum, maximum })
    }
}
