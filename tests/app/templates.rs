//! Every template rendered, by the page that shows it, and what all of them keep to.
use crate::{support::html::faults, test_app::TestApp};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// A page's template, and where an owner of acme (or, without the last, a visitor) sees it.
pub type PageRow = (&'static str, &'static str, bool);

/// Pages of a room, handed in by its own test file.
pub struct Pages(pub &'static [PageRow]);
inventory::collect!(Pages);

const PAGES: &[PageRow] = &[
    ("account/show.html", "/account", true),
    ("account/security.html", "/account/security", true),
    ("auth/forgot_password.html", "/forgot-password", false),
    ("auth/link_over.html", "/undo", false),
    ("auth/reauthenticate.html", "/reauthenticate", true),
    ("auth/sign_in.html", "/sign-in", false),
    ("auth/sign_up.html", "/sign-up", false),
    ("billing/billing.html", "/orgs/acme/billing", true),
    ("error.html", "/nothing-here", false),
    ("mail/mailbox.html", "/dev/mailbox", false),
    ("orgs/dashboard.html", "/orgs/acme", true),
    ("orgs/new.html", "/orgs/new", true),
    ("orgs/settings.html", "/orgs/acme/settings", true),
    ("pages/landing.html", "/", false),
    ("pages/pricing.html", "/pricing", false),
    ("pages/privacy.html", "/privacy", false),
    ("pages/terms.html", "/terms", false),
];

/// Pages that take more than an address to see; their own tests look at them.
const SEEN_ELSEWHERE: &[&str] = &[
    "auth/confirm_address.html",
    "auth/reset_password.html",
    "auth/undo_address.html",
    "billing/confirming.html",
    "ops/inbox.html",
];

/// The pages of rooms alone.
pub fn of_rooms() -> impl Iterator<Item = &'static PageRow> {
    inventory::iter::<Pages>.into_iter().flat_map(|pages| pages.0)
}

#[portico_test]
async fn every_page_is_whole_and_keeps_to_our_rules(app: TestApp) {
    let acme = app.org("acme").await;
    for (template, path, signed_in) in PAGES.iter().chain(of_rooms()) {
        let person = if *signed_in { acme.owner.clone() } else { app.visitor() };

        let page = person.get(path).await;

        let faults = faults(&page.text());
        assert!(faults.is_empty(), "{template}: {faults:#?}\n{}", page.text());
    }
}

#[test]
fn no_page_is_forgotten() {
    let listed: BTreeSet<String> =
        PAGES.iter().chain(of_rooms()).map(|(template, ..)| (*template).to_owned()).collect();
    let pages: BTreeSet<String> = files("templates").into_iter().filter(|file| is_page(file)).collect();

    if let Some(page) = pages.difference(&listed).next() {
        panic!(
            "No test renders {page}. Add to PAGES here, or to the pages in the room's test file, where it is seen:\n    \
             (\"{page}\", \"/orgs/acme/…\", true),"
        );
    }
    if let Some(page) = listed.difference(&pages).next() {
        panic!("templates/{page} is not a page any more. Delete its row:\n    (\"{page}\", …),");
    }
}

#[test]
fn a_fault_would_be_seen() {
    let right =
        r##"<!doctype html><title>x</title><h1>x</h1><label for="a">A</label><input id="a" name="a">"##;
    assert_eq!(faults(right), Vec::<String>::new());
    for (wrong, said) in [
        (right.replace("<h1>x</h1>", ""), "one h1"),
        (right.replace("for=\"a\"", "for=\"b\""), "#b"),
        (format!("{right}<p id=\"a\">"), "twice"),
        (format!("{right}<p style=\"color:red\">"), "inline"),
        (format!("{right}<a onclick=\"x()\">"), "inline"),
        (format!("{right}<script>x()</script>"), "inline"),
        (format!("{right}<img src=\"/static/missing\">"), "missing"),
        (format!("{right}<a href=\"https://elsewhere.test\">"), "elsewhere"),
    ] {
        assert!(faults(&wrong).iter().any(|fault| fault.contains(said)), "{said}: {wrong}");
    }
}

/// A page stands in a layout; parts and mails do not.
fn is_page(file: &str) -> bool {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("templates").join(file)).unwrap();
    let ours = !["layouts/", "ui/"].iter().any(|folder| file.starts_with(folder));
    ours && text.contains("{% extends") && !SEEN_ELSEWHERE.contains(&file)
}

fn files(folder: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut folders = vec![root.clone()];
    let mut found: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.iter().map(|path| path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/")).collect()
}
