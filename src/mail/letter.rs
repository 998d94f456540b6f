//! One mail as text and as HTML, whatever it is about.
use crate::error::{Error, Result};
use askama::Template;

/// What every mail is made of.
pub struct Letter<'a> {
    /// A stable word for what it is: `reset_password`.
    pub kind: &'static str,
    pub subject: String,
    pub paragraphs: Vec<String>,
    /// Its label, and the whole address that it leads to.
    pub button: Option<(&'a str, &'a str)>,
    /// `of your role at Acme`
    pub because: String,
}

/// A mail, ready to be sent.
#[derive(Clone, Debug)]
pub struct Mail {
    pub kind: &'static str,
    pub subject: String,
    pub text: String,
    pub html: String,
}

#[derive(Template)]
#[template(path = "mail/letter.html")]
struct Html<'a> {
    letter: &'a Letter<'a>,
}

#[derive(Template)]
#[template(path = "mail/letter.txt")]
struct Text<'a> {
    letter: &'a Letter<'a>,
}

impl Letter<'_> {
    pub fn render(self) -> Result<Mail> {
        let html = Html { letter: &self }.render().map_err(Error::broken)?;
        let text = Text { letter: &self }.render().map_err(Error::broken)?;
        Ok(Mail { kind: self.kind, subject: self.subject, text, html })
    }
}
