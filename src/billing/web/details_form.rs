//! The form of the billing details: what stands on invoices, and where they go.
use crate::{
    auth,
    billing::{Details, LANGUAGES},
    web::Errors,
    words,
};
use serde::Deserialize;

#[derive(Clone, Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct DetailsForm {
    pub name: String,
    pub email: String,
    pub language: String,
}

impl From<Details> for DetailsForm {
    fn from(Details { name, email, language }: Details) -> Self {
        Self { name, email, language }
    }
}

impl DetailsForm {
    /// What was typed, or what is wrong with each field.
    pub fn read(&self) -> Result<Details, Errors> {
        let mut errors = Errors::default();
        let name =
            errors.keep("name", words::line(&self.name, 150, "Enter the name that stands on invoices."));
        let email = errors.keep("email", auth::Email::parse(&self.email));
        let known = self.language.is_empty() || LANGUAGES.iter().any(|(code, _)| *code == self.language);
        if !known {
            errors.add("language", "Choose a language of the list.");
        }
        match (name, email, known) {
            (Some(name), Some(email), true) => {
                Ok(Details { name, email: email.as_str().to_owned(), language: self.language.clone() })
            }
            _ => Err(errors),
        }
    }
}
