//! Phase two: what is in quarantine is identified, held against the rules, and published or refused.
//! The only zone that links a rule engine.

pub mod scan_upload;
