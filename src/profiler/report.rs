//! The report on standard error: hottest functions, hottest lines, and how far they can be trusted.

use super::profile::{Frame, Kind, Profile};
use crate::places::Sources;
use rustc_hash::{FxHashMap, FxHashSet};
use std::fmt::Write;

/// Time of a function or line.
#[derive(Clone, Copy, Default)]
struct Cost {
    self_time: u64,
    total: u64,
    samples: u64,
    /// A frame that shows where it is.
    frame: u32,
}

/// The report's text.
pub fn text(p: &Profile, top: usize, colour: bool) -> String {
    let (bold, plain) = if colour { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    let mut out = String::new();
    let seconds = |ns: u64| ns as f64 / 1e9;
    let share = |n: u64, of: u64| 100.0 * n as f64 / (of.max(1)) as f64;
    let threads = p.sampled_threads().len();
    let _ = writeln!(
        out,
        "{bold}profile of {}{plain}: {:.3} s, {:.3} s CPU, {}{}{}\n{} samples at {} Hz ({} time), {} of {} periods \
         missed ({:.1} %); the profiler took {:.3} s CPU beside it",
        p.command.get(1..).unwrap_or_default().join(" "),
        seconds(p.duration),
        seconds(p.cpu),
        if p.processes.len() > 1 { format!("{} processes, ", p.processes.len()) } else { String::new() },
        many(threads, "thread"),
        p.ended.as_ref().map_or_else(String::new, |how| format!("; {how}")),
        p.samples(),
        p.rate,
        p.mode.text(),
        p.missed,
        p.rounds,
        share(p.missed, p.rounds),
        seconds(p.own_cpu),
    );
    if p.unseen > 0 {
        let _ = writeln!(out, "not in it: {} that did not end before the program", many(p.unseen, "process"));
    }
    let total = p.total();
    if total == 0 {
        out.push_str("nothing was sampled: the program was over before the first look; a higher --rate may help\n");
        return out;
    }
    let functions = costs(p, |f| (f.name.as_str(), f.file.as_str(), f.first_line));
    table(&mut out, &format!("{bold}hottest functions{plain}"), &functions, top, total, |c| {
        let f = &p.frames[c.frame as usize];
        (f.name.clone(), where_is(f, f.first_line))
    });
    // Native code has no lines: its names keep it apart, and it is left out of the table.
    let lines = costs(p, |f| (f.file.as_str(), if f.line == 0 { f.name.as_str() } else { "" }, f.line));
    let lines: Vec<Cost> = lines
        .into_iter()
        .filter(|c| !matches!(p.frames[c.frame as usize].kind, Kind::Native | Kind::Collector))
        .collect();
    let mut sources = Sources::default();
    table(&mut out, &format!("{bold}hottest lines{plain}"), &lines, top, total, |c| {
        let f = &p.frames[c.frame as usize];
        (where_is(f, f.line), sources.line(&f.file, f.line).map_or_else(|| format!("in {}", f.name), str::to_owned))
    });
    if threads > 1 {
        let _ = writeln!(out, "\n{bold}threads{plain}");
        for t in p.sampled_threads() {
            let thread = &p.threads[t as usize];
            let time: u64 = p.nodes.iter().filter(|n| n.thread == t).map(|n| n.self_time).sum();
            let _ =
                writeln!(out, "{:>7.1} %  {:>8} samples  {}", share(time, total), thread.samples, p.thread_label(t));
        }
    }
    out
}

fn many(n: usize, what: &str) -> String {
    let ending = match (n, what.ends_with('s')) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{n} {what}{ending}")
}

fn where_is(f: &Frame, line: u32) -> String {
    match f.kind {
        Kind::Native => "native".to_owned(),
        Kind::Collector => "collector".to_owned(),
        _ => format!("{}:{line}", f.short_file()),
    }
}

/// Self and total time by a key of frames; recursion counts once. Hottest first.
fn costs<'a, K: std::hash::Hash + Eq + Clone>(p: &'a Profile, key: impl Fn(&'a Frame) -> K) -> Vec<Cost> {
    let keys: Vec<K> = p.frames.iter().map(&key).collect();
    let mut ids: FxHashMap<K, usize> = FxHashMap::default();
    let mut all: Vec<Cost> = Vec::new();
    let of_frame: Vec<usize> = keys
        .iter()
        .enumerate()
        .map(|(i, k)| {
            *ids.entry(k.clone()).or_insert_with(|| {
                all.push(Cost { frame: i as u32, ..Cost::default() });
                all.len() - 1
            })
        })
        .collect();
    let mut on_stack = FxHashSet::default();
    for (i, node) in p.nodes.iter().enumerate().filter(|(_, n)| n.self_time > 0) {
        let own = &mut all[of_frame[node.frame as usize]];
        own.self_time += node.self_time;
        own.samples += node.samples;
        on_stack.clear();
        for frame in p.stack(i) {
            let id = of_frame[frame as usize];
            if on_stack.insert(id) {
                all[id].total += node.self_time;
            }
        }
    }
    all.sort_by_key(|c| std::cmp::Reverse((c.self_time, c.total)));
    all
}

fn table(
    out: &mut String,
    title: &str,
    costs: &[Cost],
    top: usize,
    total: u64,
    mut names: impl FnMut(&Cost) -> (String, String),
) {
    let rows: Vec<&Cost> = costs.iter().filter(|c| c.self_time > 0).take(top).collect();
    let texts: Vec<(String, String)> = rows.iter().map(|c| names(c)).collect();
    let width = texts.iter().map(|(t, _)| t.chars().count()).max().unwrap_or(0).clamp(8, 44);
    let _ = writeln!(out, "\n{title}\n   self %   total %   samples");
    for (c, (left, right)) in rows.iter().zip(&texts) {
        let percent = |n: u64| 100.0 * n as f64 / total as f64;
        let _ = writeln!(
            out,
            "{:>9.1} {:>9.1} {:>9}  {left:width$}  {right}",
            percent(c.self_time),
            percent(c.total),
            c.samples
        );
    }
}
