//! Passwords known from breaches, where `BREACHED_PASSWORDS` is on. A small server stands in for Have I Been Pwned.
use crate::{
    support::stub::{Reply, Stub},
    test_app::{PUBLIC_URL, TestApp, sign_up_form},
};
use product::{App, config::Config, rooms, routes};

/// SHA-1 of the tests' password, as the service is asked: `printf 'a few unrelated words' | sha1sum`.
const BEGINNING: &str = "8F6A5";
const REST: &str = "AD5EBCC98130F71C3A273633E51DC541709";

/// The product that asks this server.
fn asking(app: &TestApp, stub: &Stub) -> crate::support::http::Person {
    let mut config: Config = app.app.config.clone();
    config.breached_passwords = Some(stub.url().parse().unwrap());
    let product = App::new(config.clone(), app.app.db.clone(), &config.app_secrets, rooms::ROOMS);
    crate::support::http::Person::visiting(&crate::support::http::Site::of(
        routes::router(product),
        PUBLIC_URL,
    ))
}

#[portico_test]
async fn a_breached_password_is_refused_and_only_five_digits_of_its_hash_are_sent(app: TestApp) {
    let hashes = format!("0018A45C4D1DEF81644B54AB7F969B88D65:10\r\n{REST}:3\r\n");
    let stub = Stub::answering([Reply::http("200 OK", &[], &hashes)]);

    let refused =
        asking(&app, &stub).post("/sign-up").fields(&sign_up_form("Olivia", "o@acme.test", "Acme")).await;

    refused.assert_status(422).assert_says("known from a data breach");
    let asked = stub.arrived();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(asked[0].path, format!("/range/{BEGINNING}"));
    assert_eq!(asked[0].header("add-padding"), Some("true"));
    assert!(!format!("{asked:?}").contains(REST), "{asked:?}");
}

#[portico_test]
async fn a_password_that_is_only_among_the_padding_is_taken(app: TestApp) {
    let stub = Stub::answering([Reply::http("200 OK", &[], &format!("{REST}:0\r\n"))]);

    let taken =
        asking(&app, &stub).post("/sign-up").fields(&sign_up_form("Olivia", "o@acme.test", "Acme")).await;

    taken.assert_redirects_to("/orgs/acme");
}

#[portico_test]
async fn where_the_service_is_away_people_sign_up_all_the_same(app: TestApp) {
    for (n, reply) in [Reply::http("503 Service Unavailable", &[], ""), Reply::Hang, Reply::CloseAfter]
        .into_iter()
        .enumerate()
    {
        let stub = Stub::answering([reply]);
        let form = sign_up_form("Olivia", "o@acme.test", "Acme").map(|(name, value)| match name {
            "email" => (name, ["o0@acme.test", "o1@acme.test", "o2@acme.test"][n]),
            _ => (name, value),
        });

        asking(&app, &stub).post("/sign-up").fields(&form).await.assert_redirects_to("/orgs/acme");
    }
}
