//! Threads as clients know them: small numbers and names.

use std::sync::Mutex;

use taipan_runtime::object::Value;
use taipan_runtime::object::instance;
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::{Vm, gil};

use super::{desk, lock};

/// The numbers of threads: 1 is the main thread, and none is used twice.
#[derive(Default)]
pub struct Threads {
    known: Mutex<(i64, Vec<(u64, i64)>)>,
}

impl Threads {
    /// The number of the thread with this ident; a new one gets the next.
    pub fn number(&self, ident: u64) -> i64 {
        let mut known = lock(&self.known);
        if let Some((_, n)) = known.1.iter().find(|(i, _)| *i == ident) {
            return *n;
        }
        known.0 += 1;
        let n = known.0;
        known.1.push((ident, n));
        n
    }

    /// The ident behind a number.
    pub fn ident(&self, number: i64) -> Option<u64> {
        lock(&self.known).1.iter().find(|(_, n)| *n == number).map(|(i, _)| *i)
    }

    /// A thread has ended: its ident may be given to another.
    pub fn forget(&self, ident: u64) {
        lock(&self.known).1.retain(|(i, _)| *i != ident);
    }
}

/// Idents and names of the program's threads, the main thread first.
pub fn list(vm: &mut Vm) -> Vec<(u64, String)> {
    let helpers = desk::helpers();
    let main = gil::main_ident(vm);
    let mut idents: Vec<u64> = vm.with_threads(|t| t.ident).into_iter().filter(|i| !helpers.contains(i)).collect();
    idents.sort_by_key(|i| *i != main);
    let objects = thread_objects(vm);
    let name = |ident: u64| {
        let known = objects.iter().find(|(i, _)| *i == ident).and_then(|(_, o)| name_of(o));
        known.unwrap_or_else(|| if ident == main { "MainThread".to_owned() } else { format!("thread {ident}") })
    };
    idents.into_iter().map(|i| (i, name(i))).collect()
}

/// The `threading.Thread` objects by ident, read from the module's own table.
fn thread_objects(vm: &mut Vm) -> Vec<(u64, Value)> {
    let Ok(modules) = taipan_runtime::import::modules(vm) else {
        vm.clear_error();
        return Vec::new();
    };
    let threading = modules.lookup_text("threading");
    let Some(module) = threading.as_ref().and_then(|m| m.downcast::<taipan_runtime::types::module::Module>()) else {
        return Vec::new();
    };
    let Some(active) = module.dict.lookup_text("_active") else { return Vec::new() };
    let Some(active) = active.downcast::<Dict>() else { return Vec::new() };
    let ident = |v: &Value| taipan_runtime::types::int::Int::read(v).and_then(|i| i.to_i64()).map(|i| i as u64);
    active.pairs().into_iter().filter_map(|(k, v)| Some((ident(&k)?, v))).collect()
}

/// The name of a `Thread` object, without running its property.
fn name_of(thread: &Value) -> Option<String> {
    let named =
        instance::attributes(thread).into_iter().find(|(k, _)| k.downcast::<Str>().is_some_and(|k| k.is_text("_name")));
    named.and_then(|(_, v)| v.downcast::<Str>().map(|s| s.to_rust().into_owned()))
}
