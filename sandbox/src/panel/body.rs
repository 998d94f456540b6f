//! JSON bodies, read as the parameters that the rest of the sandbox knows.
use crate::{
    params::Params,
    refusal::{Answer, Refusal},
    reply::Reply,
    request::Request,
};
use serde_json::{Value, json};

/// An object, or nothing at all.
pub fn from_json(request: &Request) -> Answer<Params> {
    if request.body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Params::default());
    }
    match serde_json::from_slice(&request.body) {
        Ok(Value::Object(fields)) => Ok(Params::from_json(fields)),
        Ok(_) => Err(Refusal::invalid("The body must be a JSON object.")),
        Err(error) => Err(Refusal::invalid(format!("The body is no JSON: {error}"))),
    }
}

pub fn query(request: &Request) -> Answer<Params> {
    Params::parse(request.query.as_bytes())
}

pub fn form(request: &Request) -> Answer<Params> {
    Params::parse(&request.body)
}

/// A refusal as the control API says it.
pub fn refused(refusal: &Refusal) -> Reply {
    let mut error = json!({ "message": refusal.message });
    if let Some(code) = refusal.code {
        error["code"] = json!(code);
    }
    if let Some(param) = &refusal.param {
        error["param"] = json!(param);
    }
    Reply::json(refusal.status, json!({ "error": error })).with("cache-control", "no-store")
}
