//! `taipan profile`: runs a program with the sampling profiler around it.

use super::run::{self, Watch};
use super::{Invocation, writable};
use crate::profiler::clock::Clock;
use crate::profiler::export::{FORMATS, Format};
use crate::profiler::profile::{About, Profile};
use crate::profiler::{Mode, report};
use std::io::{IsTerminal, Write};
use std::time::Duration;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::watch::Watcher;

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
    let (rate, top) = (number("rate"), number("top") as usize);
    let mode = invocation.get_or_default("mode").parse()?;
    let mut command = vec!["taipan".to_owned()];
    command.extend(invocation.rest.iter().cloned());
    let plan = invocation.plan.ok_or("profile needs a program")?;
    let mut session = Session {
        format,
        // The program may change its folder.
        output: std::path::absolute(&output).unwrap_or_else(|_| output.clone().into()),
        shown: output,
        rate,
        mode,
        top,
        command,
        clock: None,
        cpu_before: Duration::ZERO,
    };
    run::run(plan, &mut session)
}

struct Session {
    format: &'static Format,
    output: std::path::PathBuf,
    shown: String,
    rate: u64,
    mode: Mode,
    top: usize,
    command: Vec<String>,
    clock: Option<Clock>,
    cpu_before: Duration,
}

impl Watch for Session {
    fn before(&mut self, vm: &mut Vm) {
        self.cpu_before = cpu_time();
        let clock = Watcher::new(vm).and_then(|watcher| Clock::start(watcher, self.rate, self.mode));
        match clock {
            Ok(c) => self.clock = Some(c),
            Err(e) => eprintln!("taipan: the program runs without the profiler: {}", run::reason(&e)),
        }
    }

    fn after(&mut self, vm: &mut Vm, status: i32) {
        let Some(clock) = self.clock.take() else { return };
        let cpu = cpu_time().saturating_sub(self.cpu_before);
        let recording = clock.stop();
        let (command, mode, rate) = (std::mem::take(&mut self.command), self.mode, self.rate);
        let profile = Profile::new(vm, recording, About { command, status, mode, rate, cpu });
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

/// Whether standard error is a terminal that shows colours (<https://no-color.org>).
pub fn wants_colour() -> bool {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    std::io::stderr().is_terminal() && !plain && std::env::var_os("TERM").is_none_or(|t| t != "dumb")
}

fn cpu_time() -> Duration {
    use nix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}
