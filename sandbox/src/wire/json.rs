//! Parts that objects are put together from.
use serde_json::{Value, json};

/// One object of several parts: `json!` takes only so many fields at once.
pub fn merged<const N: usize>(parts: [Value; N]) -> Value {
    let fields = parts
        .into_iter()
        .filter_map(|part| if let Value::Object(fields) = part { Some(fields) } else { None });
    Value::Object(fields.flatten().collect())
}

/// A list that is a part of an object, whole.
pub fn whole(url: &str, data: Vec<Value>) -> Value {
    json!({ "object": "list", "url": url, "has_more": false, "total_count": data.len(), "data": data })
}

/// What is said of an object that was deleted.
pub fn deleted(id: &str, object: &str) -> Value {
    json!({ "id": id, "object": object, "deleted": true })
}
