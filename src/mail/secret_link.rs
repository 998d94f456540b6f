//! Links that only a mail knows. The outbox holds a seed in place of the token: with it and `APP_SECRET` the token
//! is made anew when the mail is sent or shown, so that a copy of the database opens nothing.
use crate::{
    App,
    error::{Error, Result},
};

/// Where the token stands in the address of a mail that is not sent yet.
pub const TOKEN: &str = "{token}";

/// 32 random bytes in hex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed(String);

impl Seed {
    /// A fresh one. Errors where the system has no random bytes.
    pub fn new() -> Result<Self> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(Error::broken)?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The token of this seed, 64 hex digits. Another one once the first secret of `APP_SECRET` is another.
    pub fn token(&self, app: &App) -> String {
        token(app, &self.0)
    }
}

/// The text of a mail with its link whole.
pub fn with_token(app: &App, text: &str, seed: Option<&str>) -> String {
    match seed {
        Some(seed) => text.replace(TOKEN, &token(app, seed)),
        None => text.to_owned(),
    }
}

fn token(app: &App, seed: &str) -> String {
    app.signer.derived("", &format!("mailed link:{seed}"))
}
