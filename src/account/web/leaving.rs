//! Taking one's data away, and deleting the account.
use super::page::{Typed, mistake};
use crate::{
    App,
    account::{self, Deleted},
    error::Result,
    web::{Errors, Form, RecentSignIn, SignedIn, flash, origin_of_request, signed_out, to_the_end},
};
use axum::{
    extract::State,
    http::{
        HeaderValue,
        header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use tower_sessions::Session;

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct DeleteForm {
    /// The person's own address, typed by hand.
    confirm: String,
}

/// Everything that is held about the person, as a zip of JSON.
pub async fn export(State(app): State<App>, (who, _recent): (SignedIn, RecentSignIn)) -> Result<Response> {
    app.limits.take_export(who.id)?;
    let archive = account::export(&app, &origin_of_request(Some(who.id)), who.id).await?;
    const NAME: &str = concat!("attachment; filename=\"", env!("CARGO_PKG_NAME"), "-account.zip\"");
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/zip")),
        (CONTENT_DISPOSITION, HeaderValue::from_static(NAME)),
    ];
    Ok((headers, archive).into_response())
}

pub async fn delete(
    State(app): State<App>,
    (who, _recent): (SignedIn, RecentSignIn),
    session: Session,
    Form(form): Form<DeleteForm>,
) -> Result<Response> {
    who.check_billing_lock(app.clock.now())?;
    if form.confirm.trim().to_lowercase() != who.email {
        let message = format!("That is not {}. Nothing was deleted.", who.email);
        return Ok(refused(&who, form.confirm, message));
    }
    let (origin, person) = (origin_of_request(Some(who.id)), who.clone());
    let deleted = to_the_end(async move { account::delete(&app, &origin, &person).await }).await?;
    match deleted {
        Deleted::Gone => {
            session.flush().await?;
            flash("success", "Your account is deleted.");
            Ok(signed_out("/sign-in"))
        }
        Deleted::OnlyOwnerOf(orgs) => Ok(refused(&who, form.confirm, only_owner(&orgs))),
    }
}

fn refused(who: &SignedIn, confirm: String, message: String) -> Response {
    mistake(who, Typed { confirm, ..Typed::by(who) }, Errors::of("confirm", message))
}

/// Names each, and the way out there is.
fn only_owner(orgs: &[String]) -> String {
    let (last, others) = orgs.split_last().map_or(("", &[][..]), |(last, others)| (last.as_str(), others));
    let named = if others.is_empty() { last.to_owned() } else { format!("{} and {last}", others.join(", ")) };
    let it = if others.is_empty() { "Delete it in its" } else { "Delete them in their" };
    format!("You are the only owner of {named}. {it} settings first. Nothing was deleted.")
}
