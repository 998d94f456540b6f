//! A person with a browser's manners and a cookie jar, in front of a router in this process or of a
//! real server. Redirects are not followed: a test says where it was sent, and goes there itself.
pub use super::answer::Answer;
use super::cookies::Jar;
use axum::{Router, body::Body, extract::ConnectInfo};
use http_body_util::BodyExt;
use hyper::{
    HeaderMap, Method, Request, StatusCode, Uri,
    body::Bytes,
    header::{ACCEPT, CONTENT_TYPE, COOKIE, HOST, HeaderName, HeaderValue, ORIGIN, SET_COOKIE},
};
use hyper_util::{client::legacy::Client, client::legacy::connect::HttpConnector, rt::TokioExecutor};
use std::{
    fmt::Write,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::Mutex,
    time::Duration,
};
use tower::ServiceExt;

/// Past this a request counts as hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where requests go, and the address that people believe they are at.
#[derive(Clone, Debug)]
pub struct Site {
    public_url: url::Url,
    way: Way,
}

#[derive(Clone, Debug)]
enum Way {
    Router(Router),
    Server(url::Url),
}

impl Site {
    /// A router in this process, which knows itself as `public_url`.
    pub fn of(router: Router, public_url: &str) -> Self {
        Self { public_url: parse(public_url), way: Way::Router(router) }
    }

    /// A server at its own address, such as `http://127.0.0.1:3000`.
    pub fn at(url: &str) -> Self {
        Self::behind(url, url)
    }

    /// A server at `address` that knows itself as `public_url`.
    pub fn behind(address: &str, public_url: &str) -> Self {
        Self { public_url: parse(public_url), way: Way::Server(parse(address)) }
    }

    /// `http://localhost:3000`, as browsers write it in `Origin`.
    pub fn origin(&self) -> String {
        self.public_url.origin().ascii_serialization()
    }

    async fn send(
        &self,
        request: Request<Body>,
        from: SocketAddr,
    ) -> Result<(StatusCode, HeaderMap, Bytes), String> {
        let response = match &self.way {
            Way::Router(router) => {
                let Ok(response) = router.clone().oneshot(with_peer(request, from)).await;
                response
            }
            Way::Server(_) => {
                let mut connector = HttpConnector::new();
                connector.set_local_address(Some(from.ip()));
                let client = Client::builder(TokioExecutor::new()).build(connector);
                client.request(request).await.map_err(chain)?.map(Body::new)
            }
        };
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|e| format!("{} and then {}", head.status, chain(e)))?;
        Ok((head.status, head.headers, body.to_bytes()))
    }

    /// A router takes the path alone, a client wants the server's address before it.
    fn target(&self, path: &str) -> String {
        match &self.way {
            Way::Router(_) => path.to_owned(),
            Way::Server(address) => format!("{}{path}", address.as_str().trim_end_matches('/')),
        }
    }
}

/// Whether anything answers HTTP there, whatever it says.
pub async fn answers(url: &str) -> bool {
    let Ok(request) = Request::get(url).body(Body::empty()) else { return false };
    let site = Site::at(url);
    let asked = site.send(request, SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0));
    tokio::time::timeout(Duration::from_secs(2), asked).await.is_ok_and(|answer| answer.is_ok())
}

fn with_peer(mut request: Request<Body>, from: SocketAddr) -> Request<Body> {
    request.extensions_mut().insert(ConnectInfo(from));
    request
}

fn parse(url: &str) -> url::Url {
    url.parse().unwrap_or_else(|e| panic!("{url}: {e}"))
}

fn chain(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(text, ": {error}").ok();
        cause = error.source();
    }
    text
}

/// Somebody with a browser. A clone takes the cookies along, as whoever stole them would.
#[derive(Debug)]
pub struct Person {
    site: Site,
    address: IpAddr,
    jar: Mutex<Jar>,
}

impl Clone for Person {
    fn clone(&self) -> Self {
        let jar = Mutex::new(self.jar.lock().expect("no panic while cookies are held").clone());
        Self { site: self.site.clone(), address: self.address, jar }
    }
}

impl Person {
    /// Nobody yet: no cookies, on this machine.
    pub fn visiting(site: &Site) -> Self {
        Self { site: site.clone(), address: Ipv4Addr::LOCALHOST.into(), jar: Mutex::default() }
    }

    /// Calls from another address; of a real server's, only 127.x.y.z are to be had.
    pub fn calling_from(mut self, address: &str) -> Self {
        self.address = address.parse().unwrap_or_else(|e| panic!("{address}: {e}"));
        self
    }

    /// The same person, cookies and all, in front of another site: after a restart, say.
    pub fn moved_to(&self, site: &Site) -> Self {
        Self { site: site.clone(), ..self.clone() }
    }

    pub fn get(&self, path: &str) -> Ask<'_> {
        self.ask(Method::GET, path)
    }

    /// `olivia.post("/orgs").field("name", "Acme").await`
    pub fn post(&self, path: &str) -> Ask<'_> {
        self.ask(Method::POST, path)
    }

    pub fn ask(&self, method: Method, path: &str) -> Ask<'_> {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, value(self.site.public_url.authority()));
        headers.insert(ACCEPT, value("text/html,application/xhtml+xml,*/*;q=0.8"));
        headers.insert("user-agent", value("Mozilla/5.0 (a test)"));
        headers.insert("sec-fetch-site", value("same-origin"));
        headers.insert("sec-fetch-mode", value("navigate"));
        headers.insert("sec-fetch-dest", value("document"));
        if !method.is_safe() {
            headers.insert(ORIGIN, value(&self.site.origin()));
        }
        Ask { person: self, method, path: path.to_owned(), headers, fields: Vec::new(), body: Bytes::new() }
    }

    /// Goes where an answer sent this person, on this site.
    pub async fn follow(&self, answer: &Answer) -> Answer {
        let location = answer.location();
        let path = location.strip_prefix(&self.site.origin()).unwrap_or(location);
        assert!(path.starts_with('/'), "{} led off this site, to {location}", answer.asked);
        self.get(path).await
    }

    pub fn cookie(&self, name: &str) -> Option<String> {
        self.jar.lock().expect("no panic while cookies are held").value(name)
    }

    pub fn set_cookie(&self, name: &str, value: &str) {
        self.jar.lock().expect("no panic while cookies are held").set(name, value);
    }

    pub fn forget_cookies(&self) {
        *self.jar.lock().expect("no panic while cookies are held") = Jar::default();
    }
}

/// A request being put together; awaiting it sends it.
#[must_use = "a request goes out when it is awaited"]
pub struct Ask<'p> {
    person: &'p Person,
    method: Method,
    path: String,
    headers: HeaderMap,
    fields: Vec<(String, String)>,
    body: Bytes,
}

impl Ask<'_> {
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn fields(mut self, fields: &[(&str, &str)]) -> Self {
        self.fields.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self
    }

    /// Bytes in place of a form.
    pub fn body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header(CONTENT_TYPE.as_str(), content_type)
    }

    /// Sets a header, in place of what a browser would send.
    pub fn header(mut self, name: &str, text: &str) -> Self {
        self.headers.insert(name_of(name), value(text));
        self
    }

    /// Leaves out a header that a browser would send.
    pub fn without(mut self, name: &str) -> Self {
        self.headers.remove(name_of(name));
        self
    }

    /// As sent by a form on a page of somebody else's.
    pub fn sent_from_another_site(self) -> Self {
        self.header("sec-fetch-site", "cross-site").header("origin", "https://evil.example")
    }

    pub fn with_htmx(self) -> Self {
        self.header("hx-request", "true").header("sec-fetch-mode", "cors").header("sec-fetch-dest", "empty")
    }

    async fn send(mut self) -> Answer {
        let (person, asked) = (self.person, format!("{} {}", self.method, self.path));
        let uri: Uri = person.site.target(&self.path).parse().unwrap_or_else(|e| panic!("{asked}: {e}"));
        if let Some(cookies) = person.jar.lock().expect("no panic while cookies are held").header(uri.path())
        {
            self.headers.entry(COOKIE).or_insert(value(&cookies));
        }
        if self.body.is_empty() && (!self.fields.is_empty() || self.method == Method::POST) {
            self.body = serde_urlencoded::to_string(&self.fields).expect("pairs of text encode").into();
            self.headers.entry(CONTENT_TYPE).or_insert(value("application/x-www-form-urlencoded"));
        }
        let mut request = Request::new(Body::from(self.body));
        (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) =
            (self.method, uri, self.headers);
        let sent = person.site.send(request, SocketAddr::new(person.address, 0));
        let answer = tokio::time::timeout(PATIENCE, sent).await;
        let (status, headers, body) = answer
            .unwrap_or_else(|_| Err("no answer in a minute".into()))
            .unwrap_or_else(|e| panic!("{asked}: {e}"));
        let mut jar = person.jar.lock().expect("no panic while cookies are held");
        headers
            .get_all(SET_COOKIE)
            .iter()
            .filter_map(|c| c.to_str().ok())
            .for_each(|cookie| jar.take(cookie));
        Answer { asked, status, headers, body }
    }
}

impl<'p> IntoFuture for Ask<'p> {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send + 'p>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

fn value(text: &str) -> HeaderValue {
    text.parse().unwrap_or_else(|e| panic!("{text:?} as a header: {e}"))
}

fn name_of(text: &str) -> HeaderName {
    text.parse().unwrap_or_else(|e| panic!("{text:?} as a header's name: {e}"))
}
