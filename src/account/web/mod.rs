//! The account page: who I am, where I belong, and the way to billing.
mod leaving;
mod security;

pub use leaving::{delete, export};
pub use security::{change_password, end_other_sessions, end_session, show as show_security};

use super::Membership;
use crate::{
    App,
    auth::{self, Email},
    error::Result,
    orgs::Role,
    web::{
        Errors, Form, Page, PageOf, Paging, Query, RecentSignIn, Shell, SignedIn, flash, origin_of_request,
        see_other,
    },
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
    pub email: String,
    pub is_confirmed: bool,
    /// What was typed.
    pub typed: Typed,
    pub errors: Errors,
    pub orgs: Vec<OrgCard>,
    pub paging: Paging,
}

/// What stands in the fields of the account page.
#[derive(Default)]
pub struct Typed {
    pub name: String,
    pub new_email: String,
    pub confirm: String,
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

impl Typed {
    /// Nothing yet: the present name.
    fn by(who: &SignedIn) -> Self {
        Self { name: who.name.clone(), ..Self::default() }
    }
}

fn mistake(who: &SignedIn, typed: Typed, errors: Errors) -> Response {
    Page::mistake(page(who, PageOf::default(), typed, errors)).into_response()
}

/// Shows what the guard has read; it asks the database nothing.
fn page(who: &SignedIn, wanted: PageOf, typed: Typed, errors: Errors) -> AccountPage {
    let all = who.memberships();
    let paging = Paging::of(wanted, all.len() as i64, A_PAGE);
    AccountPage {
        shell: Shell::of(who, "account"),
        email: who.email.clone(),
        is_confirmed: who.is_confirmed,
        typed,
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
