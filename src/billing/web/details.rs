//! Changing the billing details.
use super::{details_form::DetailsForm, page::BillingPage};
use crate::{
    App,
    billing::{self, Changed, Details},
    error::Result,
    web::{BillingManager, Errors, Form, Page, RecentSignInForBilling, flash, see_other, to_the_end},
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};

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
