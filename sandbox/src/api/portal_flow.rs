//! `flow_data`: a deep link into the portal, refused where it would lead nowhere.
use super::{Answer, Params, Refusal};
use crate::{
    engine,
    objects::*,
    params::{Int, WebUrl, words},
    state::World,
};
use serde::Deserialize;

words! {
    After: "hosted_confirmation" | "portal_homepage" | "redirect";
    Retention: "coupon_offer";
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    #[serde(rename = "type")]
    kind: FlowKind,
    after_completion: Option<AfterCompletion>,
    payment_method_update: Option<Details>,
    customer_update: Option<Details>,
    subscription_cancel: Option<Details>,
    subscription_update: Option<Details>,
    subscription_update_confirm: Option<Details>,
    subscription_pause: Option<Details>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AfterCompletion {
    #[serde(rename = "type")]
    kind: After,
    redirect: Option<Redirect>,
    hosted_confirmation: Option<Confirmation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Redirect {
    return_url: WebUrl,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    custom_message: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Details {
    subscription: Option<String>,
    retention: Option<RetentionGiven>,
    items: Option<Vec<ItemGiven>>,
    #[serde(default)]
    discounts: Vec<DiscountGiven>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RetentionGiven {
    #[serde(rename = "type")]
    _kind: Option<Retention>,
    coupon_offer: Option<CouponOffer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CouponOffer {
    coupon: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemGiven {
    id: String,
    price: Option<String>,
    quantity: Option<Int<0, 999_999>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DiscountGiven {
    coupon: Option<String>,
    promotion_code: Option<String>,
}

pub fn read(w: &World, p: Params, customer: &str, configuration: &PortalConfiguration) -> Answer<Flow> {
    let given: Given = p.read()?;
    let kind = given.kind;
    let mut flow = Flow {
        kind,
        subscription: None,
        item: None,
        price: None,
        quantity: None,
        coupon: None,
        promotion_code: None,
        after: "portal_homepage".into(),
        after_url: None,
        after_message: None,
        retention_coupon: None,
    };
    if let Some(after) = given.after_completion {
        flow.after = after.kind.0;
        flow.after_url = after.redirect.map(|redirect| redirect.return_url.0);
        flow.after_message = after.hosted_confirmation.and_then(|it| it.custom_message);
        if flow.after == "redirect" && flow.after_url.is_none() {
            return Err(Refusal::missing("flow_data[after_completion][redirect][return_url]"));
        }
    }
    for (of, details) in [
        (FlowKind::PaymentMethodUpdate, given.payment_method_update),
        (FlowKind::CustomerUpdate, given.customer_update),
        (FlowKind::SubscriptionCancel, given.subscription_cancel),
        (FlowKind::SubscriptionUpdate, given.subscription_update),
        (FlowKind::SubscriptionUpdateConfirm, given.subscription_update_confirm),
        (FlowKind::SubscriptionPause, given.subscription_pause),
    ] {
        match details {
            Some(details) if of == kind => details.into(&mut flow)?,
            Some(_) => {
                let (name, word) = (of.as_str(), kind.as_str());
                let said = format!("`{name}` does not go with the flow type `{word}`.");
                return Err(Refusal::invalid(said).at(format!("flow_data[{name}]")));
            }
            None => {}
        }
    }
    check(w, &flow, customer, &configuration.features)?;
    Ok(flow)
}

impl Details {
    fn into(self, flow: &mut Flow) -> Answer<()> {
        flow.subscription = self.subscription;
        flow.retention_coupon = self.retention.and_then(|it| it.coupon_offer).map(|offer| offer.coupon);
        if let Some(items) = self.items {
            let [item]: [ItemGiven; 1] = items.try_into().map_err(|_| {
                Refusal::invalid("You must specify exactly one item.")
                    .at("flow_data[subscription_update_confirm][items]")
            })?;
            (flow.item, flow.price) = (Some(item.id), item.price);
            flow.quantity = item.quantity.map(|quantity| quantity.0);
        }
        if let Some(discount) = self.discounts.into_iter().last() {
            (flow.coupon, flow.promotion_code) = (discount.coupon, discount.promotion_code);
        }
        Ok(())
    }
}

fn off(what: &str, feature: &str) -> Refusal {
    Refusal::invalid(format!(
        "This {what} because the {feature} feature in the portal configuration is disabled."
    ))
}

fn check(w: &World, flow: &Flow, customer: &str, features: &Features) -> Answer<()> {
    match flow.kind {
        FlowKind::PaymentMethodUpdate if !features.payment_method_update => {
            Err(off("payment method cannot be updated", "payment method update"))
        }
        FlowKind::CustomerUpdate if !features.customer_update => {
            Err(off("customer cannot be updated", "customer update"))
        }
        FlowKind::PaymentMethodUpdate | FlowKind::CustomerUpdate => Ok(()),
        _ => of_subscription(w, flow, customer, features),
    }
}

fn of_subscription(w: &World, flow: &Flow, customer: &str, features: &Features) -> Answer<()> {
    let at = format!("flow_data[{}][subscription]", flow.kind.as_str());
    let id = flow.subscription.clone().ok_or_else(|| Refusal::missing(&at))?;
    let sub = w.subscriptions.get(&id).filter(|sub| sub.customer == customer);
    let sub = sub.ok_or_else(|| Refusal::no_such("subscription", &id, &at))?;
    if !sub.is_alive() {
        return Err(
            Refusal::invalid(format!("The subscription {id} is canceled and cannot be changed.")).at(at)
        );
    }
    match flow.kind {
        FlowKind::SubscriptionCancel if !features.cancel => {
            Err(off("subscription cannot be canceled", "subscription cancellation"))
        }
        FlowKind::SubscriptionCancel if sub.ends_at().is_some() => Err(Refusal::invalid(format!(
            "The subscription {id} is already set to be canceled at period end."
        ))),
        FlowKind::SubscriptionPause if !features.pause => {
            Err(off("subscription cannot be paused", "subscription pause"))
        }
        FlowKind::SubscriptionUpdate | FlowKind::SubscriptionUpdateConfirm if !features.update => {
            Err(off("subscription cannot be updated", "subscription update"))
        }
        FlowKind::SubscriptionPause if !engine::can_pause(sub) => Err(Refusal::invalid(format!(
            "This subscription cannot be paused because its status is `{}` or it is set to be canceled.",
            sub.status
        ))),
        FlowKind::SubscriptionUpdate => switchable(w, sub),
        FlowKind::SubscriptionUpdateConfirm => {
            confirm(w, flow, sub, features).and_then(|()| switchable(w, sub))
        }
        _ => Ok(()),
    }
}

fn switchable(w: &World, sub: &Subscription) -> Answer<()> {
    match engine::cannot_switch(w, sub) {
        None => Ok(()),
        Some(why) => Err(Refusal::invalid(format!("This subscription cannot be updated because {why}"))),
    }
}

fn confirm(w: &World, flow: &Flow, sub: &Subscription, features: &Features) -> Answer<()> {
    let at = "flow_data[subscription_update_confirm][items][0]";
    let wanted = flow.item.as_deref().unwrap_or_default();
    let item = sub.items.iter().find(|item| item.id == wanted);
    let item = item.ok_or_else(|| Refusal::no_such("subscription item", wanted, &format!("{at}[id]")))?;
    let price = flow.price.as_deref().unwrap_or(&item.price);
    let offered = features.update_products.iter().any(|product| product.prices.iter().any(|it| it == price));
    if w.prices.get(price).is_none() {
        return Err(Refusal::no_such("price", price, &format!("{at}[price]")));
    }
    if price != item.price && !offered {
        return Err(Refusal::invalid(format!(
            "The price {price} is not in the portal configuration's products."
        ))
        .at(format!("{at}[price]")));
    }
    if (flow.coupon.is_some() || flow.promotion_code.is_some())
        && !features.update_allowed.iter().any(|it| it == "promotion_code")
    {
        return Err(Refusal::invalid(
            "The portal configuration's `default_allowed_updates` does not include `promotion_code`.",
        ));
    }
    let same = price == item.price && flow.quantity.is_none_or(|quantity| quantity == item.quantity);
    match same && flow.coupon.is_none() && flow.promotion_code.is_none() {
        true => Err(Refusal::invalid(
            "This subscription cannot be updated because there are no changes to confirm.",
        )),
        false => Ok(()),
    }
}
