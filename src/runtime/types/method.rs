//! Native functions as Python objects: functions of modules, methods of builtin types, and bound methods.
//!
//! One table row ([`MethodDef`]) stands behind all of them. Functions that take their instance or class get it as the
//! first argument. The texts are those of `Objects/methodobject.c`, `Objects/descrobject.c` and `Objects/classobject.c`.

use crate::name;
use crate::object::typedef::{Binding, CmpOp, Payload, Visit};
use crate::object::value::Frozen;
use crate::object::{
    GetSetDef, MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, TypeObj, Value, boolean, instance,
    none, not_implemented,
};
use crate::types::hash::hash_address;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::typeobject;
use crate::vm::Vm;
use crate::vm::args::{Args, Signature};
use crate::vm::call::invoke;

// ---- builtin functions ----------------------------------------------------------------------------------------------

/// Payload of `builtin_function_or_method`.
pub struct BuiltinFunction {
    /// The row.
    pub def: &'static MethodDef,
    /// The instance or class passed first; absent for functions of modules and static methods.
    pub self_value: Option<Value>,
    /// `__module__`: the module's name.
    pub module: Option<Value>,
    /// The type that has the row; absent for functions of modules.
    pub owner: Option<&'static TypeObj>,
}

crate::payload!(BuiltinFunction, BUILTIN_FUNCTION,
    traverse(self, visit) {
        self.self_value.iter().for_each(&mut *visit);
        self.module.iter().for_each(visit);
    },
    clear(self) {});
impl Frozen for BuiltinFunction {}

impl BuiltinFunction {
    /// A function of a module.
    pub fn of_module(def: &'static MethodDef, module: &Py<Str>) -> Py<BuiltinFunction> {
        instance::new(BuiltinFunction { def, self_value: None, module: Some(module.as_value().clone()), owner: None })
    }
    /// A method of a type bound to an instance or class (for static methods: to nothing).
    pub fn of_type(def: &'static MethodDef, owner: &'static TypeObj, self_value: Option<Value>) -> Py<BuiltinFunction> {
        instance::new(BuiltinFunction { def, self_value, module: None, owner: Some(owner) })
    }
}

/// `builtin_function_or_method`.
pub static BUILTIN_FUNCTION: TypeDef = TypeDef::new::<BuiltinFunction>("builtin_function_or_method")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::WEAKREFABLE).union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(56, 0)
    .slots(Slots {
        repr: Some(builtin_repr),
        hash: Some(builtin_hash),
        call: Some(builtin_call),
        richcmp: Some(builtin_compare),
        ..Slots::NONE
    })
    .methods(&[MethodDef::method("__reduce__", "($self, /)", "", NativeFn::F1(builtin_reduce))])
    .getset(&[
        GetSetDef::member("__module__", "", |_, v| Ok(builtin(v).module.clone().unwrap_or_else(none))),
        GetSetDef::get("__doc__", "", |vm, v| Ok(text_or_none(vm, builtin(v).def.doc))),
        GetSetDef::get("__name__", "", |vm, v| Ok(vm.intern(builtin(v).def.name).into())),
        GetSetDef::get("__qualname__", "", builtin_qualname),
        GetSetDef::get("__self__", "", builtin_self),
        GetSetDef::get("__text_signature__", "", |vm, v| Ok(text_or_none(vm, builtin(v).def.signature))),
    ]);

fn builtin(v: &Value) -> &BuiltinFunction {
    v.downcast::<BuiltinFunction>().expect("a builtin function")
}

/// A string, or `None` for an empty text.
pub(crate) fn text_or_none(vm: &mut Vm, text: &str) -> Value {
    if text.is_empty() { none() } else { vm.new_str(text) }
}

fn builtin_repr(vm: &mut Vm, v: &Value) -> PyResult {
    let f = builtin(v);
    let text = match (&f.self_value, f.owner) {
        (Some(s), _) => {
            format!("<built-in method {} of {} object at {:#x}>", f.def.name, s.class().payload.name(), s.id())
        }
        (None, Some(owner)) => {
            format!("<built-in method {} of type object at {:#x}>", f.def.name, Py::of(owner).as_value().id())
        }
        _ => format!("<built-in function {}>", f.def.name),
    };
    Ok(vm.new_str(&text))
}

fn builtin_hash(_: &mut Vm, v: &Value) -> PyResult<i64> {
    let f = builtin(v);
    let me = f.self_value.as_ref().map_or(0, |s| hash_address(s.id()));
    Ok(not_minus_one(me ^ hash_address(f.def as *const MethodDef as usize)))
}

fn not_minus_one(h: i64) -> i64 {
    if h == -1 { -2 } else { h }
}

fn builtin_call(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult {
    let f = builtin(v);
    let Some(me) = &f.self_value else { return invoke(vm, f.def, args) };
    if !args.has_keywords() {
        // The forms that need no list of arguments with the object in front.
        match (f.def.function, args.pos()) {
            (NativeFn::F1(g), []) => return g(vm, me),
            (NativeFn::F2(g), [a]) => return g(vm, me, a),
            (NativeFn::F3(g), [a, b]) => return g(vm, me, a, b),
            _ => {}
        }
    }
    args.with_first(me, |a| invoke(vm, f.def, a))
}

fn builtin_compare(_: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    let Some(y) = b.downcast::<BuiltinFunction>() else { return Ok(not_implemented()) };
    let x = builtin(a);
    let same_self = match (&x.self_value, &y.self_value) {
        (Some(p), Some(q)) => p.is(q),
        (None, None) => true,
        _ => false,
    };
    let equal = same_self && std::ptr::eq(x.def, y.def);
    Ok(match op {
        CmpOp::Eq => boolean(equal),
        CmpOp::Ne => boolean(!equal),
        _ => not_implemented(),
    })
}

fn builtin_qualname(vm: &mut Vm, v: &Value) -> PyResult {
    let f = builtin(v);
    let text = match (&f.self_value, f.owner) {
        (Some(s), _) => {
            let class = typeobject::as_class(s).cloned().unwrap_or_else(|| Py::of(s.class()));
            format!("{}.{}", typeobject::attributes::qualname_text(class.get_type()), f.def.name)
        }
        (None, Some(owner)) => format!("{}.{}", typeobject::short_name(owner), f.def.name),
        _ => f.def.name.to_owned(),
    };
    Ok(vm.new_str(&text))
}

fn builtin_self(vm: &mut Vm, v: &Value) -> PyResult {
    let f = builtin(v);
    if let Some(s) = &f.self_value {
        return Ok(s.clone());
    }
    match f.module.as_ref().and_then(|m| m.downcast::<Str>()) {
        Some(m) => {
            let m = m.to_rust().into_owned();
            vm.import(&m)
        }
        None => Ok(none()),
    }
}

fn builtin_reduce(vm: &mut Vm, v: &Value) -> PyResult {
    let f = builtin(v);
    let name: Value = vm.intern(f.def.name).into();
    match (&f.self_value, f.owner) {
        (Some(s), _) => reduce_getattr(vm, s.clone(), name),
        (None, Some(owner)) => reduce_getattr(vm, Py::of(owner).into(), name),
        _ => Ok(name),
    }
}

/// `(getattr, (object, name))`, as methods and descriptors are pickled.
pub(crate) fn reduce_getattr(vm: &mut Vm, object: Value, name: Value) -> PyResult {
    let getattr = vm.import_attr("builtins", "getattr")?;
    let args = Tuple::from_vec(vec![object, name]).into();
    Ok(Tuple::from_vec(vec![getattr, args]).into())
}

// ---- methods of builtin types ---------------------------------------------------------------------------------------

/// Payload of `method_descriptor` and `classmethod_descriptor`.
pub struct MethodDescriptor {
    /// The row.
    pub def: &'static MethodDef,
    /// The type that has it.
    pub owner: &'static TypeObj,
}
crate::payload!(MethodDescriptor, METHOD_DESCRIPTOR);
impl Frozen for MethodDescriptor {}

/// Payload of `classmethod_descriptor`.
pub struct ClassMethodDescriptor {
    /// The row.
    pub def: &'static MethodDef,
    /// The type that has it.
    pub owner: &'static TypeObj,
}
crate::payload!(ClassMethodDescriptor, CLASSMETHOD_DESCRIPTOR);
impl Frozen for ClassMethodDescriptor {}

/// The object that stands for a row in the dictionary of its type.
pub fn descriptor(def: &'static MethodDef, owner: &'static TypeObj) -> Value {
    match def.binding {
        Binding::Method | Binding::Function => instance::new(MethodDescriptor { def, owner }).into(),
        Binding::Class => instance::new(ClassMethodDescriptor { def, owner }).into(),
        Binding::Static => {
            crate::types::descr::classmethod::new_static(BuiltinFunction::of_type(def, owner, None).into())
        }
    }
}

/// What a descriptor of a builtin type shows of itself.
pub(crate) struct Shown {
    pub name: &'static str,
    pub owner: &'static TypeObj,
    pub doc: &'static str,
    pub signature: &'static str,
}

fn shown(v: &Value) -> Shown {
    if let Some(d) = v.downcast::<MethodDescriptor>() {
        return Shown { name: d.def.name, owner: d.owner, doc: d.def.doc, signature: d.def.signature };
    }
    let d = v.downcast::<ClassMethodDescriptor>().expect("a method descriptor");
    Shown { name: d.def.name, owner: d.owner, doc: d.def.doc, signature: d.def.signature }
}

macro_rules! descriptor_getset {
    () => {
        &[
            GetSetDef::member("__objclass__", "", |_, v| Ok(Py::of(shown(v).owner).into())),
            GetSetDef::member("__name__", "", |vm, v| Ok(vm.intern(shown(v).name).into())),
            GetSetDef::get("__doc__", "", |vm, v| Ok(text_or_none(vm, shown(v).doc))),
            GetSetDef::get("__qualname__", "", |vm, v| {
                let s = shown(v);
                let text = format!("{}.{}", typeobject::short_name(s.owner), s.name);
                Ok(vm.new_str(&text))
            }),
            GetSetDef::get("__text_signature__", "", |vm, v| Ok(text_or_none(vm, shown(v).signature))),
        ]
    };
}

/// `method_descriptor`.
pub static METHOD_DESCRIPTOR: TypeDef = TypeDef::new::<MethodDescriptor>("method_descriptor")
    .flags(TypeFlags::METHOD_DESCRIPTOR.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(56, 0)
    .slots(Slots {
        repr: Some(descriptor_repr),
        call: Some(descriptor_call),
        descr_get: Some(descriptor_get),
        ..Slots::NONE
    })
    .methods(&[MethodDef::method("__reduce__", "($self, /)", "", NativeFn::F1(descriptor_reduce))])
    .getset(descriptor_getset!());

/// `classmethod_descriptor`.
pub static CLASSMETHOD_DESCRIPTOR: TypeDef = TypeDef::new::<ClassMethodDescriptor>("classmethod_descriptor")
    .flags(TypeFlags::DISALLOW_INSTANTIATION)
    .cpython_size(56, 0)
    .slots(Slots {
        repr: Some(descriptor_repr),
        call: Some(class_descriptor_call),
        descr_get: Some(class_descriptor_get),
        ..Slots::NONE
    })
    .getset(descriptor_getset!());

fn descriptor_repr(vm: &mut Vm, v: &Value) -> PyResult {
    let s = shown(v);
    Ok(vm.new_str(&format!("<method '{}' of '{}' objects>", s.name, s.owner.payload.name())))
}

/// Demands that a descriptor's instance is one of its owner's.
pub(crate) fn check_instance(vm: &mut Vm, name: &str, owner: &TypeObj, v: &Value) -> PyResult<()> {
    if typeobject::is_subtype(v.class(), owner) {
        return Ok(());
    }
    let (owner, got) = (owner.payload.name(), v.class().payload.name());
    Err(vm.type_error(format!("descriptor '{name}' for '{owner}' objects doesn't apply to a '{got}' object")))
}

fn descriptor_call(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult {
    let d = v.downcast::<MethodDescriptor>().expect("call of a method descriptor").clone();
    let Some(me) = args.get(0) else {
        let text = format!("unbound method {}.{}() needs an argument", typeobject::short_name(d.owner), d.def.name);
        return Err(vm.type_error(text));
    };
    check_instance(vm, d.def.name, d.owner, me)?;
    invoke(vm, d.def, args)
}

fn descriptor_get(vm: &mut Vm, v: &Value, obj: Option<&Value>, _: Option<&Value>) -> PyResult {
    let d = v.downcast::<MethodDescriptor>().expect("a method descriptor");
    match obj {
        None => Ok(v.clone()),
        Some(obj) => {
            check_instance(vm, d.def.name, d.owner, obj)?;
            Ok(BuiltinFunction::of_type(d.def, d.owner, Some(obj.clone())).into())
        }
    }
}

fn descriptor_reduce(vm: &mut Vm, v: &Value) -> PyResult {
    let s = shown(v);
    let name = vm.intern(s.name).into();
    reduce_getattr(vm, Py::of(s.owner).into(), name)
}

fn class_descriptor_call(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult {
    let d = v.downcast::<ClassMethodDescriptor>().expect("call of a class method descriptor").clone();
    let Some(class) = args.get(0) else {
        let text = format!("descriptor '{}' of '{}' object needs an argument", d.def.name, d.owner.payload.name());
        return Err(vm.type_error(text));
    };
    check_class(vm, d.def.name, d.owner, class)?;
    invoke(vm, d.def, args)
}

fn check_class(vm: &mut Vm, name: &str, owner: &TypeObj, class: &Value) -> PyResult<()> {
    let Some(c) = typeobject::as_class(class) else {
        let text = format!(
            "descriptor '{name}' for type '{}' needs a type, not a '{}' as arg 2",
            owner.payload.name(),
            class.class().payload.name()
        );
        return Err(vm.type_error(text));
    };
    if typeobject::is_subtype(c.get_type(), owner) {
        return Ok(());
    }
    let (owner, got) = (owner.payload.name(), c.get_type().payload.name());
    Err(vm.type_error(format!("descriptor '{name}' requires a subtype of '{owner}' but received '{got}'")))
}

fn class_descriptor_get(vm: &mut Vm, v: &Value, obj: Option<&Value>, class: Option<&Value>) -> PyResult {
    let d = v.downcast::<ClassMethodDescriptor>().expect("a class method descriptor").clone();
    let class = match (class, obj) {
        (Some(c), _) => c.clone(),
        (None, Some(o)) => o.class_value(),
        (None, None) => {
            let text = format!(
                "descriptor '{}' for type '{}' needs either an object or a type",
                d.def.name,
                d.owner.payload.name()
            );
            return Err(vm.type_error(text));
        }
    };
    check_class(vm, d.def.name, d.owner, &class)?;
    Ok(BuiltinFunction::of_type(d.def, d.owner, Some(class)).into())
}

// ---- bound methods --------------------------------------------------------------------------------------------------

/// Payload of `method`: a callable with its first argument.
pub struct BoundMethod {
    /// `__func__`
    pub function: Value,
    /// `__self__`
    pub self_value: Value,
}

// SAFETY: made by `TypeDef::new::<BoundMethod>`; both values are visited.
unsafe impl Payload for BoundMethod {
    const DEF: &'static TypeDef = &METHOD;
    fn traverse(&self, visit: &mut Visit<'_>) {
        visit(&self.function);
        visit(&self.self_value);
    }
}
impl Frozen for BoundMethod {}

impl BoundMethod {
    /// `function` with `self_value` as first argument.
    #[inline]
    pub fn new_object(function: Value, self_value: Value) -> Value {
        instance::new(BoundMethod { function, self_value }).into()
    }
}

/// `method`.
pub static METHOD: TypeDef = TypeDef::new::<BoundMethod>("method")
    .doc("Create a bound instance method object.")
    .signature("(function, instance, /)")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::WEAKREFABLE))
    .cpython_size(48, 0)
    .slots(Slots {
        repr: Some(method_repr),
        hash: Some(method_hash),
        call: Some(method_call),
        getattr: Some(method_getattr),
        richcmp: Some(method_compare),
        descr_get: Some(|_, v, _, _| Ok(v.clone())),
        new: Some(method_new),
        ..Slots::NONE
    })
    .methods(&[MethodDef::method("__reduce__", "($self, /)", "", NativeFn::F1(method_reduce))])
    .getset(&[
        GetSetDef::member("__func__", "the function (or other callable) implementing a method", |_, v| {
            Ok(method(v).function.clone())
        }),
        GetSetDef::member("__self__", "the instance to which a method is bound", |_, v| {
            Ok(method(v).self_value.clone())
        }),
        GetSetDef::get("__doc__", "", |vm, v| {
            let f = method(v).function.clone();
            Ok(vm.get_attr_opt(&f, name!("__doc__"))?.unwrap_or_else(none))
        }),
    ]);

fn method(v: &Value) -> &BoundMethod {
    v.downcast::<BoundMethod>().expect("a bound method")
}

fn method_call(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult {
    let m = v.downcast::<BoundMethod>().expect("call of a bound method").clone();
    args.with_first(&m.self_value, |a| vm.call_args(&m.function, a))
}

fn method_repr(vm: &mut Vm, v: &Value) -> PyResult {
    let (function, me) = (method(v).function.clone(), method(v).self_value.clone());
    let mut name = None;
    for attr in [name!("__qualname__"), name!("__name__")] {
        name = vm.get_attr_opt(&function, attr)?;
        if name.is_some() {
            break;
        }
    }
    let name = name.and_then(|n| n.downcast::<Str>().cloned());
    let shown = vm.repr(&me)?;
    let name = name.as_ref().map_or("?".into(), |n| n.to_rust());
    let points: Vec<u32> = format!("<bound method {name} of ")
        .chars()
        .map(|c| c as u32)
        .chain(shown.code_points())
        .chain(['>' as u32])
        .collect();
    Ok(Str::from_code_points(&points).into())
}

fn method_hash(vm: &mut Vm, v: &Value) -> PyResult<i64> {
    let (function, me) = (method(v).function.clone(), method(v).self_value.id());
    Ok(not_minus_one(hash_address(me) ^ vm.hash(&function)?))
}

fn method_compare(vm: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    let (Some(x), Some(y)) = (a.downcast::<BoundMethod>(), b.downcast::<BoundMethod>()) else {
        return Ok(not_implemented());
    };
    if !matches!(op, CmpOp::Eq | CmpOp::Ne) {
        return Ok(not_implemented());
    }
    let (x, y) = (x.clone(), y.clone());
    let equal = vm.eq(&x.function, &y.function)? && x.self_value.is(&y.self_value);
    Ok(boolean(equal == (op == CmpOp::Eq)))
}

/// Attributes of the method itself first, then those of its function.
fn method_getattr(vm: &mut Vm, v: &Value, name: &Py<Str>) -> PyResult {
    if let Some(d) = typeobject::lookup(v.class(), name) {
        return match d.class().payload.slots().descr_get {
            Some(get) => {
                let class = v.class_value();
                get(vm, &d, Some(v), Some(&class))
            }
            None => Ok(d),
        };
    }
    let function = method(v).function.clone();
    vm.get_attr(&function, name)
}

fn method_new(vm: &mut Vm, _: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new("method", "(function, instance, /)");
    let bound = args.bind(vm, &SIGNATURE)?;
    let (Some(function), Some(me)) = (&bound[0], &bound[1]) else {
        return Err(vm.type_error("method expected 2 arguments"));
    };
    if !vm.callable(function) {
        return Err(vm.type_error("first argument must be callable"));
    }
    if me.is_none() {
        return Err(vm.type_error("instance must not be None"));
    }
    Ok(BoundMethod::new_object(function.clone(), me.clone()))
}

fn method_reduce(vm: &mut Vm, v: &Value) -> PyResult {
    let (function, me) = (method(v).function.clone(), method(v).self_value.clone());
    let name = vm.get_attr(&function, name!("__name__"))?;
    reduce_getattr(vm, me, name)
}
