//! Struct sequences: named tuples that native code fills (`sys.flags`, `os.stat_result`, `time.struct_time` …).
//!
//! A declaration is a static [`StructSeq`]; its class, a subclass of `tuple`, is made at first use. Fields beyond the
//! visible ones are no items: they can be reached by name only, and lie in the instance's slot words
//! (`Objects/structseq.c`).

use super::descr::members::getset_descriptor;
use super::method::{self, BuiltinFunction};
use crate::builtins::global::Global;
use crate::name;
use crate::object::instance;
use crate::object::typedef::{GetSetDef, MethodDef};
use crate::object::{NativeFn, Py, PyResult, Type, TypeFlags, Value, none};
use crate::types::dict::Dict;
use crate::types::str::Str;
use crate::types::tuple::{TUPLE, Tuple};
use crate::vm::Vm;
use crate::vm::args::{Args, Signature};
use parking_lot::Mutex;

/// Most fields a struct sequence can have.
const MAX_FIELDS: usize = 32;

/// A declaration.
pub struct StructSeq {
    /// Name, after its module and a dot if it has one.
    pub name: &'static str,
    /// Documentation.
    pub doc: &'static str,
    /// Name and documentation of each field; an empty name: the item has none.
    pub fields: &'static [(&'static str, &'static str)],
    /// How many fields are items.
    pub visible: usize,
    ours: bool,
    finish: Option<fn(&mut Vm, &mut [Option<Value>])>,
    class: Global,
}

/// Declarations whose classes exist, by the word of the class.
static CLASSES: Mutex<Vec<(usize, &'static StructSeq)>> = Mutex::new(Vec::new());

impl StructSeq {
    /// A declaration; Python code can make instances.
    pub const fn new(
        name: &'static str,
        doc: &'static str,
        fields: &'static [(&'static str, &'static str)],
        visible: usize,
    ) -> StructSeq {
        assert!(fields.len() <= MAX_FIELDS && visible <= fields.len());
        StructSeq { name, doc, fields, visible, ours: false, finish: None, class: Global::new() }
    }

    /// Only native code makes instances.
    pub const fn only_ours(mut self) -> StructSeq {
        self.ours = true;
        self
    }

    /// What fills fields that the constructor was not given (`os.stat_result` derives its float times).
    pub const fn finish(mut self, f: fn(&mut Vm, &mut [Option<Value>])) -> StructSeq {
        self.finish = Some(f);
        self
    }

    /// The class, made now if it is not there yet.
    pub fn class(&'static self, vm: &mut Vm) -> PyResult<Py<Type>> {
        match self.class.get().map(Value::into_py::<Type>) {
            Some(Ok(class)) => Ok(class),
            _ => self.make_class(vm),
        }
    }

    /// An instance with these values, one for each field; missing ones at the end are `None`.
    pub fn make(&'static self, vm: &mut Vm, mut values: Vec<Value>) -> PyResult {
        let class = self.class(vm)?;
        values.resize(self.fields.len(), none());
        let hidden = values.split_off(self.visible);
        Ok(assemble(&class, values, hidden))
    }

    fn unnamed(&self) -> usize {
        self.fields.iter().filter(|(name, _)| name.is_empty()).count()
    }

    /// Names of the items as `repr` shows them: unnamed fields are passed over, so later names move up.
    fn named(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().map(|(name, _)| *name).filter(|name| !name.is_empty())
    }

    fn make_class(&'static self, vm: &mut Vm) -> PyResult<Py<Type>> {
        let (module, short) = self.name.rsplit_once('.').unwrap_or(("builtins", self.name));
        let dict = Dict::new_object();
        let module_name = vm.intern(module);
        let (doc, slots) = (vm.new_str(self.doc), Tuple::empty());
        dict.store_text("__slots__", slots);
        if !self.ours {
            dict.store_text("__new__", BuiltinFunction::of_module(&NEW, &module_name));
        }
        for row in METHODS {
            dict.store_text(row.name, method::descriptor(row, TUPLE.object()));
        }
        let count = |n: usize| Value::from_usize(n);
        dict.store_text("__doc__", doc);
        dict.store_text("__module__", module_name);
        dict.store_text("n_sequence_fields", count(self.visible));
        dict.store_text("n_fields", count(self.fields.len()));
        dict.store_text("n_unnamed_fields", count(self.unnamed()));
        let match_args = self.fields[..self.visible].iter().filter(|(name, _)| !name.is_empty());
        let match_args = Tuple::from_vec(match_args.map(|(name, _)| vm.intern(name).into()).collect());
        dict.store_text("__match_args__", match_args);
        let args = [vm.new_str(short), Tuple::from_vec(vec![TUPLE.value()]).into(), dict.into()];
        let class = super::typeobject::create::type_new(vm, &Py::of(TUPLE.value().class()), &Args::positional(&args))?;
        let class = class.into_py::<Type>().map_err(|_| vm.system_error("type() made no type"))?;
        self.finish_class(&class);
        Ok(class)
    }

    fn finish_class(&'static self, class: &Py<Type>) {
        let t = &class.get_type().payload;
        let dict = t.dict();
        drop(dict.remove_str(name!("__slots__")));
        for (i, (name, doc)) in self.fields.iter().enumerate().filter(|(_, (name, _))| !name.is_empty()) {
            let def = GetSetDef { name, doc, get: GETTERS[i], set: Some(refuse_set), member: true };
            dict.store_text(name, getset_descriptor(Box::leak(Box::new(def)), class));
        }
        t.slot_words.set((self.fields.len() - self.visible) as u32);
        let mut flags = t.flags.get().difference(TypeFlags::BASETYPE);
        flags.set(TypeFlags::DISALLOW_INSTANTIATION, self.ours);
        flags.set(TypeFlags::IMMUTABLE, self.ours);
        t.flags.set(flags);
        t.name.replace(self.name.to_owned());
        // SAFETY: guarded by the GIL; readers of slots copy one function out and hold no borrow (I1).
        unsafe {
            let slots = &mut *t.slots.get();
            slots.repr = Some(repr);
            slots.new = if self.ours { None } else { Some(new) };
        }
        super::typeobject::modified(class.get_type());
        CLASSES.lock().push((class.as_value().word(), self));
        drop(self.class.set(Some(class.as_value().clone())));
    }
}

/// An instance of a class from its items and its hidden fields.
fn assemble(class: &Py<Type>, items: Vec<Value>, hidden: Vec<Value>) -> Value {
    let v = Tuple::of_class(class, items).into_value();
    for (i, value) in hidden.into_iter().enumerate() {
        drop(instance::set_slot(&v, i, Some(value)));
    }
    v
}

/// The declaration behind a class.
fn declaration(vm: &mut Vm, class: &Value) -> PyResult<&'static StructSeq> {
    let found = CLASSES.lock().iter().find(|(word, _)| *word == class.word()).map(|(_, s)| *s);
    found.ok_or_else(|| vm.type_error("not a struct sequence"))
}

fn field(v: &Value, i: usize) -> Value {
    let Some(t) = v.downcast::<Tuple>() else { return none() };
    match t.items().get(i) {
        Some(item) => item.clone(),
        None => instance::get_slot(v, i - t.len()).unwrap_or_else(none),
    }
}

fn get<const I: usize>(_: &mut Vm, v: &Value) -> PyResult {
    Ok(field(v, I))
}

type Getter = fn(&mut Vm, &Value) -> PyResult;

macro_rules! getters {
    ($($i:literal)*) => { [$(get::<$i>),*] };
}
static GETTERS: [Getter; MAX_FIELDS] =
    getters!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);

fn refuse_set(vm: &mut Vm, _: &Value, _: Option<&Value>) -> PyResult<()> {
    Err(vm.attribute_error("readonly attribute"))
}

static NEW: MethodDef = MethodDef::stat(
    "__new__",
    "($type, *args, **kwargs)",
    "Create and return a new object.  See help(type) for accurate signature.",
    NativeFn::V(|vm, args| match args.get(0).and_then(|c| c.downcast::<Type>()).cloned() {
        Some(class) => new(vm, &class, &args.rest()),
        None => Err(vm.type_error("__new__() needs a struct sequence type")),
    }),
);

static METHODS: &[MethodDef] = &[
    MethodDef::method("__repr__", "($self, /)", "Return repr(self).", NativeFn::F1(repr)),
    MethodDef::method("__reduce__", "", "", NativeFn::F1(reduce)),
    MethodDef::method(
        "__replace__",
        "($self, /, **changes)",
        "Return a copy of the structure with new values for the specified fields.",
        NativeFn::V(replace),
    ),
];

/// `cls(sequence, dict={})`: items from the sequence, further fields from its rest or by name from the dictionary.
fn new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new("structseq", "(sequence, dict=None)");
    let def = declaration(vm, class.as_value())?;
    let a = args.bind(vm, &SIGNATURE)?;
    let Some(sequence) = &a[0] else { return Err(vm.system_error("structseq(): unbound argument")) };
    let mut values: Vec<Option<Value>> =
        vm.sequence(sequence, "constructor requires a sequence")?.into_iter().map(Some).collect();
    let names = match a[1].as_ref().filter(|d| !d.is_none()) {
        None => Dict::new_object(),
        Some(d) => match d.downcast::<Dict>() {
            Some(d) => d.clone(),
            None => return Err(vm.type_error(format!("{}() takes a dict as second arg, if any", def.name))),
        },
    };
    check_length(vm, def, values.len())?;
    let mut used = 0;
    for (name, _) in &def.fields[values.len()..] {
        let value = names.lookup_str(&vm.intern(name));
        used += value.is_some() as usize;
        values.push(value);
    }
    if used < names.len() {
        return Err(vm.type_error(format!("{}() got duplicate or unexpected field name(s)", def.name)));
    }
    if let Some(f) = def.finish {
        f(vm, &mut values);
    }
    let mut values: Vec<Value> = values.into_iter().map(|v| v.unwrap_or_else(none)).collect();
    let hidden = values.split_off(def.visible);
    Ok(assemble(class, values, hidden))
}

fn check_length(vm: &mut Vm, def: &StructSeq, given: usize) -> PyResult<()> {
    let (min, max, name) = (def.visible, def.fields.len(), def.name);
    if min == max && given != min {
        return Err(vm.type_error(format!("{name}() takes a {min}-sequence ({given}-sequence given)")));
    }
    if given < min {
        return Err(vm.type_error(format!("{name}() takes an at least {min}-sequence ({given}-sequence given)")));
    }
    if given > max {
        return Err(vm.type_error(format!("{name}() takes an at most {max}-sequence ({given}-sequence given)")));
    }
    Ok(())
}

fn repr(vm: &mut Vm, v: &Value) -> PyResult {
    let def = declaration(vm, &v.class_value())?;
    let Some(t) = v.downcast::<Tuple>() else { return Err(vm.type_error("not a struct sequence")) };
    let mut text = Str::from_rust(&format!("{}(", def.name));
    for (i, (name, item)) in def.named().zip(t.items()).enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        let shown = vm.repr(item)?;
        text = Str::concat(&text, &Str::from_rust(&format!("{comma}{name}=")));
        text = Str::concat(&text, &shown);
    }
    Ok(Str::concat(&text, &Str::from_rust(")")).into())
}

fn reduce(vm: &mut Vm, v: &Value) -> PyResult {
    let class = v.class_value();
    let def = declaration(vm, &class)?;
    let Some(t) = v.downcast::<Tuple>() else { return Err(vm.type_error("not a struct sequence")) };
    let hidden = Dict::new_object();
    for (i, (name, _)) in def.fields.iter().enumerate().skip(def.visible) {
        hidden.store_text(name, field(v, i));
    }
    let args = Tuple::from_vec(vec![Tuple::from_slice(t.items()).into(), hidden.into()]);
    Ok(Tuple::from_vec(vec![class, args.into()]).into())
}

fn replace(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let v = &args.pos()[0];
    if args.len() > 1 {
        return Err(vm.type_error("__replace__() takes no positional arguments"));
    }
    let class = v.class_value();
    let def = declaration(vm, &class)?;
    if def.unnamed() > 0 {
        return Err(
            vm.type_error(format!("__replace__() is not supported for {} because it has unnamed field(s)", def.name))
        );
    }
    let mut values: Vec<Value> = (0..def.fields.len()).map(|i| field(v, i)).collect();
    let mut unknown = Vec::new();
    for (key, value) in args.keywords() {
        match def.fields.iter().position(|(name, _)| key.is_text(name)) {
            Some(i) => values[i] = value.clone(),
            None => unknown.push(format!("'{}'", key.to_rust())),
        }
    }
    if !unknown.is_empty() {
        return Err(vm.type_error(format!("Got unexpected field name(s): [{}]", unknown.join(", "))));
    }
    let class = class.into_py::<Type>().map_err(|_| vm.system_error("a class is no type"))?;
    let hidden = values.split_off(def.visible);
    Ok(assemble(&class, values, hidden))
}
