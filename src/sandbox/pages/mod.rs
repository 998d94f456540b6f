//! Hosted pages: STUB, being written.
use super::{Sandbox, api, http::Reply};

pub async fn answer(sandbox: &Sandbox, request: api::Request) -> Reply {
    if let Some(secret) = request.path.strip_prefix("/p/session/") {
        let text = sandbox
            .look(|w| {
                let session = w.portal_sessions.iter().find(|s| s.secret == secret)?;
                let customer = w.customers.get(&session.customer)?;
                let back = session.return_url.clone().unwrap_or_default();
                Some(format!("<!doctype html><h1>{}</h1><a href=\"{back}\">Back</a>", customer.name.clone()?))
            })
            .await;
        return text.map_or(Reply::html(404, "gone".into()), |text| Reply::html(200, text));
    }
    Reply::html(404, "nothing here".into())
}
