//! The one integration binary: every program of `fixtures` in every configuration, and the tree's own rules.
//!
//! `cargo test --test main -- NAME` filters as usual; names read `language::plain::00_print` or `tidy::arrows`.
//! One binary, because linking the interpreter once is dear enough.

mod fixtures;
mod support;
mod tidy;

fn main() -> std::process::ExitCode {
    let arguments = libtest_mimic::Arguments::from_args();
    let mut trials = fixtures::trials();
    trials.extend(tidy::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}
