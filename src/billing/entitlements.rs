//! What an organisation may do, from what it pays for. Stripe's status decides; dates are compared with our clock
//! only for the grace periods.
use super::{
    plans::{Feature, Plan},
    state::BillingState,
};
use crate::{db::At, limit::Limit};
use time::Duration;

/// How long everything works after the first failed payment.
pub const GRACE: Duration = Duration::days(7);
/// How long a status that we do not know takes nothing away.
pub const UNKNOWN_STATUS_GRACE: Duration = Duration::hours(24);

/// How much of it works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Full,
    /// Everything can be seen and bills can be paid; nothing can be added or changed.
    ReadOnly,
}

/// What the plan allows at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entitlements {
    pub plan: Plan,
    pub access: Access,
    /// Seats that are paid for, where seats are sold.
    seats: Option<i64>,
}

impl Entitlements {
    pub fn of(state: &BillingState, now: At) -> Self {
        let within = |span| state.trouble_since.is_none_or(|since| now < since + span);
        let (plan, access) = match state.status.as_deref() {
            Some("active" | "trialing") => (state.plan, Access::Full),
            Some("past_due") if within(GRACE) => (state.plan, Access::Full),
            Some("past_due" | "unpaid") => (state.plan, Access::ReadOnly),
            Some("paused" | "incomplete" | "incomplete_expired" | "canceled") | None => {
                (Plan::Free, Access::Full)
            }
            Some(_) if within(UNKNOWN_STATUS_GRACE) => (state.plan, Access::Full),
            Some(_) => (Plan::Free, Access::Full),
        };
        let seats = state.quantity.filter(|_| plan.offer().per_seat);
        Self { plan, access, seats }
    }

    pub fn allows(&self, feature: Feature) -> bool {
        self.access == Access::Full && self.plan.offer().allows.contains(&feature)
    }

    /// How many there may be in all. None: no limit. Paid seats follow the members, so they do not limit them.
    pub fn limit(&self, limit: &Limit) -> Option<i64> {
        self.plan.offer().limit(limit.one)
    }

    /// How many more there may be when `used` are there, at least 0. None: no limit. After a downgrade there may be
    /// more than the limit: nothing is deleted, and nothing can be added.
    pub fn remaining(&self, limit: &Limit, used: i64) -> Option<i64> {
        match self.access {
            Access::ReadOnly => Some(0),
            Access::Full => self.limit(limit).map(|limit| (limit - used).max(0)),
        }
    }

    /// Seats that are paid for, where the plan sells seats.
    pub fn seats(&self) -> Option<i64> {
        self.seats
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orgs::MEMBERS;

    fn state(status: &str, trouble: Option<i64>) -> BillingState {
        let (status, trouble_since) = (Some(status.to_owned()), trouble.map(At::from_unix));
        BillingState { status, plan: Plan::Pro, trouble_since, ..BillingState::default() }
    }

    #[test]
    fn a_failed_payment_leaves_a_week_and_then_what_is_there_can_be_read() {
        let failed = state("past_due", Some(0));

        let at_first = Entitlements::of(&failed, At::from_unix(6 * 86_400));
        let later = Entitlements::of(&failed, At::from_unix(8 * 86_400));

        let most = at_first.limit(&MEMBERS).expect("a plan with a limit");
        assert_eq!((at_first.access, at_first.remaining(&MEMBERS, most - 1)), (Access::Full, Some(1)));
        assert_eq!((later.access, later.remaining(&MEMBERS, 1)), (Access::ReadOnly, Some(0)));
    }

    #[test]
    fn a_word_we_do_not_know_takes_nothing_away_for_a_day() {
        let strange = state("hibernating", Some(0));

        assert_eq!(Entitlements::of(&strange, At::from_unix(3_600)).plan, Plan::Pro);
        assert_eq!(Entitlements::of(&strange, At::from_unix(90_000)).plan, Plan::Free);
    }

    #[test]
    fn what_has_ended_is_the_free_plan_and_too_much_blocks_only_growth() {
        let ended = Entitlements::of(&state("canceled", None), At::from_unix(0));

        assert_eq!((ended.plan, ended.access), (Plan::Free, Access::Full));
        let most = ended.limit(&MEMBERS).expect("a plan with a limit");
        assert_eq!(ended.remaining(&MEMBERS, most + 20), Some(0));
        assert!(!ended.allows(Feature::AuditExport));
    }
}
