//! Phase two: what is in quarantine is identified, held against the rules, and published or refused;
//! and what is published is held against the rules again when they change. The only zone that links
//! a rule engine, and it runs that in a jail.

mod fetch;
mod held;
mod inspection;
pub mod rescan_objects;
pub mod scan_upload;
mod share;
mod spent;
mod worker;

use std::future::Future;

/// Runs a function of this zone: its loop, or, in the process that it starts for that, the jail.
fn run<F: Future<Output = anyhow::Result<()>>>(function: impl FnOnce() -> F) -> anyhow::Result<()> {
    if inspection::is_asked_for() {
        return inspection::serve();
    }
    airlock_telemetry::init();
    // Before there is a second thread, and before anything hostile is near.
    let protection = airlock_jail::protect_environment()?;
    tracing::info!(?protection, "the environment is closed to other processes");
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(function())
}

/// `text` in the characters that the value of an S3 tag may have.
fn tag_value(text: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    text.chars().take(200).map(|c| if allowed(c) { c } else { '_' }).collect()
}
