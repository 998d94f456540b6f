//! Around every route: the request's id and log line, the origin check, the deadline, the headers.
use super::{
    Headers,
    context::{self, Context},
    device, flash,
    origin::Door,
};
use crate::{
    App,
    error::{Error, Malformed, Result},
};
use axum::{
    extract::{MatchedPath, Request, State},
    http::{
        HeaderName, HeaderValue,
        header::{CONTENT_ENCODING, COOKIE, SET_COOKIE},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tracing::Instrument;

/// For everything; the portal click, the slowest, has 15 s of its own inside.
const DEADLINE: Duration = Duration::from_secs(30);

/// An answer that its handler has written a line about, or has good reason not to.
#[derive(Clone)]
pub struct AlreadyLogged;

/// What the frame needs to know: the product, what every answer carries, and which server this is. Behind
/// an `Arc`, because axum clones it several times a request.
pub type Framing = Arc<(App, Headers, Door)>;

pub async fn frame(State(framing): State<Framing>, request: Request, next: Next) -> Response {
    let (app, headers, door) = &*framing;
    let mut context = Context::of(&request, &app.config.trusted_proxies);
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", |p| p.as_str()).to_owned();
    let (method, started) = (request.method().clone(), Instant::now());
    context.span = tracing::info_span!("request", id = context.request_id, %method, route,
        ip = %context.ip, user = tracing::field::Empty, org = tracing::field::Empty);
    let span = context.span.clone();
    let work = async {
        let mut response = answer(app, door, request, next).await;
        finish(app, headers, &mut response);
        let (status, ms) = (response.status().as_u16(), started.elapsed().as_millis() as u64);
        if response.extensions().get::<AlreadyLogged>().is_none() {
            tracing::info!(status, ms, "answered");
        }
        response
    };
    context.scope(work.instrument(span)).await
}

async fn answer(app: &App, door: &Door, request: Request, next: Next) -> Response {
    if let Err(refused) = admit(door, &request) {
        return refused.into_response();
    }
    if let Some(cookies) = request.headers().get(COOKIE).and_then(|v| v.to_str().ok()) {
        flash::arrive(app, cookies);
        device::arrive(app, cookies);
    }
    match tokio::time::timeout(DEADLINE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Error::Busy.into_response(),
    }
}

fn admit(door: &Door, request: &Request) -> Result<()> {
    door.check(request.method(), request.uri(), request.headers())?;
    if request.headers().contains_key(CONTENT_ENCODING) {
        return Err(Error::Malformed(Malformed::MediaType, "compressed request"));
    }
    Ok(())
}

fn finish(app: &App, headers: &Headers, response: &mut Response) {
    for cookie in [flash::leave(app), device::leave(app)].into_iter().flatten() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    if let Ok(id) = HeaderValue::try_from(context::request_id()) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), id);
    }
    headers.add_to(response.headers_mut());
}
