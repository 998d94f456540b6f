//! Tokens that people get by mail, each for one purpose, one person and one address, to be used once. The database
//! holds a hash of each.
use super::{
    db::{self, Bound},
    purpose::Purpose,
};
use crate::{
    App,
    db::{At, Tx, UserId},
    error::Result,
    mail::Seed,
};
use sha2::{Digest, Sha256};
use time::Duration;

/// Makes a token and ends those before it: of the same purpose and person, and of an undo only those sent to the
/// same address. Else whoever took an account over could end the old owner's undo by a second change.
pub async fn issue(
    tx: &mut Tx,
    purpose: Purpose,
    user: UserId,
    address: &str,
    (now, lifetime): (At, Duration),
    app: &App,
) -> Result<Seed> {
    let seed = Seed::new()?;
    match purpose {
        Purpose::UndoAddress => db::delete_tokens_to(&mut *tx, purpose, user, address).await?,
        _ => db::delete_tokens(&mut *tx, purpose, user).await?,
    };
    let bound = Bound { user_id: user, address: address.to_owned(), created_at: now };
    db::insert_token(tx, hash(&seed.token(app)), purpose, bound, now + lifetime).await?;
    Ok(seed)
}

/// What a token stands for, without using it up. None if it was used, replaced, is too old, or never was.
pub async fn look_up(app: &App, purpose: Purpose, token: &str) -> Result<Option<Bound>> {
    match is_formed(token) {
        true => Ok(db::token(&app.db, hash(token), purpose, app.clock.now()).await?),
        false => Ok(None),
    }
}

/// Uses a token up. Of any number at once, one gets what it stands for.
pub async fn redeem(tx: &mut Tx, purpose: Purpose, token: &str, now: At) -> Result<Option<Bound>> {
    match is_formed(token) {
        true => Ok(db::take_token(tx, hash(token), purpose, now).await?),
        false => Ok(None),
    }
}

/// Ends every token of one purpose that a person has.
pub async fn end(tx: &mut Tx, purpose: Purpose, user: UserId) -> Result<()> {
    Ok(db::delete_tokens(tx, purpose, user).await.map(drop)?)
}

/// Whether it could be one: 64 hex digits.
pub fn is_formed(token: &str) -> bool {
    token.len() == 64 && token.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}
