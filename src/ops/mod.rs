//! For whoever runs it: health now; metrics, doctor and backup come here.
pub mod web;
