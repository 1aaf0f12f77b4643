//! libFuzzer and libyara both bring a `memmem` of their own; either will do.

fn main() {
    println!("cargo:rustc-link-arg-bins=-Wl,--allow-multiple-definition");
}
