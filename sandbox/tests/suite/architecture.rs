//! Which files of the sandbox name which, read off the source.
use crate::support::{circles::Arrows, source::files};

#[test]
fn no_files_name_each_other_in_a_circle() {
    let all = files("src", ".rs");
    assert!(all.len() > 80, "the source is not where this test looks for it");

    if let Some(steps) = Arrows::between(&all).circle() {
        let turn = "Move what both need into a file below both";
        panic!("A circle. {turn}:\n{}", steps.join("\n"));
    }
}
