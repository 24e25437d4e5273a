//! For <https://www.speedscope.app>: one sampled profile a thread
//! (<https://github.com/jlfwong/speedscope/blob/main/src/lib/file-format-spec.ts>).

use crate::profiler::profile::{Frame, Kind, Profile};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Writes a profile.
pub fn write(p: &Profile, out: &mut dyn Write) -> io::Result<()> {
    let profiles: Vec<Value> = p.sampled_threads().into_iter().map(|t| thread(p, t)).collect();
    let whole = json!({
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "exporter": format!("taipan@{}", env!("CARGO_PKG_VERSION")),
        "name": p.command.get(1..).unwrap_or_default().join(" "),
        "activeProfileIndex": 0,
        "shared": { "frames": p.frames.iter().map(frame).collect::<Vec<Value>>() },
        "profiles": profiles,
    });
    serde_json::to_writer(&mut *out, &whole)?;
    out.write_all(b"\n")
}

fn frame(f: &Frame) -> Value {
    match f.kind {
        Kind::Native | Kind::Collector => json!({ "name": f.name }),
        _ => json!({ "name": f.name, "file": f.file, "line": f.line }),
    }
}

fn thread(p: &Profile, number: u32) -> Value {
    let (mut samples, mut weights, mut end) = (Vec::new(), Vec::new(), 0);
    for (i, node) in p.nodes.iter().enumerate().filter(|(_, n)| n.thread == number && n.self_time > 0) {
        samples.push(p.stack(i));
        weights.push(node.self_time);
        end += node.self_time;
    }
    json!({
        "type": "sampled",
        "name": p.thread_label(number),
        "unit": "nanoseconds",
        "startValue": 0,
        "endValue": end,
        "samples": samples,
        "weights": weights,
    })
}
