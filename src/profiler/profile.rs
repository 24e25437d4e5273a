//! A finished profile: names, lines and times as plain data, which the report and the exports read.

use super::Mode;
use super::clock::Recording;
use crate::places;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::watch::{NativeNames, Place, Spot};

/// Where a frame's code comes from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The program's own files.
    Program,
    /// Installed packages.
    Package,
    /// The standard library.
    Library,
    /// A function or class of the interpreter.
    Native,
    /// The cycle collector.
    Collector,
}

/// A line of a function, or a native function.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Frame {
    /// Qualified name.
    pub name: String,
    /// File as Python names it; empty for native code.
    pub file: String,
    /// Line; 0 for native code.
    pub line: u32,
    /// The function's first line; 0 for native code.
    pub first_line: u32,
    /// Where the code comes from.
    pub kind: Kind,
}

/// A frame in a context.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Node {
    /// The caller's node, which has a smaller number; `None` for an outermost frame.
    pub parent: Option<u32>,
    /// Number of the frame.
    pub frame: u32,
    /// Number of the thread.
    pub thread: u32,
    /// Nanoseconds during which it was the innermost.
    pub self_time: u64,
    /// Samples of that.
    pub samples: u64,
}

/// A process: the program's own, or a Taipan process that it started.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Process {
    /// `os.getpid()`
    pub pid: u32,
    /// How it was started; a forked child's is that of its parent.
    pub command: Vec<String>,
    /// Exit status; minus its number after a signal.
    pub status: i32,
}

/// A thread of the program.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Thread {
    /// Number of its process.
    pub process: u32,
    /// `threading.get_ident()`
    pub ident: u64,
    /// Its name.
    pub name: String,
    /// Samples of it.
    pub samples: u64,
}

/// The whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Profile {
    /// The command line, as it was given.
    pub command: Vec<String>,
    /// The program's exit status; minus its number after a signal.
    pub status: i32,
    /// How it ended, if not in the ordinary way.
    pub ended: Option<String>,
    /// Which time was measured.
    pub mode: Mode,
    /// Samples a second that were asked for.
    pub rate: u64,
    /// Nanoseconds from the program's first line to its end.
    pub duration: u64,
    /// Nanoseconds of CPU that the program's processes used meanwhile.
    pub cpu: u64,
    /// Nanoseconds of CPU that the profiler used beside them.
    pub own_cpu: u64,
    /// Periods in all, and those in which nobody could be looked at.
    pub rounds: u64,
    /// See `rounds`.
    pub missed: u64,
    /// Processes of the program that left nothing: they had not ended, or were killed.
    pub unseen: usize,
    /// The processes, the program's own first.
    pub processes: Vec<Process>,
    /// The threads.
    pub threads: Vec<Thread>,
    /// The frames.
    pub frames: Vec<Frame>,
    /// The contexts; callers before callees.
    pub nodes: Vec<Node>,
}

/// What a profile says about the run, beside the samples.
pub struct About {
    /// See [`Profile`].
    pub command: Vec<String>,
    /// See [`Profile`].
    pub status: i32,
    /// See [`Profile`].
    pub ended: Option<String>,
    /// See [`Profile`].
    pub mode: Mode,
    /// See [`Profile`].
    pub rate: u64,
    /// See [`Profile`].
    pub cpu: Duration,
}

impl Profile {
    /// Gives what was recorded its names.
    pub fn new(vm: &Vm, natives: NativeNames, recording: Recording, about: About) -> Profile {
        let mut names =
            Names { vm, natives, frames: Vec::new(), by_place: FxHashMap::default(), by_spot: FxHashMap::default() };
        let roots = recording.tree.roots();
        let mut nodes: Vec<Node> = Vec::new();
        // Number of the named node of each recorded one: places without a name count for their caller.
        let mut named: Vec<Option<u32>> = Vec::with_capacity(recording.tree.nodes.len());
        let mut threads: Vec<u32> = Vec::with_capacity(recording.tree.nodes.len());
        let mut children: FxHashMap<(Option<u32>, u32, u32), u32> = FxHashMap::default();
        for (i, n) in recording.tree.nodes.iter().enumerate() {
            let thread = match n.parent {
                Some(p) => threads[p as usize],
                None => roots.get(&(i as u32)).copied().unwrap_or(0),
            };
            threads.push(thread);
            let parent = n.parent.and_then(|p| named[p as usize]);
            let at = match names.frame(n.spot) {
                None => parent,
                Some(frame) => Some(*children.entry((parent, frame, thread)).or_insert_with(|| {
                    nodes.push(Node { parent, frame, thread, self_time: 0, samples: 0 });
                    nodes.len() as u32 - 1
                })),
            };
            named.push(at);
            if let Some(at) = at {
                nodes[at as usize].self_time += n.self_time;
                nodes[at as usize].samples += n.samples;
            }
        }
        let frames = names.frames;
        let mut seen: Vec<Thread> = recording
            .threads
            .iter()
            .map(|t| Thread { process: 0, ident: t.ident, name: t.name.clone(), samples: t.samples })
            .collect();
        if let Some(main) = seen.first_mut() {
            main.name = "MainThread".to_owned();
        }
        Profile {
            processes: vec![Process { pid: std::process::id(), command: about.command.clone(), status: about.status }],
            command: about.command,
            status: about.status,
            ended: about.ended,
            unseen: 0,
            mode: about.mode,
            rate: about.rate,
            duration: recording.duration.as_nanos() as u64,
            cpu: about.cpu.saturating_sub(recording.own).as_nanos() as u64,
            own_cpu: recording.own.as_nanos() as u64,
            rounds: recording.rounds,
            missed: recording.missed,
            threads: seen,
            frames,
            nodes,
        }
    }

    /// Takes in the profile of another process.
    pub fn absorb(&mut self, other: Profile) {
        let number = |n: usize| n as u32;
        let mut known: FxHashMap<Frame, u32> = self.frames.iter().cloned().zip(0..).collect();
        let (process, thread, node) =
            (number(self.processes.len()), number(self.threads.len()), number(self.nodes.len()));
        let frames: Vec<u32> = other
            .frames
            .into_iter()
            .map(|f| {
                *known.entry(f).or_insert_with_key(|f| {
                    self.frames.push(f.clone());
                    number(self.frames.len()) - 1
                })
            })
            .collect();
        self.processes.extend(other.processes);
        self.threads.extend(other.threads.into_iter().map(|t| Thread { process: t.process + process, ..t }));
        self.nodes.extend(other.nodes.into_iter().map(|n| Node {
            parent: n.parent.map(|p| p + node),
            frame: frames[n.frame as usize],
            thread: n.thread + thread,
            ..n
        }));
        self.cpu += other.cpu;
        self.own_cpu += other.own_cpu;
        self.rounds += other.rounds;
        self.missed += other.missed;
    }

    /// What a thread is called where there are others: with its process, if there are several of those.
    pub fn thread_label(&self, thread: u32) -> String {
        let t = &self.threads[thread as usize];
        match self.processes.len() {
            0 | 1 => t.name.clone(),
            _ => format!("{} of process {}", t.name, self.processes[t.process as usize].pid),
        }
    }

    /// Samples in all.
    pub fn samples(&self) -> u64 {
        self.nodes.iter().map(|n| n.samples).sum()
    }

    /// Nanoseconds in all: the sum over the threads.
    pub fn total(&self) -> u64 {
        self.nodes.iter().map(|n| n.self_time).sum()
    }

    /// Threads that have samples, by number.
    pub fn sampled_threads(&self) -> Vec<u32> {
        let mut all: Vec<u32> = self.nodes.iter().filter(|n| n.samples > 0).map(|n| n.thread).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// A node's frames, outermost first.
    pub fn stack(&self, node: usize) -> Vec<u32> {
        let mut stack = Vec::new();
        let mut at = Some(node as u32);
        while let Some(n) = at {
            stack.push(self.nodes[n as usize].frame);
            at = self.nodes[n as usize].parent;
        }
        stack.reverse();
        stack
    }
}

struct Names<'a> {
    vm: &'a Vm,
    natives: NativeNames,
    frames: Vec<Frame>,
    by_place: FxHashMap<Place, u32>,
    by_spot: FxHashMap<Spot, Option<u32>>,
}

impl Names<'_> {
    fn frame(&mut self, spot: Spot) -> Option<u32> {
        if let Some(&known) = self.by_spot.get(&spot) {
            return known;
        }
        let found = spot.place(self.vm, &self.natives).map(|place| {
            let frames = &mut self.frames;
            *self.by_place.entry(place).or_insert_with_key(|p| {
                frames.push(Frame {
                    name: p.name.clone(),
                    file: p.file.clone(),
                    line: p.line,
                    first_line: p.first_line,
                    kind: kind(spot, &p.file),
                });
                frames.len() as u32 - 1
            })
        });
        self.by_spot.insert(spot, found);
        found
    }
}

fn kind(spot: Spot, file: &str) -> Kind {
    match spot {
        Spot::Collector => Kind::Collector,
        Spot::Native(_) | Spot::Class(_) => Kind::Native,
        Spot::Python { .. } if file.contains("/site-packages/") || file.contains("/dist-packages/") => Kind::Package,
        Spot::Python { .. } if is_library(file) => Kind::Library,
        Spot::Python { .. } => Kind::Program,
    }
}

fn is_library(file: &str) -> bool {
    file.starts_with(taipan_runtime::import::embedded::STDLIB_DIR) || file.starts_with("<frozen ")
}

impl Frame {
    /// The file as a person wants to read it.
    pub fn short_file(&self) -> &str {
        places::short(&self.file)
    }

    /// `name file:line`, or the native function's name.
    pub fn label(&self) -> String {
        match self.kind {
            Kind::Native => format!("{} [native]", clean(&self.name)),
            Kind::Collector => format!("[{}]", self.name),
            _ => format!("{} {}:{}", clean(&self.name), clean(self.short_file()), self.line),
        }
    }
}

/// Text without characters that would end a frame or a line in a file of stacks: generated code may have any name.
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c == ';' || c.is_control() || c == '\u{2028}' || c == '\u{2029}' { '?' } else { c })
        .collect()
}
