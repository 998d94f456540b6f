//! Lists as Stripe pages them: newest first, by the id of the last one seen.
use super::{Answer, Params, Refusal};
use crate::state::Row;
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::{Value, json};
use std::fmt;

/// `limit`, `starting_after`, `ending_before`.
pub struct Paging {
    limit: usize,
    after: Option<String>,
    before: Option<String>,
}

impl Paging {
    pub fn take(p: &mut Params) -> Answer<Self> {
        let limit = p.int_in("limit", 1, 100)?.unwrap_or(10) as usize;
        let (after, before) = (p.word("starting_after")?, p.word("ending_before")?);
        if after.is_some() && before.is_some() {
            return Err(Refusal::invalid(
                "You may only specify one of these parameters: starting_after, ending_before.",
            ));
        }
        Ok(Self { limit, after, before })
    }

    /// A page of `rows`, which come newest first.
    pub fn of<'w, T: Row + 'w>(
        &self,
        url: &str,
        rows: impl Iterator<Item = &'w T>,
        render: impl Fn(&'w T) -> Value,
    ) -> Answer {
        let rows: Vec<&T> = rows.collect();
        let place = |id: &str, param: &str| {
            let at = rows.iter().position(|row| row.id() == id);
            at.ok_or_else(|| Refusal::no_such(&T::KIND.replace('_', " "), id, param))
        };
        let (from, to) = match (&self.after, &self.before) {
            (Some(id), _) => (place(id, "starting_after")? + 1, rows.len()),
            (None, Some(id)) => {
                let end = place(id, "ending_before")?;
                (end.saturating_sub(self.limit), end)
            }
            (None, None) => (0, rows.len()),
        };
        let page: Vec<Value> = rows[from..to].iter().take(self.limit).map(|row| render(row)).collect();
        let more = if self.before.is_some() { from > 0 } else { to - from > self.limit };
        Ok(json!({ "object": "list", "url": url, "has_more": more, "data": page }))
    }
}

/// The same of objects that have no table of their own, newest first; only `starting_after` pages them.
pub fn page_of_objects(paging: &Paging, url: &str, mut all: Vec<Value>) -> Answer {
    if let Some(after) = &paging.after {
        let seen = all.iter().position(|it| it["id"] == **after);
        all.drain(..=seen.ok_or_else(|| Refusal::no_such("object", after, "starting_after"))?);
    }
    let more = all.len() > paging.limit;
    all.truncate(paging.limit);
    Ok(json!({ "object": "list", "url": url, "has_more": more, "data": all }))
}

/// `created` or `created[gte]` and the like.
#[derive(Default)]
pub struct Span {
    from: Option<i64>,
    /// Inclusive.
    to: Option<i64>,
}

impl Span {
    /// Of `created`.
    pub fn take(p: &mut Params) -> Answer<Self> {
        Ok(p.part("created")?.unwrap_or_default())
    }

    pub fn holds(&self, at: i64) -> bool {
        self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at <= to)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    gt: Option<i64>,
    gte: Option<i64>,
    lt: Option<i64>,
    lte: Option<i64>,
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct ExactOrRange;
        impl<'de> Visitor<'de> for ExactOrRange {
            type Value = Span;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an instant or a range")
            }
            fn visit_str<E: de::Error>(self, exact: &str) -> Result<Span, E> {
                let at = exact.parse().map_err(|_| E::custom(format!("Invalid integer: {exact}")))?;
                Ok(Span { from: Some(at), to: Some(at) })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Span, A::Error> {
                let range = Range::deserialize(MapAccessDeserializer::new(map))?;
                let (gt, lt) = (range.gt.map(|n| n + 1), range.lt.map(|n| n - 1));
                Ok(Span { from: range.gte.or(gt), to: range.lte.or(lt) })
            }
        }
        from.deserialize_any(ExactOrRange)
    }
}
