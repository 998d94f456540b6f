//! Who may enter: a handler's arguments say it, and nothing else does.
use super::{
    context::{name_org, name_user, origin_of_request, request_id},
    room::Nav,
};
use crate::{
    App,
    account::{self, Account, Membership},
    auth::{Person, sessions::LOGIN},
    db::{LoginId, Origin, Scope},
    error::{Error, Result},
    orgs::{self, Role},
};
use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts, RawPathParams},
    http::{Method, request::Parts},
};
use std::{convert::Infallible, ops::Deref, sync::Arc};
use tower_sessions::Session;

/// Somebody who is signed in, with all their organisations.
#[derive(Clone, Debug)]
pub struct SignedIn(Arc<Account>);

/// A member of the organisation in the URL. Anybody else finds nothing there: 404.
#[derive(Clone, Debug)]
pub struct Member {
    pub person: SignedIn,
    pub scope: Scope,
    pub membership: Membership,
    /// Entries of the navigation that rooms add.
    pub nav: Vec<Nav>,
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

impl SignedIn {
    /// All of the person's organisations, by name.
    pub fn memberships(&self) -> &[Membership] {
        &self.0.memberships
    }

    /// One of the person's organisations, to work in it: for pages whose URL names none.
    pub fn membership_in(&self, slug: &str) -> Option<(Scope, &Membership)> {
        let membership = self.memberships().iter().find(|membership| membership.slug == slug)?;
        let origin = origin_of_request(Some(self.id));
        Some((Scope::admit(membership.org, membership.slug.clone(), origin), membership))
    }
}

impl Deref for SignedIn {
    type Target = Person;
    fn deref(&self) -> &Person {
        &self.0.person
    }
}

impl Deref for Member {
    type Target = Membership;
    fn deref(&self) -> &Membership {
        &self.membership
    }
}

/// Reads the session's row and the account behind it: the two look-ups of a signed-in page. Several
/// guards of one request read them once.
impl FromRequestParts<App> for SignedIn {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        if let Some(known) = parts.extensions.get::<SignedIn>() {
            return Ok(known.clone());
        }
        let who = signed_in(parts, app).await?;
        if !parts.method.is_safe() {
            app.limits.take_change(who.id)?;
        }
        parts.extensions.insert(who.clone());
        Ok(who)
    }
}

async fn signed_in(parts: &mut Parts, app: &App) -> Result<SignedIn> {
    let login = login_of(parts).await?.ok_or_else(|| signed_out(parts))?;
    let account = account::of_login(app, login).await?.ok_or_else(|| signed_out(parts))?;
    name_user(account.person.id);
    Ok(SignedIn(Arc::new(account)))
}

/// For pages that greet whoever is signed in and anybody else too, and for signing out, which no limit
/// refuses.
impl OptionalFromRequestParts<App> for SignedIn {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Self>> {
        match signed_in(parts, app).await {
            Err(Error::SignedOut { .. }) => Ok(None),
            found => found.map(Some),
        }
    }
}

impl FromRequestParts<App> for Member {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let slug = org_in_url(parts, app).await?;
        let person = <SignedIn as FromRequestParts<App>>::from_request_parts(parts, app).await?;
        let membership = person.memberships().iter().find(|membership| membership.slug == slug).cloned();
        let Some(membership) = membership else {
            // The page says no more than that nothing is there; the log says who asked.
            tracing::warn!(asked_for = slug, why = "not a member of it, or there is none", "authz_fail");
            return Err(Error::NotFound);
        };
        name_org(membership.org);
        let scope = Scope::admit(membership.org, slug, origin_of_request(Some(person.id)));
        let nav = app.rooms.iter().filter_map(|room| room.nav).collect();
        Ok(Member { person, scope, membership, nav })
    }
}

/// A guard that is `Member` with a role that passes `$may`; the role is read anew for each request.
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

/// The login that the session names. It may have been ended since; `account::of_login` finds out.
async fn login_of(parts: &mut Parts) -> Result<Option<LoginId>> {
    let Ok(session) = Session::from_request_parts(parts, &()).await else {
        return Err(Error::broken("the session layer is missing on this route"));
    };
    Ok(session.get(LOGIN).await?)
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

/// A sign-in recent enough for billing (`BILLING_REAUTH_MINUTES`), of a person whose address was not changed in the
/// last 72 hours. Whoever is refused is asked for
/// their password and led back to the page; they have to click again.
pub struct RecentSignInForBilling;

impl FromRequestParts<App> for RecentSignInForBilling {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let who = <SignedIn as FromRequestParts<App>>::from_request_parts(parts, app).await?;
        who.check_billing_lock(app.clock.now())?;
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
    let (span, now) = (span.try_into().unwrap_or(time::Duration::HOUR), app.clock.now());
    // One from the future is from before the clock was set back; instances may differ by some seconds.
    match who.reauthenticated_at + span >= now && who.reauthenticated_at <= now + time::Duration::MINUTE {
        true => Ok(()),
        false => Err(Error::SignInTooOld { next: page_of(parts.uri.path()) }),
    }
}

/// The page whose button it was: `/orgs/acme/billing/portal` → `/orgs/acme/billing`,
/// `/orgs/acme/delete` → `/orgs/acme/settings`, `/account/sessions/1/revoke` → `/account/security`.
fn page_of(path: &str) -> String {
    let of_security = ["/account/password", "/account/sessions", "/account/security"];
    match path.rsplit_once('/') {
        _ if of_security.iter().any(|part| path.starts_with(part)) => "/account/security".to_owned(),
        Some(("/account", _)) => "/account".to_owned(),
        Some((org, "delete")) => format!("{org}/settings"),
        Some((page, _)) => page.to_owned(),
        None => "/account".to_owned(),
    }
}

/// Where the request came from, for rooms that write audit entries before anyone is signed in.
pub struct Visitor(pub Origin);

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Infallible> {
        debug_assert!(!request_id().is_empty(), "the frame is missing on this route");
        Ok(Visitor(origin_of_request(None)))
    }
}
