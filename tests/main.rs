//! The one integration binary: every program of `fixtures` in every configuration, and the tree's own rules.
//!
//! `cargo test --test main -- NAME` filters as usual; names read `language::plain::00_print` or `tidy::arrows`.
//! One binary, because linking the interpreter once is dear enough.

mod browser;
mod debugger;
mod dispatch;
mod fixtures;
mod hooks;
mod known;
mod support;
mod tidy;
mod tools;

use std::sync::Arc;

fn main() -> std::process::ExitCode {
    programs_hear_signals();
    let arguments = libtest_mimic::Arguments::from_args();
    let known = Arc::new(known::KnownFailures::load());
    let (mut trials, names) = fixtures::trials(&known);
    let names = Arc::new(names);
    trials.extend(browser::trials());
    trials.extend(debugger::trials());
    trials.extend(dispatch::trials());
    trials.extend(hooks::trials());
    trials.extend(tidy::trials());
    trials.extend(tools::trials());
    trials.push(known::trial(Arc::clone(&names)));
    let conclusion = libtest_mimic::run(&arguments, trials);
    known.bless(&names);
    conclusion.exit_code()
}

/// Programs under test start with the signals that a terminal would give them, even where the tests were started in the
/// background or by `nohup`, which leave some ignored.
fn programs_hear_signals() {
    for signal in [libc::SIGINT, libc::SIGQUIT, libc::SIGHUP, libc::SIGTERM] {
        // SAFETY: no handler is replaced that anything here installed, and no other thread runs yet.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}
