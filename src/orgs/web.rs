//! The organisation's dashboard, and the form for another one.
use crate::{
    App, billing,
    error::Result,
    web::{Errors, Form, Member, Page, Shell, SignedIn, flash, origin_of_request, see_other},
};
use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::Role;

#[derive(Template)]
#[template(path = "orgs/new.html")]
pub struct NewOrgPage {
    pub shell: Shell,
    pub name: String,
    pub errors: Errors,
}

#[derive(Template)]
#[template(path = "orgs/dashboard.html")]
pub struct DashboardPage {
    pub shell: Shell,
    pub plan: String,
    pub state: String,
    pub state_kind: &'static str,
    pub members: i64,
    pub role: Role,
    pub may_bill: bool,
    pub steps: Vec<Step>,
}

/// A line of "getting started".
pub struct Step {
    pub title: &'static str,
    pub text: &'static str,
    pub href: String,
    pub done: bool,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct NewOrgForm {
    name: String,
}

pub async fn new_page(State(app): State<App>, who: SignedIn) -> Result<Page<NewOrgPage>> {
    let shell = Shell::of(&app, &who, "account").await?;
    Ok(Page::ok(NewOrgPage { shell, name: String::new(), errors: Errors::default() }))
}

pub async fn create(State(app): State<App>, who: SignedIn, Form(form): Form<NewOrgForm>) -> Result<Response> {
    let name = match super::name(&form.name) {
        Ok(name) => name,
        Err(message) => {
            let (shell, errors) = (Shell::of(&app, &who, "account").await?, Errors::of("name", message));
            return Ok(Page::mistake(NewOrgPage { shell, name: form.name, errors }).into_response());
        }
    };
    let scope = super::create(&app, &origin_of_request(Some(who.id)), who.id, &name).await?;
    flash("success", format!("{name} is ready."));
    Ok(see_other(&format!("/orgs/{}", scope.slug())))
}

pub async fn dashboard(State(app): State<App>, who: Member) -> Result<Page<DashboardPage>> {
    let standing = billing::standing(&app, &who.scope).await?;
    let members = super::head_count(&app, &who.scope).await?;
    let shell = Shell::inside(&app, &who, "dashboard").await?;
    let (plan, (state, state_kind)) = (standing.plan_name(), standing.in_words());
    Ok(Page::ok(DashboardPage {
        shell,
        plan,
        state,
        state_kind,
        members,
        role: who.role,
        may_bill: who.role.may_bill(),
        steps: first_steps(&who, standing.is_paid()),
    }))
}

fn first_steps(who: &Member, paid: bool) -> Vec<Step> {
    let founded = Step {
        title: "Create your organisation",
        text: "It is the account that your team and your billing belong to.",
        href: "/account".into(),
        done: true,
    };
    let plan = who.role.may_bill().then(|| Step {
        title: "Look at your plan",
        text: "See what it includes, when it renews, and manage card and invoices.",
        href: format!("/orgs/{}/billing", who.scope.slug()),
        done: paid,
    });
    [Some(founded), plan].into_iter().flatten().collect()
}
