//! Around every route: the request's id and log line, the origin check, the deadline, the headers.
use super::{
    Headers,
    context::{self, Context},
    flash, origin,
};
use crate::{
    App,
    error::{Error, Malformed, Result},
};
use axum::{
    extract::{MatchedPath, Request, State},
    http::{
        HeaderName, HeaderValue,
        header::{CONTENT_ENCODING, COOKIE, HOST, SET_COOKIE},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::time::{Duration, Instant};
use tracing::Instrument;

/// For everything; the portal click, the slowest, has 15 s of its own inside.
const DEADLINE: Duration = Duration::from_secs(30);

pub async fn frame(State((app, headers)): State<(App, Headers)>, request: Request, next: Next) -> Response {
    let context = Context::of(&request, &app.config.trusted_proxies);
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", |p| p.as_str()).to_owned();
    let (method, started) = (request.method().clone(), Instant::now());
    let span = tracing::info_span!("request", id = context.request_id, %method, route,
        ip = %context.ip, user = tracing::field::Empty, org = tracing::field::Empty);
    let work = async move {
        let mut response = answer(&app, request, next).await;
        finish(&app, &headers, &mut response);
        let (status, ms) = (response.status().as_u16(), started.elapsed().as_millis() as u64);
        tracing::info!(status, ms, "answered");
        response
    };
    context.scope(work.instrument(span)).await
}

async fn answer(app: &App, request: Request, next: Next) -> Response {
    if let Err(refused) = admit(app, &request) {
        return refused.into_response();
    }
    if let Some(cookies) = request.headers().get(COOKIE).and_then(|v| v.to_str().ok()) {
        flash::arrive(app, cookies);
    }
    match tokio::time::timeout(DEADLINE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Error::Busy.into_response(),
    }
}

fn admit(app: &App, request: &Request) -> Result<()> {
    let mut hosts = request.headers().get_all(HOST).iter();
    if hosts.next().is_none() || hosts.next().is_some() {
        return Err(Error::Malformed(Malformed::Head, "no Host, or two"));
    }
    if request.headers().contains_key(CONTENT_ENCODING) {
        return Err(Error::Malformed(Malformed::MediaType, "compressed request"));
    }
    origin::check(request.method(), request.headers(), &app.config.public_url)
}

fn finish(app: &App, headers: &Headers, response: &mut Response) {
    if let Some(cookie) = flash::leave(app) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    if let Ok(id) = HeaderValue::try_from(context::request_id()) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), id);
    }
    headers.add_to(response.headers_mut());
}
