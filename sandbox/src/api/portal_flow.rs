//! `flow_data`: a deep link into the portal, refused where it would lead nowhere.
use super::{Answer, Params, Refusal};
use crate::{objects::*, state::World};

pub fn read(w: &World, mut p: Params, customer: &str, configuration: &PortalConfiguration) -> Answer<Flow> {
    let words: Vec<&str> = FlowKind::ALL.iter().map(|(word, _)| *word).collect();
    let word = p.choice("type", &words)?.ok_or_else(|| p.missing("type"))?;
    let kind = FlowKind::ALL.iter().find(|(known, _)| *known == word).map(|(_, kind)| *kind);
    let kind = kind.ok_or_else(|| p.missing("type"))?;
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
    after_completion(&mut p, &mut flow)?;
    for (name, of) in FlowKind::ALL {
        match p.map(name)? {
            Some(details) if of == kind => details_of(w, details, &mut flow)?,
            Some(_) => {
                return Err(Refusal::invalid(format!("`{name}` does not go with the flow type `{word}`."))
                    .at(p.name_of(name)));
            }
            None => {}
        }
    }
    p.finish()?;
    check(w, &flow, customer, &configuration.features)?;
    Ok(flow)
}

fn after_completion(p: &mut Params, flow: &mut Flow) -> Answer<()> {
    let Some(mut after) = p.map("after_completion")? else { return Ok(()) };
    let kinds = ["hosted_confirmation", "portal_homepage", "redirect"];
    flow.after = after.choice("type", &kinds)?.ok_or_else(|| after.missing("type"))?;
    if let Some(mut redirect) = after.map("redirect")? {
        let url = redirect.required("return_url")?;
        if !url.starts_with("https://") && !url.starts_with("http://") {
            return Err(Refusal::invalid("Not a valid URL")
                .with_code("url_invalid")
                .at(redirect.name_of("return_url")));
        }
        flow.after_url = Some(url);
        redirect.finish()?;
    }
    if let Some(mut confirmation) = after.map("hosted_confirmation")? {
        flow.after_message = confirmation.word("custom_message")?;
        confirmation.finish()?;
    }
    after.clone().finish()?;
    match (flow.after.as_str(), &flow.after_url) {
        ("redirect", None) => Err(after.missing("redirect[return_url]")),
        _ => Ok(()),
    }
}

fn details_of(_: &World, mut p: Params, flow: &mut Flow) -> Answer<()> {
    flow.subscription = p.word("subscription")?;
    if let Some(mut retention) = p.map("retention")? {
        retention.choice("type", &["coupon_offer"])?;
        if let Some(mut offer) = retention.map("coupon_offer")? {
            flow.retention_coupon = Some(offer.required("coupon")?);
            offer.finish()?;
        }
        retention.finish()?;
    }
    if let Some(items) = p.maps("items")? {
        let [mut item]: [Params; 1] = items.try_into().map_err(|_| {
            Refusal::invalid("You must specify exactly one item.")
                .at("flow_data[subscription_update_confirm][items]")
        })?;
        flow.item = Some(item.required("id")?);
        (flow.price, flow.quantity) = (item.word("price")?, item.int_in("quantity", 0, 999_999)?);
        item.finish()?;
    }
    for mut discount in p.maps("discounts")?.unwrap_or_default() {
        (flow.coupon, flow.promotion_code) = (discount.word("coupon")?, discount.word("promotion_code")?);
        discount.finish()?;
    }
    p.finish()
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
    let id = flow.subscription.clone().ok_or_else(|| {
        Refusal::invalid(format!("Missing required param: {at}."))
            .with_code("parameter_missing")
            .at(at.clone())
    })?;
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
        FlowKind::SubscriptionUpdate | FlowKind::SubscriptionUpdateConfirm if sub.items.len() > 1 => {
            Err(Refusal::invalid("This subscription cannot be updated because it has multiple items."))
        }
        FlowKind::SubscriptionUpdateConfirm => confirm(w, flow, sub, features),
        _ => Ok(()),
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
