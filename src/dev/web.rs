//! Development only: what the line at the foot of every page says, and the way to the sandbox's panel.
use crate::{
    App, billing,
    error::{Error, Result},
    mail,
    web::{DevLine, Query},
};
use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header::LOCATION},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// The mailbox is counted no more often than this: the line must not cost every request a look-up.
const COUNT_EVERY: Duration = Duration::from_secs(1);

/// When the mailbox was last counted, and what was found.
#[derive(Clone, Default)]
pub struct MailCount(Arc<Mutex<Option<(Instant, i64)>>>);

impl MailCount {
    async fn get(&self, app: &App) -> Option<i64> {
        let known = *self.0.lock().expect("nothing panics while it is held");
        match known {
            Some((at, count)) if at.elapsed() < COUNT_EVERY => Some(count),
            _ => {
                let count = mail::count(app).await.ok()?;
                *self.0.lock().expect("nothing panics while it is held") = Some((Instant::now(), count));
                Some(count)
            }
        }
    }
}

/// Around every page of development.
pub async fn with_dev_line(
    State((app, count)): State<(App, MailCount)>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    let is_page = !["/static/", "/healthz", "/readyz", "/webhooks/"].iter().any(|it| path.starts_with(it));
    if app.config.production || !is_page {
        return next.run(request).await;
    }
    let line = DevLine {
        has_sandbox: !app.config.is_real_stripe(),
        org: org_in(path),
        mails: if app.smtp.is_none() { count.get(&app).await } else { None },
    };
    line.around(next.run(request)).await
}

fn org_in(path: &str) -> Option<String> {
    let slug = path.strip_prefix("/orgs/")?.split('/').next()?;
    (!slug.is_empty() && slug != "new").then(|| slug.to_owned())
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Wanted {
    /// Shows the customer of this organisation.
    org: String,
    /// An id on the panel's first page, such as `clock`.
    at: String,
}

/// To the sandbox's panel. A page of ours leads there, since the panel's port is known only at start.
pub async fn sandbox_panel(State(app): State<App>, Query(wanted): Query<Wanted>) -> Result<Response> {
    if app.config.production || app.config.is_real_stripe() {
        return Err(Error::NotFound);
    }
    let mut panel = app.config.stripe.api_base.join("/_sandbox").map_err(Error::broken)?;
    let customer = match billing::scope_of_slug(&app, &wanted.org, "sandbox panel").await? {
        Some(scope) => billing::customer(&app, &scope).await?,
        None => None,
    };
    match customer {
        Some(customer) => panel.set_path(&format!("/_sandbox/customers/{}", customer.0)),
        None if wanted.at.is_empty() => {}
        None => panel.set_fragment(Some(&wanted.at)),
    }
    let location = HeaderValue::try_from(panel.as_str()).map_err(Error::broken)?;
    Ok((StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response())
}
