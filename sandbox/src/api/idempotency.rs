//! Idempotency keys: the first answer is the answer, for a day.
use super::{Answer, Refusal, Request};
use crate::{
    objects::Remembered,
    state::{DAY, World, wall},
};
use hyper::Method;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The recorded answer if this was asked before; none if it is to be done now.
pub fn begin(w: &mut World, request: &Request) -> Answer<Option<(u16, Value)>> {
    let Some(key) = key(request) else { return Ok(None) };
    if key.len() > 255 {
        return Err(Refusal::invalid("Idempotency-Key must be at most 255 characters."));
    }
    let now = wall();
    if w.remembered.get(key).is_some_and(|known| now - known.at > DAY) {
        w.remembered.remove(key);
    }
    let Some(known) = w.remembered.get(key) else {
        w.remembered.put(Remembered {
            id: key.to_owned(),
            method: request.method.to_string(),
            path: request.path.clone(),
            sha256: digest(request),
            answer: None,
            at: now,
        });
        return Ok(None);
    };
    if known.method != request.method.as_str()
        || known.path != request.path
        || known.sha256 != digest(request)
    {
        let said = format!(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '{key}' if you meant to execute a different request."
        );
        return Err(Refusal { kind: "idempotency_error", ..Refusal::invalid(said) });
    }
    match &known.answer {
        Some(answer) => Ok(Some(answer.clone())),
        None => {
            Err(Refusal::invalid("There is currently another in-progress request using this Idempotent Key.")
                .with_status(409)
                .with_code("idempotency_key_in_use"))
        }
    }
}

/// Records the answer, unless nothing was executed: a mistake in the request may be mended under
/// the same key.
pub fn end(w: &mut World, request: &Request, status: u16, body: &Value) {
    let Some(key) = key(request) else { return };
    if matches!(status, 400 | 401 | 403 | 404 | 409 | 429) {
        w.remembered.remove(key);
    } else if let Some(known) = w.remembered.change(key) {
        known.answer = Some((status, body.clone()));
    }
}

fn key(request: &Request) -> Option<&str> {
    request.header("idempotency-key").filter(|key| request.method == Method::POST && !key.is_empty())
}

fn digest(request: &Request) -> String {
    // The same parameters in another order are the same parameters.
    let mut pairs: Vec<_> = url::form_urlencoded::parse(request.query.as_bytes())
        .chain(url::form_urlencoded::parse(&request.body))
        .collect();
    pairs.sort_by(|(one, _), (two, _)| one.cmp(two));
    let mut sha = Sha256::new();
    for (key, value) in pairs {
        for part in [key, value] {
            sha.update((part.len() as u64).to_be_bytes());
            sha.update(part.as_bytes());
        }
    }
    sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
