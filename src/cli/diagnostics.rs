//! The tools' own diagnostics: `TAIPAN_LOG=debug` (or `profiler=trace,info`, as `tracing-subscriber` reads filters) says
//! what they do, on standard error, or in the file that `TAIPAN_LOG_FILE` names. A command that draws on the terminal
//! writes to a file in any case.
//!
//! Nothing is installed, and nothing costs, when `TAIPAN_LOG` is not set.

use std::fs::File;
use std::path::PathBuf;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

/// Switches diagnostics on as the environment asks for; the error is one line for the user.
pub fn start(own_screen: bool) -> Result<(), String> {
    let Ok(filter) = std::env::var("TAIPAN_LOG") else { return Ok(()) };
    if filter.is_empty() {
        return Ok(());
    }
    let filter = EnvFilter::try_new(&filter).map_err(|e| format!("TAIPAN_LOG='{filter}' is no filter: {e}"))?;
    let writer = match destination(own_screen) {
        Some(path) => {
            let file = File::options().create(true).append(true).open(&path);
            let file = file.map_err(|e| format!("cannot write '{}': {}", path.display(), super::run::reason(&e)))?;
            BoxMakeWriter::new(std::sync::Arc::new(file))
        }
        None => BoxMakeWriter::new(std::io::stderr),
    };
    let ansi = false;
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(ansi).try_init();
    Ok(())
}

/// The file diagnostics go to; `None` is standard error.
fn destination(own_screen: bool) -> Option<PathBuf> {
    match std::env::var_os("TAIPAN_LOG_FILE").filter(|f| !f.is_empty()) {
        Some(file) => Some(file.into()),
        None if own_screen => Some(std::env::temp_dir().join(format!("taipan-{}.log", std::process::id()))),
        None => None,
    }
}
