//! What goes back to a client. A stand-in for Stripe must also be able to hang up in the middle of it.
use http_body_util::{BodyExt, combinators::BoxBody};
use hyper::{
    HeaderMap, Response, StatusCode,
    body::{Bytes, Frame},
    header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue},
};
use serde_json::Value;
use std::{
    convert::Infallible,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

/// What an answer holds; it may break off, as asked.
pub type Body = BoxBody<Bytes, io::Error>;

/// What goes back, or does not.
pub enum Reply {
    Whole {
        status: u16,
        headers: HeaderMap,
        body: Bytes,
    },
    /// Half of it, and then the connection is gone.
    CutOff {
        status: u16,
        headers: HeaderMap,
        body: Bytes,
    },
    /// The connection is gone without a word.
    HungUp,
}

impl Reply {
    pub fn json(status: u16, body: Value) -> Self {
        Self::of(status, "application/json", body.to_string())
    }

    pub fn html(status: u16, body: String) -> Self {
        Self::of(status, "text/html; charset=utf-8", body)
    }

    pub fn of(status: u16, kind: &'static str, body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        Reply::Whole { status, headers, body: body.into() }
    }

    /// 303.
    pub fn see_other(to: &str) -> Self {
        Self::of(303, "text/plain", "").with("location", to)
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        if let (Reply::Whole { headers, .. } | Reply::CutOff { headers, .. }, Ok(value)) =
            (&mut self, HeaderValue::try_from(value))
        {
            headers.append(HeaderName::from_static(name), value);
        }
        self
    }

    pub fn replayed(self) -> Self {
        self.with("idempotent-replayed", "true")
    }

    pub fn status(&self) -> u16 {
        match self {
            Reply::Whole { status, .. } | Reply::CutOff { status, .. } => *status,
            Reply::HungUp => 0,
        }
    }

    pub fn cut_off(self) -> Self {
        match self {
            Reply::Whole { status, headers, body } => Reply::CutOff { status, headers, body },
            other => other,
        }
    }

    pub fn into_response(self) -> Result<Response<Body>, io::Error> {
        let (status, headers, body) = match self {
            Reply::HungUp => return Err(io::Error::other("hung up, as asked")),
            Reply::Whole { status, headers, body } => {
                let whole =
                    http_body_util::Full::new(body).map_err(|never: Infallible| match never {}).boxed();
                (status, headers, whole)
            }
            Reply::CutOff { status, mut headers, body } => {
                headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
                (status, headers, Half::of(&body).boxed())
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        *response.headers_mut() = headers;
        Ok(response)
    }
}

/// The first half, and then the end of the connection; between them a moment, or hyper would not
/// send the half it has.
struct Half {
    half: Option<Bytes>,
    moment: Pin<Box<tokio::time::Sleep>>,
}

impl Half {
    fn of(body: &Bytes) -> Self {
        let moment = Box::pin(tokio::time::sleep(Duration::from_millis(20)));
        Self { half: Some(body.slice(..body.len() / 2)), moment }
    }
}

impl hyper::body::Body for Half {
    type Data = Bytes;
    type Error = io::Error;
    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(half) = self.half.take() {
            return Poll::Ready(Some(Ok(Frame::data(half))));
        }
        let over = self.moment.as_mut().poll(cx);
        over.map(|()| Some(Err(io::Error::other("cut off, as asked"))))
    }
}
