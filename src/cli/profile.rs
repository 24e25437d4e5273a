//! `taipan profile`: runs a program with the sampling profiler around it.

use super::run::{self, Watch};
use super::{Invocation, writable};
use crate::profiler::clock::Clock;
use crate::profiler::export::{FORMATS, Format};
use crate::profiler::follow::Family;
use crate::profiler::profile::{About, Profile};
use crate::profiler::report;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;
use taipan_runtime::probe::ending::Ending;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::watch::{NativeNames, Watcher};

/// Runs the command.
pub fn run(invocation: Invocation) -> Result<i32, String> {
    let number = |name: &str| invocation.get_or_default(name).parse::<u64>().unwrap_or(1);
    let format = invocation.get_or_default("format");
    let format = FORMATS.iter().find(|f| f.name == format).ok_or_else(|| format!("no format is called '{format}'"))?;
    let output = match invocation.get("output") {
        Some(o) => o.to_owned(),
        None => format!("taipan-profile.{}", format.ending),
    };
    writable(&output)?;
    let top = number("top") as usize;
    let mode = invocation.get_or_default("mode").parse()?;
    let mut command = vec!["taipan".to_owned()];
    command.extend(invocation.rest.iter().cloned());
    let rate = number("rate");
    let plan = invocation.plan.ok_or("profile needs a program")?;
    let family = Family::found(rate, mode)
        .map_err(|e| format!("no folder for the profiles of other processes: {}", run::reason(&e)))?;
    let session = Session {
        format,
        // The program may change its folder.
        output: std::path::absolute(&output).unwrap_or_else(|_| output.clone().into()),
        shown: output,
        top,
        recorder: Recorder::new(family.clone(), command),
    };
    // A forked child comes back here too: the folder is not its own.
    run::run(plan, Box::new(session)).inspect_err(|_| family.disband())
}

/// What takes the samples of this process.
struct Recorder {
    family: Family,
    command: Vec<String>,
    clock: Option<Clock>,
    /// Names of native functions whose modules are still there.
    natives: Option<NativeNames>,
    cpu_before: Duration,
}

impl Recorder {
    fn new(family: Family, command: Vec<String>) -> Recorder {
        Recorder { family, command, clock: None, natives: None, cpu_before: Duration::ZERO }
    }

    fn start(&mut self, vm: &mut Vm) {
        self.cpu_before = cpu_time();
        let clock = Watcher::new(vm).and_then(|watcher| Clock::start(watcher, self.family.rate, self.family.mode));
        match clock {
            Ok(c) => self.clock = Some(c),
            Err(e) => eprintln!("taipan: the program runs without the profiler: {}", run::reason(&e)),
        }
    }

    fn finish(&mut self, vm: &mut Vm, status: i32, ended: Option<String>) -> Option<Profile> {
        let clock = self.clock.take()?;
        let cpu = cpu_time().saturating_sub(self.cpu_before);
        let recording = clock.stop();
        let (command, mode, rate) = (std::mem::take(&mut self.command), self.family.mode, self.family.rate);
        let natives = self.natives.take().unwrap_or_else(|| NativeNames::collect(vm));
        Some(Profile::new(vm, natives, recording, About { command, status, ended, mode, rate, cpu }))
    }

    /// The recorder of a child that was forked off: the clock's thread is not here.
    fn anew(mut self) -> Recorder {
        std::mem::forget(self.clock.take());
        self
    }
}

/// The program's first process: prints the report and writes the file.
struct Session {
    format: &'static Format,
    output: PathBuf,
    shown: String,
    top: usize,
    recorder: Recorder,
}

impl Session {
    fn finish(&mut self, vm: &mut Vm, status: i32, ended: Option<String>) {
        let Some(mut profile) = self.recorder.finish(vm, status, ended) else { return };
        let left = self.recorder.family.clone().gather();
        left.profiles.into_iter().for_each(|p| profile.absorb(p));
        profile.unseen = left.missing;
        let written = std::fs::File::create(&self.output).and_then(|file| {
            let mut file = std::io::BufWriter::new(file);
            (self.format.write)(&profile, &mut file)?;
            file.flush()
        });
        let mut text = report::text(&profile, self.top, wants_colour());
        match written {
            Ok(()) => text.push_str(&format!("\n{}: {}\n", self.format.name, self.shown)),
            Err(e) => text.push_str(&format!("\ntaipan: cannot write '{}': {}\n", self.shown, run::reason(&e))),
        }
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
}

impl Watch for Session {
    fn before(&mut self, vm: &mut Vm) {
        self.recorder.start(vm);
    }

    fn nothing_ran(&mut self) {
        self.recorder.clock.take().map(Clock::stop);
        self.recorder.family.clone().disband();
    }

    fn before_teardown(&mut self, vm: &mut Vm) {
        self.recorder.natives = Some(NativeNames::collect(vm));
    }

    fn after(&mut self, vm: &mut Vm, status: i32) {
        self.finish(vm, status, None);
    }

    fn sees_endings(&self) -> bool {
        true
    }

    fn ends_early(&mut self, vm: &mut Vm, how: Ending) {
        self.finish(vm, run::status_of(how), Some(run::said(how)));
    }

    fn in_child(self: Box<Self>, vm: &mut Vm) -> Option<Box<dyn Watch>> {
        Some(Box::new(Child::begin(self.recorder.anew(), vm)))
    }
}

/// The watch over a process that was started in a profiled one.
pub fn child(family: Family, command: Vec<String>) -> Box<dyn Watch> {
    // The processes that `multiprocessing` keeps for itself wait as long as the program lives.
    let helper = command.iter().any(|word| word.contains("from multiprocessing."));
    Box::new(Child { recorder: Recorder::new(family, command), begun: None, helper })
}

/// A process that the program started: leaves its profile to the first.
struct Child {
    recorder: Recorder,
    begun: Option<PathBuf>,
    helper: bool,
}

impl Child {
    fn begin(recorder: Recorder, vm: &mut Vm) -> Child {
        let mut child = Child { recorder, begun: None, helper: false };
        child.before(vm);
        child
    }

    fn finish(&mut self, vm: &mut Vm, status: i32, ended: Option<String>) {
        let (Some(profile), Some(begun)) = (self.recorder.finish(vm, status, ended), self.begun.take()) else { return };
        if let Err(e) = Family::leave(&begun, &profile) {
            // The first process has ended and wants no more.
            tracing::debug!("the profile of this process is lost: {e}");
        }
    }
}

impl Watch for Child {
    fn before(&mut self, vm: &mut Vm) {
        self.begun = self.recorder.family.join(self.helper).ok();
        if self.begun.is_some() {
            self.recorder.start(vm);
        }
    }

    fn nothing_ran(&mut self) {
        self.recorder.clock.take().map(Clock::stop);
        let _ = self.begun.take().map(std::fs::remove_file);
    }

    fn before_teardown(&mut self, vm: &mut Vm) {
        self.recorder.natives = Some(NativeNames::collect(vm));
    }

    fn after(&mut self, vm: &mut Vm, status: i32) {
        self.finish(vm, status, None);
    }

    fn sees_endings(&self) -> bool {
        true
    }

    fn ends_early(&mut self, vm: &mut Vm, how: Ending) {
        self.finish(vm, run::status_of(how), Some(run::said(how)));
    }

    fn in_child(self: Box<Self>, vm: &mut Vm) -> Option<Box<dyn Watch>> {
        Some(Box::new(Child::begin(self.recorder.anew(), vm)))
    }
}

/// Whether standard error is a terminal that shows colours (<https://no-color.org>).
pub fn wants_colour() -> bool {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    std::io::stderr().is_terminal() && !plain && std::env::var_os("TERM").is_none_or(|t| t != "dumb")
}

fn cpu_time() -> Duration {
    use nix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}
