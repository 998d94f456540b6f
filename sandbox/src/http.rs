//! HTTP for the sandbox: its own small server, so that it can also hang up in the middle of things.
use crate::{Sandbox, api, pages, panel, refusal::Refusal, reply::Reply, request::Request};
use http_body_util::{BodyExt, Limited};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{rt::TokioIo, server::graceful::GracefulShutdown};
use std::time::Duration;
use tokio::net::TcpListener;

/// Larger bodies than any request of Stripe's.
const BODY_BYTES: usize = 1024 * 1024;

/// Longer than a body takes on loopback.
const BODY_TIME: Duration = Duration::from_secs(20);

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
    let mut request = Request {
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
        Ok(Err(_)) => Some(Refusal::invalid("Request too large.").with_status(413)),
        Err(_) => Some(Refusal::invalid("The request took too long to arrive.").with_status(408)),
    };
    if let Some(refusal) = refused {
        let reply = Reply::json(refusal.status, refusal.body(&request.id));
        return api::with_headers(reply, &request);
    }
    match request.path.split('/').nth(1) {
        Some("v1" | "v2") => api::answer(sandbox, request).await,
        Some("_sandbox") => panel::answer(sandbox, request).await,
        _ => pages::answer(sandbox, request).await,
    }
}
