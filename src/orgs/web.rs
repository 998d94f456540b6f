//! The organisation's dashboard and settings, and the form for another one.
use super::{MEMBERS, Role};
use crate::{
    App, billing,
    error::Result,
    limit::Usage,
    web::{
        Admin, Errors, Form, Member, Owner, Page, RecentSignIn, Room, Shell, SignedIn, flash,
        origin_of_request, see_other, to_the_end,
    },
    words,
};
use askama::Template;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

/// The organisation itself: its URLs are in routes.rs, since other rooms' lie below them.
pub const ROOM: Room<App> = Room { nav: None, routes: Router::new, limit: Some(MEMBERS) };

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
    pub status: String,
    pub status_kind: &'static str,
    pub members: i64,
    pub role: Role,
    /// On the button to the billing page; none for those who may not manage billing.
    pub billing: Option<&'static str>,
    pub steps: Vec<Step>,
}

/// An entry of "Getting started".
pub struct Step {
    pub title: &'static str,
    pub text: &'static str,
    pub href: String,
    pub done: bool,
}

#[derive(Template)]
#[template(path = "orgs/settings.html")]
pub struct SettingsPage {
    pub shell: Shell,
    pub slug: String,
    pub name: String,
    pub confirm: String,
    pub errors: Errors,
    /// What is deleted with the organisation; only for its owner, who may delete it.
    pub end: Option<End>,
}

impl SettingsPage {
    fn typed_so(&self) -> String {
        format!("Type {} to confirm.", self.slug)
    }
}

/// What its owner should know before deleting it.
pub struct End {
    /// `Its 5 notes are deleted.`
    pub deleted: Vec<String>,
    pub members: i64,
    /// The plan that is cancelled with it.
    pub plan: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct NameForm {
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct DeleteForm {
    /// The organisation's slug, typed by hand.
    confirm: String,
}

pub async fn new_page(who: SignedIn) -> Page<NewOrgPage> {
    let shell = Shell::of(&who, "account");
    Page::ok(NewOrgPage { shell, name: String::new(), errors: Errors::default() })
}

pub async fn create(State(app): State<App>, who: SignedIn, Form(form): Form<NameForm>) -> Result<Response> {
    let message = match super::name(&form.name) {
        Err(message) => message,
        Ok(name) => match super::create(&app, &origin_of_request(Some(who.id)), who.id, &name).await? {
            Some(scope) => {
                flash("success", format!("{name} is ready."));
                return Ok(see_other(&format!("/orgs/{}", scope.slug())));
            }
            None => format!("You are in {} organisations, and nobody can be in more.", super::MOST),
        },
    };
    let (shell, errors) = (Shell::of(&who, "account"), Errors::of("name", message));
    Ok(Page::mistake(NewOrgPage { shell, name: form.name, errors }).into_response())
}

pub async fn dashboard(State(app): State<App>, who: Member) -> Result<Page<DashboardPage>> {
    let members = super::head_count(&app, &who.scope).await?;
    let billing = match who.role.may_bill() {
        true => Some(billing::next_step(&billing::state(&app, &who.scope).await?)),
        false => None,
    };
    let (status, status_kind) = who.badge();
    Ok(Page::ok(DashboardPage {
        shell: Shell::inside(&who, "dashboard"),
        plan: who.plan_name(),
        status,
        status_kind,
        members,
        role: who.role,
        billing,
        steps: first_steps(&who),
    }))
}

fn first_steps(who: &Member) -> Vec<Step> {
    let created = Step {
        title: "Create your organisation",
        text: "Your team and your billing belong to it.",
        href: "/account".into(),
        done: true,
    };
    let plan = who.role.may_bill().then(|| Step {
        title: "Review your plan",
        text: "See what it includes and when it renews, and manage your card and invoices.",
        href: format!("/orgs/{}/billing", who.scope.slug()),
        done: who.is_paid(),
    });
    [Some(created), plan].into_iter().flatten().collect()
}

pub async fn settings(State(app): State<App>, who: Admin) -> Result<Page<SettingsPage>> {
    let name = who.org_name.clone();
    settings_page(&app, &who, name, String::new(), Errors::default()).await.map(Page::ok)
}

pub async fn rename(State(app): State<App>, who: Admin, Form(form): Form<NameForm>) -> Result<Response> {
    match super::name(&form.name) {
        Ok(name) => {
            super::rename(&app, &who.scope, &name).await?;
            flash("success", "Name saved.");
            Ok(see_other(&format!("/orgs/{}/settings", who.scope.slug())))
        }
        Err(message) => {
            let errors = Errors::of("name", message);
            let page = settings_page(&app, &who, form.name, String::new(), errors).await?;
            Ok(Page::mistake(page).into_response())
        }
    }
}

pub async fn delete(
    State(app): State<App>,
    who: Owner,
    _recent: RecentSignIn,
    Form(form): Form<DeleteForm>,
) -> Result<Response> {
    who.person.check_billing_lock(app.clock.now())?;
    let slug = who.scope.slug();
    if form.confirm.trim() != slug {
        let errors = Errors::of("confirm", format!("That is not {slug}. Nothing was deleted."));
        let page = settings_page(&app, &who, who.org_name.clone(), form.confirm, errors).await?;
        return Ok(Page::mistake(page).into_response());
    }
    let deleted = format!("{} is deleted.", who.org_name);
    to_the_end(async move { billing::close(&app, &who.scope, &who.person.name).await }).await?;
    flash("success", deleted);
    Ok(see_other("/account"))
}

async fn settings_page(
    app: &App,
    who: &Member,
    name: String,
    confirm: String,
    errors: Errors,
) -> Result<SettingsPage> {
    let end = if who.role.owns() { Some(end(app, who).await?) } else { None };
    let shell = Shell::inside(who, "settings");
    Ok(SettingsPage { shell, slug: who.scope.slug().to_owned(), name, confirm, errors, end })
}

async fn end(app: &App, who: &Member) -> Result<End> {
    let usage = billing::usage(app, &who.scope).await?;
    let (members, made): (Vec<_>, Vec<_>) = usage.iter().partition(|used| used.limit.one == MEMBERS.one);
    let state = billing::state(app, &who.scope).await?;
    Ok(End {
        deleted: made.into_iter().map(is_deleted).collect(),
        members: members.iter().map(|used| used.count).sum(),
        plan: state.is_alive().then(|| state.plan_name()),
    })
}

fn is_deleted(used: &Usage) -> String {
    match used.count {
        0 => format!("It has no {}.", words::plural(used.limit.one)),
        1 => format!("Its one {} is deleted.", used.limit.one),
        _ => format!("Its {} are deleted.", used.text()),
    }
}
