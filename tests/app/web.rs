//! The frame: what every answer carries, and what slow, large and strange requests get.
use crate::test_app::{Headers, PUBLIC_URL, TestApp, sign_in_form};
use product::web::{accept, assets};
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

#[portico_test]
async fn an_unknown_page_looks_like_us(app: TestApp) {
    for path in ["/nothing-here", "/orgs", "/account/nothing", "/static/../Cargo.toml", "/%ff"] {
        let page = app.visitor().get(path).await;
        assert!(
            page.status.as_u16() == 404 || page.status.as_u16() == 405,
            "{path}: {}",
            page.status.as_u16()
        );
        assert!(
            page.text().contains(product::brand::NAME)
                && page.text().contains(page.header_text("x-request-id")),
            "{path}"
        );
    }
}

#[portico_test]
async fn a_wrong_method_looks_like_us(app: TestApp) {
    let page = app.visitor().get("/sign-out").await;

    page.assert_status(405);
    assert!(
        page.header_text("allow").contains("POST") && page.text().contains(product::brand::NAME),
        "{}",
        page.text()
    );
}

#[portico_test]
async fn a_form_too_large_is_refused(app: TestApp) {
    let page = app.visitor().post("/sign-in").fields(&[("email", &"x".repeat(70_000))]).await;

    page.assert_status(413);
    assert!(page.text().contains("Too large"));
}

#[portico_test]
async fn a_form_that_is_none_is_refused(app: TestApp) {
    let page = app
        .visitor()
        .post("/sign-in")
        .fields(&[("email", "x")])
        .sending(&[("content-type", "application/json")])
        .await;

    page.assert_status(415);
}

#[portico_test]
async fn unknown_and_repeated_fields_are_refused(app: TestApp) {
    for form in
        [&[("email", "a"), ("email", "b")][..], &[("email", "a"), ("is_admin", "true")], &[("email", "a\0")]]
    {
        app.visitor().post("/sign-in").fields(form).await.assert_status(422);
    }
}

#[portico_test]
async fn a_body_that_says_it_is_compressed_is_refused(app: TestApp) {
    let page = app
        .visitor()
        .post("/sign-in")
        .fields(&sign_in_form("x@y.test"))
        .sending(&[("content-encoding", "gzip")])
        .await;

    page.assert_status(415);
}

#[portico_test]
async fn pages_are_compressed_for_whom_they_may_be(app: TestApp) {
    let squeezed = app.visitor().get("/").sending(&[("accept-encoding", "gzip")]).await;

    assert_eq!(squeezed.header_text("content-encoding"), "gzip");
    assert_eq!(app.visitor().get("/").await.header_text("content-encoding"), "");
    for unwelcome in ["gzip;q=0", "gzip;q=0, *", "identity"] {
        for path in ["/", assets::url("app.css")] {
            let plain = app.visitor().get(path).sending(&[("accept-encoding", unwelcome)]).await;
            assert_eq!(plain.header_text("content-encoding"), "", "{path} for {unwelcome}");
        }
    }
}

#[portico_test]
async fn a_page_under_a_name_that_is_not_ours_is_refused(app: TestApp) {
    let rebound = [("host", "rebound.example:3000"), ("origin", "")];

    for path in ["/", "/sign-in", "/dev/mailbox.json", "/nothing-here"] {
        app.visitor().get(path).sending(&rebound).await.assert_status(421);
    }
    app.visitor()
        .post("/sign-in")
        .fields(&sign_in_form("x@y.test"))
        .sending(&rebound)
        .await
        .assert_status(421);
    app.visitor().get("/healthz").sending(&rebound).await.assert_status(200);
    app.visitor().get("/readyz").sending(&rebound).await.assert_status(200);
    app.visitor().get("/").sending(&[("host", "127.0.0.1:49152")]).await.assert_status(200);
}

#[portico_test]
async fn a_form_that_is_not_utf_8_is_refused(app: TestApp) {
    for body in ["email=olivia%ff", "email=%c3", "email=%ed%a0%80", "email=a%00b"] {
        let form = app.visitor().post("/sign-in").body("application/x-www-form-urlencoded", body).await;
        assert_eq!(form.status.as_u16(), 422, "{body}");
        assert!(form.text().contains("It does not match the form"), "{body}: refused as a whole, not mended");
    }
}

#[portico_test]
async fn nothing_of_a_person_is_kept_by_caches(app: TestApp) {
    let acme = app.org("acme").await;

    assert_eq!(acme.owner.get("/account").await.header_text("cache-control"), "no-store");
    let style = app.visitor().get(assets::url("app.css")).await;
    assert_eq!(style.header_text("cache-control"), "public, max-age=31536000, immutable");
    assert!(style.header_text("content-type").starts_with("text/css"));
    let again = app
        .visitor()
        .get(assets::url("app.css"))
        .sending(&[("if-none-match", style.header_text("etag"))])
        .await;
    again.assert_status(304);
}

#[portico_test]
async fn the_policy_allows_nothing_inline_and_stripes_hosts_after_a_form(app: TestApp) {
    let policy = app.visitor().get("/sign-in").await.header_text("content-security-policy").to_owned();

    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let after_form = policy.split("; ").find(|rule| rule.starts_with("form-action")).unwrap();
    for host in ["'self'", "https://billing.stripe.com", "https://checkout.stripe.com", &app.stripe] {
        assert!(after_form.contains(host), "{host}: {after_form}");
    }
}

#[portico_test]
async fn a_database_that_is_gone_is_a_page_with_a_request_id(app: TestApp) {
    let acme = app.org("acme").await;
    app.app.db.close().await;

    let page = acme.owner.get("/account").await;

    assert!(page.status.as_u16() >= 500, "{}", page.status.as_u16());
    assert!(
        page.text().contains(page.header_text("x-request-id")) && !page.text().contains("sql"),
        "{}",
        page.text()
    );
    app.visitor().get("/healthz").await.assert_status(200);
    app.visitor().get("/readyz").await.assert_status(503);
}

/// A listening product and the address to send raw bytes to.
async fn listening() -> (TestApp, std::net::SocketAddr, tokio::sync::oneshot::Sender<()>) {
    let app = TestApp::sqlite("listening").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let router = app.router.clone();
    tokio::spawn(accept::serve(listener, router, async { drop(stopped.await) }));
    (app, address, stop)
}

async fn answer_to(address: std::net::SocketAddr, bytes: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(15), stream.read_to_end(&mut answer)).await;
    read.expect("the connection ends").ok();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_never_ends_its_headers_is_let_go() {
    let (_app, address, _stop) = listening().await;
    let started = Instant::now();

    answer_to(address, "GET / HTTP/1.1\r\nHost: portico.localhost\r\nX-Slow: ").await;

    assert!(started.elapsed() < Duration::from_secs(12), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_never_ends_its_form_is_told_so() {
    let (_app, address, _stop) = listening().await;

    let answer = answer_to(
        address,
        &format!(
            "POST /sign-in HTTP/1.1\r\nHost: portico.localhost\r\nOrigin: {PUBLIC_URL}\r\nContent-Length: 100\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\nemail="
        ),
    )
    .await;

    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_without_a_host_or_with_two_is_refused() {
    let (_app, address, _stop) = listening().await;
    for hosts in ["", "Host: a\r\nHost: b\r\n"] {
        let answer = answer_to(address, &format!("GET / HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n")).await;

        assert!(answer.starts_with("HTTP/1.1 400"), "{hosts}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_too_large_is_refused() {
    let (_app, address, _stop) = listening().await;

    let answer =
        answer_to(address, &format!("GET / HTTP/1.1\r\nHost: a\r\nX-Large: {}\r\n\r\n", "x".repeat(200_000)))
            .await;

    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_in_flight_is_answered_before_we_stop() {
    let (_app, address, stop) = listening().await;
    let form = "email=nobody%40portico.test&password=something-or-other";
    let request = format!(
        "POST /sign-in HTTP/1.1\r\nHost: portico.localhost\r\nOrigin: {PUBLIC_URL}\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n",
        form.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;

    stop.send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    stream.write_all(form.as_bytes()).await.unwrap();

    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 422"), "{answer}");
    assert!(TcpStream::connect(address).await.is_err(), "and nobody new is let in");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_will_be_refused_is_not_asked_for() {
    let (_app, address, _stop) = listening().await;
    let signature = format!("Stripe-Signature: t=1,v1={}\r\n", "0".repeat(64));
    for (path, length, header, status) in [
        ("/sign-in", 30_000_000, "", 413),
        ("/webhooks/stripe", 30_000_000, signature.as_str(), 413),
        ("/webhooks/stripe", 1_000_000, "", 400),
        ("/webhooks/stripe", 1_000_000, signature.as_str(), 400),
    ] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: portico.localhost\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n{header}\r\n"
        );

        let answer = answer_to(address, &head).await;

        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path} {length}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_reads_nothing_is_let_go() {
    let (_app, address, _stop) = listening().await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let script =
        format!("GET {} HTTP/1.1\r\nHost: portico.localhost\r\n\r\n", assets::url("vendor/htmx.LICENSE.txt"));
    // More than the buffers of both ends hold.
    stream.write_all(script.repeat(400).as_bytes()).await.unwrap();

    let started = Instant::now();
    while stream.write_all(b"\r\n").await.is_ok() {
        assert!(started.elapsed() < Duration::from_secs(30), "still held");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_read_nothing_keep_nobody_from_being_served_and_us_not_from_stopping() {
    let app = TestApp::sqlite("listening").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(accept::serve(listener, app.router.clone(), async { drop(stopped.await) }));
    let mut idle = Vec::new();
    for _ in 0..accept::CONNECTIONS_OF_AN_ADDRESS + 20 {
        idle.push(TcpStream::connect(address).await.unwrap());
    }

    let answer = answer_to(address, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    let told = Instant::now();
    stop.send(()).unwrap();
    serving.await.unwrap();

    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(told.elapsed() < Duration::from_secs(3), "{:?}", told.elapsed());
}
