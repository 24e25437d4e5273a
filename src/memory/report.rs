//! The report on standard error: totals, the largest places at the end with types and holders, those of the peak.

use super::census::{Census, Spot};
use crate::places::{Sources, short};
use std::fmt::Write;

/// Places of a traceback that are shown.
const SHOWN: usize = 12;

/// The report's text. `command` is the program with its arguments.
pub fn text(c: &Census, command: &str, peak_rss: u64, colour: bool) -> String {
    let (bold, plain) = if colour { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{bold}memory of {command}{plain}: {} at the end in {} blocks, {} at the peak in {} blocks\n{} more from before \
         its first line; largest resident size {}",
        size(c.end.bytes),
        c.end.blocks,
        size(c.peak.bytes),
        c.peak.blocks,
        size(c.older),
        size(peak_rss as usize),
    );
    if !c.moment.is_empty() {
        let _ = writeln!(out, "taken when {}: what its functions held at that moment counts", c.moment);
    }
    let sum = c.end.bytes + c.older;
    let _ = if sum == c.allocator {
        writeln!(out, "recorded {} + older {} = {} bytes, the allocator's own count", c.end.bytes, c.older, c.allocator)
    } else {
        writeln!(
            out,
            "WARNING: recorded {} + older {} bytes, but the allocator counts {}",
            c.end.bytes, c.older, c.allocator
        )
    };
    if c.imports.bytes > 0 {
        let _ = writeln!(
            out,
            "imports hold {} of it ({:.1} %) in {} blocks; --imports ranks them too",
            size(c.imports.bytes),
            100.0 * c.imports.bytes as f64 / c.end.bytes.max(1) as f64,
            c.imports.blocks,
        );
    }
    list(&mut out, &format!("{bold}largest at the end{plain}"), &c.at_end, c.end.bytes, true);
    list(&mut out, &format!("{bold}largest at the peak{plain}"), &c.at_peak, c.peak.bytes, false);
    out
}

fn list(out: &mut String, title: &str, spots: &[Spot], total: usize, held: bool) {
    let _ = writeln!(out, "\n{title}");
    if spots.is_empty() {
        out.push_str("  nothing\n");
    }
    let mut sources = Sources::default();
    for (i, s) in spots.iter().enumerate() {
        let share = 100.0 * s.count.bytes as f64 / total.max(1) as f64;
        let _ = writeln!(
            out,
            "{:>3}. {} ({share:.1} %) in {} block{}, {} bytes",
            i + 1,
            size(s.count.bytes),
            s.count.blocks,
            if s.count.blocks == 1 { "" } else { "s" },
            s.count.bytes
        );
        traceback(out, s, &mut sources);
        if !s.kinds.is_empty() {
            let kinds: Vec<String> = s
                .kinds
                .iter()
                .take(5)
                .map(|k| format!("{} {} ({})", k.count.blocks, k.name, size(k.count.bytes)))
                .collect();
            let more = if s.kinds.len() > 5 { ", …" } else { "" };
            let _ = writeln!(out, "       made of: {}{more}", kinds.join(", "));
        }
        if held && s.sampled > 0 {
            holders(out, s);
        }
    }
}

fn traceback(out: &mut String, s: &Spot, sources: &mut Sources) {
    if s.traceback.is_empty() {
        out.push_str("       outside of Python code\n");
    }
    for p in s.traceback.iter().take(SHOWN) {
        let line = sources.line(&p.file, p.line).map_or_else(String::new, |l| format!("   {l}"));
        let _ = writeln!(out, "       {}:{} in {}{line}", short(&p.file), p.line, p.function);
    }
    if s.traceback.len() > SHOWN {
        let _ = writeln!(out, "       … {} more", s.traceback.len() - SHOWN);
    }
    if s.tracebacks > 1 {
        let others = s.tracebacks - 1;
        let _ = writeln!(out, "       (and {others} other way{} to this line)", if others == 1 { "" } else { "s" });
    }
}

fn holders(out: &mut String, s: &Spot) {
    let reached: usize = s.holders.iter().map(|h| h.objects).sum();
    // Chains to many objects of a container differ in an index or key only.
    let mut patterns: Vec<(String, usize, &str)> = Vec::new();
    for h in &s.holders {
        let pattern = without_keys(&h.path);
        match patterns.iter_mut().find(|(p, _, _)| *p == pattern) {
            Some((_, n, _)) => *n += h.objects,
            None => patterns.push((pattern, h.objects, &h.path)),
        }
    }
    patterns.sort_by_key(|(_, n, _)| std::cmp::Reverse(*n));
    for (pattern, n, example) in patterns.iter().take(3) {
        let shown = if *n == 1 { example } else { pattern.as_str() };
        let _ = writeln!(out, "       kept alive by {shown}   ({n} of {} looked at)", s.sampled);
    }
    if reached < s.sampled {
        let _ = writeln!(
            out,
            "       no name leads to {} of {} looked at: native code holds them, or they are shared by the interpreter",
            s.sampled - reached,
            s.sampled
        );
    }
}

/// A chain with `[…]` for its indices and keys.
fn without_keys(path: &str) -> String {
    let mut out = String::new();
    let (mut depth, mut quoted) = (0, false);
    for c in path.chars() {
        match c {
            '\'' if depth > 0 => quoted = !quoted,
            '[' if !quoted => {
                if depth == 0 {
                    out.push_str("[…");
                }
                depth += 1;
            }
            ']' if !quoted && depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    out.push(']');
                }
            }
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    match out.find(" key '") {
        Some(at) => format!("{} key …", &out[..at]),
        None => out,
    }
}

/// Bytes for people.
pub fn size(bytes: usize) -> String {
    match bytes {
        0..10_240 => format!("{bytes} B"),
        10_240..10_485_760 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_left_out_of_patterns() {
        assert_eq!(without_keys("__main__.CACHE['a[0]'].rows[12]"), "__main__.CACHE[…].rows[…]");
        assert_eq!(without_keys("__main__.labels key 'xyz'"), "__main__.labels key …");
    }

    #[test]
    fn sizes_read_well() {
        assert_eq!(size(512), "512 B");
        assert_eq!(size(20_480), "20.0 KiB");
        assert_eq!(size(52_428_800), "50.0 MiB");
    }
}
