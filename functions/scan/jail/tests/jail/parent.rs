//! A parent of the same user as its zygote and children, as on AWS Lambda, with a secret in its
//! environment: nothing of it can be reached, or the jail does not start.

use crate::setting::{ALLOWANCE, USER, is_root, object};
use airlock_jail::{Jail, protect_environment};
use libtest_mimic::Trial;
use std::{
    io::{BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

const SECRET: &str = "kept-from-strangers";

/// What a child of a parent's own user tries on it.
const ACTS: [&str; 7] = ["environ", "mem", "ptrace", "ptrace-zygote", "read-memory", "kill-zygote", "benign"];

/// The parent: says how it went, then waits until its standard input ends.
pub(crate) fn main(words: &[&str]) {
    if words != ["unprotected"] {
        println!("protection {:?}", protect_environment().unwrap());
    }
    println!("variable {}", std::env::var("SECRET").unwrap());
    match Jail::start(|| {
        let mut command = Command::new("/proc/self/exe");
        command.arg("as-zygote");
        command
    }) {
        Err(error) => println!("start {error}"),
        Ok(jail) => {
            println!("layers {}", jail.layers());
            for act in ACTS {
                let task = format!("{act} {}", std::process::id());
                match jail.run(&object().0, task.as_bytes(), &ALLOWANCE) {
                    Ok(report) => println!("{act} {}", String::from_utf8(report.bytes).unwrap()),
                    Err(error) => println!("{act} {error}"),
                }
            }
        }
    }
    println!("ready");
    let _ = std::io::stdin().read_line(&mut String::new());
}

/// A running parent, which ends when this is dropped.
struct Parent(Child);

impl Drop for Parent {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Starts a parent as an ordinary user: all it says, and the process.
fn start(refused: Option<&str>, word: &str) -> (String, Parent) {
    let user = if is_root() { USER.to_string() } else { "-".to_owned() };
    let mut command = Command::new("/proc/self/exe");
    match refused {
        Some(what) => {
            command.args(["as-refused", what, &user]);
        }
        None if is_root() => {
            command.uid(USER).gid(USER);
        }
        None => {}
    }
    command.args(["as-parent", word]).env("SECRET", SECRET).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut parent = Parent(command.spawn().unwrap());
    let mut said = String::new();
    let mut lines = BufReader::new(parent.0.stdout.take().unwrap());
    while lines.read_line(&mut said).unwrap() > 0 && !said.ends_with("ready\n") {}
    parent.0.stdin.as_mut().unwrap().flush().unwrap();
    (said, parent)
}

/// What another process of the same user reads of the parent's environment.
fn environment_of(parent: &Parent) -> Option<Vec<u8>> {
    let mut command = Command::new("cat");
    if is_root() {
        command.uid(USER).gid(USER);
    }
    let output = command.arg(format!("/proc/{}/environ", parent.0.id())).output().unwrap();
    output.status.success().then_some(output.stdout)
}

fn holds_secret(bytes: &[u8]) -> bool {
    bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes())
}

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("t10_a_parent_of_the_same_user_is_closed", || {
            let (said, parent) = start(None, "protected");
            assert!(
                said.starts_with(&format!("protection Undumpable\nvariable {SECRET}\nlayers ")),
                "{said}"
            );
            for act in &ACTS[..6] {
                assert!(
                    said.contains(&format!("\n{act} the work ended badly: killed by signal 31\n")),
                    "{said}"
                );
            }
            assert!(said.contains("\nbenign 300000\n"), "{said}");
            assert_eq!(environment_of(&parent), None);
            Ok(())
        }),
        Trial::test("t10_a_parent_of_the_same_user_is_closed_where_the_kernel_refuses", || {
            let (said, parent) = start(Some("kernel"), "protected");
            assert!(
                said.starts_with(&format!("protection Undumpable\nvariable {SECRET}\nlayers ")),
                "{said}"
            );
            for act in &ACTS[..5] {
                assert!(said.contains(&format!("\n{act} refused: ")), "{said}");
            }
            // Nothing keeps it from this. Nothing is decided then, and there is a new zygote.
            assert!(said.contains("\nkill-zygote the jail is unavailable: the zygote died\n"), "{said}");
            assert!(said.contains("\nbenign 300000\n"), "{said}");
            assert_eq!(environment_of(&parent), None);
            Ok(())
        }),
        Trial::test(
            "t10_where_nothing_closes_the_parent_its_environment_is_scrubbed_and_no_jail_starts",
            || {
                let (said, parent) = start(Some("dumpable"), "protected");
                assert!(said.starts_with(&format!("protection Scrubbed\nvariable {SECRET}\n")), "{said}");
                assert!(said.contains("\nstart these layers do not hold: closed\n"), "{said}");
                let seen = environment_of(&parent).unwrap();
                assert!(!holds_secret(&seen) && seen.iter().all(|byte| *byte == 0));
                Ok(())
            },
        ),
        Trial::test("t10_a_parent_that_is_not_protected_gets_no_jail", || {
            let (said, parent) = start(None, "unprotected");
            assert!(said.contains("\nstart these layers do not hold: closed\n"), "{said}");
            // So the other tests would notice.
            assert!(holds_secret(&environment_of(&parent).unwrap()));
            Ok(())
        }),
    ]
}
