//! `_abc` (`Modules/_abc.c`): registration and caches of abstract base classes (PEP 3119).
//!
//! Classes are remembered by weak references, keyed by address: an entry counts only while its reference still leads to
//! the class asked for, so that an address used again is never mistaken for the class that had it.

use rustc_hash::FxHashMap;
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU64, Ordering};
use taipan_runtime::import::ModuleDef;
use taipan_runtime::name;
use taipan_runtime::object::NativeFn::{F0, F1, F2};
use taipan_runtime::object::typedef::{Payload, Visit};
use taipan_runtime::object::value::Frozen;
use taipan_runtime::object::{MethodDef, Py, PyResult, Type, TypeDef, TypeFlags, Value, boolean, instance, none};
use taipan_runtime::types::exceptions::ATTRIBUTE_ERROR;
use taipan_runtime::types::int::Int;
use taipan_runtime::types::set;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::typeobject::{self, as_class, same};
use taipan_runtime::types::weakref::{self, WeakRef};
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::ops::is_not_implemented;

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_abc")
    .doc("What abc.ABCMeta is made of.")
    .functions(&[
        MethodDef::function(
            "get_cache_token",
            "($module, /)",
            "Returns the current ABC cache token, which changes with every registration of a class.",
            F0(|_| Ok(Int::from_u64(token()))),
        ),
        MethodDef::function("_abc_init", "($module, self, /)", "Prepares a new abstract base class.", F1(init)),
        MethodDef::function(
            "_reset_registry",
            "($module, self, /)",
            "Forgets the registered classes.",
            F1(|vm, c| {
                let data = data_of(vm, c)?;
                data.registry.take();
                Ok(none())
            }),
        ),
        MethodDef::function(
            "_reset_caches",
            "($module, self, /)",
            "Forgets the answers given so far.",
            F1(|vm, c| {
                let data = data_of(vm, c)?;
                data.cache.take();
                data.negative.take();
                Ok(none())
            }),
        ),
        MethodDef::function(
            "_get_dump",
            "($module, self, /)",
            "The registry, both caches, and the token the negative one belongs to.",
            F1(dump),
        ),
        MethodDef::function("_abc_register", "($module, self, subclass, /)", "Registers a class.", F2(register)),
        MethodDef::function(
            "_abc_instancecheck",
            "($module, self, instance, /)",
            "Answers isinstance().",
            F2(instance_check),
        ),
        MethodDef::function(
            "_abc_subclasscheck",
            "($module, self, subclass, /)",
            "Answers issubclass().",
            F2(|vm, c, s| subclass_check(vm, c, s).map(boolean)),
        ),
    ])
    .types(&[&ABC_DATA]);

/// Classes, weakly.
type Classes = FxHashMap<usize, Py<WeakRef>>;

/// Payload of `_abc._abc_data`: what an abstract base class remembers.
pub struct AbcData {
    registry: RefCell<Classes>,
    cache: RefCell<Classes>,
    negative: RefCell<Classes>,
    /// Token when the negative cache was begun.
    negative_token: Cell<u64>,
}
// SAFETY: made by `TypeDef::new::<AbcData>`; every weak reference is visited.
unsafe impl Payload for AbcData {
    const DEF: &'static TypeDef = &ABC_DATA;
    fn traverse(&self, visit: &mut Visit<'_>) {
        for classes in [&self.registry, &self.cache, &self.negative] {
            classes.borrow().values().for_each(|w| visit(w.as_value()));
        }
    }
    fn clear(&mut self) {
        drop((self.registry.take(), self.cache.take(), self.negative.take()));
    }
}
impl Frozen for AbcData {}

/// `_abc._abc_data`.
pub static ABC_DATA: TypeDef = TypeDef::new::<AbcData>("_abc._abc_data")
    .doc("Internal state held by ABC machinery.")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(48, 0);

/// Number of registrations so far: negative answers from before a registration may be wrong.
static REGISTRATIONS: AtomicU64 = AtomicU64::new(0);

/// The token that names the present state of all registries.
fn token() -> u64 {
    REGISTRATIONS.load(Ordering::Relaxed)
}

fn data_of(vm: &mut Vm, class: &Value) -> PyResult<Py<AbcData>> {
    let found = match as_class(class) {
        Some(c) => typeobject::lookup(c.get_type(), name!("_abc_impl")),
        None => None,
    };
    let found = match found {
        Some(f) => f,
        None => vm.get_attr(class, name!("_abc_impl"))?,
    };
    match found.into_py::<AbcData>() {
        Ok(d) => Ok(d),
        Err(_) => Err(vm.type_error("_abc_impl is set to a wrong type")),
    }
}

fn contains(classes: &RefCell<Classes>, class: &Value) -> bool {
    classes.borrow().get(&class.word()).is_some_and(|w| w.target().is_some_and(|t| t.is(class)))
}

fn add(vm: &mut Vm, classes: &RefCell<Classes>, class: &Value) -> PyResult<()> {
    let w = weakref::make(vm, &weakref::REF.class(), class, None)?;
    let Ok(w) = w.into_py::<WeakRef>() else { return Ok(()) };
    let mut classes = classes.borrow_mut();
    if classes.len() == classes.capacity() {
        classes.retain(|_, w| w.target().is_some());
    }
    let old = classes.insert(class.word(), w);
    drop(classes);
    drop(old);
    Ok(())
}

// ---- making an abstract class ---------------------------------------------------------------------------------------

fn is_abstract(vm: &mut Vm, v: &Value) -> PyResult<bool> {
    match vm.get_attr_opt(v, name!("__isabstractmethod__"))? {
        Some(x) => vm.truth(&x),
        None => Ok(false),
    }
}

/// Names of methods that are abstract here, own ones and those of the bases that are not overridden.
fn abstract_names(vm: &mut Vm, class: &Value) -> PyResult<Vec<Value>> {
    let mut names = Vec::new();
    let own = match as_class(class) {
        Some(c) => c.get_type().payload.dict().pairs(),
        None => Vec::new(),
    };
    for (key, value) in own {
        if is_abstract(vm, &value)? {
            names.push(key);
        }
    }
    let bases = vm.get_attr(class, name!("__bases__"))?;
    for base in vm.collect(&bases)? {
        let Some(inherited) = vm.get_attr_opt(&base, name!("__abstractmethods__"))? else { continue };
        for key in vm.collect(&inherited)? {
            let name = vm.expect_str(&key, "abstract method name")?.clone();
            let name = taipan_runtime::types::str::intern::intern(name);
            let r = vm.get_attr(class, &name);
            if let Some(value) = vm.suppress(r, &ATTRIBUTE_ERROR)? {
                if is_abstract(vm, &value)? {
                    names.push(key);
                }
            }
        }
    }
    Ok(names)
}

fn init(vm: &mut Vm, class: &Value) -> PyResult {
    let names = abstract_names(vm, class)?;
    let names = set::frozen_from_items(vm, &names)?;
    vm.set_attr(class, name!("__abstractmethods__"), &names)?;
    let data = AbcData {
        registry: RefCell::default(),
        cache: RefCell::default(),
        negative: RefCell::default(),
        negative_token: Cell::new(token()),
    };
    vm.set_attr(class, name!("_abc_impl"), &instance::new(data).into())?;
    collection_flags(vm, class)?;
    Ok(none())
}

/// `__abc_tpflags__` in a class body says that instances match sequence or mapping patterns.
fn collection_flags(vm: &mut Vm, class: &Value) -> PyResult<()> {
    const SEQUENCE: i64 = 1 << 5;
    const MAPPING: i64 = 1 << 6;
    let Some(c) = as_class(class) else { return Ok(()) };
    let t = &c.get_type().payload;
    let Some(v) = t.dict().lookup_str(name!("__abc_tpflags__")) else { return Ok(()) };
    let Some(bits) = v.as_small() else { return Ok(()) };
    if bits & (SEQUENCE | MAPPING) == SEQUENCE | MAPPING {
        return Err(vm.type_error("__abc_tpflags__ cannot be both Py_TPFLAGS_SEQUENCE and Py_TPFLAGS_MAPPING"));
    }
    let mut flags = t.flags.get();
    flags.set(TypeFlags::SEQUENCE, flags.contains(TypeFlags::SEQUENCE) || bits & SEQUENCE != 0);
    flags.set(TypeFlags::MAPPING, flags.contains(TypeFlags::MAPPING) || bits & MAPPING != 0);
    t.flags.set(flags);
    t.dict().remove_str(name!("__abc_tpflags__"));
    typeobject::modified(c.get_type());
    Ok(())
}

// ---- registration ---------------------------------------------------------------------------------------------------

fn register(vm: &mut Vm, class: &Value, subclass: &Value) -> PyResult {
    let Some(sub) = as_class(subclass).cloned() else { return Err(vm.type_error("Can only register classes")) };
    if vm.is_subclass(subclass, class)? {
        return Ok(subclass.clone());
    }
    // A class that is above this one would make the question of subclasses circular.
    if vm.is_subclass(class, subclass)? {
        return Err(vm.runtime_error("Refusing to create an inheritance cycle"));
    }
    let data = data_of(vm, class)?;
    add(vm, &data.registry, subclass)?;
    REGISTRATIONS.fetch_add(1, Ordering::Relaxed);
    if let Some(c) = as_class(class) {
        let flags = c.get_type().payload.flags.get() & (TypeFlags::SEQUENCE | TypeFlags::MAPPING);
        if !flags.is_empty() {
            spread_flags(&sub, flags);
        }
    }
    Ok(subclass.clone())
}

/// Registered classes match the patterns that the abstract class matches.
fn spread_flags(class: &Py<Type>, new: TypeFlags) {
    let t = class.get_type();
    if t.payload.has(TypeFlags::IMMUTABLE) {
        return;
    }
    let old = t.payload.flags.get();
    let collection = TypeFlags::SEQUENCE | TypeFlags::MAPPING;
    if old & collection == new {
        return;
    }
    t.payload.flags.set((old - collection) | new);
    for sub in typeobject::subclasses(t) {
        spread_flags(&sub, new);
    }
}

// ---- questions ------------------------------------------------------------------------------------------------------

fn ask_subclass(vm: &mut Vm, class: &Value, subclass: &Value) -> PyResult<bool> {
    let r = vm.call_method_named(class, name!("__subclasscheck__"), std::slice::from_ref(subclass))?;
    vm.truth(&r)
}

fn instance_check(vm: &mut Vm, class: &Value, v: &Value) -> PyResult {
    let data = data_of(vm, class)?;
    let claimed = vm.get_attr_opt(v, name!("__class__"))?.unwrap_or_else(|| v.class_value());
    if contains(&data.cache, &claimed) {
        return Ok(boolean(true));
    }
    let real = v.class_value();
    if real.is(&claimed) {
        if data.negative_token.get() == token() && contains(&data.negative, &claimed) {
            return Ok(boolean(false));
        }
        return ask_subclass(vm, class, &claimed).map(boolean);
    }
    if ask_subclass(vm, class, &claimed)? {
        return Ok(boolean(true));
    }
    ask_subclass(vm, class, &real).map(boolean)
}

fn subclass_check(vm: &mut Vm, class: &Value, subclass: &Value) -> PyResult<bool> {
    if as_class(subclass).is_none() {
        return Err(vm.type_error("issubclass() arg 1 must be a class"));
    }
    let data = data_of(vm, class)?;
    if contains(&data.cache, subclass) {
        return Ok(true);
    }
    if data.negative_token.get() < token() {
        // Something was registered since: all negative answers are open again.
        data.negative.take();
        data.negative_token.set(token());
    } else if contains(&data.negative, subclass) {
        return Ok(false);
    }
    let answer = find_out(vm, &data, class, subclass)?;
    add(vm, if answer { &data.cache } else { &data.negative }, subclass)?;
    Ok(answer)
}

/// The hook, the order of bases, the registered classes and the subclasses, in this order.
fn find_out(vm: &mut Vm, data: &Py<AbcData>, class: &Value, subclass: &Value) -> PyResult<bool> {
    let hook = vm.call_method_named(class, name!("__subclasshook__"), std::slice::from_ref(subclass))?;
    if hook.is(&boolean(true)) {
        return Ok(true);
    }
    if hook.is(&boolean(false)) {
        return Ok(false);
    }
    if !is_not_implemented(&hook) {
        return Err(vm.assertion_error("__subclasshook__ must return either False, True, or NotImplemented"));
    }
    if let (Some(c), Some(s)) = (as_class(class), as_class(subclass)) {
        if typeobject::mro_of(s.get_type()).iter().any(|b| same(b.get_type(), c.get_type())) {
            return Ok(true);
        }
    }
    let registered: Vec<Value> = data.registry.borrow().values().filter_map(|w| w.target()).collect();
    for r in &registered {
        if vm.is_subclass(subclass, r)? {
            return Ok(true);
        }
    }
    let subclasses = vm.call_method_named(class, name!("__subclasses__"), &[])?;
    for s in vm.collect(&subclasses)? {
        if vm.is_subclass(subclass, &s)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn dump(vm: &mut Vm, class: &Value) -> PyResult {
    let data = data_of(vm, class)?;
    let mut parts = Vec::new();
    for classes in [&data.registry, &data.cache, &data.negative] {
        let refs: Vec<Value> = classes.borrow().values().map(|w| w.as_value().clone()).collect();
        parts.push(vm.new_set(&refs)?);
    }
    parts.push(Int::from_u64(data.negative_token.get()));
    Ok(Tuple::from_vec(parts).into())
}
