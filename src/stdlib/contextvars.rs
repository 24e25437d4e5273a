//! `_contextvars` (`Python/context.c`, PEP 567): variables whose values belong to a context, and contexts.
//!
//! A context's values lie in a map object that contexts share until one of them changes: copying a context is O(1).

use rustc_hash::FxHashMap;
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::typedef::CmpOp;
use taipan_runtime::object::value::{Frozen, StaticObj};
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, instance, none,
    not_implemented,
};
use taipan_runtime::types::exceptions as exc;
use taipan_runtime::types::generic_alias::class_getitem;
use taipan_runtime::types::list::List;
use taipan_runtime::types::slots::not_hashable;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Args;

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_contextvars")
    .doc("Context Variables")
    .functions(&[MethodDef::function(
        "copy_context",
        "($module, /)",
        "A copy of the current context.",
        F0(|vm| {
            let here = current(vm);
            Ok(copy(vm, &here))
        }),
    )])
    .types(&[&CONTEXT, &CONTEXT_VAR, &TOKEN, &MAP, &MISSING_TYPE])
    .init(|_, dict| {
        let _ = dict.remove_str(taipan_runtime::name!("hamt"));
        let _ = dict.remove_str(taipan_runtime::name!("MISSING"));
        TOKEN.object().payload.dict().store_text("MISSING", MISSING.value());
        Ok(())
    });

/// Values by variable, in order of their first setting.
#[derive(Default)]
pub struct Map {
    items: Vec<(Value, Value)>,
    /// Place of each variable by its address, once there are many.
    index: FxHashMap<usize, usize>,
}

/// Up to this many variables are searched one by one.
const FEW: usize = 8;

taipan_runtime::payload!(Map, MAP,
    traverse(self, visit) {
        for (k, v) in &self.items {
            visit(k);
            visit(v);
        }
    },
    clear(self) {
        self.index.clear();
        drop(std::mem::take(&mut self.items));
    }
);

/// The type of a context's map; programs meet it only through `gc`.
pub static MAP: TypeDef = TypeDef::new::<Map>("hamt")
    .doc("Values of context variables.")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION));

impl Map {
    fn place(&self, var: &Value) -> Option<usize> {
        if self.items.len() > FEW {
            return self.index.get(&var.word()).copied();
        }
        self.items.iter().position(|(k, _)| k.is(var))
    }

    fn get(&self, var: &Value) -> Option<Value> {
        self.place(var).map(|i| self.items[i].1.clone())
    }

    fn reindex(&mut self) {
        self.index.clear();
        if self.items.len() > FEW {
            self.index = self.items.iter().enumerate().map(|(i, (k, _))| (k.word(), i)).collect();
        }
    }

    /// Gives the old value.
    fn put(&mut self, var: &Value, value: Value) -> Option<Value> {
        if let Some(i) = self.place(var) {
            return Some(std::mem::replace(&mut self.items[i].1, value));
        }
        self.items.push((var.clone(), value));
        match self.items.len() {
            n if n == FEW + 1 => self.reindex(),
            n if n > FEW => drop(self.index.insert(var.word(), n - 1)),
            _ => {}
        }
        None
    }

    fn remove(&mut self, var: &Value) -> Option<(Value, Value)> {
        let i = self.place(var)?;
        let old = self.items.remove(i);
        self.reindex();
        Some(old)
    }
}

/// Payload of `Context`.
pub struct Context {
    map: Py<Map>,
    /// The thread's context before this one was entered.
    previous: Option<Value>,
    entered: bool,
}
taipan_runtime::payload!(Context, CONTEXT,
    traverse(self, visit) {
        let Context { map, previous, entered: _ } = self;
        visit(map.as_value());
        if let Some(p) = previous {
            visit(p);
        }
    },
    clear(self) {
        self.map = instance::new(Map::default());
        self.previous = None;
    }
);

/// `contextvars.Context`
pub static CONTEXT: TypeDef = TypeDef::new::<Context>("_contextvars.Context")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::WEAKREFABLE))
    .cpython_size(56, 0)
    .slots(Slots {
        new: Some(|vm, _, args| {
            if args.len() != 0 || args.has_keywords() {
                return Err(vm.type_error("Context() does not accept any arguments"));
            }
            Ok(empty().into())
        }),
        hash: Some(not_hashable),
        richcmp: Some(compare),
        iter: Some(|vm, me| {
            let keys = map(vm, me).items.iter().map(|(k, _)| k.clone()).collect();
            iterate(vm, keys)
        }),
        len: Some(|vm, me| Ok(map(vm, me).items.len())),
        subscript: Some(|vm, me, key| {
            expect_var(vm, key)?;
            match map(vm, me).get(key) {
                Some(v) => Ok(v),
                None => Err(vm.key_error(key)),
            }
        }),
        contains: Some(|vm, me, key| {
            expect_var(vm, key)?;
            Ok(map(vm, me).place(key).is_some())
        }),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "get",
            "($self, key, default=None, /)",
            "Value of a variable, or the default.",
            N(|vm, a| {
                let [Some(me), Some(key), default] = a else { return Ok(none()) };
                expect_var(vm, key)?;
                Ok(map(vm, me).get(key).or_else(|| default.clone()).unwrap_or_else(none))
            }),
        ),
        MethodDef::method(
            "items",
            "($self, /)",
            "Variables and their values.",
            F1(|vm, me| {
                let all: Vec<_> = map(vm, me).items.clone();
                iterate(vm, all.into_iter().map(|(k, v)| Tuple::from_vec(vec![k, v]).into()).collect())
            }),
        ),
        MethodDef::method(
            "keys",
            "($self, /)",
            "The variables.",
            F1(|vm, me| {
                let keys = map(vm, me).items.iter().map(|(k, _)| k.clone()).collect();
                iterate(vm, keys)
            }),
        ),
        MethodDef::method(
            "values",
            "($self, /)",
            "The values.",
            F1(|vm, me| {
                let values = map(vm, me).items.iter().map(|(_, v)| v.clone()).collect();
                iterate(vm, values)
            }),
        ),
        MethodDef::method(
            "copy",
            "($self, /)",
            "A context with the same values.",
            F1(|vm, me| {
                let me = context(me).clone();
                Ok(copy(vm, &me))
            }),
        ),
        MethodDef::method(
            "run",
            "",
            "Call a function in this context.",
            V(|vm, args| {
                let Some(f) = args.get(1).cloned() else {
                    return Err(vm.type_error("run() missing 1 required positional argument"));
                };
                let me = context(&args.pos()[0]).clone();
                run(vm, &me, |vm| vm.call_kw(&f, &args.skip(2)))
            }),
        ),
    ]);

fn iterate(vm: &mut Vm, items: Vec<Value>) -> PyResult {
    vm.iter(List::from_vec(items).as_value())
}

fn context(v: &Value) -> &Py<Context> {
    v.downcast::<Context>().expect("a method of Context is called on one")
}

fn map<'a>(vm: &'a Vm, me: &'a Value) -> &'a Map {
    context(me).get(vm).map.get(vm)
}

fn expect_var(vm: &mut Vm, key: &Value) -> PyResult<()> {
    if key.downcast::<ContextVar>().is_some() {
        return Ok(());
    }
    let shown = vm.repr(key)?.to_rust().into_owned();
    Err(vm.type_error(format!("a ContextVar key was expected, got {shown}")))
}

fn empty() -> Py<Context> {
    instance::new(Context { map: instance::new(Map::default()), previous: None, entered: false })
}

/// A context with the same values.
pub fn copy(vm: &mut Vm, of: &Py<Context>) -> Value {
    let map = of.get(vm).map.clone();
    instance::new(Context { map, previous: None, entered: false }).into()
}

/// The thread's context, made when there is none.
pub fn current(vm: &mut Vm) -> Py<Context> {
    if let Some(c) = vm.context.as_ref().and_then(|c| c.downcast::<Context>()) {
        return c.clone();
    }
    let c = empty();
    vm.context = Some(c.clone().into());
    c
}

/// Makes a context the thread's; `RuntimeError` when it is some thread's already.
pub fn enter(vm: &mut Vm, c: &Py<Context>) -> PyResult<()> {
    if c.get(vm).entered {
        let shown = vm.repr(c.as_value())?.to_rust().into_owned();
        return Err(vm.runtime_error(format!("cannot enter context: {shown} is already entered")));
    }
    let previous = vm.context.replace(c.clone().into());
    let inside = c.get_mut(vm);
    inside.previous = previous;
    inside.entered = true;
    Ok(())
}

/// Ends what [`enter`] began.
pub fn leave(vm: &mut Vm, c: &Py<Context>) {
    let inside = c.get_mut(vm);
    inside.entered = false;
    let previous = inside.previous.take();
    vm.context = previous;
}

/// Runs something in a context.
pub fn run<T>(vm: &mut Vm, c: &Py<Context>, f: impl FnOnce(&mut Vm) -> PyResult<T>) -> PyResult<T> {
    enter(vm, c)?;
    let r = f(vm);
    leave(vm, c);
    r
}

/// The context's map, to be changed: its own, no longer shared.
fn own_map(vm: &mut Vm, c: &Py<Context>) -> Py<Map> {
    let map = c.get(vm).map.clone();
    // One reference is the context's, one is held here.
    if map.as_value().header().is_some_and(|h| h.rc.get() == 2) {
        return map;
    }
    let mut fresh = Map { items: map.get(vm).items.clone(), index: FxHashMap::default() };
    fresh.reindex();
    let fresh = instance::new(fresh);
    c.get_mut(vm).map = fresh.clone();
    fresh
}

fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    let (Some(x), Some(y)) = (a.downcast::<Context>(), b.downcast::<Context>()) else { return Ok(not_implemented()) };
    if !matches!(op, CmpOp::Eq | CmpOp::Ne) {
        return Ok(not_implemented());
    }
    let (x, y) = (x.get(vm).map.clone(), y.get(vm).map.clone());
    let equal = x.as_value().is(y.as_value()) || same_items(vm, &x, &y)?;
    Ok(boolean(equal == (op == CmpOp::Eq)))
}

fn same_items(vm: &mut Vm, x: &Py<Map>, y: &Py<Map>) -> PyResult<bool> {
    let items = x.get(vm).items.clone();
    if items.len() != y.get(vm).items.len() {
        return Ok(false);
    }
    for (k, v) in items {
        let Some(other) = y.get(vm).get(&k) else { return Ok(false) };
        if !vm.eq(&v, &other)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Payload of `ContextVar`.
pub struct ContextVar {
    name: Value,
    default: Option<Value>,
}
taipan_runtime::payload!(ContextVar, CONTEXT_VAR,
    traverse(self, visit) {
        let ContextVar { name, default } = self;
        visit(name);
        if let Some(d) = default {
            visit(d);
        }
    },
    clear(self) {
        self.default = None;
    }
);

/// `contextvars.ContextVar`
pub static CONTEXT_VAR: TypeDef = TypeDef::new::<ContextVar>("_contextvars.ContextVar")
    .flags(TypeFlags::HAVE_GC)
    .cpython_size(64, 0)
    .slots(Slots {
        new: Some(new_var),
        repr: Some(|vm, me| {
            let ContextVar { name, default } = var(me).get(vm);
            let (name, default) = (name.clone(), default.clone());
            let name = vm.repr(&name)?.to_rust().into_owned();
            let default = match default {
                Some(d) => format!(" default={}", vm.repr(&d)?.to_rust()),
                None => String::new(),
            };
            Ok(vm.new_str(&format!("<ContextVar name={name}{default} at {:#x}>", me.id())))
        }),
        hash: Some(|_, me| Ok(((me.id() >> 4) as i64) & i64::MAX)),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "get",
            "($self, default=<unrepresentable>, /)",
            "Value in the current context.",
            N(|vm, a| {
                let me = a[0].clone().unwrap_or_else(none);
                get_value(vm, &me, a[1].as_ref())
            }),
        ),
        MethodDef::method("set", "($self, value, /)", "Set the value in the current context.", F2(set_value)),
        MethodDef::method(
            "reset",
            "($self, token, /)",
            "Set the value from before a set().",
            F2(|vm, me, token| {
                reset(vm, me, token)?;
                Ok(none())
            }),
        ),
        MethodDef::class("__class_getitem__", "($type, object, /)", "Generic over the values.", F2(class_getitem)),
    ])
    .getset(&[GetSetDef::member("name", "", |vm, me| Ok(var(me).get(vm).name.clone()))]);

fn var(v: &Value) -> &Py<ContextVar> {
    v.downcast::<ContextVar>().expect("a method of ContextVar is called on one")
}

fn new_var(vm: &mut Vm, _: &Py<Type>, args: &Args<'_>) -> PyResult {
    let total = args.all().len();
    if total > 2 {
        return Err(vm.type_error(format!("ContextVar() takes at most 2 arguments ({total} given)")));
    }
    if args.len() != 1 {
        return Err(vm.type_error(format!("ContextVar() takes exactly 1 positional argument ({} given)", args.len())));
    }
    if let Some((n, _)) = args.keywords().find(|(n, _)| !n.is_text("default")) {
        let n = n.to_rust();
        return Err(vm.type_error(format!("ContextVar() got an unexpected keyword argument '{n}'")));
    }
    let name = args.pos()[0].clone();
    if name.downcast::<Str>().is_none() {
        return Err(vm.type_error("context variable name must be a str"));
    }
    vm.hash(&name)?;
    Ok(instance::new(ContextVar { name, default: args.keyword("default").cloned() }).into())
}

/// The value of a variable in the current context, if it has one there.
pub fn lookup(vm: &Vm, var: &Value) -> Option<Value> {
    vm.context.as_ref()?.downcast::<Context>()?.get(vm).map.get(vm).get(var)
}

fn get_value(vm: &mut Vm, me: &Value, default: Option<&Value>) -> PyResult {
    if let Some(v) = lookup(vm, me).or_else(|| default.cloned()) {
        return Ok(v);
    }
    match &var(me).get(vm).default {
        Some(d) => Ok(d.clone()),
        None => Err(vm.raise_with(&exc::LOOKUP_ERROR, std::slice::from_ref(me))),
    }
}

/// Sets a variable in the current context; gives the token that takes it back.
pub fn set_value(vm: &mut Vm, me: &Value, value: &Value) -> PyResult {
    let here = current(vm);
    let map = own_map(vm, &here);
    let old = map.get_mut(vm).put(me, value.clone());
    Ok(instance::new(Token { context: here, var: me.clone(), old, used: false }).into())
}

fn reset(vm: &mut Vm, me: &Value, token: &Value) -> PyResult<()> {
    let Some(t) = token.downcast::<Token>().cloned() else {
        let shown = vm.repr(token)?.to_rust().into_owned();
        return Err(vm.type_error(format!("expected an instance of Token, got {shown}")));
    };
    let shown = |vm: &mut Vm| Ok(vm.repr(t.as_value())?.to_rust().into_owned());
    let inside = t.get(vm);
    let (used, same_var) = (inside.used, inside.var.is(me));
    let here = vm.context.as_ref().is_some_and(|c| c.is(inside.context.as_value()));
    if used {
        let shown = shown(vm)?;
        return Err(vm.runtime_error(format!("{shown} has already been used once")));
    }
    if !same_var {
        let shown = shown(vm)?;
        return Err(vm.value_error(format!("{shown} was created by a different ContextVar")));
    }
    if !here {
        let shown = shown(vm)?;
        return Err(vm.value_error(format!("{shown} was created in a different Context")));
    }
    t.get_mut(vm).used = true;
    let (c, old) = (t.get(vm).context.clone(), t.get(vm).old.clone());
    let map = own_map(vm, &c);
    match old {
        Some(old) => drop(map.get_mut(vm).put(me, old)),
        None => drop(map.get_mut(vm).remove(me)),
    }
    Ok(())
}

/// Payload of `Token`.
pub struct Token {
    context: Py<Context>,
    var: Value,
    old: Option<Value>,
    used: bool,
}
taipan_runtime::payload!(Token, TOKEN,
    traverse(self, visit) {
        let Token { context, var, old, used: _ } = self;
        visit(context.as_value());
        visit(var);
        if let Some(o) = old {
            visit(o);
        }
    },
    clear(self) {
        self.old = None;
        self.var = none();
    }
);

/// `contextvars.Token`
pub static TOKEN: TypeDef = TypeDef::new::<Token>("_contextvars.Token")
    .flags(TypeFlags::HAVE_GC)
    .cpython_size(48, 0)
    .slots(Slots {
        new: Some(|vm, _, _| Err(vm.runtime_error("Tokens can only be created by ContextVars"))),
        repr: Some(|vm, me| {
            let inside = token(me).get(vm);
            let (var, used) = (inside.var.clone(), if inside.used { " used" } else { "" });
            let var = vm.repr(&var)?.to_rust().into_owned();
            Ok(vm.new_str(&format!("<Token{used} var={var} at {:#x}>", me.id())))
        }),
        hash: Some(not_hashable),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::class("__class_getitem__", "($type, object, /)", "Generic over the values.", F2(class_getitem)),
        MethodDef::method(
            "__enter__",
            "($self, /)",
            "Enter the block in which the value is set.",
            F1(|_, me| Ok(me.clone())),
        ),
        MethodDef::method(
            "__exit__",
            "($self, type, val, tb, /)",
            "Set the value from before.",
            F4(|vm, me, _, _, _| {
                let var = token(me).get(vm).var.clone();
                reset(vm, &var, me)?;
                Ok(none())
            }),
        ),
    ])
    .getset(&[
        GetSetDef::get("var", "The variable.", |vm, me| Ok(token(me).get(vm).var.clone())),
        GetSetDef::get("old_value", "The value from before, or Token.MISSING.", |vm, me| {
            Ok(token(me).get(vm).old.clone().unwrap_or_else(|| MISSING.value()))
        }),
    ]);

fn token(v: &Value) -> &Py<Token> {
    v.downcast::<Token>().expect("a method of Token is called on one")
}

/// Payload of `Token.MISSING`: nothing.
pub struct Missing;
taipan_runtime::payload!(Missing, MISSING_TYPE);
impl Frozen for Missing {}

static MISSING: StaticObj<Missing> = StaticObj::new(MISSING_TYPE.object(), Missing);

/// The type of `Token.MISSING`.
pub static MISSING_TYPE: TypeDef = TypeDef::new::<Missing>("Token.MISSING")
    .flags(TypeFlags::DISALLOW_INSTANTIATION)
    .cpython_size(16, 0)
    .slots(Slots { repr: Some(|vm, _| Ok(vm.new_str("<Token.MISSING>"))), ..Slots::NONE });
