//! `taipan memory`: runs a program with its allocations recorded.

use super::profile::wants_colour;
use super::run::{self, Watch};
use super::{Invocation, writable};
use crate::memory::census::{self, Census, Wanted};
use crate::memory::{flamegraph, report};
use std::io::Write;
use std::path::PathBuf;
use taipan_runtime::probe::ending::Ending;
use taipan_runtime::probe::sites;
use taipan_runtime::types::exceptions as exc;
use taipan_runtime::vm::Vm;

/// Runs the command.
pub fn run(invocation: Invocation) -> Result<i32, String> {
    let output = invocation.get_or_default("output").to_owned();
    writable(&output)?;
    let session = Session {
        // The program may change its folder.
        output: std::path::absolute(&output).unwrap_or_else(|_| output.clone().into()),
        shown: output,
        when: invocation.get_or_default("flamegraph").to_owned(),
        wanted: Wanted {
            top: invocation.get_or_default("top").parse().unwrap_or(5),
            peak_stacks: invocation.get_or_default("flamegraph") == "peak",
            imports: invocation.has("imports"),
        },
        command: invocation.rest.join(" "),
        census: None,
    };
    let plan = invocation.plan.ok_or("memory needs a program")?;
    run::run(plan, Box::new(session))
}

struct Session {
    output: PathBuf,
    shown: String,
    when: String,
    wanted: Wanted,
    command: String,
    census: Option<Census>,
}

impl Session {
    fn take(&mut self, vm: &mut Vm, moment: &str) {
        if sites::is_on(vm) && self.census.is_none() {
            self.census = Some(census::take(vm, &self.wanted, moment));
        }
    }

    fn tell(&mut self) {
        let Some(census) = self.census.take() else {
            let line =
                "taipan: the program stopped the recording of allocations (tracemalloc.stop), so there is no report\n";
            let _ = std::io::stderr().write_all(line.as_bytes());
            return;
        };
        let written = std::fs::File::create(&self.output).and_then(|file| {
            let mut file = std::io::BufWriter::new(file);
            flamegraph::write(&census, &self.command, &self.when, &mut file)?;
            file.flush()
        });
        let mut text = report::text(&census, &self.command, peak_rss(), wants_colour());
        match written {
            Ok(()) => text.push_str(&format!("\nflamegraph: {}\n", self.shown)),
            Err(e) => text.push_str(&format!("\ntaipan: cannot write '{}': {}\n", self.shown, run::reason(&e))),
        }
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
}

impl Watch for Session {
    fn before(&mut self, vm: &mut Vm) {
        sites::start(vm);
    }

    fn main_done(&mut self, vm: &mut Vm) {
        // What the program held when it failed is what its frames held: they end when the exception has been shown.
        let failed = vm.pending().is_some() && !vm.error_is(&exc::SYSTEM_EXIT);
        if failed {
            let name = vm.pending().map(|e| e.class().payload.name().to_string()).unwrap_or_default();
            self.take(vm, &format!("{name} ended the program"));
        }
    }

    fn before_teardown(&mut self, vm: &mut Vm) {
        self.take(vm, "");
    }

    fn after(&mut self, _: &mut Vm, _: i32) {
        self.tell();
    }

    fn sees_endings(&self) -> bool {
        true
    }

    fn ends_early(&mut self, vm: &mut Vm, how: Ending) {
        self.take(vm, &format!("the process was {}", run::said(how)));
        self.tell();
    }
}

/// Largest resident size of the process so far, in bytes.
fn peak_rss() -> u64 {
    use nix::sys::resource::{UsageWho, getrusage};
    getrusage(UsageWho::RUSAGE_SELF).map_or(0, |u| u.max_rss() as u64 * 1024)
}
