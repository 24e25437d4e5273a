//! The rows of the stack pane: threads with their frames, or just frames when there is one thread.

use crate::dap::ThreadId;

use super::App;

/// A row of the stack pane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StackRow {
    /// A thread.
    Thread(ThreadId),
    /// A frame: its thread, and its place in that thread's frames.
    Frame(ThreadId, usize),
    /// This many frames are not shown.
    More(usize),
}

/// The rows of the stack pane, from top to bottom.
pub fn rows(app: &App) -> Vec<StackRow> {
    let session = &app.session;
    let several = session.threads.len() > 1;
    let mut rows = Vec::new();
    for thread in &session.threads {
        let id = thread.thread.id;
        if several {
            rows.push(StackRow::Thread(id));
        }
        let frames = thread.frames.as_deref().unwrap_or(&[]);
        let shown = session.thread == Some(id) || several;
        if !shown || frames.is_empty() {
            continue;
        }
        rows.extend((0..frames.len()).map(|i| StackRow::Frame(id, i)));
        if thread.total > frames.len() {
            rows.push(StackRow::More(thread.total - frames.len()));
        }
    }
    rows
}

/// The row of the frame looked at.
pub fn current_row(app: &App) -> Option<usize> {
    let wanted = StackRow::Frame(app.session.thread?, app.session.frame);
    rows(app).iter().position(|r| *r == wanted)
}
