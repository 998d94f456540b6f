//! The control panel and its API: STUB, being written.
use super::{Sandbox, api, http::Reply};

pub async fn answer(_: &Sandbox, _: api::Request) -> Reply {
    Reply::html(404, "nothing here".into())
}
