//! Choosing a password: what is asked of a new one, whoever sets it and wherever.
use super::fields::NewPassword;
use crate::App;

const BREACHED: &str =
    "This password is known from a data breach, so it would be tried first. Choose another one.";

/// A password somebody wants to start using, or what is wrong with it. `words` are those an attacker would try
/// first: name, address, organisation.
pub async fn new_password(
    app: &App,
    typed: &str,
    words: &[&str],
    has_second_factor: bool,
) -> Result<NewPassword, String> {
    let password = NewPassword::parse(typed, words, has_second_factor)?;
    match &app.breaches {
        Some(breaches) if breaches.know(password.reveal()).await => Err(BREACHED.to_owned()),
        _ => Ok(password),
    }
}
