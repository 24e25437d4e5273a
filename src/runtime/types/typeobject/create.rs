//! Making classes: `type.__new__(meta, name, bases, namespace, **kwargs)`.
//!
//! The order of steps is observable (`__set_name__` before `__init_subclass__`, which error comes first) and follows
//! `type_new` of `Objects/typeobject.c`.

use super::attributes::check_name;
use super::{as_class, is_subtype, layout, lookup, modified, mro, same, tuple_items};
use crate::name;
use crate::object::typedef::NewFn;
use crate::object::{Py, PyResult, Type, TypeDef, TypeFlags, TypeObj, Value, instance, none};
use crate::types::cell::CellObject;
use crate::types::descr::{classmethod, members, superobject};
use crate::types::dict::Dict;
use crate::types::function::Function;
use crate::types::object::{DICT_GETSET, OBJECT, WEAKREF_GETSET};
use crate::types::slots;
use crate::types::str::Str;
use crate::types::str::intern::intern;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::Args;

/// Most inline attribute words a class starts with.
const MAX_FIRST_CAP: usize = crate::object::shape::MAX_INLINE as usize;

/// `type.__new__`.
pub fn type_new(vm: &mut Vm, meta: &Py<Type>, args: &Args<'_>) -> PyResult {
    let (name, bases, namespace) = arguments(vm, args)?;
    for b in bases.items() {
        if as_class(b).is_none() && vm.get_attr_opt(b, name!("__mro_entries__"))?.is_some() {
            return Err(vm.type_error("type() doesn't support MRO entry resolution; use types.new_class()"));
        }
    }
    let winner = calculate_metaclass(vm, meta, bases.items())?;
    if !same(winner.get_type(), meta.get_type()) {
        let new = winner.get_type().payload.slots().new;
        if let Some(new) = new.filter(|&f| !std::ptr::fn_addr_eq(f, type_new as NewFn)) {
            return new(vm, &winner, args);
        }
    }
    let bases = if bases.len() == 0 { Tuple::from_vec(vec![OBJECT.value()]) } else { bases };
    let class = build(vm, &winner, &name, &bases, &namespace)?;
    set_names(vm, &class)?;
    init_subclass(vm, &class, args)?;
    Ok(class.into())
}

fn arguments(vm: &mut Vm, args: &Args<'_>) -> PyResult<(Py<Str>, Py<Tuple>, Py<Dict>)> {
    let [name, bases, namespace] = args.pos() else {
        let n = args.len();
        return Err(vm.type_error(format!("type.__new__() takes exactly 3 arguments ({n} given)")));
    };
    let wrong = |vm: &mut Vm, i: usize, want: &str, v: &Value| {
        let got = v.class().payload.name();
        vm.type_error(format!("type.__new__() argument {i} must be {want}, not {got}"))
    };
    let Some(name) = name.downcast::<Str>() else { return Err(wrong(vm, 1, "str", name)) };
    let Some(bases) = bases.downcast::<Tuple>() else { return Err(wrong(vm, 2, "tuple", bases)) };
    let Some(namespace) = namespace.downcast::<Dict>() else { return Err(wrong(vm, 3, "dict", namespace)) };
    Ok((name.clone(), bases.clone(), namespace.clone()))
}

/// The most derived metaclass of `meta` and those of the bases.
pub fn calculate_metaclass(vm: &mut Vm, meta: &Py<Type>, bases: &[Value]) -> PyResult<Py<Type>> {
    let mut winner = meta.clone();
    for b in bases {
        let candidate = Py::of(b.class());
        if is_subtype(winner.get_type(), candidate.get_type()) {
            continue;
        }
        if !is_subtype(candidate.get_type(), winner.get_type()) {
            return Err(vm.type_error(
                "metaclass conflict: the metaclass of a derived class must be a (non-strict) subclass of the \
                 metaclasses of all its bases",
            ));
        }
        winner = candidate;
    }
    Ok(winner)
}

/// What `__slots__` (or its absence) asks for.
struct Plan {
    /// Names of new slots, mangled and sorted; `None`: no `__slots__`.
    names: Option<Vec<Py<Str>>>,
    add_dict: bool,
    add_weakref: bool,
}

/// Makes the class, up to but without the calls of Python code that tell others of it.
fn build(vm: &mut Vm, meta: &Py<Type>, name: &Py<Str>, bases: &Py<Tuple>, namespace: &Py<Dict>) -> PyResult<Py<Type>> {
    let base = layout::best_base(vm, bases.items())?;
    let dict = copy_namespace(vm, namespace)?;
    let plan = plan(vm, name, bases, base.get_type(), &dict)?;
    let text = check_name(vm, name)?;
    let qualname = match dict.remove_str(name!("__qualname__")) {
        Some(q) if q.downcast::<Str>().is_some() => q,
        Some(q) => {
            let got = q.class().payload.name();
            return Err(vm.type_error(format!("type __qualname__ must be a str, not {got}")));
        }
        None => name.as_value().clone(),
    };
    if dict.lookup_str(name!("__module__")).is_none() {
        if let Some(module) = vm.globals().and_then(|g| g.lookup_str(name!("__name__"))) {
            dict.store_str(name!("__module__"), module);
        }
    }
    special_functions(&dict);
    let class_cell = take_cell(vm, &dict, name!("__classcell__"), "__classcell__")?;
    let dict_cell = take_cell(vm, &dict, name!("__classdictcell__"), "__classdictcell__")?;

    let class = instance::new_of(meta, Type::blank());
    let t = class.get_type();
    describe(t, base.get_type(), &plan, &dict);
    t.payload.name.replace(text);
    t.payload.dict.replace(Some(dict.clone()));
    {
        let mut extra = t.payload.extra.borrow_mut();
        extra.bases = Some(bases.as_value().clone());
        extra.qualname = Some(qualname);
        extra.name_object = Some(name.as_value().clone());
        extra.slot_names = plan.names.clone().unwrap_or_default();
    }
    add_descriptors(&class, base.get_type(), &plan, &dict);
    mro::update(vm, &class)?;
    inherit_flags(t);
    slots::fill(t, base.get_type());
    for b in bases.items().iter().filter_map(as_class) {
        super::add_subclass(b.get_type(), t);
    }
    modified(t);
    if let Some(cell) = class_cell {
        drop(cell.replace(Some(class.as_value().clone())));
    }
    if let Some(cell) = dict_cell {
        drop(cell.replace(Some(dict.into())));
    }
    Ok(class)
}

/// A copy of the namespace, string keys interned.
fn copy_namespace(vm: &mut Vm, namespace: &Py<Dict>) -> PyResult<Py<Dict>> {
    let dict = Dict::new_object();
    for (key, value) in namespace.pairs() {
        match key.downcast_exact::<Str>() {
            Some(s) => dict.store_str(&intern(s.clone()), value),
            None => dict.set_item(vm, &key, value)?,
        }
    }
    Ok(dict)
}

/// `__new__` becomes a static method, `__init_subclass__` and `__class_getitem__` class methods.
fn special_functions(dict: &Py<Dict>) {
    if let Some(f) = dict.lookup_str(name!("__new__")).filter(|f| f.is_exact::<Function>()) {
        dict.store_str(name!("__new__"), classmethod::new_static(f));
    }
    for key in [name!("__init_subclass__"), name!("__class_getitem__")] {
        if let Some(f) = dict.lookup_str(key).filter(|f| f.is_exact::<Function>()) {
            dict.store_str(key, classmethod::new_class(f));
        }
    }
}

fn take_cell(vm: &mut Vm, dict: &Py<Dict>, key: &Py<Str>, text: &str) -> PyResult<Option<Py<CellObject>>> {
    let Some(cell) = dict.remove_str(key) else { return Ok(None) };
    match cell.downcast::<CellObject>() {
        Some(cell) => Ok(Some(cell.clone())),
        None => {
            let class = vm.repr(&cell.class_value())?;
            Err(vm.type_error(format!("{text} must be a nonlocal cell, not {}", class.to_rust())))
        }
    }
}

/// Fills in what instances look like.
fn describe(t: &TypeObj, base: &TypeObj, plan: &Plan, dict: &Py<Dict>) {
    let (p, b) = (&t.payload, &base.payload);
    let inherited = TypeFlags::INT_SUBCLASS
        | TypeFlags::LIST_SUBCLASS
        | TypeFlags::TUPLE_SUBCLASS
        | TypeFlags::BYTES_SUBCLASS
        | TypeFlags::STR_SUBCLASS
        | TypeFlags::DICT_SUBCLASS
        | TypeFlags::EXC_SUBCLASS
        | TypeFlags::TYPE_SUBCLASS
        | TypeFlags::MATCH_SELF
        | TypeFlags::HAS_DICT
        | TypeFlags::WEAKREFABLE;
    let mut flags = (b.flags.get() & inherited) | TypeFlags::HAVE_GC | TypeFlags::HEAP | TypeFlags::BASETYPE;
    flags.set(TypeFlags::HAS_DICT, flags.contains(TypeFlags::HAS_DICT) || plan.add_dict);
    flags.set(TypeFlags::WEAKREFABLE, flags.contains(TypeFlags::WEAKREFABLE) || plan.add_weakref);
    p.flags.set(flags);
    p.basicsize.set(b.basicsize.get());
    p.itemsize.set(b.itemsize.get());
    p.layout.set(b.layout.get());
    p.base.set(base);
    p.dealloc.set(instance::dealloc_heap_instance);
    p.slot_words.set(b.slot_words.get() + plan.names.as_ref().map_or(0, Vec::len) as u32);
    if flags.contains(TypeFlags::HAS_DICT) {
        // The compiler has listed the attributes that methods assign; more room comes when instances turn out to need it.
        let listed = dict.lookup_str(name!("__static_attributes__"));
        let listed = listed.as_ref().map_or(0, |t| tuple_items(t).len());
        p.inline_cap.set((b.inline_cap.get() as usize + listed).min(MAX_FIRST_CAP) as u32);
    }
}

/// Flags of pattern matching come from the first base that has them.
fn inherit_flags(t: &TypeObj) {
    let collection = TypeFlags::SEQUENCE | TypeFlags::MAPPING;
    let found = super::mro_of(t).iter().map(|c| c.get_type().payload.flags.get() & collection).find(|f| !f.is_empty());
    let mut flags = t.payload.flags.get() | TypeFlags::READY;
    flags |= found.unwrap_or(TypeFlags::empty());
    t.payload.flags.set(flags);
}

/// Member descriptors of `__slots__`, then `__dict__`, `__weakref__`, `__doc__` and a `__hash__` of `None`.
fn add_descriptors(class: &Py<Type>, base: &TypeObj, plan: &Plan, dict: &Py<Dict>) {
    let first = base.payload.slot_words.get() as usize;
    for (i, name) in plan.names.iter().flatten().enumerate() {
        dict.store_str(name, members::slot_member(class, name, first + i));
    }
    // What the class body calls so stays.
    if plan.add_dict && dict.lookup_str(name!("__dict__")).is_none() {
        dict.store_str(name!("__dict__"), members::getset_descriptor(&DICT_GETSET, class));
    }
    if plan.add_weakref && dict.lookup_str(name!("__weakref__")).is_none() {
        dict.store_str(name!("__weakref__"), members::getset_descriptor(&WEAKREF_GETSET, class));
    }
    if dict.lookup_str(name!("__doc__")).is_none() {
        dict.store_str(name!("__doc__"), none());
    }
    if dict.lookup_str(name!("__eq__")).is_some() && dict.lookup_str(name!("__hash__")).is_none() {
        dict.store_str(name!("__hash__"), none());
    }
}

// ---- __slots__ ------------------------------------------------------------------------------------------------------

fn plan(vm: &mut Vm, class: &Py<Str>, bases: &Py<Tuple>, base: &TypeObj, dict: &Py<Dict>) -> PyResult<Plan> {
    let may_dict = !layout::has_dict(base);
    let may_weakref = !base.payload.has(TypeFlags::WEAKREFABLE) && layout::cpython_itemsize(base) == 0;
    let Some(slots) = dict.lookup_str(name!("__slots__")) else {
        return Ok(Plan { names: None, add_dict: may_dict, add_weakref: may_weakref });
    };
    let listed = if slots.downcast::<Str>().is_some() { vec![slots] } else { vm.collect(&slots)? };
    if !listed.is_empty() && layout::cpython_itemsize(base) != 0 {
        let name = base.payload.name();
        return Err(vm.type_error(format!("nonempty __slots__ not supported for subtype of '{name}'")));
    }
    let mut plan = Plan { names: None, add_dict: false, add_weakref: false };
    let mut names: Vec<Py<Str>> = Vec::new();
    let mut texts = Vec::new();
    for item in &listed {
        let Some(s) = item.downcast::<Str>() else {
            let got = item.class().payload.name();
            return Err(vm.type_error(format!("__slots__ items must be strings, not '{got}'")));
        };
        if !is_identifier(s) {
            return Err(vm.type_error("__slots__ must be identifiers"));
        }
        if s.is_text("__dict__") {
            if !may_dict || plan.add_dict {
                return Err(vm.type_error("__dict__ slot disallowed: we already got one"));
            }
            plan.add_dict = true;
        } else if s.is_text("__weakref__") {
            if !may_weakref || plan.add_weakref {
                return Err(vm.type_error("__weakref__ slot disallowed: we already got one"));
            }
            plan.add_weakref = true;
        } else {
            texts.push(s.clone());
        }
    }
    for s in texts {
        let name = intern(mangle(class, &s));
        let removed_later = ["__qualname__", "__classcell__", "__classdictcell__"].iter().any(|n| name.is_text(n));
        if dict.lookup_str(&name).is_some() && !removed_later {
            let shown = vm.repr(name.as_value())?;
            return Err(vm.value_error(format!("{} in __slots__ conflicts with class variable", shown.to_rust())));
        }
        names.push(name);
    }
    names.sort_by(|a, b| a.code_points().cmp(b.code_points()));
    plan.names = Some(names);
    // Secondary bases may provide a dict or weak references.
    if bases.len() > 1 {
        for b in bases.items().iter().filter_map(as_class).filter(|b| !same(b.get_type(), base)) {
            let b = b.get_type();
            plan.add_dict |= may_dict && layout::has_dict(b);
            plan.add_weakref |= may_weakref && b.payload.has(TypeFlags::WEAKREFABLE);
        }
    }
    Ok(plan)
}

/// Whether the text is an identifier (PEP 3131).
fn is_identifier(s: &Str) -> bool {
    crate::with_units!(s.units(), u => taipan_base::unicode::is_identifier(u))
}

/// `__x` becomes `_Class__x` (private names).
fn mangle(class: &Py<Str>, name: &Py<Str>) -> Py<Str> {
    let text = name.to_rust();
    if !text.starts_with("__") || text.ends_with("__") || text.contains('.') {
        return name.clone();
    }
    let class = class.to_rust();
    let class = class.trim_start_matches('_');
    if class.is_empty() { name.clone() } else { Str::from_rust(&format!("_{class}{text}")) }
}

// ---- telling others -------------------------------------------------------------------------------------------------

/// Calls `__set_name__` of everything in the class that has it.
fn set_names(vm: &mut Vm, class: &Py<Type>) -> PyResult<()> {
    for (key, value) in class.get_type().payload.dict().pairs() {
        let Some(f) = lookup(value.class(), name!("__set_name__")) else { continue };
        let r = slots::generic::call_found(vm, &value, &f, &[class.as_value(), &key]);
        if r.is_err() {
            let e = vm.take_error();
            let key = vm.repr(&key)?;
            let text = format!(
                "Error calling __set_name__ on '{}' instance {} in '{}'",
                value.class().payload.name(),
                key.to_rust(),
                class.get_type().payload.name()
            );
            let note = vm.new_str(&text);
            vm.call_method(&e, "add_note", &[note])?;
            vm.set_pending(e);
            return Err(vm.already_raised());
        }
    }
    Ok(())
}

/// `super(cls, cls).__init_subclass__(**kwargs)`.
fn init_subclass(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult<()> {
    let name = name!("__init_subclass__");
    let Some((owner, found)) = superobject::find_after(class.get_type(), class.get_type(), name) else { return Ok(()) };
    if same(owner.get_type(), OBJECT.object()) && !args.has_keywords() {
        return Ok(());
    }
    let bound = match found.class().payload.slots().descr_get {
        Some(get) => get(vm, &found, None, Some(class.as_value()))?,
        None => found,
    };
    let keywords = Args::new(&args.all()[args.len()..], args.kwnames());
    vm.call_args(&bound, &keywords)?;
    Ok(())
}

/// The class of a builtin declaration, for native code that makes subclasses (`collections.namedtuple`, exceptions).
pub fn subclass(vm: &mut Vm, name: &str, base: &'static TypeDef, module: &str) -> PyResult<Py<Type>> {
    let dict = Dict::new_object();
    let module = vm.new_str(module);
    dict.store_str(name!("__module__"), module);
    let args = [vm.new_str(name), Tuple::from_vec(vec![base.value()]).into(), dict.into()];
    let class = type_new(vm, &Py::of(base.value().class()), &Args::positional(&args))?;
    class.into_py::<Type>().map_err(|_| vm.system_error("a metaclass that makes no types"))
}
