//! The census as a flamegraph: who asked for the memory, callers below, the kind of object on top.

use super::census::Census;
use super::report::size;
use crate::places::short;
use crate::profiler::export::flamegraph::draw;
use crate::profiler::profile::clean;
use inferno::flamegraph::Options;
use inferno::flamegraph::color::{BasicPalette, Palette};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Writes the picture; `when` is `end` or `peak`.
pub fn write(c: &Census, command: &str, when: &str, out: &mut dyn Write) -> io::Result<()> {
    let total: usize = c.stacks.iter().map(|s| s.bytes).sum();
    let mut options = Options::default();
    options.title = format!("Taipan: memory of {command}");
    options.subtitle = Some(format!("{} alive at the {when}, by who allocated it", size(total)));
    options.count_name = "bytes".to_owned();
    options.colors = Palette::Basic(BasicPalette::Mem);
    options.deterministic = true;
    options.hash = true;
    options.min_width = 0.02;
    draw(&mut options, &lines(c), out)
}

/// The stacks in collapsed form, sorted.
pub fn lines(c: &Census) -> Vec<String> {
    let mut stacks: BTreeMap<String, usize> = BTreeMap::new();
    for s in c.stacks.iter().filter(|s| s.bytes > 0) {
        let places = s.traceback.iter().rev();
        let mut frames: Vec<String> =
            places.map(|p| format!("{} {}:{}", clean(&p.function), clean(short(&p.file)), p.line)).collect();
        if frames.is_empty() {
            frames.push("[outside of Python code]".to_owned());
        }
        frames.extend(s.kind.as_ref().map(|k| format!("[{}]", clean(k))));
        *stacks.entry(frames.join(";")).or_default() += s.bytes;
    }
    stacks.into_iter().map(|(stack, bytes)| format!("{stack} {bytes}")).collect()
}
