//! `property`: an attribute computed by functions (`Objects/descrobject.c`).

use super::classmethod::abstractness;
use crate::name;
use crate::object::typedef::{Payload, Visit};
use crate::object::{
    GetSetDef, MethodDef, NativeFn, Py, PyResult, Slots, TypeDef, TypeFlags, Value, boolean, instance, none,
};
use crate::types::exceptions::ATTRIBUTE_ERROR;
use crate::types::object::attr;
use crate::types::typeobject;
use crate::vm::Vm;
use crate::vm::args::{Args, Signature};
use NativeFn::{F2, F3};

/// Payload of `property`.
#[derive(Default)]
pub struct Property {
    get: Option<Value>,
    set: Option<Value>,
    del: Option<Value>,
    doc: Option<Value>,
    name: Option<Value>,
    /// The documentation is that of the getter, so a new getter changes it.
    getter_doc: bool,
}

// SAFETY: made by `TypeDef::new::<Property>`; every value is visited.
unsafe impl Payload for Property {
    const DEF: &'static TypeDef = &PROPERTY;
    fn traverse(&self, visit: &mut Visit<'_>) {
        let Property { get, set, del, doc, name, getter_doc: _ } = self;
        for v in [get, set, del, doc, name].into_iter().flatten() {
            visit(v);
        }
    }
    fn clear(&mut self) {
        drop(std::mem::take(self));
    }
}

/// `property`.
pub static PROPERTY: TypeDef = TypeDef::new::<Property>("property")
    .doc(
        "Property attribute, computed by functions: fget reads it, fset sets it, fdel deletes it, doc documents it.\n\nUsed as a \
         decorator, property makes a method a read-only attribute; its setter and deleter decorate further methods of \
         the same name.",
    )
    .signature("(fget=None, fset=None, fdel=None, doc=None)")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::BASETYPE))
    .cpython_size(64, 0)
    .slots(Slots {
        descr_get: Some(get),
        descr_set: Some(set),
        init: Some(init),
        new: Some(|_, class, _| Ok(instance::new_of(class, Property::default()).into())),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "getter",
            "($self, object, /)",
            "Descriptor to obtain a copy of the property with a different getter.",
            F2(|vm, v, f| copy(vm, v, Some(f), None, None)),
        ),
        MethodDef::method(
            "setter",
            "($self, object, /)",
            "Descriptor to obtain a copy of the property with a different setter.",
            F2(|vm, v, f| copy(vm, v, None, Some(f), None)),
        ),
        MethodDef::method(
            "deleter",
            "($self, object, /)",
            "Descriptor to obtain a copy of the property with a different deleter.",
            F2(|vm, v, f| copy(vm, v, None, None, Some(f))),
        ),
        MethodDef::method("__set_name__", "($self, owner, name, /)", "Method to set name of a property.", F3(set_name)),
    ])
    .getset(&[
        GetSetDef::member("fget", "", |vm, v| Ok(or_none(&this(v).get(vm).get))),
        GetSetDef::member("fset", "", |vm, v| Ok(or_none(&this(v).get(vm).set))),
        GetSetDef::member("fdel", "", |vm, v| Ok(or_none(&this(v).get(vm).del))),
        GetSetDef {
            name: "__doc__",
            doc: "",
            get: |vm, v| Ok(or_none(&this(v).get(vm).doc)),
            set: Some(|vm, v, x| {
                let old = std::mem::replace(&mut this(v).get_mut(vm).doc, x.cloned());
                drop(old);
                Ok(())
            }),
            member: true,
        },
        GetSetDef::get_set("__name__", "", name, |vm, v, x| {
            let old = std::mem::replace(&mut this(v).get_mut(vm).name, x.cloned());
            drop(old);
            Ok(())
        }),
        GetSetDef::get("__isabstractmethod__", "", is_abstract),
    ]);

fn this(v: &Value) -> &Py<Property> {
    v.downcast::<Property>().expect("a property")
}

fn or_none(v: &Option<Value>) -> Value {
    v.clone().unwrap_or_else(none)
}

/// The getter of a property, for inline caches: it lives as long as the property, even when that is initialised again.
pub fn property_getter(v: &Value) -> Option<Value> {
    let p = v.downcast_exact::<Property>()?;
    // SAFETY: cloning one value runs no Python code and changes nothing (I5).
    unsafe { (*p.payload_ptr()).get.clone() }
}

fn init(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult<()> {
    static SIGNATURE: Signature = Signature::new("property", "(fget=None, fset=None, fdel=None, doc=None)");
    if args.len() > 4 {
        let n = args.len();
        return Err(vm.type_error(format!("property() takes at most 4 arguments ({n} given)")));
    }
    let b = args.bind(vm, &SIGNATURE)?;
    let given = |i: usize| b[i].clone().filter(|x| !x.is_none());
    let (get, set, del, mut doc) = (given(0), given(1), given(2), given(3));
    let mut getter_doc = false;
    if doc.is_none() {
        if let Some(get) = &get {
            doc = vm.get_attr_opt(get, name!("__doc__"))?.filter(|d| !d.is_none());
            getter_doc = doc.is_some();
        }
    }
    let exact = v.is_exact::<Property>();
    let kept_doc = if exact { doc.clone() } else { None };
    let new = Property { get, set, del, doc: kept_doc, name: None, getter_doc };
    let mut old = std::mem::replace(this(v).get_mut(vm), new);
    // Inline caches may hold the old getter without a reference.
    std::mem::forget(old.get.take());
    drop(old);
    if exact {
        return Ok(());
    }
    // A subclass keeps the documentation in its instance's dict, where the class's own `__doc__` does not hide it.
    let r = vm.set_attr(v, name!("__doc__"), &doc.clone().unwrap_or_else(none));
    if r.is_err() && doc.is_none() && vm.error_is(&ATTRIBUTE_ERROR) {
        vm.clear_error();
        return Ok(());
    }
    r
}

/// A property of the same class with some functions replaced.
fn copy(vm: &mut Vm, v: &Value, get: Option<&Value>, set: Option<&Value>, del: Option<&Value>) -> PyResult {
    let p = this(v).get(vm);
    let pick = |new: Option<&Value>, old: &Option<Value>| -> Value {
        new.filter(|x| !x.is_none()).cloned().or_else(|| old.clone()).unwrap_or_else(none)
    };
    let (get, set, del) = (pick(get, &p.get), pick(set, &p.set), pick(del, &p.del));
    let (name, getter_doc, doc) = (p.name.clone(), p.getter_doc, p.doc.clone());
    let doc = if getter_doc && !get.is_none() { none() } else { doc.unwrap_or_else(none) };
    let class = v.class_value();
    let new = vm.call(&class, &[get, set, del, doc])?;
    if let (Some(new), Some(name)) = (new.downcast::<Property>(), name) {
        let old = new.get_mut(vm).name.replace(name);
        drop(old);
    }
    Ok(new)
}

fn set_name(vm: &mut Vm, v: &Value, _: &Value, name: &Value) -> PyResult {
    let old = this(v).get_mut(vm).name.replace(name.clone());
    drop(old);
    Ok(none())
}

/// The name given by `__set_name__`, or that of the getter.
fn known_name(vm: &mut Vm, v: &Value) -> PyResult<Option<Value>> {
    let p = this(v).get(vm);
    if p.name.is_some() {
        return Ok(p.name.clone());
    }
    match p.get.clone() {
        Some(f) => vm.get_attr_opt(&f, name!("__name__")),
        None => Ok(None),
    }
}

fn name(vm: &mut Vm, v: &Value) -> PyResult {
    match known_name(vm, v)? {
        Some(n) => Ok(n),
        None => Err(attr::attribute_error(vm, "'property' object has no attribute '__name__'", v, name!("__name__"))),
    }
}

/// `AttributeError` for an operation the property has no function for.
fn missing(vm: &mut Vm, v: &Value, obj: &Value, what: &str) -> crate::object::Raised {
    let class = typeobject::attributes::qualname_text(obj.class());
    let text = match known_name(vm, v) {
        Err(r) => return r,
        Ok(None) => format!("property of '{class}' object has no {what}"),
        Ok(Some(n)) => match vm.repr(&n) {
            Err(r) => return r,
            Ok(n) => format!("property {} of '{class}' object has no {what}", n.to_rust()),
        },
    };
    vm.attribute_error(text)
}

fn get(vm: &mut Vm, v: &Value, obj: Option<&Value>, _: Option<&Value>) -> PyResult {
    let Some(obj) = obj else { return Ok(v.clone()) };
    match this(v).get(vm).get.clone() {
        Some(f) => vm.call(&f, std::slice::from_ref(obj)),
        None => Err(missing(vm, v, obj, "getter")),
    }
}

fn set(vm: &mut Vm, v: &Value, obj: &Value, value: Option<&Value>) -> PyResult<()> {
    let p = this(v).get(vm);
    let r = match value {
        Some(value) => match p.set.clone() {
            Some(f) => vm.call(&f, &[obj.clone(), value.clone()]),
            None => Err(missing(vm, v, obj, "setter")),
        },
        None => match p.del.clone() {
            Some(f) => vm.call(&f, std::slice::from_ref(obj)),
            None => Err(missing(vm, v, obj, "deleter")),
        },
    };
    r.map(drop)
}

fn is_abstract(vm: &mut Vm, v: &Value) -> PyResult {
    let p = this(v).get(vm);
    for f in [p.get.clone(), p.set.clone(), p.del.clone()] {
        if abstractness(vm, f)? {
            return Ok(boolean(true));
        }
    }
    Ok(boolean(false))
}
