//! The four roles of a member, and what each may do.
use crate::text_enum;

text_enum! {
    /// What a member may do. *Billing* in the route table means owner, admin and billing;
    /// *admin* means owner and admin.
    Role { Owner = "owner", Admin = "admin", Billing = "billing", Member = "member" }
}

impl Role {
    pub fn may_bill(self) -> bool {
        matches!(self, Role::Owner | Role::Admin | Role::Billing)
    }

    pub fn may_administer(self) -> bool {
        matches!(self, Role::Owner | Role::Admin)
    }

    pub fn owns(self) -> bool {
        self == Role::Owner
    }

    /// As people read it.
    pub fn word(self) -> &'static str {
        match self {
            Role::Owner => "Owner",
            Role::Admin => "Admin",
            Role::Billing => "Billing",
            Role::Member => "Member",
        }
    }
}
