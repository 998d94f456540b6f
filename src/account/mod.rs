//! My profile and my organisations: the page the product is opened for.
pub mod web;
