//! The `airlock` command, as people and scripts use it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

mod support;

use insta::assert_snapshot;
use serde_json::Value;
use std::{
    ffi::OsStr,
    fs::Permissions,
    io::{Seek as _, Write as _},
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::Path,
    process::{Child, Command, Output, Stdio},
};
use support::{World, eicar, eventually, sample};

fn airlock(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_airlock"));
    command.args(arguments);
    for variable in ["AIRLOCK_API", "AIRLOCK_TOKEN", "AIRLOCK_READY_FILE"] {
        command.env_remove(variable);
    }
    command
}

/// Runs a client command against the world, off the runtime's threads.
async fn client(world: &World, folder: &Path, arguments: &[&str]) -> Output {
    client_that_reads(world, folder, arguments, b"").await
}

/// The same with something on standard input.
async fn client_that_reads(world: &World, folder: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut standard_input = tempfile::tempfile().unwrap();
    standard_input.write_all(input).unwrap();
    standard_input.rewind().unwrap();
    let mut command = airlock(arguments);
    command.stdin(standard_input);
    command.env("AIRLOCK_API", &world.stack.ready().api).env("AIRLOCK_TOKEN", world.ada().token);
    let of_the_stack = tempfile::tempdir().unwrap();
    command.current_dir(folder).env("AIRLOCK_READY_FILE", world.ready_file(of_the_stack.path()));
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// How it ended, and all that it said.
fn end(output: &Output) -> String {
    let said = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{}: {}", output.status.code().unwrap(), said.concat().trim_end())
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
    let id = json(&uploaded)["upload_id"].as_str().unwrap().to_owned();

    let refused = client(&world, folder.path(), &["upload", "virus.txt"]).await;
    assert_eq!(refused.status.code(), Some(1), "a rejected file is a no");
    let line = text(&refused);
    assert_eq!(line.split_once("  ").unwrap().1, "rejected  virus.txt  malicious: matched eicar_test_file\n");

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
async fn a_refusal_is_said_once_with_what_was_sent_and_what_is_allowed() {
    let world = World::with(&[("AllowedTypes", "text/plain=1KiB,application/pdf")]).await;
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [("page.html", "<p>"), ("empty.txt", ""), ("long.txt", &"x".repeat(2000))] {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let upload = async |arguments: &[&str]| {
        end(&client(&world, folder.path(), &[&["upload"], arguments].concat()).await)
    };
    assert_snapshot!(upload(&["page.html"]).await, @"2: airlock: page.html: its name does not say which media type it is; say it with `airlock upload --type TYPE`");
    assert_snapshot!(upload(&["page.html", "--type", "text/html"]).await, @"1: airlock: page.html: content_type: text/html can't be uploaded here; allowed are application/pdf, text/plain (type_not_allowed)");
    assert_snapshot!(upload(&["long.txt"]).await, @"1: airlock: long.txt: size: 2000 bytes are too many for text/plain; 1024 are allowed (too_large)");
    assert_snapshot!(upload(&["empty.txt"]).await, @"1: airlock: empty.txt: size: must be at least 1: an empty file can't be uploaded (invalid_request)");
    assert_snapshot!(upload(&["nothing.txt"]).await, @"2: airlock: nothing.txt: No such file or directory (os error 2)");
    assert_snapshot!(upload(&["-"]).await, @"2: airlock: -: standard input has no name of its own; say one with --name NAME");
    assert_snapshot!(upload(&["empty.txt", "long.txt", "--name", "a.txt"]).await, @"2: airlock: --name names one upload, and here are 2");
    assert_snapshot!(upload(&["--json", "page.html", "--type", "text/html"]).await, @r#"
    1: {"error":{"code":"type_not_allowed","detail":"content_type: text/html can't be uploaded here; allowed are application/pdf, text/plain","errors":[{"detail":"text/html can't be uploaded here; allowed are application/pdf, text/plain","field":"content_type"}],"status":415},"file":"page.html"}
    airlock: page.html: content_type: text/html can't be uploaded here; allowed are application/pdf, text/plain (type_not_allowed)
    "#);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn standard_input_is_uploaded_under_the_name_that_is_said() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["upload", "-", "--name", "data", "--type", "text/csv", "--json"];
    let uploaded = client_that_reads(&world, folder.path(), &arguments, b"a,b\n1,2\n").await;
    let record = json(&uploaded);
    let named = ["file", "file_name", "content_type"].map(|field| record[field].as_str().unwrap());
    assert_eq!(named, ["-", "data", "text/csv"]);
    let id = record["upload_id"].as_str().unwrap();
    let downloaded = client(&world, folder.path(), &["download", id]).await;
    assert!(downloaded.status.success(), "{uploaded:?} {downloaded:?}");
    assert_eq!(std::fs::read(folder.path().join("data")).unwrap(), b"a,b\n1,2\n");
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

/// The command in the background; ended when this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_in_another_terminal_is_found_and_its_files_are_the_user_s_alone() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let (named, known) = (home.path().join("ready.json"), home.path().join("airlock"));
    let at_home = |arguments: &[&str]| {
        let mut command = airlock(arguments);
        command.env("XDG_RUNTIME_DIR", home.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let mut start = at_home(&["local", "--api-port", "0", "--log", "error", "--ready-file"]);
    let mut running =
        Running(start.arg(&named).arg("--data").arg(&data).stdout(Stdio::null()).spawn().unwrap());
    let left = eventually("the ready file is left", || async {
        known
            .read_dir()
            .ok()?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.extension().is_some())
    })
    .await;
    assert_eq!([&data, &known].map(|folder| mode(folder)), [0o700; 2]);
    assert_eq!([&named, &left, &data.join("issuer.pem")].map(|file| mode(file)), [0o600; 3]);

    let ready: Value = serde_json::from_slice(&std::fs::read(&left).unwrap()).unwrap();
    let api = ready["api"].as_str().unwrap();
    let token = ["token", "--tenant", "acme", "--user", "ada"];
    let found = at_home(&[&token[..], &["--api", api]].concat()).output().unwrap();
    assert!(found.status.success() && text(&found).trim().split('.').count() == 3, "{found:?}");
    let rescan = at_home(&["rescan", "--api", &api.replace("127.0.0.1", "localhost")]).output().unwrap();
    assert!(rescan.status.success(), "{rescan:?}");

    let elsewhere = tempfile::tempdir().unwrap();
    let mut other = at_home(&[&token[..], &["--api", api]].concat());
    other.env("XDG_RUNTIME_DIR", elsewhere.path()).env("XDG_STATE_HOME", elsewhere.path());
    let unknown = other.output().unwrap();
    assert_eq!(unknown.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("--ready-file"), "{unknown:?}");
    let named_by_hand = other.arg("--ready-file").arg(&named).output().unwrap();
    assert!(named_by_hand.status.success(), "{named_by_hand:?}");

    let pid = rustix::process::Pid::from_child(&running.0);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(running.0.wait().unwrap().success());
    assert!(!left.exists() && !named.exists(), "what opens a stack goes with it");
}

#[test]
fn data_is_not_kept_where_others_look_in() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("thesis.odt"), "").unwrap();
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let output =
        airlock(&["local", "--api-port", "0", "--data", folder.path().to_str().unwrap()]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("thesis.odt") && said.contains("chmod 700"), "{said}");
    assert_eq!(mode(folder.path()), 0o755);
}

#[test]
fn exit_codes_tell_a_wrong_call_from_an_unreachable_service() {
    assert_eq!(airlock(&["fly"]).output().unwrap().status.code(), Some(2));
    let unreachable = ["list", "--api", "http://127.0.0.1:9", "--token", "a.b.c"];
    assert_eq!(airlock(&unreachable).output().unwrap().status.code(), Some(3));
}

/// How it ended, and what it said on standard error, as bytes.
fn refused(output: &Output) -> (i32, &[u8]) {
    (output.status.code().unwrap(), &output.stderr)
}

#[test]
fn c06_what_is_given_as_a_token_is_not_shown() {
    for token in ["Bearer s3cret", "s3cret\n", ""] {
        let output = airlock(&["list"]).env("AIRLOCK_TOKEN", token).output().unwrap();
        let (code, said) = refused(&output);
        assert_eq!(code, 2, "{output:?}");
        assert!(!String::from_utf8_lossy(said).contains("s3cret"), "{output:?}");
    }
}

#[test]
fn names_of_files_can_neither_control_the_terminal_nor_break_it() {
    let name = OsStr::from_bytes(b"\x1b]0;\xff\x07.txt");
    for options in [&["upload"][..], &["upload", "--json"]] {
        let mut command = airlock(options);
        command.args([name, OsStr::new("also missing.txt")]).env("AIRLOCK_TOKEN", "token");
        let output = command.output().unwrap();
        let (code, said) = refused(&output);
        assert_eq!(code, 2, "{output:?}");
        assert!(!said.contains(&0x1b) && !said.contains(&0x07), "{output:?}");
        let lines = text(&output).lines().filter(|line| serde_json::from_str::<Value>(line).is_ok()).count();
        assert_eq!(lines, if options.len() == 2 { 2 } else { 0 }, "{output:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_uploaded_though_nobody_reads_what_is_said_of_them() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.txt", "b.txt"] {
        std::fs::write(folder.path().join(name), "a line\n").unwrap();
    }
    let mut command = airlock(&["upload", "a.txt", "missing.txt", "b.txt"]);
    command.env("AIRLOCK_API", &world.stack.ready().api).env("AIRLOCK_TOKEN", world.ada().token);
    command.current_dir(folder.path()).stdout(Stdio::piped()).stderr(Stdio::null());
    let ended = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        child.wait().unwrap()
    });
    assert_eq!(ended.await.unwrap().code(), Some(2), "the worst is the file that is missing");
    let objects = world.ada().get("/objects").await.json();
    assert_eq!(objects["objects"].as_array().unwrap().len(), 2);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_is_uploaded_like_standard_input() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.txt");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let written = tokio::task::spawn_blocking(move || std::fs::write(pipe, "through a pipe\n").unwrap());
    let output = client(&world, folder.path(), &["upload", "--json", "pipe.txt"]).await;
    written.await.unwrap();
    assert_eq!((&json(&output)["state"], &json(&output)["size"]), (&"published".into(), &15.into()));
    world.end().await;
}

#[test]
fn inspect_says_what_a_scan_would_say_and_what_it_saw() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("notes.zip"), sample("sample.zip")).unwrap();
    std::fs::write(path("virus.txt"), eicar()).unwrap();
    std::fs::write(path("no type"), "text").unwrap();

    let clean = airlock(&["inspect", "--facts", &path("notes.zip")]).output().unwrap();
    let shown = text(&clean);
    assert!(clean.status.success() && shown.starts_with("verdict       clean\n"), "{clean:?}");
    assert!(
        shown.contains("\nfound type    application/zip\n") && shown.contains("\npart          "),
        "{shown}"
    );
    let clean = airlock(&["inspect", "--json", "--facts", &path("notes.zip")]).output().unwrap();
    assert_eq!(json(&clean)["outcome"], "clean");
    assert!(!json(&clean)["parts"].as_array().unwrap().is_empty(), "{clean:?}");

    let refused = airlock(&["inspect", &path("virus.txt")]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(text(&refused).contains("\nreason        matched eicar_test_file\n"), "{refused:?}");
    let other = airlock(&["inspect", "--type", "image/png", &path("no type")]).output().unwrap();
    assert_eq!(other.status.code(), Some(1), "{other:?}");
    for unknown in ["no type", "not there"] {
        assert_eq!(
            airlock(&["inspect", &path(unknown)]).output().unwrap().status.code(),
            Some(2),
            "{unknown}"
        );
    }
}
