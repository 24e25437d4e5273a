//! Names for the addresses of a native stack, from the symbol tables and DWARF of the files that a process has mapped
//! (`object` and `gimli`, through `addr2line`). Runs in a fresh process that a crashing one started.

use addr2line::Loader;
use object::{Object, ObjectSegment};
use std::collections::HashMap;
use std::fmt::Write;

/// One mapping of `/proc/PID/maps` with a file behind it.
struct Mapping {
    start: u64,
    end: u64,
    offset: u64,
    file: String,
}

/// `taipan --native-stack PID ADDRESS…`: prints the names of a stack on standard error; gives the exit status.
pub fn main(words: &[String]) -> i32 {
    let numbers: Vec<u64> = words.iter().filter_map(|w| w.parse().ok()).collect();
    let Some((&process, addresses)) = numbers.split_first() else { return 1 };
    let Ok(maps) = std::fs::read_to_string(format!("/proc/{process}/maps")) else { return 1 };
    eprint!("{}", stack(&mappings(&maps), addresses));
    0
}

fn mappings(maps: &str) -> Vec<Mapping> {
    let parse = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        let offset = words.nth(1)?;
        let file = words.nth(2).filter(|f| f.starts_with('/'))?;
        let hex = |t: &str| u64::from_str_radix(t, 16).ok();
        Some(Mapping { start: hex(start)?, end: hex(end)?, offset: hex(offset)?, file: file.to_owned() })
    };
    maps.lines().filter_map(parse).collect()
}

/// A file's symbols and where its segments lie.
struct File {
    loader: Option<Loader>,
    /// Offset in the file, size, address.
    segments: Vec<(u64, u64, u64)>,
}

impl File {
    fn open(path: &str) -> File {
        let data = std::fs::read(path).unwrap_or_default();
        let segments = object::File::parse(&*data).map_or_else(
            |_| Vec::new(),
            |o| {
                o.segments()
                    .map(|s| {
                        let (offset, size) = s.file_range();
                        (offset, size, s.address())
                    })
                    .collect()
            },
        );
        File { loader: Loader::new(path).ok(), segments }
    }

    /// The file's own address for an offset in it.
    fn address(&self, offset: u64) -> u64 {
        let segment = self.segments.iter().find(|(start, size, _)| (*start..start + size).contains(&offset));
        segment.map_or(offset, |(start, _, address)| offset - start + address)
    }
}

/// One line of the stack.
struct Line {
    name: String,
    place: Option<String>,
}

fn stack(mappings: &[Mapping], addresses: &[u64]) -> String {
    let mut files: HashMap<&str, File> = HashMap::new();
    let mut lines = Vec::new();
    for (i, &address) in addresses.iter().enumerate() {
        let Some(m) = mappings.iter().find(|m| (m.start..m.end).contains(&address)) else {
            lines.push(Line { name: format!("0x{address:x}"), place: None });
            continue;
        };
        let file = files.entry(m.file.as_str()).or_insert_with(|| File::open(&m.file));
        // A return address stands after its call; the innermost one is exact, but never shown.
        let probe = file.address(address - m.start + m.offset).saturating_sub(u64::from(i > 0));
        let short = m.file.rsplit('/').next().unwrap_or_default();
        for (name, place) in names(file, probe) {
            let name = name.unwrap_or_else(|| format!("{short}+0x{:x}", address - m.start + m.offset));
            lines.push(Line { name, place });
        }
    }
    let mut out = String::new();
    for (n, l) in interesting(&lines).iter().enumerate() {
        let place = l.place.as_ref().map(|p| format!("\n         at {p}")).unwrap_or_default();
        let _ = writeln!(out, "  {n:>3}  {}{place}", l.name);
    }
    out
}

/// The stack without the reporting itself and without what starts a Rust program.
fn interesting(lines: &[Line]) -> &[Line] {
    let is_report = |l: &Line| {
        l.place.as_ref().is_some_and(|p| p.contains("vm/crash.rs") && !l.name.contains("read_null"))
            || ["panicking::", "_Unwind_", "rust_begin_unwind", "__rustc"].iter().any(|part| l.name.contains(part))
    };
    let mut start = lines.iter().take(16).rposition(is_report).map_or(0, |at| at + 1);
    // The system's return from a signal's handler.
    if start > 0 && lines.get(start - 1).is_some_and(|l| l.name.ends_with("on_fatal")) {
        start += 1;
    }
    let end = lines.iter().position(|l| l.name == "taipan::main").map_or(lines.len(), |at| at + 1);
    lines.get(start..end).filter(|l| !l.is_empty()).unwrap_or(lines)
}

/// Function and source line of an address; several where functions are inlined, innermost first.
fn names(file: &File, probe: u64) -> Vec<(Option<String>, Option<String>)> {
    let Some(loader) = &file.loader else { return vec![(None, None)] };
    let demangle = |name: &str| format!("{:#}", rustc_demangle::demangle(name));
    let symbol = loader.find_symbol(probe).map(demangle);
    let mut all = Vec::new();
    if let Ok(mut frames) = loader.find_frames(probe) {
        while let Ok(Some(f)) = frames.next() {
            let name = f.function.as_ref().and_then(|n| n.raw_name().ok().map(|n| demangle(&n)));
            let place = f.location.and_then(|l| Some(format!("{}:{}", brief(l.file?), l.line.unwrap_or(0))));
            all.push((name, place));
        }
    }
    if let Some(outer) = all.last_mut() {
        // The symbol has the whole path; line tables alone know short names.
        outer.0 = symbol.or(outer.0.take());
    } else {
        all.push((symbol, None));
    }
    all
}

/// A source path from the crate's own folder on.
fn brief(path: &str) -> &str {
    ["/src/", "/library/"].iter().filter_map(|part| path.find(part)).min().map_or(path, |at| &path[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_address_has_a_name_and_a_line() {
        let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux");
        let address = our_own_address_has_a_name_and_a_line as *const () as u64 + 8;
        let text = stack(&mappings(&maps), &[0, address]);
        assert!(text.contains("our_own_address_has_a_name_and_a_line"), "{text}");
        assert!(text.contains("symbols.rs:"), "{text}");
    }
}
