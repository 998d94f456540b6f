//! Cancelling, and everything that is asked with one question: renew, pause, resume.
use super::{
    Next,
    home::may,
    visit::{Shell, Visit, only_if},
};
use crate::{
    act,
    engine::{self, Holder},
    objects::{Cancellation, FlowKind, Subscription},
    pages::{Form, Wrong, form::status, html, words},
    refusal::{Answer, Refusal},
    reply::Reply,
    state::{World, date},
};
use askama::Template;

#[derive(Template)]
#[template(path = "portal/cancel.html")]
struct Cancel {
    shell: Shell,
    id: String,
    plan: String,
    when: String,
    /// A discount for whoever stays; asked before anything else.
    offer: Option<String>,
    /// Word, label and whether it is chosen.
    reasons: Vec<(String, &'static str, bool)>,
    comment: String,
    home: bool,
    wrong: Wrong,
}

pub fn cancel(w: &World, v: &Visit, id: &str, form: &Form, refusal: Option<&Refusal>) -> Answer<Reply> {
    let sub = cancellable(w, v, id)?;
    let when = match v.features().cancel_mode.as_str() {
        "immediately" => "It ends at once, and you lose access to it.".to_owned(),
        _ => format!("You keep it until {}. After that nothing is charged.", date(sub.period_end())),
    };
    let offer = offered(v).filter(|_| !form.has("offer") && refusal.is_none());
    let asked = v.features().cancel_reason;
    let reasons = v.features().cancel_reasons.iter().filter(|_| asked);
    let page = Cancel {
        shell: v.shell("/p/home"),
        id: sub.id.clone(),
        plan: words::plan(w, &sub),
        when,
        offer: offer.and_then(|coupon| w.coupons.get(coupon)).map(words::coupon),
        reasons: reasons.map(|it| (it.clone(), words::reason(it), form.get("reason") == it)).collect(),
        comment: form.get("comment").to_owned(),
        home: v.flow().is_none(),
        wrong: Wrong::with(refusal, &["comment"]),
    };
    Ok(html(status(refusal), &page, &v.leads_to()))
}

fn cancellable(w: &World, v: &Visit, id: &str) -> Answer<Subscription> {
    let sub = v.subscription(w, id)?;
    only_if(v.features().cancel)?;
    match sub.ends_at() {
        Some(at) => {
            Err(Refusal::invalid(format!("This plan is already cancelled. It ends on {}.", date(at))))
        }
        None => Ok(sub),
    }
}

/// The coupon of the flow's retention offer.
fn offered(v: &Visit) -> Option<&String> {
    v.is_for(FlowKind::SubscriptionCancel).and_then(|flow| flow.retention_coupon.as_ref())
}

pub fn do_cancel(w: &mut World, v: &Visit, id: &str, form: &Form) -> Answer<Next> {
    let sub = cancellable(w, v, id)?;
    let feedback = form.word("reason").filter(|reason| v.features().cancel_reasons.contains(reason));
    let comment = form.short("comment", "Comment", 1000)?;
    let why = Cancellation { comment, feedback, reason: None };
    match v.features().cancel_mode.as_str() {
        "immediately" => engine::cancel_now(w, &sub.id, why)?,
        _ => engine::schedule_cancel(w, &sub.id, why)?,
    }
    Ok(Next::Done("/p/home?done=cancelled"))
}

pub fn take_offer(w: &mut World, v: &Visit, id: &str) -> Answer<Next> {
    let sub = cancellable(w, v, id)?;
    let coupon = offered(v).cloned().ok_or_else(|| Refusal::not_found("offer", id))?;
    act::add_discount(w, &sub.id, &coupon, None)?;
    Ok(Next::Done("/p/home?done=stayed"))
}

#[derive(Template)]
#[template(path = "portal/ask.html")]
struct Ask {
    shell: Shell,
    id: String,
    what: &'static str,
    title: String,
    text: String,
    card: Option<String>,
    label: &'static str,
    home: bool,
    wrong: Wrong,
}

pub fn ask(w: &World, v: &Visit, id: &str, what: &str, refusal: Option<&Refusal>) -> Answer<Reply> {
    let (sub, what) = (v.subscription(w, id)?, what_may(w, v, id, what)?);
    let (plan, price) = (words::plan(w, &sub), words::prices(w, &sub));
    let card = words::card_in_charge(w, &sub.customer, Some(id)).filter(|_| what != "pause");
    let (title, text, label) = match what {
        "renew" => (
            format!("Keep {plan}"),
            format!("It goes on as before: {price}, from {}.", date(sub.period_end())),
            "Keep the plan",
        ),
        "keep" => (
            format!("Keep {plan}"),
            format!("The change that waits is taken back: it stays {price}."),
            "Keep the plan",
        ),
        "pause" => (
            format!("Pause {plan}"),
            "Nothing is charged while it rests, and you cannot use it. Resume it whenever you like.".into(),
            "Pause the plan",
        ),
        _ => (format!("Resume {plan}"), format!("A new period begins today: {price}."), "Resume the plan"),
    };
    let (shell, home) = (v.shell("/p/home"), v.flow().is_none());
    let wrong = Wrong::with(refusal, &[]);
    let page = Ask { shell, id: sub.id, what, title, text, card, label, home, wrong };
    Ok(html(status(refusal), &page, &v.leads_to()))
}

/// The word for it, if it can be done now.
fn what_may(w: &World, v: &Visit, id: &str, what: &str) -> Answer<&'static str> {
    let may = may(w, v, &v.subscription(w, id)?);
    let (word, on) = match what {
        "renew" => ("renew", may.renew),
        "keep" => ("keep", may.keep),
        "pause" => ("pause", may.pause),
        _ => ("resume", may.resume),
    };
    only_if(on).map(|()| word)
}

/// The change that waits does not come.
pub fn keep(w: &mut World, v: &Visit, id: &str) -> Answer<Next> {
    what_may(w, v, id, "keep")?;
    engine::say_change(w, id, |w| {
        engine::release_schedule(w, id);
        Ok(())
    })?;
    Ok(Next::To("/p/home?done=kept"))
}

pub fn renew(w: &mut World, v: &Visit, id: &str) -> Answer<Next> {
    what_may(w, v, id, "renew")?;
    engine::renew(w, id)?;
    Ok(Next::To("/p/home?done=renewed"))
}

pub fn pause(w: &mut World, v: &Visit, id: &str) -> Answer<Next> {
    what_may(w, v, id, "pause")?;
    engine::pause(w, id, "pause_requested", None)?;
    Ok(Next::Done("/p/home?done=paused"))
}

pub fn resume(w: &mut World, v: &Visit, id: &str, holder: Holder) -> Answer<Next> {
    what_may(w, v, id, "resume")?;
    act::resume(w, id, holder)?;
    Ok(Next::To("/p/home?done=resumed"))
}
