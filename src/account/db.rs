//! SQL of whoever is signed in.
use crate::{
    billing::plans::Plan,
    db::{At, Exec, LoginId, OrgId, Result, UserId},
    orgs::Role,
    sql,
};

/// One row for each organisation of the person; a single one without `org_id` if they have none.
#[derive(sqlx::FromRow)]
pub struct AccountRow {
    pub user_id: UserId,
    pub name: String,
    pub email: String,
    pub created_at: At,
    pub seen_at: At,
    pub email_verified_at: Option<At>,
    pub billing_locked_until: Option<At>,
    pub reauthenticated_at: At,
    pub org_id: Option<OrgId>,
    pub slug: Option<String>,
    pub org_name: Option<String>,
    pub role: Option<Role>,
    pub status: Option<String>,
    pub plan: Option<Plan>,
    pub cancel_at: Option<At>,
    pub trial_end: Option<At>,
}

/// A login that was not ended, its person, and their organisations by name. It reads tables of
/// `auth`, `orgs` and `billing` in one statement, because every signed-in page runs it.
pub async fn account(on: impl Exec<'_>, login: LoginId) -> Result<Vec<AccountRow>> {
    sql!(
        on,
        "select l.user_id, u.name, u.email, l.created_at, l.seen_at, l.reauthenticated_at,
                u.email_verified_at, u.billing_locked_until,
                m.org_id, o.slug, o.name as org_name, m.role, s.status, s.plan, s.cancel_at, s.trial_end
         from logins l
         join users u on u.id = l.user_id
         left join members m on m.user_id = l.user_id
         left join orgs o on o.id = m.org_id
         left join billing_state s on s.org_id = m.org_id
         where l.id = $1 and l.revoked_at is null
         order by o.name, o.id",
        login
    )
    .all()
    .await
}
