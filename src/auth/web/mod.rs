//! Sign-up, sign-in and sign-out; the password asked for once more.
mod links;
mod token;
mod well_known;

pub use links::{
    confirm, confirm_here, confirm_page, forgot, forgot_page, open_confirm, open_reset, open_undo, reset,
    reset_here, reset_page, undo, undo_here, undo_page,
};

pub use well_known::{security_txt, to_change_password};

use super::{Email, NewPerson, SignUp, person_name, sessions};
use crate::{
    App,
    db::LoginId,
    error::Result,
    orgs,
    web::{
        Errors, Form, HOME, Page, Query, Rate, SignInPage, SignedIn, Visitor, client_ip, device, local_path,
        origin_of_request, remember_device, see_other, signed_out, take_flash,
    },
};
use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use tower_sessions::Session;

#[derive(Template, Default)]
#[template(path = "auth/sign_up.html")]
pub struct SignUpPage {
    pub name: String,
    pub email: String,
    pub organisation: String,
    pub errors: Errors,
}

#[derive(Template, Default)]
#[template(path = "auth/reauthenticate.html")]
pub struct ReauthenticatePage {
    pub email: String,
    pub next: String,
    pub errors: Errors,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct ReauthenticateForm {
    password: String,
    next: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Next {
    next: String,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct SignInForm {
    email: String,
    password: String,
    next: String,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct SignUpForm {
    name: String,
    email: String,
    password: String,
    organisation: String,
}

pub async fn sign_in_page(
    State(app): State<App>,
    who: Option<SignedIn>,
    Query(query): Query<Next>,
) -> Response {
    let next = local_path(&query.next, HOME);
    if who.is_some() {
        return see_other(&next);
    }
    let notice = take_flash().map(|flash| flash.text);
    Page::ok(SignInPage { next, notice, demo: app.demo_hint(), ..SignInPage::default() }).into_response()
}

pub async fn sign_in(
    State(app): State<App>,
    visitor: Visitor,
    session: Session,
    Form(form): Form<SignInForm>,
) -> Result<Response> {
    take_a_try(&app, &form.email)?;
    let next = local_path(&form.next, HOME);
    let entered = super::sign_in(&app, visitor.0, &device(), &form.email, &form.password).await?;
    let Some(login) = entered else {
        let errors = Errors::of_form("That e-mail address or password is not correct.");
        return Ok(Page::mistake(SignInPage {
            email: form.email,
            next,
            errors,
            demo: app.demo_hint(),
            notice: None,
        })
        .into_response());
    };
    begin(&session, login, &form.email).await?;
    Ok(see_other(&next))
}

pub async fn sign_up_page(who: Option<SignedIn>) -> Response {
    match who {
        Some(_) => see_other("/orgs/new"),
        None => Page::ok(SignUpPage::default()).into_response(),
    }
}

pub async fn sign_up(
    State(app): State<App>,
    visitor: Visitor,
    session: Session,
    Form(form): Form<SignUpForm>,
) -> Result<Response> {
    let new = match form.check(&app).await {
        Ok(new) => new,
        Err(errors) => return Ok(form.again(errors)),
    };
    app.limits.take(Rate::SignUp, client_ip())?;
    match super::sign_up(&app, visitor.0, new).await? {
        SignUp::Done { login, slug } => {
            begin(&session, login, &form.email).await?;
            Ok(see_other(&format!("/orgs/{slug}")))
        }
        SignUp::Taken => {
            Ok(form
                .again(Errors::of("email", "An account with this address already exists. Sign in instead.")))
        }
    }
}

impl SignUpForm {
    async fn check(&self, app: &App) -> Result<NewPerson, Errors> {
        let mut errors = Errors::default();
        let name = errors.keep("name", person_name(&self.name));
        let email = errors.keep("email", Email::parse(&self.email));
        let organisation = errors.keep("organisation", orgs::name(&self.organisation));
        let words = [self.name.as_str(), &self.email, &self.organisation];
        let password = errors.keep("password", super::new_password(app, &self.password, &words, false).await);
        match (name, email, organisation, password) {
            (Some(name), Some(email), Some(organisation), Some(password)) => {
                Ok(NewPerson { name, email, password, organisation })
            }
            _ => Err(errors),
        }
    }

    fn again(self, errors: Errors) -> Response {
        let Self { name, email, organisation, .. } = self;
        Page::mistake(SignUpPage { name, email, organisation, errors }).into_response()
    }
}

pub async fn sign_out(
    State(app): State<App>,
    visitor: Visitor,
    who: Option<SignedIn>,
    session: Session,
) -> Result<Response> {
    if let Some(who) = who {
        let origin = crate::db::Origin { user: Some(who.id), ..visitor.0 };
        super::sign_out(&app, origin, &who).await?;
    }
    session.flush().await?;
    Ok(signed_out("/sign-in"))
}

pub async fn reauthenticate_page(who: SignedIn, Query(query): Query<Next>) -> Page<ReauthenticatePage> {
    let (email, next) = (who.email.clone(), local_path(&query.next, HOME));
    Page::ok(ReauthenticatePage { email, next, errors: Errors::default() })
}

pub async fn reauthenticate(
    State(app): State<App>,
    who: SignedIn,
    session: Session,
    Form(form): Form<ReauthenticateForm>,
) -> Result<Response> {
    take_a_try(&app, &who.email)?;
    let next = local_path(&form.next, HOME);
    let origin = origin_of_request(Some(who.id));
    if super::reauthenticate(&app, &origin, &device(), &who, &form.password).await? {
        begin(&session, who.login, &who.email).await?;
        return Ok(see_other(&next));
    }
    let errors = Errors::of("password", "That password is not correct.");
    Ok(Page::mistake(ReauthenticatePage { email: who.email.clone(), next, errors }).into_response())
}

/// Takes a try of this address. A device that knows the account is left to its own tries (tries.rs): a
/// neighbour behind the same address must not use them up.
fn take_a_try(app: &App, email: &str) -> Result<()> {
    if device().knows(email) { Ok(()) } else { app.limits.take(Rate::SignIn, client_ip()) }
}

/// A new session id for a new login, so that an id planted before is worth nothing (session fixation).
async fn begin(session: &Session, login: LoginId, email: &str) -> Result<()> {
    remember_device(email);
    session.cycle_id().await?;
    Ok(session.insert(sessions::LOGIN, login).await?)
}
