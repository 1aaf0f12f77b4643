//! Logs of the functions: JSON lines on standard output, one event a line, with nothing secret in
//! them whatever the level.
//!
//! Two walls keep signed URLs and tokens out. Code of ours never logs a type that holds one. And
//! libraries, which log whole requests at their lower levels, stay at `warn`; what still gets
//! through is [scrubbed](scrub).

pub mod metric;
pub mod scrub;

use std::env;
use tracing_subscriber::{EnvFilter, fmt::format::FmtSpan, prelude::*};

/// Starts logging at the level in `AIRLOCK_LOG` (`error`, `warn`, `info`, `debug`, `trace`;
/// anything else is `info`).
pub fn init() {
    let level = env::var("AIRLOCK_LOG").unwrap_or_default();
    let level = if ["error", "warn", "debug", "trace"].contains(&level.as_str()) { &level } else { "info" };
    let targets = ["http", "intake", "objects", "published", "quarantine", "scan", "serve", "telemetry"];
    let ours = targets.map(|name| format!(",airlock_{name}={level}")).concat();
    let json = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_span_events(FmtSpan::NONE)
        .with_writer(scrub::Stdout);
    // A second call, in a process that logs already, changes nothing.
    let _ = tracing_subscriber::registry().with(EnvFilter::new(format!("warn{ours}"))).with(json).try_init();
}
