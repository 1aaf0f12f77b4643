//! Gates, through which calls go one by one.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use airlock_local_access::{Access, Call, Gate, Principal, Standing};
use std::{sync::Arc, time::Duration};
use tokio::{task::JoinHandle, time::timeout};

const SOON: Duration = Duration::from_secs(5);

fn release() -> Principal {
    Principal::Function("Release".to_owned())
}

fn call(operation: &str) -> Call {
    let (operation, resource) = (operation.to_owned(), "b/k".to_owned());
    let access_key_id = "AKIAONE".to_owned();
    Call { principal: release(), access_key_id, operation, resource, presigned: false }
}

fn start(access: &Arc<Access>, operation: &str) -> JoinHandle<()> {
    let (access, call) = (access.clone(), call(operation));
    tokio::spawn(async move { access.authorize(call).await.unwrap() })
}

async fn next(gate: &Gate) -> Standing {
    timeout(SOON, gate.next()).await.unwrap()
}

async fn done(call: JoinHandle<()>) {
    timeout(SOON, call).await.unwrap().unwrap();
}

#[tokio::test]
async fn calls_stop_and_go_on_one_by_one_in_order_of_arrival() {
    let access = Access::new();
    let gate = access.gate(release());
    let first = start(&access, "s3:HeadObject");
    timeout(SOON, gate.gathered(1)).await.unwrap();
    let second = start(&access, "s3:PutObject");
    timeout(SOON, gate.gathered(2)).await.unwrap();
    assert_eq!(access.calls(), [call("s3:HeadObject"), call("s3:PutObject")]);
    let (one, other) = (next(&gate).await, next(&gate).await);
    assert_eq!((one.operation(), one.resource(), one.access_key_id()), ("s3:HeadObject", "b/k", "AKIAONE"));
    assert_eq!((other.operation(), gate.waiting()), ("s3:PutObject", 2));
    other.go();
    done(second).await;
    assert!(!first.is_finished());
    assert_eq!(gate.waiting(), 1);
    drop(one);
    done(first).await;
    assert_eq!(gate.waiting(), 0);
}

#[tokio::test]
async fn the_test_can_wait_before_the_call_comes() {
    let access = Access::new();
    let gate = Arc::new(access.gate(release()));
    let waiting = tokio::spawn({
        let gate = gate.clone();
        async move { gate.next().await.go() }
    });
    tokio::task::yield_now().await;
    let call = start(&access, "s3:GetObject");
    timeout(SOON, waiting).await.unwrap().unwrap();
    done(call).await;
}

#[tokio::test]
async fn others_and_presigned_urls_pass() {
    let access = Access::new();
    let gate = access.gate(release());
    let other = Call { principal: Principal::Administrator, ..call("s3:GetObject") };
    let by_url = Call { presigned: true, ..call("s3:GetObject") };
    for passing in [other, by_url] {
        timeout(SOON, access.authorize(passing)).await.unwrap().unwrap();
    }
    assert!(gate.first().is_none());
}

#[tokio::test]
async fn a_gate_that_is_gone_lets_all_go_and_stops_no_more() {
    let access = Access::new();
    let gate = access.gate(release());
    let calls = ["s3:GetObject", "s3:PutObject"].map(|operation| start(&access, operation));
    timeout(SOON, gate.gathered(2)).await.unwrap();
    drop(gate);
    for call in calls {
        done(call).await;
    }
    done(start(&access, "s3:GetObject")).await;
}

#[tokio::test]
async fn a_caller_that_is_gone_stands_there_no_more() {
    let access = Access::new();
    let gate = access.gate(release());
    let killed = start(&access, "s3:GetObject");
    timeout(SOON, gate.gathered(1)).await.unwrap();
    killed.abort();
    assert!(timeout(SOON, killed).await.unwrap().unwrap_err().is_cancelled());
    assert_eq!(gate.waiting(), 0);
    let call = start(&access, "s3:PutObject");
    let standing = next(&gate).await;
    assert_eq!(standing.operation(), "s3:PutObject");
    standing.go();
    done(call).await;
}

#[tokio::test]
async fn a_call_that_is_let_go_can_be_held() {
    let access = Access::new();
    let (gate, hold) = (access.gate(release()), access.hold(release(), "s3:PutObject"));
    let call = start(&access, "s3:PutObject");
    next(&gate).await.go();
    timeout(SOON, hold.arrived()).await.unwrap();
    assert!(!call.is_finished());
    drop(hold);
    done(call).await;
}
