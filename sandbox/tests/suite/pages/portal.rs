//! The portal, visited without a flow.
use super::*;
use crate::support::temp::TempDir;
use portico_sandbox::Options;
use sqlx::Connection;

#[tokio::test]
async fn a_link_to_the_portal_opens_once() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let (customer, _) = sandbox.subscriber_at_checkout("pro_month", "1", GOOD).await;
    let link = sandbox.portal_link(&customer, &[]).await;
    let (olivia, mallory) = (sandbox.visitor(), sandbox.visitor());

    let opened = olivia.get(&link).await;
    let stolen = mallory.get(&link).await;

    opened.assert_redirects_to("/p/home");
    let cookie = opened.set_cookie("sandbox_visit").unwrap();
    assert!(cookie.contains("Path=/p; HttpOnly; SameSite=Lax"), "{cookie}");
    stolen.assert_status(410).assert_says("used before").assert_says("/orgs/acme/billing");
    mallory.get("/p/home").await.assert_status(401).assert_says("This visit has ended");
    mallory.get("/p/session/nothing").await.assert_status(404);
    olivia.get("/p/home").await.assert_status(200);
}

#[tokio::test]
async fn a_visit_ends_after_an_hour_and_a_link_after_five_minutes() {
    let folder = TempDir::new();
    let file = folder.join("sandbox.db").display().to_string();
    let sandbox = stored(&file).await;
    let customer = sandbox.customer("Olivia").await;
    let (olivia, fresh) =
        (sandbox.visit_portal(&customer, &[]).await, sandbox.portal_link(&customer, &[]).await);
    olivia.get("/p/home").await.assert_status(200);

    let mut db = sqlx::SqliteConnection::connect(&format!("sqlite://{file}")).await.unwrap();
    for (kind, seconds) in [("idle", 3700), ("unused", 400)] {
        let of = if kind == "idle" { "is not null" } else { "is null" };
        let aged = format!(
            "update held set json = json_set(json, '$.seen', json_extract(json, '$.seen') - {seconds})
             where kind = 'portal_session' and json_extract(json, '$.visit') {of}"
        );
        sqlx::query(&aged).execute(&mut db).await.unwrap();
    }
    let later = stored(&file).await;
    let olivia = olivia.moved_to(&Site::at(&later.url));

    olivia.get("/p/home").await.assert_status(401).assert_says("This visit has ended");
    olivia.get(&fresh).await.assert_status(410).assert_says("This link has expired");
}

async fn stored(file: &str) -> SandboxClient {
    SandboxClient::with_catalogue(Options { data: file.to_owned(), ..Options::default() }).await
}

#[tokio::test]
async fn home_shows_plan_card_details_and_invoices_with_hostile_names_as_text() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let (customer, _) = sandbox.subscriber_at_checkout("business_month", "3", GOOD).await;
    let name = "<script>alert(1)</script>\" onload=\"x";
    sandbox.post(&format!("/v1/customers/{customer}"), &[("name", name)]).await;

    let home = sandbox.visit_portal(&customer, &[]).await.get("/p/home").await;

    home.assert_says("Business")
        .assert_says("3 × $15.00 a month")
        .assert_says("Renews on")
        .assert_says("$45.00");
    home.assert_says("Visa •••• 4242").assert_says("Active").assert_says("Return to localhost:4999");
    home.assert_says("Change plan").assert_says("Cancel plan").assert_does_not_say("Pause");
    home.assert_does_not_say("<script>alert").assert_does_not_say("\" onload");
}

#[tokio::test]
async fn olivia_sees_what_another_plan_costs_before_she_has_it() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let (customer, sub) = sandbox.subscriber_at_checkout("pro_month", "1", GOOD).await;
    let olivia = sandbox.visit_portal(&customer, &[]).await;
    let (plan, year) = (format!("/p/subscriptions/{sub}/plan"), sandbox.price("pro_year").await);

    olivia.get(&plan).await.assert_says("Business").assert_says("Monthly").assert_says("Yearly");
    let confirm = olivia.get(&format!("{plan}/confirm?price={year}")).await;

    confirm
        .assert_status(200)
        .assert_says("Unused time on Pro")
        .assert_says("-$29.00")
        .assert_says("$261.00");
    assert_eq!(
        sandbox.subscription(&sub).await["items"]["data"][0]["price"]["lookup_key"],
        "pro_month",
        "shown, not done"
    );

    olivia.post(&plan).fields(&[("price", &year)]).await.assert_redirects_to("/p/home?done=plan");
    assert_eq!(sandbox.subscription(&sub).await["items"]["data"][0]["price"]["lookup_key"], "pro_year");
    olivia.get("/p/home?done=plan").await.assert_says("Your plan was changed.").assert_says("$261.00");
}

#[tokio::test]
async fn seats_are_bounded_and_codes_are_taken_on_the_way() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let (customer, sub) = sandbox.subscriber_at_checkout("business_month", "2", GOOD).await;
    let olivia = sandbox.visit_portal(&customer, &[]).await;
    let (plan, price) = (format!("/p/subscriptions/{sub}/plan"), sandbox.price("business_month").await);

    for wrong in ["0", "501", "many"] {
        let refused = olivia.post(&plan).fields(&[("price", &price), ("quantity", wrong)]).await;
        refused.assert_status(422).assert_says("A whole number from 1 to 500");
    }
    olivia
        .get(&format!("{plan}/confirm?price={price}&quantity=5&code=nope"))
        .await
        .assert_says("This code is invalid.");
    let confirm = olivia.get(&format!("{plan}/confirm?price={price}&quantity=5&code=welcome")).await;
    confirm.assert_says("5 × $15.00 a month").assert_says("25% off for 3 months");
    olivia
        .post(&plan)
        .fields(&[("price", &price), ("quantity", "5"), ("code", "welcome")])
        .await
        .assert_status(303);

    let changed = sandbox.subscription(&sub).await;
    assert_eq!(changed["items"]["data"][0]["quantity"], 5);
    assert_eq!(changed["discounts"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_switch_whose_payment_is_refused_changes_nothing() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let (customer, sub) = sandbox.subscriber_at_checkout("pro_month", "1", ASKS).await;
    let olivia = sandbox.visit_portal(&customer, &[]).await;
    let (plan, year) = (format!("/p/subscriptions/{sub}/plan"), sandbox.price("pro_year").await);
    let price = async || sandbox.subscription(&sub).await["items"]["data"][0]["price"]["lookup_key"].clone();

    olivia.post(&plan).fields(&[("price", &year)]).await.assert_redirects_to("/p/bank");
    olivia.get("/p/bank").await.assert_says("Your bank wants to know");
    let refused = olivia.post("/p/bank").field("answer", "fail").await;
    refused.assert_status(402).assert_says("unable to authenticate").assert_says("Confirm the change");
    assert_eq!(price().await, "pro_month");

    olivia.post(&plan).fields(&[("price", &year)]).await.assert_redirects_to("/p/bank");
    olivia.post("/p/bank").field("answer", "approve").await.assert_redirects_to("/p/home?done=plan");
    assert_eq!(price().await, "pro_year");
}

#[tokio::test]
async fn a_downgrade_can_wait_for_the_end_of_the_period() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let (customer, sub) = sandbox.subscriber_at_checkout("pro_year", "1", GOOD).await;
    let condition = "features[subscription_update][schedule_at_period_end][conditions][0][type]";
    sandbox.reconfigure_portal(&[(condition, "shortening_interval")]).await;
    let olivia = sandbox.visit_portal(&customer, &[]).await;
    let (plan, month) = (format!("/p/subscriptions/{sub}/plan"), sandbox.price("pro_month").await);

    let confirm = olivia.get(&format!("{plan}/confirm?price={month}")).await;
    olivia.post(&plan).fields(&[("price", &month)]).await.assert_redirects_to("/p/home?done=scheduled");

    confirm.assert_says("Takes effect on");
    assert!(sandbox.subscription(&sub).await["schedule"].is_string());
    olivia.get("/p/home").await.assert_says("Changes to Pro ($29.00 a month) on");
}

#[tokio::test]
async fn cancelling_keeps_the_plan_until_the_end_and_can_be_taken_back() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let (customer, sub) = sandbox.subscriber_at_checkout("pro_month", "1", GOOD).await;
    let olivia = sandbox.visit_portal(&customer, &[]).await;
    let cancel = format!("/p/subscriptions/{sub}/cancel");

    olivia
        .get(&cancel)
        .await
        .assert_says("You keep it until")
        .assert_says("too expensive")
        .assert_says("Cancel plan");
    let form = [("reason", "too_expensive"), ("comment", "Next <year> maybe")];
    olivia.post(&cancel).fields(&form).await.assert_redirects_to("/p/home?done=cancelled");

    let ended = sandbox.subscription(&sub).await;
    assert_eq!(ended["cancel_at"], ended["items"]["data"][0]["current_period_end"]);
    assert_eq!(ended["cancel_at_period_end"], false, "flexible: cancel_at, not the flag");
    assert_eq!(ended["cancellation_details"]["feedback"], "too_expensive");
    assert_eq!(ended["cancellation_details"]["comment"], "Next <year> maybe");
    assert_eq!(
        sandbox.newest_event_types(2).await,
        ["customer.subscription.updated"; 2],
        "first the fact, then what she said"
    );
    let home = olivia.get("/p/home").await;
    home.assert_says("Ends soon").assert_says("Keep the plan").assert_does_not_say("Change plan");
    olivia.get(&cancel).await.assert_says("already cancelled");
    olivia.post(&format!("/p/subscriptions/{sub}/plan")).await.assert_status(403);

    olivia.get(&format!("/p/subscriptions/{sub}/renew")).await.assert_says("It goes on as before");
    olivia.post(&format!("/p/subscriptions/{sub}/renew")).await.assert_redirects_to("/p/home?done=renewed");
    assert!(sandbox.subscription(&sub).await["cancel_at"].is_null());
    assert_eq!(sandbox.newest_event_types(2).await, ["customer.subscription.updated"; 2]);
}

#[tokio::test]
async fn a_portal_that_cancels_at_once_does_and_one_that_pauses_pauses() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let (customer, sub) = sandbox.subscriber_at_checkout("pro_month", "1", GOOD).await;
    sandbox
        .reconfigure_portal(&[
            ("features[subscription_cancel][mode]", "immediately"),
            ("features[subscription_pause][enabled]", "true"),
        ])
        .await;
    let olivia = sandbox.visit_portal(&customer, &[]).await;
    let of = |what: &str| format!("/p/subscriptions/{sub}/{what}");

    olivia.get(&of("pause")).await.assert_says("Pause Pro");
    olivia.post(&of("pause")).await.assert_redirects_to("/p/home?done=paused");
    assert_eq!(sandbox.subscription(&sub).await["status"], "paused");
    olivia.get("/p/home").await.assert_says("Resume").assert_does_not_say("Change plan");
    olivia.post(&of("resume")).await.assert_redirects_to("/p/home?done=resumed");
    assert_eq!(sandbox.subscription(&sub).await["status"], "active");

    olivia.get(&of("cancel")).await.assert_says("It ends at once");
    olivia.post(&of("cancel")).await.assert_redirects_to("/p/home?done=cancelled");
    assert_eq!(sandbox.subscription(&sub).await["status"], "canceled");
    olivia.get("/p/home").await.assert_says("No plan at the moment");
}

#[tokio::test]
async fn a_new_default_leaves_a_pinned_card_in_charge_until_the_plan_is_given_another() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let (customer, sub) = sandbox.subscriber_at_checkout("pro_month", "1", GOOD).await;
    let olivia = sandbox.visit_portal(&customer, &[]).await;
    let pinned = sandbox.subscription(&sub).await["default_payment_method"].as_str().unwrap().to_owned();

    olivia.get("/p/cards").await.assert_says("The last card stays while a plan needs it");
    olivia
        .post(&format!("/p/cards/{pinned}/remove"))
        .await
        .assert_status(422)
        .assert_says("The last card stays");
    olivia.get("/p/cards/new").await.assert_says("Pro has a card of its own, Visa •••• 4242");
    olivia
        .post("/p/cards")
        .field("card", DECLINED)
        .await
        .assert_status(402)
        .assert_says("Your card was declined.");
    olivia.post("/p/cards").field("card", "5555555555554444").await.assert_redirects_to("/p/cards?done=card");

    let default = sandbox.get(&format!("/v1/customers/{customer}")).await;
    let default = default["invoice_settings"]["default_payment_method"].as_str().unwrap().to_owned();
    assert_ne!(default, pinned);
    assert_eq!(sandbox.subscription(&sub).await["default_payment_method"], pinned.as_str(), "Stripe's trap");
    olivia.get("/p/home").await.assert_says("Charged to <span class=\"ink\">Visa •••• 4242");
    olivia
        .post(&format!("/p/cards/{pinned}/remove"))
        .await
        .assert_status(422)
        .assert_says("Choose another card");

    let charge = olivia.post(&format!("/p/subscriptions/{sub}/card")).field("card", &default).await;
    charge.assert_redirects_to("/p/cards?done=charged");
    olivia.post(&format!("/p/cards/{pinned}/remove")).await.assert_redirects_to("/p/cards?done=removed");
    assert_eq!(sandbox.subscription(&sub).await["default_payment_method"], default.as_str());
    assert_eq!(sandbox.newest_event_types(1).await, ["payment_method.detached"]);
}

#[tokio::test]
async fn a_card_whose_bank_asks_is_added_once_its_holder_approves() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let customer = sandbox.customer("Olivia").await;
    let olivia = sandbox.visit_portal(&customer, &[]).await;

    olivia.post("/p/cards").field("card", ASKS).await.assert_redirects_to("/p/bank");
    olivia
        .post("/p/bank")
        .field("answer", "fail")
        .await
        .assert_status(402)
        .assert_says("unable to authenticate");
    olivia.post("/p/cards").field("card", ASKS).await.assert_redirects_to("/p/bank");
    olivia.post("/p/bank").field("answer", "approve").await.assert_redirects_to("/p/cards?done=card");

    let cards = sandbox.get(&format!("/v1/customers/{customer}/payment_methods")).await;
    assert_eq!(cards["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn only_the_details_that_may_change_change() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let customer = sandbox.customer("Olivia").await;
    let olivia = sandbox.visit_portal(&customer, &[]).await;
    let form = [
        ("name", "Acme Ltd"),
        ("email", "else@acme.test"),
        ("line1", "1 High Street"),
        ("city", "London"),
        ("country", "GB"),
    ];

    let shown = olivia.get("/p/details").await;
    olivia.post("/p/details").fields(&form).await.assert_redirects_to("/p/details?done=details");
    let odd = olivia.post("/p/details").fields(&[("line1", "1"), ("country", "Atlantis")]).await;
    let number = [("type", "gb_vat"), ("value", "GB123456789")];
    olivia.post("/p/details/tax-ids").fields(&number).await.assert_redirects_to("/p/details?done=tax");

    shown.assert_says("Name").assert_does_not_say("E-mail for receipts");
    odd.assert_status(422).assert_says("Choose a country from the list.");
    let held = sandbox.get(&format!("/v1/customers/{customer}")).await;
    assert_eq!((&held["name"], &held["address"]["country"]), (&"Acme Ltd".into(), &"GB".into()));
    assert_eq!(held["email"], "olivia@acme.test", "the configuration keeps the e-mail as it is");
    let tax = sandbox.get(&format!("/v1/customers/{customer}/tax_ids")).await;
    assert_eq!(tax["data"][0]["value"], "GB123456789");

    let gone = olivia.post(&format!("/p/details/tax-ids/{}/remove", id(&tax["data"][0]))).await;
    gone.assert_status(303);
    assert_eq!(
        sandbox.get(&format!("/v1/customers/{customer}/tax_ids")).await["data"].as_array().unwrap().len(),
        0
    );
}

#[tokio::test]
async fn what_is_switched_off_is_neither_shown_nor_done() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let (customer, sub) = sandbox.subscriber_at_checkout("pro_month", "1", GOOD).await;
    let card = sandbox.subscription(&sub).await["default_payment_method"].as_str().unwrap().to_owned();
    for feature in [
        "customer_update",
        "invoice_history",
        "payment_method_update",
        "subscription_cancel",
        "subscription_update",
    ] {
        sandbox.reconfigure_portal(&[(&format!("features[{feature}][enabled]"), "false")]).await;
    }
    let before = sandbox.subscription(&sub).await;
    let olivia = sandbox.visit_portal(&customer, &[]).await;

    let home = olivia.get("/p/home").await;
    home.assert_says("Pro").assert_does_not_say("Change plan").assert_does_not_say("Cancel plan");
    home.assert_does_not_say("/p/cards").assert_does_not_say("/p/details").assert_does_not_say("/p/invoices");
    for path in ["/p/cards", "/p/cards/new", "/p/details", "/p/invoices"] {
        olivia.get(path).await.assert_status(403);
    }
    for what in ["plan", "plan/confirm", "cancel", "renew", "pause", "resume"] {
        olivia.get(&format!("/p/subscriptions/{sub}/{what}")).await.assert_status(403);
    }
    for what in ["plan", "cancel", "renew", "pause", "resume", "card"] {
        let form = [("price", "x"), ("card", card.as_str())];
        olivia.post(&format!("/p/subscriptions/{sub}/{what}")).fields(&form).await.assert_status(403);
    }
    for path in ["/p/cards", "/p/details", "/p/details/tax-ids", &format!("/p/cards/{card}/remove")] {
        olivia.post(path).fields(&[("card", GOOD), ("name", "x")]).await.assert_status(403);
    }
    assert_eq!(sandbox.subscription(&sub).await, before);
}

#[tokio::test]
async fn somebody_elses_things_are_not_there() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let (_, foreign) = sandbox.subscriber_at_checkout("pro_month", "1", GOOD).await;
    let their_card =
        sandbox.subscription(&foreign).await["default_payment_method"].as_str().unwrap().to_owned();
    let (customer, own) = sandbox.subscriber_at_checkout("pro_month", "1", GOOD).await;
    let mallory = sandbox.visit_portal(&customer, &[]).await;
    let year = sandbox.price("pro_year").await;

    for what in ["plan", "plan/confirm", "cancel", "renew", "pause", "resume"] {
        mallory.get(&format!("/p/subscriptions/{foreign}/{what}")).await.assert_status(404);
    }
    for what in ["plan", "cancel", "renew", "pause", "resume", "card", "offer"] {
        let form = [("price", year.as_str()), ("card", their_card.as_str())];
        mallory.post(&format!("/p/subscriptions/{foreign}/{what}")).fields(&form).await.assert_status(404);
    }
    for what in ["default", "remove"] {
        mallory.post(&format!("/p/cards/{their_card}/{what}")).await.assert_status(404);
    }
    mallory.post(&format!("/p/subscriptions/{own}/card")).field("card", &their_card).await.assert_status(404);
    mallory.post("/p/details/tax-ids/txi_nobodys/remove").await.assert_status(404);
    mallory.get("/i/nobodys").await.assert_status(404);
    mallory.post("/i/nobodys/pay").await.assert_status(404);
}

#[tokio::test]
async fn a_price_outside_the_configuration_cannot_be_had() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let (customer, sub) = sandbox.subscriber_at_checkout("pro_month", "1", GOOD).await;
    let product = sandbox.get("/v1/products?limit=1").await;
    let fields = [
        ("product", &*id(&product["data"][0])),
        ("currency", "usd"),
        ("unit_amount", "1"),
        ("recurring[interval]", "month"),
    ];
    let cheap = id(&sandbox.post("/v1/prices", &fields).await);
    let mallory = sandbox.visit_portal(&customer, &[]).await;

    mallory.post(&format!("/p/subscriptions/{sub}/plan")).field("price", &cheap).await.assert_status(404);
}

#[tokio::test]
async fn a_plan_whose_payment_failed_is_saved_by_another_card() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let customer = sandbox.customer("Olivia").await;
    let trial = [("subscription_data[trial_period_days]", "7")];
    let page = sandbox.checkout_page(&customer, "pro_month", &trial).await;
    sandbox
        .visitor()
        .post(&page)
        .fields(&[("name", "Olivia"), ("card", NEVER_PAYS)])
        .await
        .assert_status(303);
    let sub = sandbox.newest_checkout_session().await["subscription"].as_str().unwrap().to_owned();
    sandbox.advance(8 * 86_400).await;
    assert_eq!(sandbox.subscription(&sub).await["status"], "past_due");
    let olivia = sandbox.visit_portal(&customer, &[]).await;

    let home = olivia.get("/p/home").await;
    home.assert_says("Payment failed").assert_says("The next attempt is on").assert_says("Pay $29.00");
    let invoice = sandbox.subscription(&sub).await["latest_invoice"].as_str().unwrap().to_owned();
    let url = sandbox.get(&format!("/v1/invoices/{invoice}")).await["hosted_invoice_url"].clone();
    let pay = format!("{}/pay", sandbox.path_at(&url).split('?').next().unwrap());
    let on_file = olivia.post(&pay).fields(&[("with", "on_file"), ("from", "portal")]).await;
    on_file.assert_status(402).assert_says("Your card was declined.").assert_says("The last attempt failed.");
    let form = [("with", "new"), ("card", GOOD), ("keep", "1"), ("from", "portal")];
    olivia.post(&pay).fields(&form).await.assert_status(303);

    let saved = sandbox.subscription(&sub).await;
    assert_eq!(saved["status"], "active");
    let card = sandbox
        .get(&format!("/v1/payment_methods/{}", saved["default_payment_method"].as_str().unwrap()))
        .await;
    assert_eq!(card["card"]["last4"], "4242", "the card that paid is in charge from now on");
}

#[tokio::test]
async fn a_trial_goes_on_under_another_plan() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let customer = sandbox.customer("Olivia").await;
    let page =
        sandbox.checkout_page(&customer, "pro_month", &[("subscription_data[trial_period_days]", "7")]).await;
    sandbox.visitor().post(&page).fields(&[("name", "Olivia"), ("card", GOOD)]).await.assert_status(303);
    let sub = sandbox.newest_checkout_session().await["subscription"].as_str().unwrap().to_owned();
    let olivia = sandbox.visit_portal(&customer, &[]).await;
    let (plan, year) = (format!("/p/subscriptions/{sub}/plan"), sandbox.price("pro_year").await);

    olivia.get("/p/home").await.assert_says("The trial ends on").assert_says("$29.00");
    olivia
        .get(&format!("{plan}/confirm?price={year}"))
        .await
        .assert_says("Nothing to pay today.")
        .assert_says("$0.00");
    olivia.post(&plan).field("price", &year).await.assert_status(303);

    let changed = sandbox.subscription(&sub).await;
    assert_eq!(
        (&changed["status"], &changed["items"]["data"][0]["price"]["id"]),
        (&"trialing".into(), &year.into())
    );
}

#[tokio::test]
async fn a_bank_may_ask_when_a_paused_plan_is_resumed() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let (customer, sub) = sandbox.subscriber_at_checkout("pro_month", "1", ASKS).await;
    sandbox.reconfigure_portal(&[("features[subscription_pause][enabled]", "true")]).await;
    let olivia = sandbox.visit_portal(&customer, &[]).await;
    olivia.post(&format!("/p/subscriptions/{sub}/pause")).await.assert_status(303);

    olivia.post(&format!("/p/subscriptions/{sub}/resume")).await.assert_redirects_to("/p/bank");
    assert_eq!(sandbox.subscription(&sub).await["status"], "paused");
    olivia.post("/p/bank").field("answer", "approve").await.assert_redirects_to("/p/home?done=resumed");

    assert_eq!(sandbox.subscription(&sub).await["status"], "active");
}

#[tokio::test]
async fn every_hosted_page_is_whole() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let (customer, sub) = sandbox.subscriber_at_checkout("business_month", "2", GOOD).await;
    let (invoice, _) = sandbox.open_invoice(&customer).await;
    let pay = sandbox.checkout_page("", "pro_month", &[("allow_promotion_codes", "true")]).await;
    let olivia = sandbox.visit_portal(&customer, &[]).await;
    olivia.post("/p/cards").field("card", "5555555555554444").await.assert_status(303);
    olivia
        .post("/p/details/tax-ids")
        .fields(&[("type", "eu_vat"), ("value", "DE1")])
        .await
        .assert_status(303);
    let of = |what: &str| format!("/p/subscriptions/{sub}/{what}");
    let year = sandbox.price("business_year").await;

    let mut pages = Vec::new();
    for path in
        ["/p/home", "/p/cards", "/p/cards/new", "/p/details", "/p/invoices", "/nothing", &pay, &invoice]
    {
        pages.push(olivia.get(path).await);
    }
    for what in ["plan", &format!("plan/confirm?price={year}"), "plan/confirm?quantity=0&code=x", "cancel"] {
        pages.push(olivia.get(&of(what)).await);
    }
    pages.push(olivia.post(&pay).fields(&[("email", "no"), ("name", "")]).await);
    pages.push(olivia.post(&pay).fields(&[("email", "a@b.test"), ("name", "A"), ("card", DECLINED)]).await);
    pages.push(olivia.post(&format!("{invoice}/pay")).fields(&[("with", "new"), ("card", DECLINED)]).await);
    pages.push(olivia.post("/p/details/tax-ids").fields(&[("type", "zz"), ("value", "1")]).await);

    for page in pages {
        let mut faults = crate::support::html::faults(&page.text());
        faults.retain(|fault| !fault.contains(APP)); // the way back
        assert!(faults.is_empty(), "{}: {faults:#?}\n{}", page.asked, page.text());
    }
}
