//! `attrgetter`, `itemgetter`, `methodcaller`: callables that fetch attributes or items of their argument, or call its
//! method.

use taipan_runtime::name;
use taipan_runtime::object::instance::new_of;
use taipan_runtime::object::{MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value};
use taipan_runtime::types::list::List;
use taipan_runtime::types::sequence::{enclose, join_texts};
use taipan_runtime::types::str::Str;
use taipan_runtime::types::str::intern::intern;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Args;

const FLAGS: TypeFlags = TypeFlags::HAVE_GC.union(TypeFlags::BASETYPE);

fn class_of(me: &Value) -> Value {
    Py::<Type>::of(me.class()).into()
}

/// The one argument of a call.
fn one<'a>(vm: &mut Vm, args: &Args<'a>, name: &str) -> PyResult<&'a Value> {
    args.no_keywords(vm, name)?;
    match args.pos() {
        [v] => Ok(v),
        more => Err(vm.type_error(format!("{name} expected 1 argument, got {}", more.len()))),
    }
}

/// `"name(a, b)"`, with `...` for an object in the middle of its own text.
fn repr(vm: &mut Vm, me: &Value, parts: impl FnOnce(&mut Vm) -> PyResult<Vec<Py<Str>>>) -> PyResult {
    let name = me.class().payload.name();
    if !vm.enter_repr(me) {
        return Ok(vm.new_str(&format!("{name}(...)")));
    }
    let parts = parts(vm);
    vm.leave_repr(me);
    Ok(enclose(&format!("{name}("), &parts?, ")").into())
}

/// Payload of `attrgetter`.
pub struct AttrGetter {
    /// The names as given.
    names: Py<Tuple>,
    /// Each name taken apart at its dots.
    paths: Vec<Vec<Py<Str>>>,
}
taipan_runtime::payload!(AttrGetter, ATTRGETTER,
    traverse(self, visit) {
        visit(self.names.as_value());
        self.paths.iter().flatten().for_each(|n| visit(n.as_value()));
    },
    clear(self) {}
);

/// The type `operator.attrgetter`.
pub static ATTRGETTER: TypeDef = TypeDef::new::<AttrGetter>("operator.attrgetter")
    .doc("A callable that returns the given attribute of its argument, or a tuple of several; names may have dots.")
    .signature("(attr, /, *attrs)")
    .flags(FLAGS)
    .cpython_size(40, 0)
    .slots(Slots {
        new: Some(attrgetter_new),
        call: Some(attrgetter_call),
        repr: Some(|vm, me| {
            let names = attrs(me).get(vm).names.clone();
            repr(vm, me, |vm| names.items().iter().map(|n| vm.repr(n)).collect())
        }),
        ..Slots::NONE
    })
    .methods(&[MethodDef::method(
        "__reduce__",
        "($self, /)",
        "Return state information for pickling.",
        NativeFn::F1(|vm, me| Ok(Tuple::of([class_of(me), attrs(me).get(vm).names.clone().into()]).into())),
    )]);

fn attrs(me: &Value) -> &Py<AttrGetter> {
    me.downcast::<AttrGetter>().expect("a method of attrgetter is called on one")
}

fn attrgetter_new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    args.no_keywords(vm, "attrgetter")?;
    if args.len() == 0 {
        return Err(vm.type_error("attrgetter expected 1 argument, got 0"));
    }
    let mut paths = Vec::with_capacity(args.len());
    for v in args.pos() {
        let Some(name) = v.downcast::<Str>() else { return Err(vm.type_error("attribute name must be a string")) };
        paths.push(take_apart(name));
    }
    Ok(new_of(class, AttrGetter { names: Tuple::from_slice(args.pos()), paths }).into())
}

fn take_apart(name: &Py<Str>) -> Vec<Py<Str>> {
    let dot = b'.' as u32;
    let mut path = Vec::new();
    let mut start = 0;
    for end in (0..name.len()).filter(|&i| name.at(i) == dot).chain([name.len()]) {
        path.push(intern(name.slice(start, end)));
        start = end + 1;
    }
    path
}

fn attrgetter_call(vm: &mut Vm, me: &Value, args: &Args<'_>) -> PyResult {
    let object = one(vm, args, "attrgetter")?;
    let n = attrs(me).get(vm).paths.len();
    let mut out = Vec::with_capacity(n);
    for i in 0..n {
        let mut v = object.clone();
        let mut k = 0;
        while let Some(name) = attrs(me).get(vm).paths[i].get(k).cloned() {
            v = vm.get_attr(&v, &name)?;
            k += 1;
        }
        if n == 1 {
            return Ok(v);
        }
        out.push(v);
    }
    Ok(Tuple::from_vec(out).into())
}

/// Payload of `itemgetter`.
pub struct ItemGetter {
    items: Py<Tuple>,
}
taipan_runtime::payload!(ItemGetter, ITEMGETTER,
    traverse(self, visit) { visit(self.items.as_value()); },
    clear(self) {}
);

/// The type `operator.itemgetter`.
pub static ITEMGETTER: TypeDef = TypeDef::new::<ItemGetter>("operator.itemgetter")
    .doc("A callable that returns the given item of its argument, or a tuple of several.")
    .signature("(item, /, *items)")
    .flags(FLAGS)
    .cpython_size(48, 0)
    .slots(Slots {
        new: Some(|vm, class, args| {
            args.no_keywords(vm, "itemgetter")?;
            if args.len() == 0 {
                return Err(vm.type_error("itemgetter expected 1 argument, got 0"));
            }
            Ok(new_of(class, ItemGetter { items: Tuple::from_slice(args.pos()) }).into())
        }),
        call: Some(itemgetter_call),
        repr: Some(|vm, me| {
            let items = keys(me).get(vm).items.clone();
            repr(vm, me, |vm| items.items().iter().map(|k| vm.repr(k)).collect())
        }),
        ..Slots::NONE
    })
    .methods(&[MethodDef::method(
        "__reduce__",
        "($self, /)",
        "Return state information for pickling.",
        NativeFn::F1(|vm, me| Ok(Tuple::of([class_of(me), keys(me).get(vm).items.clone().into()]).into())),
    )]);

fn keys(me: &Value) -> &Py<ItemGetter> {
    me.downcast::<ItemGetter>().expect("a method of itemgetter is called on one")
}

fn itemgetter_call(vm: &mut Vm, me: &Value, args: &Args<'_>) -> PyResult {
    let object = one(vm, args, "itemgetter")?;
    let items = keys(me).get(vm).items.clone();
    if let [key] = items.items() {
        // The common case: one index into a plain tuple or list.
        if let Some(i) = key.as_small().and_then(|i| usize::try_from(i).ok()) {
            let found = match object.downcast_exact::<Tuple>() {
                Some(t) => t.items().get(i).cloned(),
                None => object.downcast_exact::<List>().and_then(|l| l.item(i)),
            };
            if let Some(v) = found {
                return Ok(v);
            }
        }
        return vm.get_item(object, key);
    }
    let mut out = Vec::with_capacity(items.len());
    for key in items.items() {
        out.push(vm.get_item(object, key)?);
    }
    Ok(Tuple::from_vec(out).into())
}

/// Payload of `methodcaller`.
pub struct MethodCaller {
    name: Py<Str>,
    /// Positional arguments, then values of keyword arguments.
    args: Py<Tuple>,
    keywords: Option<Py<Tuple>>,
}
taipan_runtime::payload!(MethodCaller, METHODCALLER,
    traverse(self, visit) {
        let MethodCaller { name, args, keywords } = self;
        visit(name.as_value());
        visit(args.as_value());
        if let Some(k) = keywords {
            visit(k.as_value());
        }
    },
    clear(self) {}
);

/// The type `operator.methodcaller`.
pub static METHODCALLER: TypeDef = TypeDef::new::<MethodCaller>("operator.methodcaller")
    .doc("A callable that calls the named method of its argument, with the arguments given here.")
    .signature("(name, /, *args, **kwargs)")
    .flags(FLAGS)
    .cpython_size(64, 0)
    .slots(Slots {
        new: Some(methodcaller_new),
        call: Some(methodcaller_call),
        repr: Some(methodcaller_repr),
        ..Slots::NONE
    })
    .methods(&[MethodDef::method(
        "__reduce__",
        "($self, /)",
        "Return state information for pickling.",
        NativeFn::F1(methodcaller_reduce),
    )]);

fn caller(me: &Value) -> &Py<MethodCaller> {
    me.downcast::<MethodCaller>().expect("a method of methodcaller is called on one")
}

fn methodcaller_new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    let Some(name) = args.get(0) else {
        return Err(vm.type_error("methodcaller needs at least one argument, the method name"));
    };
    let Some(name) = name.downcast::<Str>() else { return Err(vm.type_error("method name must be a string")) };
    let payload = MethodCaller {
        name: intern(name.clone()),
        args: Tuple::from_slice(args.rest().all()),
        keywords: args.kwnames().cloned(),
    };
    Ok(new_of(class, payload).into())
}

fn methodcaller_call(vm: &mut Vm, me: &Value, args: &Args<'_>) -> PyResult {
    let object = one(vm, args, "methodcaller")?;
    let c = caller(me).get(vm);
    let (name, given, keywords) = (c.name.clone(), c.args.clone(), c.keywords.clone());
    if keywords.is_none() {
        return vm.call_method_named(object, &name, given.items());
    }
    let method = vm.get_attr(object, &name)?;
    vm.call_args(&method, &Args::new(given.items(), keywords.as_ref()))
}

fn methodcaller_repr(vm: &mut Vm, me: &Value) -> PyResult {
    let c = caller(me).get(vm);
    let (name, given, keywords) = (c.name.clone(), c.args.clone(), c.keywords.clone());
    repr(vm, me, |vm| {
        let mut texts = vec![vm.repr(name.as_value())?];
        let all = Args::new(given.items(), keywords.as_ref());
        for v in all.pos() {
            texts.push(vm.repr(v)?);
        }
        for (key, value) in all.keywords() {
            let value = vm.repr(value)?;
            texts.push(join_texts(&[key, name!("="), &value]));
        }
        Ok(texts)
    })
}

fn methodcaller_reduce(vm: &mut Vm, me: &Value) -> PyResult {
    let c = caller(me).get(vm);
    let (name, given, keywords) = (c.name.clone(), c.args.clone(), c.keywords.clone());
    let all = Args::new(given.items(), keywords.as_ref());
    if !all.has_keywords() {
        let args = [&[name.into()], all.pos()].concat();
        return Ok(Tuple::of([class_of(me), Tuple::from_vec(args).into()]).into());
    }
    let partial = vm.import_attr("functools", "partial")?;
    let args = [&[class_of(me), name.into()], &given.items()[all.len()..]].concat();
    let made = vm.call_args(&partial, &Args::new(&args, keywords.as_ref()))?;
    Ok(Tuple::of([made, Tuple::from_slice(all.pos()).into()]).into())
}
