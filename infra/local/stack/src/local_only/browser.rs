//! Tells a web page from a program on this machine. Loopback is no wall: every page that a
//! developer has open can send requests to it.

use axum::http::{HeaderMap, header};
use std::net::SocketAddr;

/// Whether a browser sends this for a page. It adds these headers by itself, and no page can leave them out.
pub(crate) fn is_from_a_page(headers: &HeaderMap) -> bool {
    let fetch = headers.keys().any(|name| name.as_str().starts_with("sec-fetch-"));
    // Older browsers send neither header for an image.
    let browser =
        headers.get(header::USER_AGENT).is_some_and(|agent| agent.as_bytes().starts_with(b"Mozilla/"));
    fetch || browser || headers.contains_key(header::ORIGIN) || headers.contains_key(header::REFERER)
}

/// Whether the request was sent to this address as such. A page whose own name was made to resolve to
/// the loopback interface counts as of the same origin there, but sends that name.
pub(crate) fn is_addressed_to(address: SocketAddr, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next().and_then(|host| host.to_str().ok()), hosts.next()) else {
        return false;
    };
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) => (name, port.parse().ok()),
        None => (host, Some(80)),
    };
    let names = [&address.ip().to_string(), "localhost"];
    port == Some(address.port()) && names.iter().any(|known| name.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pair =
            |(name, value): &(&str, &str)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn a_page_is_told_by_what_a_browser_adds() {
        for (name, value) in [
            ("origin", "http://127.0.0.1:8787"),
            ("origin", "null"),
            ("sec-fetch-site", "none"),
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-mode", "no-cors"),
            ("referer", "http://localhost:3000/"),
            ("user-agent", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"),
        ] {
            assert!(is_from_a_page(&headers(&[(name, value)])), "{name}: {value}");
        }
        for agent in ["curl/8.5.0", "airlock/0.1.0", "aws-lambda-rust/1.5.0"] {
            assert!(!is_from_a_page(&headers(&[("user-agent", agent), ("accept", "*/*")])), "{agent}");
        }
    }

    #[test]
    fn only_a_name_of_loopback_with_the_port_is_the_address() {
        let address = "127.0.0.1:8787".parse().unwrap();
        for host in ["127.0.0.1:8787", "localhost:8787", "LocalHost:8787"] {
            assert!(is_addressed_to(address, &headers(&[("host", host)])), "{host}");
        }
        for host in [
            "127.0.0.1",
            "127.0.0.1:8788",
            "127.0.0.1:8787.evil.example",
            "evil.example:8787",
            "localhost.evil.example:8787",
            "evil.example@127.0.0.1:8787",
            "[::1]:8787",
            "",
        ] {
            assert!(!is_addressed_to(address, &headers(&[("host", host)])), "{host}");
        }
        assert!(!is_addressed_to(address, &headers(&[])));
        let two = headers(&[("host", "127.0.0.1:8787"), ("host", "evil.example")]);
        assert!(!is_addressed_to(address, &two));
        assert!(is_addressed_to("127.0.0.1:80".parse().unwrap(), &headers(&[("host", "localhost")])));
    }
}
