//! A long list, a page at a time: `?page=2`.
use serde::Deserialize;

/// Which page the URL asks for.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default)]
pub struct PageOf {
    page: u32,
}

impl Default for PageOf {
    fn default() -> Self {
        Self { page: 1 }
    }
}

/// The page shown, and how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paging {
    /// From 1 on.
    pub page: u32,
    pub pages: u32,
    size: u32,
}

impl Paging {
    /// Of `count` things, `size` a page. A page past the last is the last.
    pub fn of(wanted: PageOf, count: i64, size: u32) -> Self {
        let pages = u32::try_from(count).unwrap_or(0).div_ceil(size).max(1);
        Self { page: wanted.page.clamp(1, pages), pages, size }
    }

    /// How many come before this page.
    pub fn offset(&self) -> u32 {
        (self.page - 1) * self.size
    }

    pub fn size(&self) -> u32 {
        self.size
    }

    /// What this page shows of them all.
    pub fn cut<'a, T>(&self, all: &'a [T]) -> &'a [T] {
        let from = (self.offset() as usize).min(all.len());
        &all[from..all.len().min(from + self.size as usize)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_is_not_there_is_the_nearest() {
        let pages = |page, count| {
            let paging = Paging::of(PageOf { page }, count, 25);
            (paging.page, paging.pages, paging.offset())
        };

        assert_eq!(pages(0, 0), (1, 1, 0));
        assert_eq!(pages(2, 25), (1, 1, 0));
        assert_eq!(pages(2, 26), (2, 2, 25));
        assert_eq!(pages(u32::MAX, 60), (3, 3, 50));
    }

    #[test]
    fn every_thing_is_on_one_page() {
        let all: Vec<u32> = (0..60).collect();
        let shown = (1..=3).flat_map(|page| Paging::of(PageOf { page }, 60, 25).cut(&all).to_vec());

        assert_eq!(shown.collect::<Vec<_>>(), all);
    }
}
