//! Collapsed stacks: one line a context, `outermost;…;innermost microseconds`, as flame graph tools read it.

use crate::profiler::profile::{Profile, clean};
use std::io::{self, Write};

/// Writes a profile.
pub fn write(p: &Profile, out: &mut dyn Write) -> io::Result<()> {
    for line in lines(p) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// The lines, sorted. A thread's name stands first when there are several.
pub fn lines(p: &Profile) -> Vec<String> {
    let several = p.sampled_threads().len() > 1;
    let labels: Vec<String> = p.frames.iter().map(|f| f.label()).collect();
    let mut lines = Vec::new();
    for (i, node) in p.nodes.iter().enumerate() {
        let micros = (node.self_time + 500) / 1000;
        if micros == 0 {
            continue;
        }
        let mut text = String::new();
        if several {
            text.push_str(&format!("[thread {}]", clean(&p.thread_label(node.thread))));
        }
        for frame in p.stack(i) {
            if !text.is_empty() {
                text.push(';');
            }
            text.push_str(&labels[frame as usize]);
        }
        lines.push(format!("{text} {micros}"));
    }
    lines.sort_unstable();
    lines
}
