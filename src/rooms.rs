//! The rooms of an organisation, a line each: adding or deleting one is its folder, its templates, its tests, its
//! migration and this line (`bin/room` does it all; `docs/rooms.md` has the steps).
use crate::{App, web::Room};

/// In the order of the navigation.
pub const ROOMS: &[Room<App>] = &[
    crate::projects::web::ROOM,
    crate::orgs::web::ROOM, // counts members
];
