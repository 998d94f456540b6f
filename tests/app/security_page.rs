//! `docs/security.md`: every test that it names is there.
use crate::support::source::files;

#[test]
fn every_test_that_the_security_page_names_exists() {
    let page = files("docs", "security.md").pop().expect("docs/security.md is there");
    let rows = page.text.lines().filter(|line| line.starts_with("| V"));
    let names = rows
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter(|word| word.contains("_a_") || word.matches('_').count() > 2);
    let names: Vec<&str> = names.collect();
    let sources: String =
        ["tests", "src"].iter().flat_map(|folder| files(folder, ".rs")).map(|file| file.text).collect();

    assert!(names.len() > 40, "the rows are not where this test looks for them: {names:?}");
    for name in names {
        assert!(sources.contains(&format!("fn {name}(")), "docs/security.md names {name}, which is no test");
    }
}
