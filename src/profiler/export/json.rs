//! The profile as it is: threads, frames, and the tree of contexts with their times in nanoseconds.

use crate::profiler::profile::Profile;
use std::io::{self, Write};

/// Writes a profile.
pub fn write(p: &Profile, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, p)?;
    out.write_all(b"\n")
}
