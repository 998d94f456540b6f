//! HTTP for the sandbox: its own small server, since a stand-in for Stripe must also be able to hang
//! up in the middle of things.
use super::{Sandbox, api, pages, panel};
use http_body_util::{BodyExt, Limited, combinators::BoxBody};
use hyper::{
    HeaderMap, Response, StatusCode,
    body::{Bytes, Frame, Incoming},
    header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{rt::TokioIo, server::graceful::GracefulShutdown};
use serde_json::Value;
use std::{
    convert::Infallible,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::net::TcpListener;

/// Larger bodies than any request of Stripe's.
const BODY_BYTES: usize = 1024 * 1024;

/// Longer than a body takes on loopback.
const BODY_TIME: Duration = Duration::from_secs(20);

type Body = BoxBody<Bytes, io::Error>;

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

    /// What every answer of Stripe's API carries.
    pub fn with_headers(self, request: &api::Request) -> Self {
        let status = self.status();
        let mut reply = self
            .with("request-id", &request.id)
            .with("stripe-version", request.header("stripe-version").unwrap_or(super::wire::VERSION))
            .with("sandbox-ahead", &request.ahead.to_string())
            .with("cache-control", "no-cache, no-store");
        if let Some(key) = request.header("idempotency-key") {
            reply = reply.with("idempotency-key", key);
        }
        match status {
            409 | 429 => reply.with("stripe-should-retry", "true"),
            500.. => reply.with("stripe-should-retry", "true"),
            _ => reply,
        }
    }

    fn into_response(self) -> Result<Response<Body>, io::Error> {
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

/// Until `stop`.
pub async fn serve(sandbox: Sandbox, listener: TcpListener, stop: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let stream = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        stream.set_nodelay(true).ok();
        let sandbox = sandbox.clone();
        let service = service_fn(move |request| {
            let sandbox = sandbox.clone();
            async move { respond(&sandbox, request).await.into_response() }
        });
        let connection =
            graceful.watch(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move { connection.await.ok() });
    }
    tokio::time::timeout(Duration::from_secs(2), graceful.shutdown()).await.ok();
}

async fn respond(sandbox: &Sandbox, request: hyper::Request<Incoming>) -> Reply {
    let (head, body) = request.into_parts();
    let body = tokio::time::timeout(BODY_TIME, Limited::new(body, BODY_BYTES).collect()).await;
    let (id, ahead) = sandbox.request_id().await;
    let mut request = api::Request {
        id,
        ahead,
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: Bytes::new(),
    };
    let refused = match body {
        Ok(Ok(body)) => {
            request.body = body.to_bytes();
            None
        }
        Ok(Err(_)) => Some(api::Refusal::invalid("Request too large.").with_status(413)),
        Err(_) => Some(api::Refusal::invalid("The request took too long to arrive.").with_status(408)),
    };
    if let Some(refusal) = refused {
        return Reply::json(refusal.status, refusal.body(&request.id)).with_headers(&request);
    }
    match request.path.split('/').nth(1) {
        Some("v1" | "v2") => api::answer(sandbox, request).await,
        Some("_sandbox") => panel::answer(sandbox, request).await,
        _ => pages::answer(sandbox, request).await,
    }
}
