//! `OSError` (PEP 3151): the error number picks the subclass; file names stand beside it.

use super::table::Family;
use super::*;
use crate::object::Slots;
use crate::object::none;
use crate::object::typedef::{GetSetDef, InitFn, MethodDef, NativeFn, NewFn};
use crate::types::float::Float;
use crate::types::int::Int;

/// `errno`
pub const ERRNO: usize = 0;
/// `strerror`
pub const STRERROR: usize = 1;
/// `filename`
pub const FILENAME: usize = 2;
/// `filename2`
pub const FILENAME2: usize = 3;
/// `characters_written`; absent until set.
pub const WRITTEN: usize = 4;
/// CPython's size of `OSError`.
pub const SIZE: usize = 112;

/// `OSError`
pub const FAMILY: Family = Family {
    slots: Slots { new: Some(new), init: Some(init), str: Some(str), ..Slots::NONE },
    methods: &[MethodDef::method(
        "__reduce__",
        "($self, /)",
        "Return what pickle needs to make the exception again.",
        NativeFn::F1(reduce),
    )],
    getset: &[
        base::member::<ERRNO>("errno", "POSIX exception code"),
        base::member::<STRERROR>("strerror", "exception strerror"),
        base::member::<FILENAME>("filename", "exception filename"),
        base::member::<FILENAME2>("filename2", "second exception filename"),
        GetSetDef::get_set("characters_written", "", get_written, set_written),
    ],
    size: SIZE,
};

/// Which subclass an error number means.
static SUBCLASSES: &[(i32, &TypeDef)] = &[
    (libc::EAGAIN, &BLOCKING_IO_ERROR),
    (libc::EALREADY, &BLOCKING_IO_ERROR),
    (libc::EINPROGRESS, &BLOCKING_IO_ERROR),
    (libc::EWOULDBLOCK, &BLOCKING_IO_ERROR),
    (libc::EPIPE, &BROKEN_PIPE_ERROR),
    (libc::ESHUTDOWN, &BROKEN_PIPE_ERROR),
    (libc::ECHILD, &CHILD_PROCESS_ERROR),
    (libc::ECONNABORTED, &CONNECTION_ABORTED_ERROR),
    (libc::ECONNREFUSED, &CONNECTION_REFUSED_ERROR),
    (libc::ECONNRESET, &CONNECTION_RESET_ERROR),
    (libc::EEXIST, &FILE_EXISTS_ERROR),
    (libc::ENOENT, &FILE_NOT_FOUND_ERROR),
    (libc::EINTR, &INTERRUPTED_ERROR),
    (libc::EISDIR, &IS_A_DIRECTORY_ERROR),
    (libc::ENOTDIR, &NOT_A_DIRECTORY_ERROR),
    (libc::EACCES, &PERMISSION_ERROR),
    (libc::EPERM, &PERMISSION_ERROR),
    (libc::ESRCH, &PROCESS_LOOKUP_ERROR),
    (libc::ETIMEDOUT, &TIMEOUT_ERROR),
];

/// The subclass of `OSError` that an error number means, if any.
pub fn subclass_of(errno: &Value) -> Option<&'static TypeDef> {
    let number = match Int::read(errno) {
        Some(i) => i.to_i64()?,
        None => Float::read(errno).filter(|f| f.fract() == 0.0)? as i64,
    };
    SUBCLASSES.iter().find(|(n, _)| *n as i64 == number).map(|(_, class)| *class)
}

/// A Python subclass that overrides `__init__` but not `__new__` gets its attributes from the former; all others from
/// the latter, so that the subclass can be chosen.
fn init_decides(class: &Py<Type>) -> bool {
    let slots = class.get_type().payload.slots();
    let own_init = !slots.init.is_some_and(|f| std::ptr::fn_addr_eq(f, init as InitFn));
    let own_new = !slots.new.is_some_and(|f| std::ptr::fn_addr_eq(f, new as NewFn));
    own_init && !own_new
}

fn new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    if init_decides(class) {
        return Ok(BaseException::blank(class, Tuple::empty()).into());
    }
    if args.has_keywords() {
        let name = class.get_type().payload.name();
        return Err(vm.type_error(format!("{name}() takes no keyword arguments")));
    }
    let mut class = class.clone();
    if std::ptr::eq(class.get_type(), OS_ERROR.object()) && (2..=5).contains(&args.len()) {
        if let Some(sub) = args.get(0).and_then(subclass_of) {
            class = sub.class();
        }
    }
    let e: Value = BaseException::blank(&class, Tuple::from_slice(args.pos())).into();
    fill(vm, &e, args.pos())?;
    Ok(e)
}

fn init(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult<()> {
    if !init_decides(&Py::of(v.class())) {
        return Ok(());
    }
    base::init(vm, v, args)?;
    fill(vm, v, args.pos())
}

/// Sets the attributes from `(errno, strerror[, filename[, winerror[, filename2]]])`; other numbers of arguments mean
/// nothing. File names are no part of `args`.
fn fill(vm: &mut Vm, v: &Value, args: &[Value]) -> PyResult<()> {
    if !(2..=5).contains(&args.len()) {
        return Ok(());
    }
    let e = exception(v);
    e.set_field(vm, ERRNO, Some(args[0].clone()));
    e.set_field(vm, STRERROR, Some(args[1].clone()));
    let Some(filename) = args.get(2).filter(|f| !f.is_none()) else { return Ok(()) };
    let blocking = std::ptr::eq(v.class(), BLOCKING_IO_ERROR.object());
    if blocking && (filename.is_small() || filename.class().payload.slots().index.is_some()) {
        let written = vm.to_isize(filename)?;
        e.set_field(vm, WRITTEN, Some(Int::from_i64(written as i64)));
        return Ok(());
    }
    e.set_field(vm, FILENAME, Some(filename.clone()));
    if let Some(second) = args.get(4).filter(|f| !f.is_none()) {
        e.set_field(vm, FILENAME2, Some(second.clone()));
    }
    let old = std::mem::replace(&mut e.get_mut(vm).args, Tuple::from_slice(&args[..2]));
    drop(old);
    Ok(())
}

fn str(vm: &mut Vm, v: &Value) -> PyResult {
    let e = exception(v);
    let [errno, strerror, filename, filename2] = [ERRNO, STRERROR, FILENAME, FILENAME2].map(|i| e.field(vm, i));
    if filename.is_none() && (errno.is_none() || strerror.is_none()) {
        return base::str(vm, v);
    }
    let mut text = Str::from_rust("[Errno ");
    let mut add = |s: &Py<Str>| text = Str::concat(&text, s);
    add(&vm.str(&errno.unwrap_or_else(none))?);
    add(&Str::from_rust("] "));
    add(&vm.str(&strerror.unwrap_or_else(none))?);
    if let Some(f) = filename {
        add(&Str::from_rust(": "));
        add(&vm.repr(&f)?);
        if let Some(f) = filename2 {
            add(&Str::from_rust(" -> "));
            add(&vm.repr(&f)?);
        }
    }
    Ok(text.into())
}

fn reduce(vm: &mut Vm, v: &Value) -> PyResult {
    let e = exception(v);
    let mut args = e.args(vm);
    if let (2, Some(filename)) = (args.len(), e.field(vm, FILENAME)) {
        let mut all = args.items().to_vec();
        all.push(filename);
        if let Some(second) = e.field(vm, FILENAME2) {
            all.extend([none(), second]);
        }
        args = Tuple::from_vec(all);
    }
    Ok(base::reduced(v, args, base::own_dict(v)))
}

fn get_written(vm: &mut Vm, v: &Value) -> PyResult {
    match exception(v).field(vm, WRITTEN) {
        Some(n) => Ok(n),
        None => Err(vm.attribute_error("characters_written")),
    }
}

fn set_written(vm: &mut Vm, v: &Value, value: Option<&Value>) -> PyResult<()> {
    let e = exception(v);
    match value {
        None if e.field(vm, WRITTEN).is_none() => Err(vm.attribute_error("characters_written")),
        None => {
            e.set_field(vm, WRITTEN, None);
            Ok(())
        }
        Some(value) => {
            let n = vm.index(value)?;
            match Int::read(&n).and_then(|i| i.to_i64()) {
                Some(_) => e.set_field(vm, WRITTEN, Some(n)),
                None => {
                    let name = value.class().payload.name();
                    return Err(vm.value_error(format!("cannot fit '{name}' into an index-sized integer")));
                }
            }
            Ok(())
        }
    }
}
