//! Calling from native code: any callable, native functions by their form, Python functions in a frame of their own.

use super::args::{Args, FunctionName, Parameters};
use super::bind::bind;
use super::frame::{Frame, flags};
use super::handlers::call::{exit_unit, push_frame, too_deep};
use super::{Vm, Word, handlers};
use crate::object::typedef::NativeFn;
use crate::object::{MethodDef, Py, PyResult, Raised, Value};
use crate::types::function::Function;
use crate::types::str::Str;
use crate::types::typeobject;

impl Vm {
    /// `f(*args)`.
    pub fn call(&mut self, f: &Value, args: &[Value]) -> PyResult {
        self.call_args(f, &Args::positional(args))
    }
    /// `f()`.
    pub fn call0(&mut self, f: &Value) -> PyResult {
        self.call_args(f, &Args::positional(&[]))
    }
    /// `f(a)`.
    pub fn call1(&mut self, f: &Value, a: &Value) -> PyResult {
        self.call_args(f, &Args::positional(std::slice::from_ref(a)))
    }
    /// `f(*args, **keywords)`.
    pub fn call_kw(&mut self, f: &Value, args: &Args<'_>) -> PyResult {
        self.call_args(f, args)
    }
    /// Calls anything.
    pub fn call_args(&mut self, f: &Value, args: &Args<'_>) -> PyResult {
        match f.class().payload.slots().call {
            Some(c) => c(self, f, args),
            None => {
                let name = f.class().payload.name();
                Err(self.type_error(format!("'{name}' object is not callable")))
            }
        }
    }

    /// Calls a Python function: pushes its frame and runs the eval loop until it returns.
    pub fn call_function(&mut self, f: &Py<Function>, args: &Args<'_>) -> PyResult {
        self.check_recursion("")?;
        // SAFETY: the function and the arguments are alive through the call (the caller holds them), so the words pushed
        // here may be borrowed; the stack above `top` is free.
        unsafe {
            let base = self.top();
            let all = args.all();
            if base.add(all.len() + 2) > self.stack_limit {
                return Err(too_deep(self));
            }
            let saved_sp = self.sp;
            *base = f.as_value().word() | 2;
            let first = base.add(1);
            for (i, v) in all.iter().enumerate() {
                *first.add(i) = super::frame::borrowed(v.word());
            }
            let func: *const Function = &**f;
            let frame = bind(self, func, first, all.len(), args.names(), exit_unit(), base, 0);
            if frame.is_null() {
                self.sp = saved_sp;
                return Err(Raised(()));
            }
            let r = self.run(frame);
            self.sp = saved_sp;
            r
        }
    }

    /// Runs code in a namespace: modules, class bodies, `exec`. The frame's locals mapping is `namespace`, unless the code
    /// is that of a function, which keeps its locals to itself.
    pub fn run_code(&mut self, f: &Py<Function>, namespace: &Value) -> PyResult {
        self.check_recursion("")?;
        // SAFETY: as `call_function`.
        unsafe {
            let base = self.top();
            if base.add(1) > self.stack_limit {
                return Err(too_deep(self));
            }
            let saved_sp = self.sp;
            *base = f.as_value().word() | 2;
            let func: *const Function = &**f;
            let own = f.code.borrow().canonical.flags.contains(taipan_bytecode::CodeFlags::OPTIMIZED);
            let frame_flags = if own { 0 } else { flags::NAMESPACE };
            let frame = push_frame(self, func, base.add(1), 0, exit_unit(), base, frame_flags);
            if frame.is_null() {
                return Err(too_deep(self));
            }
            if !own {
                (*frame).namespace = namespace.clone().into_word();
            }
            let r = self.run(frame);
            self.sp = saved_sp;
            r
        }
    }

    /// Runs a frame that was pushed to return to the exit unit.
    ///
    /// # Safety
    /// `frame` is the innermost frame.
    pub unsafe fn run(&mut self, frame: *mut Frame) -> PyResult {
        // SAFETY: by the caller's promise.
        unsafe {
            let w = handlers::enter(self, (*frame).ip, Frame::stack(frame), (*frame).fp);
            if w == 0 { Err(Raised(())) } else { Ok(Value::from_word(w)) }
        }
    }

    /// The error of a call that nests too deeply.
    #[cold]
    pub fn recursion_limit_reached(&mut self) -> Raised {
        // Room for handling the error.
        let extra = 50;
        self.depth_left += extra;
        let r = self.recursion_error("maximum recursion depth exceeded");
        self.depth_left -= extra;
        r
    }
}

/// Parameters of the functions whose arguments are bound without a copy of their own.
const FEW: usize = 6;

/// Calls a native function of a table row.
#[inline]
pub fn invoke(vm: &mut Vm, def: &'static MethodDef, args: &Args<'_>) -> PyResult {
    if !args.has_keywords() {
        let a = args.pos();
        match (def.function, a.len()) {
            (NativeFn::F0(f), 0) => return f(vm),
            (NativeFn::F1(f), 1) => return f(vm, &a[0]),
            (NativeFn::F2(f), 2) => return f(vm, &a[0], &a[1]),
            (NativeFn::F3(f), 3) => return f(vm, &a[0], &a[1], &a[2]),
            (NativeFn::F4(f), 4) => return f(vm, &a[0], &a[1], &a[2], &a[3]),
            (NativeFn::V(f), _) => return f(vm, args),
            (NativeFn::N(f), n) if parameters(def).filled_by(n) && parameters(def).count() <= FEW => {
                let p = parameters(def);
                // SAFETY: an optional value is one word, 0 for none; the copies are not dropped.
                unsafe {
                    let mut words = [0; FEW];
                    std::ptr::copy_nonoverlapping(a.as_ptr().cast::<Word>(), words.as_mut_ptr(), n);
                    return f(vm, &(&*(&raw const words).cast::<[Option<Value>; FEW]>())[..p.count()]);
                }
            }
            _ => {}
        }
    }
    invoke_bound(vm, def, args)
}

#[inline(never)]
fn invoke_bound(vm: &mut Vm, def: &'static MethodDef, args: &Args<'_>) -> PyResult {
    if let NativeFn::V(f) = def.function {
        return f(vm, args);
    }
    let p = parameters(def);
    let b = p.bind_named(vm, &FunctionName { short: def.name, full: &|| qualified_name(def) }, args)?;
    let one = |i: usize| b[i].as_ref().expect("a required parameter is bound");
    match def.function {
        NativeFn::F0(f) => f(vm),
        NativeFn::F1(f) => f(vm, one(0)),
        NativeFn::F2(f) => f(vm, one(0), one(1)),
        NativeFn::F3(f) => f(vm, one(0), one(1), one(2)),
        NativeFn::F4(f) => f(vm, one(0), one(1), one(2), one(3)),
        NativeFn::N(f) => f(vm, &b),
        NativeFn::V(f) => f(vm, args),
    }
}

/// `"list.append"`, `"_operator.add"`, `"len"`: the name of a row with that of the type or module whose table it is in.
fn qualified_name(def: &'static MethodDef) -> String {
    name_of_row(def as *const MethodDef as usize).unwrap_or_else(|| def.name.to_owned())
}

/// The qualified name of the row at an address; `None` when no row lies there.
pub fn name_of_row(address: usize) -> Option<String> {
    let row = |rows: &'static [MethodDef]| {
        let start = rows.as_ptr() as usize;
        rows.get(address.wrapping_sub(start) / size_of::<MethodDef>())
            .filter(|r| address >= start && *r as *const MethodDef as usize == address)
    };
    let native = || crate::import::native_modules();
    let types = crate::types::table::TYPES.iter().chain(native().flat_map(|m| m.types));
    for t in types {
        if let Some(def) = row(t.methods) {
            return Some(format!("{}.{}", typeobject::short_name(t.object()), def.name));
        }
    }
    for m in native().chain([&crate::builtins::MODULE, &crate::builtins::sys::MODULE]) {
        if let Some(def) = row(m.functions) {
            let builtin = m.name == "builtins";
            return Some(if builtin { def.name.to_owned() } else { format!("{}.{}", m.name, def.name) });
        }
    }
    None
}

/// The parsed signature of a row.
#[inline]
fn parameters(def: &'static MethodDef) -> &'static Parameters {
    let p = parsed_lately(def).get();
    match p {
        Some((row, p)) if std::ptr::eq(row, def) => p,
        _ => parameters_slow(def),
    }
}

type Parsed = Option<(&'static MethodDef, &'static Parameters)>;

/// Where the signature of a row is kept when it was used lately.
#[inline]
fn parsed_lately(def: &'static MethodDef) -> &'static std::cell::Cell<Parsed> {
    const PLACES: usize = 512;
    struct Lately([std::cell::Cell<Parsed>; PLACES]);
    // SAFETY: guarded by the GIL (I1).
    unsafe impl Sync for Lately {}
    static LATELY: Lately = Lately([const { std::cell::Cell::new(None) }; PLACES]);
    &LATELY.0[def as *const MethodDef as usize / align_of::<MethodDef>() % PLACES]
}

#[cold]
fn parameters_slow(def: &'static MethodDef) -> &'static Parameters {
    use std::cell::RefCell;
    thread_local! {
        static PARSED: RefCell<rustc_hash::FxHashMap<usize, &'static Parameters>> = RefCell::default();
    }
    let parsed = PARSED.with(|p| {
        *p.borrow_mut().entry(def as *const MethodDef as usize).or_insert_with(|| {
            let mut p = Parameters::parse(def.signature);
            p.positional_only_for(&def.function);
            Box::leak(Box::new(p))
        })
    });
    parsed_lately(def).set(Some((def, parsed)));
    parsed
}

/// How a callable is named in messages about its arguments: `f()`, with its qualified name (`_PyObject_FunctionStr`).
pub fn describe(vm: &mut Vm, f: &Value) -> String {
    let text = vm.aside(|vm| {
        let r = (|| {
            let q = vm.get_attr_text(f, "__qualname__")?;
            let Some(q) = q.downcast::<Str>().map(|s| s.to_rust().into_owned()) else { return Ok(None) };
            let m = vm
                .get_attr_text(f, "__module__")
                .ok()
                .and_then(|m| m.downcast::<Str>().map(|s| s.to_rust().into_owned()));
            Ok::<_, Raised>(Some(match m {
                Some(m) if m != "builtins" => format!("{m}.{q}()"),
                _ => format!("{q}()"),
            }))
        })();
        vm.clear_error();
        r.ok().flatten()
    });
    text.unwrap_or_else(|| vm.str(f).map(|s| s.to_rust().into_owned()).unwrap_or_default())
}
