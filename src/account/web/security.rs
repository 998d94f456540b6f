//! The security page: the password, and where I am signed in.
use crate::{
    App,
    auth::{self, LoginRow, Proof},
    db::LoginId,
    error::{Error, Result},
    web::{
        Errors, Form, Page, Path, RecentSignIn, Shell, SignedIn, device, flash, origin_of_request, see_other,
    },
    words,
};
use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use tower_sessions::Session;

#[derive(Template)]
#[template(path = "account/security.html")]
pub struct SecurityPage {
    pub shell: Shell,
    pub email: String,
    pub shortest: usize,
    pub sessions: Vec<SessionLine>,
    pub errors: Errors,
}

/// One of my sign-ins.
pub struct SessionLine {
    pub id: String,
    /// `Firefox on Windows`
    pub browser: String,
    pub ip: String,
    pub began: String,
    pub last_seen: String,
    /// `with your password`
    pub by: &'static str,
    pub is_this: bool,
}

impl SecurityPage {
    fn has_others(&self) -> bool {
        self.sessions.iter().any(|session| !session.is_this)
    }
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct PasswordForm {
    current_password: String,
    new_password: String,
    /// `on`: other sign-ins stay.
    keep_others: String,
}

pub async fn show(State(app): State<App>, who: SignedIn) -> Result<Page<SecurityPage>> {
    page(&app, &who, Errors::default()).await.map(Page::ok)
}

pub async fn change_password(
    State(app): State<App>,
    (who, _recent): (SignedIn, RecentSignIn),
    session: Session,
    Form(form): Form<PasswordForm>,
) -> Result<Response> {
    let words = [who.name.as_str(), &who.email];
    let new = match auth::new_password(&app, &form.new_password, &words, false).await {
        Ok(new) => new,
        Err(message) => return mistake(&app, &who, Errors::of("new_password", message)).await,
    };
    let (origin, keeps_others) = (origin_of_request(Some(who.id)), form.keep_others == "on");
    let from = (&origin, &device());
    if !auth::change_password(&app, from, &who, &form.current_password, &new, keeps_others).await? {
        let errors = Errors::of("current_password", "That password is not correct.");
        return mistake(&app, &who, errors).await;
    }
    // A new id after new credentials, as after a sign-in.
    session.cycle_id().await?;
    let others = if keeps_others { "" } else { " You are signed out everywhere else." };
    flash("success", format!("Your password is changed.{others}"));
    Ok(see_other("/account/security"))
}

pub async fn end_session(
    State(app): State<App>,
    (who, _recent): (SignedIn, RecentSignIn),
    Path(id): Path<LoginId>,
) -> Result<Response> {
    match auth::end_session(&app, &origin_of_request(Some(who.id)), &who, id).await? {
        true if id == who.login => Ok(see_other("/sign-in")),
        true => {
            flash("success", "That session has ended.");
            Ok(see_other("/account/security"))
        }
        false => Err(Error::NotFound),
    }
}

pub async fn end_other_sessions(
    State(app): State<App>,
    (who, _recent): (SignedIn, RecentSignIn),
) -> Result<Response> {
    match auth::end_other_sessions(&app, &origin_of_request(Some(who.id)), &who).await? {
        0 => flash("info", "You were not signed in anywhere else."),
        ended => flash("success", format!("{} ended.", words::several(ended as i64, "session"))),
    }
    Ok(see_other("/account/security"))
}

async fn mistake(app: &App, who: &SignedIn, errors: Errors) -> Result<Response> {
    Ok(Page::mistake(page(app, who, errors).await?).into_response())
}

async fn page(app: &App, who: &SignedIn, errors: Errors) -> Result<SecurityPage> {
    let logins = auth::valid_logins(app, who.id).await?;
    Ok(SecurityPage {
        shell: Shell::of(who, "account"),
        email: who.email.clone(),
        shortest: auth::shortest_password(false),
        sessions: logins.into_iter().map(|login| line(login, who.login)).collect(),
        errors,
    })
}

fn line(login: LoginRow, this: LoginId) -> SessionLine {
    SessionLine {
        id: login.id.to_string(),
        browser: auth::browser_in_words(&login.user_agent),
        ip: login.ip,
        began: words::minute(login.created_at),
        last_seen: words::minute(login.seen_at),
        by: match login.reauthenticated_by {
            Proof::Password => "with your password",
        },
        is_this: login.id == this,
    }
}
