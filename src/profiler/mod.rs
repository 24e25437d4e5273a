//! Where a program's time goes: samples of all threads' stacks, as a calling-context tree, a report and files for
//! viewers.
//!
//! Reading order: [`clock`] is the native thread that takes the samples (through `vm::watch`), [`tree`] what they are
//! gathered in while the program runs, [`profile`] the same with names, as plain data, [`follow`] the processes that a
//! program starts; [`report`] and [`export`] show it.
//!
//! What makes it trustworthy: a sample is taken where the thread is, not at the next safe point; one random moment in
//! each period, so that periodic programs are not seen in lockstep; a period that could not be looked at (a busy machine)
//! counts for the next look at the same thread and is reported; in `cpu` mode weights come from each thread's own clock.

pub mod clock;
pub mod export;
pub mod follow;
pub mod profile;
pub mod report;
pub mod tree;

use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Which time is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Time that passes, waiting included.
    Wall,
    /// Time on a processor.
    Cpu,
}

impl Mode {
    /// As it is written on the command line.
    pub fn text(self) -> &'static str {
        match self {
            Mode::Wall => "wall",
            Mode::Cpu => "cpu",
        }
    }
}

impl FromStr for Mode {
    type Err = String;
    fn from_str(s: &str) -> Result<Mode, String> {
        [Mode::Wall, Mode::Cpu].into_iter().find(|m| m.text() == s).ok_or_else(|| format!("no clock is called '{s}'"))
    }
}
