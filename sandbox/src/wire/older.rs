//! The same objects as older API versions said them.
use serde_json::{Value, json};

/// The newest version the sandbox speaks, and the account's own.
pub const VERSION: &str = "2026-09-30.endive";

/// Renders `body` as of a version, such as `2025-02-24.acacia`. Newer than ours is ours.
pub fn as_of(version: &str, mut body: Value) -> Value {
    if version < "2026-05-27" {
        walk(&mut body, &without_billing_schedules);
    }
    if version < "2025-03-31" {
        walk(&mut body, &with_periods_on_top);
        walk(&mut body, &with_flat_invoices);
    }
    body
}

fn walk(at: &mut Value, change: &impl Fn(&mut Value)) {
    match at {
        Value::Array(list) => list.iter_mut().for_each(|each| walk(each, change)),
        Value::Object(fields) => {
            fields.values_mut().for_each(|each| walk(each, change));
            change(at);
        }
        _ => {}
    }
}

fn is(object: &Value, kind: &str) -> bool {
    object["object"] == kind
}

fn without_billing_schedules(object: &mut Value) {
    if is(object, "subscription")
        && let Some(fields) = object.as_object_mut()
    {
        fields.remove("billing_schedules");
        fields.remove("status_details");
    }
}

/// Before 2025-03-31.basil a subscription had one period, not one for each item.
fn with_periods_on_top(object: &mut Value) {
    if !is(object, "subscription") {
        return;
    }
    for key in ["current_period_start", "current_period_end"] {
        let Some(items) = object["items"]["data"].as_array_mut() else { continue };
        let mut period = Value::Null;
        for item in items.iter_mut().filter_map(Value::as_object_mut) {
            period = item.remove(key).unwrap_or_default();
        }
        object[key] = period;
    }
    let first = object["items"]["data"][0].clone();
    object["plan"] = first["plan"].clone();
    object["quantity"] = first["quantity"].clone();
    object["discount"] = Value::Null;
}

/// … and an invoice named its subscription and payment itself.
fn with_flat_invoices(object: &mut Value) {
    if !is(object, "invoice") {
        return;
    }
    let subscription = object["parent"]["subscription_details"]["subscription"].clone();
    object["paid"] = json!(object["status"] == "paid");
    object["subscription"] = subscription;
    object["charge"] = Value::Null;
    object["payment_intent"] = Value::Null;
    object["discount"] = Value::Null;
    object["tax"] = Value::Null;
    if let Some(fields) = object.as_object_mut() {
        fields.remove("parent");
    }
}

#[cfg(test)]
mod tests {
    use super::as_of;
    use serde_json::json;

    #[test]
    fn an_old_endpoint_gets_the_period_where_it_looks_for_it() {
        let now = json!({ "object": "subscription", "billing_schedules": [], "items": { "data": [
            { "object": "subscription_item", "current_period_start": 1, "current_period_end": 2, "quantity": 3 }] } });

        let then = as_of("2024-06-20", json!({ "data": { "object": now } }));

        let sub = &then["data"]["object"];
        assert_eq!((sub["current_period_end"].as_i64(), sub["quantity"].as_i64()), (Some(2), Some(3)));
        assert!(sub.get("billing_schedules").is_none());
        assert!(sub["items"]["data"][0].get("current_period_end").is_none());
        assert_eq!(as_of("2026-09-30.endive", now.clone()), now);
    }
}
