//! `cmp_to_key`: objects that compare as an old-style comparison function says.

use taipan_runtime::name;
use taipan_runtime::object::instance::new;
use taipan_runtime::object::typedef::CmpOp;
use taipan_runtime::object::{GetSetDef, Py, PyResult, Slots, TypeDef, TypeFlags, Value};
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};

/// A comparison function, and the value to compare unless it is only the key function.
pub struct KeyWrapper {
    compare: Value,
    object: Option<Value>,
}
taipan_runtime::payload!(KeyWrapper, KEY_WRAPPER,
    traverse(self, visit) {
        visit(&self.compare);
        self.object.iter().for_each(visit);
    },
    clear(self) { self.object = None; }
);

/// The type of what `cmp_to_key` returns, and of what that makes of values.
pub static KEY_WRAPPER: TypeDef = TypeDef::new::<KeyWrapper>("functools.KeyWrapper")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(32, 0)
    .slots(Slots { call: Some(call), richcmp: Some(richcmp), ..Slots::NONE })
    .getset(&[GetSetDef {
        name: "obj",
        doc: "The value to compare.",
        get: |vm, me| match this(me).get(vm).object.clone() {
            Some(v) => Ok(v),
            None => Ok(taipan_runtime::object::none()),
        },
        set: Some(|vm, me, value| {
            let old = std::mem::replace(&mut this(me).get_mut(vm).object, value.cloned());
            drop(old);
            Ok(())
        }),
        member: true,
    }]);

fn this(me: &Value) -> &Py<KeyWrapper> {
    me.downcast::<KeyWrapper>().expect("a method of KeyWrapper is called on one")
}

/// `cmp_to_key(mycmp)`.
pub fn cmp_to_key(_: &mut Vm, bound: &[Option<Value>]) -> PyResult {
    let [Some(compare)] = bound else { unreachable!("bound by the signature") };
    Ok(new(KeyWrapper { compare: compare.clone(), object: None }).into())
}

fn call(vm: &mut Vm, me: &Value, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new("K", "(obj)");
    let object = match args.pos() {
        [object] if !args.has_keywords() => Some(object.clone()),
        _ => args.bind(vm, &SIGNATURE)?[0].take(),
    };
    let compare = this(me).get(vm).compare.clone();
    Ok(new(KeyWrapper { compare, object }).into())
}

fn richcmp(vm: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    let Some(other) = b.downcast::<KeyWrapper>() else {
        return Err(vm.type_error("other argument must be K instance"));
    };
    let (x, y) = (this(a).get(vm).object.clone(), other.get(vm).object.clone());
    let (Some(x), Some(y)) = (x, y) else { return Err(vm.attribute_error(name!("object").to_rust())) };
    let compare = this(a).get(vm).compare.clone();
    let order = vm.call(&compare, &[x, y])?;
    vm.compare(&order, &Value::small_unchecked(0), op)
}
