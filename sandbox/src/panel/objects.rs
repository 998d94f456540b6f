//! Everything the sandbox holds, by kind, as clients see it.
use crate::{
    refusal::{Answer, Refusal},
    state::World,
    wire::{KINDS, Kind},
};
use serde_json::Value;

fn listed() -> impl Iterator<Item = &'static Kind> {
    KINDS.iter().filter(|kind| kind.is_listed)
}

/// The words that `type` takes.
pub fn words() -> Vec<&'static str> {
    listed().map(|kind| kind.name).collect()
}

/// Of one kind or of all, of one customer or of everybody; oldest first.
pub fn all(w: &World, kind: Option<&str>, customer: Option<&str>) -> Answer<Vec<Value>> {
    let plain = |word: &str| word.replace('.', "_");
    let fits = |known: &&Kind| kind.is_none_or(|word| plain(word) == plain(known.name));
    if listed().find(fits).is_none() {
        return Err(
            Refusal::invalid(format!("Invalid type: must be one of {}", words().join(", "))).at("type")
        );
    }
    let objects = listed().filter(fits).flat_map(|kind| (kind.all)(w));
    let theirs = |object: &Value| customer.is_none_or(|id| object["customer"] == id || object["id"] == id);
    Ok(objects.filter(theirs).collect())
}
