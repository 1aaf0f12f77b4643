//! The `airlock` command, as people and scripts use it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

mod support;

use serde_json::Value;
use std::{
    fs::Permissions,
    os::unix::fs::PermissionsExt,
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
    let mut command = airlock(arguments);
    command.env("AIRLOCK_API", &world.stack.ready().api).env("AIRLOCK_TOKEN", world.ada().token);
    let of_the_stack = tempfile::tempdir().unwrap();
    command.current_dir(folder).env("AIRLOCK_READY_FILE", world.ready_file(of_the_stack.path()));
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
