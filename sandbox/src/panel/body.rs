//! JSON bodies, read as the parameters that the rest of the sandbox knows.
use crate::{
    params::Params,
    refusal::{Answer, Refusal},
    reply::Reply,
    request::Request,
};
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

/// An object, or nothing at all. `{"delay_ms": [1, 2]}` is `delay_ms[0]=1&delay_ms[1]=2`.
pub fn from_json(request: &Request) -> Answer<Params> {
    if request.body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Params::default());
    }
    let body: Value = serde_json::from_slice(&request.body)
        .map_err(|error| Refusal::invalid(format!("The body is no JSON: {error}")))?;
    if !body.is_object() {
        return Err(Refusal::invalid("The body must be a JSON object."));
    }
    let mut pairs = Serializer::new(String::new());
    flatten(&mut pairs, String::new(), &body);
    Params::parse(pairs.finish().as_bytes())
}

pub fn query(request: &Request) -> Answer<Params> {
    Params::parse(request.query.as_bytes())
}

pub fn form(request: &Request) -> Answer<Params> {
    Params::parse(&request.body)
}

/// `null` is as if it were not there.
fn flatten(pairs: &mut Serializer<'_, String>, name: String, value: &Value) {
    let inner = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}[{key}]") };
    match value {
        Value::Null => {}
        Value::String(text) => drop(pairs.append_pair(&name, text)),
        Value::Bool(_) | Value::Number(_) => drop(pairs.append_pair(&name, &value.to_string())),
        Value::Array(list) => {
            for (n, each) in list.iter().enumerate() {
                flatten(pairs, inner(&n.to_string()), each);
            }
        }
        Value::Object(fields) => {
            for (key, each) in fields {
                flatten(pairs, inner(key), each);
            }
        }
    }
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
