//! The user's terminal: taken over at the start, given back whatever happens, panics and signals included.

use std::io::{self, IsTerminal, Write};
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ThreadId};

use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};

/// Whether the terminal is ours at the moment.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Whether standard input and output are terminals.
pub fn is_available() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Takes the terminal over: raw keys, a screen of its own, mouse if wanted.
///
/// Errors: the terminal refuses.
pub fn take(mouse: bool) -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste)?;
    if mouse {
        execute!(io::stdout(), EnableMouseCapture)?;
    }
    Ok(())
}

/// Gives the terminal back; does nothing if it was not taken. Every step is tried, whether or not others fail.
pub fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let _ = execute!(io::stdout(), DisableMouseCapture, DisableBracketedPaste, LeaveAlternateScreen);
    let _ = execute!(io::stdout(), crossterm::cursor::Show);
    let _ = disable_raw_mode();
    let _ = io::stdout().flush();
}

type Hook = dyn Fn(&panic::PanicHookInfo<'_>) + Send + Sync + 'static;

/// Holds the terminal; gives it back when it is dropped.
pub struct Guard {
    previous_hook: Arc<Hook>,
}

impl Guard {
    /// Takes the terminal over and makes sure that a panic of this thread gives it back before its message is printed.
    ///
    /// Errors: the terminal refuses.
    pub fn new(mouse: bool) -> io::Result<Guard> {
        let previous_hook: Arc<Hook> = Arc::from(panic::take_hook());
        let hook = Arc::clone(&previous_hook);
        let ours: ThreadId = thread::current().id();
        panic::set_hook(Box::new(move |info| {
            if thread::current().id() == ours {
                give_back();
                hook(info);
            } else {
                // The screen lives on; a message in the middle of it would help nobody.
                tracing::error!("{info}");
            }
        }));
        let guard = Guard { previous_hook };
        take(mouse)?;
        Ok(guard)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        give_back();
        if !thread::panicking() {
            let previous = Arc::clone(&self.previous_hook);
            panic::set_hook(Box::new(move |info| previous(info)));
        }
    }
}
