//! What can keep the terminal UI from running at all. Everything later is shown on the screen instead.

use std::fmt;
use std::io;

/// Why the terminal UI could not run.
#[derive(Debug)]
pub enum Error {
    /// Standard input or output is not a terminal.
    NoTerminal,
    /// The terminal failed.
    Terminal(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NoTerminal => write!(f, "the debugger's screen needs a terminal on standard input and output"),
            Error::Terminal(e) => write!(f, "the terminal failed: {e}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::NoTerminal => None,
            Error::Terminal(e) => Some(e),
        }
    }
}

impl From<io::Error> for Error {
    fn from(e: io::Error) -> Self {
        Error::Terminal(e)
    }
}
