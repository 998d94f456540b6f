//! Pages: a template and a status; the shell around those of signed-in people; the error page.
use super::{
    context::{Flash, request_id},
    dev, flash,
    guards::{Member, SignedIn},
    room::Nav,
};
use crate::{account::Membership, error::Error, orgs::Role};
use askama::Template;
use axum::{
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};

/// A rendered template is the answer.
pub struct Page<T> {
    status: StatusCode,
    template: T,
}

impl<T: Template> Page<T> {
    pub fn ok(template: T) -> Self {
        Self { status: StatusCode::OK, template }
    }

    /// The person's mistake: the same page with their values and a message at the field.
    pub fn mistake(template: T) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, template }
    }

    pub fn with_status(status: StatusCode, template: T) -> Self {
        Self { status, template }
    }
}

impl<T: Template> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        match self.template.render() {
            Ok(html) => (self.status, [(CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response(),
            Err(error) => Error::broken(error).into_response(),
        }
    }
}

/// What surrounds every page of a signed-in person. Made from what the guard has read.
pub struct Shell {
    pub person_name: String,
    pub person_email: String,
    /// Whether they still have to show that the address is theirs.
    pub is_unconfirmed: bool,
    /// The first of the person's organisations, by name.
    pub orgs: Vec<OrgLink>,
    /// Whether there are others, which the account page lists.
    pub has_more_orgs: bool,
    /// The organisation in the URL, if there is one.
    pub here: Option<OrgLink>,
    /// Entries of the navigation that rooms add, where there is an organisation.
    pub nav: Vec<Nav>,
    /// The current entry of the navigation.
    pub section: &'static str,
    pub flash: Option<Flash>,
}

/// An entry of the organisation switcher.
#[derive(Clone)]
pub struct OrgLink {
    pub slug: String,
    pub name: String,
    pub role: Role,
}

impl From<&Membership> for OrgLink {
    fn from(m: &Membership) -> Self {
        Self { slug: m.slug.clone(), name: m.org_name.clone(), role: m.role }
    }
}

/// The switcher stands on every page.
const IN_SWITCHER: usize = 10;

impl Shell {
    /// Around a page of no organisation.
    pub fn of(who: &SignedIn, section: &'static str) -> Self {
        Self {
            person_name: who.name.clone(),
            person_email: who.email.clone(),
            is_unconfirmed: !who.is_confirmed,
            orgs: who.memberships().iter().take(IN_SWITCHER).map(OrgLink::from).collect(),
            has_more_orgs: who.memberships().len() > IN_SWITCHER,
            here: None,
            nav: Vec::new(),
            section,
            flash: flash::take(),
        }
    }

    /// Around a page of the organisation in the URL.
    pub fn inside(who: &Member, section: &'static str) -> Self {
        let here = Some(OrgLink::from(&who.membership));
        Self { here, nav: who.nav.clone(), ..Self::of(&who.person, section) }
    }
}

#[derive(Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    pub status: u16,
    pub title: &'static str,
    pub text: &'static str,
    pub request_id: String,
    pub back_href: &'static str,
    pub back_label: &'static str,
    /// Where trying again makes sense.
    pub retry_href: Option<String>,
}

/// The one page for everything that went wrong.
pub fn error(status: StatusCode, title: &'static str, text: &'static str) -> Response {
    let page = ErrorPage {
        status: status.as_u16(),
        title,
        text,
        request_id: request_id(),
        back_href: "/account",
        back_label: "Go to your account",
        retry_href: None,
    };
    dev::without_org(|| Page::with_status(status, page).into_response())
}
