//! Rows of one kind by id, in the order they were made, with an undo of the operation under way.
use serde::{Serialize, de::DeserializeOwned};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a table can hold.
pub trait Row: Clone + Serialize + DeserializeOwned {
    /// The word under which rows of this kind are kept on disk.
    const KIND: &'static str;
    /// Whether something happens to such a row by itself, in time.
    const TIMED: bool = false;
    fn id(&self) -> &str;
}

#[derive(Clone)]
pub struct Table<T> {
    rows: BTreeMap<u64, T>,
    by_id: HashMap<String, u64>,
    next: u64,
    /// What rows were before the operation under way touched them; `None` for one it made.
    before: BTreeMap<u64, Option<T>>,
    /// Rows that may have something else to expect of time than when they were last looked at.
    touched: BTreeSet<u64>,
}

/// A row as it is kept: its place, and its text unless it is gone.
pub struct Kept {
    pub kind: &'static str,
    pub place: u64,
    pub json: Option<String>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            rows: BTreeMap::new(),
            by_id: HashMap::new(),
            next: 1,
            before: BTreeMap::new(),
            touched: BTreeSet::new(),
        }
    }
}

impl<T: Row> Table<T> {
    pub fn get(&self, id: &str) -> Option<&T> {
        self.by_id.get(id).and_then(|place| self.rows.get(place))
    }

    pub fn change(&mut self, id: &str) -> Option<&mut T> {
        let place = *self.by_id.get(id)?;
        let row = self.rows.get_mut(&place)?;
        self.before.entry(place).or_insert_with(|| Some(row.clone()));
        if T::TIMED {
            self.touched.insert(place);
        }
        Some(row)
    }

    /// Adds it at the end, or takes the place of the row with the same id.
    pub fn put(&mut self, row: T) {
        if let Some(there) = self.change(row.id()) {
            *there = row;
            return;
        }
        let place = self.next;
        self.next += 1;
        self.before.entry(place).or_insert(None);
        self.touch(place);
        self.by_id.insert(row.id().to_owned(), place);
        self.rows.insert(place, row);
    }

    pub fn remove(&mut self, id: &str) -> Option<T> {
        let place = self.by_id.remove(id)?;
        let row = self.rows.remove(&place)?;
        self.touch(place);
        self.before.entry(place).or_insert_with(|| Some(row.clone()));
        Some(row)
    }

    fn touch(&mut self, place: u64) {
        if T::TIMED {
            self.touched.insert(place);
        }
    }

    /// Places of rows that changed since this was last asked.
    pub fn take_touched(&mut self) -> BTreeSet<u64> {
        std::mem::take(&mut self.touched)
    }

    pub fn at(&self, place: u64) -> Option<&T> {
        self.rows.get(&place)
    }

    /// Oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.rows.values()
    }

    /// Those made after the row of that id, oldest first; all of them if there is no such row.
    pub fn after(&self, id: Option<&str>) -> impl DoubleEndedIterator<Item = &T> {
        let from = id.and_then(|id| self.by_id.get(id)).map_or(0, |place| place + 1);
        self.rows.range(from..).map(|(_, row)| row)
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// How many there ever were, those that are gone included.
    pub fn made(&self) -> u64 {
        self.next - 1
    }

    pub fn ids(&self, of: impl Fn(&T) -> bool) -> Vec<String> {
        self.iter().filter(|row| of(row)).map(|row| row.id().to_owned()).collect()
    }

    pub(super) fn undo(&mut self) {
        for (place, before) in std::mem::take(&mut self.before) {
            self.touch(place);
            if let Some(now) = self.rows.remove(&place) {
                self.by_id.remove(now.id());
            }
            if let Some(row) = before {
                self.by_id.insert(row.id().to_owned(), place);
                self.rows.insert(place, row);
            }
        }
    }

    /// The operation under way is over. What it changed, if anybody keeps that.
    pub(super) fn settle(&mut self, kept: bool) -> Vec<Kept> {
        let touched = std::mem::take(&mut self.before).into_keys().filter(|_| kept);
        let json = |row: &T| serde_json::to_string(row).ok();
        touched
            .map(|place| Kept { kind: T::KIND, place, json: self.rows.get(&place).and_then(json) })
            .collect()
    }

    pub(super) fn load(&mut self, place: u64, json: &str) -> Result<(), serde_json::Error> {
        let row: T = serde_json::from_str(json)?;
        self.touch(place);
        self.by_id.insert(row.id().to_owned(), place);
        self.rows.insert(place, row);
        self.next = self.next.max(place + 1);
        Ok(())
    }

    pub(super) fn clear(&mut self) {
        for id in self.ids(|_| true) {
            self.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, serde::Deserialize)]
    struct Word(String, i64);
    impl Row for Word {
        const KIND: &'static str = "word";
        fn id(&self) -> &str {
            &self.0
        }
    }

    #[test]
    fn an_undone_operation_leaves_nothing_behind() {
        let mut table = Table::default();
        table.put(Word("kept".into(), 1));
        table.put(Word("changed".into(), 1));
        table.settle(true);

        table.change("changed").unwrap().1 = 2;
        table.remove("kept");
        table.put(Word("made".into(), 3));
        table.undo();

        let all: Vec<_> = table.iter().cloned().collect();
        assert_eq!(all, [Word("kept".into(), 1), Word("changed".into(), 1)]);
        assert_eq!(table.get("made"), None);
    }

    #[test]
    fn what_changed_is_said_once() {
        let mut table = Table::default();
        table.put(Word("a".into(), 1));
        table.put(Word("b".into(), 1));
        assert_eq!(table.settle(true).len(), 2);

        table.remove("a");
        let changes = table.settle(true);

        assert!(matches!(&changes[..], [Kept { place: 1, json: None, .. }]));
        assert!(table.settle(true).is_empty());
    }
}
