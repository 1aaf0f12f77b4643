//! Reads any bytes as a message of the scan queue: no panic, and a request that is taken is taken
//! again when it is sent on.
#![no_main]

use airlock_quarantine::requested;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &str| {
    let Ok(object) = requested(body) else { return };
    let sent = serde_json::json!({ "tenant_id": object.tenant, "object_id": object.id }).to_string();
    assert_eq!(requested(&sent), Ok(object));
});
