//! Files under `static/`, embedded and served under content-hashed, immutable URLs.
use crate::error::{Error, Result};
use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY},
    },
    response::Response,
};
use flate2::{Compression, write::GzEncoder};
use std::{borrow::Cow, collections::HashMap, io::Write, sync::LazyLock};

#[derive(rust_embed::Embed)]
#[folder = "static"]
struct Files;

struct Asset {
    url: String,
    tag: HeaderValue,
    mime: HeaderValue,
    plain: Bytes,
    /// Only where it saves a tenth.
    gzip: Option<Bytes>,
}

/// By path under `static/` and by hashed path.
static ASSETS: LazyLock<HashMap<String, &'static Asset>> = LazyLock::new(|| {
    let mut all = HashMap::new();
    for path in Files::iter() {
        let Some(asset) = Asset::load(&path) else { continue };
        let asset: &'static Asset = Box::leak(Box::new(asset));
        all.insert(asset.url.trim_start_matches("/static/").to_owned(), asset);
        all.insert(path.into_owned(), asset);
    }
    all
});

impl Asset {
    fn load(path: &str) -> Option<Self> {
        let file = Files::get(path)?;
        let tag: String = file.metadata.sha256_hash()[..8].iter().map(|b| format!("{b:02x}")).collect();
        let (stem, extension) = path.rsplit_once('.')?;
        let mime = mime_guess::from_path(path).first_or_octet_stream();
        let charset = if mime.type_() == "text" || extension == "js" { "; charset=utf-8" } else { "" };
        let plain = match file.data {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => Bytes::from(bytes),
        };
        Some(Self {
            url: format!("/static/{stem}-{tag}.{extension}"),
            tag: HeaderValue::try_from(format!("\"{tag}\"")).ok()?,
            mime: HeaderValue::try_from(format!("{mime}{charset}")).ok()?,
            gzip: gzip(&plain).ok().filter(|small| small.len() * 10 < plain.len() * 9),
            plain,
        })
    }
}

fn gzip(bytes: &[u8]) -> std::io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.into())
}

/// For templates: `{{ crate::web::assets::url("app.css") }}`. The template test refuses a missing file.
pub fn url(path: &str) -> &'static str {
    ASSETS.get(path).map_or("/static/missing", |asset| &asset.url)
}

/// `GET /static/{*path}`. Not in the session's layer: a file needs no look-up.
pub async fn serve(request: Request) -> Result<Response> {
    let path = request.uri().path().trim_start_matches("/static/");
    let asset = ASSETS.get(path).ok_or(Error::NotFound)?;
    let fresh = asset.url.ends_with(path);
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(ETAG, asset.tag.clone());
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    let cache = if fresh { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    if request.headers().get(IF_NONE_MATCH) == Some(&asset.tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    headers.insert(CONTENT_TYPE, asset.mime.clone());
    let (encoding, body) = match &asset.gzip {
        Some(small) if accepts(request.headers(), ACCEPT_ENCODING, "gzip") => (Some("gzip"), small),
        _ => (None, &asset.plain),
    };
    if let Some(encoding) = encoding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    *response.body_mut() = Body::from(body.clone());
    Ok(response)
}

fn accepts(headers: &HeaderMap, name: HeaderName, word: &str) -> bool {
    headers.get(name).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains(word))
}
