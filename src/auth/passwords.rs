//! Argon2id behind a bounded queue: hashing is the one thing here that can eat the machine.
use crate::{
    config,
    error::{Error, Result},
};
use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::Semaphore;

/// Callers that may wait for a core; the next is told to come back.
const WAITING: usize = 32;
/// The same for those on a device that knows the account: strangers, however many, take none of these places.
const KNOWN_WAITING: usize = 8;
const WAIT: Duration = Duration::from_secs(2);
/// The address space of a buffer, in blocks of 1 KiB, of which a hash uses as much as its cost says. Over
/// 32 MiB glibc asks the system for memory and gives it back when freed; a smaller buffer it would keep.
const BUFFER_BLOCKS: usize = 33 * 1024;

pub struct Passwords {
    params: Params,
    /// What a hash made with today's cost begins with.
    prefix: String,
    /// Verified against when there is no such person, so that it takes as long. Nothing matches it.
    nobody: String,
    /// One for each core: more would only take memory.
    cores: Arc<Semaphore>,
    strangers: Queue,
    known: Queue,
    /// Memory for hashing (19 MiB each), handed from one hash to the next, so that there are never
    /// more than cores. Empty while nobody signs in: idle memory goes back to the system.
    buffers: Arc<Mutex<Vec<Vec<Block>>>>,
}

/// Who shows a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// On a device on which nobody has signed in to this account.
    Stranger,
    KnownDevice,
}

/// Callers who hash or wait for it. Clones share it.
#[derive(Clone)]
struct Queue {
    places: Arc<Semaphore>,
    all_places: usize,
    /// As many as there are cores may ask for one. The rest waits here, so that whoever is in the other queue
    /// is behind one of them at most.
    turns: Arc<Semaphore>,
}

impl Queue {
    fn new(cores: usize, waiting: usize) -> Self {
        let all_places = cores + waiting;
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self { places: semaphore(all_places), all_places, turns: semaphore(cores) }
    }

    fn is_empty(&self) -> bool {
        self.places.available_permits() == self.all_places
    }
}

impl Passwords {
    pub fn new(cost: config::Argon2) -> Self {
        let config::Argon2 { memory_kib, time } = cost;
        let prefix = format!("$argon2id$v=19$m={memory_kib},t={time},p=1$");
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            params: Params::new(memory_kib, time, 1, None).unwrap_or_default(),
            nobody: format!("{prefix}bm9ib2R5IGlzIGhlcmU$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            prefix,
            cores: Arc::new(Semaphore::new(cores)),
            strangers: Queue::new(cores, WAITING),
            known: Queue::new(cores, KNOWN_WAITING),
            buffers: Arc::default(),
        }
    }

    /// A PHC string with a fresh salt.
    pub async fn hash(&self, password: &str) -> Result<String> {
        self.hash_as(Caller::Stranger, password).await
    }

    /// Whether the password is right. Without a hash it does the same work and says no.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool> {
        self.verify_as(Caller::Stranger, password, hash).await
    }

    /// [`Passwords::hash`] in the queue of this caller.
    pub async fn hash_as(&self, caller: Caller, password: &str) -> Result<String> {
        let (params, password) = (self.params.clone(), password.to_owned());
        let hashed = self
            .queued(caller, move |memory| {
                let (salt, version) = (Salt::generate(), Some(Version::V0x13.into()));
                let hash = Some(digest(&params, password.as_bytes(), &salt, memory)?);
                let (algorithm, params) = (Algorithm::Argon2id.ident(), ParamsString::try_from(&params)?);
                let phc = PasswordHash { algorithm, version, params, salt: Some(salt), hash };
                Ok::<_, argon2::password_hash::Error>(phc.to_string())
            })
            .await?;
        hashed.map_err(|e| Error::broken(e.to_string()))
    }

    /// [`Passwords::verify`] in the queue of this caller.
    pub async fn verify_as(&self, caller: Caller, password: &str, hash: Option<&str>) -> Result<bool> {
        let (hash, password) = (hash.unwrap_or(&self.nobody).to_owned(), password.to_owned());
        self.queued(caller, move |memory| {
            password.len() <= super::fields::LONGEST && is_right(&hash, password.as_bytes(), memory)
        })
        .await
    }

    /// Whether the hash was made with another cost than today's.
    pub fn is_outdated(&self, hash: &str) -> bool {
        !hash.starts_with(&self.prefix)
    }

    async fn queued<T: Send + 'static>(
        &self,
        caller: Caller,
        work: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> Result<T> {
        let queue = match caller {
            Caller::Stranger => &self.strangers,
            Caller::KnownDevice => &self.known,
        };
        let place = queue.places.clone().try_acquire_owned().map_err(|_| Error::Busy)?;
        let (turns, cores) = (queue.turns.clone(), self.cores.clone());
        let waited = async { Ok((turns.acquire_owned().await?, cores.acquire_owned().await?)) };
        let waited = tokio::time::timeout(WAIT, waited).await.map_err(|_| Error::Busy)?;
        let (turn, core) = waited.map_err(|closed: tokio::sync::AcquireError| Error::broken(closed))?;
        let (buffers, strangers, known) = (self.buffers.clone(), self.strangers.clone(), self.known.clone());
        // The permits go with the work: a caller that hangs up does not free a core still hashing.
        let worked = tokio::task::spawn_blocking(move || {
            let mut memory = lock(&buffers).pop().unwrap_or_default();
            let outcome = work(&mut memory);
            drop(place);
            let mut kept = lock(&buffers);
            match strangers.is_empty() && known.is_empty() {
                true => kept.clear(), // nobody hashes or waits any more
                false => kept.push(memory),
            }
            drop((core, turn));
            outcome
        });
        worked.await.map_err(Error::broken)
    }
}

fn lock(buffers: &Mutex<Vec<Vec<Block>>>) -> std::sync::MutexGuard<'_, Vec<Vec<Block>>> {
    buffers.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Compared in constant time; whatever cannot be read is wrong.
fn is_right(hash: &str, password: &[u8], memory: &mut Vec<Block>) -> bool {
    let Ok(PasswordHash { algorithm, version, salt: Some(salt), hash: Some(known), params }) =
        PasswordHash::new(hash)
    else {
        return false;
    };
    let Ok(params) = Params::try_from(&params) else { return false };
    algorithm == Algorithm::Argon2id.ident()
        && version == Some(Version::V0x13.into())
        && digest(&params, password, &salt, memory).is_ok_and(|made| made == known)
}

/// 32 bytes of Argon2id, worked out in the memory given, which grows to what the cost needs.
fn digest(
    params: &Params,
    password: &[u8],
    salt: &Salt,
    memory: &mut Vec<Block>,
) -> argon2::password_hash::Result<Output> {
    if memory.capacity() == 0 {
        memory.reserve_exact(BUFFER_BLOCKS.max(params.block_count()));
    }
    memory.resize(params.block_count(), Block::new());
    let mut out = [0; Params::DEFAULT_OUTPUT_LEN];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone()).hash_password_into_with_memory(
        password,
        salt.as_ref(),
        &mut out,
        memory.as_mut_slice(),
    )?;
    Ok(Output::new(&out)?)
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

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn memory_for_hashing_is_shared_while_people_wait_and_given_back_after() {
        let passwords = Arc::new(cheap());
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let crowd = (0..20).map(|n| {
            let passwords = passwords.clone();
            tokio::spawn(async move {
                passwords.hash(&format!("password {n}")).await.map(|_| lock(&passwords.buffers).len())
            })
        });

        for one in crowd.collect::<Vec<_>>() {
            assert!(one.await.unwrap().unwrap() <= cores, "a buffer a core, however many wait");
        }

        assert!(lock(&passwords.buffers).is_empty(), "nobody hashes any more");
    }

    #[tokio::test]
    async fn a_hash_made_by_the_reference_program_opens() {
        // printf 'correct horse battery' | argon2 somesaltsomesalt -id -t 2 -k 64 -p 1 -e
        let known =
            "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$hKAbWgyQdV+xg8l/rwb/M8JbLs4epFAbdbuSAw1BK9I";

        assert!(cheap().verify("correct horse battery", Some(known)).await.unwrap());
    }

    #[tokio::test]
    async fn past_the_queue_strangers_are_told_to_come_back_and_known_devices_are_not() {
        let passwords = cheap();
        let all = passwords.strangers.all_places as u32;
        let _all = passwords.strangers.places.acquire_many(all).await.unwrap();

        assert!(matches!(passwords.verify("x", None).await, Err(Error::Busy)));
        assert!(!passwords.verify_as(Caller::KnownDevice, "x", None).await.unwrap());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_known_device_does_not_stand_behind_strangers_who_wait() {
        let passwords = Arc::new(cheap());
        let cores = passwords.cores.available_permits();
        let busy = passwords.cores.clone().acquire_many_owned(cores as u32).await.unwrap();
        let done = Arc::new(Mutex::new(Vec::new()));
        let show = |caller| {
            let (passwords, done) = (passwords.clone(), done.clone());
            tokio::spawn(async move {
                passwords.verify_as(caller, "x", None).await.unwrap();
                done.lock().unwrap().push(caller);
            })
        };
        let mut all: Vec<_> = (0..cores + 20).map(|_| show(Caller::Stranger)).collect();
        tokio::time::sleep(Duration::from_millis(100)).await;
        all.push(show(Caller::KnownDevice));
        tokio::time::sleep(Duration::from_millis(100)).await;

        drop(busy);
        for one in all {
            one.await.unwrap();
        }

        let at = done.lock().unwrap().iter().position(|caller| *caller == Caller::KnownDevice).unwrap();
        assert!(at <= 2 * cores, "{at} strangers were before them");
    }
}
