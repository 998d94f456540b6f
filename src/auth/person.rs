//! Whoever is signed in.
use crate::{
    db::{At, LoginId, UserId},
    error::{Error, Result},
};

#[derive(Clone, Debug)]
pub struct Person {
    pub id: UserId,
    pub login: LoginId,
    pub name: String,
    pub email: String,
    /// Whether they have shown that the address is theirs.
    pub is_confirmed: bool,
    /// When they last showed their password or second factor.
    pub reauthenticated_at: At,
    /// While a change of their address can still be undone.
    pub billing_locked_until: Option<At>,
}

impl Person {
    /// Refuses what costs money, or cannot be undone, while the old address may still take the account back.
    pub fn check_billing_lock(&self, now: At) -> Result<()> {
        match self.billing_locked_until.is_some_and(|until| now < until) {
            true => Err(Error::BillingLocked),
            false => Ok(()),
        }
    }
}
