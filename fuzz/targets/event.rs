//! Reads any bytes as an S3 event, as `watch-quarantine` does: no panic, and a key that
//! is taken for ours is the one that we print.
#![no_main]

use airlock_quarantine::QuarantineKey;
use aws_lambda_events::s3::S3Event;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(payload) = serde_json::from_slice::<serde_json::Value>(input) else { return };
    let Ok(event) = serde_json::from_value::<S3Event>(payload) else { return };
    for encoded in event.records.iter().filter_map(|record| record.s3.object.key.as_deref()) {
        let Ok(key) = QuarantineKey::from_event(encoded) else { continue };
        let text = key.to_string();
        assert!(encoded == text || encoded.contains('%'), "{encoded} is taken for {text}");
        assert_eq!(text.parse(), Ok(key.clone()));
        assert_eq!(QuarantineKey::from_event(&text), Ok(key));
    }
});
