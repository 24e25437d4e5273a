//! `partial`: a function with some arguments given beforehand; `Placeholder` keeps a place free among them.

use taipan_runtime::name;
use taipan_runtime::object::instance::{attributes, new_of};
use taipan_runtime::object::value::StaticObj;
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, none,
};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::dict::methods::merge;
use taipan_runtime::types::generic_alias::class_getitem;
use taipan_runtime::types::method::BoundMethod;
use taipan_runtime::types::object::{get_dict, set_dict};
use taipan_runtime::types::sequence::{enclose, join_texts};
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Args;

/// Payload of the type of `Placeholder`: nothing.
pub struct PlaceholderType;
taipan_runtime::payload!(PlaceholderType, PLACEHOLDER_TYPE);

/// `functools.Placeholder`.
pub static PLACEHOLDER: StaticObj<PlaceholderType> = StaticObj::new(PLACEHOLDER_TYPE.object(), PlaceholderType);

/// The type of `Placeholder`.
pub static PLACEHOLDER_TYPE: TypeDef = TypeDef::new::<PlaceholderType>("functools._PlaceholderType")
    .doc("The type of Placeholder, which keeps a place free among the arguments of partial().")
    .cpython_size(16, 0)
    .slots(Slots {
        new: Some(|vm, _, args| {
            if args.len() != 0 || args.has_keywords() {
                return Err(vm.type_error("PlaceholderType takes no arguments"));
            }
            Ok(PLACEHOLDER.value())
        }),
        repr: Some(|vm, _| Ok(vm.intern("Placeholder").into())),
        ..Slots::NONE
    })
    .methods(&[MethodDef::method(
        "__reduce__",
        "($self, /)",
        "Return state information for pickling.",
        NativeFn::F1(|vm, _| Ok(vm.intern("Placeholder").into())),
    )]);

/// Payload of `partial`.
pub struct Partial {
    function: Value,
    args: Py<Tuple>,
    keywords: Py<Dict>,
    /// How many of the arguments are `Placeholder`.
    places: usize,
}
taipan_runtime::payload!(Partial, PARTIAL,
    traverse(self, visit) {
        let Partial { function, args, keywords, places: _ } = self;
        visit(function);
        visit(args.as_value());
        visit(keywords.as_value());
    },
    clear(self) {
        self.function = none();
        self.args = Tuple::empty();
        self.keywords = Dict::new_object();
    }
);

/// The type `functools.partial`.
pub static PARTIAL: TypeDef = TypeDef::new::<Partial>("functools.partial")
    .doc("A function with some arguments given beforehand.")
    .signature("(func, /, *args, **keywords)")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::BASETYPE).union(TypeFlags::HAS_DICT).union(TypeFlags::WEAKREFABLE))
    .cpython_size(80, 0)
    .slots(Slots {
        new: Some(partial_new),
        repr: Some(partial_repr),
        call: Some(partial_call),
        descr_get: Some(|_, me, object, _| {
            Ok(match object.filter(|o| !o.is_none()) {
                Some(o) => BoundMethod::new_object(me.clone(), o.clone()),
                None => me.clone(),
            })
        }),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method("__reduce__", "($self, /)", "Return state information for pickling.", NativeFn::F1(reduce)),
        MethodDef::method(
            "__setstate__",
            "($self, object, /)",
            "Set state information for unpickling.",
            NativeFn::F2(setstate),
        ),
        MethodDef::class(
            "__class_getitem__",
            "($type, object, /)",
            "partial is generic over the type of the result.",
            NativeFn::F2(class_getitem),
        ),
    ])
    .getset(&[
        GetSetDef::member("func", "The function to call.", |vm, me| Ok(this(me).get(vm).function.clone())),
        GetSetDef::member("args", "The arguments given beforehand.", |vm, me| Ok(this(me).get(vm).args.clone().into())),
        GetSetDef::member("keywords", "The keyword arguments given beforehand.", |vm, me| {
            Ok(this(me).get(vm).keywords.clone().into())
        }),
        GetSetDef::get_set("__dict__", "", get_dict, set_dict),
    ]);

fn this(me: &Value) -> &Py<Partial> {
    me.downcast::<Partial>().expect("a method of partial is called on one")
}

fn is_place(v: &Value) -> bool {
    v.is_static(&PLACEHOLDER)
}

/// Puts `more` into the places kept free in `args`, the rest after them.
fn fill_places(args: &[Value], more: &[Value]) -> Vec<Value> {
    let mut more = more.iter();
    let mut out: Vec<Value> =
        args.iter().map(|a| if is_place(a) { more.next().unwrap_or(a).clone() } else { a.clone() }).collect();
    out.extend(more.cloned());
    out
}

fn no_trailing_places(vm: &mut Vm, args: &[Value]) -> PyResult<()> {
    match args.last() {
        Some(v) if is_place(v) => Err(vm.type_error("trailing Placeholders are not allowed")),
        _ => Ok(()),
    }
}

fn partial_new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    let Some((function, more)) = args.pos().split_first() else {
        return Err(vm.type_error("type 'partial' takes at least one argument"));
    };
    if !vm.callable(function) {
        return Err(vm.type_error("the first argument must be callable"));
    }
    no_trailing_places(vm, more)?;
    if args.keywords().any(|(_, v)| is_place(v)) {
        return Err(vm.type_error("Placeholder cannot be passed as a keyword argument"));
    }
    // A partial of a partial is one partial, unless the inner one has attributes of its own.
    let call = function.class().payload.slots().call;
    let plain = call.is_some_and(|f| std::ptr::fn_addr_eq(f, partial_call as taipan_runtime::object::typedef::CallFn));
    let inner = function.downcast::<Partial>().filter(|_| plain && attributes(function).is_empty());
    let (function, given, keywords) = match inner {
        Some(p) => {
            let p = p.get(vm);
            (p.function.clone(), fill_places(p.args.items(), more), p.keywords.copy())
        }
        None => (function.clone(), more.to_vec(), Dict::new_object()),
    };
    for (key, value) in args.keywords() {
        keywords.set_item_hashed(vm, key.as_value(), key.hash(), value.clone())?;
    }
    let places = given.iter().filter(|v| is_place(v)).count();
    Ok(new_of(class, Partial { function, args: Tuple::from_vec(given), keywords, places }).into())
}

fn partial_call(vm: &mut Vm, me: &Value, args: &Args<'_>) -> PyResult {
    let p = this(me).get(vm);
    let (function, given, keywords, places) = (p.function.clone(), p.args.clone(), p.keywords.clone(), p.places);
    if args.len() < places {
        return Err(vm.type_error(format!(
            "missing positional arguments in 'partial' call; expected at least {places}, got {}",
            args.len()
        )));
    }
    if keywords.len() == 0 {
        let mut all = match places {
            0 => [given.items(), args.pos()].concat(),
            _ => fill_places(given.items(), args.pos()),
        };
        all.extend_from_slice(&args.all()[args.len()..]);
        return vm.call_args(&function, &Args::new(&all, args.kwnames()));
    }
    let mut all = fill_places(given.items(), args.pos());
    let merged = keywords.copy();
    for (key, value) in args.keywords() {
        merged.set_item_hashed(vm, key.as_value(), key.hash(), value.clone())?;
    }
    let (names, values): (Vec<Value>, Vec<Value>) = merged.pairs().into_iter().unzip();
    if names.iter().any(|n| n.downcast::<Str>().is_none()) {
        return Err(vm.type_error("keywords must be strings"));
    }
    all.extend(values);
    vm.call_args(&function, &Args::new(&all, Some(&Tuple::from_vec(names))))
}

fn partial_repr(vm: &mut Vm, me: &Value) -> PyResult {
    if !vm.enter_repr(me) {
        return Ok(vm.intern("...").into());
    }
    let text = repr_text(vm, me);
    vm.leave_repr(me);
    Ok(text?.into())
}

fn repr_text(vm: &mut Vm, me: &Value) -> PyResult<Py<Str>> {
    let p = this(me).get(vm);
    let (function, args, keywords) = (p.function.clone(), p.args.clone(), p.keywords.clone());
    let mut texts = vec![vm.repr(&function)?];
    for v in args.items() {
        texts.push(vm.repr(v)?);
    }
    for (key, value) in keywords.pairs() {
        let (key, value) = (vm.str(&key)?, vm.repr(&value)?);
        texts.push(join_texts(&[&key, name!("="), &value]));
    }
    let class: Value = Py::<Type>::of(me.class()).into();
    let (module, name) = (vm.get_attr(&class, name!("__module__"))?, vm.get_attr(&class, name!("__qualname__"))?);
    let (module, name) = (vm.str(&module)?, vm.str(&name)?);
    let inner = enclose("(", &texts, ")");
    Ok(join_texts(&[&module, name!("."), &name, &inner]))
}

fn reduce(vm: &mut Vm, me: &Value) -> PyResult {
    let p = this(me).get(vm);
    let (function, args, keywords): (Value, Value, Value) =
        (p.function.clone(), p.args.clone().into(), p.keywords.clone().into());
    let own = match attributes(me).is_empty() {
        true => none(),
        false => get_dict(vm, me)?,
    };
    let class: Value = Py::<Type>::of(me.class()).into();
    let state = Tuple::of([function.clone(), args, keywords, own]);
    Ok(Tuple::of([class, Tuple::of([function]).into(), state.into()]).into())
}

fn setstate(vm: &mut Vm, me: &Value, state: &Value) -> PyResult {
    let parts = state.downcast::<Tuple>().map(|t| t.items().to_vec());
    let invalid = |vm: &mut Vm| vm.type_error("invalid partial state");
    let Some([function, args, keywords, own]) = parts.as_deref() else { return Err(invalid(vm)) };
    let dict_or_none = |v: &Value| v.is_none() || v.downcast::<Dict>().is_some();
    let (true, Some(args), true) = (vm.callable(function), args.downcast::<Tuple>(), dict_or_none(keywords)) else {
        return Err(invalid(vm));
    };
    no_trailing_places(vm, args.items())?;
    let places = args.items().iter().filter(|v| is_place(v)).count();
    let args = if args.as_value().is_exact::<Tuple>() { args.clone() } else { Tuple::from_slice(args.items()) };
    let keywords = match keywords.downcast_exact::<Dict>() {
        Some(d) => d.clone(),
        None => {
            let d = Dict::new_object();
            if !keywords.is_none() {
                merge(vm, &d, keywords, true)?;
            }
            d
        }
    };
    if own.is_none() {
        if !attributes(me).is_empty() {
            set_dict(vm, me, Some(Dict::new_object().as_value()))?;
        }
    } else {
        set_dict(vm, me, Some(own))?;
    }
    let new = Partial { function: function.clone(), args, keywords, places };
    let old = std::mem::replace(this(me).get_mut(vm), new);
    drop(old);
    Ok(none())
}
