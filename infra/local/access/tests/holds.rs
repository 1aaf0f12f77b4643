//! Keys, the record of calls, and holds on them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use airlock_local_access::{Access, Call, Principal};
use std::{sync::Arc, time::Duration};
use tokio::{task::JoinHandle, time::timeout};

const SOON: Duration = Duration::from_secs(5);

fn scan() -> Principal {
    Principal::Function("Scan".to_owned())
}

fn call(principal: Principal, operation: &str) -> Call {
    let (operation, resource) = (operation.to_owned(), "r".to_owned());
    Call { principal, access_key_id: "AKIAONE".to_owned(), operation, resource, presigned: false }
}

fn start(access: &Arc<Access>, operation: &str) -> JoinHandle<()> {
    let (access, call) = (access.clone(), call(scan(), operation));
    tokio::spawn(async move { access.authorize(call).await.unwrap() })
}

#[tokio::test]
async fn a_held_call_waits_and_goes_on_when_it_is_released() {
    let access = Access::new();
    let hold = access.hold(scan(), "s3:CopyObject");
    let waiting = start(&access, "s3:CopyObject");
    timeout(SOON, hold.arrived()).await.unwrap();
    assert!(!waiting.is_finished());
    assert_eq!(access.calls(), [call(scan(), "s3:CopyObject")]);
    drop(hold);
    timeout(SOON, waiting).await.unwrap().unwrap();
    timeout(SOON, start(&access, "s3:CopyObject")).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_hold_catches_one_operation_of_one_principal() {
    let access = Access::new();
    let _hold = access.hold(scan(), "s3:CopyObject");
    timeout(SOON, start(&access, "s3:GetObject")).await.unwrap().unwrap();
    let other = access.authorize(call(Principal::Administrator, "s3:CopyObject"));
    timeout(SOON, other).await.unwrap().unwrap();
}

#[tokio::test]
async fn every_call_that_a_hold_caught_goes_on_together() {
    let access = Access::new();
    let hold = access.hold(scan(), "s3:CopyObject");
    let waiting = [start(&access, "s3:CopyObject"), start(&access, "s3:CopyObject")];
    timeout(SOON, hold.arrived()).await.unwrap();
    drop(hold);
    for call in waiting {
        timeout(SOON, call).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_hold_that_was_released_does_not_stand_before_the_next() {
    let access = Access::new();
    drop(access.hold(scan(), "s3:CopyObject"));
    let hold = access.hold(scan(), "s3:CopyObject");
    let waiting = start(&access, "s3:CopyObject");
    timeout(SOON, hold.arrived()).await.unwrap();
    drop(hold);
    timeout(SOON, waiting).await.unwrap().unwrap();
}

#[test]
fn keys_belong_to_whom_they_were_issued() {
    let access = Access::new();
    let (one, other) = (access.issue(scan()), access.issue(Principal::Administrator));
    assert_eq!(access.principal(&one.access_key_id), Some(scan()));
    assert_eq!(access.principal(&other.access_key_id), Some(Principal::Administrator));
    assert_eq!(access.secret(&one.access_key_id), Some(one.secret_access_key.clone()));
    assert!(one.secret_access_key != other.secret_access_key);
    assert_eq!((access.principal("AKIANOBODY"), access.secret("AKIANOBODY")), (None, None));
    assert!(!format!("{one:?}").contains(one.secret_access_key.expose()));
}
