//! `expand[]`: an id in an answer gives way to the object it names.
use super::{Answer, Refusal};
use crate::{state::World, wire};
use serde_json::Value;

/// Walks `data.latest_invoice.payments`, say, through objects and lists.
pub fn apply(w: &World, body: &mut Value, path: &str) -> Answer<()> {
    let steps: Vec<&str> = path.split('.').collect();
    if steps.len() > 4 {
        return Err(Refusal::invalid("You cannot expand more than 4 levels of a property.").at("expand"));
    }
    // Of what is deleted nothing is left to expand, and asking is no mistake.
    if body["deleted"] == true || walk(w, body, &steps) { Ok(()) } else { Err(cannot(path)) }
}

fn cannot(path: &str) -> Refusal {
    Refusal::invalid(format!("This property cannot be expanded ({path}).")).at("expand")
}

/// False if there is no such property.
fn walk(w: &World, at: &mut Value, steps: &[&str]) -> bool {
    let Some((step, rest)) = steps.split_first() else { return can_end(at) };
    match at {
        Value::Array(list) => list.iter_mut().all(|each| walk(w, each, steps)),
        // Whatever people keep under `metadata` is text, also where it looks like an id.
        Value::Object(_) if *step != "metadata" => {
            if at.get(*step).is_none() {
                let Some(part) = wire::left_out(w, at, step) else { return false };
                at[*step] = part;
            }
            let part = &mut at[*step];
            if let Some(object) = part.as_str().and_then(|id| wire::by_id(w, id)) {
                *part = object;
            } else if part.is_string() || (part.is_array() && !expand_all(w, part)) {
                return false;
            }
            part.is_null() || walk(w, part, rest)
        }
        _ => false,
    }
}

/// Only objects that exist by themselves, and lists of them, are ever expanded.
fn can_end(at: &Value) -> bool {
    match at {
        Value::Null | Value::Array(_) => true,
        Value::Object(fields) => fields.contains_key("object"),
        _ => false,
    }
}

/// A list of ids (`discounts`) becomes a list of objects; a list of objects is walked through.
fn expand_all(w: &World, list: &mut Value) -> bool {
    let Value::Array(list) = list else { return false };
    list.iter_mut().all(|each| match each.as_str().map(|id| wire::by_id(w, id)) {
        Some(Some(object)) => {
            *each = object;
            true
        }
        Some(None) => false,
        None => true,
    })
}
