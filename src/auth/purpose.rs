//! What a link in a mail is for.
use crate::text_enum;

text_enum! {
    /// What a token in a mail is for.
    Purpose {
        /// The address becomes the person's confirmed one, whichever they had before.
        ConfirmAddress = "confirm_address",
        ResetPassword = "reset_password",
        /// The address becomes the person's again.
        UndoAddress = "undo_address",
    }
}

impl Purpose {
    /// Its page, in the address of the link: `/verify-email/{token}`.
    pub fn page(self) -> &'static str {
        match self {
            Purpose::ConfirmAddress => "verify-email",
            Purpose::ResetPassword => "reset-password",
            Purpose::UndoAddress => "undo",
        }
    }
}
