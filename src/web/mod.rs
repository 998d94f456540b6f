//! What every web.rs shares: who may enter, what a form is, what a page is, what every answer carries.
pub mod accept;
pub mod assets;
mod context;
mod extract;
mod flash;
mod form;
mod frame;
mod guards;
mod headers;
mod limits;
mod once_a_minute;
mod origin;
pub mod page;
mod redirect;
mod signer;

pub use context::{client_ip, is_htmx, origin_of_request, request_id};
pub use extract::{Form, Path, Query};
pub use flash::{Flash, flash};
pub use form::Errors;
pub use frame::{AlreadyLogged, frame};
pub use guards::{
    Admin, BillingManager, Member, Owner, RecentSignIn, RecentSignInForBilling, SignedIn, Visitor,
};
pub use headers::Headers;
pub use limits::{Limits, Rate};
pub use once_a_minute::OnceAMinute;
pub use origin::Door;
pub use page::{OrgLink, Page, Shell};
pub use redirect::{ToStripe, leave_for, local_path, see_other};
pub use signer::Signer;
