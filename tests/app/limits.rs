//! `docs/limits.md` beside the source: what a row says of a bound is so, and no bound is without a row.
use crate::support::source::files;

/// Types of which bounds are.
const TYPES: &[&str] =
    &["u8", "u16", "u32", "u64", "usize", "i32", "i64", "f64", "Duration", "Span", "NonZeroU32", "Quota"];

/// File, constant, and why it is no bound.
const NO_BOUNDS: &[(&str, &str, &str)] = &[
    ("src/billing/checkout.rs", "POLL", "how often we look for the session of another click"),
    ("src/billing/invoices.rs", "OVERLAP", "what is looked at twice"),
    ("src/billing/reconcile.rs", "OVERLAP", "what is looked at twice"),
    ("src/billing/snapshot.rs", "UNKNOWN", "a rank among statuses"),
    ("src/db/open.rs", "SIGXFSZ", "the number of a signal"),
    ("src/db/pool.rs", "IDLE", "when a connection is asked whether it still answers"),
    ("src/dev/web.rs", "COUNT_EVERY", "how often development counts its mails"),
    ("src/jobs/work.rs", "POLL", "how often an idle worker looks"),
    ("src/jobs/work.rs", "RENEW", "how often a lease is renewed"),
    ("src/log.rs", "GATHER", "how long lines gather before they are written"),
    ("src/serve.rs", "TIDY_EVERY", "how often limits in memory are tidied"),
    ("src/stripe/transport.rs", "UNKNOWN", "a mark: no answer has named the time"),
    ("src/web/accept.rs", "NO_DESCRIPTORS", "the wait between two tries to accept"),
];

struct Row {
    line: String,
    /// The cells how many, how many bytes and how long.
    amounts: String,
    file: String,
    /// What stands in that file.
    code: Vec<String>,
}

fn rows() -> Vec<Row> {
    let page = files("docs", "limits.md").pop().expect("docs/limits.md is there");
    let table = page.text.lines().filter(|line| line.starts_with('|') && line.contains("`src/"));
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, _, many, bytes, long, set, seen, _] = cells[..] else { panic!("six cells, not: {line}") };
        assert!(!seen.is_empty(), "what does a person see past it? {line}");
        let mut quoted = set.split('`').skip(1).step_by(2).map(str::to_owned);
        let file = quoted.next().unwrap_or_default();
        Row { line: line.to_owned(), amounts: [many, bytes, long].join(" "), file, code: quoted.collect() }
    };
    table.map(row).collect()
}

#[test]
fn each_row_says_what_the_source_says() {
    let source = files("src", ".rs");
    for Row { line, amounts, file, code } in rows() {
        let found = source.iter().find(|it| it.path == file);
        let text =
            found.unwrap_or_else(|| panic!("{file} is not there, but docs/limits.md has\n{line}")).code();
        assert!(!code.is_empty(), "where in {file} is it set?\n{line}");
        for code in code {
            let begins = code.split(|c: char| c.is_ascii_digit()).next().unwrap_or_default();
            let now: Vec<&str> = text.lines().filter(|it| it.contains(begins)).map(str::trim).collect();
            assert!(
                text.contains(&code),
                "docs/limits.md has\n{line}\nbut in {file} there is no `{code}`, only\n{now:#?}"
            );
            for number in numbers(code.split(" * ").next().unwrap_or_default()) {
                let said = numbers(&amounts).contains(&number);
                assert!(said, "the source says {number} (`{code}`), not the amounts of this row:\n{line}");
            }
        }
    }
}

#[test]
fn no_bound_is_without_a_row() {
    let mut open: Vec<(&str, &str)> = NO_BOUNDS.iter().map(|&(file, name, _)| (file, name)).collect();
    let rows = rows();
    for file in files("src", ".rs").iter().filter(|file| !file.path.starts_with("src/db/tests")) {
        for (name, line) in file.code().lines().filter_map(|line| Some((bound(line)?, line.trim()))) {
            if let Some(known) = open.iter().position(|it| *it == (&*file.path, name)) {
                open.remove(known);
                continue;
            }
            let begins = format!("const {name}: ");
            let of_file = rows.iter().filter(|row| row.file == file.path);
            let has_row = of_file.flat_map(|row| &row.code).any(|code| code.starts_with(&begins));
            let code = line.split_once("const ").map_or(line, |(_, rest)| rest);
            assert!(
                has_row,
                "docs/limits.md has no row for this bound. Add one, with its amounts and what a person sees:\n\
                 | … | | | | `{}` `const {code}` | … |",
                file.path
            );
        }
    }
    assert!(open.is_empty(), "NO_BOUNDS names what is not there: {open:?}");
}

/// The name of the constant that the line defines, if its type is one of bounds.
fn bound(line: &str) -> Option<&str> {
    let (name, rest) = line.split_once("const ")?.1.split_once(": ")?;
    let path = rest.split_once(" =")?.0;
    TYPES.contains(&path.rsplit("::").next()?).then_some(name)
}

/// `1_024`, `1,024` and `1024` are one number; `NonZeroU32` is none.
fn numbers(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !(c.is_alphanumeric() || "_,.".contains(c)));
    let bare = words.map(|word| word.trim_matches(['.', ',']).trim_end_matches(".0").replace(['_', ','], ""));
    bare.filter(|word| word.starts_with(|c: char| c.is_ascii_digit())).collect()
}
