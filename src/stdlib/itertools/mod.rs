//! `itertools` (`Modules/itertoolsmodule.c`), in files by what the iterators do: `select` passes items on or leaves them
//! out, `counting` makes or counts them, `combine` gives rows of items of pools, `groups` shares one source among several
//! iterators.

mod combine;
mod counting;
mod groups;
mod select;

use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{MethodDef, NativeFn, PyResult, Value};
use taipan_runtime::types::sequence::stop_is_end;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Args;

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("itertools")
    .doc("Building blocks for iterators.")
    .functions(&[MethodDef::function(
        "tee",
        "($module, iterable, n=2, /)",
        "Return n iterators that each give all items of one iterable.",
        NativeFn::V(groups::tee),
    )])
    .types(&[
        &counting::ACCUMULATE,
        &counting::BATCHED,
        &select::CHAIN,
        &combine::COMBINATIONS,
        &select::COMPRESS,
        &counting::COUNT,
        &combine::COMBINATIONS_WITH_REPLACEMENT,
        &select::CYCLE,
        &select::DROPWHILE,
        &select::FILTERFALSE,
        &groups::GROUPBY,
        &groups::GROUPER,
        &counting::ISLICE,
        &select::PAIRWISE,
        &combine::PERMUTATIONS,
        &combine::PRODUCT,
        &counting::REPEAT,
        &select::STARMAP,
        &select::TAKEWHILE,
        &groups::TEE,
        &groups::TEE_DATA,
        &groups::ZIP_LONGEST,
    ]);

/// Declares an iterator type: payload, references it holds, and the row of facts.
macro_rules! iterator {
    (
        $def:ident $name:literal $doc:literal $signature:literal size $size:literal
        payload $payload:ident { $($field:ident : $ty:ty),* $(,)? }
        visits($me:ident, $visit:ident) $visits:block
        clears $clears:block
        new $new:expr;
        next $next:expr;
        $( methods $methods:expr; )?
        $( slots $slots:expr; )?
    ) => {
        #[doc = concat!("Payload of `", $name, "`.")]
        pub struct $payload { $( $field: $ty ),* }
        taipan_runtime::payload!($payload, $def, traverse($me, $visit) $visits, clear($me) $clears);
        impl $payload {
            fn of(me: &Value) -> &Py<$payload> {
                me.downcast::<$payload>().expect("a method is called on its type")
            }
        }
        #[doc = concat!("The type `", $name, "`.")]
        pub static $def: TypeDef = TypeDef::new::<$payload>($name)
            .doc($doc)
            .signature($signature)
            .flags(TypeFlags::HAVE_GC.union(TypeFlags::BASETYPE))
            .cpython_size($size, 0)
            $( .methods($methods) )?
            .slots({
                #[allow(unused_variables)]
                let base = Slots::NONE;
                $( let base = $slots; )?
                Slots { new: Some($new), iter: Some(|_, me| Ok(me.clone())), next: Some($next), ..base }
            });
    };
}
use iterator;

/// Arguments of a constructor that takes `n` positional ones and no keywords.
fn exactly<'a>(vm: &mut Vm, args: &Args<'a>, name: &str, n: usize) -> PyResult<&'a [Value]> {
    args.no_keywords(vm, name)?;
    if args.len() != n {
        let s = if n == 1 { "" } else { "s" };
        return Err(vm.type_error(format!("{name} expected {n} argument{s}, got {}", args.len())));
    }
    Ok(args.pos())
}

/// Whether a predicate holds for an item; `None` when it raised `StopIteration`, which ends the iteration.
fn holds(vm: &mut Vm, predicate: &Value, item: &Value) -> PyResult<Option<bool>> {
    let answer = vm.call1(predicate, item).and_then(|r| vm.truth(&r)).map(Some);
    stop_is_end(vm, answer)
}
