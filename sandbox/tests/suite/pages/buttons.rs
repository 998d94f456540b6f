//! Every button of the control panel and of the hosted pages, pressed in a real browser: forms there
//! carry the headers that only a browser sends.
use super::{
    browser::{Olivia, sandbox_with_an_app},
    *,
};
use crate::support::browser::{Browser, Look};
use fantoccini::Locator;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_button_of_the_panel_does_something_in_a_browser() {
    let Some(browser) = Browser::open_or_skip(Look::default()).await else { return };
    let sandbox = SandboxClient::in_mid_january().await;
    let (_hook, _) = sandbox.listener().await;
    let dana = Olivia { browser, sandbox };

    dana.presses_every_button_of("/_sandbox", &["Plant customers in every state"]).await;
    let trial = [("subscription_data[trial_period_days]", "60")];
    dana.sandbox.subscriber("pro_month", &trial).await;
    let clock = ["An hour", "A day", "A week", "Next renewal", "Next trial’s end", "Go there"];
    dana.presses_every_button_of("/_sandbox", &clock).await;

    let (customer, _) = dana.sandbox.subscriber("pro_month", &[]).await;
    for _ in 0..2 {
        dana.sandbox.checkout_session(&customer, "pro_month", &[]).await;
    }
    dana.sandbox.open_invoice(&customer).await;
    let theirs = ["Switch", "Cancel at period end", "Renew", "Pause", "Resume", "Pay", "Let it expire"];
    let cards = ["Remove", "Add card", "Save", "Cancel now, for good"];
    let page = format!("/_sandbox/customers/{customer}");
    dana.presses_every_button_of(&page, &[&theirs[..], &cards].concat()).await;

    dana.presses_every_button_of("/_sandbox/events", &["Show"]).await;
    let event = dana.sandbox.control_list("/events").await[0]["id"].as_str().unwrap().to_owned();
    dana.presses_every_button_of(&format!("/_sandbox/events/{event}"), &["Resend", "Send"]).await;
    dana.sandbox.control_put("/delivery", json!({ "paused": true })).await;
    let deliveries = ["Let them go", "Try everything that waits, now", "Set", "Back to normal", "Resend"];
    dana.presses_every_button_of("/_sandbox/deliveries", &deliveries).await;
    dana.sandbox.control_post("/faults", json!({ "kind": "429", "nth": 2 })).await;
    dana.presses_every_button_of("/_sandbox/faults", &["Remove", "Remove all", "Add"]).await;
    dana.presses_every_button_of("/_sandbox/objects", &["Show"]).await;
    dana.presses_every_button_of("/_sandbox/settings", &["Save", "Roll", "Plant them", "Reset"]).await;

    assert_eq!(dana.sandbox.control_list("/objects?type=customer").await.len(), 0, "the reset came last");
    dana.browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn olivia_presses_the_buttons_beside_the_straight_way() {
    let Some(browser) = Browser::open_or_skip(Look::default()).await else { return };
    let (sandbox, _app) = sandbox_with_an_app().await;
    let (customer, sub) = sandbox.subscriber_at_checkout("business_month", "2", GOOD).await;
    sandbox.act(json!({ "action": "add_card", "customer": customer, "card": "5555555555554444" })).await;
    let checkout = sandbox.checkout_page("", "pro_month", &[("allow_promotion_codes", "true")]).await;
    let (invoice, _) = sandbox.open_invoice(&customer).await;
    let portal = sandbox.portal_link(&customer, &[]).await;
    let pausing = [("features[subscription_pause][enabled]", "true")];
    sandbox.reconfigure_portal(&pausing).await;
    let pinned = sandbox.subscription(&sub).await["default_payment_method"].as_str().unwrap().to_owned();
    let olivia = Olivia { browser, sandbox };

    olivia.goes_to(&checkout).await;
    olivia.types("#code", "welcome").await;
    olivia.presses("form.code button").await;
    olivia.presses("[name=remove]").await;
    olivia.reads("id=\"code\"").await;

    olivia.goes_to(&portal).await;
    olivia.goes_to("/p/cards").await;
    olivia.presses(&format!("form[action='/p/cards/{pinned}/default'] button")).await;
    olivia.reads("The default card was changed.").await;
    olivia.presses("form[action$='/remove'] button").await;
    olivia.reads("The card was removed.").await;

    olivia.goes_to("/p/details").await;
    olivia.presses("#submit").await;
    olivia.reads("Your billing details were saved.").await;
    olivia.types("#value", "GB123456789").await;
    olivia.presses("form[action$='/tax-ids'] button").await;
    olivia.reads("Your tax IDs were changed.").await;
    olivia.goes_to("/p/details").await;
    olivia.presses("form[action$='/remove'] button").await;
    olivia.reads("Your tax IDs were changed.").await;

    let price = olivia.sandbox.price("business_month").await;
    olivia.goes_to(&format!("/p/subscriptions/{sub}/plan/confirm?price={price}&quantity=3")).await;
    olivia.types("#code", "welcome").await;
    olivia.presses(".adjust button").await;
    olivia.reads("25% off for 3 months").await;
    for (what, says) in [("pause", "Resume"), ("resume", "Pause")] {
        olivia.goes_to(&format!("/p/subscriptions/{sub}/{what}")).await;
        olivia.presses("#submit").await;
        olivia.reads(says).await;
    }

    olivia.goes_to(&invoice).await;
    olivia.presses("#submit").await;
    olivia.reads("Receipt").await;
    olivia.browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn olivia_takes_an_offer_in_a_browser() {
    let Some(browser) = Browser::open_or_skip(Look::default()).await else { return };
    let (sandbox, _app) = sandbox_with_an_app().await;
    let (customer, sub) = sandbox.subscriber_at_checkout("pro_month", "1", GOOD).await;
    let flow = [
        ("flow_data[type]", "subscription_cancel"),
        ("flow_data[subscription_cancel][subscription]", sub.as_str()),
        ("flow_data[subscription_cancel][retention][type]", "coupon_offer"),
        ("flow_data[subscription_cancel][retention][coupon_offer][coupon]", "welcome25"),
    ];
    let link = sandbox.portal_link(&customer, &flow).await;
    let olivia = Olivia { browser, sandbox };

    olivia.goes_to(&link).await;
    olivia.presses("form[action$='/offer'] button").await;

    olivia.reads("25% off for 3 months").await;
    assert!(olivia.sandbox.subscription(&sub).await["cancel_at"].is_null());
    olivia.browser.close().await;
}

/// Marks the first button of the page that is not among those pressed, and readies its form: boxes
/// ticked, another plan picked. What cannot be taken back comes last. Rows of a table have the same
/// button; one of them is enough.
const NEXT: &str = r"
    const pressed = arguments[0];
    const of = button => [...button.form.querySelectorAll('[type=hidden]')].map(field => field.value)
        .concat(button.form.getAttribute('action'), button.name, button.value).join(' ')
        .replace(/(evt|we|sub|cus|pm|in|cs_test|fault)_\w+/g, 'ID') + ' ' + says(button);
    const says = button => [...button.childNodes].filter(node => node.nodeType === 3)
        .map(node => node.data.trim()).join('').split(':')[0];
    const left = [...document.querySelectorAll('main button:enabled')].filter(it => !pressed.includes(of(it)));
    left.sort((one, two) => one.classList.contains('danger') - two.classList.contains('danger'));
    if (!left.length) return null;
    const [next] = left;
    next.id = 'next-to-press';
    next.form.querySelectorAll('[type=checkbox]').forEach(box => { box.checked = true; });
    const plan = next.form.querySelector('[name=price]');
    if (plan && next.value === 'switch_plan') plan.selectedIndex = plan.selectedIndex ? 0 : 1;
    return [of(next), says(next), next.form.method];
";

impl Olivia {
    /// Presses each button of a page once, the page fresh before each, and those that appear
    /// meanwhile. Each must say that it worked, and these must have been among them.
    async fn presses_every_button_of(&self, path: &str, expected: &[&str]) {
        let (mut pressed, mut said) = (Vec::new(), Vec::new());
        loop {
            self.goes_to(path).await;
            let next = self.browser.execute(NEXT, vec![json!(pressed)]).await.unwrap();
            let Some([key, says, method]) = next.as_array().map(Vec::as_slice) else { break };
            self.presses("#next-to-press").await;
            let word = if method == "get" { "main h1" } else { "main .said.ok, main .said.bad" };
            let word = self.browser.wait().for_element(Locator::Css(word)).await;
            let word = word.unwrap_or_else(|e| panic!("{key} on {path} says nothing: {e}"));
            let class = word.attr("class").await.unwrap().unwrap_or_default();
            assert!(!class.contains("bad"), "{key} on {path}: {}", word.text().await.unwrap());
            pressed.push(key.clone());
            said.push(says.as_str().unwrap().to_owned());
        }
        for button in expected {
            assert!(said.iter().any(|text| text == button), "{path} has no button {button}, only {said:?}");
        }
        self.browser.assert_no_complaints().await;
    }
}
