//! What can be done to a sandbox from outside; the API and the panel's forms both call these.
use crate::{
    Sandbox, act, api,
    engine::{self, FURTHEST},
    hooks,
    objects::Fault,
    params::{Int, Params},
    refusal::{Answer, Refusal},
    seed,
    state::{DAY, Dunning, Perturbed, World},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// `seconds`, or `to` an instant, `next_renewal` or `trial_end`.
pub async fn advance(sandbox: &Sandbox, mut p: Params) -> Answer {
    let (seconds, to) = (p.part::<i64>("seconds")?, p.word("to")?);
    p.finish()?;
    let to = |w: &World| match (seconds, to.as_deref()) {
        (Some(seconds), None) => Ok(w.now().saturating_add(seconds)),
        (None, Some(word)) => instant(w, word),
        _ => Err(Refusal::invalid("Give either seconds or to.")),
    };
    move_clock(sandbox, to).await
}

/// Returns when all that is due until `to` has happened and has been delivered, as far as it can be.
pub async fn move_clock(sandbox: &Sandbox, to: impl FnOnce(&World) -> Answer<i64>) -> Answer {
    let moved = |w: &mut World| {
        let (from, said, to) = (w.now(), w.events.made(), to(w)?);
        if to < from {
            return Err(Refusal::invalid("The clock does not go back."));
        }
        if to - from > FURTHEST {
            return Err(Refusal::invalid("At most five years at once."));
        }
        engine::advance(w, to);
        Ok(json!({ "now": w.now(), "events": w.events.made() - said }))
    };
    let moved = sandbox.act(moved).await?;
    hooks::until_quiet(sandbox).await;
    Ok(moved)
}

fn instant(w: &World, word: &str) -> Answer<i64> {
    let nothing = |said: &str| Refusal::invalid(said).at("to");
    match word {
        "next_renewal" => engine::next_renewal(w).ok_or_else(|| nothing("No subscription renews.")),
        "trial_end" => engine::next_trial_end(w).ok_or_else(|| nothing("No trial is running.")),
        at => at.parse().map_err(|_| nothing("Invalid to: must be unix seconds, next_renewal or trial_end")),
    }
}

pub fn clock(w: &World) -> Value {
    json!({
        "now": w.now(), "frozen": w.settings.frozen.is_some(), "ahead": w.settings.ahead,
        "next_renewal": engine::next_renewal(w), "trial_end": engine::next_trial_end(w),
    })
}

/// Always an answer: that somebody was refused is one.
pub async fn acted(sandbox: &Sandbox, p: Params) -> Value {
    match sandbox.act(|w| act::act(w, p)).await {
        Ok(objects) => json!({ "ok": true, "objects": objects, "error": null }),
        Err(refusal) => json!({ "ok": false, "objects": [], "error": {
            "code": refusal.code.unwrap_or(refusal.kind), "decline_code": refusal.decline_code,
            "message": refusal.message, "param": refusal.param,
        } }),
    }
}

pub async fn perturb(sandbox: &Sandbox, p: Params) -> Answer {
    let wanted = |w: &mut World| {
        let wanted = Perturbed::from_fields(p, &mut w.change_settings().chance)?;
        let said = wanted.to_json();
        hooks::perturb(w, wanted);
        Ok(said)
    };
    sandbox.act(wanted).await
}

pub async fn flush(sandbox: &Sandbox) -> Value {
    let tally = hooks::flush(sandbox).await;
    json!({ "delivered": tally.delivered, "failed": tally.failed, "dropped": tally.dropped,
        "waiting": tally.waiting })
}

pub async fn resend(sandbox: &Sandbox, event: &str, mut p: Params) -> Answer<Vec<String>> {
    let times = p.part::<Int<1, 1000>>("times")?.map_or(1, |times| times.0);
    p.finish()?;
    sandbox.act(|w| hooks::resend(w, event, times)).await
}

pub async fn roll_secret(sandbox: &Sandbox, endpoint: &str, mut p: Params) -> Answer {
    let overlap = p.part::<Int<0, { 7 * DAY }>>("overlap")?.map_or(DAY, |overlap| overlap.0);
    p.finish()?;
    let secret = sandbox.act(|w| api::roll_secret(w, endpoint, overlap)).await?;
    Ok(json!({ "endpoint": endpoint, "secret": secret }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingsGiven {
    dunning: Option<Dunning>,
}

pub async fn change_settings(sandbox: &Sandbox, p: Params) -> Answer {
    let dunning = p.read::<SettingsGiven>()?.dunning.unwrap_or(Dunning::Cancel);
    sandbox
        .act(|w| {
            w.change_settings().dunning = dunning;
            Ok(settings(w))
        })
        .await
}

pub fn settings(w: &World) -> Value {
    json!({ "dunning": w.settings.dunning })
}

pub async fn add_fault(sandbox: &Sandbox, p: Params) -> Answer<Fault> {
    sandbox.act(|w| api::add_fault(w, p)).await
}

/// One, or all. How many.
pub async fn remove_faults(sandbox: &Sandbox, only: Option<&str>) -> Answer<usize> {
    sandbox
        .act(|w| {
            let gone = w.faults.ids(|fault| only.is_none_or(|id| fault.id == id));
            match (gone.is_empty(), only) {
                (true, Some(id)) => return Err(Refusal::not_found("fault", id)),
                _ => gone.iter().for_each(|id| drop(w.faults.remove(id))),
            }
            Ok(gone.len())
        })
        .await
}

pub fn fault(f: &Fault) -> Value {
    json!({ "id": f.id, "method": f.method.as_deref().unwrap_or("*"), "path": f.path, "key": f.key,
        "kind": f.kind, "nth": f.nth, "probability": f.probability, "times": f.times, "seen": f.seen,
        "struck": f.struck })
}

pub async fn plant(sandbox: &Sandbox) -> Answer<Vec<String>> {
    sandbox.act(seed::seed).await
}
