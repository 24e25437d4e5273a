//! Calling from native code: any callable, native functions by their form, Python functions by binding their parameters.

use super::args::{Args, FunctionName, Parameters};
use super::frame::{Frame, flags, release};
use super::handlers::call::{exit_unit, push_frame, too_deep};
use super::running::Unit;
use super::{Vm, Word, handlers};
use crate::object::typedef::NativeFn;
use crate::object::{MethodDef, Py, PyResult, Raised, Value};
use crate::types::dict::Dict;
use crate::types::function::Function;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::typeobject;
use smallvec::SmallVec;
use taipan_bytecode::CodeFlags;

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
            let frame = bind(self, func, first, all.len(), args.kwnames(), exit_unit(), base, 0);
            if frame.is_null() {
                self.sp = saved_sp;
                return Err(Raised(()));
            }
            let r = self.run(frame);
            self.sp = saved_sp;
            r
        }
    }

    /// Runs code in a namespace: modules, class bodies, `exec`. The frame's locals mapping is `namespace`.
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
            let frame = push_frame(self, func, base.add(1), 0, exit_unit(), base, flags::NAMESPACE);
            if frame.is_null() {
                return Err(too_deep(self));
            }
            (*frame).namespace = namespace.clone().into_word();
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

/// The parsed signature of a row, kept by the row's address.
fn parameters(def: &'static MethodDef) -> &'static Parameters {
    use std::cell::RefCell;
    thread_local! {
        static PARSED: RefCell<rustc_hash::FxHashMap<usize, &'static Parameters>> = RefCell::default();
    }
    PARSED.with(|p| {
        *p.borrow_mut().entry(def as *const MethodDef as usize).or_insert_with(|| {
            let mut p = Parameters::parse(def.signature);
            p.positional_only_for(&def.function);
            Box::leak(Box::new(p))
        })
    })
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

/// Binds the arguments at `args` (`n` words, the last ones being values of `kwnames`) to the parameters of `func` and
/// pushes its frame. The words move into the frame; on failure (null) they stay with the caller.
///
/// # Safety
/// The words are live and lie on this thread's stack or a generator's; the caller's `ip` is saved.
pub unsafe fn bind(
    vm: &mut Vm,
    func: *const Function,
    args: *mut Word,
    n: usize,
    kwnames: Option<&Py<Tuple>>,
    ret_ip: *const Unit,
    ret_sp: *mut Word,
    frame_flags: u32,
) -> *mut Frame {
    // SAFETY: by the caller's promise; argument words are only copied until binding succeeds.
    unsafe {
        let running = &*(*func).running();
        let in_generator = (*vm.frame).flags & flags::GENERATOR != 0;
        let locals = if in_generator { vm.top().max((*vm.frame).top) } else { args };
        let locals = if in_generator && args >= (*vm.frame).top && args < vm.stack_limit { args } else { locals };
        if locals.add(running.frame_words() + running.total_args) > vm.stack_limit || vm.depth_left <= 0 {
            let _ = too_deep(vm);
            return std::ptr::null_mut();
        }
        if kwnames.is_none() && running.simple && n == running.argcount {
            if !std::ptr::eq(locals, args) {
                std::ptr::copy_nonoverlapping(args, locals, n);
            }
            return push_frame(vm, func, locals, n, ret_ip, ret_sp, frame_flags);
        }
        let mut b = Binder { bound: smallvec::smallvec![0; running.total_args], made: SmallVec::new() };
        if b.fill(vm, &*func, args, n, kwnames).is_err() {
            for w in b.made {
                release(w);
            }
            return std::ptr::null_mut();
        }
        std::ptr::copy_nonoverlapping(b.bound.as_ptr(), locals, b.bound.len());
        push_frame(vm, func, locals, b.bound.len(), ret_ip, ret_sp, frame_flags)
    }
}

/// Parameters being bound: argument words are copies until binding succeeds, `made` are words made here.
struct Binder {
    bound: SmallVec<[Word; 16]>,
    made: SmallVec<[Word; 8]>,
}

impl Binder {
    fn set_made(&mut self, i: usize, v: Value) {
        let w = v.into_word();
        self.made.push(w);
        self.bound[i] = w;
    }

    unsafe fn fill(
        &mut self,
        vm: &mut Vm,
        func: &Function,
        args: *mut Word,
        n: usize,
        kwnames: Option<&Py<Tuple>>,
    ) -> PyResult<()> {
        // SAFETY: as `bind`.
        unsafe {
            let code = func.code.borrow().clone();
            let c = &code.canonical;
            let (argc, kwonly, posonly) = (c.argcount as usize, c.kwonlyargcount as usize, c.posonlyargcount as usize);
            let nkw = kwnames.map_or(0, |k| k.len());
            let npos = n - nkw;
            for i in 0..npos.min(argc) {
                self.bound[i] = *args.add(i);
            }
            let mut next = argc + kwonly;
            let mut consumed_extra = Vec::new();
            if c.flags.contains(CodeFlags::VARARGS) {
                let rest: Vec<Value> =
                    (argc..npos.max(argc)).map(|i| Value::from_word(super::frame::owned(*args.add(i)))).collect();
                consumed_extra.extend(argc..npos.max(argc));
                self.set_made(next, Tuple::from_vec(rest).into());
                next += 1;
            }
            let kwdict = if c.flags.contains(CodeFlags::VARKEYWORDS) {
                let d = Dict::new_object();
                self.set_made(next, d.clone().into());
                Some(d)
            } else {
                None
            };
            if let Some(names) = kwnames {
                for (k, name) in names.items().iter().enumerate() {
                    let word = *args.add(npos + k);
                    if self.keyword(vm, func, &code, name, word, posonly, argc + kwonly, kwdict.as_ref(), names)? {
                        consumed_extra.push(npos + k);
                    }
                }
            }
            if npos > argc && !c.flags.contains(CodeFlags::VARARGS) {
                return Err(too_many(vm, func, npos, &self.bound));
            }
            self.defaults(vm, func, npos, argc, kwonly)?;
            // Words that went into `*args` or `**kwargs` were copied with a reference of their own: give up the stack's.
            for i in consumed_extra {
                release(*args.add(i));
            }
            Ok(())
        }
    }

    /// Binds one keyword; true when it went into `**kwargs`.
    unsafe fn keyword(
        &mut self,
        vm: &mut Vm,
        func: &Function,
        code: &Py<crate::types::code::Code>,
        name: &Value,
        word: Word,
        posonly: usize,
        total: usize,
        kwdict: Option<&Py<Dict>>,
        all: &Py<Tuple>,
    ) -> PyResult<bool> {
        // SAFETY: as `bind`.
        unsafe {
            let Some(text) = name.downcast::<Str>() else {
                return Err(vm.type_error(format!("{}() keywords must be strings", func.qualname())));
            };
            let names = &code.local_names[..total];
            let found = names
                .iter()
                .position(|p| p.as_value().is(name))
                .or_else(|| names.iter().position(|p| p.same(text)))
                .filter(|&i| i >= posonly);
            match found {
                Some(i) => {
                    if self.bound[i] != 0 {
                        return Err(vm.type_error(format!(
                            "{}() got multiple values for argument '{}'",
                            func.qualname(),
                            text.to_rust()
                        )));
                    }
                    self.bound[i] = word;
                    Ok(false)
                }
                None => match kwdict {
                    Some(d) => {
                        d.store_str(text, Value::from_word(super::frame::owned(word)));
                        Ok(true)
                    }
                    None => Err(unexpected_keyword(vm, func, code, text, posonly, total, all)),
                },
            }
        }
    }

    fn defaults(&mut self, vm: &mut Vm, func: &Function, npos: usize, argc: usize, kwonly: usize) -> PyResult<()> {
        let defaults = func.defaults.borrow().clone();
        let ndef = defaults.as_ref().map_or(0, |d| d.len());
        let required = argc - ndef.min(argc);
        if (npos.min(required)..required).any(|i| self.bound[i] == 0) {
            return Err(missing(vm, func, &self.bound, 0..required, "positional"));
        }
        if let Some(d) = &defaults {
            for i in required..argc {
                if self.bound[i] == 0 {
                    self.set_made(i, d.items()[i - required + (ndef - (argc - required))].clone());
                }
            }
        }
        let kwdefaults = func.kwdefaults.borrow().clone();
        let mut absent = false;
        for i in argc..argc + kwonly {
            if self.bound[i] == 0 {
                let name = func.code.borrow().local_names[i].clone();
                let v = match &kwdefaults {
                    Some(d) => d.get_item(vm, name.as_value())?,
                    None => None,
                };
                match v {
                    Some(v) => self.set_made(i, v),
                    None => absent = true,
                }
            }
        }
        if absent {
            return Err(missing(vm, func, &self.bound, argc..argc + kwonly, "keyword-only"));
        }
        Ok(())
    }
}

#[cold]
fn missing(vm: &mut Vm, func: &Function, bound: &[Word], range: std::ops::Range<usize>, kind: &str) -> Raised {
    let code = func.code.borrow().clone();
    let names: Vec<String> =
        range.filter(|&i| bound[i] == 0).map(|i| format!("'{}'", code.local_names[i].to_rust())).collect();
    let list = match names.len() {
        1 => names[0].clone(),
        2 => format!("{} and {}", names[0], names[1]),
        n => format!("{}, and {}", names[..n - 1].join(", "), names[n - 1]),
    };
    let s = if names.len() == 1 { "" } else { "s" };
    vm.type_error(format!("{}() missing {} required {kind} argument{s}: {list}", func.qualname(), names.len()))
}

#[cold]
fn too_many(vm: &mut Vm, func: &Function, given: usize, bound: &[Word]) -> Raised {
    let code = func.code.borrow().clone();
    let c = &code.canonical;
    let (argc, kwonly) = (c.argcount as usize, c.kwonlyargcount as usize);
    let ndef = func.defaults.borrow().as_ref().map_or(0, |d| d.len());
    let kw_given = (argc..argc + kwonly).filter(|&i| bound[i] != 0).count();
    let (takes, plural) =
        if ndef > 0 { (format!("from {} to {argc}", argc - ndef), true) } else { (argc.to_string(), argc != 1) };
    let keyword_note = if kw_given > 0 {
        format!(
            " positional argument{} (and {kw_given} keyword-only argument{})",
            if given == 1 { "" } else { "s" },
            if kw_given == 1 { "" } else { "s" }
        )
    } else {
        String::new()
    };
    let was = if given == 1 && kw_given == 0 { "was" } else { "were" };
    vm.type_error(format!(
        "{}() takes {takes} positional argument{} but {given}{keyword_note} {was} given",
        func.qualname(),
        if plural { "s" } else { "" }
    ))
}

#[cold]
fn unexpected_keyword(
    vm: &mut Vm,
    func: &Function,
    code: &Py<crate::types::code::Code>,
    name: &Py<Str>,
    posonly: usize,
    total: usize,
    all: &Py<Tuple>,
) -> Raised {
    let by_name: Vec<String> = code.local_names[..posonly]
        .iter()
        .filter(|p| all.items().iter().any(|k| k.downcast::<Str>().is_some_and(|k| k.same(p))))
        .map(|p| p.to_rust().into_owned())
        .collect();
    if !by_name.is_empty() {
        return vm.type_error(format!(
            "{}() got some positional-only arguments passed as keyword arguments: '{}'",
            func.qualname(),
            by_name.join(", ")
        ));
    }
    let text = name.to_rust().into_owned();
    let candidates: Vec<String> = code.local_names[posonly..total].iter().map(|n| n.to_rust().into_owned()).collect();
    let hint = crate::types::exceptions::print::suggest::closest(&text, candidates.iter().map(String::as_str))
        .map_or(String::new(), |c| format!(". Did you mean '{c}'?"));
    vm.type_error(format!("{}() got an unexpected keyword argument '{text}'{hint}", func.qualname()))
}
