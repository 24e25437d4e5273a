//! `__reduce_ex__` and `__getstate__`: how `copyreg`, `pickle` and `copy` take an object apart (`object_reduce_ex` of
//! `Objects/typeobject.c`).

use crate::name;
use crate::object::{Py, PyResult, TypeFlags, Value, instance, none};
use crate::types::dict::Dict;
use crate::types::exceptions::ATTRIBUTE_ERROR;
use crate::types::method::BuiltinFunction;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::typeobject::{self, layout};
use crate::vm::Vm;

/// `object.__reduce__(v)`: protocol 0.
pub fn reduce(vm: &mut Vm, v: &Value) -> PyResult {
    by_protocol(vm, v, 0)
}

/// `object.__reduce_ex__(v, protocol)`: a `__reduce__` of the class goes first.
pub fn reduce_ex(vm: &mut Vm, v: &Value, protocol: &Value) -> PyResult {
    let protocol = vm.to_i32(protocol)?;
    let own = super::OBJECT.object().payload.dict().lookup_str(name!("__reduce__"));
    let found = typeobject::lookup(v.class(), name!("__reduce__"));
    let overridden = match (&own, &found) {
        (Some(a), Some(b)) => !a.is(b),
        _ => false,
    };
    if overridden {
        return vm.call_method_named(v, name!("__reduce__"), &[]);
    }
    by_protocol(vm, v, protocol)
}

fn by_protocol(vm: &mut Vm, v: &Value, protocol: i32) -> PyResult {
    if protocol >= 2 {
        return reduce_newobj(vm, v);
    }
    let f = vm.import_attr("copyreg", "_reduce_ex")?;
    vm.call(&f, &[v.clone(), Value::small_unchecked(protocol as i64)])
}

/// Protocols 2 to 5: `copyreg.__newobj__` and its arguments, state, items.
fn reduce_newobj(vm: &mut Vm, v: &Value) -> PyResult {
    if v.class().payload.slots().new.is_none() {
        let name = v.class().payload.name();
        return Err(vm.type_error(format!("cannot pickle '{name}' object")));
    }
    let class = v.class_value();
    let (args, kwargs) = new_arguments(vm, v)?;
    let has_args = args.is_some();
    let (maker, maker_args) = match (args, kwargs) {
        (Some(args), Some(kwargs)) if kwargs.len() != 0 => ("__newobj_ex__", vec![class, args.into(), kwargs.into()]),
        (args, _) => {
            let mut all = vec![class];
            all.extend(args.iter().flat_map(|a| a.items().iter().cloned()));
            ("__newobj__", all)
        }
    };
    let maker = vm.import_attr("copyreg", maker)?;
    let t = &v.class().payload;
    let container = t.has(TypeFlags::LIST_SUBCLASS) || t.has(TypeFlags::DICT_SUBCLASS);
    let state = state_of(vm, v, !(has_args || container))?;
    let list_items = if v.class().payload.has(TypeFlags::LIST_SUBCLASS) { vm.iter(v)? } else { none() };
    let dict_items = if v.class().payload.has(TypeFlags::DICT_SUBCLASS) {
        let items = vm.call_method_named(v, name!("items"), &[])?;
        vm.iter(&items)?
    } else {
        none()
    };
    let maker_args = Tuple::from_vec(maker_args).into();
    Ok(Tuple::from_vec(vec![maker, maker_args, state, list_items, dict_items]).into())
}

/// What `__getnewargs_ex__` or `__getnewargs__` gives.
fn new_arguments(vm: &mut Vm, v: &Value) -> PyResult<(Option<Py<Tuple>>, Option<Py<Dict>>)> {
    if let Some(f) = vm.lookup_special(v, "__getnewargs_ex__")? {
        let r = vm.call0(&f)?;
        let Some(pair) = r.downcast::<Tuple>() else {
            let name = r.class().payload.name();
            return Err(vm.type_error(format!("__getnewargs_ex__ should return a tuple, not '{name}'")));
        };
        let [args, kwargs] = pair.items() else {
            let n = pair.len();
            return Err(vm.value_error(format!("__getnewargs_ex__ should return a tuple of length 2, not {n}")));
        };
        let Some(args) = args.downcast::<Tuple>() else {
            let name = args.class().payload.name();
            return Err(vm.type_error(format!(
                "first item of the tuple returned by __getnewargs_ex__ must be a tuple, not '{name}'"
            )));
        };
        let Some(kwargs) = kwargs.downcast::<Dict>() else {
            let name = kwargs.class().payload.name();
            return Err(vm.type_error(format!(
                "second item of the tuple returned by __getnewargs_ex__ must be a dict, not '{name}'"
            )));
        };
        return Ok((Some(args.clone()), Some(kwargs.clone())));
    }
    let Some(f) = vm.lookup_special(v, "__getnewargs__")? else { return Ok((None, None)) };
    let r = vm.call0(&f)?;
    match r.downcast::<Tuple>() {
        Some(args) => Ok((Some(args.clone()), None)),
        None => {
            let name = r.class().payload.name();
            Err(vm.type_error(format!("__getnewargs__ should return a tuple, not '{name}'")))
        }
    }
}

/// `object.__getstate__(v)`.
pub fn getstate(vm: &mut Vm, v: &Value) -> PyResult {
    default_state(vm, v, false)
}

/// The state by `__getstate__`; `required`: the object cannot be rebuilt without one.
fn state_of(vm: &mut Vm, v: &Value, required: bool) -> PyResult {
    let f = vm.get_attr(v, name!("__getstate__"))?;
    let is_default = f.downcast::<BuiltinFunction>().is_some_and(|b| {
        b.def.name == "__getstate__" && b.owner.is_some_and(|o| typeobject::same(o, super::OBJECT.object()))
    });
    if is_default { default_state(vm, v, required) } else { vm.call0(&f) }
}

/// The instance dict, paired with the values of `__slots__` if there are any.
fn default_state(vm: &mut Vm, v: &Value, required: bool) -> PyResult {
    let class = Py::of(v.class());
    let t = class.get_type();
    if required && typeobject::builtin_base(t).cpython_size.1 != 0 {
        let name = t.payload.name();
        return Err(vm.type_error(format!("cannot pickle {name} objects")));
    }
    // A copy: taking the instance's own `__dict__` would move its attributes out of their slots.
    let own = instance::attributes(v);
    let mut state = none();
    if !own.is_empty() {
        let dict = Dict::new_object();
        for (key, value) in own {
            dict.set_item(vm, &key, value)?;
        }
        state = dict.into();
    }
    let names = slot_names(vm, class.as_value())?;
    if required {
        let mut expected = 16 + 8 * names.len();
        if layout::has_own_dict_word(t) {
            expected += 8;
        }
        if layout::cpython_basicsize(t) > expected {
            let name = t.payload.name();
            return Err(vm.type_error(format!("cannot pickle '{name}' object")));
        }
    }
    let slots = Dict::new_object();
    for name in &names {
        let Some(key) = name.downcast::<Str>() else { continue };
        let key = crate::types::str::intern::intern(key.clone());
        let r = vm.get_attr(v, &key);
        if let Some(value) = vm.suppress(r, &ATTRIBUTE_ERROR)? {
            slots.store_str(&key, value);
        }
    }
    if slots.len() != 0 {
        state = Tuple::from_vec(vec![state, slots.into()]).into();
    }
    Ok(state)
}

/// Names of all `__slots__` of a class, as `copyreg._slotnames` finds (and caches) them.
fn slot_names(vm: &mut Vm, class: &Value) -> PyResult<Vec<Value>> {
    if let Some(t) = typeobject::as_class(class) {
        if let Some(known) = t.get_type().payload.dict().lookup_str(name!("__slotnames__")) {
            return vm.collect(&known);
        }
    }
    let f = vm.import_attr("copyreg", "_slotnames")?;
    let names = vm.call(&f, std::slice::from_ref(class))?;
    if names.is_none() { Ok(Vec::new()) } else { vm.collect(&names) }
}
