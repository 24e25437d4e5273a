//! What several kinds of test stand on: fixtures as data, running a program, showing a difference.

pub mod diff;
pub mod fixture;
pub mod run;

use std::path::PathBuf;

/// The top of the checkout.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
