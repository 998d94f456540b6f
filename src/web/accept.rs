//! The accept loop of all our servers: people's, operators' and the embedded sandbox's. Stock
//! `axum::serve` has no time limit and no bound on connections; this one bounds both, and knows
//! which connection to close first when there are no places left.
use super::{limits::network, once_a_minute::OnceAMinute};
use axum::{
    Router,
    body::{Body, HttpBody},
    extract::{ConnectInfo, Request},
    response::Response,
};
use hyper::{
    body::{Frame, Incoming, SizeHint},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use ipnet::IpNet;
use std::{
    collections::HashMap,
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
    time::Sleep,
};
use tower::ServiceExt;

/// Connections of one server at once; the next waits in the kernel's queue.
pub const CONNECTIONS: usize = 1024;
/// Connections of one address (IPv6: of one /64) at once. A proxy of ours is not counted.
pub const CONNECTIONS_OF_AN_ADDRESS: usize = 256;
/// From the first byte of a request, and from one request to the next, to the end of the headers.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// Largest request head.
const HEAD_BYTES: usize = 32 * 1024;
/// A client that lets us wait has to take at least `WRITE_BYTES` in this time.
const WRITE_TIME: Duration = Duration::from_secs(10);
const WRITE_BYTES: usize = 16 * 1024;
/// For requests in flight once we are told to stop.
pub const DRAIN: Duration = Duration::from_secs(25);
/// For a head that is just arriving then.
const LAST_HEAD: Duration = Duration::from_secs(1);
/// Between two tries while there are no file descriptors.
const NO_DESCRIPTORS: Duration = Duration::from_millis(100);

/// Serves a router until `stop`, then lets requests in flight finish.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    serve_behind(&[], listener, router, stop).await;
}

/// The same where proxies stand in front, which may have any number of connections.
pub async fn serve_behind(
    proxies: &[IpNet],
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()>,
) {
    let answer = move |peer, request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo::<SocketAddr>(peer));
        let router = router.clone();
        async move {
            let answered: Result<Response, Infallible> = router.oneshot(request).await;
            answered
        }
    };
    serve_with(proxies, listener, answer, stop).await;
}

/// The same for whatever answers HTTP. An error in place of an answer closes the connection.
pub async fn serve_with<A, F, B, E>(
    proxies: &[IpNet],
    listener: TcpListener,
    answer: A,
    stop: impl Future<Output = ()>,
) where
    A: Fn(SocketAddr, hyper::Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<hyper::Response<B>, E>> + Send + 'static,
    B: HttpBody<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + Unpin + 'static,
    E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
{
    let places = Arc::new(Places::new(CONNECTIONS, CONNECTIONS_OF_AN_ADDRESS));
    let (stopping, stopped) = watch::channel(false);
    let mut stop = std::pin::pin!(stop);
    while let Some((stream, peer)) = next(&listener, &places, stop.as_mut()).await {
        let capped = !proxies.iter().any(|net| net.contains(&peer.ip()));
        let place = tokio::select! {
            () = &mut stop => break,
            place = places.take(network(peer.ip()), capped) => place,
        };
        if let Some(place) = place {
            let answer = answer.clone();
            let answer = move |request| answer(peer, request);
            tokio::spawn(connection(stream, place, answer, stopped.clone()));
        }
    }
    drop((listener, stopped));
    stopping.send_replace(true);
    // Each connection ends itself in time.
    stopping.closed().await;
}

/// The next connection; none once we are told to stop.
async fn next(
    listener: &TcpListener,
    places: &Places,
    mut stop: Pin<&mut impl Future<Output = ()>>,
) -> Option<(TcpStream, SocketAddr)> {
    static FAILED: OnceAMinute = OnceAMinute::new();
    loop {
        let accepted = tokio::select! {
            () = &mut stop => return None,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                return Some((stream, SocketAddr::new(peer.ip().to_canonical(), peer.port())));
            }
            // Out of file descriptors: an idle connection gives one back as soon as it is closed, and waiting
            // does.
            Err(error) => {
                if let Some(times) = FAILED.due() {
                    tracing::warn!(%error, times, "accept");
                }
                let freed = places.freed.notified();
                let closed = places.close_idle(|_| true);
                tokio::select! {
                    () = &mut stop => return None,
                    () = freed, if closed => {}
                    () = tokio::time::sleep(NO_DESCRIPTORS) => {}
                }
            }
        }
    }
}

async fn connection<A, F, B, E>(
    stream: TcpStream,
    place: TakenPlace,
    answer: A,
    mut stopped: watch::Receiver<bool>,
) where
    A: Fn(hyper::Request<Incoming>) -> F,
    F: Future<Output = Result<hyper::Response<B>, E>>,
    B: HttpBody<Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Unpin + 'static,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "nodelay");
    }
    let service = service_fn(|request| {
        let in_flight = InFlight::begin(&place.0);
        let answered = answer(request);
        async move { answered.await.map(|response| response.map(|body| Counted { body, _in_flight: in_flight })) }
    });
    let http = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(Paced { stream, place: place.0.clone(), wait: None }), service);
    let mut http = std::pin::pin!(http);
    let told_to_stop = async { drop(stopped.wait_for(|stopped| *stopped).await) };
    let ended = tokio::select! {
        ended = &mut http => ended,
        () = place.0.close.notified() => return,
        () = told_to_stop => {
            http.as_mut().graceful_shutdown();
            let patience = if place.0.is_idle() { LAST_HEAD } else { DRAIN };
            match tokio::time::timeout(patience, http).await {
                Ok(ended) => ended,
                Err(_) => return tracing::warn!("stopped with a request still in flight"),
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection");
    }
}

/// Who is connected to one server.
struct Places {
    most: usize,
    most_of_a_network: usize,
    taken: Mutex<Taken>,
    freed: Notify,
}

#[derive(Default)]
struct Taken {
    next: u64,
    places: HashMap<u64, Arc<Place>>,
}

/// One connection's.
struct Place {
    network: IpAddr,
    state: Mutex<PlaceState>,
    /// Bytes of an answer wait for the client.
    is_writing: AtomicBool,
    close: Notify,
}

struct PlaceState {
    requests: usize,
    /// When the last request ended, or the connection began.
    since: Instant,
}

/// Gives the place back when the connection ends.
struct TakenPlace(Arc<Place>, u64, Arc<Places>);

impl Drop for TakenPlace {
    fn drop(&mut self) {
        lock(&self.2.taken).places.remove(&self.1);
        self.2.freed.notify_one();
    }
}

impl Places {
    fn new(most: usize, most_of_a_network: usize) -> Self {
        Self { most, most_of_a_network, taken: Mutex::default(), freed: Notify::new() }
    }

    /// A place, once there is one. None for a network that has its share of requests in flight.
    async fn take(self: &Arc<Self>, network: IpAddr, capped: bool) -> Option<TakenPlace> {
        static OVER: OnceAMinute = OnceAMinute::new();
        let of_network = |place: &Place| place.network == network;
        let held = lock(&self.taken).places.values().filter(|place| of_network(place)).count();
        if capped && held >= self.most_of_a_network && !self.close_idle(of_network) {
            if let Some(times) = OVER.due() {
                tracing::warn!(%network, times, "connection refused: too many of one address");
            }
            return None;
        }
        while lock(&self.taken).places.len() >= self.most && !self.close_idle(|_| true) {
            self.freed.notified().await;
        }
        let state = Mutex::new(PlaceState { requests: 0, since: Instant::now() });
        let place =
            Arc::new(Place { network, state, is_writing: AtomicBool::new(false), close: Notify::new() });
        let mut taken = lock(&self.taken);
        taken.next += 1;
        let id = taken.next;
        taken.places.insert(id, place.clone());
        Some(TakenPlace(place, id, self.clone()))
    }

    /// Closes the connection that has been without a request for longest. False if there is none.
    fn close_idle(&self, of: impl Fn(&Place) -> bool) -> bool {
        let mut taken = lock(&self.taken);
        let idle = taken.places.iter().filter(|(_, place)| of(place) && place.is_idle());
        let Some(id) = idle.min_by_key(|(_, place)| lock(&place.state).since).map(|(id, _)| *id) else {
            return false;
        };
        if let Some(place) = taken.places.remove(&id) {
            place.close.notify_one();
        }
        true
    }
}

impl Place {
    /// Between two requests, or before the end of a head.
    fn is_idle(&self) -> bool {
        lock(&self.state).requests == 0 && !self.is_writing.load(Relaxed)
    }
}

/// From a request's head to the end of its answer's body.
struct InFlight(Arc<Place>);

impl InFlight {
    fn begin(place: &Arc<Place>) -> Self {
        lock(&place.state).requests += 1;
        Self(place.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.requests -= 1;
        state.since = Instant::now();
    }
}

/// A body that counts as in flight until it has been handed over.
struct Counted<B> {
    body: B,
    _in_flight: InFlight,
}

impl<B: HttpBody + Unpin> HttpBody for Counted<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream that gives a client up which takes too little of its answer.
struct Paced {
    stream: TcpStream,
    place: Arc<Place>,
    wait: Option<Wait>,
}

/// Began when the client first let us wait; ends when it has taken enough, or everything.
struct Wait {
    over: Pin<Box<Sleep>>,
    taken: usize,
}

impl Paced {
    fn judge(&mut self, written: Poll<io::Result<usize>>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &written {
            let enough = self.wait.as_mut().is_some_and(|wait| {
                wait.taken += bytes;
                wait.taken >= WRITE_BYTES
            });
            if enough {
                self.wait = None;
            }
        }
        if written.is_ready() {
            return written;
        }
        self.place.is_writing.store(true, Relaxed);
        let begun = || Wait { over: Box::pin(tokio::time::sleep(WRITE_TIME)), taken: 0 };
        ready!(self.wait.get_or_insert_with(begun).over.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes too little")))
    }
}

impl AsyncRead for Paced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Paced {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.judge(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.judge(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Hyper flushes when it has written all it had.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wait = None;
        self.place.is_writing.store(false, Relaxed);
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// No code panics while it holds one of these, and a count is good even if it did.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MALLORY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 9));
    const OLIVIA: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 7));

    async fn was_closed(place: &TakenPlace) -> bool {
        tokio::time::timeout(Duration::from_millis(1), place.0.close.notified()).await.is_ok()
    }

    #[tokio::test]
    async fn the_longest_idle_is_closed_first_when_places_run_out() {
        let places = Arc::new(Places::new(3, 9));
        let first = places.take(MALLORY, true).await.unwrap();
        let busy = InFlight::begin(&first.0);
        let second = places.take(MALLORY, true).await.unwrap();
        let third = places.take(MALLORY, true).await.unwrap();

        let olivia = places.take(OLIVIA, true).await;

        assert!(olivia.is_some());
        assert!(!was_closed(&first).await && was_closed(&second).await && !was_closed(&third).await);
        drop(busy);
        let _again = places.take(OLIVIA, true).await.unwrap();
        assert!(was_closed(&third).await, "the first has just been answered");
    }

    #[tokio::test]
    async fn where_all_are_busy_the_next_waits_for_a_place() {
        let places = Arc::new(Places::new(1, 9));
        let first = places.take(MALLORY, true).await.unwrap();
        let _busy = InFlight::begin(&first.0);

        let waits = tokio::time::timeout(Duration::from_millis(20), places.take(OLIVIA, true)).await;
        drop(first);
        let served = tokio::time::timeout(Duration::from_secs(5), places.take(OLIVIA, true)).await;

        assert!(waits.is_err() && served.is_ok_and(|place| place.is_some()));
    }

    #[tokio::test]
    async fn an_address_has_its_share_and_a_proxy_of_ours_any_number() {
        let places = Arc::new(Places::new(99, 2));
        let held = [places.take(MALLORY, true).await.unwrap(), places.take(MALLORY, true).await.unwrap()];
        let busy = held.each_ref().map(|place| InFlight::begin(&place.0));

        assert!(places.take(MALLORY, true).await.is_none(), "both of its places are at work");
        assert!(places.take(OLIVIA, true).await.is_some());
        assert!(places.take(MALLORY, false).await.is_some());
        drop(busy);
        assert!(places.take(MALLORY, true).await.is_some());
        assert!(was_closed(&held[0]).await || was_closed(&held[1]).await);
    }
}
