//! Is a password in a public breach? Asked of Have I Been Pwned by k-anonymity: it gets five of the forty hex digits
//! of a hash, and answers with all hashes that begin so (<https://haveibeenpwned.com/API/v3#PwnedPasswords>).
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{Request, body::Bytes, header::USER_AGENT};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use sha1::{Digest, Sha1};
use std::time::Duration;
use url::Url;

/// For the whole question: nobody waits longer for a service that is away.
const PATIENCE: Duration = Duration::from_secs(2);
/// An answer has some 800 lines of 40 bytes, and as many again of padding.
const ANSWER_BYTES: usize = 256 * 1024;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Where breached passwords are looked up.
pub struct Breaches {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    base: Url,
}

impl Breaches {
    pub fn at(base: Url) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        let tls = HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        Self { client: Client::builder(TokioExecutor::new()).build(tls), base }
    }

    /// Whether it was ever found. False, and a line in the log, where the service does not answer: signing up does
    /// not depend on it.
    pub async fn know(&self, password: &str) -> bool {
        let answer = tokio::time::timeout(PATIENCE, self.ask(password)).await;
        let why = match answer {
            Ok(Ok(found)) => return found,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        tracing::warn!(why, "breached passwords could not be asked for; the password was not checked");
        false
    }

    async fn ask(&self, password: &str) -> Result<bool, Failure> {
        let hash: String = Sha1::digest(password).iter().map(|byte| format!("{byte:02X}")).collect();
        let (beginning, rest) = hash.split_at(5);
        let url = self.base.join(&format!("range/{beginning}"))?;
        // Padding: the size of the answer says nothing of what was asked.
        let request = Request::get(url.as_str())
            .header(USER_AGENT, env!("CARGO_PKG_NAME"))
            .header("add-padding", "true")
            .body(Empty::new())?;
        let response = self.client.request(request).await?;
        if !response.status().is_success() {
            return Err(format!("status {}", response.status()).into());
        }
        let body = Limited::new(response.into_body(), ANSWER_BYTES).collect().await?.to_bytes();
        let text = String::from_utf8_lossy(&body);
        // `SUFFIX:COUNT`; padding counts nothing.
        let counted = |line: &str| {
            let (suffix, count) = line.split_once(':')?;
            suffix.eq_ignore_ascii_case(rest).then(|| count.trim() != "0")
        };
        Ok(text.lines().filter_map(counted).any(|found| found))
    }
}
