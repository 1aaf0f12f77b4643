//! Who may use what only a developer on this machine should: those who call it by its own name.

use axum::http::{HeaderMap, header};

/// Whether the request was sent to this machine as such. A web page that has its own name resolved to
/// the loopback interface sends that name.
pub(crate) fn is_this_machine(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    ["127.0.0.1", "localhost"].contains(&name)
}
