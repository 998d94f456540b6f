//! The projects page.
use super::{LIMIT, Made, ProjectId};
use crate::{
    App,
    billing::{self, Access},
    error::Result,
    web::{Errors, Form, Member, Nav, Page, PageOf, Paging, Path, Query, Room, Shell, flash, see_other},
    words,
};
use askama::Template;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;

pub const ROOM: Room<App> = Room { nav: Some(NAV), routes, limit: Some(LIMIT) };

const NAV: Nav = Nav {
    key: "projects",
    title: "Projects",
    icon: "m10 3 7 3.5-7 3.5-7-3.5zM3 10l7 3.5 7-3.5M3 13.5 10 17l7-3.5",
};

/// All of them are for members.
fn routes() -> Router<App> {
    Router::new()
        .route("/orgs/{org}/projects", get(list).post(create))
        .route("/orgs/{org}/projects/{id}", post(rename))
        .route("/orgs/{org}/projects/{id}/delete", post(delete))
}

/// Projects on a page.
const A_PAGE: u32 = 50;

#[derive(Template)]
#[template(path = "projects/projects.html")]
pub struct ProjectsPage {
    pub shell: Shell,
    pub projects: Vec<ProjectLine>,
    pub paging: Paging,
    pub name: String,
    pub errors: Errors,
    /// `2 of 3 projects on the Free plan`
    pub usage: String,
    /// Why no project can be added.
    pub blocked: Option<&'static str>,
    pub may_bill: bool,
}

pub struct ProjectLine {
    pub id: String,
    pub name: String,
    pub since: String,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct ProjectForm {
    name: String,
}

#[derive(Deserialize)]
pub struct InUrl {
    id: ProjectId,
}

pub async fn list(
    State(app): State<App>,
    who: Member,
    Query(wanted): Query<PageOf>,
) -> Result<Page<ProjectsPage>> {
    page(&app, &who, wanted, String::new(), Errors::default()).await.map(Page::ok)
}

pub async fn create(State(app): State<App>, who: Member, Form(form): Form<ProjectForm>) -> Result<Response> {
    let errors = match super::name(&form.name) {
        Err(message) => Errors::of("name", message),
        Ok(name) => match super::create(&app, &who.scope, &name).await? {
            Made::Done => {
                flash("success", "Project created.");
                return Ok(home(&who));
            }
            Made::NotIncluded => Errors::of("name", "Your plan has no room for another project."),
            Made::TooMany => Errors::of("name", "There is no room for another project. Delete one first."),
        },
    };
    let page = page(&app, &who, PageOf::default(), form.name, errors).await?;
    Ok(Page::mistake(page).into_response())
}

pub async fn rename(
    State(app): State<App>,
    who: Member,
    Path(InUrl { id }): Path<InUrl>,
    Form(form): Form<ProjectForm>,
) -> Result<Response> {
    let mistake = match super::name(&form.name) {
        Err(message) => message,
        Ok(name) => match super::rename(&app, &who.scope, id, &name).await? {
            Made::NotIncluded | Made::TooMany => {
                "A payment is overdue, so projects cannot be changed.".to_owned()
            }
            Made::Done => {
                flash("success", "Project renamed.");
                return Ok(home(&who));
            }
        },
    };
    let errors = Errors::of_form(mistake);
    let page = page(&app, &who, PageOf::default(), String::new(), errors).await?;
    Ok(Page::mistake(page).into_response())
}

pub async fn delete(
    State(app): State<App>,
    who: Member,
    Path(InUrl { id }): Path<InUrl>,
) -> Result<Response> {
    super::delete(&app, &who.scope, id).await?;
    flash("success", "Project deleted.");
    Ok(home(&who))
}

fn home(who: &Member) -> Response {
    see_other(&format!("/orgs/{}/projects", who.scope.slug()))
}

async fn page(app: &App, who: &Member, wanted: PageOf, name: String, errors: Errors) -> Result<ProjectsPage> {
    let may = billing::entitlements(app, &who.scope).await?;
    let (used, plan) = (super::used(app, &who.scope).await?, may.plan.offer().name);
    let paging = Paging::of(wanted, used, A_PAGE);
    let projects = super::some(app, &who.scope, paging.size(), paging.offset()).await?;
    let usage = match may.limit(&LIMIT) {
        Some(limit) => format!("{used} of {limit} projects on the {plan} plan"),
        None => format!("{used} projects; the {plan} plan has no limit"),
    };
    let blocked = match (may.access, may.remaining(&LIMIT, used)) {
        (Access::ReadOnly, _) => {
            Some("A payment is overdue, so you can see your projects but not add or rename any.")
        }
        (Access::Full, Some(0)) => {
            Some("Your plan has no room for another project. Nothing is deleted; upgrade to add more.")
        }
        _ => None,
    };
    let lines = projects.into_iter().map(|project| ProjectLine {
        id: project.id.to_string(),
        name: project.name,
        since: words::date(project.created_at),
    });
    Ok(ProjectsPage {
        projects: lines.collect(),
        paging,
        shell: Shell::inside(who, NAV.key),
        name,
        errors,
        usage,
        blocked,
        may_bill: who.role.may_bill(),
    })
}
