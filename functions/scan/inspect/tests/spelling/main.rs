//! Each dangerous feature in many spellings that its format allows, and the same words where they do nothing.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "../inspect/inspected.rs"]
mod inspected;
mod office;
mod pdf;
