//! The debugger, as its clients see it.
//!
//! [`session`]: transcripts. `fixtures/debugger/NAME.session` holds what a client does (lines behind `> `) and what comes
//! back; `BLESS=1` writes the answers anew. [`screen`]: `taipan debug` in a real terminal.

mod screen;
mod session;

use libtest_mimic::Trial;

/// All tests of the debugger.
pub fn trials() -> Vec<Trial> {
    let mut trials = session::trials();
    trials.extend(screen::trials());
    trials
}
