//! A real browser: headless Chromium behind one chromedriver, its console read after the fact.
use super::{
    child_process::{self, ChildProcess, Start},
    http,
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use fantoccini::{Client, ClientBuilder, wd::WebDriverCompatibleCommand};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::{
    ops::Deref,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tokio::sync::OnceCell;

/// How a browser is set up.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub width: u32,
    pub height: u32,
    pub dark: bool,
    pub javascript: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self { width: 1280, height: 900, dark: false, javascript: true }
    }
}

impl Look {
    pub fn phone() -> Self {
        Self { width: 390, height: 844, ..Self::default() }
    }

    pub fn dark(self) -> Self {
        Self { dark: true, ..self }
    }

    pub fn without_javascript(self) -> Self {
        Self { javascript: false, ..self }
    }
}

struct Driver {
    url: String,
    chromium: PathBuf,
    profiles: PathBuf,
    _running: ChildProcess,
}

static DRIVER: OnceCell<Option<Driver>> = OnceCell::const_new();

/// A window of its own, with its own cookies; use it as a [`Client`]. Close it when done.
#[derive(Debug)]
pub struct Browser(Client);

impl Deref for Browser {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.0
    }
}

/// A line of the browser's console.
#[derive(Clone, Debug)]
pub struct Complaint {
    /// `security` for the content policy, `console-api`, `javascript`, `network`, …
    pub source: String,
    pub text: String,
}

impl Browser {
    /// None where there is no Chromium.
    pub async fn open_or_skip(look: Look) -> Option<Self> {
        let started =
            async || start().await.map_err(|why| child_process::skip_or_fail("a browser", &why)).ok();
        let driver = DRIVER.get_or_init(started).await.as_ref()?;
        let Value::Object(capabilities) = driver.capabilities(look) else {
            unreachable!("they are an object")
        };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let connected = builder.capabilities(capabilities).connect(&driver.url).await;
        let browser =
            Self(connected.unwrap_or_else(|e| panic!("no browser: {e}\n{}", driver._running.log())));
        browser.dress(look).await;
        Some(browser)
    }

    /// Exactly this viewport: a window of Chromium's cannot be as narrow as a phone.
    async fn dress(&self, look: Look) {
        let size =
            json!({ "width": look.width, "height": look.height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
        let scheme = if look.dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }

    /// Everything the console called an error since the last time, the content policy's among it.
    pub async fn complaints(&self) -> Vec<Complaint> {
        let said = self.send("se/log", json!({ "type": "browser" })).await;
        let severe = said.as_array().into_iter().flatten().filter(|line| line["level"] == "SEVERE");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        severe.map(|line| Complaint { source: text(&line["source"]), text: text(&line["message"]) }).collect()
    }

    /// A page that answers 422 or 404 on purpose is a `network` complaint; this leaves those out.
    pub async fn assert_no_complaints(&self) {
        let mut complaints = self.complaints().await;
        complaints.retain(|complaint| complaint.source != "network");
        let at = self.current_url().await.map(String::from).unwrap_or_default();
        assert!(complaints.is_empty(), "the browser complains at {at}: {complaints:#?}");
    }

    /// The whole page, also what lies below the fold, as PNG.
    pub async fn screenshot_to(&self, file: &Path) {
        let taken = self.devtools("Page.captureScreenshot", json!({ "captureBeyondViewport": true })).await;
        let png = BASE64.decode(taken["data"].as_str().expect("a picture")).expect("base64");
        std::fs::create_dir_all(file.parent().expect("a file in a folder")).expect("a folder for pictures");
        std::fs::write(file, png).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    }

    /// A command of the Chrome DevTools protocol.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.send("goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await
    }

    /// Ends the window and forgets its profile.
    pub async fn close(self) {
        self.0.close().await.ok();
    }

    async fn send(&self, path: &'static str, body: Value) -> Value {
        self.issue_cmd(Extension { path, body })
            .await
            .unwrap_or_else(|e| panic!("chromedriver's {path}: {e}"))
    }
}

/// What chromedriver offers beyond WebDriver.
#[derive(Debug)]
struct Extension {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &url::Url) -> (hyper::Method, Option<String>) {
        (hyper::Method::POST, Some(self.body.to_string()))
    }
}

impl Driver {
    fn capabilities(&self, look: Look) -> Value {
        let profile = self.profiles.join(child_process::random_hex());
        let mut arguments: Vec<String> = ARGUMENTS.iter().map(|argument| (*argument).to_owned()).collect();
        arguments.push(format!("--user-data-dir={}", profile.display()));
        if child_process::is_root() {
            arguments.push("--no-sandbox".to_owned());
        }
        let scripts = if look.javascript { 1 } else { 2 };
        json!({
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": {
                "binary": self.chromium,
                "args": arguments,
                "prefs": { "profile.managed_default_content_settings.javascript": scripts },
            },
        })
    }
}

const ARGUMENTS: &[&str] = &[
    "--headless=new",
    // Chromium ends when chromedriver does, however that ends.
    "--remote-debugging-pipe",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--disable-component-update",
    "--disable-background-networking",
    "--lang=en-GB",
    "--no-proxy-server",
    // Tests never leave this machine.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
];

async fn start() -> Result<Driver, String> {
    let find = |names: &[&str]| names.iter().find_map(|name| child_process::find_program(name, []));
    let program = find(&["chromedriver"]).ok_or("there is no chromedriver on PATH")?;
    let chromium = find(&["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]);
    let chromium = chromium.ok_or("there is no chromium on PATH")?;
    let folder = std::env::temp_dir().join(format!("portico-browser-{}", child_process::random_hex()));
    std::fs::create_dir(&folder).map_err(|e| e.to_string())?;
    let (port, profiles) = (child_process::free_port(), folder.clone());
    let arguments = vec![format!("--port={port}")];
    let start = Start { program: &program, arguments, folder, stop_signal: "TERM", unprivileged: false };
    let running = start.now().map_err(|e| e.to_string())?;
    let (url, deadline) = (format!("http://127.0.0.1:{port}"), Instant::now() + Duration::from_secs(30));
    while !http::answers(&format!("{url}/status")).await {
        if Instant::now() > deadline {
            return Err(format!("chromedriver did not answer:\n{}", running.log()));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(Driver { url, chromium, profiles, _running: running })
}
