//! `taipan memory`.

use super::Invocation;

/// Runs the command.
pub fn run(_: Invocation) -> Result<i32, String> {
    Err("this build has no memory tool yet".to_owned())
}
