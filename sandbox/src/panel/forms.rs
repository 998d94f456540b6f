//! The panel's buttons: each does what the API does, then shows the page again with a word on it.
use super::{body, frame::Said, ops};
use crate::{
    Sandbox,
    params::Params,
    refusal::{Answer, Refusal},
    reply::Reply,
    request::Request,
    state::date,
};
use time::{OffsetDateTime, PrimitiveDateTime, macros::format_description};
use url::form_urlencoded;

/// Cookies know no ports: named so that nobody else's is meant.
const COOKIE: &str = "portico_sandbox_said";

pub async fn answer(sandbox: &Sandbox, request: &Request, path: &[&str]) -> Reply {
    let back = page_of(path);
    let done = match body::form(request) {
        Ok(p) => submitted(sandbox, path, p).await,
        Err(refusal) => Err(refusal),
    };
    let (back, wrong, text) = match done {
        Ok(Done { text, to }) => (to.unwrap_or(back), "0", text),
        Err(refusal) => (came_from(request).unwrap_or(back), "1", refusal.message),
    };
    let value: String = form_urlencoded::Serializer::new(String::new()).append_pair(wrong, &text).finish();
    Reply::see_other(&back).with("cache-control", "no-store").with(
        "set-cookie",
        &format!("{COOKIE}={value}; Path=/_sandbox; Max-Age=60; HttpOnly; SameSite=Strict"),
    )
}

struct Done {
    text: String,
    /// Where it shows, if not on the page the form's address says.
    to: Option<String>,
}

fn done(text: impl Into<String>) -> Answer<Done> {
    Ok(Done { text: text.into(), to: None })
}

async fn submitted(sandbox: &Sandbox, path: &[&str], p: Params) -> Answer<Done> {
    match path {
        ["clock"] => advance(sandbox, p).await,
        ["act"] => act(sandbox, p).await,
        ["events", id, "resend"] => resend(sandbox, id, p).await,
        ["delivery"] => ops::perturb(sandbox, p).await.and(done("From now on deliveries fare so.")),
        ["delivery", "flush"] => flush(sandbox).await,
        ["faults"] => ops::add_fault(sandbox, p).await.and(done("The rule stands.")),
        ["faults", "clear"] => done(format!("{} removed.", ops::remove_faults(sandbox, None).await?)),
        ["faults", id, "remove"] => ops::remove_faults(sandbox, Some(id)).await.and(done("Removed.")),
        ["settings"] => ops::change_settings(sandbox, p).await.and(done("Saved.")),
        ["endpoints", id, "roll_secret"] => {
            let rolled = ops::roll_secret(sandbox, id, p).await;
            rolled.and(done("There is a new secret: give it to the receiver."))
        }
        ["seed"] => match ops::plant(sandbox).await?.len() {
            0 => done("They are here already."),
            made => done(format!("{made} customers made.")),
        },
        ["reset"] => reset(sandbox, p).await,
        _ => Err(Refusal::invalid("There is no such form.").with_status(404)),
    }
}

async fn resend(sandbox: &Sandbox, event: &str, p: Params) -> Answer<Done> {
    let text = match ops::resend(sandbox, event, p).await?.len() {
        0 => "No endpoint listens to it.".into(),
        sent => format!("Sent {sent}×."),
    };
    Ok(Done { text, to: Some(format!("/_sandbox/events/{event}")) })
}

async fn flush(sandbox: &Sandbox) -> Answer<Done> {
    let said = ops::flush(sandbox).await;
    let [delivered, failed, dropped] = ["delivered", "failed", "dropped"].map(|key| &said[key]);
    done(format!("Nothing is due: {delivered} delivered, {failed} failed, {dropped} dropped."))
}

async fn advance(sandbox: &Sandbox, mut p: Params) -> Answer<Done> {
    let moved = match p.word("at")? {
        None => ops::advance(sandbox, p).await?,
        Some(at) => {
            let at = instant(&at)?;
            ops::move_clock(sandbox, |_| Ok(at)).await?
        }
    };
    let now = moved["now"].as_i64().map(date).unwrap_or_default();
    done(format!("It is {now}; {} events on the way.", moved["events"]))
}

/// As `<input type=datetime-local>` sends it, meant in UTC.
fn instant(at: &str) -> Answer<i64> {
    let minutes = format_description!("[year]-[month]-[day]T[hour]:[minute]");
    let seconds = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    PrimitiveDateTime::parse(at, minutes)
        .or_else(|_| PrimitiveDateTime::parse(at, seconds))
        .map(|at| at.assume_utc().unix_timestamp())
        .map_err(|_| Refusal::invalid("That is no instant."))
}

/// The next full minute, as such an input wants it.
pub fn local(unix: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(unix - unix.rem_euclid(60) + 60);
    let minutes = format_description!("[year]-[month]-[day]T[hour]:[minute]");
    at.ok().and_then(|at| at.format(minutes).ok()).unwrap_or_default()
}

async fn act(sandbox: &Sandbox, p: Params) -> Answer<Done> {
    let customer = p.clone().word("customer")?.unwrap_or_default();
    let action = p.clone().word("action")?.unwrap_or_default().replace('_', " ");
    let said = ops::acted(sandbox, p).await;
    match said["error"]["message"].as_str() {
        Some(message) => Err(Refusal::invalid(message)),
        None => {
            Ok(Done { text: format!("Done: {action}."), to: Some(format!("/_sandbox/customers/{customer}")) })
        }
    }
}

async fn reset(sandbox: &Sandbox, mut p: Params) -> Answer<Done> {
    if p.word("confirm")?.as_deref() != Some("reset") {
        return Err(Refusal::invalid("Nothing was forgotten: tick the box first."));
    }
    sandbox.reset().await;
    Ok(Done { text: "Everything is forgotten.".into(), to: Some("/_sandbox".into()) })
}

/// The page that a form belongs to.
fn page_of(path: &[&str]) -> String {
    match path[0] {
        "delivery" => "/_sandbox/deliveries".into(),
        "endpoints" | "reset" => "/_sandbox/settings".into(),
        word @ ("faults" | "settings") => format!("/_sandbox/{word}"),
        _ => "/_sandbox".into(),
    }
}

/// The page that showed the form, if it was one of the panel's.
fn came_from(request: &Request) -> Option<String> {
    let from = url::Url::parse(request.header("referer")?).ok()?;
    from.path().starts_with("/_sandbox").then(|| from.path().to_owned())
}

/// What the last form had to say, once.
pub fn said(request: &Request) -> Option<Said> {
    let cookies = request.header("cookie")?.split("; ");
    let value = cookies.filter_map(|cookie| cookie.split_once('=')).find(|(name, _)| *name == COOKIE)?.1;
    let (wrong, text) = form_urlencoded::parse(value.as_bytes()).next()?;
    Some(Said { wrong: wrong == "1", text: text.into_owned() })
}

pub fn unsaid(reply: Reply) -> Reply {
    reply.with("set-cookie", &format!("{COOKIE}=; Path=/_sandbox; Max-Age=0; HttpOnly; SameSite=Strict"))
}
