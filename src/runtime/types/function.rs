//! `function`: what `def` and `lambda` make.
//!
//! `version` names the state that call caches depend on (code, defaults, keyword defaults): 0 means no name given, and
//! changing one of these resets it.

use crate::object::typedef::{Payload, Visit};
use crate::object::value::Frozen;
use crate::object::{GetSetDef, Py, PyResult, Slots, TypeDef, TypeFlags, Value, none};
use crate::types::cell::CellObject;
use crate::types::code::Code;
use crate::types::dict::Dict;
use crate::types::method::BoundMethod;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::Args;
use crate::vm::running::Running;
use std::cell::{Cell, RefCell};

/// Payload of `function`. Cells, since call caches read it through `&`.
pub struct Function {
    /// Running copy of the code; null until the first call.
    pub running: Cell<*const Running>,
    /// See the module's documentation.
    pub version: Cell<u32>,
    /// `__globals__`
    pub globals: Py<Dict>,
    /// `__builtins__`
    pub builtins: Py<Dict>,
    /// `__code__`
    pub code: RefCell<Py<Code>>,
    /// `__closure__`
    pub closure: Option<Py<Tuple>>,
    /// `__defaults__`
    pub defaults: RefCell<Option<Py<Tuple>>>,
    /// `__kwdefaults__`
    pub kwdefaults: RefCell<Option<Py<Dict>>>,
    /// The seldom used rest.
    pub rest: RefCell<FunctionRest>,
}

/// Attributes of a function that calls do not need.
pub struct FunctionRest {
    /// `__name__`
    pub name: Value,
    /// `__qualname__`
    pub qualname: Value,
    /// `__doc__`
    pub doc: Value,
    /// `__module__`
    pub module: Value,
    /// `__annotations__`, when made or set.
    pub annotations: Option<Value>,
    /// `__annotate__` (PEP 649).
    pub annotate: Option<Value>,
    /// `__type_params__`
    pub type_params: Option<Value>,
    /// `__dict__`, when made.
    pub dict: Option<Py<Dict>>,
}

static mut NEXT_VERSION: u32 = 1;

// SAFETY: made by `TypeDef::new::<Function>`; every owned value is visited once.
unsafe impl Payload for Function {
    const DEF: &'static TypeDef = &FUNCTION;
    fn traverse(&self, visit: &mut Visit<'_>) {
        let Function { running: _, version: _, globals, builtins, code, closure, defaults, kwdefaults, rest } = self;
        visit(globals.as_value());
        visit(builtins.as_value());
        visit(code.borrow().as_value());
        closure.iter().for_each(|v| visit(v.as_value()));
        defaults.borrow().iter().for_each(|v| visit(v.as_value()));
        kwdefaults.borrow().iter().for_each(|v| visit(v.as_value()));
        let FunctionRest { name, qualname, doc, module, annotations, annotate, type_params, dict } = &*rest.borrow();
        [name, qualname, doc, module].into_iter().for_each(&mut *visit);
        [annotations, annotate, type_params].into_iter().flatten().for_each(&mut *visit);
        dict.iter().for_each(|v| visit(v.as_value()));
    }
    fn clear(&mut self) {
        let dead = (
            self.closure.take(),
            self.defaults.get_mut().take(),
            self.kwdefaults.get_mut().take(),
            self.rest.get_mut().annotations.take(),
            self.rest.get_mut().annotate.take(),
            self.rest.get_mut().dict.take(),
        );
        drop(dead);
    }
}
impl Frozen for Function {}

impl Function {
    /// A function of `code` with these globals.
    #[allow(clippy::new_ret_no_self)]
    pub fn new(vm: &mut Vm, code: Py<Code>, globals: Py<Dict>, closure: Option<Py<Tuple>>) -> Py<Function> {
        let builtins = crate::builtins::of_globals(vm, &globals);
        Function::with_builtins(code, globals, builtins, closure)
    }

    /// As [`Function::new`] with the builtins known.
    pub fn with_builtins(
        code: Py<Code>,
        globals: Py<Dict>,
        builtins: Py<Dict>,
        closure: Option<Py<Tuple>>,
    ) -> Py<Function> {
        let doc = match code.canonical.docstring() {
            Some(_) => code.consts[0].clone(),
            None => none(),
        };
        let module = globals.lookup_str(crate::name!("__name__")).unwrap_or_else(none);
        let rest = FunctionRest {
            name: code.name.clone().into(),
            qualname: code.qualname.clone().into(),
            doc,
            module,
            annotations: None,
            annotate: None,
            type_params: None,
            dict: None,
        };
        crate::object::instance::new(Function {
            running: Cell::new(std::ptr::null()),
            version: Cell::new(0),
            globals,
            builtins,
            code: RefCell::new(code),
            closure,
            defaults: RefCell::new(None),
            kwdefaults: RefCell::new(None),
            rest: RefCell::new(rest),
        })
    }

    /// The running copy of the code.
    #[inline(always)]
    pub fn running(&self) -> *const Running {
        let r = self.running.get();
        if r.is_null() { self.first_running() } else { r }
    }

    #[cold]
    fn first_running(&self) -> *const Running {
        let code = self.code.borrow();
        let r: *const Running = code.running();
        self.running.set(r);
        r
    }

    /// The version for call caches, given now if there is none; 0 when the numbers are used up.
    pub fn version_for_cache(&self) -> u32 {
        if self.version.get() == 0 {
            // SAFETY: guarded by the GIL (I1).
            unsafe {
                if NEXT_VERSION != u32::MAX {
                    self.version.set(NEXT_VERSION);
                    NEXT_VERSION += 1;
                }
            }
        }
        self.version.get()
    }

    /// `__qualname__` as text, for messages.
    pub fn qualname(&self) -> String {
        let rest = self.rest.borrow();
        rest.qualname.downcast::<Str>().map_or_else(String::new, |s| s.to_rust().into_owned())
    }

    /// The cells of the closure.
    pub fn cells(&self) -> &[Value] {
        self.closure.as_ref().map_or(&[], |c| c.items())
    }
}

/// The type `function`.
pub static FUNCTION: TypeDef = TypeDef::new::<Function>("function")
    .doc("Create a function object.")
    .signature("(code, globals, name=None, argdefs=None, closure=None, kwdefaults=None)")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::WEAKREFABLE).union(TypeFlags::METHOD_DESCRIPTOR))
    .cpython_size(152, 0)
    .slots(Slots {
        repr: Some(repr),
        call: Some(call),
        descr_get: Some(descr_get),
        getattr: None,
        new: Some(new),
        ..Slots::NONE
    })
    .getset(&[
        GetSetDef::get_set("__code__", "", |_, v| Ok(f(v).code.borrow().clone().into()), set_code),
        GetSetDef::get_set(
            "__defaults__",
            "",
            |_, v| Ok(f(v).defaults.borrow().clone().map_or_else(none, Into::into)),
            set_defaults,
        ),
        GetSetDef::get_set(
            "__kwdefaults__",
            "",
            |_, v| Ok(f(v).kwdefaults.borrow().clone().map_or_else(none, Into::into)),
            set_kwdefaults,
        ),
        GetSetDef::get_set(
            "__name__",
            "",
            |_, v| Ok(f(v).rest.borrow().name.clone()),
            |vm, v, x| {
                let x = string_only(vm, x, "__name__")?;
                let old = std::mem::replace(&mut f(v).rest.borrow_mut().name, x);
                drop(old);
                Ok(())
            },
        ),
        GetSetDef::get_set(
            "__qualname__",
            "",
            |_, v| Ok(f(v).rest.borrow().qualname.clone()),
            |vm, v, x| {
                let x = string_only(vm, x, "__qualname__")?;
                let old = std::mem::replace(&mut f(v).rest.borrow_mut().qualname, x);
                drop(old);
                Ok(())
            },
        ),
        GetSetDef::get_set(
            "__doc__",
            "",
            |_, v| Ok(f(v).rest.borrow().doc.clone()),
            |_, v, x| {
                let old = std::mem::replace(&mut f(v).rest.borrow_mut().doc, x.cloned().unwrap_or_else(none));
                drop(old);
                Ok(())
            },
        ),
        GetSetDef::get_set(
            "__module__",
            "",
            |_, v| Ok(f(v).rest.borrow().module.clone()),
            |_, v, x| {
                let old = std::mem::replace(&mut f(v).rest.borrow_mut().module, x.cloned().unwrap_or_else(none));
                drop(old);
                Ok(())
            },
        ),
        GetSetDef::get_set("__dict__", "", |_, v| Ok(dict_of(v).into()), set_dict),
        GetSetDef::member("__globals__", "", |_, v| Ok(f(v).globals.clone().into())),
        GetSetDef::member("__builtins__", "", |_, v| Ok(f(v).builtins.clone().into())),
        GetSetDef::member("__closure__", "", |_, v| Ok(f(v).closure.clone().map_or_else(none, Into::into))),
        GetSetDef::get_set("__annotations__", "", annotations, set_annotations),
        GetSetDef::get_set(
            "__annotate__",
            "",
            |_, v| Ok(f(v).rest.borrow().annotate.clone().unwrap_or_else(none)),
            set_annotate,
        ),
        GetSetDef::get_set(
            "__type_params__",
            "",
            |_, v| Ok(f(v).rest.borrow().type_params.clone().unwrap_or_else(|| Tuple::empty().into())),
            |vm, v, x| match x {
                Some(x) if x.downcast::<Tuple>().is_some() => {
                    let old = f(v).rest.borrow_mut().type_params.replace(x.clone());
                    drop(old);
                    Ok(())
                }
                _ => Err(vm.type_error("__type_params__ must be set to a tuple")),
            },
        ),
    ]);

fn f(v: &Value) -> &Function {
    v.downcast::<Function>().expect("method of function")
}

/// The function's `__dict__`, made on demand.
pub fn dict_of(v: &Value) -> Py<Dict> {
    f(v).rest.borrow_mut().dict.get_or_insert_with(Dict::new_object).clone()
}

/// The function's `__dict__` if it was made.
pub fn dict_if_made(v: &Value) -> Option<Py<Dict>> {
    f(v).rest.borrow().dict.clone()
}

fn set_dict(vm: &mut Vm, v: &Value, x: Option<&Value>) -> PyResult<()> {
    let Some(x) = x else { return Err(vm.type_error("cannot delete __dict__")) };
    let Some(d) = x.downcast::<Dict>() else {
        let name = x.class().payload.name();
        return Err(vm.type_error(format!("__dict__ must be set to a dictionary, not a '{name}'")));
    };
    let old = f(v).rest.borrow_mut().dict.replace(d.clone());
    drop(old);
    Ok(())
}

fn string_only(vm: &mut Vm, x: Option<&Value>, what: &str) -> PyResult {
    match x {
        Some(x) if x.downcast::<Str>().is_some() => Ok(x.clone()),
        _ => Err(vm.type_error(format!("{what} must be set to a string object"))),
    }
}

fn repr(vm: &mut Vm, v: &Value) -> PyResult {
    Ok(vm.new_str(&format!("<function {} at {:#x}>", f(v).qualname(), v.id())))
}

fn call(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult {
    vm.call_function(v.downcast::<Function>().expect("call of function"), args)
}

fn descr_get(_: &mut Vm, v: &Value, obj: Option<&Value>, _: Option<&Value>) -> PyResult {
    Ok(match obj {
        Some(o) if !o.is_none() => BoundMethod::new_object(v.clone(), o.clone()),
        _ => v.clone(),
    })
}

fn set_code(vm: &mut Vm, v: &Value, x: Option<&Value>) -> PyResult<()> {
    let Some(c) = x.and_then(|x| x.downcast::<Code>()) else {
        return Err(vm.type_error("__code__ must be set to a code object"));
    };
    let (have, need) = (f(v).cells().len(), c.canonical.nfreevars());
    if have != need {
        let name = f(v).qualname();
        return Err(vm.value_error(format!("{name}() requires a code object with {have} free vars, not {need}")));
    }
    f(v).version.set(0);
    f(v).running.set(std::ptr::null());
    let old = f(v).code.replace(c.clone());
    // Frames may still run the old code through a borrowed function: code objects of functions stay alive.
    std::mem::forget(old);
    Ok(())
}

fn set_defaults(vm: &mut Vm, v: &Value, x: Option<&Value>) -> PyResult<()> {
    let new = match x {
        Some(x) if !x.is_none() => match x.downcast::<Tuple>() {
            Some(t) => Some(t.clone()),
            None => return Err(vm.type_error("__defaults__ must be set to a tuple object")),
        },
        _ => None,
    };
    f(v).version.set(0);
    let old = f(v).defaults.replace(new);
    drop(old);
    Ok(())
}

fn set_kwdefaults(vm: &mut Vm, v: &Value, x: Option<&Value>) -> PyResult<()> {
    let new = match x {
        Some(x) if !x.is_none() => match x.downcast::<Dict>() {
            Some(t) => Some(t.clone()),
            None => return Err(vm.type_error("__kwdefaults__ must be set to a dict object")),
        },
        _ => None,
    };
    f(v).version.set(0);
    let old = f(v).kwdefaults.replace(new);
    drop(old);
    Ok(())
}

fn annotations(vm: &mut Vm, v: &Value) -> PyResult {
    if let Some(a) = &f(v).rest.borrow().annotations {
        return Ok(a.clone());
    }
    let annotate = f(v).rest.borrow().annotate.clone();
    let made = match annotate {
        Some(a) if !a.is_none() => {
            let d = vm.call(&a, &[Value::small_unchecked(1)])?;
            if d.downcast::<Dict>().is_none() {
                let name = d.class().payload.name();
                return Err(vm.type_error(format!("__annotate__() must return a dict, not {name}")));
            }
            d
        }
        _ => Dict::new_object().into(),
    };
    Ok(f(v).rest.borrow_mut().annotations.get_or_insert(made).clone())
}

fn set_annotations(vm: &mut Vm, v: &Value, x: Option<&Value>) -> PyResult<()> {
    let new = match x {
        Some(x) if x.is_none() => None,
        None => None,
        Some(x) if x.downcast::<Dict>().is_some() => Some(x.clone()),
        Some(_) => return Err(vm.type_error("__annotations__ must be set to a dict object")),
    };
    let mut rest = f(v).rest.borrow_mut();
    let old = (std::mem::replace(&mut rest.annotations, new), rest.annotate.take());
    drop(rest);
    drop(old);
    Ok(())
}

fn set_annotate(vm: &mut Vm, v: &Value, x: Option<&Value>) -> PyResult<()> {
    let Some(x) = x else { return Err(vm.type_error("__annotate__ cannot be deleted")) };
    if !x.is_none() && !vm.callable(x) {
        return Err(vm.type_error("__annotate__ must be callable or None"));
    }
    let mut rest = f(v).rest.borrow_mut();
    let forget = if x.is_none() { None } else { rest.annotations.take() };
    let old = rest.annotate.replace(x.clone());
    drop(rest);
    drop((old, forget));
    Ok(())
}

fn new(vm: &mut Vm, class: &Py<crate::object::Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: crate::vm::args::Signature = crate::vm::args::Signature::new(
        "function",
        "(code, globals, name=None, argdefs=None, closure=None, kwdefaults=None)",
    );
    let _ = class;
    let b = args.bind(vm, &SIGNATURE)?;
    let given = |i: usize| b[i].as_ref().filter(|v| !v.is_none());
    let Some(code) = b[0].as_ref().and_then(|c| c.downcast::<Code>()) else {
        let name = b[0].as_ref().map_or_else(String::new, |v| v.class().payload.name());
        return Err(vm.type_error(format!("function() argument 'code' must be code, not {name}")));
    };
    let Some(globals) = b[1].as_ref().and_then(|c| c.downcast::<Dict>()) else {
        let name = b[1].as_ref().map_or_else(String::new, |v| v.class().payload.name());
        return Err(vm.type_error(format!("function() argument 'globals' must be dict, not {name}")));
    };
    if let Some(n) = given(2) {
        if n.downcast::<Str>().is_none() {
            return Err(vm.type_error("arg 3 (name) must be None or string"));
        }
    }
    let defaults = match given(3) {
        Some(d) => match d.downcast::<Tuple>() {
            Some(t) => Some(t.clone()),
            None => return Err(vm.type_error("arg 4 (defaults) must be None or tuple")),
        },
        None => None,
    };
    let need = code.canonical.nfreevars();
    let closure = match given(4) {
        Some(c) => match c.downcast::<Tuple>() {
            Some(t) => Some(t.clone()),
            None if need > 0 => return Err(vm.type_error("arg 5 (closure) must be tuple")),
            None => return Err(vm.type_error("arg 5 (closure) must be None or tuple")),
        },
        None if need > 0 => return Err(vm.type_error("arg 5 (closure) must be tuple")),
        None => None,
    };
    let have = closure.as_ref().map_or(0, |c| c.len());
    if have != need {
        let name = code.name.to_rust().into_owned();
        return Err(vm.value_error(format!("{name} requires closure of length {need}, not {have}")));
    }
    if let Some(bad) = closure.iter().flat_map(|c| c.items()).find(|c| c.downcast::<CellObject>().is_none()) {
        let name = bad.class().payload.name();
        return Err(vm.type_error(format!("arg 5 (closure) expected cell, found {name}")));
    }
    let kwdefaults = match given(5) {
        Some(d) => match d.downcast::<Dict>() {
            Some(t) => Some(t.clone()),
            None => return Err(vm.type_error("arg 6 (kwdefaults) must be None or dict")),
        },
        None => None,
    };
    let name = given(2).cloned();
    let func = Function::new(vm, code.clone(), globals.clone(), closure);
    func.defaults.replace(defaults);
    func.kwdefaults.replace(kwdefaults);
    if let Some(n) = name {
        func.rest.borrow_mut().name = n;
    }
    Ok(func.into())
}
