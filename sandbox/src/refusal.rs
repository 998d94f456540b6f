//! Stripe's errors, in Stripe's words.
use serde_json::{Value, json};

pub type Answer<T = Value> = Result<T, Refusal>;

#[derive(Clone, Debug)]
pub struct Refusal {
    pub status: u16,
    pub kind: &'static str,
    pub code: Option<&'static str>,
    pub decline_code: Option<String>,
    pub message: String,
    pub param: Option<String>,
    /// What was done stays done: a declined payment is a fact, not a mistake of the caller's.
    pub stands: bool,
}

impl Refusal {
    /// 400, whatever is wrong with the request.
    pub fn invalid(message: impl Into<String>) -> Self {
        let (code, decline_code, param) = Default::default();
        let kind = "invalid_request_error";
        Self { status: 400, kind, code, decline_code, message: message.into(), param, stands: false }
    }

    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    pub fn with_code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    pub fn at(self, param: impl Into<String>) -> Self {
        Self { param: Some(param.into()), ..self }
    }

    /// 402: the bank said no.
    pub fn card(code: &'static str, decline_code: Option<&str>, message: &str) -> Self {
        let decline_code = decline_code.map(str::to_owned);
        Self { kind: "card_error", decline_code, ..Self::invalid(message).with_status(402).with_code(code) }
    }

    pub fn standing(self) -> Self {
        Self { stands: true, ..self }
    }

    pub fn missing(param: &str) -> Self {
        Self::invalid(format!("Missing required param: {param}.")).with_code("parameter_missing").at(param)
    }

    pub fn unknown(param: &str) -> Self {
        Self::invalid(format!("Received unknown parameter: {param}")).with_code("parameter_unknown").at(param)
    }

    /// An object that a parameter names and that is not there.
    pub fn no_such(what: &str, id: &str, param: &str) -> Self {
        let id: String = id.chars().take(200).collect();
        let hint = if id.contains("_live_") {
            "; a similar object exists in live mode, but a test mode key was used to make this request."
        } else {
            ""
        };
        Self::invalid(format!("No such {what}: '{id}'{hint}")).with_code("resource_missing").at(param)
    }

    /// The same for an object that the path names: 404.
    pub fn not_found(what: &str, id: &str) -> Self {
        Self::no_such(what, id, "id").with_status(404)
    }

    pub fn body(&self, request_id: &str) -> Value {
        let mut error = json!({ "type": self.kind, "message": self.message });
        if let Some(code) = self.code {
            error["code"] = json!(code);
            error["doc_url"] =
                json!(format!("https://docs.stripe.com/error-codes/{}", code.replace('_', "-")));
        }
        if let Some(decline_code) = &self.decline_code {
            error["decline_code"] = json!(decline_code);
        }
        if let Some(param) = &self.param {
            error["param"] = json!(param);
        }
        error["request_log_url"] = json!(format!("https://dashboard.stripe.com/test/logs/{request_id}"));
        json!({ "error": error })
    }
}
