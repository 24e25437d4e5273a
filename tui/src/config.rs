//! What the caller decides: how the program to debug is started or reached, and how the screen looks at first.

use std::ffi::OsString;
use std::fs::DirBuilder;
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::dap::{AttachArguments, Endpoint, LaunchArguments};
use crate::theme::ThemeChoice;

/// Everything that [`crate::run`] needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// How the debug adapter is started or reached.
    pub start: Start,
    /// The request that makes the adapter run the program.
    pub request: StartRequest,
    /// The `adapterID` of `initialize`.
    pub adapter_id: String,
    /// The program's name for the user, for example `fib.py` or `-m http.server`.
    pub title: String,
    /// The script's file, shown before the program stops for the first time.
    pub script: Option<PathBuf>,
    /// The directory that relative file names in commands refer to.
    pub cwd: PathBuf,
    /// Which colours to use.
    pub theme: ThemeChoice,
    /// Commands typed for the user at the program's first stop, as `pdb -c` does.
    pub commands: Vec<String>,
    /// Where the command history is kept between sessions, if anywhere.
    pub history: Option<PathBuf>,
    /// Where breakpoints and watches of this program are kept between sessions, if anywhere.
    pub state: Option<PathBuf>,
    /// Whether the mouse works in the debugger; if not, the terminal's own selection of text does.
    pub mouse: bool,
}

impl Config {
    /// The usual case: `command` starts a program on a terminal of its own, with an adapter that listens at `endpoint`
    /// and is asked to `launch`.
    pub fn launch(command: Vec<OsString>, endpoint: Endpoint, launch: LaunchArguments) -> Config {
        let script = launch.program.as_ref().map(PathBuf::from);
        let title = match (&script, &launch.module) {
            (Some(path), _) => path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
            (None, Some(module)) => format!("-m {module}"),
            (None, None) => "python".to_owned(),
        };
        let cwd = launch.cwd.as_ref().map(PathBuf::from).or_else(|| std::env::current_dir().ok()).unwrap_or_default();
        Config {
            start: Start::Spawn(Spawn { command, env: Vec::new(), cwd: Some(cwd.clone()), endpoint }),
            request: StartRequest::Launch(launch),
            adapter_id: "taipan".to_owned(),
            title,
            script,
            cwd,
            theme: ThemeChoice::from_env(),
            commands: Vec::new(),
            history: None,
            state: None,
            mouse: std::env::var_os("TAIPAN_MOUSE").is_none_or(|v| v != "0"),
        }
    }
}

/// How the debug adapter is started or reached.
#[derive(Debug, Clone)]
pub enum Start {
    /// Start a command on a pseudo-terminal; what it prints is the program's output.
    Spawn(Spawn),
    /// Connect to an adapter that runs already.
    Connect(Endpoint),
}

/// A command to start, and where its adapter will listen.
#[derive(Debug, Clone)]
pub struct Spawn {
    /// The command and its arguments.
    pub command: Vec<OsString>,
    /// Additions to the environment.
    pub env: Vec<(OsString, OsString)>,
    /// The directory to start in; absent means the current one.
    pub cwd: Option<PathBuf>,
    /// Where the adapter will listen. A Unix socket left over from before is removed first. A TCP port of 0 means one
    /// that is free, chosen anew at each start; it replaces `{port}` in the command.
    pub endpoint: Endpoint,
}

impl Spawn {
    /// The same with a free port chosen, if that is wanted.
    ///
    /// Errors: there is none.
    pub(crate) fn with_free_port(mut self) -> io::Result<Spawn> {
        if let Endpoint::Tcp(address) = &mut self.endpoint
            && address.port() == 0
        {
            // The port is free again when the listener is gone; that someone else takes it meanwhile is unlikely.
            *address = TcpListener::bind(*address)?.local_addr()?;
            let port = address.port().to_string();
            for word in &mut self.command {
                if let Some(text) = word.to_str() {
                    *word = text.replace("{port}", &port).into();
                }
            }
        }
        Ok(self)
    }
}

/// The request that makes the adapter run the program.
#[derive(Debug, Clone, PartialEq)]
pub enum StartRequest {
    /// Run it.
    Launch(LaunchArguments),
    /// It runs already.
    Attach(AttachArguments),
}

/// A directory that only this user can enter, for a socket; [`PrivateDirectory::drop`] removes it.
#[derive(Debug)]
pub struct PrivateDirectory {
    path: PathBuf,
}

impl PrivateDirectory {
    /// Makes one in the user's runtime directory or, failing that, in the directory for temporary files.
    ///
    /// Errors: it cannot be made.
    pub fn new() -> io::Result<PrivateDirectory> {
        let base = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|p| p.is_dir());
        let base = base.unwrap_or_else(std::env::temp_dir);
        for attempt in 0..100u32 {
            let path = base.join(format!("taipan-{}-{attempt}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(PrivateDirectory { path }),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e),
            }
        }
        Err(io::Error::new(io::ErrorKind::AlreadyExists, "no free name for a private directory"))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for PrivateDirectory {
    fn drop(&mut self) {
        // Nothing is lost if it stays: it is empty but for a dead socket.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_private_directory_is_private_and_goes_away() {
        let directory = PrivateDirectory::new().unwrap();
        let path = directory.path().to_owned();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        drop(directory);
        assert!(!path.exists());
    }

    #[test]
    fn the_title_is_what_the_user_typed() {
        let launch = LaunchArguments { module: Some("http.server".to_owned()), ..Default::default() };
        let config = Config::launch(Vec::new(), Endpoint::Unix(PathBuf::from("/s")), launch);
        assert_eq!(config.title, "-m http.server");
    }
}
