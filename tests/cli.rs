//! The `airlock` command, as people and scripts use it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

mod support;

use serde_json::Value;
use std::{
    path::Path,
    process::{Command, Output},
};
use support::{World, eicar, sample};

fn airlock(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_airlock"));
    command.args(arguments).env_remove("AIRLOCK_API").env_remove("AIRLOCK_TOKEN");
    command
}

/// Runs a client command against the world, off the runtime's threads.
async fn client(world: &World, folder: &Path, arguments: &[&str]) -> Output {
    let mut command = airlock(arguments);
    command.env("AIRLOCK_API", &world.stack.ready().api).env("AIRLOCK_TOKEN", world.ada().token);
    command.current_dir(folder);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[test]
fn demo_runs_the_eight_steps_on_a_clean_file_and_on_eicar() {
    let output = airlock(&["demo"]).output().unwrap();
    let text = text(&output);
    assert!(output.status.success(), "{output:?}");
    for step in ["1. ", "2. ", "3. ", "4. ", "5. ", "6. ", "7. ", "8. "] {
        assert_eq!(text.matches(&format!("\n  {step}")).count(), 2, "step {step} of both files\n{text}");
    }
    assert!(text.contains("=> published") && text.contains("=> rejected"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn demo_fails_when_something_deviates() {
    let world = World::with(&[("MaxUploadBytes", "100")]).await;
    let folder = tempfile::tempdir().unwrap();
    let output = client(&world, folder.path(), &["demo"]).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_up_is_listed_comes_down_and_is_deleted() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let name = "naïve “résumé”.pdf";
    std::fs::write(folder.path().join(name), sample("sample.pdf")).unwrap();
    std::fs::write(folder.path().join("virus.txt"), eicar()).unwrap();

    let uploaded = client(&world, folder.path(), &["upload", "--json", name]).await;
    assert!(uploaded.status.success(), "{uploaded:?}");
    let record = json(&uploaded);
    let id = record["upload_id"].as_str().or(record[0]["upload_id"].as_str()).unwrap().to_owned();

    let refused = client(&world, folder.path(), &["upload", "virus.txt"]).await;
    assert_eq!(refused.status.code(), Some(1), "a rejected file is a no");

    let listed = client(&world, folder.path(), &["list"]).await;
    assert!(text(&listed).contains(&id) && text(&listed).contains(name), "{listed:?}");
    let status = client(&world, folder.path(), &["status", &id]).await;
    assert!(text(&status).contains("published"), "{status:?}");

    let elsewhere = tempfile::tempdir().unwrap();
    let downloaded = client(&world, elsewhere.path(), &["download", &id]).await;
    assert!(downloaded.status.success(), "{downloaded:?}");
    assert_eq!(std::fs::read(elsewhere.path().join(name)).unwrap(), sample("sample.pdf"));

    assert!(client(&world, folder.path(), &["delete", &id]).await.status.success());
    assert_eq!(client(&world, folder.path(), &["download", &id]).await.status.code(), Some(1));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_printed_and_nothing_else() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let output = client(&world, folder.path(), &["token", "--tenant", "acme", "--user", "ada"]).await;
    let token = text(&output);
    assert!(output.status.success() && token.trim().split('.').count() == 3, "{output:?}");
    let api = &world.stack.ready().api;
    let answer = world.http.get(format!("{api}/objects")).bearer_auth(token.trim()).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    world.end().await;
}

#[test]
fn exit_codes_tell_a_wrong_call_from_an_unreachable_service() {
    assert_eq!(airlock(&["fly"]).output().unwrap().status.code(), Some(2));
    let unreachable = ["list", "--api", "http://127.0.0.1:9", "--token", "a.b.c"];
    assert_eq!(airlock(&unreachable).output().unwrap().status.code(), Some(3));
}
