//! T-07, the swap: with two files of one size, type and MD5, two URLs, repeated finalizes, two scans at once and a kill
//! between any two calls, nobody ever downloads anything but what was scanned.
//!
//! Each schedule takes two scans of one object through their AWS calls, one call at a time. Between any two calls
//! the uploader sends the other file to both URLs, finalizes again, and downloads what is there. The watcher of
//! quarantine stands still meanwhile, as it may be late.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

mod support;

use airlock_local_access::{Gate, Principal, Standing};
use serde_json::{Value, json};
use std::{future::Future, pin::Pin, time::Duration};
use support::{
    World,
    person::{Person, id, sha256},
};

/// The calls of the scan of a clean object.
const CALLS: usize = 6;

/// A file of `tests/cases/swap`.
fn file(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/cases/swap/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn function(name: &str) -> Principal {
    Principal::Function(name.to_owned())
}

/// An upload of one file, by someone who has another one with the same MD5.
struct Swap<'a> {
    ada: Person<'a>,
    id: String,
    /// Two answers to one request: each has a URL of its own.
    opened: [Value; 2],
    scanned: Vec<u8>,
    other: Vec<u8>,
}

impl<'a> Swap<'a> {
    /// Opens the upload, sends the first file and finalizes it.
    async fn begin(world: &'a World, tenant: &str) -> Self {
        let ada = world.person(tenant, "ada");
        let (scanned, other) = (file("coll-1.gz"), file("coll-2.gz"));
        assert_eq!(scanned.len(), other.len());
        let body = json!({ "file_name": "a.gz", "content_type": "application/gzip", "size": scanned.len() });
        let mut opened = Vec::new();
        for _ in 0..2 {
            let request = world.http.post(format!("{}/uploads", world.stack.ready().api));
            let request = request.bearer_auth(&ada.token).header("idempotency-key", "one").json(&body);
            opened.push(request.send().await.unwrap().json::<Value>().await.unwrap());
        }
        let swap = Self { id: id(&opened[0]), opened: opened.try_into().unwrap(), ada, scanned, other };
        assert_eq!(id(&swap.opened[1]), swap.id);
        assert_eq!(swap.ada.put(&swap.opened[0], &swap.scanned).await.status, 200);
        assert_eq!(swap.ada.finalize(&swap.id).await.status, 202);
        swap
    }

    /// Tries everything that an uploader can, and looks at what can be downloaded.
    async fn attack(&self, when: &str) {
        tokio::join!(
            self.ada.put(&self.opened[0], &self.other),
            self.ada.put(&self.opened[1], &self.other),
            self.ada.finalize(&self.id),
        );
        self.check(when).await;
    }

    /// What can be downloaded is what was scanned.
    async fn check(&self, when: &str) {
        let answer = self.ada.download_url(&self.id).await;
        if answer.status == 200 {
            let url = answer.json()["url"].as_str().unwrap().to_owned();
            let bytes = self.ada.world.http.get(url).send().await.unwrap().bytes().await.unwrap();
            assert_eq!(sha256(&bytes), sha256(&self.scanned), "downloaded {when}");
        }
    }
}

/// One scan, standing at its next call until it is let go.
struct Scan<'a> {
    invocation: Pin<Box<dyn Future<Output = ()> + 'a>>,
    call: Option<Standing>,
}

impl<'a> Scan<'a> {
    /// A delivery of the message that asks for the scan of `object`; another one of the same may be at work.
    async fn start(world: &'a World, gate: &Gate, tenant: &str, object: &str) -> Self {
        let body = json!({ "tenant_id": tenant, "object_id": object }).to_string();
        let batch = json!({ "Records": [{
            "messageId": "message", "receiptHandle": "handle", "body": body,
            "attributes": { "ApproximateReceiveCount": "1" }, "messageAttributes": {},
            "md5OfBody": "", "eventSource": "aws:sqs", "awsRegion": "us-east-1",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:scan.fifo"
        }] });
        let invocation = Box::pin(async move {
            // A killed one answers with an error.
            let _ = world.stack.invoke("scan-upload", batch).await;
        });
        let mut scan = Self { invocation, call: None };
        scan.wait(gate).await;
        scan
    }

    /// Waits for its next call, or its end.
    async fn wait(&mut self, gate: &Gate) {
        self.call = tokio::select! {
            call = gate.next() => Some(call),
            () = &mut self.invocation => None,
        };
    }

    /// Lets its call go; false if it has come to its end.
    async fn step(&mut self, gate: &Gate) -> bool {
        let Some(call) = self.call.take() else { return false };
        call.go();
        self.wait(gate).await;
        true
    }

    async fn finish(&mut self, gate: &Gate, swap: &Swap<'_>, when: &str) {
        while self.step(gate).await {
            swap.attack(when).await;
        }
    }
}

/// What happens to the first scan once the second one is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum First {
    GoesOn,
    IsKilled,
}

/// The first scan makes `first` calls, the second one `second`; then the first goes on to its end or is killed, and
/// the second one ends.
async fn schedule(world: &World, first: usize, second: usize, fate: First) {
    let when = &format!("with {first} and {second} calls made, and the first that {fate:?}");
    let tenant = &format!("tenant-{first}-{second}-{fate:?}").to_lowercase();
    let gate = world.stack.access().gate(function("ScanUpload"));
    let swap = Swap::begin(world, tenant).await;
    // The scan that finalize asked for stands at its first call until the others are done.
    let asked = gate.next().await;
    let mut one = Scan::start(world, &gate, tenant, &swap.id).await;
    for _ in 0..first {
        one.step(&gate).await;
        swap.attack(when).await;
    }
    if fate == First::IsKilled {
        world.kill("scan-upload");
        if one.call.take().is_some() {
            one.invocation.await;
        }
        let mut two = Scan::start(world, &gate, tenant, &swap.id).await;
        two.finish(&gate, &swap, when).await;
    } else {
        let mut two = Scan::start(world, &gate, tenant, &swap.id).await;
        for _ in 0..second {
            two.step(&gate).await;
            swap.attack(when).await;
        }
        one.finish(&gate, &swap, when).await;
        two.finish(&gate, &swap, when).await;
    }
    drop(asked);
    drop(gate);
    if fate == First::GoesOn {
        // The scan that finalize asked for ends before another schedule begins.
        world.queue_is_empty().await;
    }
    let record = swap.ada.get(&format!("/uploads/{}", swap.id)).await.json();
    assert_eq!(record["state"], "published", "{when}: {record}");
    assert_eq!(record["sha256"], sha256(&swap.scanned), "{when}");
    swap.check(when).await;
    let published = world.keys(&world.stack.ready().buckets.published).await;
    let own = published.iter().filter(|key| key.contains(&format!("/{tenant}/"))).count();
    assert_eq!(own, 1, "{when}: {published:?}");
}

async fn schedules(of: impl Iterator<Item = (usize, usize, First)>) {
    let world = World::with(&[("MaxUploadsPerMinute", "100000")]).await;
    let late = world.stack.access().gate(function("WatchQuarantine"));
    for (first, second, fate) in of {
        let done = schedule(&world, first, second, fate);
        tokio::time::timeout(Duration::from_secs(60), done).await.expect("a schedule comes to its end");
    }
    drop(late);
    world.end().await;
}

/// How many stacks share the schedules: one for each processor of a small machine.
const STACKS: usize = 2;

async fn every(nth: usize) {
    let orders = (0..=CALLS).flat_map(|first| (0..=CALLS).map(move |second| (first, second, First::GoesOn)));
    schedules(orders.skip(nth).step_by(STACKS)).await;
}

#[tokio::test]
async fn t07_two_scans_at_once_in_any_order_of_their_calls_publish_what_was_scanned() {
    every(0).await;
}

#[tokio::test]
async fn t07_two_scans_at_once_in_any_other_order_of_their_calls_publish_what_was_scanned() {
    every(1).await;
}

#[tokio::test]
async fn t07_a_scan_killed_between_any_two_calls_is_done_again_and_publishes_what_was_scanned() {
    schedules((0..=CALLS).map(|first| (first, 0, First::IsKilled))).await;
}
