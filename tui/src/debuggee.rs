//! The program being debugged, as a process on a pseudo-terminal of its own.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, unbounded};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::config::Spawn;
use crate::dap::Endpoint;
use crate::msg::ProcessEnd;

/// What the program's threads report.
pub(crate) enum Report {
    /// It wrote something.
    Output(Vec<u8>),
    /// It ended.
    Ended(ProcessEnd),
}

/// A running program.
pub(crate) struct Debuggee {
    master: Box<dyn MasterPty + Send>,
    keys: Sender<Vec<u8>>,
    pid: Option<Pid>,
    ended: Arc<AtomicBool>,
}

/// How long a program may take to end after it was told that its terminal is gone.
const GRACE: Duration = Duration::from_millis(400);

impl Debuggee {
    /// Starts a program on a terminal of this many columns and rows. `report` is called from threads of its own; it may
    /// block to slow the program down.
    ///
    /// Errors: in words, for the user.
    pub(crate) fn start(
        spawn: &Spawn,
        (cols, rows): (u16, u16),
        report: impl Fn(Report) + Send + Clone + 'static,
    ) -> Result<Debuggee, String> {
        if let Endpoint::Unix(path) = &spawn.endpoint {
            // A socket left by the run before would be taken for the new one; if there is none, all is well.
            let _ = std::fs::remove_file(path);
        }
        let Some((program, arguments)) = spawn.command.split_first() else {
            return Err("there is no command to start".to_owned());
        };
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).map_err(|e| format!("no pseudo-terminal: {e}"))?;
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        // Left to itself the builder would start in the home directory.
        if let Some(cwd) = spawn.cwd.clone().or_else(|| std::env::current_dir().ok()) {
            command.cwd(cwd);
        }
        command.env("TERM", "xterm-256color");
        for name in ["COLUMNS", "LINES"] {
            command.env_remove(name);
        }
        for (name, value) in &spawn.env {
            command.env(name, value);
        }
        let child = pair
            .slave
            .spawn_command(command)
            .map_err(|e| format!("cannot start {}: {e}", program.to_string_lossy()))?;
        // As long as we hold the program's end, its output never ends.
        drop(pair.slave);
        let reader = pair.master.try_clone_reader().map_err(|e| e.to_string())?;
        let writer = pair.master.take_writer().map_err(|e| e.to_string())?;
        let pid = child.process_id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        let ended = Arc::new(AtomicBool::new(false));
        let keys = writing_thread(writer);
        let output_report = report.clone();
        let reading = thread::spawn(move || read_output(reader, &output_report));
        let flag = Arc::clone(&ended);
        thread::spawn(move || wait_for_end(child, reading, &flag, &report));
        Ok(Debuggee { master: pair.master, keys, pid, ended })
    }

    /// Types into the program's terminal; never blocks.
    pub(crate) fn type_keys(&self, bytes: Vec<u8>) {
        // A program that has ended reads nothing.
        let _ = self.keys.send(bytes);
    }

    /// Tells the program that its terminal has another size now.
    pub(crate) fn resize(&self, cols: u16, rows: u16) {
        if let Err(e) = self.master.resize(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }) {
            tracing::warn!("cannot resize the program's terminal: {e}");
        }
    }

    /// Whether the program has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    /// A flag that is set when the program ends.
    pub(crate) fn end_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.ended)
    }

    /// Waits until the program has ended, but not longer than `patience`.
    pub(crate) fn wait(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        while !self.has_ended() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        self.has_ended()
    }

    /// Ends the program and all that belongs to its group: first as a closed terminal does, then for good.
    pub(crate) fn kill(&self) {
        let Some(pid) = self.pid else { return };
        // A stopped process would not notice, so it is woken.
        for signal in [Signal::SIGHUP, Signal::SIGCONT] {
            if self.has_ended() || killpg(pid, signal).is_err() {
                return;
            }
        }
        if !self.wait(GRACE) && !self.has_ended() {
            let _ = killpg(pid, Signal::SIGKILL);
            self.wait(GRACE);
        }
    }
}

impl Drop for Debuggee {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts the thread that types: a program that does not read would otherwise hold up the screen.
fn writing_thread(mut writer: Box<dyn Write + Send>) -> Sender<Vec<u8>> {
    let (keys, typed) = unbounded::<Vec<u8>>();
    thread::spawn(move || {
        for bytes in typed {
            if writer.write_all(&bytes).and_then(|()| writer.flush()).is_err() {
                return;
            }
        }
    });
    keys
}

fn read_output(mut reader: Box<dyn Read + Send>, report: &impl Fn(Report)) {
    let mut chunk = [0u8; 8 * 1024];
    loop {
        match reader.read(&mut chunk) {
            // Linux reports the end of a pseudo-terminal as an error (EIO).
            Ok(0) => return,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return,
            Ok(n) => report(Report::Output(chunk[..n].to_vec())),
        }
    }
}

/// Waits for the program's end and reports it after its last output.
fn wait_for_end(
    mut child: Box<dyn Child + Send + Sync>,
    reading: thread::JoinHandle<()>,
    ended: &AtomicBool,
    report: &impl Fn(Report),
) {
    let end = match child.wait() {
        Ok(status) => match status.signal() {
            Some(name) => ProcessEnd::Signal(name.to_owned()),
            None => ProcessEnd::Code(i32::try_from(status.exit_code()).unwrap_or(i32::MAX)),
        },
        Err(e) => ProcessEnd::Signal(e.to_string()),
    };
    ended.store(true, Ordering::SeqCst);
    // Children of the program may hold the terminal open for long; its own last words are here by then.
    let deadline = Instant::now() + Duration::from_millis(300);
    while !reading.is_finished() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
    report(Report::Ended(end));
}
