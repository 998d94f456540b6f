//! What people filled in, and what was wrong with it.
use crate::{
    refusal::{Answer, Refusal},
    request::Request,
};

/// The fields of a form or a query; the first of a name counts.
#[derive(Clone, Debug, Default)]
pub struct Form(Vec<(String, String)>);

impl Form {
    pub fn parse(encoded: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// A POST's body, else the query.
    pub fn of(request: &Request) -> Self {
        if request.method == hyper::Method::POST {
            Self::parse(&request.body)
        } else {
            Self::parse(request.query.as_bytes())
        }
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// Without spaces around it; empty if it is not there.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim())
    }

    pub fn word(&self, name: &str) -> Option<String> {
        Some(self.get(name)).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// As `word`, within a length people do not reach by accident.
    pub fn short(&self, name: &str, label: &str, most: usize) -> Answer<Option<String>> {
        match self.word(name) {
            Some(text) if text.chars().count() > most => {
                Err(Refusal::invalid(format!("{label}: at most {most} characters.")).at(name))
            }
            word => Ok(word),
        }
    }

    pub fn email(&self, name: &str) -> Answer<Option<String>> {
        let email = self.short(name, "E-mail", 254)?;
        let fits = |email: &String| {
            let parts = email.split_once('@');
            parts.is_some_and(|(who, host)| !who.is_empty() && host.len() > 1 && !host.contains('@'))
                && !email.contains(char::is_whitespace)
        };
        match email {
            Some(email) if !fits(&email) => {
                Err(Refusal::invalid("This is no e-mail address: name@example.com, say.").at(name))
            }
            email => Ok(email),
        }
    }

    pub fn encoded(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}

/// The refusal a page is shown with, at the field it is about.
#[derive(Clone, Debug, Default)]
pub struct Wrong {
    field: &'static str,
    message: Option<String>,
}

impl Wrong {
    /// `fields` are those of the page; what is about none of them stands above the form.
    pub fn with(refusal: Option<&Refusal>, fields: &[&'static str]) -> Self {
        let Some(refusal) = refusal else { return Self::default() };
        let about = match refusal.kind {
            "card_error" => "number",
            _ => refusal.param.as_deref().unwrap_or_default(),
        };
        let field = fields.iter().find(|field| **field == about).copied().unwrap_or_default();
        Self { field, message: Some(refusal.message.clone()) }
    }

    pub fn on(&self, field: &str) -> Option<&str> {
        self.message.as_deref().filter(|_| self.field == field && !field.is_empty())
    }

    /// What is about the form as a whole.
    pub fn form(&self) -> Option<&str> {
        self.message.as_deref().filter(|_| self.field.is_empty())
    }
}

/// 402 for the bank's no, 422 for a mistake, 200 for a first look.
pub fn status(refusal: Option<&Refusal>) -> u16 {
    match refusal {
        None => 200,
        Some(refusal) if refusal.status == 402 => 402,
        Some(_) => 422,
    }
}

/// Whether the bank wants to see the card's holder before it says anything.
pub fn asks(refusal: &Refusal) -> bool {
    refusal.code == Some("authentication_required")
}
