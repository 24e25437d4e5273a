//! `-X importtime`: how long each import took, on standard error (`import_find_and_load` of `Python/import.c`).

use crate::object::{Py, PyResult};
use crate::types::exceptions::print::to_text;
use crate::types::str::Str;
use crate::vm::Vm;
use std::cell::Cell;
use std::sync::Once;
use std::time::{Duration, Instant};

thread_local! {
    /// How deeply imports nest, and what those inside the present one took.
    static NEST: Cell<(usize, Duration)> = const { Cell::new((0, Duration::ZERO)) };
}

fn header() {
    static SHOWN: Once = Once::new();
    SHOWN.call_once(|| crate::host::stderr("import time: self [us] | cumulative | imported package\n"));
}

/// Runs an import and tells what it took.
pub fn timed(vm: &mut Vm, name: &Py<Str>, import: impl FnOnce(&mut Vm) -> PyResult) -> PyResult {
    header();
    let (level, before) = NEST.get();
    NEST.set((level + 1, Duration::ZERO));
    let start = Instant::now();
    let module = import(vm);
    let all = start.elapsed();
    let (_, inside) = NEST.get();
    NEST.set((level, before + all));
    let own = all.saturating_sub(inside);
    let indent = " ".repeat(2 * level);
    let (own, all) = (own.as_micros(), all.as_micros());
    crate::host::stderr(&format!("import time: {own:9} | {all:10} | {indent}{}\n", to_text(name)));
    module
}

/// Tells that a module was there already.
pub fn cached(name: &Py<Str>) {
    header();
    let indent = " ".repeat(2 * NEST.get().0);
    crate::host::stderr(&format!("import time: cached    | cached     | {indent}{}\n", to_text(name)));
}
