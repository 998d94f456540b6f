//! Identifiers: UUIDv7 behind a type each, so that a user's id never stands where an org's should.
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, sqlx::Type, serde::Serialize, serde::Deserialize)]
        #[sqlx(transparent, no_pg_array)]
        #[serde(transparent)]
        pub struct $name(pub uuid::Uuid);

        impl $name {
            /// A fresh one, sortable by the time it was made.
            pub fn new() -> Self {
                Self(uuid::Uuid::now_v7())
            }
        }
        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}
/// For the ids of rooms.
pub(crate) use id;

id!(/// An organisation: the tenant.
    OrgId);
id!(/// A person.
    UserId);
id!(/// One sign-in of one person on one device.
    LoginId);
id!(/// An entry of the audit log.
    EventId);
id!(/// One click on a plan, on its way to Checkout.
    AttemptId);
id!(/// One worker's hold of one job.
    LeaseId);

impl OrgId {
    /// The stream of what belongs to no organisation: sign-ins, sign-ups, the installation itself.
    pub const INSTALLATION: OrgId = OrgId(Uuid::nil());
}
