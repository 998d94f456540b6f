//! The panel's one stylesheet.
use super::body::refused;
use crate::{refusal::Refusal, reply::Reply};

pub const CSS: &str = "/_sandbox/assets/panel.css";
const SHEET: &str = include_str!("../../static/panel.css");

pub fn serve(name: &str) -> Reply {
    match name {
        "panel.css" => Reply::of(200, "text/css; charset=utf-8", SHEET)
            .with("cache-control", "no-cache")
            .with("x-content-type-options", "nosniff"),
        _ => refused(&Refusal::invalid("There is no such file.").with_status(404)),
    }
}
