//! The account page: who I am, where I belong, and the way to billing.
use super::Membership;
use crate::{
    App, auth,
    error::Result,
    orgs::Role,
    web::{Errors, Form, Page, PageOf, Paging, Query, Shell, SignedIn, flash, origin_of_request, see_other},
};
use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

/// Organisations on a page.
const A_PAGE: u32 = 25;

#[derive(Template)]
#[template(path = "account/show.html")]
pub struct AccountPage {
    pub shell: Shell,
    pub name: String,
    pub email: String,
    pub errors: Errors,
    pub orgs: Vec<OrgCard>,
    pub paging: Paging,
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

pub async fn show(who: SignedIn, Query(wanted): Query<PageOf>) -> Page<AccountPage> {
    Page::ok(page(&who, wanted, who.name.clone(), Errors::default()))
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
            let errors = Errors::of("name", message);
            Ok(Page::mistake(page(&who, PageOf::default(), form.name, errors)).into_response())
        }
    }
}

/// Shows what the guard has read; it asks the database nothing.
fn page(who: &SignedIn, wanted: PageOf, name: String, errors: Errors) -> AccountPage {
    let all = who.memberships();
    let paging = Paging::of(wanted, all.len() as i64, A_PAGE);
    AccountPage {
        shell: Shell::of(who, "account"),
        name,
        email: who.email.clone(),
        errors,
        orgs: paging.cut(all).iter().map(OrgCard::from).collect(),
        paging,
    }
}

impl From<&Membership> for OrgCard {
    fn from(membership: &Membership) -> Self {
        let (status, status_kind) = membership.badge();
        Self {
            slug: membership.slug.clone(),
            name: membership.org_name.clone(),
            role: membership.role,
            plan: membership.plan_name(),
            status,
            status_kind,
            may_bill: membership.role.may_bill(),
        }
    }
}
