//! Files under `static/`, embedded and served under content-hashed, immutable URLs.
use crate::error::{Error, Result};
use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{
        HeaderMap, HeaderValue, StatusCode,
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
        Some(small) if accepts_gzip(request.headers()) => (Some("gzip"), small),
        _ => (None, &asset.plain),
    };
    if let Some(encoding) = encoding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    *response.body_mut() = Body::from(body.clone());
    Ok(response)
}

/// RFC 9110 §12.5.3: `q=0` is a refusal, and `*` speaks for what is not named.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    let mut weights = [None, None];
    for coding in lines.flat_map(|line| line.split(',')) {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let weight = weight.trim().to_ascii_lowercase();
        let weight = weight.strip_prefix("q=").and_then(|q| q.trim().parse::<f32>().ok());
        match name.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => weights[0] = Some(weight.unwrap_or(0.0)),
            "*" => weights[1] = Some(weight.unwrap_or(0.0)),
            _ => {}
        }
    }
    weights[0].or(weights[1]).is_some_and(|weight| weight > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_goes_only_to_whom_it_is_welcome() {
        for (header, expected) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("*", true),
            ("identity;q=1, *;q=0.1", true),
            ("", false),
            ("br", false),
            ("gzip;q=0", false),
            ("gzip; q=0.000", false),
            ("gzip;q=0, *", false),
            ("*;q=0", false),
            ("notgzip", false),
            ("gzip;q=much", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, header.parse().unwrap());
            assert_eq!(accepts_gzip(&headers), expected, "{header}");
        }
    }
}
