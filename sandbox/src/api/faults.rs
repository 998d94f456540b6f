//! Faults on request: Stripe's worst day, one rule at a time.
use super::{Answer, Params, Refusal, Request, execute::to_the_end, idempotency};
use crate::{
    Sandbox,
    objects::Fault,
    params::{Chances, Int},
    reply::Reply,
    state::World,
};
use serde::Deserialize;
use std::{sync::Arc, time::Duration};

/// Longer than any client of Stripe's waits.
const HANG: Duration = Duration::from_secs(120);

/// What a rule does to the request it strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    RateLimit,
    LockTimeout,
    Conflict,
    /// Recorded under the idempotency key, as Stripe does.
    Broken,
    Html,
    Hang,
    CloseBefore,
    /// It was done, and nobody hears of it.
    CloseAfter,
    BadKey,
    Forbidden,
    Truncated,
}

impl Kind {
    pub const WORDS: [(&'static str, Kind); 11] = [
        ("429", Kind::RateLimit),
        ("429_lock", Kind::LockTimeout),
        ("409", Kind::Conflict),
        ("500", Kind::Broken),
        ("502_html", Kind::Html),
        ("hang", Kind::Hang),
        ("close_before", Kind::CloseBefore),
        ("close_after", Kind::CloseAfter),
        ("401", Kind::BadKey),
        ("403", Kind::Forbidden),
        ("truncated", Kind::Truncated),
    ];

    pub fn parse(word: &str) -> Option<Kind> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, kind)| *kind)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    kind: String,
    method: Option<String>,
    path: Option<String>,
    key: Option<String>,
    nth: Option<Int<1, { i64::MAX }>>,
    probability: Option<Chances>,
    times: Option<Int<0, { i64::MAX }>>,
    seed: Option<i64>,
}

/// A rule from what the control API or the panel's form was given.
pub fn add(w: &mut World, fields: Params) -> Answer<Fault> {
    let rule: Rule = fields.read()?;
    if Kind::parse(&rule.kind).is_none() {
        let words: Vec<&str> = Kind::WORDS.iter().map(|(word, _)| *word).collect();
        return Err(Refusal::invalid(format!("Invalid kind: must be one of {}", words.join(", "))).at("kind"));
    }
    let seed = rule.seed.map_or_else(|| w.change_settings().chance.next(), |seed| seed as u64);
    let fault = Fault {
        id: w.id("fault_"),
        method: rule.method.map(|method| method.to_uppercase()).filter(|m| m != "*"),
        path: rule.path.unwrap_or_else(|| "*".into()),
        key: rule.key,
        kind: rule.kind,
        nth: rule.nth.map(|it| it.0),
        probability: rule.probability.map(|it| it.0),
        times: rule.times.map(|it| it.0),
        seen: 0,
        struck: 0,
        chance: crate::state::Chance::seeded(seed),
    };
    w.faults.put(fault.clone());
    Ok(fault)
}

/// The first rule that strikes this request. Every rule that fits has seen it.
pub fn strike(w: &mut World, request: &Request, key: &str) -> Option<Kind> {
    let fits = |fault: &Fault| {
        fault.method.as_ref().is_none_or(|method| method == request.method.as_str())
            && glob(&fault.path, &request.path)
            && fault.key.as_ref().is_none_or(|pattern| glob(pattern, key))
    };
    let mut struck = None;
    for id in w.faults.ids(fits) {
        let Some(fault) = w.faults.change(&id) else { continue };
        fault.seen += 1;
        let due = fault.nth.is_none_or(|nth| nth == fault.seen)
            && fault.times.is_none_or(|times| fault.struck < times)
            && fault.probability.is_none_or(|likely| fault.chance.part() < likely);
        if due && struck.is_none() {
            fault.struck += 1;
            struck = Kind::parse(&fault.kind);
        }
    }
    struck
}

/// The idempotency key of a request that hangs: in use until the client has had enough.
struct InUse(Sandbox, Arc<Request>);

impl InUse {
    async fn of(sandbox: &Sandbox, request: &Arc<Request>) -> Option<Self> {
        let begun = sandbox.act(|w| idempotency::begin(w, request)).await;
        matches!(begun, Ok(None)).then(|| Self(sandbox.clone(), request.clone()))
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        let (sandbox, request) = (self.0.clone(), self.1.clone());
        tokio::spawn(async move {
            sandbox
                .act(|w| {
                    idempotency::end(w, &request, 409, &serde_json::Value::Null);
                    Ok(())
                })
                .await
        });
    }
}

pub async fn suffer(sandbox: &Sandbox, request: &Arc<Request>, kind: Kind) -> Reply {
    let refuse = |refusal: Refusal| Reply::json(refusal.status, refusal.body(&request.id));
    match kind {
        Kind::RateLimit => refuse(rate_limit("Request rate limit exceeded.", "rate_limit")),
        Kind::LockTimeout => {
            let said = "This object cannot be accessed right now because another API request or Stripe process is currently accessing it.";
            refuse(rate_limit(said, "lock_timeout"))
        }
        Kind::Conflict => refuse(
            Refusal::invalid("There is currently another in-progress request using this Idempotent Key.")
                .with_status(409)
                .with_code("idempotency_key_in_use"),
        ),
        Kind::Broken => broken(sandbox, request).await,
        Kind::Html => Reply::html(502, "<html><body><h1>502 Bad Gateway</h1></body></html>".into()),
        Kind::Hang => {
            // The key is in use meanwhile, as it would be.
            let _in_use = InUse::of(sandbox, request).await;
            tokio::time::sleep(HANG).await;
            Reply::HungUp
        }
        Kind::CloseBefore => Reply::HungUp,
        Kind::CloseAfter => {
            to_the_end(sandbox, request).await;
            Reply::HungUp
        }
        Kind::BadKey => refuse(Refusal::invalid("Invalid API Key provided: sk_test_****").with_status(401)),
        Kind::Forbidden => refuse(
            Refusal::invalid("The provided key does not have the required permissions for this endpoint.")
                .with_status(403)
                .with_code("more_permissions_required"),
        ),
        Kind::Truncated => to_the_end(sandbox, request).await.cut_off(),
    }
}

fn rate_limit(said: &str, code: &'static str) -> Refusal {
    Refusal { kind: "invalid_request_error", ..Refusal::invalid(said).with_status(429).with_code(code) }
}

/// A 500 that is repeated for a day under the same key.
async fn broken(sandbox: &Sandbox, request: &Request) -> Reply {
    let failure =
        Refusal { kind: "api_error", ..Refusal::invalid("An unknown error occurred.").with_status(500) };
    match sandbox.act(|w| idempotency::begin(w, request)).await {
        Err(refusal) => Reply::json(refusal.status, refusal.body(&request.id)),
        Ok(Some((status, body))) => Reply::json(status, body).replayed(),
        Ok(None) => {
            let body = failure.body(&request.id);
            sandbox
                .act(|w| {
                    idempotency::end(w, request, 500, &body);
                    Ok(())
                })
                .await
                .ok();
            Reply::json(500, body)
        }
    }
}

/// `*` stands for anything, also slashes.
pub fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text, fits) in [
            ("*", "/v1/customers", true),
            ("/v1/customers", "/v1/customers", true),
            ("/v1/customers", "/v1/customers/cus_1", false),
            ("/v1/*/cus_1", "/v1/customers/cus_1", true),
            ("/v1/sub*s", "/v1/subscriptions", true),
            ("*portal*", "/v1/billing_portal/sessions", true),
            ("a*ab", "ab", false),
            ("", "", true),
        ] {
            assert_eq!(glob(pattern, text), fits, "{pattern} {text}");
        }
    }
}
