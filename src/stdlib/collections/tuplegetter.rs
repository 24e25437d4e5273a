//! `_collections._tuplegetter`: the attribute of a named tuple, an item by index.

use taipan_runtime::object::instance::new;
use taipan_runtime::object::{GetSetDef, MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value};
use taipan_runtime::types::int::Int;
use taipan_runtime::types::sequence::{enclose, ssize_arg};
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::typeobject::short_name;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Args;

/// Payload of `_tuplegetter`.
pub struct TupleGetter {
    index: isize,
    doc: Value,
}
taipan_runtime::payload!(TupleGetter, TUPLEGETTER,
    traverse(self, visit) { visit(&self.doc); },
    clear(self) {}
);

/// The type `_collections._tuplegetter`.
pub static TUPLEGETTER: TypeDef = TypeDef::new::<TupleGetter>("collections._tuplegetter")
    .flags(TypeFlags::HAVE_GC)
    .cpython_size(32, 0)
    .slots(Slots {
        new: Some(getter_new),
        repr: Some(getter_repr),
        descr_get: Some(getter_get),
        descr_set: Some(|vm, _, _, value| {
            let what = if value.is_some() { "set" } else { "delete" };
            Err(vm.attribute_error(format!("can't {what} attribute")))
        }),
        ..Slots::NONE
    })
    .methods(&[MethodDef::method(
        "__reduce__",
        "($self, /)",
        "Return state information for pickling.",
        NativeFn::F1(|vm, me| {
            let g = this(me).get(vm);
            let args = Tuple::of([Int::from_i64(g.index as i64), g.doc.clone()]);
            let class: Value = Py::<Type>::of(me.class()).into();
            Ok(Tuple::of([class, args.into()]).into())
        }),
    )])
    .getset(&[GetSetDef {
        name: "__doc__",
        doc: "Documentation of the attribute.",
        get: |vm, me| Ok(this(me).get(vm).doc.clone()),
        set: Some(|vm, me, value| {
            let doc = value.cloned().unwrap_or_else(taipan_runtime::object::none);
            let old = std::mem::replace(&mut this(me).get_mut(vm).doc, doc);
            drop(old);
            Ok(())
        }),
        member: true,
    }]);

fn this(me: &Value) -> &Py<TupleGetter> {
    me.downcast::<TupleGetter>().expect("a method of _tuplegetter is called on one")
}

fn getter_new(vm: &mut Vm, _: &Py<Type>, args: &Args<'_>) -> PyResult {
    args.between(vm, "_tuplegetter", 2, 2)?;
    let index = ssize_arg(vm, &args.pos()[0])?;
    Ok(new(TupleGetter { index, doc: args.pos()[1].clone() }).into())
}

fn getter_repr(vm: &mut Vm, me: &Value) -> PyResult {
    let (index, doc) = (this(me).get(vm).index, this(me).get(vm).doc.clone());
    let texts = [vm.repr(&Int::from_i64(index as i64))?, vm.repr(&doc)?];
    Ok(enclose(&format!("{}(", short_name(me.class())), &texts, ")").into())
}

fn getter_get(vm: &mut Vm, me: &Value, object: Option<&Value>, _: Option<&Value>) -> PyResult {
    let index = this(me).get(vm).index;
    let Some(object) = object.filter(|o| !o.is_none()) else { return Ok(me.clone()) };
    match object.downcast::<Tuple>().map(|t| t.items()) {
        Some(items) => match usize::try_from(index).ok().and_then(|i| items.get(i)) {
            Some(v) => Ok(v.clone()),
            None => Err(vm.index_error("tuple index out of range")),
        },
        None => {
            let name = object.class().payload.name();
            Err(vm.type_error(format!(
                "descriptor for index '{index}' for tuple subclasses doesn't apply to '{name}' object"
            )))
        }
    }
}
