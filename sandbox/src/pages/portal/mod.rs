//! The customer portal. A GET shows a page; a POST takes a step and leads to the next page. Both obey
//! the configuration of the session, and know no customer but the session's own.
mod cards;
mod costs;
mod details;
mod ending;
mod home;
mod plan;
mod visit;

use super::{
    Form, bank,
    checkout::holder,
    form::asks,
    message,
    page::{Back, go},
};
use crate::{
    Sandbox,
    engine::Holder,
    refusal::{Answer, Refusal},
    reply::Reply,
    request::Request,
    state::World,
};
use askama::Template;
use hyper::Method;
use visit::{Next, Visit};

const COOKIE: &str = "sandbox_visit";

/// The secret in the address is good once; from then on a cookie of this origin says who it is.
pub async fn enter(sandbox: &Sandbox, secret: &str) -> Reply {
    match sandbox.act(|w| visit::begin(w, secret)).await {
        Ok((token, start)) => {
            go(&start).with("set-cookie", &format!("{COOKIE}={token}; Path=/p; HttpOnly; SameSite=Lax"))
        }
        Err(_) => sandbox.look(|w| visit::over(w, secret)).await,
    }
}

pub async fn answer(sandbox: &Sandbox, request: &Request, at: &[&str]) -> Reply {
    let token = token(request).unwrap_or_default();
    let Ok(v) = sandbox.act(|w| visit::go_on(w, &token)).await else { return visit::unknown() };
    let form = Form::of(request);
    if let Some(away) = v.led_away(at) {
        return if request.method == Method::POST {
            message::refused(&elsewhere(), v.back())
        } else {
            go(&away)
        };
    }
    match (&request.method, at) {
        (&Method::POST, ["bank"]) => after_bank(sandbox, &v, &form).await,
        (&Method::POST, _) => step(sandbox, &v, at, &form, Holder::Absent).await,
        _ => shown(sandbox, &v, at, &form, None).await,
    }
}

fn elsewhere() -> Refusal {
    Refusal::invalid("This link was made for one step only.").with_status(403)
}

fn token(request: &Request) -> Option<String> {
    let pairs = request.header("cookie")?.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(name, _)| *name == COOKIE).map(|(_, value)| value.to_owned()).next()
}

/// In an operation, though nothing changes: a preview does the change and takes it back.
async fn shown(sandbox: &Sandbox, v: &Visit, at: &[&str], form: &Form, refusal: Option<&Refusal>) -> Reply {
    match sandbox.act(|w| show(w, v, at, form, refusal)).await {
        Ok(page) => page,
        Err(other) => message::refused(refusal.unwrap_or(&other), v.way_out()),
    }
}

fn show(w: &mut World, v: &Visit, at: &[&str], form: &Form, refusal: Option<&Refusal>) -> Answer<Reply> {
    match at {
        ["home"] => Ok(home::overview(w, v, form)),
        ["invoices"] => home::invoices(w, v),
        ["cards"] => cards::list(w, v, form, refusal),
        ["cards", "new"] => cards::new(w, v, form, refusal),
        ["details"] => details::show(w, v, form, refusal),
        ["subscriptions", id, "plan"] => plan::choose(w, v, id, form),
        ["subscriptions", id, "plan", "confirm"] => plan::confirm(w, v, id, form, refusal),
        ["subscriptions", id, "cancel"] => ending::cancel(w, v, id, form, refusal),
        ["subscriptions", id, what @ ("renew" | "keep" | "pause" | "resume")] => {
            ending::ask(w, v, id, what, refusal)
        }
        ["bank"] => Ok(question(v)),
        ["done"] => Ok(done(v)),
        _ => Err(Refusal::not_found("page", "")),
    }
}

fn take(w: &mut World, v: &Visit, at: &[&str], form: &Form, holder: Holder) -> Answer<Next> {
    match at {
        ["cards"] => cards::add(w, v, form, holder),
        ["cards", id, "default"] => cards::make_default(w, v, id),
        ["cards", id, "remove"] => cards::remove(w, v, id),
        ["details"] => details::save(w, v, form),
        ["details", "tax-ids"] => details::add_tax_id(w, v, form),
        ["details", "tax-ids", id, "remove"] => details::remove_tax_id(w, v, id),
        ["subscriptions", id, "card"] => cards::charge_to(w, v, id, form),
        ["subscriptions", id, "plan"] => plan::switch(w, v, id, form, holder),
        ["subscriptions", id, "cancel"] => ending::do_cancel(w, v, id, form),
        ["subscriptions", id, "offer"] => ending::take_offer(w, v, id),
        ["subscriptions", id, "keep"] => ending::keep(w, v, id),
        ["subscriptions", id, "renew"] => ending::renew(w, v, id),
        ["subscriptions", id, "pause"] => ending::pause(w, v, id),
        ["subscriptions", id, "resume"] => ending::resume(w, v, id, holder),
        _ => Err(Refusal::not_found("page", "")),
    }
}

/// One step. If a bank asks, the step waits for the card's holder.
async fn step(sandbox: &Sandbox, v: &Visit, at: &[&str], form: &Form, holder: Holder) -> Reply {
    let taken = sandbox.act(|w| {
        let next = take(w, v, at, form, holder)?;
        Ok(visit::after(w, v, next))
    });
    match taken.await {
        Ok(next) => go(&next),
        Err(refusal) if asks(&refusal) => {
            let waiting = format!("{}\n{}", at.join("/"), form.encoded());
            sandbox.act(|w| Ok(visit::keep_waiting(w, v, Some(waiting)))).await.ok();
            go("/p/bank")
        }
        Err(refusal) if matches!(refusal.status, 403 | 404) || refusal.code == Some("resource_missing") => {
            let status = if refusal.status == 403 { 403 } else { 404 };
            message::refused(&refusal.with_status(status), v.way_out())
        }
        Err(refusal) => shown(sandbox, v, &page_of(at), form, Some(&refusal)).await,
    }
}

/// The page a step is taken on: where its mistakes are shown.
fn page_of<'a>(at: &[&'a str]) -> Vec<&'a str> {
    match at {
        ["cards"] => vec!["cards", "new"],
        ["cards", ..] | ["subscriptions", _, "card"] => vec!["cards"],
        ["details", ..] => vec!["details"],
        ["subscriptions", id, "plan"] => vec!["subscriptions", id, "plan", "confirm"],
        ["subscriptions", id, "offer"] => vec!["subscriptions", id, "cancel"],
        other => other.to_vec(),
    }
}

fn question(v: &Visit) -> Reply {
    match v.session.challenged {
        Some(_) => bank("/p/bank", v.customer.name.as_deref().unwrap_or("Billing"), &v.leads_to()),
        None => go("/p/home"),
    }
}

async fn after_bank(sandbox: &Sandbox, v: &Visit, answer: &Form) -> Reply {
    let waiting = sandbox.act(|w| Ok(visit::keep_waiting(w, v, None))).await.ok().flatten();
    let Some((path, form)) = waiting.as_deref().and_then(|it| it.split_once('\n')) else {
        return go("/p/home");
    };
    let at: Vec<&str> = path.split('/').collect();
    step(sandbox, v, &at, &Form::parse(form.as_bytes()), holder(answer)).await
}

#[derive(Template)]
#[template(path = "portal/done.html")]
struct Done {
    text: String,
    back: Option<Back>,
}

/// The end of a flow with `after_completion[type]=hosted_confirmation`.
fn done(v: &Visit) -> Reply {
    let text = v.session.flow.as_ref().filter(|_| v.session.done).map(|flow| flow.after_message.clone());
    match text {
        Some(text) => {
            let text = text.unwrap_or_else(|| "Your changes have been saved.".into());
            super::html(200, &Done { text, back: v.back() }, &[])
        }
        None => go("/p/home"),
    }
}
