//! The account page itself: what stands on it and in its fields.
use crate::{
    account::Membership,
    orgs::Role,
    web::{Errors, Page, PageOf, Paging, Shell, SignedIn},
};
use askama::Template;
use axum::response::{IntoResponse, Response};

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

/// Shows what the guard has read; it asks the database nothing.
pub fn page(who: &SignedIn, wanted: PageOf, typed: Typed, errors: Errors) -> AccountPage {
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

impl Typed {
    /// Nothing yet: the present name.
    pub fn by(who: &SignedIn) -> Self {
        Self { name: who.name.clone(), ..Self::default() }
    }
}

/// The page again, with what was typed and a message at its field.
pub fn mistake(who: &SignedIn, typed: Typed, errors: Errors) -> Response {
    Page::mistake(page(who, PageOf::default(), typed, errors)).into_response()
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
