//! What a room gives to the rest of the program. `src/rooms.rs` lists the rooms, a line each.
use crate::limit::Limit;
use axum::Router;

/// A feature of an organisation: pages below `/orgs/{org}/`, and perhaps something that plans limit.
pub struct Room<App> {
    /// Its entry in the navigation.
    pub nav: Option<Nav>,
    /// The room's own URLs, whole: `/orgs/{org}/notes`.
    pub routes: fn() -> Router<App>,
    /// What it counts. The billing page shows it, and it is deleted with the organisation.
    pub limit: Option<Limit>,
}

/// An entry of the navigation.
#[derive(Clone, Copy, Debug)]
pub struct Nav {
    /// The room's one name: its folder, its templates, its tests, its word in the URL.
    pub key: &'static str,
    pub title: &'static str,
    /// The `d` of an SVG path, drawn as a line on 20 by 20.
    pub icon: &'static str,
}
