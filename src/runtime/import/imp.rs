//! `_imp`: what `importlib._bootstrap` needs of the interpreter.

use super::{ModuleDef, embedded, find_native, make_native, modules};
use crate::object::typedef::NativeFn::{F0, F1, F2, N, V};
use crate::object::{MethodDef, PyResult, Value, boolean, none};
use crate::types::bytes::Bytes;
use crate::types::code::Code;
use crate::types::module::Module;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::Args;
use parking_lot::Mutex;

/// `_imp`.
pub static MODULE: ModuleDef = ModuleDef::new("_imp")
    .doc("(Extremely) low-level import machinery bits as used by importlib.")
    .functions(&[
        MethodDef::function(
            "extension_suffixes",
            "($module, /)",
            "Returns the list of file suffixes used to identify extension modules.",
            F0(|_| Ok(crate::types::list::List::empty().into())),
        ),
        MethodDef::function(
            "lock_held",
            "($module, /)",
            "Return True if the import lock is currently held, else False.",
            F0(|vm| Ok(boolean(LOCK.lock().0 == vm.ident && LOCK.lock().1 > 0))),
        ),
        MethodDef::function(
            "acquire_lock",
            "($module, /)",
            "Acquires the interpreter's import lock for the current thread.",
            F0(acquire_lock),
        ),
        MethodDef::function("release_lock", "($module, /)", "Release the interpreter's import lock.", F0(release_lock)),
        MethodDef::function(
            "is_builtin",
            "($module, name, /)",
            "Returns True if the module name corresponds to a built-in module.",
            F1(is_builtin),
        ),
        MethodDef::function("create_builtin", "($module, spec, /)", "Create an extension module.", F1(create_builtin)),
        MethodDef::function(
            "exec_builtin",
            "($module, mod, /)",
            "Initialize a built-in module.",
            F1(|_, _| Ok(Value::small_unchecked(0))),
        ),
        MethodDef::function(
            "create_dynamic",
            "($module, spec, file=<unrepresentable>, /)",
            "Create an extension module.",
            V(create_dynamic),
        ),
        MethodDef::function(
            "exec_dynamic",
            "($module, mod, /)",
            "Initialize an extension module.",
            F1(|_, _| Ok(Value::small_unchecked(0))),
        ),
        MethodDef::function(
            "is_frozen",
            "($module, name, /)",
            "Returns True if the module name corresponds to a frozen module.",
            F1(|vm, n| Ok(boolean(frozen(vm, n)?.is_some()))),
        ),
        MethodDef::function(
            "is_frozen_package",
            "($module, name, /)",
            "Returns True if the module name is of a frozen package.",
            F1(is_frozen_package),
        ),
        MethodDef::function(
            "find_frozen",
            "($module, name, /, *, withdata=False)",
            "Return info about the corresponding frozen module (if there is one) or None.",
            N(find_frozen),
        ),
        MethodDef::function(
            "get_frozen_object",
            "($module, name, data=None, /)",
            "Create a code object for a frozen module.",
            N(get_frozen_object),
        ),
        MethodDef::function("init_frozen", "($module, name, /)", "Initializes a frozen module.", F1(init_frozen)),
        MethodDef::function(
            "_frozen_module_names",
            "($module, /)",
            "Returns the list of available frozen modules.",
            F0(frozen_names),
        ),
        MethodDef::function(
            "_frozen_source",
            "($module, name, /)",
            "Returns the source of an embedded module, or None.",
            F1(frozen_source),
        ),
        MethodDef::function(
            "_override_frozen_modules_for_tests",
            "($module, override, /)",
            "(internal-only) Override the use of frozen modules.",
            F1(override_frozen),
        ),
        MethodDef::function(
            "_override_multi_interp_extensions_check",
            "($module, override, /)",
            "(internal-only) Override the check of extensions.",
            F1(|_, _| Ok(Value::small_unchecked(0))),
        ),
        MethodDef::function(
            "_fix_co_filename",
            "($module, code, path, /)",
            "Changes code.co_filename to specify the passed-in path.",
            F2(|_, _, _| Ok(none())),
        ),
        MethodDef::function(
            "source_hash",
            "($module, key, source)",
            "Hash of a source for hash-based caches.",
            N(source_hash),
        ),
    ])
    .init(|vm, dict| {
        dict.store_text("check_hash_based_pycs", vm.new_str("default"));
        dict.store_text("pyc_magic_number_token", Value::small_unchecked(MAGIC_TOKEN as i64));
        Ok(())
    });

/// Number in our `.pyc` files: 3627 of CPython 3.14 with the high half our own.
pub const MAGIC_TOKEN: u32 = 0x0A0D_5450;

static LOCK: Mutex<(u64, u32)> = Mutex::new((0, 0));
// Kept and given back, but without effect: the whole standard library is embedded, nothing else could take its place.
static OVERRIDE: std::sync::atomic::AtomicI32 = std::sync::atomic::AtomicI32::new(0);

fn acquire_lock(vm: &mut Vm) -> PyResult {
    let me = vm.ident;
    loop {
        {
            let mut l = LOCK.lock();
            if l.1 == 0 || l.0 == me {
                *l = (me, l.1 + 1);
                return Ok(none());
            }
        }
        vm.allow_threads(|| std::thread::sleep(std::time::Duration::from_micros(200)));
    }
}

fn release_lock(vm: &mut Vm) -> PyResult {
    let mut l = LOCK.lock();
    if l.1 == 0 || l.0 != vm.ident {
        drop(l);
        return Err(vm.runtime_error("not holding the import lock"));
    }
    l.1 -= 1;
    Ok(none())
}

fn text(vm: &mut Vm, v: &Value, function: &str) -> PyResult<String> {
    Ok(vm.expect_str(v, format_args!("{function}() argument"))?.to_rust().into_owned())
}

fn is_builtin(vm: &mut Vm, name: &Value) -> PyResult {
    let n = text(vm, name, "is_builtin")?;
    let special = matches!(n.as_str(), "sys" | "builtins");
    Ok(Value::small_unchecked(if special { -1 } else { find_native(&n).is_some() as i64 }))
}

fn create_builtin(vm: &mut Vm, spec: &Value) -> PyResult {
    let name = vm.get_attr_text(spec, "name")?;
    let n = text(vm, &name, "create_builtin")?;
    if let Some(m) = modules(vm)?.lookup_text(&n) {
        return Ok(m);
    }
    match find_native(&n) {
        Some(def) => Ok(make_native(vm, def)?.into()),
        None => Ok(none()),
    }
}

fn create_dynamic(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let name = match args.get(0) {
        Some(spec) => vm.get_attr_text(spec, "name")?,
        None => none(),
    };
    let n = vm.str(&name)?.to_rust().into_owned();
    Err(vm.import_error(format!("extension module '{n}' is compiled for CPython; taipan cannot load C extensions")))
}

/// The embedded module a name means, unless a real library directory is in use.
fn frozen(vm: &mut Vm, name: &Value) -> PyResult<Option<&'static embedded::Embedded>> {
    let n = text(vm, name, "is_frozen")?;
    Ok(embedded::find(&n))
}

fn is_frozen_package(vm: &mut Vm, name: &Value) -> PyResult {
    match frozen(vm, name)? {
        Some(e) => Ok(boolean(e.package)),
        None => {
            let n = text(vm, name, "is_frozen_package")?;
            Err(vm.import_error(format!("No such frozen object named {n}")))
        }
    }
}

fn find_frozen(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let name = args[0].clone().unwrap_or_else(none);
    let n = text(vm, &name, "find_frozen")?;
    let Some(e) = super::library::find(vm, &n)? else { return Ok(none()) };
    let with_data = match &args[1] {
        Some(w) => vm.truth(w)?,
        None => false,
    };
    let data = if with_data { Bytes::from_slice(&e.marshalled()).into() } else { none() };
    let origin = vm.new_str(e.name);
    Ok(Tuple::from_vec(vec![data, boolean(e.package), origin]).into())
}

fn get_frozen_object(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let name = args[0].clone().unwrap_or_else(none);
    let n = text(vm, &name, "get_frozen_object")?;
    match &args[1] {
        Some(d) if !d.is_none() => {
            let b = vm.buffer(d, crate::object::buffer::BufferRequest::READ)?.to_vec(vm);
            match taipan_bytecode::marshal::load_code(&b) {
                Ok(c) => Ok(Code::new(vm, c).into()),
                Err(_) => Err(vm.import_error(format!("Frozen object named '{n}' is invalid"))),
            }
        }
        _ => {
            if frozen(vm, &name)?.is_none() {
                return Err(vm.import_error(format!("No such frozen object named {n}")));
            }
            Ok(embedded::code(vm, &n)?.into())
        }
    }
}

fn init_frozen(vm: &mut Vm, name: &Value) -> PyResult {
    let n = text(vm, name, "init_frozen")?;
    if frozen(vm, name)?.is_none() {
        return Ok(none());
    }
    let code = embedded::code(vm, &n)?;
    let m = Module::new_object(name, none());
    let all = modules(vm)?;
    all.store_text(&n, m.clone());
    super::exec_module_code(vm, code, &m)?;
    Ok(m.into())
}

fn frozen_names(vm: &mut Vm) -> PyResult {
    let names = embedded::all().iter().map(|e| vm.new_str(e.name)).collect();
    Ok(crate::types::list::List::from_vec(names).into())
}

fn frozen_source(vm: &mut Vm, name: &Value) -> PyResult {
    match frozen(vm, name)? {
        Some(e) => Ok(vm.new_str(&e.source())),
        None => Ok(none()),
    }
}

fn override_frozen(vm: &mut Vm, v: &Value) -> PyResult {
    let n = vm.to_i32(v)?;
    let old = OVERRIDE.swap(n, std::sync::atomic::Ordering::Relaxed);
    Ok(Value::small_unchecked(old as i64))
}

fn source_hash(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    use std::hash::Hasher;
    let key = args[0].clone().unwrap_or_else(none);
    let key = vm.to_i64(&key)? as u64;
    let source = args[1].clone().unwrap_or_else(none);
    let data = vm.buffer(&source, crate::object::buffer::BufferRequest::READ)?.to_vec(vm);
    let mut h = siphasher::sip::SipHasher13::new_with_keys(key, 0);
    h.write(&data);
    Ok(Bytes::from_slice(&h.finish().to_le_bytes()).into())
}
