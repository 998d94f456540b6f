//! Subscription schedules.
use super::{Answer, Params, Refusal};
use crate::{
    engine,
    objects::{Phase, Schedule},
    params::{Given, Ignored, Int, words},
    state::{Every, World},
    wire,
};
use serde::Deserialize;

words! {
    EndBehavior: "release" | "cancel";
    Interval: "day" | "week" | "month" | "year";
    Prorations: "none" | "create_prorations" | "always_invoice";
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    from_subscription: Option<String>,
    #[serde(default)]
    metadata: Given,
}

/// From a subscription that is there; what follows is said by an update, as at Stripe.
pub fn create(w: &mut World, p: Params) -> Answer {
    let new: New = p.read()?;
    let id = new.from_subscription.ok_or_else(|| {
        let said = "This sandbox makes schedules from_subscription only.";
        Refusal::invalid(said).with_code("parameter_missing").at("from_subscription")
    })?;
    let sub = w.subscriptions.get(&id).filter(|sub| sub.is_alive()).cloned();
    let sub = sub.ok_or_else(|| Refusal::no_such("subscription", &id, "from_subscription"))?;
    if let Some(schedule) = &sub.schedule {
        let said =
            format!("You cannot migrate a subscription that is already attached to a schedule: {schedule}");
        return Err(Refusal::invalid(said).at("from_subscription"));
    }
    let mut schedule = engine::new_schedule(w, &sub, Vec::new());
    new.metadata.merge(&mut schedule.metadata)?;
    let name = schedule.id.clone();
    engine::keep_schedule(w, schedule)?;
    wire::shown(w, "subscription_schedule", &name)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Update {
    #[serde(default)]
    phases: Vec<NewPhase>,
    end_behavior: Option<EndBehavior>,
    #[serde(default)]
    metadata: Given,
    #[serde(default, rename = "proration_behavior")]
    _proration_behavior: Ignored,
    #[serde(default, rename = "default_settings")]
    _default_settings: Ignored,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPhase {
    items: Vec<NewItem>,
    /// Unix seconds or `now`.
    start_date: Option<String>,
    end_date: Option<String>,
    iterations: Option<Int<1, 100>>,
    duration: Option<Duration>,
    proration_behavior: Option<Prorations>,
    #[serde(default, rename = "metadata")]
    _metadata: Ignored,
    #[serde(default, rename = "collection_method")]
    _collection_method: Ignored,
    #[serde(default, rename = "currency")]
    _currency: Ignored,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewItem {
    price: String,
    quantity: Option<Int<0, 1_000_000>>,
    #[serde(default, rename = "metadata")]
    _metadata: Ignored,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Duration {
    interval: Interval,
    interval_count: Option<Int<1, 100>>,
}

pub fn update(w: &mut World, id: &str, p: Params) -> Answer {
    let given: Update = p.read()?;
    let mut schedule = active(w, id, "update")?;
    let before = wire::schedule(w, &schedule);
    if !given.phases.is_empty() {
        let now = schedule.phases.get(schedule.begun).cloned().unwrap_or_default();
        schedule.phases = phases(w, given.phases, &now)?;
        (schedule.begun, schedule.is_change) = (0, false);
    }
    schedule.end_behavior = given.end_behavior.map_or(schedule.end_behavior, |it| it.0);
    given.metadata.merge(&mut schedule.metadata)?;
    w.schedules.put(schedule);
    let after = wire::shown(w, "subscription_schedule", id)?;
    w.emit_change("subscription_schedule.updated", &before, after);
    wire::shown(w, "subscription_schedule", id)
}

/// The first is the one that runs; each begins where the one before it ends.
fn phases(w: &World, given: Vec<NewPhase>, now: &Phase) -> Answer<Vec<Phase>> {
    let (mut all, mut start, last) = (Vec::<Phase>::new(), now.start, given.len() - 1);
    for (n, phase) in given.into_iter().enumerate() {
        let at = |field: &str| format!("phases[{n}][{field}]");
        let asked = phase.start_date.as_deref().map(|it| instant(w, it, &at("start_date"))).transpose()?;
        if asked.is_some_and(|asked| asked != start) {
            let said = match n {
                0 => "You cannot modify the start date of the current phase of a schedule.",
                _ => "A phase must start when the phase before it ends.",
            };
            return Err(Refusal::invalid(said).at(at("start_date")));
        }
        let items = items(w, &phase.items, n)?;
        let end = match (&phase.end_date, n) {
            (Some(end), _) => instant(w, end, &at("end_date"))?,
            (None, 0) if phase.iterations.is_none() && phase.duration.is_none() => now.end,
            (None, _) if n < last && phase.iterations.is_none() && phase.duration.is_none() => {
                return Err(Refusal::missing(&at("end_date")));
            }
            (None, _) => lasts(w, &phase, &items, start),
        };
        if end <= start {
            return Err(Refusal::invalid("A phase must end after it starts.").at(at("end_date")));
        }
        let proration = phase.proration_behavior.map_or_else(|| "create_prorations".into(), |it| it.0);
        all.push(Phase { start, end, items, proration });
        start = end;
    }
    Ok(all)
}

fn instant(w: &World, given: &str, param: &str) -> Answer<i64> {
    match given {
        "now" => Ok(w.now()),
        text => text.parse().map_err(|_| Refusal::invalid("Invalid timestamp.").at(param)),
    }
}

fn items(w: &World, given: &[NewItem], n: usize) -> Answer<Vec<(String, i64)>> {
    let each = given.iter().enumerate().map(|(m, item)| {
        engine::recurring_price(w, &item.price, "")
            .map_err(|refusal| refusal.at(format!("phases[{n}][items][{m}][price]")))?;
        Ok((item.price.clone(), item.quantity.map_or(1, |quantity| quantity.0)))
    });
    let all = each.collect::<Answer<Vec<_>>>()?;
    if all.is_empty() { Err(Refusal::missing(&format!("phases[{n}][items]"))) } else { Ok(all) }
}

/// So many periods of its price, or as long as it says.
fn lasts(w: &World, phase: &NewPhase, items: &[(String, i64)], start: i64) -> i64 {
    match &phase.duration {
        Some(it) => {
            let count = it.interval_count.map_or(1, |count| count.0);
            Every { interval: it.interval.0.clone(), count }.after(start, start)
        }
        None => {
            let price = items.first().map(|(price, _)| price.as_str()).unwrap_or_default();
            let periods = phase.iterations.map_or(1, |n| n.0);
            (0..periods).fold(start, |at, _| engine::period_after(w, price, at, start))
        }
    }
}

fn active(w: &World, id: &str, to: &str) -> Answer<Schedule> {
    let schedule =
        w.schedules.get(id).cloned().ok_or_else(|| Refusal::not_found("subscription schedule", id))?;
    match schedule.status.as_str() {
        "active" => Ok(schedule),
        other => Err(Refusal::invalid(format!(
            "You cannot {to} a subscription schedule that is currently in the `{other}` status."
        ))),
    }
}

pub fn release(w: &mut World, id: &str, p: Params) -> Answer {
    p.finish_but(&["preserve_cancel_date"])?;
    let schedule = active(w, id, "release")?;
    engine::say_change(w, &schedule.subscription, |w| {
        engine::release_schedule(w, &schedule.subscription);
        Ok(())
    })?;
    wire::shown(w, "subscription_schedule", id)
}

/// The subscription ends with it.
pub fn cancel(w: &mut World, id: &str, p: Params) -> Answer {
    p.finish_but(&["invoice_now", "prorate"])?;
    active(w, id, "cancel")?;
    engine::cancel_schedule(w, id);
    wire::shown(w, "subscription_schedule", id)
}
