//! Whatever arrives as a message of the scan queue is a request, or none: no panic, and what is
//! taken is taken again when it is sent on.
#![no_main]

use airlock_quarantine::ScanRequest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &str| {
    let Ok(request) = ScanRequest::parse(body) else { return };
    let sent = serde_json::to_string(&request).expect("a request can be written");
    assert_eq!(ScanRequest::parse(&sent), Ok(request));
});
