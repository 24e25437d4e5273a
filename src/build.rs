//! How the executable is linked: at a fixed address, and with the functions of a start side by side.
//!
//! A position-independent executable has some 34,000 addresses of its tables put right at every start. And of nine
//! megabytes of code a start runs one, which the linker strews over all of it: each page brings its neighbours with it.
//! Both cost time at every start and memory in every process. The order is a list of symbols, `src/native/order.txt`,
//! written by `src/native/order.py`; a name in it that no longer exists only loses its place.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn main() {
    println!("cargo:rerun-if-changed=src/build.rs");
    println!("cargo:rerun-if-changed=src/native/order.txt");
    let order = Path::new(&variable("CARGO_MANIFEST_DIR")).join("src/native/order.txt");
    let fixed = vec!["-no-pie".to_owned()];
    let ordered =
        vec![format!("-Wl,--symbol-ordering-file={}", order.display()), "-Wl,--no-warn-symbol-ordering".to_owned()];
    for arguments in [fixed, ordered] {
        if links_with(&arguments) {
            arguments.iter().for_each(|a| println!("cargo:rustc-link-arg-bins={a}"));
        }
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

/// Whether the linker that will be used takes these arguments: only some know how to order symbols.
fn links_with(arguments: &[String]) -> bool {
    if variable("CARGO_CFG_TARGET_OS") != "linux" {
        return false;
    }
    let out = PathBuf::from(variable("OUT_DIR"));
    let source = out.join("probe.rs");
    if std::fs::write(&source, "fn main() {}\n").is_err() {
        return false;
    }
    let mut rustc = Command::new(variable("RUSTC"));
    rustc.arg(&source).arg("-o").arg(out.join("probe")).args(["--target", &variable("TARGET")]);
    if let Ok(linker) = std::env::var("RUSTC_LINKER") {
        rustc.arg(format!("-Clinker={linker}"));
    }
    rustc.args(variable("CARGO_ENCODED_RUSTFLAGS").split('\x1f').filter(|flag| !flag.is_empty()));
    rustc.args(arguments.iter().map(|a| format!("-Clink-arg={a}")));
    rustc.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
