//! The computed attributes of classes: `__name__`, `__bases__`, `__module__`, `__doc__`, `__annotations__`, …

use super::{TYPE, as_class, base_of, bases, bases_of, layout, modified, same, short_name};
use crate::builtins::sys::audit;
use crate::name;
use crate::object::{GetSetDef, Py, PyResult, TypeFlags, TypeObj, Value, none};
use crate::types::dict::Dict;
use crate::types::int::Int;
use crate::types::mappingproxy;
use crate::types::object::attr;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::Vm;

/// The attributes of `type`.
pub static GETSET: &[GetSetDef] = &[
    GetSetDef::member("__basicsize__", "", |vm, v| {
        let t = this(vm, v)?;
        Ok(Value::from_usize(layout::cpython_basicsize(t)))
    }),
    GetSetDef::member("__itemsize__", "", |vm, v| {
        let t = this(vm, v)?;
        Ok(Value::from_usize(layout::cpython_itemsize(t)))
    }),
    GetSetDef::member("__flags__", "", |vm, v| {
        let t = this(vm, v)?;
        Ok(Int::from_u64(cpython_flags(t)))
    }),
    GetSetDef::member("__weakrefoffset__", "", |vm, v| {
        let t = this(vm, v)?;
        Ok(Int::from_i64(layout::cpython_weakrefoffset(t)))
    }),
    GetSetDef::member("__base__", "", |vm, v| {
        let t = this(vm, v)?;
        Ok(base_of(t).map_or_else(none, |b| Py::of(b).into()))
    }),
    GetSetDef::member("__dictoffset__", "", |vm, v| {
        let t = this(vm, v)?;
        Ok(Int::from_i64(layout::cpython_dictoffset(t)))
    }),
    GetSetDef::get_set("__name__", "", name, set_name),
    GetSetDef::get_set("__qualname__", "", qualname, set_qualname),
    GetSetDef::get_set(
        "__bases__",
        "",
        |vm, v| this(vm, v).map(bases_of),
        |vm, v, value| {
            let value = settable(vm, v, value, "__bases__")?.clone();
            let class = as_class(v).expect("a type").clone();
            bases::set_bases(vm, &class, &value)
        },
    ),
    GetSetDef::get("__mro__", "", |vm, v| {
        let t = this(vm, v)?;
        Ok(t.payload.extra.borrow().mro_tuple.clone().unwrap_or_else(none))
    }),
    GetSetDef::get_set("__module__", "", module, set_module),
    GetSetDef::get_set("__abstractmethods__", "", abstract_methods, set_abstract_methods),
    GetSetDef::get("__dict__", "", |vm, v| {
        let d = this(vm, v)?.payload.dict();
        Ok(mappingproxy::of(d.into()))
    }),
    GetSetDef::get_set("__doc__", "", doc, set_doc),
    GetSetDef::get("__text_signature__", "", |vm, v| {
        let signature = this(vm, v)?.payload.def.get().map_or("", |d| d.signature);
        Ok(crate::types::method::text_or_none(vm, signature))
    }),
    GetSetDef::get_set("__annotations__", "", annotations, set_annotations),
    GetSetDef::get_set("__annotate__", "", annotate, set_annotate),
    GetSetDef::get_set("__type_params__", "", type_params, set_type_params),
];

fn this<'a>(vm: &mut Vm, v: &'a Value) -> PyResult<&'a TypeObj> {
    match as_class(v) {
        Some(t) => Ok(t.get_type()),
        None => Err(vm.type_error("a type is required")),
    }
}

/// The value to be set: deletion and immutable types are refused (`check_set_special_type_attr`).
fn settable<'a>(vm: &mut Vm, v: &Value, value: Option<&'a Value>, name: &str) -> PyResult<&'a Value> {
    let t = this(vm, v)?;
    let class = t.payload.name();
    if t.payload.has(TypeFlags::IMMUTABLE) {
        return Err(vm.type_error(format!("cannot set '{name}' attribute of immutable type '{class}'")));
    }
    match value {
        Some(value) => {
            if audit::listened() {
                let name = vm.intern(name).into();
                audit::audit(vm, "object.__setattr__", &[v.clone(), name, value.clone()])?;
            }
            Ok(value)
        }
        None => Err(vm.type_error(format!("cannot delete '{name}' attribute of immutable type '{class}'"))),
    }
}

fn is_heap(t: &TypeObj) -> bool {
    t.payload.has(TypeFlags::HEAP)
}

// ---- names ----------------------------------------------------------------------------------------------------------

fn name(vm: &mut Vm, v: &Value) -> PyResult {
    let t = this(vm, v)?;
    if let Some(n) = &t.payload.extra.borrow().name_object {
        return Ok(n.clone());
    }
    let text = short_name(t);
    Ok(vm.intern(&text).into())
}

/// A new class name: no null characters, and it must be encodable.
pub(super) fn check_name(vm: &mut Vm, name: &Py<Str>) -> PyResult<String> {
    let Some(text) = name.to_utf8() else {
        // The codec raises the very error that CPython's conversion of the name raises.
        vm.call_method(name.as_value(), "encode", &[])?;
        return Ok(name.to_rust().into_owned());
    };
    if text.contains('\0') {
        return Err(vm.value_error("type name must not contain null characters"));
    }
    Ok(text.into_owned())
}

fn set_name(vm: &mut Vm, v: &Value, value: Option<&Value>) -> PyResult<()> {
    let value = settable(vm, v, value, "__name__")?;
    let t = this(vm, v)?;
    let Some(s) = value.downcast::<Str>() else {
        let (class, got) = (t.payload.name(), value.class().payload.name());
        return Err(vm.type_error(format!("can only assign string to {class}.__name__, not '{got}'")));
    };
    let text = check_name(vm, s)?;
    let old = t.payload.extra.borrow_mut().name_object.replace(value.clone());
    t.payload.name.replace(text);
    drop(old);
    Ok(())
}

/// `__qualname__` as text.
pub fn qualname_text(t: &TypeObj) -> String {
    let own = t.payload.extra.borrow().qualname.clone();
    match own.as_ref().and_then(|q| q.downcast::<Str>()) {
        Some(q) => q.to_rust().into_owned(),
        None => short_name(t),
    }
}

fn qualname(vm: &mut Vm, v: &Value) -> PyResult {
    let t = this(vm, v)?;
    if let Some(q) = &t.payload.extra.borrow().qualname {
        return Ok(q.clone());
    }
    let text = short_name(t);
    Ok(vm.intern(&text).into())
}

fn set_qualname(vm: &mut Vm, v: &Value, value: Option<&Value>) -> PyResult<()> {
    let value = settable(vm, v, value, "__qualname__")?;
    let t = this(vm, v)?;
    if value.downcast::<Str>().is_none() {
        let (class, got) = (t.payload.name(), value.class().payload.name());
        return Err(vm.type_error(format!("can only assign string to {class}.__qualname__, not '{got}'")));
    }
    let old = t.payload.extra.borrow_mut().qualname.replace(value.clone());
    drop(old);
    Ok(())
}

/// `__module__`: the part of a builtin type's name before the dot, or what the dictionary says.
pub fn module_of(t: &TypeObj) -> Option<Value> {
    if let Some(def) = t.payload.def.get() {
        let text = def.name.rsplit_once('.').map_or("builtins", |(m, _)| m);
        return Some(crate::types::str::intern::intern_str(text).into());
    }
    t.payload.dict.borrow().as_ref()?.lookup_str(name!("__module__"))
}

fn module(vm: &mut Vm, v: &Value) -> PyResult {
    match module_of(this(vm, v)?) {
        Some(m) => Ok(m),
        None => Err(vm.attribute_error("__module__")),
    }
}

fn set_module(vm: &mut Vm, v: &Value, value: Option<&Value>) -> PyResult<()> {
    let value = settable(vm, v, value, "__module__")?;
    let t = this(vm, v)?;
    let dict = t.payload.dict();
    dict.remove_str(name!("__firstlineno__"));
    dict.store_str(name!("__module__"), value.clone());
    modified(t);
    Ok(())
}

// ---- abstract methods -----------------------------------------------------------------------------------------------

fn abstract_methods(vm: &mut Vm, v: &Value) -> PyResult {
    let t = this(vm, v)?;
    let name = name!("__abstractmethods__");
    // `type` has a descriptor of this name, which is not what is meant.
    let own = if same(t, TYPE.object()) { None } else { t.payload.dict().lookup_str(name) };
    match own {
        Some(m) => Ok(m),
        None => Err(attr::attribute_error(vm, "__abstractmethods__", v, name)),
    }
}

fn set_abstract_methods(vm: &mut Vm, v: &Value, value: Option<&Value>) -> PyResult<()> {
    let t = this(vm, v)?;
    let name = name!("__abstractmethods__");
    let some = match value {
        Some(value) => {
            let some = vm.truth(value)?;
            t.payload.dict().store_str(name, value.clone());
            some
        }
        None => {
            if t.payload.dict().remove_str(name).is_none() {
                return Err(attr::attribute_error(vm, "__abstractmethods__", v, name));
            }
            false
        }
    };
    modified(t);
    let mut flags = t.payload.flags.get();
    flags.set(TypeFlags::ABSTRACT, some);
    t.payload.flags.set(flags);
    Ok(())
}

// ---- documentation --------------------------------------------------------------------------------------------------

fn doc(vm: &mut Vm, v: &Value) -> PyResult {
    let t = this(vm, v)?;
    if let Some(def) = t.payload.def.get() {
        if !def.doc.is_empty() {
            return Ok(vm.new_str(def.doc));
        }
    }
    let Some(d) = t.payload.dict().lookup_str(name!("__doc__")) else { return Ok(none()) };
    match d.class().payload.slots().descr_get {
        Some(get) => get(vm, &d, None, Some(v)),
        None => Ok(d),
    }
}

fn set_doc(vm: &mut Vm, v: &Value, value: Option<&Value>) -> PyResult<()> {
    let value = settable(vm, v, value, "__doc__")?;
    let t = this(vm, v)?;
    t.payload.dict().store_str(name!("__doc__"), value.clone());
    modified(t);
    Ok(())
}

// ---- annotations (PEP 649) ------------------------------------------------------------------------------------------

fn no_annotations(vm: &mut Vm, v: &Value, name: &'static Py<Str>) -> crate::object::Raised {
    let class = as_class(v).map_or_else(String::new, |t| t.get_type().payload.name());
    let text = format!("type object '{class}' has no attribute '{}'", name.to_rust());
    attr::attribute_error(vm, &text, v, name)
}

/// An entry of the class's dictionary, bound as class attribute access binds it.
fn bound_entry(vm: &mut Vm, v: &Value, key: &Py<Str>) -> PyResult<Option<Value>> {
    let Some(x) = this(vm, v)?.payload.dict().lookup_str(key) else { return Ok(None) };
    match x.class().payload.slots().descr_get {
        Some(get) => get(vm, &x, None, Some(v)).map(Some),
        None => Ok(Some(x)),
    }
}

fn annotate(vm: &mut Vm, v: &Value) -> PyResult {
    let t = this(vm, v)?;
    if !is_heap(t) {
        return Err(no_annotations(vm, v, name!("__annotate__")));
    }
    for key in [name!("__annotate_func__"), name!("__annotate__")] {
        if let Some(found) = bound_entry(vm, v, key)? {
            return Ok(found);
        }
    }
    t.payload.dict().store_str(name!("__annotate_func__"), none());
    modified(t);
    Ok(none())
}

fn set_annotate(vm: &mut Vm, v: &Value, value: Option<&Value>) -> PyResult<()> {
    let Some(value) = value else { return Err(vm.type_error("cannot delete __annotate__ attribute")) };
    let t = this(vm, v)?;
    settable(vm, v, Some(value), "__annotate__")?;
    if !value.is_none() && !vm.callable(value) {
        return Err(vm.type_error("__annotate__ must be callable or None"));
    }
    let dict = t.payload.dict();
    dict.store_str(name!("__annotate_func__"), value.clone());
    if !value.is_none() {
        dict.remove_str(name!("__annotations_cache__"));
    }
    modified(t);
    Ok(())
}

fn annotations(vm: &mut Vm, v: &Value) -> PyResult {
    let t = this(vm, v)?;
    if !is_heap(t) {
        return Err(no_annotations(vm, v, name!("__annotations__")));
    }
    for key in [name!("__annotations__"), name!("__annotations_cache__")] {
        if let Some(found) = bound_entry(vm, v, key)? {
            return Ok(found);
        }
    }
    let f = vm.get_attr(v, name!("__annotate__"))?;
    let made = if vm.callable(&f) {
        let r = vm.call1(&f, &Value::small_unchecked(1))?;
        if r.downcast::<Dict>().is_none() {
            let name = r.class().payload.name();
            return Err(vm.type_error(format!("__annotate__() must return a dict, not {name}")));
        }
        r
    } else {
        Dict::new_object().into()
    };
    t.payload.dict().store_str(name!("__annotations_cache__"), made.clone());
    modified(t);
    Ok(made)
}

fn set_annotations(vm: &mut Vm, v: &Value, value: Option<&Value>) -> PyResult<()> {
    let t = this(vm, v)?;
    if !is_heap(t) {
        settable(vm, v, value, "__annotations__")?;
    }
    let dict = t.payload.dict();
    match value {
        Some(value) => {
            let key = if dict.lookup_str(name!("__annotations__")).is_some() {
                name!("__annotations__")
            } else {
                name!("__annotations_cache__")
            };
            dict.store_str(key, value.clone());
        }
        None => {
            let gone = dict.remove_str(name!("__annotations__")).is_some()
                | dict.remove_str(name!("__annotations_cache__")).is_some();
            if !gone {
                return Err(attr::attribute_error(vm, "__annotations__", v, name!("__annotations__")));
            }
        }
    }
    dict.remove_str(name!("__annotate_func__"));
    dict.remove_str(name!("__annotate__"));
    modified(t);
    Ok(())
}

fn type_params(vm: &mut Vm, v: &Value) -> PyResult {
    let t = this(vm, v)?;
    if same(t, TYPE.object()) {
        return Ok(Tuple::empty().into());
    }
    Ok(t.payload.dict().lookup_str(name!("__type_params__")).unwrap_or_else(|| Tuple::empty().into()))
}

fn set_type_params(vm: &mut Vm, v: &Value, value: Option<&Value>) -> PyResult<()> {
    let value = settable(vm, v, value, "__type_params__")?;
    let t = this(vm, v)?;
    t.payload.dict().store_str(name!("__type_params__"), value.clone());
    modified(t);
    Ok(())
}

// ---- flags ----------------------------------------------------------------------------------------------------------

/// Whether CPython allocates the type with this name on the heap, as it does with those of extension modules but for a
/// few old ones. `copyreg` asks, to find the base that a copy is made by.
fn is_heap_type(name: &str) -> bool {
    let Some((module, _)) = name.rsplit_once('.') else { return false };
    let static_modules = ["_contextvars", "datetime", "string.templatelib", "sys", "types", "weakref"];
    let static_types = ["collections.OrderedDict", "pickle.PickleBuffer", "typing.TypeAliasType", "typing.Union"];
    !static_modules.contains(&module) && !static_types.contains(&name)
}

/// `__flags__` with CPython's bits, as far as there is something behind them (`Include/object.h`).
fn cpython_flags(t: &TypeObj) -> u64 {
    let f = t.payload.flags.get();
    let pairs: &[(TypeFlags, u32)] = &[
        (TypeFlags::SEQUENCE, 5),
        (TypeFlags::MAPPING, 6),
        (TypeFlags::DISALLOW_INSTANTIATION, 7),
        (TypeFlags::IMMUTABLE, 8),
        (TypeFlags::HEAP, 9),
        (TypeFlags::BASETYPE, 10),
        (TypeFlags::READY, 12),
        (TypeFlags::HAVE_GC, 14),
        (TypeFlags::METHOD_DESCRIPTOR, 17),
        (TypeFlags::ABSTRACT, 20),
        (TypeFlags::MATCH_SELF, 22),
        (TypeFlags::INT_SUBCLASS, 24),
        (TypeFlags::LIST_SUBCLASS, 25),
        (TypeFlags::TUPLE_SUBCLASS, 26),
        (TypeFlags::BYTES_SUBCLASS, 27),
        (TypeFlags::STR_SUBCLASS, 28),
        (TypeFlags::DICT_SUBCLASS, 29),
        (TypeFlags::EXC_SUBCLASS, 30),
        (TypeFlags::TYPE_SUBCLASS, 31),
    ];
    let bits = pairs.iter().filter(|(flag, _)| f.contains(*flag)).fold(0, |bits, (_, n)| bits | 1u64 << n);
    let managed = |offset: i64, bit: u32| if offset < 0 { 1u64 << bit } else { 0 };
    let heap = if t.payload.def.get().is_some_and(|d| is_heap_type(d.name)) { 1 << 9 } else { 0 };
    bits | heap
        | managed(layout::cpython_weakrefoffset(t), 3)
        | if layout::cpython_dictoffset(t) < 0 && !layout::has_own_dict_word(t) { 1 << 4 } else { 0 }
}
