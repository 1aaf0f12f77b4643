//! Nobody waits for a neighbour (T-10): however long one tenant's objects take, others have a place, and each object
//! has a time of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

mod support;

use airlock_local_access::Principal;
use futures::future::join_all;
use support::{World, eventually};

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

/// The processes that any thread of `parent` has started.
fn children(parent: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten();
    let of_threads =
        threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("children")).ok());
    of_threads
        .flat_map(|pids| pids.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

#[tokio::test]
async fn t10_an_environment_in_which_an_inspection_ended_badly_ends_and_no_event_is_lost() {
    let world = World::start().await;
    let ada = world.ada();
    // Once the jail is up, its children are inspections. Before, they are probes of its layers.
    ada.upload("first.txt", "text/plain", LINE).await;
    // Long enough to be met at work.
    let long = b"a line of text that says nothing at all\n".repeat(1 << 20);
    let upload_id = ada.hand_in("long.txt", "text/plain", &long).await;
    let world_ref = &world;
    let environment = eventually("the inspection is at work", || async move {
        world_ref.stack.processes("scan-upload").into_iter().find_map(|function| {
            let jailed = children(function).into_iter().flat_map(children).next()?;
            let jailed = rustix::process::Pid::from_raw(i32::try_from(jailed).unwrap())?;
            rustix::process::kill_process(jailed, rustix::process::Signal::KILL).ok()?;
            Some(function)
        })
    })
    .await;
    let record = ada.settled(&upload_id).await;
    assert_eq!(record["state"], "failed", "{record}");
    for number in 0..3 {
        let record = ada.upload(&format!("{number}.txt"), "text/plain", LINE).await;
        assert_eq!(record["state"], "published", "{record}");
    }
    assert!(!world.stack.processes("scan-upload").contains(&environment), "the environment goes on");
    world.end().await;
}
