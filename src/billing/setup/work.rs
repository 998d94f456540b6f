//! The report of a comparison, and what its steps share.
use crate::{config::Config, stripe::Stripe};
use secrecy::SecretString;

/// What a comparison found, in the order of its steps.
#[derive(Debug, Default)]
pub struct Report {
    pub findings: Vec<Finding>,
    /// The secret of an endpoint made just now. Stripe gives it only then.
    pub secret: Option<SecretString>,
    /// What needed no change.
    pub right: Vec<String>,
}

#[derive(Debug)]
pub struct Finding {
    pub part: Part,
    /// `price pro_month: amount is 3000, should be 2900`
    pub drift: String,
    pub outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Product,
    Price,
    Portal,
    Endpoint,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Found by `verify`, which changes nothing.
    Drift,
    Mended,
    /// Left alone: only a person can decide it.
    Left,
}

/// What may be changed at Stripe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mending {
    None,
    All,
    /// All, and an endpoint with another API version is replaced by a new one, which has a new secret.
    WithEndpoint,
}

/// One comparison under way.
pub struct Work<'w> {
    pub stripe: &'w Stripe,
    pub config: &'w Config,
    pub mending: Mending,
    pub report: &'w mut Report,
}

impl Work<'_> {
    /// Whether Stripe may be changed.
    pub fn mends(&self) -> bool {
        self.mending != Mending::None
    }

    /// Notes a difference, which is mended now if anything may be.
    pub fn found(&mut self, part: Part, drift: String) {
        let outcome = if self.mends() { Outcome::Mended } else { Outcome::Drift };
        self.report.findings.push(Finding { part, drift, outcome });
    }

    /// Notes a difference that is not ours to mend.
    pub fn left(&mut self, part: Part, drift: String) {
        let outcome = if self.mends() { Outcome::Left } else { Outcome::Drift };
        self.report.findings.push(Finding { part, drift, outcome });
    }

    /// Notes what needs no change.
    pub fn right(&mut self, what: String) {
        self.report.right.push(what);
    }
}
