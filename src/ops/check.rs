//! What the doctor found out about one thing.
use crate::config::Config;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Ok,
    Warn,
    Fail,
}

#[derive(Debug)]
pub struct Check {
    pub verdict: Verdict,
    pub about: &'static str,
    /// How it is, and what would be right where it is not.
    pub said: String,
}

impl Check {
    pub fn ok(about: &'static str, said: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ok, about, said: said.into() }
    }

    pub fn warn(about: &'static str, said: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warn, about, said: said.into() }
    }

    pub fn fail(about: &'static str, said: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fail, about, said: said.into() }
    }

    /// What only matters where real people are.
    pub fn fail_in_production(config: &Config, about: &'static str, said: impl Into<String>) -> Self {
        let verdict = if config.production { Verdict::Fail } else { Verdict::Warn };
        Self { verdict, about, said: said.into() }
    }
}
