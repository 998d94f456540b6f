//! The account page: who I am, where I belong, and the way to billing.
mod leaving;
mod page;
mod security;

pub use leaving::{delete, export};
pub use security::{change_password, end_other_sessions, end_session, show as show_security};

use crate::{
    App,
    auth::{self, Email},
    error::Result,
    web::{Errors, Form, Page, PageOf, Query, RecentSignIn, SignedIn, flash, origin_of_request, see_other},
};
use axum::{extract::State, response::Response};
use page::{AccountPage, Typed, mistake, page};
use serde::Deserialize;

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct ProfileForm {
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct EmailForm {
    email: String,
    /// `on`: other sign-ins stay.
    keep_others: String,
}

pub async fn show(who: SignedIn, Query(wanted): Query<PageOf>) -> Page<AccountPage> {
    Page::ok(page(&who, wanted, Typed::by(&who), Errors::default()))
}

pub async fn change_profile(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<ProfileForm>,
) -> Result<Response> {
    match auth::person_name(&form.name) {
        Ok(name) => {
            auth::rename(&app, &origin_of_request(Some(who.id)), who.id, &name).await?;
            flash("success", "Profile saved.");
            Ok(see_other("/account"))
        }
        Err(message) => {
            let typed = Typed { name: form.name, ..Typed::default() };
            Ok(mistake(&who, typed, Errors::of("name", message)))
        }
    }
}

/// The address that is to replace the present one. It does once it is confirmed.
pub async fn change_email(
    State(app): State<App>,
    who: SignedIn,
    _recent: RecentSignIn,
    Form(form): Form<EmailForm>,
) -> Result<Response> {
    let new = match Email::parse(&form.email) {
        Ok(new) if new.as_str() == who.email => Err("That is your address already.".to_owned()),
        parsed => parsed,
    };
    match new {
        Ok(new) => {
            let keeps_others = form.keep_others == "on";
            auth::start_change_of_address(&app, &origin_of_request(Some(who.id)), &who, &new, keeps_others)
                .await?;
            let said = "Follow the link that we sent to {}. Until then your address stays as it is.";
            flash("info", said.replace("{}", new.as_str()));
            Ok(see_other("/account"))
        }
        Err(message) => {
            let typed = Typed { new_email: form.email, ..Typed::by(&who) };
            Ok(mistake(&who, typed, Errors::of("email", message)))
        }
    }
}

/// The link that confirms the present address, once more.
pub async fn resend_confirmation(State(app): State<App>, who: SignedIn) -> Result<Response> {
    match auth::ask_again_to_confirm(&app, &who).await? {
        true => {
            flash("success", format!("We sent another link to {}. Only the newest one works.", who.email))
        }
        false => flash("info", "Your address is confirmed already."),
    }
    Ok(see_other("/account"))
}
