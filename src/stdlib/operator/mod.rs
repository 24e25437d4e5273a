//! `_operator` (`Modules/_operator.c`): the operators as functions, and `itemgetter`, `attrgetter`, `methodcaller`.

mod getters;

use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::buffer::BufferRequest;
use taipan_runtime::object::typedef::CmpOp;
use taipan_runtime::object::{MethodDef, NativeFn, PyResult, Value, boolean, none};
use taipan_runtime::types::exceptions::TYPE_ERROR;
use taipan_runtime::types::sequence::{quick_eq, ssize_arg};
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Args;
use taipan_runtime::vm::ops::BinOp;

const A: &str = "($module, a, /)";
const AB: &str = "($module, a, b, /)";

macro_rules! binary {
    ($name:literal $doc:literal $op:ident) => {
        MethodDef::function($name, AB, $doc, NativeFn::F2(|vm, a, b| vm.binary(BinOp::$op, a, b)))
    };
}
macro_rules! inplace {
    ($name:literal $doc:literal $op:ident) => {
        MethodDef::function($name, AB, $doc, NativeFn::F2(|vm, a, b| vm.inplace(BinOp::$op, a, b)))
    };
}
macro_rules! compare {
    ($name:literal $doc:literal $op:ident) => {
        MethodDef::function($name, AB, $doc, NativeFn::F2(|vm, a, b| vm.compare(a, b, CmpOp::$op)))
    };
}

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_operator")
    .doc("The operators of the language as functions.")
    .functions(&[
        MethodDef::function("truth", A, "Return whether a is true.", NativeFn::F1(|vm, a| Ok(boolean(vm.truth(a)?)))),
        MethodDef::function("contains", AB, "b in a", NativeFn::F2(|vm, a, b| Ok(boolean(vm.contains(a, b)?)))),
        MethodDef::function("indexOf", AB, "Return the position of the first b in a.", NativeFn::F2(index_of)),
        MethodDef::function("countOf", AB, "Return how often b occurs in a.", NativeFn::F2(count_of)),
        MethodDef::function("is_", AB, "a is b", NativeFn::F2(|_, a, b| Ok(boolean(a.is(b))))),
        MethodDef::function("is_not", AB, "a is not b", NativeFn::F2(|_, a, b| Ok(boolean(!a.is(b))))),
        MethodDef::function("is_none", A, "a is None", NativeFn::F1(|_, a| Ok(boolean(a.is_none())))),
        MethodDef::function("is_not_none", A, "a is not None", NativeFn::F1(|_, a| Ok(boolean(!a.is_none())))),
        MethodDef::function("index", A, "a.__index__()", NativeFn::F1(|vm, a| vm.index(a))),
        binary!("add" "a + b" Add),
        binary!("sub" "a - b" Subtract),
        binary!("mul" "a * b" Multiply),
        binary!("matmul" "a @ b" MatrixMultiply),
        binary!("floordiv" "a // b" FloorDivide),
        binary!("truediv" "a / b" TrueDivide),
        binary!("mod" "a % b" Remainder),
        MethodDef::function("neg", A, "-a", NativeFn::F1(|vm, a| vm.negate(a))),
        MethodDef::function("pos", A, "+a", NativeFn::F1(|vm, a| vm.positive(a))),
        MethodDef::function("abs", A, "abs(a)", NativeFn::F1(|vm, a| vm.absolute(a))),
        MethodDef::function("inv", A, "~a", NativeFn::F1(|vm, a| vm.invert(a))),
        MethodDef::function("invert", A, "~a", NativeFn::F1(|vm, a| vm.invert(a))),
        binary!("lshift" "a << b" Lshift),
        binary!("rshift" "a >> b" Rshift),
        MethodDef::function("not_", A, "not a", NativeFn::F1(|vm, a| Ok(boolean(!vm.truth(a)?)))),
        binary!("and_" "a & b" And),
        binary!("xor" "a ^ b" Xor),
        binary!("or_" "a | b" Or),
        inplace!("iadd" "a += b" Add),
        inplace!("isub" "a -= b" Subtract),
        inplace!("imul" "a *= b" Multiply),
        inplace!("imatmul" "a @= b" MatrixMultiply),
        inplace!("ifloordiv" "a //= b" FloorDivide),
        inplace!("itruediv" "a /= b" TrueDivide),
        inplace!("imod" "a %= b" Remainder),
        inplace!("ilshift" "a <<= b" Lshift),
        inplace!("irshift" "a >>= b" Rshift),
        inplace!("iand" "a &= b" And),
        inplace!("ixor" "a ^= b" Xor),
        inplace!("ior" "a |= b" Or),
        MethodDef::function("concat", AB, "a + b, for sequences", NativeFn::F2(|vm, a, b| concat(vm, a, b, false))),
        MethodDef::function("iconcat", AB, "a += b, for sequences", NativeFn::F2(|vm, a, b| concat(vm, a, b, true))),
        MethodDef::function("getitem", AB, "a[b]", NativeFn::F2(|vm, a, b| vm.get_item(a, b))),
        MethodDef::function(
            "setitem",
            "($module, a, b, c, /)",
            "a[b] = c",
            NativeFn::F3(|vm, a, b, c| {
                vm.set_item(a, b, c)?;
                Ok(none())
            }),
        ),
        MethodDef::function(
            "delitem",
            AB,
            "del a[b]",
            NativeFn::F2(|vm, a, b| {
                vm.del_item(a, b)?;
                Ok(none())
            }),
        ),
        MethodDef::function("pow", AB, "a ** b", NativeFn::F2(|vm, a, b| vm.power(a, b, None))),
        MethodDef::function("ipow", AB, "a **= b", NativeFn::F2(|vm, a, b| vm.inplace(BinOp::Power, a, b))),
        compare!("eq" "a == b" Eq),
        compare!("ne" "a != b" Ne),
        compare!("lt" "a < b" Lt),
        compare!("le" "a <= b" Le),
        compare!("gt" "a > b" Gt),
        compare!("ge" "a >= b" Ge),
        MethodDef::function(
            "_compare_digest",
            AB,
            "Return whether two texts or byte sequences are equal, in a time that does not tell where they differ.",
            NativeFn::F2(compare_digest),
        ),
        MethodDef::function(
            "length_hint",
            "($module, obj, default=0, /)",
            "Return the length of an object, or what it expects to be its length.",
            NativeFn::V(length_hint),
        ),
        MethodDef::function(
            "call",
            "($module, obj, /, *args, **kwargs)",
            "obj(*args, **kwargs)",
            NativeFn::V(|vm, args| match args.get(0) {
                Some(f) => vm.call_args(f, &args.rest()),
                None => Err(vm.type_error("call expected at least 1 argument, got 0")),
            }),
        ),
    ])
    .types(&[&getters::ATTRGETTER, &getters::ITEMGETTER, &getters::METHODCALLER]);

/// An iterator, with the words of `_PySequence_IterSearch` for what has none.
fn searched(vm: &mut Vm, a: &Value) -> PyResult {
    match vm.iter(a) {
        Err(_) if vm.error_is(&TYPE_ERROR) => {
            vm.clear_error();
            let name = a.class().payload.name();
            Err(vm.type_error(format!("argument of type '{name}' is not iterable")))
        }
        it => it,
    }
}

fn same(vm: &mut Vm, a: &Value, b: &Value) -> PyResult<bool> {
    match quick_eq(a, b) {
        Some(same) => Ok(same),
        None => vm.eq(a, b),
    }
}

fn index_of(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    let it = searched(vm, a)?;
    let mut i = 0;
    while let Some(v) = vm.next(&it)? {
        if same(vm, &v, b)? {
            return Ok(Value::from_usize(i));
        }
        i += 1;
    }
    Err(vm.value_error("sequence.index(x): x not in sequence"))
}

fn count_of(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    let it = searched(vm, a)?;
    let mut n = 0;
    while let Some(v) = vm.next(&it)? {
        n += same(vm, &v, b)? as usize;
    }
    Ok(Value::from_usize(n))
}

/// `PySequence_Concat` and `PySequence_InPlaceConcat`: sequences may also be added by their number slots.
fn concat(vm: &mut Vm, a: &Value, b: &Value, in_place: bool) -> PyResult {
    let s = a.class().payload.slots();
    if let Some(f) = s.iconcat.filter(|_| in_place).or(s.concat) {
        return f(vm, a, b);
    }
    let is_sequence = |v: &Value| {
        v.class().payload.slots().item.is_some()
            && !v.class().payload.has(taipan_runtime::object::TypeFlags::DICT_SUBCLASS)
    };
    if is_sequence(a) && is_sequence(b) {
        return if in_place { vm.inplace(BinOp::Add, a, b) } else { vm.binary(BinOp::Add, a, b) };
    }
    let name = a.class().payload.name();
    Err(vm.type_error(format!("'{name}' object can't be concatenated")))
}

fn length_hint(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    args.no_keywords(vm, "_operator.length_hint")?;
    args.between(vm, "length_hint", 1, 2)?;
    let default = match args.get(1) {
        Some(v) => ssize_arg(vm, v)?,
        None => 0,
    };
    if default < 0 {
        // A negative default is given back as it is when nothing better is known.
        let unknown = usize::MAX;
        let n = vm.length_hint(&args.pos()[0], unknown)?;
        return Ok(if n == unknown { Value::small_unchecked(default as i64) } else { Value::from_usize(n) });
    }
    Ok(Value::from_usize(vm.length_hint(&args.pos()[0], default as usize)?))
}

/// `hmac.compare_digest`: equality that takes as long for any difference.
pub fn compare_digest(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    if let (Some(x), Some(y)) = (a.downcast::<Str>(), b.downcast::<Str>()) {
        if !x.is_ascii() || !y.is_ascii() {
            return Err(vm.type_error("comparing strings with non-ASCII characters is not supported"));
        }
        return Ok(boolean(same_bytes(x.bytes(), y.bytes())));
    }
    let bytes_like = |v: &Value| v.class().payload.slots().buffer.is_some();
    if !bytes_like(a) && !bytes_like(b) {
        let (x, y) = (a.class().payload.name(), b.class().payload.name());
        return Err(vm.type_error(format!("unsupported operand types(s) or combination of types: '{x}' and '{y}'")));
    }
    let x = vm.buffer(a, BufferRequest::READ)?;
    let y = vm.buffer(b, BufferRequest::READ)?;
    Ok(boolean(same_bytes(&x.to_vec(vm), &y.to_vec(vm))))
}

/// Equality that looks at every byte of `b`.
fn same_bytes(a: &[u8], b: &[u8]) -> bool {
    let (start, other) = if a.len() == b.len() { (0, a) } else { (1, b) };
    std::hint::black_box(b.iter().zip(other).fold(start, |differences, (x, y)| differences | (x ^ y))) == 0
}
