//! What every web.rs shares: who may enter, what a form is, what a page is, what every answer carries.
pub mod accept;
mod answer;
pub mod assets;
mod context;
mod dev;
mod device;
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
mod paging;
mod redirect;
mod room;
mod sign_in;
mod signer;
mod to_the_end;

pub use answer::unsaved_session;
pub use context::{Flash, client_ip, is_htmx, origin_of_request, request_id};
pub use dev::{DevLine, dev_line};
pub use device::{device, remember_device};
pub use extract::{Form, Path, Query};
pub use flash::{flash, take as take_flash};
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
pub use paging::{PageOf, Paging};
pub use redirect::{ToStripe, leave_for, local_path, see_other};
pub use room::{Nav, Room};
pub use sign_in::{HOME, SignInPage, signed_out};
pub use signer::Signer;
pub use to_the_end::{all_at_their_end, to_the_end};
