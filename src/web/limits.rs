//! Limits by address and by organisation, in memory: each instance guards itself. Limits that must hold across
//! instances (an account's sign-ins) live in the database.
use crate::{
    db::{OrgId, UserId},
    error::{Error, Result},
};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock};
use std::{
    hash::Hash,
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
    /// 5 at once, then one every 12 minutes: 5 an hour.
    Forgotten,
    /// 20 at once, then one every 3 minutes: 20 an hour.
    MailedLink,
}

pub struct Limits {
    on: bool,
    sign_in: DefaultKeyedRateLimiter<IpAddr>,
    sign_up: DefaultKeyedRateLimiter<IpAddr>,
    forgotten: DefaultKeyedRateLimiter<IpAddr>,
    mailed_link: DefaultKeyedRateLimiter<IpAddr>,
    export: DefaultKeyedRateLimiter<UserId>,
    stripe: DefaultKeyedRateLimiter<OrgId>,
    stripe_by_person: DefaultKeyedRateLimiter<UserId>,
    changes: DefaultKeyedRateLimiter<UserId>,
}

impl Limits {
    pub fn new(on: bool) -> Self {
        const THREE: NonZeroU32 = NonZeroU32::new(3).unwrap();
        const FIVE: NonZeroU32 = NonZeroU32::new(5).unwrap();
        const TEN: NonZeroU32 = NonZeroU32::new(10).unwrap();
        const TWENTY: NonZeroU32 = NonZeroU32::new(20).unwrap();
        const MANY: NonZeroU32 = NonZeroU32::new(120).unwrap();
        Self {
            on,
            sign_in: RateLimiter::keyed(every(6, TEN)),
            sign_up: RateLimiter::keyed(every(360, TEN)),
            forgotten: RateLimiter::keyed(every(720, FIVE)),
            mailed_link: RateLimiter::keyed(every(180, TWENTY)),
            export: RateLimiter::keyed(every(1200, THREE)),
            stripe: RateLimiter::keyed(every(3, TWENTY)),
            stripe_by_person: RateLimiter::keyed(every(3, TWENTY)),
            changes: RateLimiter::keyed(every(1, MANY)),
        }
    }

    pub fn are_on(&self) -> bool {
        self.on
    }

    /// Takes one click that makes us call Stripe from an organisation: 20 at once, then 20 a minute.
    pub fn take_stripe_call(&self, org: OrgId, person: UserId) -> Result<()> {
        if !self.on {
            return Ok(());
        }
        take(&self.stripe_by_person, &person)?;
        take(&self.stripe, &org)
    }

    /// Takes one change by somebody who is signed in: 120 at once, then one a second. Each may leave an
    /// entry in a log that nothing is ever deleted from.
    pub fn take_change(&self, person: UserId) -> Result<()> {
        if self.on { take(&self.changes, &person) } else { Ok(()) }
    }

    /// Takes one export of somebody's own data: 3 at once, then one every 20 minutes.
    pub fn take_export(&self, person: UserId) -> Result<()> {
        if self.on { take(&self.export, &person) } else { Ok(()) }
    }

    /// Takes one, or says when the next is due.
    pub fn take(&self, rate: Rate, ip: IpAddr) -> Result<()> {
        let limiter = match rate {
            Rate::SignIn => &self.sign_in,
            Rate::SignUp => &self.sign_up,
            Rate::Forgotten => &self.forgotten,
            Rate::MailedLink => &self.mailed_link,
        };
        if self.on { take(limiter, &network(ip)) } else { Ok(()) }
    }

    /// Forgets those that are back at a full burst; called every few minutes.
    pub fn tidy(&self) {
        self.sign_in.retain_recent();
        self.sign_up.retain_recent();
        self.forgotten.retain_recent();
        self.mailed_link.retain_recent();
        self.export.retain_recent();
        self.stripe.retain_recent();
        self.stripe_by_person.retain_recent();
        self.changes.retain_recent();
    }
}

fn every(seconds: u64, burst: NonZeroU32) -> Quota {
    let quota =
        Quota::with_period(Duration::from_secs(seconds)).unwrap_or(Quota::per_minute(NonZeroU32::MIN));
    quota.allow_burst(burst)
}

fn take<K: Clone + Eq + Hash>(limiter: &DefaultKeyedRateLimiter<K>, key: &K) -> Result<()> {
    limiter.check_key(key).map_err(|until| {
        let wait = until.wait_time_from(limiter.clock().now());
        Error::TooMany { retry_after_seconds: wait.as_secs() + 1 }
    })
}

/// One household or host has a whole IPv6 /64; the address alone would be no limit.
pub(super) fn network(ip: IpAddr) -> IpAddr {
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
