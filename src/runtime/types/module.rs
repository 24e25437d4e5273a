//! `module`: a namespace with a name (`Objects/moduleobject.c`).

use crate::name;
use crate::object::typedef::{Payload, Visit};
use crate::object::value::Frozen;
use crate::object::{GetSetDef, MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, none};
use crate::types::dict::Dict;
use crate::types::exceptions as exc;
use crate::types::str::Str;
use crate::vm::Vm;
use crate::vm::args::{Args, Signature};

/// Payload of `module`.
pub struct Module {
    /// `__dict__`
    pub dict: Py<Dict>,
}

// SAFETY: made by `TypeDef::new::<Module>`; the dict is visited.
unsafe impl Payload for Module {
    const DEF: &'static TypeDef = &MODULE;
    fn traverse(&self, visit: &mut Visit<'_>) {
        visit(self.dict.as_value());
    }
    fn clear(&mut self) {
        self.dict.clear_all();
    }
}
impl Frozen for Module {}

impl Module {
    /// A module with the attributes every module has.
    pub fn new_object(name: &Value, doc: Value) -> Py<Module> {
        let m = crate::object::instance::new(Module { dict: Dict::new_object() });
        fill(&m, name, doc);
        m
    }
}

fn fill(m: &Py<Module>, name: &Value, doc: Value) {
    m.dict.store_str(name!("__name__"), name.clone());
    m.dict.store_str(name!("__doc__"), doc);
    m.dict.store_str(name!("__package__"), none());
    m.dict.store_str(name!("__loader__"), none());
    m.dict.store_str(name!("__spec__"), none());
}

/// The type `module`.
pub static MODULE: TypeDef = TypeDef::new::<Module>("module")
    .doc("Create a module object.\n\nThe name must be a string; the optional docstring can have any type.")
    .signature("(name, doc=None)")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::WEAKREFABLE).union(TypeFlags::BASETYPE).union(TypeFlags::CUSTOM_GETATTR))
    .cpython_size(56, 0)
    .slots(Slots {
        repr: Some(repr),
        getattr: Some(getattr),
        setattr: Some(crate::types::object::generic_setattr),
        new: Some(new),
        init: Some(init),
        ..Slots::NONE
    })
    .methods(&[MethodDef::method("__dir__", "($self, /)", "The names of the module.", NativeFn::F1(dir))])
    .getset(&[
        GetSetDef::member("__dict__", "", |_, v| Ok(module(v).dict.clone().into())),
        GetSetDef::get_set("__annotations__", "", annotations, |vm, v, x| {
            let d = &module(v).dict;
            match x {
                Some(x) => {
                    d.store_str(name!("__annotations__"), x.clone());
                    d.remove_str(name!("__annotate__"));
                    Ok(())
                }
                None => match d.remove_str(name!("__annotations__")) {
                    Some(_) => {
                        d.remove_str(name!("__annotate__"));
                        Ok(())
                    }
                    None => Err(vm.attribute_error("__annotations__")),
                },
            }
        }),
        GetSetDef::get_set(
            "__annotate__",
            "",
            |_, v| {
                let d = &module(v).dict;
                Ok(d.lookup_str(name!("__annotate__")).unwrap_or_else(none))
            },
            |vm, v, x| match x {
                Some(x) if x.is_none() || vm.callable(x) => {
                    module(v).dict.store_str(name!("__annotate__"), x.clone());
                    if !x.is_none() {
                        module(v).dict.remove_str(name!("__annotations__"));
                    }
                    Ok(())
                }
                Some(_) => Err(vm.type_error("__annotate__ must be callable or None")),
                None => Err(vm.type_error("cannot delete __annotate__ attribute")),
            },
        ),
    ]);

fn module(v: &Value) -> &Py<Module> {
    v.downcast::<Module>().expect("method of module")
}

fn new(_: &mut Vm, class: &Py<Type>, _: &Args<'_>) -> PyResult {
    Ok(crate::object::instance::new_of(class, Module { dict: Dict::new_object() }).into())
}

fn init(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult<()> {
    static SIGNATURE: Signature = Signature::new("module", "(name, doc=None)");
    let b = args.bind(vm, &SIGNATURE)?;
    let name = b[0].clone().expect("required");
    if name.downcast::<Str>().is_none() {
        let t = name.class().payload.name();
        return Err(vm.type_error(format!("module() argument 'name' must be str, not {t}")));
    }
    fill(module(v), &name, b[1].clone().unwrap_or_else(none));
    Ok(())
}

fn repr(vm: &mut Vm, v: &Value) -> PyResult {
    let b = vm.import("importlib._bootstrap")?;
    vm.call_method(&b, "_module_repr", std::slice::from_ref(v))
}

fn getattr(vm: &mut Vm, v: &Value, name: &Py<Str>) -> PyResult {
    // A descriptor with a setter on the class, the module's own names, the rest of the class, as for any instance.
    let d = module(v).dict.clone();
    let data = vm.type_lookup(v.class(), name).is_some_and(|x| x.class().payload.slots().descr_set.is_some());
    if !data {
        if let Some(x) = d.lookup_str(name) {
            return Ok(x);
        }
    }
    if let Some(x) = crate::types::object::generic_getattr_opt(vm, v, name)? {
        return Ok(x);
    }
    if let Some(f) = d.lookup_str(name!("__getattr__")) {
        return vm.call1(&f, name.as_value());
    }
    missing(vm, v, &d, name)
}

/// The `AttributeError` for a module's missing attribute, with CPython's hints about half-made and shadowing modules.
fn missing(vm: &mut Vm, v: &Value, d: &Py<Dict>, name: &Py<Str>) -> PyResult {
    let n = name.to_rust().into_owned();
    let module_name =
        d.lookup_str(name!("__name__")).and_then(|m| m.downcast::<Str>().map(|s| s.to_rust().into_owned()));
    let text = match module_name {
        None => format!("module has no attribute '{n}'"),
        Some(m) => {
            let initializing = match d.lookup_str(name!("__spec__")) {
                Some(spec) if !spec.is_none() => match vm.get_attr_opt(&spec, name!("_initializing"))? {
                    Some(i) => vm.truth(&i)?,
                    None => false,
                },
                _ => false,
            };
            if initializing {
                let from = origin(vm, d)?.map_or(String::new(), |o| format!(" from '{o}'"));
                format!(
                    "partially initialized module '{m}'{from} has no attribute '{n}' (most likely due to a circular \
                     import)"
                )
            } else {
                format!("module '{m}' has no attribute '{n}'")
            }
        }
    };
    Err(exc::raise_attribute_error(vm, v, name, &text))
}

/// The file a module comes from, by its spec.
fn origin(vm: &mut Vm, d: &Py<Dict>) -> PyResult<Option<String>> {
    let Some(spec) = d.lookup_str(name!("__spec__")).filter(|s| !s.is_none()) else { return Ok(None) };
    match vm.get_attr_opt(&spec, name!("has_location"))? {
        Some(has) if vm.truth(&has)? => {}
        _ => return Ok(None),
    }
    let origin = vm.get_attr_opt(&spec, name!("origin"))?;
    Ok(origin.and_then(|o| o.downcast::<Str>().map(|s| s.to_rust().into_owned())))
}

fn dir(vm: &mut Vm, v: &Value) -> PyResult {
    let d = vm.get_attr(v, name!("__dict__"))?;
    let Some(d) = d.downcast::<Dict>().cloned() else {
        return Err(vm.type_error("<module>.__dict__ is not a dictionary"));
    };
    if let Some(f) = d.lookup_str(name!("__dir__")) {
        return vm.call0(&f);
    }
    Ok(crate::types::list::List::from_vec(d.pairs().into_iter().map(|(k, _)| k).collect()).into())
}

fn annotations(vm: &mut Vm, v: &Value) -> PyResult {
    let d = module(v).dict.clone();
    if let Some(a) = d.lookup_str(name!("__annotations__")) {
        return Ok(a);
    }
    let made = match d.lookup_str(name!("__annotate__")) {
        Some(f) if vm.callable(&f) => {
            let a = vm.call1(&f, &Value::small_unchecked(1))?;
            if a.downcast::<Dict>().is_none() {
                let t = a.class().payload.name();
                return Err(vm.type_error(format!("__annotate__() must return a dict, not {t}")));
            }
            a
        }
        _ => Dict::new_object().into(),
    };
    d.store_str(name!("__annotations__"), made.clone());
    Ok(made)
}
