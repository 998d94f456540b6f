//! What a plan limits. Each limit is declared by the room that counts it; how many a plan includes stands in
//! `billing/plans.rs` under the same word.
use crate::{
    db::{self, OrgTx},
    words,
};
use std::pin::Pin;

/// A count under way, in the caller's transaction.
pub type Counting<'a> = Pin<Box<dyn Future<Output = db::Result<i64>> + Send + 'a>>;

/// Something that an organisation has a number of.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// `note`: the key in plans.rs, and the word on pages and in mails.
    pub one: &'static str,
    /// How many the organisation has.
    pub count: for<'a> fn(&'a mut OrgTx<'_>) -> Counting<'a>,
}

/// How many of something an organisation has.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    pub limit: Limit,
    pub count: i64,
}

impl Usage {
    /// `1 note`, `5 notes`.
    pub fn text(&self) -> String {
        words::several(self.count, self.limit.one)
    }
}
