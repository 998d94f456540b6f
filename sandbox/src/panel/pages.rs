//! The panel's pages: they only read.
use super::{
    body,
    frame::Frame,
    objects,
    shown::{self, *},
};
use crate::{
    Sandbox, engine,
    hooks::{self, Tally},
    params::Params,
    refusal::{Answer, Refusal},
    reply::Reply,
    request::Request,
    state::{Perturbed, World, date, minute},
    wire,
};
use askama::Template;
use serde_json::Value;

const MOST_CUSTOMERS: usize = 200;
const MOST_ROWS: usize = 100;
const MOST_OBJECTS: usize = 200;

/// Each kind of API fault, in a few words.
const KINDS: [(&str, &str); 11] = [
    ("429", "too many requests"),
    ("429_lock", "the object is locked"),
    ("409", "the idempotency key is in use"),
    ("500", "broken, and so again under the same key"),
    ("502_html", "a proxy’s page"),
    ("hang", "no answer for two minutes"),
    ("close_before", "hung up on, nothing done"),
    ("close_after", "done, and then hung up on"),
    ("401", "the key is rejected"),
    ("403", "the key may not do this"),
    ("truncated", "done, and half the answer"),
];

type Fields = &'static [(&'static str, &'static str)];
const EXAMPLES: [(&str, Fields); 4] = [
    (
        "The next portal session is made and nobody hears of it",
        &[("kind", "close_after"), ("path", "/v1/billing_portal/sessions"), ("times", "1")],
    ),
    (
        "One request in five meets a rate limit",
        &[("kind", "429"), ("path", "/v1/*"), ("probability", "0.2"), ("seed", "7")],
    ),
    (
        "The third reading of subscriptions hangs",
        &[("kind", "hang"), ("path", "/v1/subscriptions*"), ("method", "GET"), ("nth", "3")],
    ),
    ("Restricted keys are rejected", &[("kind", "401"), ("path", "*"), ("key", "rk_*")]),
];

#[derive(Template)]
#[template(path = "panel/home.html")]
struct Home {
    frame: Frame,
    next_renewal: Option<String>,
    trial_end: Option<String>,
    earliest: String,
    customers: Vec<CustomerRow>,
    more: usize,
}

#[derive(Template)]
#[template(path = "panel/customer.html")]
struct CustomerPage {
    frame: Frame,
    who: Who,
    subscriptions: Vec<Sub>,
    sessions: Vec<SessionRow>,
    cards: Vec<CardRow>,
    invoices: Vec<InvoiceRow>,
    prices: Vec<PriceChoice>,
}

#[derive(Template)]
#[template(path = "panel/events.html")]
struct Events {
    frame: Frame,
    kind: String,
    events: Vec<EventRow>,
    older: Option<String>,
}

#[derive(Template)]
#[template(path = "panel/event.html")]
struct EventPage {
    frame: Frame,
    event: EventRow,
    payload: String,
    deliveries: Vec<DeliveryRow>,
}

#[derive(Template)]
#[template(path = "panel/deliveries.html")]
struct Deliveries {
    frame: Frame,
    tally: Tally,
    wanted: Perturbed,
    deliveries: Vec<DeliveryRow>,
}

#[derive(Template)]
#[template(path = "panel/faults.html")]
struct Faults {
    frame: Frame,
    rules: Vec<RuleRow>,
}

struct RuleRow {
    id: String,
    requests: String,
    kind: String,
    when: String,
    seen: i64,
    struck: i64,
}

#[derive(Template)]
#[template(path = "panel/objects.html")]
struct Objects {
    frame: Frame,
    kind: String,
    customer: String,
    objects: Vec<ObjectRow>,
    more: usize,
}

struct ObjectRow {
    id: String,
    words: String,
    created: String,
}

#[derive(Template)]
#[template(path = "panel/object.html")]
struct ObjectPage {
    frame: Frame,
    id: String,
    kind: String,
    customer: Option<String>,
    json: String,
    events: Vec<EventRow>,
}

#[derive(Template)]
#[template(path = "panel/settings.html")]
struct SettingsPage {
    frame: Frame,
    dunning: String,
    endpoints: Vec<EndpointRow>,
}

struct EndpointRow {
    id: String,
    url: String,
    enabled: bool,
    events: String,
    version: String,
    secret: String,
    rolling: bool,
}

pub async fn answer(sandbox: &Sandbox, request: &Request, path: &[&str]) -> Reply {
    let said = super::forms::said(request);
    let clear = said.is_some();
    let asked = body::query(request);
    let page = sandbox.look(|w| page(w, path, asked?, Frame::of(w, path[0], said))).await;
    let reply = match page {
        Ok(html) => Reply::html(200, html),
        Err(refusal) => return body::refused(&refusal),
    };
    let policy =
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    let reply = reply
        .with("content-security-policy", policy)
        .with("cache-control", "no-store")
        // With `no-referrer` browsers send `Origin: null` with the forms, which the guard refuses.
        .with("referrer-policy", "same-origin")
        .with("x-content-type-options", "nosniff");
    if clear { super::forms::unsaid(reply) } else { reply }
}

fn page(w: &World, path: &[&str], p: Params, frame: Frame) -> Answer<String> {
    let html = match path {
        [""] => home(w, frame).render(),
        ["customers", id] => customer(w, id, frame)?.render(),
        ["events"] => events(w, p, frame)?.render(),
        ["events", id] => event(w, id, frame)?.render(),
        ["deliveries"] => deliveries(w, frame).render(),
        ["faults"] => Faults { frame, rules: w.faults.iter().map(rule).collect() }.render(),
        ["objects"] => held(w, p, frame)?.render(),
        ["objects", id] => object(w, id, frame)?.render(),
        ["settings"] => settings(w, frame).render(),
        _ => return Err(Refusal::invalid("There is no such page.").with_status(404)),
    };
    html.map_err(|error| Refusal::invalid(error.to_string()).with_status(500))
}

fn home(w: &World, frame: Frame) -> Home {
    let present = || w.customers.iter().rev().filter(|customer| !customer.deleted);
    Home {
        frame,
        next_renewal: engine::next_renewal(w).map(date),
        trial_end: engine::next_trial_end(w).map(date),
        earliest: super::forms::local(w.now()),
        customers: present().take(MOST_CUSTOMERS).map(|it| shown::customer(w, it)).collect(),
        more: present().count().saturating_sub(MOST_CUSTOMERS),
    }
}

fn customer(w: &World, id: &str, frame: Frame) -> Answer<CustomerPage> {
    let it = w.customers.get(id).filter(|it| !it.deleted);
    let it = it.ok_or_else(|| Refusal::not_found("customer", id))?;
    let theirs = w.subscriptions.iter().rev().filter(|sub| sub.customer == id);
    Ok(CustomerPage {
        frame,
        who: shown::who(it),
        subscriptions: theirs.map(|sub| shown::subscription(w, sub)).collect(),
        sessions: shown::sessions(w, id),
        cards: shown::cards(w, it),
        invoices: shown::invoices(w, id),
        prices: shown::prices(w),
    })
}

fn events(w: &World, mut p: Params, frame: Frame) -> Answer<Events> {
    let (kind, before) = (p.word("type")?.unwrap_or_default(), p.word("before")?);
    let start = kind.trim_end_matches('*');
    let fits = |it: &&crate::objects::Event| match kind.ends_with('*') || kind.is_empty() {
        true => it.kind.starts_with(start),
        false => it.kind == kind,
    };
    let newest_first = w.events.iter().rev().skip_while(|it| before.as_ref().is_some_and(|id| it.id != *id));
    let skipped = usize::from(before.is_some());
    let rows: Vec<_> = newest_first.skip(skipped).filter(fits).take(MOST_ROWS + 1).collect();
    let older = (rows.len() > MOST_ROWS).then(|| rows[MOST_ROWS - 1].id.clone());
    let events = rows.into_iter().take(MOST_ROWS).map(shown::event).collect();
    Ok(Events { frame, kind, events, older })
}

fn event(w: &World, id: &str, frame: Frame) -> Answer<EventPage> {
    let it = w.events.get(id).ok_or_else(|| Refusal::not_found("event", id))?;
    let of_it = w.deliveries.iter().filter(|delivery| delivery.event == id);
    let deliveries = of_it.map(|delivery| shown::delivery(w, delivery)).collect();
    Ok(EventPage { frame, event: shown::event(it), payload: pretty(&wire::event(it)), deliveries })
}

fn deliveries(w: &World, frame: Frame) -> Deliveries {
    let deliveries = w.deliveries.iter().rev().take(MOST_ROWS).map(|it| shown::delivery(w, it)).collect();
    Deliveries { frame, tally: hooks::tally(w), wanted: w.settings.delivery.clone(), deliveries }
}

impl Deliveries {
    /// A chance in its field: nothing where it is none.
    fn chance(&self, part: &f64) -> String {
        if *part == 0.0 { String::new() } else { part.to_string() }
    }
}

fn rule(f: &crate::objects::Fault) -> RuleRow {
    let key = f.key.as_ref().map(|key| format!(" by {key}")).unwrap_or_default();
    let nth = f.nth.map(|n| format!("number {n}"));
    let likely = f.probability.map(|part| format!("chance {part}"));
    let times = f.times.map(|n| format!("at most {n}×"));
    let when: Vec<String> = [nth, likely, times].into_iter().flatten().collect();
    RuleRow {
        id: f.id.clone(),
        requests: format!("{} {}{key}", f.method.as_deref().unwrap_or("*"), f.path),
        kind: f.kind.clone(),
        when: if when.is_empty() { "always".into() } else { when.join(", ") },
        seen: f.seen,
        struck: f.struck,
    }
}

fn held(w: &World, mut p: Params, frame: Frame) -> Answer<Objects> {
    let kind = p.word("type")?.unwrap_or_else(|| "customer".into());
    let customer = p.word("customer")?.unwrap_or_default();
    let all = objects::all(w, Some(&kind), Some(customer.as_str()).filter(|id| !id.is_empty()))?;
    let more = all.len().saturating_sub(MOST_OBJECTS);
    let objects = all.iter().rev().take(MOST_OBJECTS).map(row).collect();
    Ok(Objects { frame, kind, customer, objects, more })
}

fn row(it: &Value) -> ObjectRow {
    let word = |key: &str| it[key].as_str().map(str::to_owned);
    let named =
        ["name", "number", "lookup_key", "code", "url", "email", "description"].into_iter().find_map(word);
    let words: Vec<String> = [named, word("status")].into_iter().flatten().collect();
    ObjectRow {
        id: word("id").unwrap_or_default(),
        words: words.join(" · "),
        created: it["created"].as_i64().map_or("–".into(), minute),
    }
}

fn object(w: &World, id: &str, frame: Frame) -> Answer<ObjectPage> {
    let it = wire::by_id(w, id).ok_or_else(|| Refusal::not_found("object", id))?;
    let kind = it["object"].as_str().unwrap_or_default().to_owned();
    let own = (kind == "customer").then_some(id);
    let customer = it["customer"].as_str().or(own).map(str::to_owned);
    let about = w.events.iter().rev().filter(|event| event.object["id"] == id).take(MOST_ROWS);
    let events = about.map(shown::event).collect();
    Ok(ObjectPage { frame, id: id.to_owned(), kind, customer, json: pretty(&it), events })
}

fn settings(w: &World, frame: Frame) -> SettingsPage {
    let dunning = super::ops::settings(w)["dunning"].as_str().unwrap_or_default().to_owned();
    let endpoint = |it: &crate::objects::Endpoint| EndpointRow {
        id: it.id.clone(),
        url: it.url.clone(),
        enabled: it.enabled,
        events: match it.enabled_events.iter().any(|word| word == "*") {
            true => "hears everything".into(),
            false => format!("hears {} types", it.enabled_events.len()),
        },
        version: it.api_version.clone().unwrap_or_else(|| wire::VERSION.into()),
        secret: it.secret.clone(),
        rolling: it.old_secret.as_ref().is_some_and(|(_, until)| *until > crate::state::wall()),
    };
    SettingsPage { frame, dunning, endpoints: w.endpoints.iter().map(endpoint).collect() }
}

fn pretty(it: &Value) -> String {
    serde_json::to_string_pretty(it).unwrap_or_default()
}
