//! `_queue` (`Modules/_queuemodule.c`): a queue without a limit whose `put` may be called from anywhere.

use crate::error_class::ErrorClass;
use crate::system::{Deadline, timeout};
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{
    MethodDef, NativeFn::*, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, instance, none,
};
use taipan_runtime::types::exceptions as exc;
use taipan_runtime::types::generic_alias::class_getitem;
use taipan_runtime::vm::args::Args;
use taipan_runtime::vm::{Vm, gil};

/// `queue.Empty`
static EMPTY: ErrorClass = ErrorClass::new("_queue", "Empty", &exc::EXCEPTION);

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_queue")
    .doc("What the queue module has in native code.")
    .types(&[&SIMPLE_QUEUE])
    .init(|vm, module| {
        let empty = EMPTY.get(vm)?;
        module.store_text("Empty", empty);
        Ok(())
    });

/// How those who wait learn that something was put: a number that grows.
#[derive(Default)]
struct Bell {
    rung: Mutex<u64>,
    rings: Condvar,
}

/// Payload of `SimpleQueue`.
pub struct SimpleQueue {
    items: VecDeque<Value>,
    bell: Arc<Bell>,
}
taipan_runtime::payload!(SimpleQueue, SIMPLE_QUEUE,
    traverse(self, visit) { self.items.iter().for_each(visit); },
    clear(self) { drop(std::mem::take(&mut self.items)); }
);

/// `queue.SimpleQueue`
pub static SIMPLE_QUEUE: TypeDef = TypeDef::new::<SimpleQueue>("_queue.SimpleQueue")
    .doc("Simple, unbounded, reentrant FIFO queue.")
    .signature("()")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::BASETYPE).union(TypeFlags::WEAKREFABLE))
    .slots(Slots { new: Some(new), ..Slots::NONE })
    .methods(&[
        MethodDef::method(
            "empty",
            "($self, /)",
            "Whether nothing is in the queue.",
            F1(|vm, me| Ok(boolean(this(me).get(vm).items.is_empty()))),
        ),
        MethodDef::method(
            "qsize",
            "($self, /)",
            "How many items are in the queue.",
            F1(|vm, me| Ok(Value::from_usize(this(me).get(vm).items.len()))),
        ),
        MethodDef::method(
            "get",
            "($self, /, block=True, timeout=None)",
            "Take an item, waiting for one.",
            N(|vm, a| {
                let me = a[0].clone().unwrap_or_else(none);
                let block = match &a[1] {
                    Some(b) => vm.truth(b)?,
                    None => true,
                };
                if !block {
                    return get(vm, &me, Some(0));
                }
                let limit = timeout(vm, a[2].as_ref())?;
                if limit.is_some_and(|n| n < 0) {
                    return Err(vm.value_error("'timeout' must be a non-negative number"));
                }
                get(vm, &me, limit)
            }),
        ),
        MethodDef::method(
            "get_nowait",
            "($self, /)",
            "Take an item, if there is one.",
            F1(|vm, me| get(vm, me, Some(0))),
        ),
        MethodDef::method(
            "put",
            "($self, /, item, block=True, timeout=None)",
            "Put an item.",
            N(|vm, a| {
                let me = a[0].clone().unwrap_or_else(none);
                let item = a[1].clone().unwrap_or_else(none);
                put(vm, &me, item)
            }),
        ),
        MethodDef::method(
            "put_nowait",
            "($self, /, item)",
            "Put an item.",
            N(|vm, a| {
                let me = a[0].clone().unwrap_or_else(none);
                let item = a[1].clone().unwrap_or_else(none);
                put(vm, &me, item)
            }),
        ),
        MethodDef::class("__class_getitem__", "($type, object, /)", "Generic over the items.", F2(class_getitem)),
    ]);

fn new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    let exact = std::ptr::eq(class.get_type(), SIMPLE_QUEUE.object());
    if exact && args.len() != 0 {
        return Err(vm.type_error("SimpleQueue() takes no positional arguments"));
    }
    if exact && args.has_keywords() {
        return Err(vm.type_error("SimpleQueue() takes no keyword arguments"));
    }
    Ok(instance::new_of(class, SimpleQueue { items: VecDeque::new(), bell: Arc::default() }).into())
}

fn this(v: &Value) -> &Py<SimpleQueue> {
    v.downcast::<SimpleQueue>().expect("a method of SimpleQueue is called on one")
}

fn put(vm: &mut Vm, me: &Value, item: Value) -> PyResult {
    let q = this(me).get_mut(vm);
    q.items.push_back(item);
    *q.bell.rung.lock() += 1;
    q.bell.rings.notify_one();
    Ok(none())
}

/// Takes an item, waiting so many nanoseconds for one.
fn get(vm: &mut Vm, me: &Value, limit: Option<i64>) -> PyResult {
    let end = Deadline::after(limit);
    let main = gil::is_main(vm);
    loop {
        let bell = this(me).get(vm).bell.clone();
        let heard = *bell.rung.lock();
        if let Some(item) = this(me).get_mut(vm).items.pop_front() {
            return Ok(item);
        }
        let left = end.left();
        if left == Some(0) {
            let class = EMPTY.get(vm)?;
            let error = vm.call0(&class)?;
            return Err(vm.raise(error));
        }
        // The main thread looks for signals in between.
        let step = main.then_some(50_000_000);
        let wait = left.into_iter().chain(step).min().map(|n| Duration::from_nanos(n as u64));
        vm.allow_threads(move || {
            let until = wait.map(|w| Instant::now() + w);
            let mut rung = bell.rung.lock();
            while *rung == heard {
                match until {
                    None => bell.rings.wait(&mut rung),
                    Some(u) => {
                        if bell.rings.wait_until(&mut rung, u).timed_out() {
                            return;
                        }
                    }
                }
            }
        });
        vm.check_signals()?;
    }
}
