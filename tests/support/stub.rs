//! A server that misbehaves as told: for what Stripe, or a network, does on a bad day.
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// What the next request gets.
#[derive(Clone, Debug)]
pub enum Reply {
    /// These bytes, then the end of the connection.
    Raw(Vec<u8>),
    /// The same, after a pause.
    Late(Duration, Vec<u8>),
    /// Nothing, while the connection stays open.
    Hang,
    /// The connection ends after the request was read.
    CloseAfter,
    /// The connection ends before the request was read.
    CloseBefore,
}

impl Reply {
    /// `Reply::http("200 OK", &["content-type: text/plain"], "fine")`
    pub fn http(status: &str, headers: &[&str], body: &str) -> Self {
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n");
        Reply::Raw((head + body).into_bytes())
    }

    pub fn json(status: &str, body: &serde_json::Value) -> Self {
        Self::http(status, &["content-type: application/json"], &body.to_string())
    }

    /// What a proxy before the real server says.
    pub fn html_502() -> Self {
        Self::http("502 Bad Gateway", &["content-type: text/html"], "<html><h1>502 Bad Gateway</h1></html>")
    }

    pub fn too_many(retry_after_seconds: u32) -> Self {
        let error =
            r#"{"error":{"type":"invalid_request_error","code":"rate_limit","message":"Too many requests"}}"#;
        let headers = ["content-type: application/json", &format!("retry-after: {retry_after_seconds}")];
        Self::http("429 Too Many Requests", &headers, error)
    }

    /// Promises twice the body it sends.
    pub fn truncated(body: &str) -> Self {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
        Reply::Raw(format!("{head}content-length: {}\r\n\r\n{body}", body.len() * 2 + 1).into_bytes())
    }

    pub fn after(self, pause: Duration) -> Self {
        match self {
            Reply::Raw(bytes) => Reply::Late(pause, bytes),
            other => other,
        }
    }
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Arrived {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Arrived {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Listens until dropped.
#[derive(Debug)]
pub struct Stub {
    inside: Arc<Inside>,
    port: u16,
}

#[derive(Debug)]
struct Inside {
    /// The last one stays, and answers whatever comes after it.
    script: Mutex<Vec<Reply>>,
    arrived: Mutex<Vec<Arrived>>,
    held: Mutex<Vec<TcpStream>>,
    over: AtomicBool,
}

impl Stub {
    /// Answers the first request with the first reply, and from the last reply on always with that.
    pub fn answering(script: impl IntoIterator<Item = Reply>) -> Self {
        let script: Vec<Reply> = script.into_iter().collect();
        assert!(!script.is_empty(), "a stub needs at least one reply");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
        let port = listener.local_addr().expect("a bound listener has an address").port();
        let (script, over) = (Mutex::new(script), AtomicBool::new(false));
        let inside = Arc::new(Inside { script, over, arrived: Mutex::default(), held: Mutex::default() });
        let shared = inside.clone();
        std::thread::spawn(move || shared.listen(&listener));
        Self { inside, port }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Every request so far whose head and body came in whole.
    pub fn arrived(&self) -> Vec<Arrived> {
        self.inside.arrived.lock().expect("no panic in the stub").clone()
    }

    /// Replaces the rest of the script.
    pub fn now_answer(&self, script: impl IntoIterator<Item = Reply>) {
        *self.inside.script.lock().expect("no panic in the stub") = script.into_iter().collect();
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.inside.over.store(true, Ordering::SeqCst);
        TcpStream::connect(("127.0.0.1", self.port)).ok();
        for held in self.inside.held.lock().expect("no panic in the stub").drain(..) {
            held.shutdown(Shutdown::Both).ok();
        }
    }
}

impl Inside {
    fn listen(self: Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming().flatten() {
            if self.over.load(Ordering::SeqCst) {
                return;
            }
            let shared = self.clone();
            std::thread::spawn(move || shared.serve(stream));
        }
    }

    /// One request, one reply: the connection is never used again.
    fn serve(&self, mut stream: TcpStream) {
        if matches!(self.script.lock().expect("no panic in the stub")[0], Reply::CloseBefore) {
            self.next_reply();
            return;
        }
        let Some(arrived) = read(&stream) else { return };
        let reply = self.next_reply();
        self.arrived.lock().expect("no panic in the stub").push(arrived);
        let bytes = match reply {
            Reply::Hang => return self.held.lock().expect("no panic in the stub").push(stream),
            Reply::CloseAfter | Reply::CloseBefore => return,
            Reply::Raw(bytes) => bytes,
            Reply::Late(pause, bytes) => {
                std::thread::sleep(pause);
                bytes
            }
        };
        stream.write_all(&bytes).ok();
        stream.shutdown(Shutdown::Write).ok();
    }

    fn next_reply(&self) -> Reply {
        let mut script = self.script.lock().expect("no panic in the stub");
        if script.len() > 1 { script.remove(0) } else { script[0].clone() }
    }
}

fn read(stream: &TcpStream) -> Option<Arrived> {
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let mut lines = BufReader::new(stream);
    let mut next = || {
        let mut line = String::new();
        lines.read_line(&mut line).ok().filter(|bytes| *bytes > 0).map(|_| line.trim_end().to_owned())
    };
    let start = next()?;
    let mut words = start.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    while let Some((name, value)) = next()?.split_once(':') {
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut arrived = Arrived { method, path, headers, body: String::new() };
    let length = arrived.header("content-length").and_then(|n| n.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    lines.read_exact(&mut body).ok()?;
    arrived.body = String::from_utf8_lossy(&body).into_owned();
    Some(arrived)
}
