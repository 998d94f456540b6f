//! The account page: who I am, where I belong, and the way to billing.
use crate::{
    App, auth, billing,
    error::Result,
    orgs::{self, Role},
    web::{Errors, Form, Page, Shell, SignedIn, flash, origin_of_request, see_other},
};
use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "account/show.html")]
pub struct AccountPage {
    pub shell: Shell,
    pub name: String,
    pub email: String,
    pub errors: Errors,
    pub orgs: Vec<OrgCard>,
}

/// An organisation of mine, its plan, and *Manage billing* where my role allows it.
pub struct OrgCard {
    pub slug: String,
    pub name: String,
    pub role: Role,
    pub plan: String,
    pub status: String,
    /// `ok`, `info`, `warn`, `bad` or `quiet`.
    pub status_kind: &'static str,
    pub may_bill: bool,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct ProfileForm {
    name: String,
}

pub async fn show(State(app): State<App>, who: SignedIn) -> Result<Page<AccountPage>> {
    let name = who.name.clone();
    page(&app, &who, name, Errors::default()).await.map(Page::ok)
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
            let page = page(&app, &who, form.name, Errors::of("name", message)).await?;
            Ok(Page::mistake(page).into_response())
        }
    }
}

async fn page(app: &App, who: &SignedIn, name: String, errors: Errors) -> Result<AccountPage> {
    let memberships = orgs::of_person(app, who.id).await?;
    let states = billing::states_of_person(app, who.id).await?;
    let cards = memberships.iter().map(|m| {
        let state = states.get(&m.org).cloned().unwrap_or_default();
        let (status, status_kind) = state.badge();
        let (slug, name) = (m.slug.clone(), m.org_name.clone());
        OrgCard {
            slug,
            name,
            role: m.role,
            plan: state.plan_name(),
            status,
            status_kind,
            may_bill: m.role.may_bill(),
        }
    });
    let (orgs, shell) = (cards.collect(), Shell::with(&memberships, who, "account"));
    Ok(AccountPage { shell, name, email: who.email.clone(), errors, orgs })
}
