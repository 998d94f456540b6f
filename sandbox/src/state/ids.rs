//! Identifiers and chance, from one seed: the same seed and the same calls give the same world.
use serde::{Deserialize, Serialize};

/// SplitMix64: small, even, and not for secrets. The sandbox guards no real ones.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Chance(u64);

impl Chance {
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// From the operating system, so that two sandboxes give different ids.
    pub fn fresh() -> Self {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).ok();
        Self(u64::from_le_bytes(bytes))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// At least 0, below 1.
    pub fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Letters and digits, as in Stripe's ids.
    pub fn word(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        (0..length).map(|_| char::from(LETTERS[(self.next() % LETTERS.len() as u64) as usize])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Chance;

    #[test]
    fn one_seed_gives_one_world() {
        let (mut one, mut two, mut other) = (Chance::seeded(7), Chance::seeded(7), Chance::seeded(8));

        assert_eq!(one.word(24), two.word(24));
        assert_ne!(one.word(24), other.word(24));
        assert!((0.0..1.0).contains(&one.part()));
    }
}
