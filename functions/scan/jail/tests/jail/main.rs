//! The jail, tried from inside: every hostile act is performed by a child of a real zygote, once
//! with the kernel's layers and once where a seccomp filter refuses them, as AWS Lambda does.
//!
//! This binary is also the zygote, and what installs that filter. Run as root it does everything
//! twice: with a zygote that is root, and with one that is not.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

mod acts;
mod hostile;
mod own;
mod parent;
mod refuse;
mod service;
mod setting;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let words: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    match words.as_slice() {
        ["as-zygote", ..] => airlock_jail::serve(acts::perform).unwrap(),
        ["as-parent", rest @ ..] => parent::main(rest),
        ["as-refused", what, user, rest @ ..] => refuse::main(what, user, rest),
        _ => {
            let trials =
                [hostile::trials(), service::trials(), parent::trials()].into_iter().flatten().collect();
            libtest_mimic::run(&libtest_mimic::Arguments::from_args(), trials).exit();
        }
    }
}
