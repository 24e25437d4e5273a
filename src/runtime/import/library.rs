//! The embedded library as an entry of `sys.path`. Its modules are loaded as frozen ones, but only those that CPython
//! freezes, too, are found before the path is searched: of the others a program's own module that comes first on the path
//! wins, as under CPython, where the library is a folder among others.

use super::embedded::{self, STDLIB_DIR};
use super::modules;
use crate::object::value::Frozen;
use crate::object::{
    GetSetDef, MethodDef, NativeFn, PyResult, Slots, TypeDef, TypeFlags, Value, boolean, instance, none,
};
use crate::types::list::List;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the program runs: until then the library's modules are found without a look at the path.
static STARTED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// The path's search has come to the library.
    static ASKED: Cell<bool> = const { Cell::new(false) };
}

/// From now on the path decides.
pub fn started() {
    STARTED.store(true, Ordering::Relaxed);
}

/// The module that the importer of frozen modules finds under a name.
pub fn find(vm: &mut Vm, name: &str) -> PyResult<Option<&'static embedded::Embedded>> {
    let Some(found) = embedded::find(name) else { return Ok(None) };
    let visible = !STARTED.load(Ordering::Relaxed) || found.frozen || ASKED.get() || in_package(vm, name)?;
    Ok(visible.then_some(found))
}

/// Whether a name is inside a package that was itself found in the library.
fn in_package(vm: &mut Vm, name: &str) -> PyResult<bool> {
    let Some((package, _)) = name.rsplit_once('.') else { return Ok(false) };
    let Some(package) = modules(vm)?.lookup_text(package) else { return Ok(true) };
    let path = vm.intern("__path__");
    let Some(path) = vm.get_attr_opt(&package, &path)? else { return Ok(true) };
    let Ok(entries) = vm.collect(&path) else {
        vm.clear_error();
        return Ok(true);
    };
    Ok(entries.iter().any(|e| e.downcast::<Str>().is_some_and(|e| e.to_rust().starts_with(STDLIB_DIR))))
}

/// Payload of the finder for the library's entry.
pub struct LibraryFinder {
    path: Value,
}
crate::payload!(LibraryFinder, LIBRARY_FINDER, traverse(self, visit) { visit(&self.path) }, clear(self) {});
impl Frozen for LibraryFinder {}

/// The type of that finder.
pub static LIBRARY_FINDER: TypeDef = TypeDef::new::<LibraryFinder>("_imp.LibraryFinder")
    .doc("Finds the modules of the embedded library.")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .slots(Slots::NONE)
    .methods(&[
        MethodDef::method(
            "find_spec",
            "($self, /, fullname, target=None)",
            "The spec of a module of the library.",
            NativeFn::N(|vm, a| find_spec(vm, a[1].as_ref().expect("required"))),
        ),
        MethodDef::method(
            "iter_modules",
            "($self, /, prefix='')",
            "The names of the library's modules, with whether they are packages.",
            NativeFn::N(iter_modules),
        ),
        MethodDef::method("invalidate_caches", "($self, /)", "There are none.", NativeFn::F1(|_, _| Ok(none()))),
    ])
    .getset(&[GetSetDef::get("path", "The entry of sys.path.", |_, v| {
        Ok(v.downcast::<LibraryFinder>().expect("a finder").path.clone())
    })]);

fn find_spec(vm: &mut Vm, name: &Value) -> PyResult {
    if vm.expect_str(name, "find_spec() argument 'fullname'")?.to_rust().contains('.') {
        return Ok(none());
    }
    let Some(bootstrap) = super::bootstrap(vm) else { return Ok(none()) };
    let importer = vm.get_attr_text(&bootstrap, "FrozenImporter")?;
    let before = ASKED.replace(true);
    let spec = vm.call_method(&importer, "find_spec", std::slice::from_ref(name));
    ASKED.set(before);
    spec
}

fn iter_modules(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let prefix = match &a[1] {
        Some(p) => vm.expect_str(p, "iter_modules() argument 'prefix'")?.to_rust().into_owned(),
        None => String::new(),
    };
    let top = embedded::all().iter().filter(|e| !e.name.contains('.'));
    let rows = top.map(|e| {
        let name = vm.new_str(&format!("{prefix}{}", e.name));
        Tuple::from_vec(vec![name, boolean(e.package)]).into()
    });
    let list: Value = List::from_vec(rows.collect()).into();
    vm.iter(&list)
}

/// Makes the finder the one for the library's entry. It is no path hook: programs count those.
pub fn install(vm: &mut Vm) -> PyResult<()> {
    crate::types::typeobject::ready::ready(&LIBRARY_FINDER);
    let path = vm.new_str(STDLIB_DIR);
    let finder: Value = instance::new(LibraryFinder { path: path.clone() }).into();
    let finders = crate::builtins::sys::get(vm, "path_importer_cache").unwrap_or_else(none);
    vm.set_item(&finders, &path, &finder)
}
