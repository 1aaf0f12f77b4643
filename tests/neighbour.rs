//! Nobody waits for a neighbour (T-10): however long one tenant's objects take, others have a place, and each object
//! has a time of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

mod support;

use airlock_local_access::Principal;
use futures::future::join_all;
use support::World;

const LINE: &[u8] = b"one line of text\n";

#[tokio::test]
async fn t10_a_tenant_whose_scans_never_end_leaves_places_to_others() {
    let world = World::with(&[("MaxScans", "2"), ("MaxScansPerTenant", "1")]).await;
    let gate = world.stack.access().gate(Principal::Function("ScanUpload".to_owned()));
    let slow = world.person("slow", "eve");
    for number in 0..8 {
        slow.hand_in(&format!("{number}.txt"), "text/plain", LINE).await;
    }
    // Whatever belongs to that tenant stands still from its first read of bytes on.
    let mut standing = Vec::new();
    let others: Vec<_> = (0..4).map(|number| world.person(&format!("tenant-{number}"), "ada")).collect();
    let keep_the_gate = async {
        loop {
            let call = gate.next().await;
            if call.resource().contains("/slow/") { standing.push(call) } else { call.go() }
        }
    };
    let records = tokio::select! {
        records = join_all(others.iter().map(|person| person.upload("a.txt", "text/plain", LINE))) => records,
        () = keep_the_gate => unreachable!("it has no end"),
    };
    assert!(records.iter().all(|record| record["state"] == "published"), "{records:?}");
    assert_eq!(standing.len(), 1, "one place at most is that tenant's: {standing:?}");
    drop(standing);
    drop(gate);
    world.end().await;
}
