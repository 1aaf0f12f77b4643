//! Phase two: what is in quarantine is identified, held against the rules, and published or refused.
//! The only crate that links libyara.

pub mod engine;
pub mod identify;
pub mod inspect;
pub mod scan_upload;
