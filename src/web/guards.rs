//! Who may enter: a handler's arguments say it, and nothing else does.
use super::context::{name_org, name_user, origin_of_request, request_id};
use crate::{
    App,
    auth::{self, Person, sessions::LOGIN},
    db::{LoginId, Scope},
    error::{Error, Result},
    orgs::{self, Role},
};
use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts, RawPathParams},
    http::{Method, request::Parts},
};
use std::{convert::Infallible, ops::Deref};
use tower_sessions::Session;

/// Somebody, whoever it is.
#[derive(Clone, Debug)]
pub struct SignedIn(pub Person);

/// A member of the organisation in the URL. Anybody else finds nothing there: 404.
#[derive(Clone, Debug)]
pub struct Member {
    pub person: Person,
    pub scope: Scope,
    pub org_name: String,
    pub role: Role,
}

/// Owner, admin or billing.
#[derive(Clone, Debug)]
pub struct BillingManager(Member);
/// Owner or admin.
#[derive(Clone, Debug)]
pub struct Admin(Member);
/// The owner.
#[derive(Clone, Debug)]
pub struct Owner(Member);

impl Deref for SignedIn {
    type Target = Person;
    fn deref(&self) -> &Person {
        &self.0
    }
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let login = login_of(parts).await?.ok_or_else(|| signed_out(parts))?;
        let seen = auth::seen(app, login, None).await?.ok_or_else(|| signed_out(parts))?;
        name_user(seen.person.id);
        Ok(SignedIn(seen.person))
    }
}

/// For pages that greet whoever is signed in and anybody else too.
impl OptionalFromRequestParts<App> for SignedIn {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Self>> {
        match <SignedIn as FromRequestParts<App>>::from_request_parts(parts, app).await {
            Err(Error::SignedOut { .. }) => Ok(None),
            found => found.map(Some),
        }
    }
}

impl FromRequestParts<App> for Member {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let slug = org_in_url(parts, app).await?;
        let login = login_of(parts).await?.ok_or_else(|| signed_out(parts))?;
        let seen = auth::seen(app, login, Some(&slug)).await?.ok_or_else(|| signed_out(parts))?;
        name_user(seen.person.id);
        let Some(membership) = seen.membership else {
            // Whether there is one is nobody's business but its members'; who asked is the operator's.
            tracing::warn!(asked_for = slug, why = "not a member of it, or there is none", "authz_fail");
            return Err(Error::NotFound);
        };
        name_org(membership.org);
        let scope = Scope::admit(membership.org, slug, origin_of_request(Some(seen.person.id)));
        Ok(Member { person: seen.person, scope, org_name: membership.org_name, role: membership.role })
    }
}

/// A guard that is `Member` with a role that passes `$may`; the role is read afresh each request.
macro_rules! role_guard {
    ($guard:ident, $may:path) => {
        impl Deref for $guard {
            type Target = Member;
            fn deref(&self) -> &Member {
                &self.0
            }
        }

        impl FromRequestParts<App> for $guard {
            type Rejection = Error;

            async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
                let member = Member::from_request_parts(parts, app).await?;
                if $may(member.role) {
                    return Ok($guard(member));
                }
                tracing::warn!(role = member.role.as_str(), needed = stringify!($guard), "authz_fail");
                Err(Error::NotAllowed)
            }
        }
    };
}
role_guard!(BillingManager, Role::may_bill);
role_guard!(Admin, Role::may_administer);
role_guard!(Owner, Role::owns);

/// The login our session names. The session's own row is not the truth about who is signed in;
/// the login is, and `auth::seen` reads it.
async fn login_of(parts: &mut Parts) -> Result<Option<LoginId>> {
    let Ok(session) = Session::from_request_parts(parts, &()).await else {
        return Err(Error::broken("the session layer is missing on this route"));
    };
    session.get(LOGIN).await.map_err(Error::broken)
}

async fn org_in_url(parts: &mut Parts, app: &App) -> Result<String> {
    let params: Result<RawPathParams, _> = RawPathParams::from_request_parts(parts, app).await;
    let params = params.map_err(|_| Error::NotFound)?;
    let slug = params.iter().find(|(name, _)| *name == "org").map(|(_, slug)| slug.to_owned());
    slug.filter(|slug| orgs::could_be_slug(slug)).ok_or(Error::NotFound)
}

fn signed_out(parts: &Parts) -> Error {
    let target = parts.uri.path_and_query().map(ToString::to_string);
    Error::SignedOut { next: target.filter(|_| parts.method == Method::GET || parts.method == Method::HEAD) }
}

/// A sign-in recent enough for billing (`BILLING_REAUTH_MINUTES`). Whoever is refused goes to the
/// password and back to the page; the click itself is not repeated for them.
pub struct RecentSignInForBilling;

impl FromRequestParts<App> for RecentSignInForBilling {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        match app.config.billing_reauth {
            Some(span) => signed_in_within(span, parts, app).await.map(|()| RecentSignInForBilling),
            None => Ok(RecentSignInForBilling),
        }
    }
}

/// A sign-in recent enough for what cannot be undone (`REAUTH_MINUTES`).
pub struct RecentSignIn;

impl FromRequestParts<App> for RecentSignIn {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        signed_in_within(app.config.reauth, parts, app).await.map(|()| RecentSignIn)
    }
}

async fn signed_in_within(span: std::time::Duration, parts: &mut Parts, app: &App) -> Result<()> {
    let who = <SignedIn as FromRequestParts<App>>::from_request_parts(parts, app).await?;
    let span = span.try_into().unwrap_or(time::Duration::HOUR);
    match who.reauthenticated_at + span >= app.clock.now() {
        true => Ok(()),
        false => Err(Error::SignInTooOld { next: page_of(parts.uri.path()) }),
    }
}

/// The page whose button it was: `/orgs/acme/billing/portal` → `/orgs/acme/billing`, and
/// `/orgs/acme/delete` → `/orgs/acme/settings`.
fn page_of(path: &str) -> String {
    match path.rsplit_once('/') {
        Some((org, "delete")) => format!("{org}/settings"),
        Some((page, _)) => page.to_owned(),
        None => "/account".to_owned(),
    }
}

/// Where the request came from, for rooms that write audit entries before anyone is signed in.
pub struct Visitor(pub crate::db::Origin);

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Infallible> {
        debug_assert!(!request_id().is_empty(), "the frame is missing on this route");
        Ok(Visitor(origin_of_request(None)))
    }
}
