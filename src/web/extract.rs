//! Our own `Path`, `Query` and `Form`, so that every refusal looks like us.
use crate::error::{Error, Malformed};
use axum::{
    RequestExt,
    body::{Body, HttpBody},
    extract::{FromRequest, FromRequestParts, Request},
    http::{header::CONTENT_TYPE, request::Parts},
};
use http_body_util::{BodyExt, Limited};
use serde::de::DeserializeOwned;
use std::time::Duration;

/// No form of ours comes near it.
const FORM_BYTES: usize = 64 * 1024;
/// For the whole body: one byte a second must not hold a connection.
const FORM_TIME: Duration = Duration::from_secs(10);

/// Path parameters; what does not parse is not found.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        is_text(parts.uri.path().as_bytes()).map_err(|_| Error::NotFound)?;
        #[expect(clippy::disallowed_types, reason = "this is the one that wraps it")]
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|found| Path(found.0)).map_err(|_| Error::NotFound)
    }
}

/// The query string; fields carry `#[serde(default)]`, so that a bad link still opens a page.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let query = parts.uri.query().filter(|query| is_text(query.as_bytes()).is_ok()).unwrap_or_default();
        Ok(Query(serde_urlencoded::from_str(query).unwrap_or_default()))
    }
}

/// A form as browsers post it: at most 64 KiB, within 10 s, known fields once each.
/// Fields carry `#[serde(default)]`: a missing one is an empty one, answered at the field.
pub struct Form<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self, Error> {
        let mime = request.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let is_form = mime
            .split(';')
            .next()
            .is_some_and(|m| m.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"));
        let body = read(request.with_limited_body().into_body()).await?;
        if !is_form && !body.is_empty() {
            return Err(Error::Malformed(Malformed::MediaType, "not a form"));
        }
        is_text(&body)?;
        let known = serde_urlencoded::from_bytes(&body);
        known.map(Form).map_err(|_| Error::Malformed(Malformed::Fields, "unknown, repeated or broken fields"))
    }
}

/// UTF-8 once decoded, without a NUL: no page of ours sends another, serde would put U+FFFD in its
/// place, and Postgres keeps no NUL in text.
fn is_text(encoded: &[u8]) -> Result<(), Error> {
    match percent_encoding::percent_decode(encoded).decode_utf8() {
        Ok(text) if text.contains('\0') => Err(Error::Malformed(Malformed::Fields, "a NUL byte")),
        Ok(_) => Ok(()),
        Err(_) => Err(Error::Malformed(Malformed::Fields, "not UTF-8")),
    }
}

async fn read(body: Body) -> Result<Vec<u8>, Error> {
    let too_large = || Error::Malformed(Malformed::TooLarge, "form too large or cut off");
    // Refused before it is asked for: the first look at a body sends `100 Continue`.
    if body.size_hint().lower() > FORM_BYTES as u64 {
        return Err(too_large());
    }
    let whole = tokio::time::timeout(FORM_TIME, Limited::new(body, FORM_BYTES).collect()).await;
    match whole {
        Ok(Ok(body)) => Ok(body.to_bytes().into()),
        Ok(Err(_)) => Err(too_large()),
        Err(_) => Err(Error::Malformed(Malformed::TooSlow, "form too slow")),
    }
}
