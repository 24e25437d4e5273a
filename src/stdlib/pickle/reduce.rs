//! Objects by their own account (`__reduce_ex__`, PEP 307, PEP 574's `reducer_override`) and globals by name.

use super::op;
use super::pickler::Pickler;
use super::save::{append_all, fetch, guarded, known, memoize, noted, part, put, save, set_all};
use super::{after, attribute_path, imported, path_names, pickling_error, registry, type_name};
use taipan_runtime::object::{Py, PyResult, Raised, Value};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::exceptions::{ATTRIBUTE_ERROR, IMPORT_ERROR, KEY_ERROR, VALUE_ERROR};
use taipan_runtime::types::singletons;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::typeobject;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Args;

/// An object whose type has no opcode: by the table of reducers, its class as a global, or its own method.
pub fn save_object(vm: &mut Vm, me: &Py<Pickler>, obj: &Value) -> PyResult<()> {
    let class = Py::of(obj.class()).into_value();
    let own_table = me.state.borrow().dispatch_table.clone();
    let reducer = match own_table {
        Some(table) => {
            let found = vm.get_item(&table, &class);
            vm.suppress(found, &KEY_ERROR)?
        }
        None => registry(vm, "copyreg", "dispatch_table")?.get_item(vm, &class)?,
    };
    let reduced = match reducer {
        Some(f) => vm.call1(&f, obj)?,
        None if typeobject::is_subtype(obj.class(), typeobject::TYPE.object()) => {
            return save_global(vm, me, obj, None);
        }
        None => reduce_itself(vm, me, obj)?,
    };
    save_reduced(vm, me, obj, &reduced)
}

fn reduce_itself(vm: &mut Vm, me: &Py<Pickler>, obj: &Value) -> PyResult {
    let name = vm.intern("__reduce_ex__");
    if let Some(f) = vm.get_attr_opt(obj, &name)? {
        let proto = Value::small_unchecked(me.state.borrow().proto as i64);
        return vm.call1(&f, &proto);
    }
    let name = vm.intern("__reduce__");
    if let Some(f) = vm.get_attr_opt(obj, &name)? {
        return vm.call0(&f);
    }
    let name = type_name(obj);
    Err(pickling_error(vm, format!("Can't pickle {name} object")))
}

/// What a reducer gave: the name of a global, or a tuple that says how to make the object.
pub fn save_reduced(vm: &mut Vm, me: &Py<Pickler>, obj: &Value, reduced: &Value) -> PyResult<()> {
    if reduced.downcast::<Str>().is_some() {
        return save_global(vm, me, obj, Some(reduced));
    }
    let r = guarded(vm, me, obj, |vm, me, obj| {
        if reduced.downcast::<Tuple>().is_none() {
            let name = type_name(reduced);
            return Err(pickling_error(vm, format!("__reduce__ must return a string or tuple, not {name}")));
        }
        save_tuple(vm, me, Some(obj), reduced)
    });
    r.map_err(|_| {
        let note = format!("when serializing {} object", type_name(obj));
        noted(vm, &note)
    })
}

/// The parts of a reduction.
struct Parts {
    function: Value,
    args: Py<Tuple>,
    state: Option<Value>,
    items: Option<Value>,
    pairs: Option<Value>,
    setter: Option<Value>,
}

fn parts(vm: &mut Vm, reduced: &Value) -> PyResult<Parts> {
    let all = reduced.downcast::<Tuple>().map(|t| t.items().to_vec()).unwrap_or_default();
    if !(2..=6).contains(&all.len()) {
        return Err(pickling_error(vm, "tuple returned by __reduce__ must contain 2 through 6 elements"));
    }
    let get = |i: usize| all.get(i).filter(|v| !v.is_none()).cloned();
    let wrong = |vm: &mut Vm, which: &str, what: &str, v: &Value| {
        let name = type_name(v);
        pickling_error(vm, format!("{which} of the tuple returned by __reduce__ must be {what}, not {name}"))
    };
    if !vm.callable(&all[0]) {
        return Err(wrong(vm, "first item", "callable", &all[0]));
    }
    let Some(args) = all[1].downcast::<Tuple>().cloned() else {
        return Err(wrong(vm, "second item", "a tuple", &all[1]));
    };
    for (i, which) in [(3, "fourth item"), (4, "fifth item")] {
        if let Some(v) = get(i).filter(|v| v.class().payload.slots().next.is_none()) {
            return Err(wrong(vm, which, "an iterator", &v));
        }
    }
    if let Some(v) = get(5).filter(|v| !vm.callable(v)) {
        return Err(wrong(vm, "sixth item", "callable", &v));
    }
    Ok(Parts { function: all[0].clone(), args, state: get(2), items: get(3), pairs: get(4), setter: get(5) })
}

/// Writes a reduction; `obj` is what it makes.
pub fn save_tuple(vm: &mut Vm, me: &Py<Pickler>, obj: Option<&Value>, reduced: &Value) -> PyResult<()> {
    let p = parts(vm, reduced)?;
    let whose = obj.map(type_name).unwrap_or_default();
    let note = |what: &str| format!("when serializing {whose} {what}");
    let name = constructor_name(vm, me, &p.function)?;
    match name.as_deref() {
        Some("__newobj_ex__") => new_with_keywords(vm, me, obj, &p.args, &note)?,
        Some("__newobj__") => new_plain(vm, me, obj, &p.args, &note)?,
        _ => {
            part(vm, me, &p.function, |_| note("reconstructor"))?;
            part(vm, me, p.args.as_value(), |_| note("reconstructor arguments"))?;
            put(me, &[op::REDUCE]);
        }
    }
    let Some(obj) = obj else { return Ok(()) };
    if known(me, obj) {
        // Its parts contain it, so it is written already.
        put(me, &[op::POP]);
        fetch(me, obj);
        return Ok(());
    }
    memoize(me, obj);
    if let Some(items) = &p.items {
        append_all(vm, me, items, obj)?;
    }
    if let Some(pairs) = &p.pairs {
        set_all(vm, me, pairs, obj)?;
    }
    let Some(state) = &p.state else { return Ok(()) };
    let Some(setter) = &p.setter else {
        part(vm, me, state, |_| note("state"))?;
        put(me, &[op::BUILD]);
        return Ok(());
    };
    part(vm, me, setter, |_| note("state setter"))?;
    save(vm, me, obj, true)?;
    part(vm, me, state, |_| note("state"))?;
    put(me, &[op::TUPLE2, op::REDUCE, op::POP]);
    Ok(())
}

/// The name of a reconstructor that has an opcode of its own from protocol 2 on.
fn constructor_name(vm: &mut Vm, me: &Py<Pickler>, function: &Value) -> PyResult<Option<String>> {
    if me.state.borrow().proto < 2 {
        return Ok(None);
    }
    let name = vm.intern("__name__");
    let found = vm.get_attr_opt(function, &name)?;
    Ok(found.and_then(|n| n.downcast::<Str>().map(|n| n.to_rust().into_owned())))
}

fn checked_class(vm: &mut Vm, obj: Option<&Value>, class: &Value, constructor: &str) -> PyResult<()> {
    if typeobject::as_class(class).is_none() {
        let name = type_name(class);
        return Err(pickling_error(vm, format!("first argument to {constructor}() must be a class, not {name}")));
    }
    let Some(obj) = obj else { return Ok(()) };
    let real = vm.get_attr_text(obj, "__class__")?;
    if !real.is(class) {
        let (real, class) = (vm.repr(&real)?, vm.repr(class)?);
        let (real, class) = (real.to_rust().into_owned(), class.to_rust().into_owned());
        return Err(pickling_error(vm, format!("first argument to {constructor}() must be {real}, not {class}")));
    }
    Ok(())
}

fn new_plain(
    vm: &mut Vm,
    me: &Py<Pickler>,
    obj: Option<&Value>,
    args: &Py<Tuple>,
    note: &dyn Fn(&str) -> String,
) -> PyResult<()> {
    let [class, rest @ ..] = args.items() else {
        return Err(pickling_error(vm, "__newobj__ expected at least 1 argument, got 0"));
    };
    checked_class(vm, obj, class, "__newobj__")?;
    part(vm, me, class, |_| note("class"))?;
    let rest = if rest.is_empty() { Tuple::empty() } else { Tuple::from_slice(rest) };
    part(vm, me, rest.as_value(), |_| note("__new__ arguments"))?;
    put(me, &[op::NEWOBJ]);
    Ok(())
}

fn new_with_keywords(
    vm: &mut Vm,
    me: &Py<Pickler>,
    obj: Option<&Value>,
    args: &Py<Tuple>,
    note: &dyn Fn(&str) -> String,
) -> PyResult<()> {
    let [class, positional, keywords] = args.items() else {
        let n = args.len();
        return Err(pickling_error(vm, format!("__newobj_ex__ expected 3 arguments, got {n}")));
    };
    checked_class(vm, obj, class, "__newobj_ex__")?;
    let Some(tuple) = positional.downcast::<Tuple>() else {
        let name = type_name(positional);
        return Err(pickling_error(vm, format!("second argument to __newobj_ex__() must be a tuple, not {name}")));
    };
    let Some(dict) = keywords.downcast::<Dict>() else {
        let name = type_name(keywords);
        return Err(pickling_error(vm, format!("third argument to __newobj_ex__() must be a dict, not {name}")));
    };
    if me.state.borrow().proto >= 4 {
        part(vm, me, class, |_| note("class"))?;
        part(vm, me, positional, |_| note("__new__ arguments"))?;
        part(vm, me, keywords, |_| note("__new__ arguments"))?;
        put(me, &[op::NEWOBJ_EX]);
        return Ok(());
    }
    // Older protocols: `functools.partial` binds the keywords.
    let partial = vm.import_attr("functools", "partial")?;
    let mut all = vec![vm.get_attr_text(class, "__new__")?, class.clone()];
    all.extend(tuple.items().iter().cloned());
    let mut names = Vec::new();
    for (k, v) in dict.pairs() {
        names.push(k);
        all.push(v);
    }
    let names = Tuple::from_vec(names);
    let bound = vm.call_args(&partial, &Args::new(&all, Some(&names)))?;
    part(vm, me, &bound, |_| note("reconstructor"))?;
    save(vm, me, Tuple::empty().as_value(), true)?;
    put(me, &[op::REDUCE]);
    Ok(())
}

// ---- globals ---------------------------------------------------------------------------------------------------------

/// A class whose metaclass is `type`. Those of singletons have no name to be found by.
pub fn save_type(vm: &mut Vm, me: &Py<Pickler>, obj: &Value) -> PyResult<()> {
    let nameless = [
        (&singletons::NONE_TYPE, taipan_runtime::object::none()),
        (&singletons::NOT_IMPLEMENTED_TYPE, taipan_runtime::object::not_implemented()),
        (&singletons::ELLIPSIS_TYPE, singletons::ELLIPSIS.value()),
    ];
    for (class, only) in nameless {
        if obj.is(&class.value()) {
            let reduced = Tuple::of([typeobject::TYPE.value(), Tuple::of([only]).into()]);
            return save_tuple(vm, me, Some(obj), reduced.as_value());
        }
    }
    save_global(vm, me, obj, None)
}

fn shown(vm: &mut Vm, v: &Value) -> String {
    match vm.repr(v) {
        Ok(s) => s.to_rust().into_owned(),
        Err(_) => {
            vm.clear_error();
            format!("<{}>", type_name(v))
        }
    }
}

/// The module in which a global is found by its name, after making sure that it is.
fn module_of(vm: &mut Vm, obj: &Value, name: &Py<Str>) -> PyResult {
    if name.to_rust().split('.').any(|part| part == "<locals>") {
        let what = shown(vm, obj);
        return Err(pickling_error(vm, format!("Can't pickle local object {what}")));
    }
    let attribute = vm.intern("__module__");
    let module = match vm.get_attr_opt(obj, &attribute)?.filter(|m| !m.is_none()) {
        Some(m) => m,
        None => search(vm, obj, name)?,
    };
    let there = match imported(vm, &module) {
        Ok(m) => m,
        Err(r) => {
            if ![&IMPORT_ERROR, &VALUE_ERROR, &KEY_ERROR].into_iter().any(|c| vm.error_is(c)) {
                return Err(r);
            }
            let cause = vm.take_error();
            let (what, why) = (shown(vm, obj), vm.str(&cause)?);
            let _ = pickling_error(vm, format!("Can't pickle {what}: {}", why.to_rust()));
            return Err(after(vm, &cause));
        }
    };
    let cause = match attribute_path(vm, &there, name) {
        Ok(found) if found.is(obj) => return Ok(module),
        Ok(_) => None,
        Err(_) if vm.error_is(&ATTRIBUTE_ERROR) => Some(vm.take_error()),
        Err(r) => return Err(r),
    };
    let (what, module) = (shown(vm, obj), vm.str(&module)?);
    let how = if cause.is_none() { "the same object as" } else { "found as" };
    let path = name.to_rust();
    let raised = pickling_error(vm, format!("Can't pickle {what}: it's not {how} {}.{path}", module.to_rust()));
    match cause {
        Some(first) => Err(after(vm, &first)),
        None => Err(raised),
    }
}

/// The loaded module that has the object under its name; `__main__` where none has.
fn search(vm: &mut Vm, obj: &Value, name: &Str) -> PyResult {
    let modules = vm.import_attr("sys", "modules")?;
    let pairs = modules.downcast::<Dict>().map(|d| d.pairs()).unwrap_or_default();
    for (module_name, module) in pairs {
        let is = |text: &str| module_name.downcast::<Str>().is_some_and(|s| s.is_text(text));
        if module.is_none() || is("__main__") || is("__mp_main__") {
            continue;
        }
        let found = attribute_path(vm, &module, name);
        if vm.suppress(found, &ATTRIBUTE_ERROR)?.is_some_and(|f| f.is(obj)) {
            return Ok(module_name);
        }
    }
    Ok(vm.new_str("__main__"))
}

/// Writes a global by its module and its name, `__qualname__` unless one is given.
pub fn save_global(vm: &mut Vm, me: &Py<Pickler>, obj: &Value, name: Option<&Value>) -> PyResult<()> {
    let name = match name {
        Some(n) => n.clone(),
        None => {
            let qualified = vm.intern("__qualname__");
            match vm.get_attr_opt(obj, &qualified)? {
                Some(n) => n,
                None => vm.get_attr_text(obj, "__name__")?,
            }
        }
    };
    let text = vm.expect_str(&name, "the name of a global")?.clone();
    let module = module_of(vm, obj, &text)?;
    let proto = me.state.borrow().proto;
    if proto >= 2 && save_extension(vm, me, &module, &name)? {
        return Ok(());
    }
    if proto >= 4 {
        save(vm, me, &module, true)?;
        save(vm, me, &name, true)?;
        put(me, &[op::STACK_GLOBAL]);
    } else {
        save_dotted(vm, me, &module, &text)?;
    }
    memoize(me, obj);
    Ok(())
}

/// Before protocol 4 a path is a chain of calls of `getattr`.
fn save_dotted(vm: &mut Vm, me: &Py<Pickler>, module: &Value, path: &Str) -> PyResult<()> {
    let old = me.state.borrow().proto < 2;
    let names = path_names(path);
    let [first, rest @ ..] = names.as_slice() else { return Ok(()) };
    if !rest.is_empty() {
        let getattr = vm.import_attr("builtins", "getattr")?;
        for _ in rest {
            save(vm, me, &getattr, true)?;
            if old {
                put(me, &[op::MARK]);
            }
        }
    }
    save_named(vm, me, module, first)?;
    for name in rest {
        save(vm, me, name.as_value(), true)?;
        put(me, &[if old { op::TUPLE } else { op::TUPLE2 }, op::REDUCE]);
    }
    Ok(())
}

fn save_named(vm: &mut Vm, me: &Py<Pickler>, module: &Value, name: &Py<Str>) -> PyResult<()> {
    let mut module = vm.expect_str(module, "the name of a module")?.clone();
    let mut name = name.clone();
    let (proto, fix) = (me.state.borrow().proto, me.state.borrow().fix_imports);
    if fix {
        (module, name) = old_name(vm, module, name)?;
    }
    let mut out = vec![op::GLOBAL];
    for (what, text) in [("module", &module), ("global", &name)] {
        let fits = if proto < 3 { text.as_ascii().is_some() } else { text.to_utf8().is_some() };
        if !fits {
            return Err(not_encodable(vm, what, text, proto));
        }
        out.extend_from_slice(text.to_rust().as_bytes());
        out.push(b'\n');
    }
    put(me, &out);
    Ok(())
}

/// A name that the protocol cannot express; the codec's own error is the context.
fn not_encodable(vm: &mut Vm, what: &str, text: &Py<Str>, proto: i32) -> Raised {
    let encoding = vm.new_str(if proto < 3 { "ascii" } else { "utf-8" });
    let first = match vm.call_method(text.as_value(), "encode", &[encoding]) {
        Ok(_) => return vm.system_error("a name that can be encoded"),
        Err(_) => vm.take_error(),
    };
    let shown = shown(vm, text.as_value());
    let _ = pickling_error(vm, format!("can't pickle {what} identifier {shown} using pickle protocol {proto}"));
    after(vm, &first)
}

/// The name that Python 2 knew a global by.
fn old_name(vm: &mut Vm, module: Py<Str>, name: Py<Str>) -> PyResult<(Py<Str>, Py<Str>)> {
    let names = registry(vm, "_compat_pickle", "REVERSE_NAME_MAPPING")?;
    let key = Tuple::of([module.as_value().clone(), name.as_value().clone()]);
    if let Some(found) = names.get_item(vm, key.as_value())? {
        if let Some([m, n]) = found.downcast::<Tuple>().map(|t| t.items()) {
            if let (Some(m), Some(n)) = (m.downcast::<Str>(), n.downcast::<Str>()) {
                return Ok((m.clone(), n.clone()));
            }
        }
        return Err(vm.runtime_error("_compat_pickle.REVERSE_NAME_MAPPING values should be 2-tuples of str"));
    }
    let modules = registry(vm, "_compat_pickle", "REVERSE_IMPORT_MAPPING")?;
    let found = modules.lookup_str(&module).and_then(|m| m.downcast::<Str>().cloned());
    Ok((found.unwrap_or(module), name))
}

/// A global with a registered extension code.
fn save_extension(vm: &mut Vm, me: &Py<Pickler>, module: &Value, name: &Value) -> PyResult<bool> {
    let registered = registry(vm, "copyreg", "_extension_registry")?;
    if registered.len() == 0 {
        return Ok(false);
    }
    let key = Tuple::of([module.clone(), name.clone()]);
    let Some(code) = registered.get_item(vm, key.as_value())? else { return Ok(false) };
    let code = vm.to_i64(&code)?;
    if !(1..=0x7fff_ffff).contains(&code) {
        return Err(vm.runtime_error(format!("extension code {code} is out of range")));
    }
    let b = (code as u32).to_le_bytes();
    match code {
        0..=0xff => put(me, &[op::EXT1, b[0]]),
        0x100..=0xffff => put(me, &[op::EXT2, b[0], b[1]]),
        _ => put(me, &[op::EXT4, b[0], b[1], b[2], b[3]]),
    }
    Ok(true)
}
