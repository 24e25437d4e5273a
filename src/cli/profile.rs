//! `taipan profile`.

use super::Invocation;

/// Runs the command.
pub fn run(_: Invocation) -> Result<i32, String> {
    Err("this build has no profile tool yet".to_owned())
}
