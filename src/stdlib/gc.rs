//! `gc` (`Modules/gcmodule.c`): the collector's switches, its counts, and who refers to whom.

use crate::system::int;
use taipan_runtime::builtins::sys::audit::audit;
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::gc::{self, GC};
use taipan_runtime::object::header::flag;
use taipan_runtime::object::{MethodDef, NativeFn::*, Py, PyResult, TypeFlags, Value, boolean, none};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::list::List;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("gc")
    .doc("The garbage collector for reference cycles.")
    .functions(&[
        MethodDef::function(
            "enable",
            "($module, /)",
            "Collect automatically.",
            F0(|_| {
                GC.enabled.set(true);
                Ok(none())
            }),
        ),
        MethodDef::function(
            "disable",
            "($module, /)",
            "Collect only when asked to.",
            F0(|_| {
                GC.enabled.set(false);
                Ok(none())
            }),
        ),
        MethodDef::function(
            "isenabled",
            "($module, /)",
            "Whether collection is automatic.",
            F0(|_| Ok(boolean(GC.enabled.get()))),
        ),
        MethodDef::function(
            "set_debug",
            "($module, flags, /)",
            "Set the debugging flags.",
            F1(|vm, flags| {
                GC.debug.set(vm.to_i32(flags)? as u32);
                Ok(none())
            }),
        ),
        MethodDef::function("get_debug", "($module, /)", "The debugging flags.", F0(|_| Ok(int(GC.debug.get())))),
        MethodDef::function(
            "get_count",
            "($module, /)",
            "Counts that lead to collections.",
            F0(|_| Ok(triple([gc::count0(), GC.count1.get(), GC.count2.get()]))),
        ),
        MethodDef::function(
            "set_threshold",
            "",
            "Set the counts at which generations are collected.",
            V(|vm, args| {
                args.no_keywords(vm, "set_threshold")?;
                if !(1..=3).contains(&args.len()) {
                    return Err(vm.type_error("gc.set_threshold requires 1 to 3 arguments"));
                }
                let mut all = GC.thresholds.get();
                for (place, v) in all.iter_mut().zip(args.pos()) {
                    *place = vm.to_i32(v)?;
                }
                GC.thresholds.set(all);
                Ok(none())
            }),
        ),
        MethodDef::function(
            "get_threshold",
            "($module, /)",
            "The counts at which generations are collected.",
            F0(|_| Ok(triple(GC.thresholds.get()))),
        ),
        MethodDef::function(
            "collect",
            "($module, /, generation=2)",
            "Collect a generation and the younger ones; give the number of unreachable objects.",
            N(|vm, a| {
                let generation = match &a[0] {
                    Some(g) => vm.to_i32(g)?,
                    None => 2,
                };
                if !(0..=2).contains(&generation) {
                    return Err(vm.value_error("invalid generation"));
                }
                vm.run_ends();
                Ok(Value::from_usize(gc::collect(vm, generation as usize)))
            }),
        ),
        MethodDef::function(
            "get_objects",
            "($module, /, generation=None)",
            "All objects the collector looks after, or those of a generation.",
            N(get_objects),
        ),
        MethodDef::function("get_stats", "($module, /)", "What collections of each generation did.", F0(get_stats)),
        MethodDef::function(
            "is_tracked",
            "($module, obj, /)",
            "Whether the collector looks after it.",
            F1(|_, v| Ok(boolean(gc::is_tracked(v)))),
        ),
        MethodDef::function(
            "is_finalized",
            "($module, obj, /)",
            "Whether its finaliser has run.",
            F1(|_, v| Ok(boolean(v.header().is_some_and(|h| h.has(flag::FINALIZED))))),
        ),
        MethodDef::function(
            "get_referrers",
            "($module, /, *objs)",
            "Objects that refer to these directly.",
            V(|vm, a| {
                audit(vm, "gc.get_referrers", &[Tuple::from_slice(a.pos()).into()])?;
                let targets = a.pos().to_vec();
                let all = gc::referrers(&targets).into_iter().filter(gc::is_tracked).collect();
                Ok(List::from_vec(all).into())
            }),
        ),
        MethodDef::function(
            "get_referents",
            "($module, /, *objs)",
            "What these refer to directly.",
            V(|vm, a| {
                audit(vm, "gc.get_referents", &[Tuple::from_slice(a.pos()).into()])?;
                let all = a.pos().iter().filter(|v| has_gc(v)).flat_map(gc::referents).collect();
                Ok(List::from_vec(all).into())
            }),
        ),
        MethodDef::function(
            "freeze",
            "($module, /)",
            "Keep all present objects out of collections.",
            F0(|_| {
                gc::freeze();
                Ok(none())
            }),
        ),
        MethodDef::function(
            "unfreeze",
            "($module, /)",
            "Take back freeze().",
            F0(|_| {
                gc::unfreeze();
                Ok(none())
            }),
        ),
        MethodDef::function(
            "get_freeze_count",
            "($module, /)",
            "How many objects are frozen.",
            F0(|_| Ok(Value::from_usize(gc::frozen()))),
        ),
    ])
    .init(init);

fn init(_: &mut Vm, module: &Py<Dict>) -> PyResult<()> {
    module.store_text("garbage", List::empty());
    module.store_text("callbacks", List::empty());
    let flags = [
        ("DEBUG_STATS", 1),
        ("DEBUG_COLLECTABLE", 2),
        ("DEBUG_UNCOLLECTABLE", 4),
        ("DEBUG_SAVEALL", 32),
        ("DEBUG_LEAK", 38),
    ];
    crate::system::store_numbers(module, &flags);
    Ok(())
}

fn triple(n: [i32; 3]) -> Value {
    Tuple::from_vec(n.into_iter().map(int).collect()).into()
}

fn has_gc(v: &Value) -> bool {
    !v.is_small() && v.class().payload.has(TypeFlags::HAVE_GC)
}

fn get_objects(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let generation = match a[0].as_ref().filter(|v| !v.is_none()) {
        None => -1,
        Some(v) if v.is_small() || v.class().payload.slots().index.is_some() => vm.to_i64(v)?,
        Some(v) => {
            let got = v.class().payload.name();
            return Err(vm.type_error(format!("argument should be integer or None, not '{got}'")));
        }
    };
    audit(vm, "gc.get_objects", &[Value::small_unchecked(generation)])?;
    if generation >= 3 {
        return Err(vm.value_error("generation parameter must be less than the number of available generations (3)"));
    }
    if generation < -1 {
        return Err(vm.value_error("generation parameter cannot be negative"));
    }
    Ok(List::from_vec(gc::objects(usize::try_from(generation).ok())).into())
}

fn get_stats(_: &mut Vm) -> PyResult {
    let all = *GC.stats.borrow();
    let rows = all.iter().map(|row| {
        let d = Dict::new_object();
        for (name, n) in ["collections", "collected", "uncollectable"].iter().zip(row) {
            d.store_text(name, Value::from_usize(*n));
        }
        d.into()
    });
    Ok(List::from_vec(rows.collect()).into())
}
