//! The pages behind mailed links (confirm an address, choose a new password, undo a change of address), and the one
//! that asks for such a link. Each opens at the token's address, goes on without it, and acts on a POST alone.
use super::token;
use crate::{
    App,
    auth::{self, Confirmed, Email, Purpose, Undone},
    error::Result,
    web::{
        Errors, Form, Page, Path, Query, Rate, Visitor, client_ip, device, flash, remember_device, see_other,
        take_flash,
    },
};
use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

#[derive(Template, Default)]
#[template(path = "auth/forgot_password.html")]
pub struct ForgotPage {
    pub email: String,
    pub is_sent: bool,
    pub errors: Errors,
}

#[derive(Template)]
#[template(path = "auth/reset_password.html")]
pub struct ResetPage {
    pub email: String,
    pub shortest: usize,
    pub notice: Option<String>,
    pub errors: Errors,
}

#[derive(Template)]
#[template(path = "auth/confirm_address.html")]
pub struct ConfirmPage {
    pub email: String,
}

#[derive(Template)]
#[template(path = "auth/undo_address.html")]
pub struct UndoPage {
    pub old: String,
    pub new: String,
}

/// A link that leads nowhere any more, and what to do instead.
#[derive(Template)]
#[template(path = "auth/link_over.html")]
pub struct LinkOverPage {
    pub title: &'static str,
    pub text: &'static str,
    pub href: &'static str,
    pub label: &'static str,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct ForgotForm {
    email: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Sent {
    sent: String,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct ResetForm {
    password: String,
}

pub async fn forgot_page(Query(query): Query<Sent>) -> Page<ForgotPage> {
    Page::ok(ForgotPage { is_sent: !query.sent.is_empty(), ..ForgotPage::default() })
}

/// The same answer for every address.
pub async fn forgot(State(app): State<App>, Form(form): Form<ForgotForm>) -> Result<Response> {
    match Email::parse(&form.email) {
        Ok(email) => {
            app.limits.take(Rate::Forgotten, client_ip())?;
            auth::ask_for_reset(&app, &email).await?;
            Ok(see_other("/forgot-password?sent=1"))
        }
        Err(message) => {
            let errors = Errors::of("email", message);
            Ok(Page::mistake(ForgotPage { email: form.email, is_sent: false, errors }).into_response())
        }
    }
}

pub async fn open_reset(State(app): State<App>, Path(link): Path<String>) -> Response {
    token::open(&app, Purpose::ResetPassword, &link)
}

pub async fn reset_page(State(app): State<App>, headers: HeaderMap) -> Result<Response> {
    let link = token::held(&app, Purpose::ResetPassword, &headers);
    let page = match auth::whose_reset(&app, &link).await? {
        Some(whose) => {
            let notice = take_flash().map(|flash| flash.text);
            Page::ok(ResetPage { notice, ..reset_form(whose.email, Errors::default()) }).into_response()
        }
        None => reset_is_over(),
    };
    Ok(page)
}

pub async fn reset(
    State(app): State<App>,
    Visitor(origin): Visitor,
    Path(link): Path<String>,
    Form(form): Form<ResetForm>,
) -> Result<Response> {
    choose_password(&app, origin, &link, form).await
}

/// The same with the token from the cookie.
pub async fn reset_here(
    State(app): State<App>,
    Visitor(origin): Visitor,
    headers: HeaderMap,
    Form(form): Form<ResetForm>,
) -> Result<Response> {
    let link = token::held(&app, Purpose::ResetPassword, &headers);
    choose_password(&app, origin, &link, form).await
}

async fn choose_password(
    app: &App,
    origin: crate::db::Origin,
    link: &str,
    form: ResetForm,
) -> Result<Response> {
    app.limits.take(Rate::MailedLink, client_ip())?;
    // Before the password is looked at: hashing is not for whoever makes a link up.
    let Some(whose) = auth::whose_reset(app, link).await? else { return Ok(reset_is_over()) };
    let words = [whose.name.as_str(), &whose.email];
    let password = match auth::new_password(app, &form.password, &words, false).await {
        Ok(password) => password,
        Err(message) => {
            let page = reset_form(whose.email, Errors::of("password", message));
            return Ok(Page::mistake(page).into_response());
        }
    };
    if !auth::reset_password(app, origin, link, &password).await? {
        return Ok(reset_is_over());
    }
    flash("success", "Your new password is set. Sign in with it.");
    let mut response = see_other("/sign-in");
    token::forget(&mut response, Purpose::ResetPassword);
    Ok(response)
}

fn reset_form(email: String, errors: Errors) -> ResetPage {
    ResetPage { email, shortest: auth::shortest_password(false), notice: None, errors }
}

pub async fn open_confirm(State(app): State<App>, Path(link): Path<String>) -> Response {
    token::open(&app, Purpose::ConfirmAddress, &link)
}

pub async fn confirm_page(State(app): State<App>, headers: HeaderMap) -> Result<Response> {
    let link = token::held(&app, Purpose::ConfirmAddress, &headers);
    let page = match auth::address_to_confirm(&app, &link).await? {
        Some(email) => Page::ok(ConfirmPage { email }).into_response(),
        None => confirm_is_over(),
    };
    Ok(page)
}

pub async fn confirm(
    State(app): State<App>,
    Visitor(origin): Visitor,
    Path(link): Path<String>,
) -> Result<Response> {
    confirm_with(&app, origin, &link).await
}

/// The same with the token from the cookie.
pub async fn confirm_here(
    State(app): State<App>,
    Visitor(origin): Visitor,
    headers: HeaderMap,
) -> Result<Response> {
    let link = token::held(&app, Purpose::ConfirmAddress, &headers);
    confirm_with(&app, origin, &link).await
}

async fn confirm_with(app: &App, origin: crate::db::Origin, link: &str) -> Result<Response> {
    app.limits.take(Rate::MailedLink, client_ip())?;
    match auth::confirm_address(app, origin, link).await? {
        Confirmed::Yes { address } => flash("success", format!("{address} is confirmed.")),
        Confirmed::Changed { old, new } => {
            // The browser that knew the account by its old address knows it by the new one.
            if device().knows(&old) {
                remember_device(&new);
            }
            flash("success", format!("Your account now uses {new}. Sign in with it from now on."));
        }
        Confirmed::Taken => return Ok(is_taken()),
        Confirmed::Over => return Ok(confirm_is_over()),
    }
    let mut response = see_other("/account");
    token::forget(&mut response, Purpose::ConfirmAddress);
    Ok(response)
}

pub async fn open_undo(State(app): State<App>, Path(link): Path<String>) -> Response {
    token::open(&app, Purpose::UndoAddress, &link)
}

pub async fn undo_page(State(app): State<App>, headers: HeaderMap) -> Result<Response> {
    let link = token::held(&app, Purpose::UndoAddress, &headers);
    let page = match auth::change_to_undo(&app, &link).await? {
        Some(auth::Undoing { old, new }) => Page::ok(UndoPage { old, new }).into_response(),
        None => undo_is_over(),
    };
    Ok(page)
}

pub async fn undo(
    State(app): State<App>,
    Visitor(origin): Visitor,
    Path(link): Path<String>,
) -> Result<Response> {
    undo_with(&app, origin, &link).await
}

/// The same with the token from the cookie.
pub async fn undo_here(
    State(app): State<App>,
    Visitor(origin): Visitor,
    headers: HeaderMap,
) -> Result<Response> {
    let link = token::held(&app, Purpose::UndoAddress, &headers);
    undo_with(&app, origin, &link).await
}

/// On to a new password at once: whoever changed the address may know the one there is.
async fn undo_with(app: &App, origin: crate::db::Origin, link: &str) -> Result<Response> {
    app.limits.take(Rate::MailedLink, client_ip())?;
    match auth::undo_change_of_address(app, origin, link).await? {
        Undone::Yes { address, reset } => {
            flash("success", format!("Your account uses {address} again, and everybody is signed out."));
            let mut response = token::open(app, Purpose::ResetPassword, &reset);
            token::forget(&mut response, Purpose::UndoAddress);
            Ok(response)
        }
        Undone::Taken => Ok(is_taken()),
        Undone::Over => Ok(undo_is_over()),
    }
}

fn reset_is_over() -> Response {
    let text = "It was used already, a newer one was sent, or it is older than 30 minutes. Your password is as it was.";
    over(LinkOverPage { title: OVER, text, href: "/forgot-password", label: "Send another link" })
}

fn confirm_is_over() -> Response {
    let text = "It was used already, a newer one was sent, or it is too old. Your account page says whether your address is confirmed, and sends another link if it is not.";
    over(LinkOverPage { title: OVER, text, href: "/account", label: "Go to your account" })
}

fn undo_is_over() -> Response {
    let text = "It was used already, or it is older than 72 hours. If you cannot get into your account, reset its password.";
    over(LinkOverPage { title: OVER, text, href: "/forgot-password", label: "Reset your password" })
}

fn is_taken() -> Response {
    let text = "Another account uses this address, so nothing was changed. Sign in to that account, or use another address for this one.";
    over(LinkOverPage { title: "This address is taken", text, href: "/account", label: "Go to your account" })
}

const OVER: &str = "This link no longer works";

fn over(page: LinkOverPage) -> Response {
    Page::with_status(StatusCode::NOT_FOUND, page).into_response()
}
