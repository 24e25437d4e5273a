//! The files a profile can be written as: one format each.

pub mod collapsed;
pub mod flamegraph;
pub mod json;
pub mod speedscope;

use super::profile::Profile;
use std::io::{self, Write};

/// A format.
pub struct Format {
    /// As it is written on the command line.
    pub name: &'static str,
    /// Ending of its files.
    pub ending: &'static str,
    /// Writes a profile.
    pub write: fn(&Profile, &mut dyn Write) -> io::Result<()>,
}

/// The formats; the command line's table names the same.
pub static FORMATS: &[Format] = &[
    Format { name: "flamegraph", ending: "svg", write: flamegraph::write },
    Format { name: "collapsed", ending: "txt", write: collapsed::write },
    Format { name: "speedscope", ending: "speedscope.json", write: speedscope::write },
    Format { name: "json", ending: "json", write: json::write },
];
