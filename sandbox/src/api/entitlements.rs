//! Entitlements: a product's marketing features count as its features, keyed by their name.
use super::{Answer, Params, customers};
use crate::{state::World, wire::whole};
use serde_json::json;

fn key(name: &str) -> String {
    let plain = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect::<String>();
    plain.trim_matches('_').chars().take(80).collect()
}

pub fn active(w: &World, mut p: Params) -> Answer {
    let customer = p.required("customer")?;
    p.finish_but(&["limit", "starting_after", "ending_before"])?;
    customers::named(w, &customer)?;
    let subs = w.subscriptions.iter().filter(|sub| sub.customer == customer);
    let entitling = subs.filter(|sub| matches!(sub.status.as_str(), "active" | "trialing" | "past_due"));
    let mut names: Vec<&String> = entitling
        .flat_map(|sub| &sub.items)
        .filter_map(|item| w.products.get(&w.prices.get(&item.price)?.product))
        .flat_map(|product| &product.marketing_features)
        .collect();
    names.sort();
    names.dedup();
    let data = names.iter().map(|name| {
        json!({ "id": format!("ent_{}", key(name)), "object": "entitlements.active_entitlement",
            "feature": format!("feat_{}", key(name)), "livemode": false, "lookup_key": key(name) })
    });
    Ok(whole("/v1/entitlements/active_entitlements", data.collect()))
}

pub fn features(w: &World, p: Params) -> Answer {
    p.finish_but(&["limit", "starting_after", "ending_before", "archived", "lookup_key"])?;
    let mut names: Vec<&String> = w.products.iter().flat_map(|product| &product.marketing_features).collect();
    names.sort();
    names.dedup();
    let data = names.iter().map(|name| {
        json!({ "id": format!("feat_{}", key(name)), "object": "entitlements.feature", "active": true,
            "livemode": false, "lookup_key": key(name), "metadata": {}, "name": name })
    });
    Ok(whole("/v1/entitlements/features", data.collect()))
}
