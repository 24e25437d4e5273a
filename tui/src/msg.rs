//! Everything that can happen to the application, and everything that it can ask of the world.
//!
//! [`crate::update`] turns the one into the other and touches nothing else, so tests need neither program nor terminal.

use std::path::PathBuf;

use crossterm::event::{KeyEvent, MouseEvent};

use crate::dap::{Incoming, Message};

/// Something happened.
#[derive(Debug, Clone)]
pub enum Msg {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The mouse did something.
    Mouse(MouseEvent),
    /// The screen has this many columns and rows now.
    Resize(u16, u16),
    /// Milliseconds since the application started; comes several times a second.
    Tick(u64),
    /// The adapter of this generation was reached.
    Connected(u32),
    /// The program of this generation could not be started, or its adapter not reached.
    StartFailed(u32, String),
    /// Something came from the adapter of this generation.
    Dap(u32, Incoming),
    /// The program of this generation wrote to its terminal.
    Output(u32, Vec<u8>),
    /// The process of this generation ended.
    ProcessEnded(u32, ProcessEnd),
    /// A file that was asked for: its text, or why there is none.
    FileRead(PathBuf, Result<String, String>),
    /// The Python files below the working directory.
    Files(Vec<PathBuf>),
    /// An orderly end was demanded from outside (a signal).
    Shutdown,
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProcessEnd {
    /// With this exit code.
    Code(i32),
    /// By this signal.
    Signal(String),
}

/// Something is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Start the program, or connect to it, as this generation.
    Start(u32),
    /// Make sure that the program of the last generation has ended and its connection is closed.
    Stop,
    /// Send a message to the adapter.
    Send(Message),
    /// Type these bytes into the program's terminal.
    Type(Vec<u8>),
    /// The program's terminal has this many columns and rows now.
    ResizeTerminal(u16, u16),
    /// Read a source file.
    ReadFile(PathBuf),
    /// List the Python files below a directory.
    ListFiles(PathBuf),
    /// Add a line to the command history.
    Remember(String),
    /// Keep this text for the next session of the same program.
    Keep(String),
    /// Open a file at a line in the user's editor.
    Edit(PathBuf, usize),
    /// Stop this process as Ctrl-Z does elsewhere, and come back later.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// Leave with this exit code.
    Quit(i32),
}
