//! Hosted pages: Checkout, the customer portal, invoices. What they change goes through `act.rs`
//! and the engine, as the control API does.
pub mod assets;
mod card_form;
mod checkout;
mod form;
mod invoice;
mod message;
mod page;
mod pdf;
mod portal;
mod sheet;
mod words;

use crate::{Sandbox, reply::Reply, request::Request};
use form::{Form, Wrong};
use hyper::Method;
use message::{bank, message};
use page::html;

pub async fn answer(sandbox: &Sandbox, request: Request) -> Reply {
    if request.method == Method::POST && !is_from_here(&request) {
        return message(
            403,
            "Not from this page",
            "This form was sent from another site, so nothing was done.",
            None,
        );
    }
    let path: Vec<&str> = request.path.split('/').skip(1).collect();
    match (&request.method, &path[..]) {
        (&Method::GET | &Method::HEAD, ["assets", file]) => assets::serve(file),
        (&Method::GET | &Method::HEAD | &Method::POST, ["c", "pay", rest @ ..]) => {
            checkout::answer(sandbox, &request, rest).await
        }
        (&Method::GET | &Method::HEAD | &Method::POST, ["i", rest @ ..]) => {
            invoice::answer(sandbox, &request, rest).await
        }
        (&Method::GET, ["p", "session", secret]) => portal::enter(sandbox, secret).await,
        (&Method::GET | &Method::HEAD | &Method::POST, ["p", rest @ ..]) => {
            portal::answer(sandbox, &request, rest).await
        }
        (_, [""]) => Reply::see_other("/_sandbox"),
        _ => message::not_found(),
    }
}

/// A browser says where a form came from, in one header or the other. Whoever says neither is no
/// browser, and carries no cookie that could be abused.
fn is_from_here(request: &Request) -> bool {
    match (request.header("sec-fetch-site"), request.header("origin")) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => {
            let host = request.header("host").unwrap_or_default();
            origin.strip_prefix("http://") == Some(host)
        }
        (None, None) => true,
    }
}
