//! HTTP for the sandbox: its own small server, so that it can also hang up in the middle of things.
use crate::{Sandbox, api, paced::Paced, pages, panel, refusal::Refusal, reply::Reply, request::Request};
use http_body_util::{BodyExt, Limited};
use hyper::{
    StatusCode,
    body::{Bytes, Incoming},
    header::{CONNECTION, HOST, HeaderValue},
    http::uri::Authority,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};

/// Names of this machine.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Connections at once; the next waits in the kernel's queue.
const CONNECTIONS: usize = 256;

/// From one request to the next, to the end of the headers.
const HEADER_TIME: Duration = Duration::from_secs(10);

/// A client that lets us wait has to take something of its answer in this time. There is no limit per address: all
/// clients of a loopback server have the same one.
const WRITE_TIME: Duration = Duration::from_secs(10);

/// A connection this old is closed after its next answer.
const OLD: Duration = Duration::from_secs(60);

/// A connection this old is closed whatever its client takes or gives.
const CONNECTION_TIME: Duration = Duration::from_secs(600);

/// Larger bodies than any request of Stripe's.
const BODY_BYTES: usize = 1024 * 1024;

/// Longer than a body takes on loopback.
const BODY_TIME: Duration = Duration::from_secs(20);

/// Until `stop`.
pub async fn serve(sandbox: Sandbox, listener: TcpListener, stop: impl Future<Output = ()>) {
    let (graceful, places) = (GracefulShutdown::new(), Arc::new(Semaphore::new(CONNECTIONS)));
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, place) = tokio::select! {
            () = &mut stop => break,
            next = next(&listener, &places) => next,
        };
        let (sandbox, began) = (sandbox.clone(), Instant::now());
        let service = service_fn(move |request| {
            let sandbox = sandbox.clone();
            async move {
                let mut response = sandbox.answer(request).await?;
                if began.elapsed() > OLD {
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, io::Error>(response)
            }
        });
        let http = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIME)
            .serve_connection(TokioIo::new(Paced::new(stream, WRITE_TIME)), service);
        let connection = graceful.watch(http);
        tokio::spawn(async move {
            tokio::time::timeout(CONNECTION_TIME, connection).await.ok();
            drop(place);
        });
    }
    tokio::time::timeout(Duration::from_secs(2), graceful.shutdown()).await.ok();
}

/// The next connection, once there is a place for it.
async fn next(listener: &TcpListener, places: &Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    let place = places.clone().acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                stream.set_nodelay(true).ok();
                return (stream, place);
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

pub async fn respond(sandbox: &Sandbox, request: hyper::Request<Incoming>) -> Reply {
    let (head, body) = request.into_parts();
    if !is_at_loopback_name(&head) {
        let refusal = Refusal::invalid("The sandbox answers under the names localhost, 127.0.0.1 and [::1].");
        return Reply::json(StatusCode::MISDIRECTED_REQUEST.as_u16(), refusal.body("req_none"));
    }
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

/// Whether the request was sent to this machine by name. A web page whose own name was made to lead
/// here (DNS rebinding) says that name.
fn is_at_loopback_name(head: &hyper::http::request::Parts) -> bool {
    let mut hosts = head.headers.get_all(HOST).iter().map(|host| host.to_str().unwrap_or_default());
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let target = head.uri.authority().map_or(host, Authority::as_str);
    [host, target].iter().all(|name| {
        let name: Option<Authority> = name.parse().ok().filter(|_| !name.contains('@'));
        name.is_some_and(|name| LOOPBACK.iter().any(|ours| ours.eq_ignore_ascii_case(name.host())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_answered() {
        for (host, uri, expected) in [
            ("localhost:12111", "/v1/customers", true),
            ("127.0.0.1", "/v1/customers", true),
            ("[::1]:12111", "/_sandbox", true),
            ("evil.example:12111", "/v1/customers", false),
            ("localhost.evil.example", "/_sandbox", false),
            ("localhost@evil.example", "/_sandbox", false),
            ("localhost", "http://evil.example/_sandbox", false),
        ] {
            let request = hyper::Request::get(uri).header(HOST, host).body(()).unwrap();
            assert_eq!(is_at_loopback_name(&request.into_parts().0), expected, "{host} {uri}");
        }
    }
}
