//! The sandbox's own style sheet, script and icon, under addresses that change with what is in them.
use crate::reply::Reply;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

const FILES: [(&str, &str, &str); 3] = [
    ("sandbox.css", "text/css; charset=utf-8", include_str!("../../static/sandbox.css")),
    ("sandbox.js", "text/javascript; charset=utf-8", include_str!("../../static/sandbox.js")),
    ("sandbox.svg", "image/svg+xml", include_str!("../../static/sandbox.svg")),
];

static URLS: LazyLock<[String; 3]> = LazyLock::new(|| {
    FILES.map(|(name, _, text)| {
        let digest = Sha256::digest(text);
        let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
        format!(
            "/assets/{stem}-{:02x}{:02x}{:02x}{:02x}.{extension}",
            digest[0], digest[1], digest[2], digest[3]
        )
    })
});

/// For templates: `{{ crate::pages::assets::url("sandbox.css") }}`.
pub fn url(name: &str) -> &'static str {
    let place = FILES.iter().position(|(known, ..)| *known == name);
    place.map_or("/assets/missing", |place| &URLS[place])
}

pub fn serve(file: &str) -> Reply {
    let place = URLS.iter().position(|url| url.strip_prefix("/assets/") == Some(file));
    let Some(place) = place else { return Reply::of(404, "text/plain", "") };
    let (_, kind, text) = FILES[place];
    Reply::of(200, kind, text)
        .with("cache-control", "public, max-age=31536000, immutable")
        .with("x-content-type-options", "nosniff")
}
