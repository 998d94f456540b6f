//! The main job as a person does it: a real browser, the real pages, the sandbox's real portal.
use crate::{
    support::browser::{Browser, Look},
    test_app::TestApp,
};
use fantoccini::{Locator, key::Key};
use product::{demo, web::accept};

#[portico_test]
async fn the_demos_owner_manages_billing_and_comes_back(app: TestApp) {
    for look in [Look::default(), Look::phone().without_javascript()] {
        let Some(browser) = Browser::open_or_skip(look).await else { return };
        let (app, home) = served(&app).await;

        sign_in(&browser, &home).await;
        press(&browser, "form[action='/orgs/acme/billing/portal'] button").await;

        wait_for(&browser, &format!("{}/p/home", app.stripe)).await;
        assert!(
            browser.source().await.unwrap().contains("Olivia Owner")
                || browser.source().await.unwrap().contains("Acme")
        );
        browser.assert_no_complaints().await;

        press(&browser, "a[href*='/billing/return']").await;

        wait_for(&browser, &format!("{home}/orgs/acme/billing")).await;
        let page = browser.source().await.unwrap();
        assert!(page.contains("Trial until"), "{page}");
        browser.assert_no_complaints().await;
        browser.close().await;
    }
}

/// From the sign-in page to the mailbox and back, in a browser: the redirect's cookie reaches the page behind it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forgotten_password_is_reset_from_the_mailbox() {
    for look in [Look::default(), Look::phone().without_javascript()] {
        let Some(browser) = Browser::open_or_skip(look).await else { return };
        let (app, home) = served(&TestApp::sqlite("forgotten").await).await;
        browser.goto(&format!("{home}/sign-in")).await.unwrap();
        press(&browser, "a[href='/forgot-password']").await;
        fill(&browser, "#email", "demo@example.com").await;
        press(&browser, "main form button").await;
        wait_for(&browser, &format!("{home}/forgot-password?sent")).await;
        app.does_its_jobs().await;

        browser.goto(&format!("{home}/dev/mailbox")).await.unwrap();
        press(&browser, "a[href^='/reset-password/']").await;
        wait_for(&browser, &format!("{home}/reset-password")).await;
        assert!(at(&browser).await.ends_with("/reset-password"), "the token is out of the address");
        fill(&browser, "#password", "some other unrelated words").await;
        let strength = browser.find(Locator::Css(".strength")).await.unwrap();
        assert_eq!(
            strength.is_displayed().await.unwrap(),
            look.javascript,
            "the bar moves where JavaScript runs"
        );
        press(&browser, "main form button").await;

        wait_for(&browser, &format!("{home}/sign-in")).await;
        fill(&browser, "#email", "demo@example.com").await;
        fill(&browser, "#password", "some other unrelated words").await;
        press(&browser, "main form button").await;
        wait_for(&browser, &format!("{home}/account")).await;
        browser.assert_no_complaints().await;
        browser.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_keyboard_alone_is_enough() {
    let Some(browser) = Browser::open_or_skip(Look::default()).await else { return };
    let (app, home) = served(&TestApp::sqlite("keyboard").await).await;
    browser.goto(&format!("{home}/sign-in")).await.unwrap();

    fill(&browser, "#email", "demo@example.com").await;
    fill(&browser, "#password", &format!("{}{}", demo::PASSWORD, char::from(Key::Enter))).await;
    wait_for(&browser, &format!("{home}/account")).await;
    let mut seen = Vec::new();
    for _ in 0..40 {
        tab(&browser).await;
        let focused = browser.active_element().await.unwrap();
        let text = focused.text().await.unwrap();
        if text.contains("Manage billing") {
            focused.send_keys(&char::from(Key::Enter).to_string()).await.unwrap();
            break;
        }
        seen.push(text);
    }

    wait_for(&browser, &app.stripe).await;
    assert!(seen[0].contains("Skip to the content"), "the first stop leads past the navigation: {seen:?}");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_page_is_wider_than_a_phone() {
    let (_app, home) = served(&TestApp::sqlite("phone").await).await;
    for look in [Look::phone(), Look { width: 768, ..Look::default() }] {
        let Some(browser) = Browser::open_or_skip(look).await else { return };
        sign_in(&browser, &home).await;
        for path in [
            "/",
            "/pricing",
            "/terms",
            "/forgot-password",
            "/account",
            "/account/security",
            "/dev/mailbox",
            "/orgs/new",
            "/orgs/acme",
            "/orgs/acme/billing",
            "/orgs/acme/settings",
            "/nothing-here",
        ] {
            browser.goto(&format!("{home}{path}")).await.unwrap();
            let width =
                browser.execute("return document.documentElement.scrollWidth", Vec::new()).await.unwrap();
            assert!(
                width.as_u64().unwrap() <= u64::from(look.width),
                "{path} is {width} px wide at {}",
                look.width
            );
            browser.assert_no_complaints().await;
        }
        browser.close().await;
    }
}

/// The product with its demo, listening as `http://localhost:…`.
async fn served(app: &TestApp) -> (TestApp, String) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let home = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let app = app.restarted_with("PUBLIC_URL", &home).await;
    demo::seed(&app.app).await.unwrap();
    tokio::spawn(accept::serve(listener, app.router.clone(), std::future::pending()));
    (app, home)
}

async fn sign_in(browser: &Browser, home: &str) {
    browser.goto(&format!("{home}/sign-in?next=/account")).await.unwrap();
    fill(browser, "#email", "demo@example.com").await;
    fill(browser, "#password", product::demo::PASSWORD).await;
    press(browser, "main form button").await;
    wait_for(browser, &format!("{home}/account")).await;
}

async fn fill(browser: &Browser, field: &str, text: &str) {
    browser.find(Locator::Css(field)).await.unwrap().send_keys(text).await.unwrap();
}

async fn press(browser: &Browser, what: &str) {
    browser.wait().for_element(Locator::Css(what)).await.unwrap().click().await.unwrap();
    browser.wait().for_element(Locator::Css("main")).await.unwrap();
}

async fn tab(browser: &Browser) {
    let key = char::from(Key::Tab).to_string();
    browser.active_element().await.unwrap().send_keys(&key).await.unwrap();
}

async fn at(browser: &Browser) -> String {
    browser.current_url().await.unwrap().to_string()
}

async fn wait_for(browser: &Browser, beginning: &str) {
    for _ in 0..100 {
        if at(browser).await.starts_with(beginning) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("at {} instead of {beginning}: {}", at(browser).await, browser.source().await.unwrap());
}
