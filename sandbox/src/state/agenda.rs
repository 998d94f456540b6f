//! What is due when, kept beside the rows it is read off, so that a step need not look at them all.
use std::collections::{BTreeSet, HashMap};

/// Which table, and which place in it.
pub type Whose = (u8, u64);
/// When, in which order at that instant, and whose.
pub type Due = (i64, u8, Whose);

#[derive(Default)]
pub struct Agenda {
    due: BTreeSet<Due>,
    of: HashMap<Whose, Vec<Due>>,
}

impl Agenda {
    /// All that this row has to expect, in place of what it had.
    pub fn set(&mut self, whose: Whose, steps: impl Iterator<Item = (i64, u8)>) {
        for old in self.of.remove(&whose).unwrap_or_default() {
            self.due.remove(&old);
        }
        let new: Vec<Due> = steps.map(|(at, rank)| (at, rank, whose)).collect();
        if !new.is_empty() {
            self.due.extend(&new);
            self.of.insert(whose, new);
        }
    }

    pub fn first(&self) -> Option<Due> {
        self.due.first().copied()
    }
}
