//! Limits by address, in memory: each instance guards itself. Limits that must hold across
//! instances (an account's sign-ins) live in the database.
use crate::error::{Error, Result};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock};
use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    time::Duration,
};

/// What is limited, each with a burst and the time in which one more is earned.
#[derive(Clone, Copy, Debug)]
pub enum Rate {
    /// 10 at once, then 10 a minute.
    SignIn,
    /// 10 at once, then one every 6 minutes: an office behind one address can still join in a day.
    SignUp,
    /// 20 at once, then 20 a minute, by organisation's address.
    Portal,
}

pub struct Limits {
    on: bool,
    sign_in: DefaultKeyedRateLimiter<IpAddr>,
    sign_up: DefaultKeyedRateLimiter<IpAddr>,
    portal: DefaultKeyedRateLimiter<IpAddr>,
}

impl Limits {
    pub fn new(on: bool) -> Self {
        let every = |seconds, burst| {
            let quota = Quota::with_period(Duration::from_secs(seconds)).unwrap_or(Quota::per_minute(NonZeroU32::MIN));
            RateLimiter::keyed(quota.allow_burst(burst))
        };
        const TEN: NonZeroU32 = NonZeroU32::new(10).unwrap();
        const TWENTY: NonZeroU32 = NonZeroU32::new(20).unwrap();
        Self { on, sign_in: every(6, TEN), sign_up: every(360, TEN), portal: every(3, TWENTY) }
    }

    pub fn are_on(&self) -> bool {
        self.on
    }

    /// Takes one, or says when the next is due.
    pub fn take(&self, rate: Rate, ip: IpAddr) -> Result<()> {
        if !self.on {
            return Ok(());
        }
        let limiter = self.limiter(rate);
        limiter.check_key(&network(ip)).map_err(|until| {
            let wait = until.wait_time_from(limiter.clock().now());
            Error::TooMany { retry_after_seconds: wait.as_secs() + 1 }
        })
    }

    /// Forgets addresses that are back at a full burst; called every few minutes.
    pub fn tidy(&self) {
        for limiter in [&self.sign_in, &self.sign_up, &self.portal] {
            limiter.retain_recent();
        }
    }

    fn limiter(&self, rate: Rate) -> &DefaultKeyedRateLimiter<IpAddr> {
        match rate {
            Rate::SignIn => &self.sign_in,
            Rate::SignUp => &self.sign_up,
            Rate::Portal => &self.portal,
        }
    }
}

/// One household or host has a whole IPv6 /64; the address alone would be no limit.
fn network(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_sign_in_waits_and_a_neighbour_does_not() {
        let limits = Limits::new(true);
        let (mallory, olivia) = ("2001:db8::1".parse().unwrap(), "2001:db8:0:1::1".parse().unwrap());
        for _ in 0..10 {
            limits.take(Rate::SignIn, mallory).unwrap();
        }

        let same_network = limits.take(Rate::SignIn, "2001:db8::ffff".parse().unwrap());

        assert!(matches!(same_network, Err(Error::TooMany { retry_after_seconds: 1..=7 })));
        assert!(limits.take(Rate::SignIn, olivia).is_ok());
    }
}
