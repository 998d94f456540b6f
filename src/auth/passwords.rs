//! Argon2id behind a bounded queue: hashing is the one thing here that can eat the machine.
use crate::{
    config,
    error::{Error, Result},
};
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// Callers that may wait for a core; the next is told to come back.
const WAITING: usize = 32;
const WAIT: Duration = Duration::from_secs(2);

pub struct Passwords {
    argon2: Argon2<'static>,
    /// What a hash made with today's cost begins with.
    prefix: String,
    /// Verified against when there is no such person, so that it takes as long. Nothing matches it.
    nobody: String,
    /// One for each core: more would only take memory.
    cores: Arc<Semaphore>,
    places: Semaphore,
}

impl Passwords {
    pub fn new(cost: config::Argon2) -> Self {
        let config::Argon2 { memory_kib, time } = cost;
        let params = Params::new(memory_kib, time, 1, None).unwrap_or_default();
        let prefix = format!("$argon2id$v=19$m={memory_kib},t={time},p=1$");
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            nobody: format!("{prefix}bm9ib2R5IGlzIGhlcmU$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            prefix,
            cores: Arc::new(Semaphore::new(cores)),
            places: Semaphore::new(cores + WAITING),
        }
    }

    /// A PHC string with a fresh salt.
    pub async fn hash(&self, password: &str) -> Result<String> {
        let (argon2, password) = (self.argon2.clone(), password.to_owned());
        let hashed = self
            .queued(move || argon2.hash_password(password.as_bytes()).map(|hash| hash.to_string()))
            .await?;
        hashed.map_err(|e| Error::broken(e.to_string()))
    }

    /// Whether the password is right. Without a hash it does the same work and says no.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool> {
        let hash = hash.unwrap_or(&self.nobody).to_owned();
        let (argon2, password) = (self.argon2.clone(), password.to_owned());
        self.queued(move || {
            let Ok(known) = PasswordHash::new(&hash) else { return false };
            password.len() <= super::fields::LONGEST
                && argon2.verify_password(password.as_bytes(), &known).is_ok()
        })
        .await
    }

    /// Whether the hash was made with another cost than today's.
    pub fn is_outdated(&self, hash: &str) -> bool {
        !hash.starts_with(&self.prefix)
    }

    async fn queued<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let _place = self.places.try_acquire().map_err(|_| Error::Busy)?;
        let core =
            tokio::time::timeout(WAIT, self.cores.clone().acquire_owned()).await.map_err(|_| Error::Busy)?;
        let core = core.map_err(Error::broken)?;
        // The permit goes with the work: a caller that hangs up does not free a core still hashing.
        let worked = tokio::task::spawn_blocking(move || (work(), drop(core)).0).await;
        worked.map_err(Error::broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cheap() -> Passwords {
        Passwords::new(config::Argon2 { memory_kib: 8, time: 1 })
    }

    #[tokio::test]
    async fn only_the_password_itself_is_right() {
        let passwords = cheap();
        let hash = passwords.hash("correct horse battery").await.unwrap();

        assert!(passwords.verify("correct horse battery", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("correct horse battery ", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("correct horse battery", None).await.unwrap());
        assert!(!passwords.is_outdated(&hash));
        assert!(Passwords::new(config::Argon2 { memory_kib: 16, time: 1 }).is_outdated(&hash));
    }

    #[tokio::test]
    async fn the_stand_in_for_nobody_costs_a_whole_hash() {
        let passwords = Passwords::new(config::Argon2 { memory_kib: 19_456, time: 2 });

        assert!(PasswordHash::new(&passwords.nobody).is_ok(), "else it would be refused without work");
    }

    #[tokio::test]
    async fn past_the_queue_people_are_told_to_come_back() {
        let passwords = Arc::new(cheap());
        let _all =
            passwords.places.acquire_many((passwords.places.available_permits()) as u32).await.unwrap();

        assert!(matches!(passwords.verify("x", None).await, Err(Error::Busy)));
    }
}
