//! What an update of a subscription asks for, read whole before anything is done.
use super::{Answer, Refusal};
use crate::{
    engine::{Change, ItemChange, Proration},
    objects::*,
    params::{Given, Ignored, Instant, Int, LATEST, Patch, words},
    state::{DAY, World},
};
use serde::Deserialize;

/// Taken, and without effect in a sandbox.
pub const WITHOUT_EFFECT: &[&str] = &[
    "add_invoice_items",
    "application_fee_percent",
    "automatic_tax",
    "billing_thresholds",
    "currency",
    "default_source",
    "default_tax_rates",
    "invoice_settings",
    "off_session",
    "on_behalf_of",
    "payment_settings",
    "pending_invoice_item_interval",
    "proration_date",
    "transfer_data",
    "billing_cycle_anchor_config",
    "trial_from_plan",
    "billing_schedules",
];

words! {
    PaymentBehavior: "allow_incomplete" | "default_incomplete" | "error_if_incomplete" | "pending_if_incomplete";
    CollectionMethod: "charge_automatically" | "send_invoice";
    ProrationBehavior: "none" | "create_prorations" | "always_invoice";
    Anchor: "now" | "unchanged";
    Missing: "cancel" | "create_invoice" | "pause";
    Mode: "flexible" | "classic";
    PauseBehavior: "keep_as_draft" | "mark_uncollectible" | "void";
}

/// An item as creating, changing and previewing name it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemFields {
    id: Option<String>,
    price: Option<String>,
    plan: Option<String>,
    quantity: Option<Int<0, 1_000_000>>,
    deleted: Option<bool>,
    #[serde(default, rename = "metadata")]
    _metadata: Ignored,
    #[serde(default, rename = "tax_rates")]
    _tax_rates: Ignored,
    #[serde(default, rename = "discounts")]
    _discounts: Ignored,
    #[serde(default, rename = "billing_thresholds")]
    _billing_thresholds: Ignored,
    #[serde(default, rename = "clear_usage")]
    _clear_usage: Ignored,
}

impl ItemFields {
    pub fn price(self) -> Option<String> {
        self.price.or(self.plan)
    }

    pub fn quantity(&self) -> Option<i64> {
        self.quantity.map(|quantity| quantity.0)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialSettings {
    end_behavior: EndBehavior,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndBehavior {
    missing_payment_method: Missing,
}

impl TrialSettings {
    pub fn missing_payment_method(self) -> String {
        self.end_behavior.missing_payment_method.0
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BillingMode {
    #[serde(rename = "type")]
    kind: Mode,
    #[serde(default, rename = "flexible")]
    _flexible: Ignored,
}

impl BillingMode {
    pub fn word(self) -> String {
        self.kind.0
    }
}

/// Coupon, promotion code, or a discount that is there and stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiscountGiven {
    pub coupon: Option<String>,
    pub promotion_code: Option<String>,
    pub discount: Option<String>,
}

/// What an update may say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fields {
    #[serde(default)]
    items: Vec<ItemFields>,
    proration_behavior: Option<ProrationBehavior>,
    billing_cycle_anchor: Option<Anchor>,
    payment_behavior: Option<PaymentBehavior>,
    trial_period_days: Option<Int<1, 730>>,
    trial_end: Option<String>,
    trial_settings: Option<TrialSettings>,
    /// An empty list takes all away.
    #[serde(default)]
    discounts: Patch<Vec<DiscountGiven>>,
    #[serde(default)]
    default_payment_method: Patch<String>,
    #[serde(default)]
    description: Patch<String>,
    collection_method: Option<CollectionMethod>,
    days_until_due: Option<Int<0, 365>>,
    #[serde(default)]
    cancel_at: Patch<String>,
    cancel_at_period_end: Option<bool>,
    cancellation_details: Option<Details>,
    #[serde(default)]
    pause_collection: Patch<Pause>,
    #[serde(default)]
    metadata: Given,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Details {
    #[serde(default)]
    comment: Patch<String>,
    feedback: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pause {
    behavior: Option<PauseBehavior>,
    resumes_at: Option<Instant>,
}

/// Everything an update changes, read before anything is done.
pub struct Update {
    pub change: Option<Change>,
    pub trial_end: Option<i64>,
    /// `payment_behavior`, if it is given.
    pub behavior: String,
    pub discounts: Option<Vec<DiscountGiven>>,
    pub fields: Subscription,
}

/// More than `metadata` and `cancellation_details`, which is all that can change at the end.
pub fn touches_more_than_words(sub: &Subscription, update: &Update) -> bool {
    let same = Subscription {
        metadata: update.fields.metadata.clone(),
        cancellation: update.fields.cancellation.clone(),
        ..sub.clone()
    };
    let fields_differ = serde_json::to_string(&same).ok() != serde_json::to_string(&update.fields).ok();
    fields_differ || update.change.is_some() || update.trial_end.is_some() || update.discounts.is_some()
}

pub fn read_update(w: &World, sub: &Subscription, given: Fields) -> Answer<Update> {
    let change = read_change(given.items, given.proration_behavior, given.billing_cycle_anchor);
    let trial_end = trial(w, given.trial_period_days, given.trial_end)?;
    let mut fields = sub.clone();
    given.metadata.merge(&mut fields.metadata)?;
    given.default_payment_method.apply(&mut fields.default_payment_method);
    given.description.apply(&mut fields.description);
    if let Some(settings) = given.trial_settings {
        fields.missing_payment_method = settings.missing_payment_method();
    }
    if let Some(method) = given.collection_method {
        fields.collection_method = method.0;
    }
    fields.days_until_due = given.days_until_due.map(|days| days.0).or(fields.days_until_due);
    if fields.collection_method == "send_invoice" && fields.days_until_due.is_none() {
        return Err(Refusal::missing("days_until_due"));
    }
    if let Some(details) = given.cancellation_details {
        details.comment.apply(&mut fields.cancellation.comment);
        fields.cancellation.feedback = details.feedback.or(fields.cancellation.feedback.take());
    }
    read_cancel(w, given.cancel_at, given.cancel_at_period_end, &mut fields)?;
    if let Patch::Set(Pause { behavior: None, resumes_at: Some(_) }) = &given.pause_collection {
        return Err(Refusal::missing("pause_collection[behavior]"));
    }
    if given.pause_collection.is_given() {
        fields.pause_collection = given.pause_collection.into_option().and_then(|pause| {
            let (behavior, resumes_at) = (pause.behavior?.0, pause.resumes_at.map(|at| at.0));
            Some(PauseCollection { behavior, resumes_at })
        });
    }
    let behavior = given.payment_behavior.map(|behavior| behavior.0).unwrap_or_default();
    let discounts = given.discounts.is_given().then(|| given.discounts.into_option().unwrap_or_default());
    Ok(Update { change, trial_end, behavior, discounts, fields })
}

/// What changes of its items, and when its periods begin; none if nothing of that does.
fn read_change(
    items: Vec<ItemFields>,
    proration: Option<ProrationBehavior>,
    anchor: Option<Anchor>,
) -> Option<Change> {
    let proration = proration.map(Proration::from).unwrap_or_default();
    let anchor_now = anchor.is_some_and(|anchor| anchor.0 == "now");
    let items: Vec<ItemChange> = items
        .into_iter()
        .map(|item| ItemChange {
            id: item.id.clone(),
            quantity: item.quantity(),
            deleted: item.deleted.unwrap_or(false),
            price: item.price(),
        })
        .collect();
    let changes = !items.is_empty() || anchor_now;
    changes.then_some(Change { items, proration, anchor_now, end_trial: false })
}

impl From<ProrationBehavior> for Proration {
    fn from(word: ProrationBehavior) -> Self {
        match word.0.as_str() {
            "none" => Proration::None,
            "always_invoice" => Proration::Invoice,
            _ => Proration::Create,
        }
    }
}

fn read_cancel(
    w: &World,
    at: Patch<String>,
    at_period_end: Option<bool>,
    sub: &mut Subscription,
) -> Answer<()> {
    if at.is_given() && at_period_end.is_some() {
        return Err(Refusal::invalid(
            "You may only specify one of these parameters: cancel_at, cancel_at_period_end.",
        ));
    }
    let scheduled =
        sub.schedule.as_ref().filter(|_| sub.is_alive() && (at.is_given() || at_period_end.is_some()));
    if let Some(schedule) = scheduled {
        return Err(Refusal::invalid(format!(
            "The subscription is managed by the subscription schedule `{schedule}`, and updating any cancelation behavior directly is not allowed. Please update the schedule instead."
        )));
    }
    let now = w.now();
    if at.is_given() {
        let at = at.into_option().map(|at| instant_of_end(&at, sub, now)).transpose()?;
        sub.cancel_at = at;
        sub.cancel_at_period_end = false;
        sub.canceled_at = at.map(|_| now);
        sub.cancellation.reason = at.map(|_| "cancellation_requested".to_owned());
    }
    match at_period_end {
        Some(true) => {
            sub.cancel_at = Some(sub.period_end());
            sub.cancel_at_period_end = true;
            sub.canceled_at.get_or_insert(now);
            sub.cancellation.reason = Some("cancellation_requested".into());
        }
        Some(false) if sub.ends_at().is_some() && sub.is_alive() => {
            sub.cancel_at = None;
            sub.cancel_at_period_end = false;
            sub.canceled_at = None;
            sub.cancellation = Cancellation::default();
        }
        _ => {}
    }
    Ok(())
}

/// An instant ahead, or one of two words for one.
fn instant_of_end(at: &str, sub: &Subscription, now: i64) -> Answer<i64> {
    let ends = sub.items.iter().map(|item| item.current_period_end);
    let refused = |said: &str| Refusal::invalid(said).at("cancel_at");
    match at {
        "min_period_end" => Ok(ends.min().unwrap_or_default()),
        "max_period_end" => Ok(ends.max().unwrap_or_default()),
        at => {
            let at = at.parse::<i64>().map_err(|_| {
                refused(&format!("Invalid integer: {at}")).with_code("parameter_invalid_integer")
            })?;
            let ahead = (now + 1..=LATEST).contains(&at);
            ahead.then_some(at).ok_or_else(|| refused("Invalid timestamp: must be in the future."))
        }
    }
}

/// For `invoices/create_preview`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreviewDetails {
    #[serde(default)]
    items: Vec<ItemFields>,
    proration_behavior: Option<ProrationBehavior>,
    billing_cycle_anchor: Option<Anchor>,
    trial_end: Option<String>,
    cancel_at_period_end: Option<bool>,
    #[serde(default)]
    cancel_at: Patch<String>,
    #[serde(default, rename = "proration_date")]
    _proration_date: Ignored,
    #[serde(default, rename = "cancel_now")]
    _cancel_now: Ignored,
    #[serde(default, rename = "default_tax_rates")]
    _default_tax_rates: Ignored,
    #[serde(default, rename = "start_date")]
    _start_date: Ignored,
    #[serde(default, rename = "resume_at")]
    _resume_at: Ignored,
    #[serde(default, rename = "billing_mode")]
    _billing_mode: Ignored,
}

impl PreviewDetails {
    /// The subscription with the end that is asked about, and the change of its items.
    pub fn read(self, w: &World, sub: &Subscription) -> Answer<(Subscription, Option<Change>)> {
        let mut with_end = sub.clone();
        read_cancel(w, self.cancel_at, self.cancel_at_period_end, &mut with_end)?;
        let change = read_change(self.items, self.proration_behavior, self.billing_cycle_anchor);
        let end_trial = trial(w, None, self.trial_end)?.is_some_and(|end| end <= w.now());
        let change = match (change, end_trial) {
            (Some(change), end_trial) => Some(Change { end_trial, ..change }),
            (None, true) => Some(Change { end_trial, ..Change::default() }),
            (None, false) => None,
        };
        Ok((with_end, change))
    }
}

/// `trial_period_days` or `trial_end` (`now` ends one).
pub fn trial(w: &World, days: Option<Int<1, 730>>, end: Option<String>) -> Answer<Option<i64>> {
    let days = days.map(|days| w.now() + days.0 * DAY);
    let refused = |said: &str| Refusal::invalid(said).at("trial_end");
    if days.is_some() && end.is_some() {
        return Err(refused("You may only specify one of these parameters: trial_end, trial_period_days."));
    }
    match end.as_deref() {
        None => Ok(days),
        Some("now") => Ok(Some(w.now())),
        Some(text) => match text.parse::<i64>().map_err(|_| refused("Invalid timestamp"))? {
            at if at <= w.now() => Err(refused("Invalid timestamp: must be in the future.")),
            at if at > w.now() + 730 * DAY => {
                Err(refused("Invalid timestamp: a trial can end two years from now at most."))
            }
            at => Ok(Some(at)),
        },
    }
}
