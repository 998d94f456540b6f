//! The sandbox's hosted pages over HTTP, and in a browser: what people do at Checkout, in the portal
//! and on an invoice, and what Stripe's API says of it afterwards.
mod browser;
mod buttons;
mod checkout;
mod flows;
mod portal;

use crate::support::{
    http::Site,
    sandbox_client::{APP, ASKS, DECLINED, GOOD, NEVER_PAYS, SandboxClient, id},
};
