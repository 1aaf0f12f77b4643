//! Phase two: objects in quarantine are identified, scanned, and published or refused, and published objects are
//! scanned again when the rules change. The only zone that links a rule engine, which runs in a jail.

mod fetch;
mod gone;
mod held;
mod inspection;
mod rescan_objects;
mod scan_upload;
mod share;
mod spent;
mod worker;

pub use rescan_objects::RescanObjects;
pub use scan_upload::ScanUpload;

use airlock_aws::Function;

/// Is the function `F` of this zone; or, in the process that such a function starts for that, its jail.
///
/// # Errors
/// Those of [`airlock_aws::run`], and when the jail does not hold or the rules cannot be loaded.
pub fn run<F: Function>() -> anyhow::Result<()> {
    if airlock_inspect::protocol::serve_if_jail()? {
        return Ok(());
    }
    airlock_telemetry::init();
    // Before there is a second thread, and before the first object.
    let protection = airlock_jail::protect_environment()?;
    tracing::info!(?protection, "the environment is closed to other processes");
    airlock_aws::run::<F>()
}

/// `text` in the characters that the value of an S3 tag may have.
fn tag_value(text: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    text.chars().take(200).map(|c| if allowed(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_short_and_ends_no_other() {
        assert_eq!(tag_value("a-B_1.txt"), "a-B_1.txt");
        assert_eq!(tag_value("a=b&c d/\u{e9}"), "a_b_c_d__");
        assert_eq!(tag_value(&"x".repeat(300)), "x".repeat(200));
    }
}
