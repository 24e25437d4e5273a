//! `types.GenericAlias`: `list[int]` (PEP 585), the substitution of type variables, and unpacked aliases (PEP 646).

use crate::name;
use crate::object::typedef::{CmpOp, Payload, Visit};
use crate::object::value::Frozen;
use crate::object::{
    GetSetDef, MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, instance, none,
    not_implemented,
};
use crate::types::exceptions::{ATTRIBUTE_ERROR, TYPE_ERROR};
use crate::types::list::List;
use crate::types::object::generic_getattr;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::{typeobject, union};
use crate::vm::Vm;
use crate::vm::args::Args;
use NativeFn::{F1, F2};
use std::cell::{OnceCell, RefCell};

/// Payload of `types.GenericAlias`.
pub struct GenericAlias {
    /// `__origin__`
    pub origin: Value,
    /// `__args__`
    pub args: Py<Tuple>,
    parameters: OnceCell<Py<Tuple>>,
    /// `*tuple[int]`
    pub starred: bool,
}
// SAFETY: made by `TypeDef::new::<GenericAlias>`; every value is visited.
unsafe impl Payload for GenericAlias {
    const DEF: &'static TypeDef = &GENERIC_ALIAS;
    fn traverse(&self, visit: &mut Visit<'_>) {
        visit(&self.origin);
        visit(self.args.as_value());
        self.parameters.get().iter().for_each(|p| visit(p.as_value()));
    }
}
impl Frozen for GenericAlias {}

/// `types.GenericAlias`.
pub static GENERIC_ALIAS: TypeDef = TypeDef::new::<GenericAlias>("types.GenericAlias")
    .doc("A builtin class with type arguments: for t = list[int], t.__origin__ is list and t.__args__ is (int,).")
    .signature("(origin, args, /)")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::BASETYPE).union(TypeFlags::WEAKREFABLE))
    .cpython_size(64, 0)
    .slots(Slots {
        repr: Some(repr),
        hash: Some(hash),
        call: Some(call),
        getattr: Some(getattr),
        richcmp: Some(compare),
        iter: Some(iter),
        or: Some(union::or),
        subscript: Some(subscript),
        new: Some(new),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "__mro_entries__",
            "($self, object, /)",
            "",
            F2(|_, v, _| Ok(Tuple::from_vec(vec![this(v).origin.clone()]).into())),
        ),
        MethodDef::method(
            "__instancecheck__",
            "($self, object, /)",
            "",
            F2(|vm, _, _| Err(vm.type_error("isinstance() argument 2 cannot be a parameterized generic"))),
        ),
        MethodDef::method(
            "__subclasscheck__",
            "($self, object, /)",
            "",
            F2(|vm, _, _| Err(vm.type_error("issubclass() argument 2 cannot be a parameterized generic"))),
        ),
        MethodDef::method("__reduce__", "($self, /)", "", F1(reduce)),
        MethodDef::method("__dir__", "($self, /)", "", F1(dir)),
    ])
    .getset(&[
        GetSetDef::member("__origin__", "", |_, v| Ok(this(v).origin.clone())),
        GetSetDef::member("__args__", "", |_, v| Ok(this(v).args.clone().into())),
        GetSetDef::member("__unpacked__", "", |_, v| Ok(boolean(this(v).starred))),
        GetSetDef::get("__parameters__", "Type variables in the GenericAlias.", |vm, v| Ok(parameters(vm, v)?.into())),
        GetSetDef::get("__typing_unpacked_tuple_args__", "", |_, v| {
            let a = this(v);
            let unpacked = a.starred && a.origin.is(&crate::types::tuple::TUPLE.value());
            Ok(if unpacked { a.args.clone().into() } else { none() })
        }),
    ]);

fn this(v: &Value) -> &Py<GenericAlias> {
    v.downcast::<GenericAlias>().expect("a generic alias")
}

/// `origin[args]`; arguments other than a tuple are one argument.
pub fn alias(_: &mut Vm, origin: &Value, args: &Value) -> PyResult {
    Ok(make(origin, args, false))
}

fn make(origin: &Value, args: &Value, starred: bool) -> Value {
    let args = args.downcast::<Tuple>().cloned().unwrap_or_else(|| Tuple::from_vec(vec![args.clone()]));
    instance::new(GenericAlias { origin: origin.clone(), args, parameters: OnceCell::new(), starred }).into()
}

/// `__class_getitem__` of builtin classes (PEP 585).
pub fn class_getitem(vm: &mut Vm, class: &Value, item: &Value) -> PyResult {
    alias(vm, class, item)
}

fn new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    args.no_keywords(vm, "GenericAlias")?;
    let [origin, items] = args.pos() else {
        let n = args.len();
        return Err(vm.type_error(format!("GenericAlias expected 2 arguments, got {n}")));
    };
    let args = items.downcast::<Tuple>().cloned().unwrap_or_else(|| Tuple::from_vec(vec![items.clone()]));
    let payload = GenericAlias { origin: origin.clone(), args, parameters: OnceCell::new(), starred: false };
    Ok(instance::new_of(class, payload).into())
}

// ---- text -----------------------------------------------------------------------------------------------------------

/// Text of an origin or argument as annotations show it: classes by their qualified name (`_Py_typing_type_repr`).
pub fn type_repr(vm: &mut Vm, v: &Value) -> PyResult<String> {
    if v.is_static(&crate::types::singletons::ELLIPSIS) {
        return Ok("...".to_owned());
    }
    if v.is(&crate::types::singletons::NONE_TYPE.value()) {
        return Ok("None".to_owned());
    }
    let generic =
        vm.get_attr_opt(v, name!("__origin__"))?.is_some() && vm.get_attr_opt(v, name!("__args__"))?.is_some();
    if !generic {
        let qualname = vm.get_attr_opt(v, name!("__qualname__"))?;
        let module = vm.get_attr_opt(v, name!("__module__"))?;
        if let (Some(q), Some(m)) = (qualname, module) {
            if !m.is_none() {
                let (q, m) = (vm.str(&q)?.to_rust().into_owned(), vm.str(&m)?.to_rust().into_owned());
                return Ok(if m == "builtins" { q } else { format!("{m}.{q}") });
            }
        }
    }
    Ok(vm.repr(v)?.to_rust().into_owned())
}

fn argument_repr(vm: &mut Vm, v: &Value) -> PyResult<String> {
    let Some(list) = v.downcast::<List>() else {
        // `list[None]` has None itself as argument, and shows the same text.
        return type_repr(vm, v);
    };
    let mut parts = Vec::new();
    for item in list.to_vec() {
        parts.push(type_repr(vm, &item)?);
    }
    Ok(format!("[{}]", parts.join(", ")))
}

fn repr(vm: &mut Vm, v: &Value) -> PyResult {
    vm.check_recursion(" while getting the repr of an object")?;
    let a = this(v).clone();
    let mut parts = Vec::new();
    for item in a.args.items() {
        parts.push(argument_repr(vm, item)?);
    }
    let origin = type_repr(vm, &a.origin)?;
    let star = if a.starred { "*" } else { "" };
    let items = if parts.is_empty() { "()".to_owned() } else { parts.join(", ") };
    Ok(vm.new_str(&format!("{star}{origin}[{items}]")))
}

fn hash(vm: &mut Vm, v: &Value) -> PyResult<i64> {
    let a = this(v).clone();
    let h = vm.hash(&a.origin)? ^ vm.hash(a.args.as_value())?;
    Ok(if h == -1 { -2 } else { h })
}

fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    let (Some(x), Some(y)) = (a.downcast::<GenericAlias>(), b.downcast::<GenericAlias>()) else {
        return Ok(not_implemented());
    };
    if !matches!(op, CmpOp::Eq | CmpOp::Ne) {
        return Ok(not_implemented());
    }
    let (x, y) = (x.clone(), y.clone());
    let equal =
        x.starred == y.starred && vm.eq(&x.origin, &y.origin)? && vm.eq(x.args.as_value(), y.args.as_value())?;
    Ok(boolean(equal == (op == CmpOp::Eq)))
}

// ---- behaving as the origin -----------------------------------------------------------------------------------------

/// Attributes that are the alias's own; all others are the origin's.
const OWN: &[&str] = &[
    "__class__",
    "__origin__",
    "__args__",
    "__unpacked__",
    "__parameters__",
    "__typing_unpacked_tuple_args__",
    "__mro_entries__",
    "__reduce_ex__",
    "__reduce__",
];
/// Attributes that are not taken from the origin, so that an alias is not mistaken for a class.
const BLOCKED: &[&str] = &["__bases__", "__copy__", "__deepcopy__"];

fn getattr(vm: &mut Vm, v: &Value, name: &Py<Str>) -> PyResult {
    let text = name.as_ascii().unwrap_or("");
    if OWN.contains(&text) || BLOCKED.contains(&text) {
        return generic_getattr(vm, v, name);
    }
    let origin = this(v).origin.clone();
    vm.get_attr(&origin, name)
}

/// Calls the origin and tells the new object what it was made from.
fn call(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult {
    let origin = this(v).origin.clone();
    let object = vm.call_args(&origin, args)?;
    if let Err(r) = vm.set_attr(&object, name!("__orig_class__"), v) {
        if !vm.error_is(&ATTRIBUTE_ERROR) && !vm.error_is(&TYPE_ERROR) {
            return Err(r);
        }
        vm.clear_error();
    }
    Ok(object)
}

fn reduce(vm: &mut Vm, v: &Value) -> PyResult {
    let a = this(v).clone();
    if a.starred {
        let plain = make(&a.origin, a.args.as_value(), false);
        let it = vm.iter(&plain)?;
        let next = vm.import_attr("builtins", "next")?;
        return Ok(Tuple::from_vec(vec![next, Tuple::from_vec(vec![it]).into()]).into());
    }
    let args = Tuple::from_vec(vec![a.origin.clone(), a.args.clone().into()]);
    Ok(Tuple::from_vec(vec![GENERIC_ALIAS.value(), args.into()]).into())
}

fn dir(vm: &mut Vm, v: &Value) -> PyResult {
    let origin = this(v).origin.clone();
    let dir = vm.import_attr("builtins", "dir")?;
    let names = vm.call1(&dir, &origin)?;
    let mut names = vm.collect(&names)?;
    for own in OWN {
        let own: Value = vm.intern(own).into();
        let mut known = false;
        for n in &names {
            known = known || vm.eq(n, &own)?;
        }
        if !known {
            names.push(own);
        }
    }
    Ok(List::from_vec(names).into())
}

// ---- iteration: `*tuple[int]` ---------------------------------------------------------------------------------------

/// Payload of `generic_alias_iterator`: gives the starred alias once.
pub struct AliasIter {
    alias: RefCell<Option<Value>>,
}
// SAFETY: made by `TypeDef::new::<AliasIter>`; the one value is visited.
unsafe impl Payload for AliasIter {
    const DEF: &'static TypeDef = &ALIAS_ITER;
    fn traverse(&self, visit: &mut Visit<'_>) {
        self.alias.borrow().iter().for_each(visit);
    }
    fn clear(&mut self) {
        drop(self.alias.get_mut().take());
    }
}
impl Frozen for AliasIter {}

/// `generic_alias_iterator`.
pub static ALIAS_ITER: TypeDef = TypeDef::new::<AliasIter>("generic_alias_iterator")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(24, 0)
    .slots(Slots {
        iter: Some(|_, v| Ok(v.clone())),
        next: Some(|_, v| {
            let taken = v.downcast::<AliasIter>().and_then(|it| it.alias.borrow_mut().take());
            Ok(taken.map(|a| make(&this(&a).origin, this(&a).args.as_value(), true)))
        }),
        ..Slots::NONE
    })
    .methods(&[MethodDef::method(
        "__reduce__",
        "($self, /)",
        "",
        F1(|vm, v| {
            let left = v.downcast::<AliasIter>().and_then(|it| it.alias.borrow().clone());
            let iter = vm.import_attr("builtins", "iter")?;
            let args = left.unwrap_or_else(|| Tuple::empty().into());
            Ok(Tuple::from_vec(vec![iter, Tuple::from_vec(vec![args]).into()]).into())
        }),
    )]);

fn iter(_: &mut Vm, v: &Value) -> PyResult {
    Ok(instance::new(AliasIter { alias: RefCell::new(Some(v.clone())) }).into())
}

// ---- type variables -------------------------------------------------------------------------------------------------

fn parameters(vm: &mut Vm, v: &Value) -> PyResult<Py<Tuple>> {
    let a = this(v).clone();
    if let Some(p) = a.parameters.get() {
        return Ok(p.clone());
    }
    let made = make_parameters(vm, a.args.items())?;
    Ok(a.parameters.get_or_init(|| made).clone())
}

/// An attribute that is absent or `None` otherwise.
fn attribute(vm: &mut Vm, v: &Value, name: &Py<Str>) -> PyResult<Option<Value>> {
    Ok(vm.get_attr_opt(v, name)?.filter(|x| !x.is_none()))
}

fn sequence_items(v: &Value) -> Option<Vec<Value>> {
    if let Some(t) = v.downcast::<Tuple>() {
        return Some(t.items().to_vec());
    }
    v.downcast::<List>().map(Py::<List>::to_vec)
}

/// The type variables in type arguments, each once, in order (`_Py_make_parameters`).
pub fn make_parameters(vm: &mut Vm, args: &[Value]) -> PyResult<Py<Tuple>> {
    let mut out: Vec<Value> = Vec::new();
    let mut add = |x: &Value| {
        if !out.iter().any(|o| o.is(x)) {
            out.push(x.clone());
        }
    };
    for arg in args {
        if typeobject::as_class(arg).is_some() {
            continue;
        }
        if attribute(vm, arg, name!("__typing_subst__"))?.is_some() {
            add(arg);
        } else if let Some(items) = sequence_items(arg) {
            vm.check_recursion(" in type parameters")?;
            make_parameters(vm, &items)?.items().iter().for_each(&mut add);
        } else if let Some(inner) = attribute(vm, arg, name!("__parameters__"))? {
            if let Some(t) = inner.downcast::<Tuple>() {
                t.items().iter().for_each(&mut add);
            }
        }
    }
    Ok(Tuple::from_vec(out))
}

/// The arguments with unpacked tuples laid out.
fn unpack_arguments(vm: &mut Vm, item: &Value) -> PyResult<Vec<Value>> {
    let items = match item.downcast::<Tuple>() {
        Some(t) => t.items().to_vec(),
        None => vec![item.clone()],
    };
    let mut out = Vec::with_capacity(items.len());
    for x in items {
        if typeobject::as_class(&x).is_none() {
            if let Some(inner) = attribute(vm, &x, name!("__typing_unpacked_tuple_args__"))? {
                if let Some(t) = inner.downcast::<Tuple>() {
                    let open = t.items().last().is_some_and(|l| l.is_static(&crate::types::singletons::ELLIPSIS));
                    if !open {
                        out.extend(t.items().iter().cloned());
                        continue;
                    }
                }
            }
        }
        out.push(x);
    }
    Ok(out)
}

/// The type arguments after substitution of `parameters` by `item` (`_Py_subs_parameters`). `whole` is the subscripted
/// object, for the variables' own hooks and for messages.
pub fn substitute(
    vm: &mut Vm,
    whole: &Value,
    args: &[Value],
    parameters: &Py<Tuple>,
    item: &Value,
) -> PyResult<Vec<Value>> {
    if parameters.len() == 0 {
        let shown = vm.repr(whole)?;
        return Err(vm.type_error(format!("{} is not a generic class", shown.to_rust())));
    }
    let mut items = unpack_arguments(vm, item)?;
    for p in parameters.items() {
        if let Some(prepare) = attribute(vm, p, name!("__typing_prepare_subst__"))? {
            let tuple = Tuple::from_vec(items).into();
            let r = vm.call(&prepare, &[whole.clone(), tuple])?;
            items = match r.downcast::<Tuple>() {
                Some(t) => t.items().to_vec(),
                None => vec![r],
            };
        }
    }
    if items.len() != parameters.len() {
        let shown = vm.repr(whole)?;
        let (word, least) = if items.len() > parameters.len() { ("many", "") } else { ("few", "at least ") };
        return Err(vm.type_error(format!(
            "Too {word} arguments for {}; actual {}, expected {least}{}",
            shown.to_rust(),
            items.len(),
            parameters.len()
        )));
    }
    replace_all(vm, args, parameters, &items)
}

fn replace_all(vm: &mut Vm, args: &[Value], parameters: &Py<Tuple>, items: &[Value]) -> PyResult<Vec<Value>> {
    let mut out = Vec::with_capacity(args.len());
    for arg in args {
        if typeobject::as_class(arg).is_some() {
            out.push(arg.clone());
            continue;
        }
        if let Some(inner) = sequence_items(arg) {
            vm.check_recursion(" in type parameters")?;
            let inner = replace_all(vm, &inner, parameters, items)?;
            out.push(match arg.downcast::<Tuple>() {
                Some(_) => Tuple::from_vec(inner).into(),
                None => List::from_vec(inner).into(),
            });
            continue;
        }
        let unpacked = match vm.get_attr_opt(arg, name!("__typing_is_unpacked_typevartuple__"))? {
            Some(x) => vm.truth(&x)?,
            None => false,
        };
        let new = match attribute(vm, arg, name!("__typing_subst__"))? {
            Some(subst) => match parameters.items().iter().position(|p| p.is(arg)) {
                Some(i) => vm.call1(&subst, &items[i])?,
                None => arg.clone(),
            },
            None => replace_inner(vm, arg, parameters, items)?,
        };
        if unpacked {
            match new.downcast::<Tuple>() {
                Some(t) => out.extend(t.items().iter().cloned()),
                None => {
                    let (of, got) = (arg.class().payload.name(), new.class().payload.name());
                    let text = format!("expected __typing_subst__ of {of} objects to return a tuple, not {got}");
                    return Err(vm.type_error(text));
                }
            }
        } else {
            out.push(new);
        }
    }
    Ok(out)
}

/// Substitutes inside an argument that is generic itself, by subscripting it.
fn replace_inner(vm: &mut Vm, arg: &Value, parameters: &Py<Tuple>, items: &[Value]) -> PyResult {
    let Some(inner) = attribute(vm, arg, name!("__parameters__"))? else { return Ok(arg.clone()) };
    let Some(inner) = inner.downcast::<Tuple>().filter(|t| t.len() != 0) else { return Ok(arg.clone()) };
    let mut new = Vec::new();
    for p in inner.items() {
        match parameters.items().iter().position(|q| q.is(p)) {
            Some(i) => match items[i].downcast::<Tuple>() {
                // What stands for a TypeVarTuple is laid out.
                Some(t) if p.class().payload.slots().iter.is_some() => new.extend(t.items().iter().cloned()),
                _ => new.push(items[i].clone()),
            },
            None => new.push(p.clone()),
        }
    }
    let key = Tuple::from_vec(new).into();
    vm.get_item(arg, &key)
}

fn subscript(vm: &mut Vm, v: &Value, item: &Value) -> PyResult {
    let a = this(v).clone();
    let parameters = parameters(vm, v)?;
    let new = substitute(vm, v, a.args.items(), &parameters, item)?;
    let args = Tuple::from_vec(new).into();
    Ok(make(&a.origin, &args, a.starred))
}
