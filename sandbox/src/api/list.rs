//! Lists as Stripe pages them: newest first, by the id of the last one seen.
use super::{Answer, Params, Refusal};
use crate::state::Row;
use serde_json::{Value, json};

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
    pub fn take(p: &mut Params, name: &str) -> Answer<Self> {
        let exact = p.clone().text(name);
        if let Ok(Some(_)) = exact {
            let at = p.int(name)?;
            return Ok(Self { from: at, to: at });
        }
        let Some(mut range) = p.map(name)? else { return Ok(Self::default()) };
        let (gt, gte, lt, lte) = (range.int("gt")?, range.int("gte")?, range.int("lt")?, range.int("lte")?);
        range.finish()?;
        Ok(Self { from: gte.or(gt.map(|n| n + 1)), to: lte.or(lt.map(|n| n - 1)) })
    }

    /// Whether it leaves nothing out.
    pub fn is_open(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    pub fn holds(&self, at: i64) -> bool {
        self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at <= to)
    }
}
