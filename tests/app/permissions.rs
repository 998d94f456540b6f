//! The whole matrix of who may do what. A route without a line here fails the test.
use crate::{
    support::{http::Person, source::files},
    test_app::{Org, TestApp},
};
use product::orgs::Role;
use std::collections::BTreeSet;

/// Status for: a visitor, a stranger (signed in, not a member), member, billing, admin, owner.
pub type Row = (&'static str, &'static str, [u16; 6]);

/// Rows of a room, handed in by its own test file.
pub struct Rows(pub &'static [Row]);
inventory::collect!(Rows);

const SEE_OTHER: [u16; 6] = [303; 6];
const OPEN: [u16; 6] = [200; 6];

const MATRIX: &[Row] = &[
    ("GET", "/", OPEN),
    ("GET", "/pricing", OPEN),
    ("GET", "/terms", OPEN),
    ("GET", "/privacy", OPEN),
    ("GET", "/healthz", OPEN),
    ("GET", "/readyz", OPEN),
    ("POST", "/webhooks/stripe", [400; 6]), // without a signature
    ("GET", "/dev/mailbox", OPEN),
    ("GET", "/dev/mailbox/html", [404; 6]), // which mail?
    ("GET", "/dev/mailbox.json", OPEN),
    ("GET", "/dev/sandbox", SEE_OTHER),
    ("GET", "/metrics", [404; 6]), // on the operators' port only, as the next two
    ("GET", "/inbox", [404; 6]),
    ("POST", "/inbox/replay", [404; 6]),
    ("GET", "/static/{*path}", [404; 6]), // of a file that is not there; assets have a test of their own
    ("GET", "/sign-up", [200, 303, 303, 303, 303, 303]),
    ("POST", "/sign-up", [422; 6]), // an empty form
    ("GET", "/sign-in", [200, 303, 303, 303, 303, 303]),
    ("POST", "/sign-in", [422; 6]),
    ("GET", "/reauthenticate", [303, 200, 200, 200, 200, 200]),
    ("POST", "/reauthenticate", [401, 422, 422, 422, 422, 422]), // without a password
    ("GET", "/forgot-password", OPEN),
    ("POST", "/forgot-password", [422; 6]), // without an address
    ("GET", "/reset-password", [404; 6]),   // without a link, as the next ten
    ("POST", "/reset-password", [404; 6]),
    ("GET", "/reset-password/{token}", SEE_OTHER),
    ("POST", "/reset-password/{token}", [404; 6]),
    ("GET", "/verify-email", [404; 6]),
    ("POST", "/verify-email", [404; 6]),
    ("GET", "/verify-email/{token}", SEE_OTHER),
    ("POST", "/verify-email/{token}", [404; 6]),
    ("GET", "/undo", [404; 6]),
    ("POST", "/undo", [404; 6]),
    ("GET", "/undo/{token}", SEE_OTHER),
    ("POST", "/undo/{token}", [404; 6]),
    ("GET", "/.well-known/security.txt", OPEN),
    ("GET", "/.well-known/change-password", SEE_OTHER),
    ("POST", "/account/email", [401, 422, 422, 422, 422, 422]),
    ("POST", "/account/email/resend", [401, 303, 303, 303, 303, 303]),
    ("GET", "/account/security", [303, 200, 200, 200, 200, 200]),
    ("POST", "/account/password", [401, 422, 422, 422, 422, 422]),
    ("POST", "/account/sessions/{id}/revoke", [401, 404, 404, 404, 404, 404]), // nobody's
    ("POST", "/account/sessions/revoke-others", [401, 303, 303, 303, 303, 303]),
    ("GET", "/account/export", [303, 200, 200, 200, 200, 200]),
    ("POST", "/account/delete", [401, 422, 422, 422, 422, 422]), // not confirmed
    ("GET", "/account", [303, 200, 200, 200, 200, 200]),
    ("POST", "/account/profile", [401, 422, 422, 422, 422, 422]),
    ("GET", "/orgs/new", [303, 200, 200, 200, 200, 200]),
    ("POST", "/orgs", [401, 422, 422, 422, 422, 422]),
    ("GET", "/orgs/{org}", [303, 404, 200, 200, 200, 200]),
    ("GET", "/orgs/{org}/settings", [303, 404, 403, 403, 200, 200]),
    ("POST", "/orgs/{org}/settings", [401, 404, 403, 403, 422, 422]), // an empty name
    ("POST", "/orgs/{org}/delete", [401, 404, 403, 403, 403, 422]),   // not confirmed
    ("POST", "/orgs/{org}/billing/checkout", [401, 404, 403, 422, 422, 422]), // no plan
    ("GET", "/orgs/{org}/billing", [303, 404, 403, 200, 200, 200]),
    ("POST", "/orgs/{org}/billing/portal", [401, 404, 403, 303, 303, 303]),
    ("POST", "/orgs/{org}/billing/card", [401, 404, 403, 303, 303, 303]),
    ("POST", "/orgs/{org}/billing/keep-plan", [401, 404, 403, 303, 303, 303]),
    ("POST", "/orgs/{org}/billing/details", [401, 404, 403, 422, 422, 422]), // an empty form
    ("GET", "/orgs/{org}/billing/invoices/{id}", [303, 404, 403, 404, 404, 404]), // there is none
    ("GET", "/orgs/{org}/billing/invoices/{id}/pdf", [303, 404, 403, 404, 404, 404]),
    ("GET", "/orgs/{org}/billing/return", [303, 404, 403, 303, 303, 303]),
    ("POST", "/orgs/{org}/billing/sync", [401, 404, 403, 303, 303, 303]),
];

/// Last: it ends the sessions of this test's people.
const SIGN_OUT: Row = ("POST", "/sign-out", SEE_OTHER);

fn matrix() -> impl Iterator<Item = &'static Row> {
    MATRIX.iter().chain(inventory::iter::<Rows>.into_iter().flat_map(|rows| rows.0)).chain([&SIGN_OUT])
}

#[portico_test]
async fn everyone_may_do_what_the_matrix_says_and_no_more(app: TestApp) {
    let acme = app.org("acme").await;
    let people = [
        app.visitor(),
        app.signs_up("stranger@elsewhere.test").await,
        app.joins(&acme, Role::Member).await,
        app.joins(&acme, Role::Billing).await,
        app.joins(&acme, Role::Admin).await,
        acme.owner.clone(),
    ];
    for (method, route, expected) in matrix() {
        let mut found = [0; 6];
        for (status, person) in found.iter_mut().zip(&people) {
            *status = ask(person, method, route, &acme).await;
        }
        assert_eq!(&found, expected, "{method} {route} for visitor, stranger, member, billing, admin, owner");
    }
}

async fn ask(person: &Person, method: &str, route: &str, org: &Org) -> u16 {
    let path = route
        .replace("{org}", &org.slug)
        .replace("{token}", "no-such-token")
        .replace("{*path}", "there-is-none.css")
        .replace("{id}", "01980000-0000-7000-8000-000000000000");
    let answer = if method == "GET" { person.get(&path).await } else { person.post(&path).await };
    for header in [
        "content-security-policy",
        "x-content-type-options",
        "x-frame-options",
        "referrer-policy",
        "x-request-id",
        "cache-control",
    ] {
        assert!(answer.header(header).is_some(), "{method} {route} answers without {header}");
    }
    answer.status.as_u16()
}

#[test]
fn every_route_stands_in_the_matrix() {
    let listed: BTreeSet<(String, String)> =
        matrix().map(|(method, route, _)| ((*method).into(), (*route).into())).collect();
    let sources = files("src", ".rs").into_iter().filter(|file| file.is_web() || file.room() == "routes");
    let found: BTreeSet<_> = sources.flat_map(|file| routes(&file.text)).collect();

    if let Some((method, route)) = found.difference(&listed).next() {
        panic!(
            "{method} {route} is not in the matrix. Add to MATRIX here, or to the rows in the room's test file, what each \
             should get:\n    (\"{method}\", \"{route}\", [visitor, stranger, member, billing, admin, owner]),"
        );
    }
    if let Some((method, route)) = listed.difference(&found).next() {
        panic!(
            "No route answers {method} {route} any more. Delete its row:\n    (\"{method}\", \"{route}\", …),"
        );
    }
}

/// `.route("/x", get(…).post(…))` → (GET, /x), (POST, /x)
fn routes(source: &str) -> BTreeSet<(String, String)> {
    let mut all = BTreeSet::new();
    for call in source.split(".route(\"").skip(1) {
        let (path, handlers) = call.split_once('"').expect("a path in quotes");
        let handlers = handlers.split('\n').next().unwrap_or_default();
        for method in ["get", "post", "put", "patch", "delete"] {
            if handlers.contains(&format!(" {method}(")) || handlers.contains(&format!(".{method}(")) {
                all.insert((method.to_uppercase(), path.to_owned()));
            }
        }
    }
    all
}

#[test]
fn a_route_that_nobody_listed_is_found() {
    let found = routes(".route(\"/x\", get(a).post(b))\n.route(\"/y/{id}\", post(c))");

    let expected = [("GET", "/x"), ("POST", "/x"), ("POST", "/y/{id}")];
    assert_eq!(found, expected.map(|(method, path)| (method.to_owned(), path.to_owned())).into());
}
