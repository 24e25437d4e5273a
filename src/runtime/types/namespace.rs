//! `types.SimpleNamespace`: an object whose attributes are whatever it was given.

use crate::object::typedef::CmpOp;
use crate::object::{
    GetSetDef, MethodDef, NativeFn, PyResult, Slots, TypeDef, TypeFlags, Value, instance, not_implemented,
};
use crate::types::dict::Dict;
use crate::types::object::get_dict;
use crate::types::str::Str;
use crate::types::str::intern::intern;
use crate::types::tuple::Tuple;
use crate::types::typeobject;
use crate::vm::Vm;
use crate::vm::args::Args;
use NativeFn::{F1, V};

/// Payload of `SimpleNamespace`: nothing beside the attributes every such object has.
pub struct Namespace;
crate::payload!(Namespace, SIMPLE_NAMESPACE);

/// `types.SimpleNamespace`.
pub static SIMPLE_NAMESPACE: TypeDef = TypeDef::new::<Namespace>("types.SimpleNamespace")
    .doc("A simple attribute-based namespace.")
    .signature("(mapping_or_iterable=(), /, **kwargs)")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::BASETYPE).union(TypeFlags::HAS_DICT))
    .cpython_size(24, 0)
    .slots(Slots {
        repr: Some(repr),
        richcmp: Some(compare),
        init: Some(init),
        new: Some(|_, class, _| Ok(instance::new_of(class, Namespace).into())),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method("__reduce__", "($self, /)", "Return state information for pickling", F1(reduce)),
        MethodDef::method(
            "__replace__",
            "($self, /, **changes)",
            "Return a copy of the namespace object with new values for the specified attributes.",
            V(replace),
        ),
    ])
    .getset(&[GetSetDef::member("__dict__", "", get_dict)]);

/// A namespace with these attributes.
pub fn new_namespace(attributes: &[(&str, Value)]) -> Value {
    let v: Value = instance::new_of(&SIMPLE_NAMESPACE.class(), Namespace).into();
    for (name, value) in attributes {
        instance::set_attribute(&v, &crate::types::str::intern::intern_str(name), value);
    }
    v
}

fn init(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult<()> {
    if args.len() > 1 {
        let n = args.len();
        let name = typeobject::short_name(v.class());
        return Err(vm.type_error(format!("{name} expected at most 1 argument, got {n}")));
    }
    if let Some(source) = args.get(0) {
        let dict = match source.downcast_exact::<Dict>() {
            Some(d) => d.clone(),
            None => {
                let maker = crate::types::dict::DICT.value();
                let made = vm.call1(&maker, source)?;
                match made.into_py::<Dict>() {
                    Ok(d) => d,
                    Err(_) => return Err(vm.type_error("SimpleNamespace argument must be a mapping or an iterable")),
                }
            }
        };
        for (key, value) in dict.pairs() {
            let Some(key) = key.downcast::<Str>() else { return Err(vm.type_error("keywords must be strings")) };
            instance::set_attribute(v, &intern(key.clone()), &value);
        }
    }
    for (key, value) in args.keywords() {
        instance::set_attribute(v, &intern(key.clone()), value);
    }
    Ok(())
}

fn repr(vm: &mut Vm, v: &Value) -> PyResult {
    let name = if typeobject::same(v.class(), SIMPLE_NAMESPACE.object()) {
        "namespace".to_owned()
    } else {
        v.class().payload.name()
    };
    if !vm.enter_repr(v) {
        return Ok(vm.new_str(&format!("{name}(...)")));
    }
    let mut points: Vec<u32> = format!("{name}(").chars().map(|c| c as u32).collect();
    let mut first = true;
    for (key, value) in instance::attributes(v) {
        let Some(key) = key.downcast::<Str>().filter(|k| k.len() != 0) else { continue };
        let shown = match vm.repr(&value) {
            Ok(s) => s,
            Err(r) => {
                vm.leave_repr(v);
                return Err(r);
            }
        };
        if !first {
            points.extend([',' as u32, ' ' as u32]);
        }
        first = false;
        points.extend(key.code_points());
        points.push('=' as u32);
        points.extend(shown.code_points());
    }
    vm.leave_repr(v);
    points.push(')' as u32);
    Ok(Str::from_code_points(&points).into())
}

fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    if !vm.is_kind(a, &SIMPLE_NAMESPACE) || !vm.is_kind(b, &SIMPLE_NAMESPACE) {
        return Ok(not_implemented());
    }
    let (x, y) = (attributes_dict(vm, a)?, attributes_dict(vm, b)?);
    vm.compare(&x, &y, op)
}

/// The attributes as a new dict.
fn attributes_dict(vm: &mut Vm, v: &Value) -> PyResult {
    let dict = Dict::new_object();
    for (key, value) in instance::attributes(v) {
        dict.set_item(vm, &key, value)?;
    }
    Ok(dict.into())
}

fn reduce(vm: &mut Vm, v: &Value) -> PyResult {
    let dict = attributes_dict(vm, v)?;
    Ok(Tuple::from_vec(vec![v.class_value(), Tuple::empty().into(), dict]).into())
}

fn replace(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    if args.len() != 1 {
        return Err(vm.type_error("__replace__() takes no positional arguments"));
    }
    let v = &args.pos()[0];
    let class = v.class_value();
    let new = vm.call0(&class)?;
    for (key, value) in instance::attributes(v) {
        if let Some(key) = key.downcast::<Str>() {
            vm.set_attr(&new, &intern(key.clone()), &value)?;
        }
    }
    for (key, value) in args.keywords() {
        vm.set_attr(&new, &intern(key.clone()), value)?;
    }
    Ok(new)
}
