//! The form of the billing details: what stands on invoices, and where they go.
use super::page::BillingPage;
use crate::{
    App, auth,
    billing::{self, Changed, Details, LANGUAGES},
    error::Result,
    web::{BillingManager, Errors, Form, Page, RecentSignInForBilling, flash, see_other, to_the_end},
    words,
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
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
    fn read(&self) -> Result<Details, Errors> {
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

pub async fn change_details(
    State(app): State<App>,
    who: BillingManager,
    _recent: RecentSignInForBilling,
    Form(form): Form<DetailsForm>,
) -> Result<Response> {
    let errors = match form.read() {
        Err(errors) => errors,
        Ok(details) => match change(&app, &who, details).await? {
            Changed::EmailRefused => Errors::of("email", "Stripe does not accept this address."),
            Changed::Done => {
                flash("success", "Billing details saved.");
                return Ok(see_other(&format!("/orgs/{}/billing", who.scope.slug())));
            }
        },
    };
    let page = BillingPage::with(&app, &who, None, form, errors).await?;
    Ok(Page::mistake(page).into_response())
}

async fn change(app: &App, who: &BillingManager, details: Details) -> Result<Changed> {
    app.limits.take_stripe_call(who.scope.org(), who.person.id)?;
    let (app, scope) = (app.clone(), who.scope.clone());
    to_the_end(async move { billing::change_details(&app, &scope, &details).await }).await
}
