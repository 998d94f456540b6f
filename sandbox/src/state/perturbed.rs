//! How deliveries go wrong on request, by a chance with a seed: the same seed, the same mishaps.
use super::{Chance, wall_ms};
use crate::{
    objects::Delivery,
    params::{Chances, Params},
    refusal::{Answer, Refusal},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Longer than anybody wants to wait for a test.
const LONGEST_MS: i64 = 600_000;
/// Shuffled deliveries wait for one another: until there is no new one for so long (see `hooks::dispatch`).
/// By their ranks alone, the same seed then gives the same order.
const QUIET_MS: i64 = 200;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Perturbed {
    pub paused: bool,
    /// How likely a delivery happens twice, never, with a wrong signature, with a huge body.
    pub duplicate: f64,
    pub drop: f64,
    pub bad_signature: f64,
    pub oversize: f64,
    /// At least and at most.
    pub delay_ms: [i64; 2],
    pub shuffle: bool,
    pub thin: bool,
    pub api_version: Option<String>,
    pub seed: u64,
    chance: Chance,
}

impl Default for Perturbed {
    fn default() -> Self {
        Self {
            paused: false,
            duplicate: 0.0,
            drop: 0.0,
            bad_signature: 0.0,
            oversize: 0.0,
            delay_ms: [0, 0],
            shuffle: false,
            thin: false,
            api_version: None,
            seed: 0,
            chance: Chance::seeded(0),
        }
    }
}

/// What chance has in store for one delivery.
pub struct Fate {
    pub lost: bool,
    pub doubled: bool,
    bad_signature: bool,
    oversize: bool,
    delay_ms: i64,
    rank: Option<u64>,
    thin: bool,
    api_version: Option<String>,
}

impl Perturbed {
    /// From a request's fields. What it does not name is as if nothing had been asked; `chance` gives
    /// the seed that it does not name.
    pub fn from_fields(fields: Params, chance: &mut Chance) -> Answer<Self> {
        let wanted: Wanted = fields.read()?;
        let seed = match wanted.seed {
            Some(text) => {
                text.parse().map_err(|_| Refusal::invalid(format!("Invalid seed: {text}")).at("seed"))?
            }
            None => chance.next(),
        };
        let part = |given: Option<Chances>| given.unwrap_or_default().0;
        Ok(Self {
            paused: wanted.paused.unwrap_or(false),
            duplicate: part(wanted.duplicate),
            drop: part(wanted.drop),
            bad_signature: part(wanted.bad_signature),
            oversize: part(wanted.oversize),
            delay_ms: delay(&wanted.delay_ms)?,
            shuffle: wanted.shuffle.unwrap_or(false),
            thin: wanted.thin.unwrap_or(false),
            api_version: version(wanted.api_version)?,
            seed,
            chance: Chance::seeded(seed),
        })
    }

    pub fn to_json(&self) -> Value {
        json!({
            "paused": self.paused, "duplicate": self.duplicate, "drop": self.drop, "delay_ms": self.delay_ms,
            "shuffle": self.shuffle, "thin": self.thin, "api_version": self.api_version,
            "bad_signature": self.bad_signature, "oversize": self.oversize, "seed": self.seed,
        })
    }

    /// Whether nothing goes wrong but, perhaps, a pause.
    pub fn is_plain(&self) -> bool {
        let likely = self.duplicate + self.drop + self.bad_signature + self.oversize;
        likely == 0.0 && self.delay_ms == [0, 0] && !self.shuffle && !self.thin && self.api_version.is_none()
    }

    /// For a delivery and the twin it may get. Each draws as often whatever is asked for, so that
    /// one wish does not change what another brings.
    pub fn draw(&mut self) -> [Fate; 2] {
        [self.one(), self.one()]
    }

    fn one(&mut self) -> Fate {
        let [lost, doubled, bad, large, later] = [(); 5].map(|()| self.chance.part());
        let rank = self.chance.next();
        let [least, most] = self.delay_ms;
        let quiet = if self.shuffle { QUIET_MS } else { 0 };
        Fate {
            lost: lost < self.drop,
            doubled: doubled < self.duplicate,
            bad_signature: bad < self.bad_signature,
            oversize: large < self.oversize,
            delay_ms: least + ((most - least + 1) as f64 * later) as i64 + quiet,
            rank: self.shuffle.then_some(rank),
            thin: self.thin,
            api_version: self.api_version.clone(),
        }
    }
}

impl Fate {
    pub fn apply(self, to: &mut Delivery) {
        to.decided = true;
        to.due_ms = wall_ms() + self.delay_ms;
        to.rank = self.rank;
        to.thin = self.thin;
        to.bad_signature = self.bad_signature;
        to.oversize = self.oversize;
        to.api_version = self.api_version;
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    paused: Option<bool>,
    duplicate: Option<Chances>,
    drop: Option<Chances>,
    bad_signature: Option<Chances>,
    oversize: Option<Chances>,
    #[serde(default)]
    delay_ms: Vec<Option<String>>,
    shuffle: Option<bool>,
    thin: Option<bool>,
    api_version: Option<String>,
    seed: Option<String>,
}

fn delay(given: &[Option<String>]) -> Answer<[i64; 2]> {
    if given.iter().all(Option::is_none) {
        return Ok([0, 0]);
    }
    let numbers: Vec<i64> = given.iter().flatten().filter_map(|word| word.parse().ok()).collect();
    match numbers[..] {
        [least, most] if given.len() == 2 && 0 <= least && least <= most && most <= LONGEST_MS => {
            Ok([least, most])
        }
        _ => {
            let said = "Invalid delay_ms: must be [least, most] in milliseconds, at most 600000.";
            Err(Refusal::invalid(said).at("delay_ms"))
        }
    }
}

fn version(version: Option<String>) -> Answer<Option<String>> {
    let right = |text: &String| {
        text.len() <= 40
            && text.starts_with("20")
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
    };
    match version {
        Some(text) if !right(&text) => {
            Err(Refusal::invalid("Invalid api_version: must be like 2025-02-24.acacia").at("api_version"))
        }
        version => Ok(version),
    }
}
