//! What a customer bought: which of its subscriptions are ours, and which plan an item is for. A customer
//! may have subscriptions to other products of the same Stripe account; those are not looked at.
use super::{
    db,
    plans::{Plan, of_lookup_key},
};
use crate::{
    App,
    db::Scope,
    error::Result,
    stripe::{CustomerId, Deadline, Item, Price, Product, Schedule, Subscription},
};
use std::collections::HashMap;

/// How many products are asked for at once: their ids are in the address.
const PRODUCTS_AT_ONCE: usize = 50;

/// Products by their ids, as far as the prices of a snapshot do not say enough by themselves.
pub type Products = HashMap<String, Product>;

/// What an item is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bought {
    Plan(Plan),
    /// A product of ours, at a price that does not say for which plan.
    UnknownPlan,
    /// Another product.
    AddOn,
}

/// By the price's lookup key, then its metadata, then its product's.
pub fn bought(price: &Price, products: &Products) -> Bought {
    if let Some((plan, _)) = price.lookup_key.as_deref().and_then(of_lookup_key) {
        return Bought::Plan(plan);
    }
    let of_product = || price.product().and_then(|id| products.get(id)).and_then(Product::plan);
    let known = |named: Option<Option<&str>>| named.flatten().and_then(|key| key.parse().ok());
    match known(price.plan()).or_else(|| known(of_product())) {
        Some(plan) => Bought::Plan(plan),
        None if price.plan().or_else(of_product).is_some() => Bought::UnknownPlan,
        None => Bought::AddOn,
    }
}

/// The customer's subscriptions that are ours, ended ones too, and the products that it took to tell. Ours is
/// one with an item of ours, and one that a Checkout attempt of this organisation made.
pub async fn subscriptions(
    app: &App,
    scope: &Scope,
    customer: &CustomerId,
    until: Deadline,
) -> Result<(Vec<Subscription>, Products)> {
    let held = app.stripe.subscriptions(customer, until).await?;
    let prices = held.iter().flat_map(Subscription::items).filter_map(|item| item.price.as_ref());
    let products = with_products_of(app, prices, Products::new(), until).await?;
    let mut ours = Vec::new();
    for s in held {
        if has_item_of_ours(&s, &products) || was_made_by_us(app, scope, &s).await? {
            ours.push(s);
        }
    }
    Ok((ours, products))
}

async fn was_made_by_us(app: &App, scope: &Scope, s: &Subscription) -> Result<bool> {
    let Some(attempt) = s.attempt() else { return Ok(false) };
    let person = db::person_of_attempt(&mut app.db.read(scope).await?, scope.org(), attempt).await?;
    Ok(person.is_some())
}

/// Adds the products of a schedule's phases.
pub async fn with_products_of_phases(
    app: &App,
    schedule: &Schedule,
    known: Products,
    until: Deadline,
) -> Result<Products> {
    let prices = schedule.next().into_iter().flat_map(|phase| phase.items()).map(|(price, _)| price);
    with_products_of(app, prices, known, until).await
}

/// Adds the products of prices that do not say everything by themselves.
async fn with_products_of(
    app: &App,
    prices: impl Iterator<Item = &Price>,
    mut known: Products,
    until: Deadline,
) -> Result<Products> {
    let unsaid = prices.filter(|price| !names_plan(price)).filter_map(Price::product);
    let mut missing: Vec<String> = unsaid.filter(|id| !known.contains_key(*id)).map(str::to_owned).collect();
    missing.sort_unstable();
    missing.dedup();
    for ids in missing.chunks(PRODUCTS_AT_ONCE) {
        let found = app.stripe.products_of(ids.to_vec(), until).await?;
        known.extend(found.into_iter().map(|product| (product.id.clone(), product)));
    }
    Ok(known)
}

/// Whether the price says everything by itself, so that its product need not be asked for.
fn names_plan(price: &Price) -> bool {
    matches!(bought(price, &Products::new()), Bought::Plan(_))
}

/// The item that the plan is in, and what it is for; the first one where none is ours.
pub fn plan_item<'s>(s: &'s Subscription, products: &Products) -> Option<(&'s Item, Bought)> {
    let judged = s.items().iter().map(|item| (item, of_item(item, products)));
    judged.min_by_key(|(_, bought)| match bought {
        Bought::Plan(_) => 0,
        Bought::UnknownPlan => 1,
        Bought::AddOn => 2,
    })
}

fn of_item(item: &Item, products: &Products) -> Bought {
    item.price.as_ref().map_or(Bought::AddOn, |price| bought(price, products))
}

/// Whether a subscription has an item of ours.
fn has_item_of_ours(s: &Subscription, products: &Products) -> bool {
    s.items().iter().any(|item| of_item(item, products) != Bought::AddOn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::brand::SLUG;

    fn price(json: &str) -> Price {
        serde_json::from_str(json).unwrap()
    }

    fn products(metadata: &str) -> Products {
        let json = format!(r#"{{"id":"prod_1","name":"Pro","metadata":{metadata}}}"#);
        Products::from([("prod_1".to_owned(), serde_json::from_str(&json).unwrap())])
    }

    #[test]
    fn a_plan_is_read_from_the_price_or_else_from_its_product() {
        let ours = |plan: &str| format!(r#"{{"app":"{SLUG}"{plan}}}"#);
        let by_hand = price(r#"{"id":"price_1","lookup_key":"pro_2024","product":"prod_1"}"#);
        let named = price(&format!(r#"{{"id":"price_1","metadata":{}}}"#, ours(r#","plan":"business""#)));

        assert_eq!(
            bought(&price(r#"{"id":"p","lookup_key":"pro_month"}"#), &Products::new()),
            Bought::Plan(Plan::Pro)
        );
        assert_eq!(bought(&named, &products("null")), Bought::Plan(Plan::Business));
        assert_eq!(bought(&by_hand, &products(&ours(r#","plan":"pro""#))), Bought::Plan(Plan::Pro));
    }

    #[test]
    fn a_product_of_ours_without_a_plan_we_know_is_not_taken_for_another_product() {
        let by_hand = price(r#"{"id":"price_1","product":"prod_1"}"#);
        let gone = format!(r#"{{"app":"{SLUG}","plan":"gold_2019"}}"#);

        assert_eq!(bought(&by_hand, &products(&format!(r#"{{"app":"{SLUG}"}}"#))), Bought::UnknownPlan);
        assert_eq!(bought(&by_hand, &products(&gone)), Bought::UnknownPlan);
        assert_eq!(bought(&by_hand, &products(r#"{"app":"another","plan":"pro"}"#)), Bought::AddOn);
        assert_eq!(bought(&by_hand, &Products::new()), Bought::AddOn);
    }

    #[test]
    fn the_plans_item_is_found_by_what_it_is_and_not_by_where_it_stands() {
        let s: Subscription = serde_json::from_str(
            r#"{"id":"sub_1","status":"active","items":{"data":[
                {"id":"si_1","price":{"id":"price_support","product":"prod_9"}},
                {"id":"si_2","price":{"id":"price_pro","lookup_key":"pro_month"}}]}}"#,
        )
        .unwrap();

        let (item, what) = plan_item(&s, &Products::new()).expect("it has items");

        assert_eq!((item.id.as_str(), what), ("si_2", Bought::Plan(Plan::Pro)));
    }
}
