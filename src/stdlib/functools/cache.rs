//! `_lru_cache_wrapper`: a function whose results are kept, all of them or those asked for last. The cache is a dict in
//! the order of use, so the first item is the one to give up.

use taipan_runtime::name;
use taipan_runtime::object::instance::new_of;
use taipan_runtime::object::{GetSetDef, Raised};
use taipan_runtime::object::{MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, none};
use taipan_runtime::types::dict::{Dict, order};
use taipan_runtime::types::int::Int;
use taipan_runtime::types::method::BoundMethod;
use taipan_runtime::types::object::{get_dict, set_dict};
use taipan_runtime::types::sequence::ssize_arg;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};

/// Payload of `_lru_cache_wrapper`.
pub struct LruCache {
    function: Value,
    cache: Py<Dict>,
    /// Most results to keep; `None`: all.
    max: Option<usize>,
    typed: bool,
    hits: u64,
    misses: u64,
    info_type: Value,
    /// Stands between positional and keyword arguments in keys.
    mark: Value,
}
taipan_runtime::payload!(LruCache, LRU_CACHE_WRAPPER,
    traverse(self, visit) {
        let LruCache { function, cache, max: _, typed: _, hits: _, misses: _, info_type, mark } = self;
        visit(function);
        visit(cache.as_value());
        visit(info_type);
        visit(mark);
    },
    clear(self) {
        self.cache.clear_all();
        self.function = none();
    }
);

/// The type `functools._lru_cache_wrapper`.
pub static LRU_CACHE_WRAPPER: TypeDef = TypeDef::new::<LruCache>("functools._lru_cache_wrapper")
    .doc("A function whose results are kept; see functools.lru_cache.")
    .flags(
        TypeFlags::HAVE_GC.union(TypeFlags::HAS_DICT).union(TypeFlags::WEAKREFABLE).union(TypeFlags::METHOD_DESCRIPTOR),
    )
    .cpython_size(152, 0)
    .slots(Slots {
        new: Some(cache_new),
        call: Some(call),
        descr_get: Some(|_, me, object, _| {
            Ok(match object.filter(|o| !o.is_none()) {
                Some(o) => BoundMethod::new_object(me.clone(), o.clone()),
                None => me.clone(),
            })
        }),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "cache_info",
            "($self, /)",
            "Return hits, misses, most and present results.",
            NativeFn::F1(info),
        ),
        MethodDef::method(
            "cache_clear",
            "($self, /)",
            "Forget all results and counts.",
            NativeFn::F1(|vm, me| {
                let c = this(me).get_mut(vm);
                (c.hits, c.misses) = (0, 0);
                c.cache.clone().clear_all();
                Ok(none())
            }),
        ),
        MethodDef::method(
            "__reduce__",
            "($self, /)",
            "Return state information for pickling.",
            NativeFn::F1(|vm, me| vm.get_attr(me, name!("__qualname__"))),
        ),
        MethodDef::method(
            "__copy__",
            "($self, /)",
            "Return the function itself.",
            NativeFn::F1(|_, me| Ok(me.clone())),
        ),
        MethodDef::method(
            "__deepcopy__",
            "($self, memo, /)",
            "Return the function itself.",
            NativeFn::F2(|_, me, _| Ok(me.clone())),
        ),
    ])
    .getset(&[GetSetDef::get_set("__dict__", "", get_dict, set_dict)]);

fn this(me: &Value) -> &Py<LruCache> {
    me.downcast::<LruCache>().expect("a method of _lru_cache_wrapper is called on one")
}

fn cache_new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new("lru_cache", "(user_function, maxsize, typed, cache_info_type)");
    let bound = args.bind(vm, &SIGNATURE)?;
    let [Some(function), Some(max), Some(typed), Some(info_type)] = &bound[..] else {
        unreachable!("all are required")
    };
    if !vm.callable(function) {
        return Err(vm.type_error("the first argument must be callable"));
    }
    let typed = vm.truth(typed)?;
    let max = match max {
        m if m.is_none() => None,
        m if m.is_small() || m.class().payload.slots().index.is_some() => Some(ssize_arg(vm, m)?.max(0) as usize),
        _ => return Err(vm.type_error("maxsize should be integer or None")),
    };
    let mark = taipan_runtime::types::object::OBJECT.value();
    let mark = vm.call0(&mark)?;
    let cache = LruCache {
        function: function.clone(),
        cache: Dict::new_object(),
        max,
        typed,
        hits: 0,
        misses: 0,
        info_type: info_type.clone(),
        mark,
    };
    Ok(new_of(class, cache).into())
}

/// What a call's arguments are kept under: a lone int or str itself, else a tuple.
fn make_key(args: &Args<'_>, typed: bool, mark: &Value) -> Value {
    if !typed && !args.has_keywords() {
        if let [v] = args.pos() {
            if Int::is_exact(v) || v.is_exact::<Str>() {
                return v.clone();
            }
        }
        return Tuple::from_slice(args.pos()).into();
    }
    let mut key = args.pos().to_vec();
    if args.has_keywords() {
        key.push(mark.clone());
        for (name, value) in args.keywords() {
            key.push(name.as_value().clone());
            key.push(value.clone());
        }
    }
    if typed {
        key.extend(args.all().iter().map(|v| Py::<Type>::of(v.class()).into_value()));
    }
    Tuple::from_vec(key).into()
}

fn call(vm: &mut Vm, me: &Value, args: &Args<'_>) -> PyResult {
    let c = this(me);
    let (function, cache, max) = (c.get(vm).function.clone(), c.get(vm).cache.clone(), c.get(vm).max);
    if max == Some(0) {
        c.get_mut(vm).misses += 1;
        return vm.call_args(&function, args);
    }
    let key = make_key(args, c.get(vm).typed, &c.get(vm).mark);
    let hash = vm.hash(&key)?;
    let found = match max {
        None => cache.get_item_hashed(vm, &key, hash)?,
        Some(_) => order::touch(vm, &cache, &key, hash)?,
    };
    if let Some(v) = found {
        c.get_mut(vm).hits += 1;
        return Ok(v);
    }
    c.get_mut(vm).misses += 1;
    let result = vm.call_args(&function, args)?;
    store(vm, &cache, max, &key, hash, &result)?;
    Ok(result)
}

fn store(vm: &mut Vm, cache: &Py<Dict>, max: Option<usize>, key: &Value, hash: i64, v: &Value) -> Result<(), Raised> {
    let Some(max) = max else { return cache.set_item_hashed(vm, key, hash, v.clone()) };
    // The call itself may have stored a result for the same key.
    if cache.get_item_hashed(vm, key, hash)?.is_some() {
        return Ok(());
    }
    if cache.len() >= max {
        let dead = order::pop_first(cache);
        drop(dead);
    }
    cache.set_item_hashed(vm, key, hash, v.clone())
}

fn info(vm: &mut Vm, me: &Value) -> PyResult {
    let c = this(me).get(vm);
    let max = c.max.map_or_else(none, Value::from_usize);
    let args = [Int::from_u64(c.hits), Int::from_u64(c.misses), max, Value::from_usize(c.cache.len())];
    let info_type = c.info_type.clone();
    vm.call(&info_type, &args)
}
