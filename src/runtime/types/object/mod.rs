//! `object`: what every class inherits.
//!
//! `attr` has the ordinary attribute access, `class` the assignment of `__class__`, `reduce` what pickle and copy ask.

pub mod attr;
pub mod class;
pub mod reduce;

use crate::name;
use crate::object::typedef::{CmpOp, InitFn, NewFn};
use crate::object::{
    GetSetDef, MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, instance, none,
    not_implemented,
};
use crate::types::dict::Dict;
use crate::types::hash::hash_address;
use crate::types::list::List;
use crate::types::str::Str;
use crate::types::typeobject::{self, attributes, layout, methods::merge_class_dict};
use crate::vm::Vm;
use crate::vm::args::Args;
use NativeFn::{F1, F2, V};
pub use attr::{Callee, generic_getattr, generic_getattr_opt, generic_setattr, method_for_call};

/// Payload of `object`: nothing.
pub struct Object;
crate::payload!(Object, OBJECT);

/// `object`.
pub static OBJECT: TypeDef = TypeDef::new::<Object>("object")
    .doc("The base class of the class hierarchy; an instance has no attributes of its own.")
    .signature("()")
    .flags(TypeFlags::BASETYPE)
    .cpython_size(16, 0)
    .slots(Slots {
        repr: Some(default_repr),
        hash: Some(object_hash),
        str: Some(object_str),
        getattr: Some(generic_getattr),
        setattr: Some(generic_setattr),
        richcmp: Some(object_compare),
        init: Some(object_init),
        new: Some(object_new),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method("__reduce_ex__", "($self, protocol, /)", "Helper for pickle.", F2(reduce::reduce_ex)),
        MethodDef::method("__reduce__", "($self, /)", "Helper for pickle.", F1(reduce::reduce)),
        MethodDef::method("__getstate__", "($self, /)", "Helper for pickle.", F1(reduce::getstate)),
        MethodDef::class(
            "__subclasshook__",
            "($type, object, /)",
            "Abstract classes override this to decide what issubclass() answers; NotImplemented: the usual rule.",
            V(|_, _| Ok(not_implemented())),
        ),
        MethodDef::class(
            "__init_subclass__",
            "($type, /)",
            "This method is called when a class is subclassed.\n\nThe default implementation does nothing. It may \
             be\noverridden to extend subclasses.\n",
            V(init_subclass),
        ),
        MethodDef::method(
            "__format__",
            "($self, format_spec, /)",
            "Default object formatter.\n\nReturn str(self) if format_spec is empty. Raise TypeError otherwise.",
            F2(format),
        ),
        MethodDef::method("__sizeof__", "($self, /)", "Size of object in memory, in bytes.", F1(sizeof)),
        MethodDef::method("__dir__", "($self, /)", "Default dir() implementation.", F1(dir)),
    ])
    .getset(&[GetSetDef::get_set("__class__", "the object's class", |_, v| Ok(v.class_value()), class::set_class)]);

/// `repr()` of an object whose class says nothing better: `<module.Class object at 0x…>`.
pub fn default_repr(vm: &mut Vm, v: &Value) -> PyResult {
    let t = v.class();
    let module = attributes::module_of(t).and_then(|m| Some(m.downcast::<Str>()?.to_rust().into_owned()));
    let text = match module {
        Some(m) if m != "builtins" => {
            format!("<{m}.{} object at {:#x}>", attributes::qualname_text(t), v.id())
        }
        _ => format!("<{} object at {:#x}>", t.payload.name(), v.id()),
    };
    Ok(vm.new_str(&text))
}

fn object_str(vm: &mut Vm, v: &Value) -> PyResult {
    vm.repr(v).map(Into::into)
}

fn object_hash(_: &mut Vm, v: &Value) -> PyResult<i64> {
    Ok(hash_address(v.id()))
}

/// Identity; `!=` is the opposite of what `==` answers.
fn object_compare(vm: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    match op {
        CmpOp::Eq if a.is(b) => Ok(boolean(true)),
        CmpOp::Ne => {
            let f = a.class().payload.slots().richcmp.unwrap_or(object_compare);
            let r = f(vm, a, b, CmpOp::Eq)?;
            if crate::vm::ops::is_not_implemented(&r) {
                return Ok(r);
            }
            let equal = vm.truth(&r)?;
            Ok(boolean(!equal))
        }
        _ => Ok(not_implemented()),
    }
}

/// Whether instances of a class are initialised as those of a builtin type are.
pub fn same_init(class: &Type, base: &'static TypeDef) -> bool {
    match (class.slots().init, base.object().payload.slots().init) {
        (Some(a), Some(b)) => std::ptr::fn_addr_eq(a, b),
        (a, b) => a.is_none() && b.is_none(),
    }
}

fn is_object_new(class: &Type) -> bool {
    class.slots().new.is_some_and(|f| std::ptr::fn_addr_eq(f, object_new as NewFn))
}

fn is_object_init(class: &Type) -> bool {
    class.slots().init.is_some_and(|f| std::ptr::fn_addr_eq(f, object_init as InitFn))
}

/// `object.__new__`: arguments are refused unless `__init__` is there to take them.
pub fn object_new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    let t = &class.get_type().payload;
    if args.len() != 0 || args.has_keywords() {
        if !is_object_new(t) {
            return Err(vm.type_error("object.__new__() takes exactly one argument (the type to instantiate)"));
        }
        if is_object_init(t) {
            let name = t.name();
            return Err(vm.type_error(format!("{name}() takes no arguments")));
        }
    }
    if t.has(TypeFlags::ABSTRACT) {
        return Err(abstract_error(vm, class)?);
    }
    Ok(instance::new_of(class, Object).into())
}

/// `object.__init__`.
pub fn object_init(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult<()> {
    if args.len() != 0 || args.has_keywords() {
        let t = &v.class().payload;
        if !is_object_init(t) {
            return Err(vm.type_error("object.__init__() takes exactly one argument (the instance to initialize)"));
        }
        if is_object_new(t) {
            let name = t.name();
            let text = format!("{name}.__init__() takes exactly one argument (the instance to initialize)");
            return Err(vm.type_error(text));
        }
    }
    Ok(())
}

/// The `TypeError` for a class with abstract methods left.
fn abstract_error(vm: &mut Vm, class: &Py<Type>) -> PyResult<crate::object::Raised> {
    let names = vm.get_attr(class.as_value(), name!("__abstractmethods__"))?;
    let mut texts = Vec::new();
    for n in vm.collect(&names)? {
        texts.push(vm.str(&n)?.to_rust().into_owned());
    }
    texts.sort();
    let s = if texts.len() == 1 { "" } else { "s" };
    let list = texts.iter().map(|t| format!("'{t}'")).collect::<Vec<_>>().join(", ");
    let name = class.get_type().payload.name();
    Ok(vm.type_error(format!(
        "Can't instantiate abstract class {name} without an implementation for abstract method{s} {list}"
    )))
}

fn init_subclass(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    if args.has_keywords() {
        let name = match args.get(0).and_then(typeobject::as_class) {
            Some(c) => attributes::qualname_text(c.get_type()),
            None => "object".to_owned(),
        };
        return Err(vm.type_error(format!("{name}.__init_subclass__() takes no keyword arguments")));
    }
    if args.len() > 1 {
        let n = args.len() - 1;
        return Err(vm.type_error(format!("object.__init_subclass__() takes no arguments ({n} given)")));
    }
    Ok(none())
}

fn format(vm: &mut Vm, v: &Value, spec: &Value) -> PyResult {
    let Some(spec) = spec.downcast::<Str>() else {
        let name = spec.class().payload.name();
        return Err(vm.type_error(format!("__format__() argument must be str, not {name}")));
    };
    if spec.len() != 0 {
        let name = v.class().payload.name();
        return Err(vm.type_error(format!("unsupported format string passed to {name}.__format__")));
    }
    vm.str(v).map(Into::into)
}

fn sizeof(vm: &mut Vm, v: &Value) -> PyResult {
    let items = match v.downcast::<crate::types::tuple::Tuple>() {
        Some(t) => t.items().len(),
        None => crate::types::memoryview::size_words(vm, v),
    };
    Ok(Value::from_usize(layout::cpython_basicsize(v.class()) + 8 * items))
}

/// The instance's attributes, then everything its class and the bases of that have.
fn dir(vm: &mut Vm, v: &Value) -> PyResult {
    let names = match vm.get_attr_opt(v, name!("__dict__"))? {
        Some(d) => match d.downcast::<Dict>() {
            Some(d) => d.copy(),
            None => Dict::new_object(),
        },
        None => Dict::new_object(),
    };
    if let Some(class) = vm.get_attr_opt(v, name!("__class__"))? {
        merge_class_dict(vm, &names, &class)?;
    }
    Ok(List::from_vec(names.pairs().into_iter().map(|(k, _)| k).collect()).into())
}

// ---- __dict__ and __weakref__ of instances of classes made by Python code -------------------------------------------

/// `__dict__` of a class whose instances have one.
pub static DICT_GETSET: GetSetDef = GetSetDef::get_set("__dict__", "", get_dict, set_dict);
/// `__weakref__` of a class whose instances can be weakly referenced.
pub static WEAKREF_GETSET: GetSetDef =
    GetSetDef::get("__weakref__", "list of weak references to the object", get_weakref);

/// The instance's `__dict__`, made on demand.
pub fn get_dict(vm: &mut Vm, v: &Value) -> PyResult {
    match attr::instance_dict(v) {
        Some(d) => Ok(d.into()),
        None => Err(vm.attribute_error("This object has no __dict__")),
    }
}

/// Replaces the instance's `__dict__`; deletion leaves an empty one.
pub fn set_dict(vm: &mut Vm, v: &Value, value: Option<&Value>) -> PyResult<()> {
    if !v.class().payload.has(TypeFlags::HAS_DICT) {
        return Err(vm.attribute_error("This object has no __dict__"));
    }
    let dict = match value {
        None => Dict::new_object(),
        Some(value) => match value.downcast::<Dict>() {
            Some(d) => d.clone(),
            None => {
                let name = value.class().payload.name();
                return Err(vm.type_error(format!("__dict__ must be set to a dictionary, not a '{name}'")));
            }
        },
    };
    instance::set_dict(v, dict);
    Ok(())
}

fn get_weakref(_: &mut Vm, v: &Value) -> PyResult {
    let mut list = crate::object::weak::references(v);
    Ok(list.drain(..).next().map_or_else(none, Into::into))
}
