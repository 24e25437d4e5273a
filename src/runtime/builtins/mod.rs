//! The `builtins` module: its functions, one row each, and the table of names of types and exceptions.

pub mod anext;
pub mod attributes;
pub mod class;
pub mod code;
pub mod console;
pub mod global;
pub mod iteration;
pub mod numbers;
pub mod sys;
pub mod warnings;

use crate::import::ModuleDef;
use crate::name;
use crate::object::typedef::MethodDef;
use crate::object::{NativeFn, Py, PyResult, TypeDef, Value, boolean, none};
use crate::types::dict::Dict;
use crate::types::exceptions;
use crate::types::list::List;
use crate::types::method::BuiltinFunction;
use crate::types::module::Module;
use crate::types::str::Str;
use crate::vm::Vm;
use NativeFn::{F0, F1, F2, F3, N, V};
use global::Global;

/// The `builtins` module.
pub static MODULE: ModuleDef = ModuleDef::new("builtins")
    .doc(
        "Built-in functions, types, exceptions, and other objects.\n\nThis module provides direct access to all \
         'built-in'\nidentifiers of Python; for example, builtins.len is\nthe full name for the built-in function len().",
    )
    .functions(FUNCTIONS)
    .init(init);

const fn row(name: &'static str, signature: &'static str, doc: &'static str, function: NativeFn) -> MethodDef {
    MethodDef::function(name, signature, doc, function)
}

/// `len`, which the eval loop knows by its row.
static LEN: &MethodDef = &FUNCTIONS[0];
/// `isinstance`, likewise.
static ISINSTANCE: &MethodDef = &FUNCTIONS[1];

/// The functions. The first two keep their places: [`len_def`] and [`isinstance_def`].
static FUNCTIONS: &[MethodDef] = &[
    row("len", "($module, obj, /)", "Return the number of items in a container.", F1(iteration::len)),
    row(
        "isinstance",
        "($module, obj, class_or_tuple, /)",
        "Return whether an object is an instance of a class or of a subclass thereof.",
        F2(attributes::isinstance),
    ),
    row("__build_class__", "", "Internal helper function used by the class statement.", V(class::build_class)),
    row(
        "__import__",
        "($module, /, name, globals=None, locals=None, fromlist=(),\n           level=0)",
        "Import a module.",
        N(import),
    ),
    row("abs", "($module, x, /)", "Return the absolute value of the argument.", F1(numbers::abs)),
    row(
        "all",
        "($module, iterable, /)",
        "Return True if bool(x) is True for all values x in the iterable.",
        F1(iteration::all),
    ),
    row(
        "any",
        "($module, iterable, /)",
        "Return True if bool(x) is True for any x in the iterable.",
        F1(iteration::any),
    ),
    row("ascii", "($module, obj, /)", "Return an ASCII-only representation of an object.", F1(attributes::ascii)),
    row("bin", "($module, number, /)", "Return the binary representation of an integer.", F1(numbers::bin)),
    row("breakpoint", "($module, /, *args, **kws)", "Call sys.breakpointhook(*args, **kws).", V(console::breakpoint)),
    row(
        "callable",
        "($module, obj, /)",
        "Return whether the object is callable (i.e., some kind of function).",
        F1(attributes::callable),
    ),
    row(
        "chr",
        "($module, i, /)",
        "The string of the one character whose code point is i (at most 0x10ffff).",
        F1(numbers::chr),
    ),
    row(
        "compile",
        "($module, /, source, filename, mode, flags=0,\n        dont_inherit=False, optimize=-1, *, _feature_version=-1)",
        "Compile source into a code object that can be executed by exec() or eval().",
        N(code::compile),
    ),
    row(
        "delattr",
        "($module, obj, name, /)",
        "Deletes the named attribute from the given object.",
        F2(attributes::delattr),
    ),
    row("dir", "", "dir([object]) -> list of strings", V(attributes::dir)),
    row("divmod", "($module, x, y, /)", "Return the tuple (x//y, x%y).", F2(numbers::divmod)),
    row(
        "eval",
        "($module, source, /, globals=None, locals=None)",
        "Evaluate the given source in the context of globals and locals.",
        N(code::eval),
    ),
    row(
        "exec",
        "($module, source, /, globals=None, locals=None, *, closure=None)",
        "Execute the given source in the context of globals and locals.",
        N(code::exec),
    ),
    row(
        "format",
        "($module, value, format_spec='', /)",
        "Return type(value).__format__(value, format_spec)",
        N(attributes::format),
    ),
    row("getattr", "", "getattr(object, name[, default]) -> value", V(attributes::getattr)),
    row(
        "globals",
        "($module, /)",
        "Return the dictionary containing the current scope's global variables.",
        F0(code::globals),
    ),
    row(
        "hasattr",
        "($module, obj, name, /)",
        "Return whether the object has an attribute with the given name.",
        F2(attributes::hasattr),
    ),
    row("hash", "($module, obj, /)", "Return the hash value for the given object.", F1(attributes::hash)),
    row("hex", "($module, number, /)", "Return the hexadecimal representation of an integer.", F1(numbers::hex)),
    row("id", "($module, obj, /)", "Return the identity of an object.", F1(attributes::id)),
    row(
        "input",
        "($module, prompt='', /)",
        "Read a string from standard input.  The trailing newline is stripped.",
        N(console::input),
    ),
    row(
        "issubclass",
        "($module, cls, class_or_tuple, /)",
        "Return whether 'cls' is derived from another class or is the same class.",
        F2(attributes::issubclass),
    ),
    row("iter", "", "iter(iterable) -> iterator\niter(callable, sentinel) -> iterator", V(iteration::iter)),
    row(
        "aiter",
        "($module, async_iterable, /)",
        "Return an AsyncIterator for an AsyncIterable object.",
        F1(iteration::aiter),
    ),
    row(
        "locals",
        "($module, /)",
        "Return a dictionary containing the current scope's local variables.",
        F0(code::locals),
    ),
    row(
        "max",
        "",
        "max(iterable, *[, default=obj, key=func]) -> value\nmax(arg1, arg2, *args, *[, key=func]) -> value",
        V(iteration::max),
    ),
    row(
        "min",
        "",
        "min(iterable, *[, default=obj, key=func]) -> value\nmin(arg1, arg2, *args, *[, key=func]) -> value",
        V(iteration::min),
    ),
    row("next", "", "next(iterator[, default])", V(iteration::next)),
    row(
        "anext",
        "($module, aiterator, default=<unrepresentable>, /)",
        "Return the next item from the async iterator.",
        V(iteration::anext),
    ),
    row("oct", "($module, number, /)", "Return the octal representation of an integer.", F1(numbers::oct)),
    row("ord", "($module, character, /)", "Return the ordinal value of a character.", F1(numbers::ord)),
    row(
        "pow",
        "($module, /, base, exp, mod=None)",
        "Equivalent to base**exp with 2 arguments or base**exp % mod with 3 arguments.",
        N(numbers::pow),
    ),
    row(
        "print",
        "($module, /, *args, sep=' ', end='\\n', file=None, flush=False)",
        "Prints the values to a stream, or to sys.stdout by default.",
        V(console::print),
    ),
    row("repr", "($module, obj, /)", "Return the canonical string representation of the object.", F1(attributes::repr)),
    row(
        "round",
        "($module, /, number, ndigits=None)",
        "Round a number to a given precision in decimal digits.",
        N(numbers::round),
    ),
    row(
        "setattr",
        "($module, obj, name, value, /)",
        "Sets the named attribute on the given object to the specified value.",
        F3(attributes::setattr),
    ),
    row(
        "sorted",
        "($module, iterable, /, *, key=None, reverse=False)",
        "Return a new list containing all items from the iterable in ascending order.",
        V(iteration::sorted),
    ),
    row(
        "sum",
        "($module, iterable, /, start=0)",
        "Return the sum of a 'start' value (default: 0) plus an iterable of numbers",
        N(numbers::sum),
    ),
    row("vars", "", "vars([object]) -> dictionary", V(attributes::vars)),
];

/// Types by their names in the module, exceptions aside.
fn types() -> impl Iterator<Item = (&'static str, &'static TypeDef)> {
    use crate::types::*;
    let all: [(&str, &TypeDef); 26] = [
        ("bool", &bool::BOOL),
        ("memoryview", &memoryview::MEMORYVIEW),
        ("bytearray", &bytearray::BYTEARRAY),
        ("bytes", &bytes::BYTES),
        ("classmethod", &descr::classmethod::CLASSMETHOD),
        ("complex", &complex::COMPLEX),
        ("dict", &dict::DICT),
        ("enumerate", &enumerate::ENUMERATE),
        ("filter", &adapters::FILTER),
        ("float", &float::FLOAT),
        ("frozenset", &set::FROZENSET),
        ("property", &descr::property::PROPERTY),
        ("int", &int::INT),
        ("list", &list::LIST),
        ("map", &adapters::MAP),
        ("object", &object::OBJECT),
        ("range", &range::RANGE),
        ("reversed", &enumerate::REVERSED),
        ("set", &set::SET),
        ("slice", &slice::SLICE),
        ("staticmethod", &descr::classmethod::STATICMETHOD),
        ("str", &str::methods::STR),
        ("super", &descr::superobject::SUPER),
        ("tuple", &tuple::TUPLE),
        ("type", &typeobject::TYPE),
        ("zip", &adapters::ZIP),
    ];
    all.into_iter()
}

static OBJECT: Global = Global::new();
static DICT: Global = Global::new();

/// The module, made at first use and entered into `sys.modules`.
pub fn module(vm: &mut Vm) -> PyResult {
    single(vm, &OBJECT, &MODULE)
}

/// A module of which there is one for the whole process.
fn single(vm: &mut Vm, place: &Global, def: &'static ModuleDef) -> PyResult {
    if let Some(m) = place.get() {
        return Ok(m);
    }
    let m: Value = crate::import::make_native(vm, def)?.into();
    drop(place.set(Some(m.clone())));
    sys::modules(vm)?.store_text(def.name, m.clone());
    Ok(m)
}

/// Whether a function is the original `__import__`.
pub fn is_original_import(f: &Value) -> bool {
    f.downcast::<BuiltinFunction>().is_some_and(|f| f.def.name == "__import__" && is_own_row(f.def))
}

fn is_own_row(def: &MethodDef) -> bool {
    FUNCTIONS.iter().any(|row| std::ptr::eq(row, def))
}

/// A list that the `gc` module keeps (`callbacks`, `garbage`), if the program has imported that.
pub fn gc_list(vm: &mut Vm, name: &str) -> Option<Py<List>> {
    let gc = sys::modules(vm).ok()?.lookup_text("gc")?;
    gc.downcast::<Module>()?.dict.lookup_text(name)?.into_py::<List>().ok()
}

fn init(vm: &mut Vm, dict: &Py<Dict>) -> PyResult<()> {
    drop(DICT.set(Some(dict.clone().into())));
    dict.store_text("None", none());
    dict.store_text("Ellipsis", crate::types::singletons::ELLIPSIS.value());
    dict.store_text("NotImplemented", crate::object::not_implemented());
    dict.store_text("False", boolean(false));
    dict.store_text("True", boolean(true));
    for (name, def) in types() {
        dict.store_text(name, def.value());
    }
    dict.store_text("__debug__", boolean(sys::optimization_level(vm) == 0));
    for def in exceptions::ALL {
        dict.store_text(def.name, def.value());
    }
    dict.store_text("EnvironmentError", exceptions::OS_ERROR.value());
    dict.store_text("IOError", exceptions::OS_ERROR.value());
    Ok(())
}

/// The row of `len`.
pub fn len_def() -> &'static MethodDef {
    LEN
}

/// The row of `isinstance`.
pub fn isinstance_def() -> &'static MethodDef {
    ISINSTANCE
}

/// The module's dictionary; before the module exists, an empty one.
pub fn dict() -> Py<Dict> {
    match DICT.get().map(Value::into_py::<Dict>) {
        Some(Ok(d)) => d,
        _ => Dict::new_object(),
    }
}

/// A builtin by name; `None` (the object) when the program has deleted it.
pub fn get(_: &mut Vm, name: &str) -> Value {
    dict().lookup_text(name).unwrap_or_else(none)
}

/// An attribute of `sys`; `RuntimeError` when the program has deleted it.
pub fn sys_attr(vm: &mut Vm, name: &str) -> PyResult {
    match sys::get(vm, name) {
        Some(v) => Ok(v),
        None => Err(vm.runtime_error(format!("lost sys.{name}"))),
    }
}

/// The builtins that code with these globals sees: what `__builtins__` says, a module or a dictionary, else the usual.
pub fn of_globals(vm: &mut Vm, globals: &Py<Dict>) -> Py<Dict> {
    let _ = vm;
    match globals.lookup_str(name!("__builtins__")) {
        Some(v) => match v.downcast::<Module>() {
            Some(m) => m.dict.clone(),
            None => v.into_py::<Dict>().unwrap_or_else(|_| dict()),
        },
        None => dict(),
    }
}

impl Vm {
    /// The dictionary of the `builtins` module.
    pub fn builtins_dict(&mut self) -> Py<Dict> {
        match self.current_frame() {
            // SAFETY: the innermost frame is live.
            Some(f) => unsafe { crate::vm::frame::Frame::function(f).builtins.clone() },
            None => dict(),
        }
    }
}

/// `__import__(name, globals=None, locals=None, fromlist=(), level=0)`
fn import(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let [Some(name), globals, locals, fromlist, level] = a else {
        return Err(vm.system_error("__import__(): unbound argument"));
    };
    let level = match level {
        Some(l) => vm.to_i32(l)?,
        None => 0,
    };
    if name.downcast::<Str>().is_none() {
        return Err(vm.type_error("module name must be a string"));
    }
    let _ = locals;
    if level > 0 && globals.is_none() {
        let message = vm.new_str("'__name__' not in globals");
        return Err(vm.raise_with(&exceptions::KEY_ERROR, &[message]));
    }
    crate::import::import_level(vm, name, globals.as_ref(), fromlist.as_ref(), level)
}

/// A path argument (str, bytes or `os.PathLike`) as text.
pub fn fs_path_text(vm: &mut Vm, path: &Value) -> PyResult<String> {
    let path = match path.downcast::<Str>().is_some() || path.downcast::<crate::types::bytes::Bytes>().is_some() {
        true => path.clone(),
        false => match vm.lookup_special(path, "__fspath__")? {
            Some(f) => vm.call(&f, &[])?,
            None => {
                let name = path.class().payload.name();
                return Err(vm.type_error(format!("expected str, bytes or os.PathLike object, not {name}")));
            }
        },
    };
    if let Some(s) = path.downcast::<Str>() {
        return Ok(s.to_rust().into_owned());
    }
    if let Some(b) = code::bytes_of(&path) {
        return Ok(String::from_utf8_lossy(b).into_owned());
    }
    let name = path.class().payload.name();
    Err(vm.type_error(format!("expected __fspath__() to return str or bytes, not {name}")))
}
