//! The object protocol: what `repr(x)`, `x + y`, `x[k]`, `iter(x)` … mean, for native code (`Objects/abstract.c`).

use super::Vm;
use super::args::Args;
use crate::object::buffer::{Buffer, BufferRequest};
use crate::object::typedef::{BinaryFn, CmpOp, Slots};
use crate::object::{Py, PyResult, TypeDef, TypeFlags, TypeObj, Value, boolean};
use crate::types::dict::Dict;
use crate::types::float::Float;
use crate::types::int::Int;
use crate::types::list::List;
use crate::types::set;
use crate::types::str::Str;
use crate::types::str::intern::intern_str;
use crate::types::tuple::Tuple;
use crate::types::typeobject;

pub use taipan_bytecode::oparg::BinaryOp as BinOp;

fn type_name(v: &Value) -> String {
    v.class().payload.name()
}

/// Runs the first of two slots' functions that answers, a subclass's reflected one first.
fn binary1(vm: &mut Vm, a: &Value, b: &Value, slot: impl Fn(&Slots) -> Option<BinaryFn>) -> PyResult {
    let (ta, tb) = (a.class(), b.class());
    let fa = slot(ta.payload.slots());
    let mut fb = if std::ptr::eq(ta, tb) { None } else { slot(tb.payload.slots()) };
    if let (Some(x), Some(y)) = (fa, fb) {
        if std::ptr::fn_addr_eq(x, y) {
            fb = None;
        }
    }
    if let Some(fa) = fa {
        if let Some(y) = fb {
            if typeobject::is_subtype(tb, ta) {
                let r = y(vm, a, b)?;
                if !is_not_implemented(&r) {
                    return Ok(r);
                }
                fb = None;
            }
        }
        let r = fa(vm, a, b)?;
        if !is_not_implemented(&r) {
            return Ok(r);
        }
    }
    match fb {
        Some(fb) => fb(vm, a, b),
        None => Ok(crate::object::not_implemented()),
    }
}

/// Whether the value is `NotImplemented`.
#[inline(always)]
pub fn is_not_implemented(v: &Value) -> bool {
    v.is_static(&crate::types::singletons::NOT_IMPLEMENTED)
}

impl Vm {
    // ---- text -------------------------------------------------------------------------------------------------------

    /// `repr(v)`.
    pub fn repr(&mut self, v: &Value) -> PyResult<Py<Str>> {
        self.check_recursion(" while getting the repr of an object")?;
        let f = v.class().payload.slots().repr;
        let r = match f {
            Some(f) => f(self, v)?,
            None => crate::types::object::default_repr(self, v)?,
        };
        r.into_py::<Str>().map_err(|r| {
            let name = type_name(&r);
            self.type_error(format!("__repr__ returned non-string (type {name})"))
        })
    }

    /// `str(v)`.
    pub fn str(&mut self, v: &Value) -> PyResult<Py<Str>> {
        if let Some(s) = v.downcast_exact::<Str>() {
            return Ok(s.clone());
        }
        let Some(f) = v.class().payload.slots().str else { return self.repr(v) };
        self.check_recursion(" while getting the str of an object")?;
        let r = f(self, v)?;
        r.into_py::<Str>().map_err(|r| {
            let name = type_name(&r);
            self.type_error(format!("__str__ returned non-string (type {name})"))
        })
    }

    /// `ascii(v)`.
    pub fn ascii(&mut self, v: &Value) -> PyResult<Py<Str>> {
        let r = self.repr(v)?;
        if r.is_ascii() {
            return Ok(r);
        }
        Ok(Str::from_rust(&crate::with_units!(r.units(), u => taipan_base::repr::escape_non_ascii(u))))
    }

    /// `format(v, spec)`.
    pub fn format(&mut self, v: &Value, spec: &Py<Str>) -> PyResult<Py<Str>> {
        if spec.len() == 0 {
            if let Some(s) = v.downcast_exact::<Str>() {
                return Ok(s.clone());
            }
            if Int::is_exact(v) || v.is_exact::<Float>() {
                return self.str(v);
            }
        } else if let Some(i) = v.as_small() {
            if let Some(text) = crate::types::int::layout::quick(i, spec) {
                return Ok(text);
            }
        }
        let Some(f) = self.lookup_special(v, "__format__")? else {
            return Err(self.type_error(format!("Type {} doesn't define __format__", type_name(v))));
        };
        let r = self.call(&f, &[spec.as_value().clone()])?;
        r.into_py::<Str>().map_err(|r| {
            let name = type_name(&r);
            self.type_error(format!("__format__ must return a str, not {name}"))
        })
    }

    // ---- truth, hash, comparison ------------------------------------------------------------------------------------

    /// `bool(v)`.
    #[inline]
    pub fn truth(&mut self, v: &Value) -> PyResult<bool> {
        if let Some(i) = v.as_small() {
            return Ok(i != 0);
        }
        if v.is_static(&crate::types::singletons::TRUE) {
            return Ok(true);
        }
        if v.is_static(&crate::types::singletons::FALSE) || v.is_none() {
            return Ok(false);
        }
        let s = v.class().payload.slots();
        if let Some(f) = s.truth {
            return f(self, v);
        }
        match s.len {
            Some(f) => Ok(f(self, v)? != 0),
            None => Ok(true),
        }
    }

    /// `hash(v)`, never -1.
    #[inline]
    pub fn hash(&mut self, v: &Value) -> PyResult<i64> {
        if let Some(s) = v.downcast_exact::<Str>() {
            return Ok(s.hash());
        }
        if let Some(i) = v.as_small() {
            return Ok(crate::types::int::methods::hash_small(i));
        }
        match v.class().payload.slots().hash {
            Some(f) => f(self, v),
            None => Err(self.type_error(format!("unhashable type: '{}'", type_name(v)))),
        }
    }

    /// `a == b` with identity first, as containers compare.
    #[inline]
    pub fn eq(&mut self, a: &Value, b: &Value) -> PyResult<bool> {
        if a.is(b) {
            return Ok(true);
        }
        self.compare_bool(a, b, CmpOp::Eq)
    }

    /// `a op b` as a truth value.
    pub fn compare_bool(&mut self, a: &Value, b: &Value, op: CmpOp) -> PyResult<bool> {
        if let (Some(x), Some(y)) = (a.as_small(), b.as_small()) {
            return Ok(op.holds(x.cmp(&y)));
        }
        if let (Some(x), Some(y)) = (a.downcast_exact::<Str>(), b.downcast_exact::<Str>()) {
            if op == CmpOp::Eq {
                return Ok(x.same(y));
            }
            if op == CmpOp::Ne {
                return Ok(!x.same(y));
            }
        }
        let r = self.compare(a, b, op)?;
        self.truth(&r)
    }

    /// `a op b`.
    pub fn compare(&mut self, a: &Value, b: &Value, op: CmpOp) -> PyResult {
        if let (Some(x), Some(y)) = (a.as_small(), b.as_small()) {
            return Ok(boolean(op.holds(x.cmp(&y))));
        }
        self.check_recursion(" in comparison")?;
        let (ta, tb) = (a.class(), b.class());
        let fa = ta.payload.slots().richcmp;
        let fb = tb.payload.slots().richcmp;
        let mut reflected_tried = false;
        if let Some(fb) = fb {
            if !std::ptr::eq(ta, tb) && typeobject::is_subtype(tb, ta) {
                reflected_tried = true;
                let r = fb(self, b, a, op.swapped())?;
                if !is_not_implemented(&r) {
                    return Ok(r);
                }
            }
        }
        if let Some(fa) = fa {
            let r = fa(self, a, b, op)?;
            if !is_not_implemented(&r) {
                return Ok(r);
            }
        }
        if let (Some(fb), false) = (fb, reflected_tried) {
            let r = fb(self, b, a, op.swapped())?;
            if !is_not_implemented(&r) {
                return Ok(r);
            }
        }
        match op {
            CmpOp::Eq => Ok(boolean(a.is(b))),
            CmpOp::Ne => Ok(boolean(!a.is(b))),
            _ => Err(self.type_error(format!(
                "'{}' not supported between instances of '{}' and '{}'",
                op.text(),
                type_name(a),
                type_name(b)
            ))),
        }
    }

    // ---- arithmetic -------------------------------------------------------------------------------------------------

    /// `a op b` (or, for the in-place numbers, `a op= b`).
    pub fn binary(&mut self, op: BinOp, a: &Value, b: &Value) -> PyResult {
        let n = op.number() as usize;
        if op == BinOp::Subscript {
            return self.get_item(a, b);
        }
        if n >= 13 {
            return self.inplace(op, a, b);
        }
        if op == BinOp::Power {
            return self.power(a, b, None);
        }
        let r = binary1(self, a, b, |s| s.binary(n))?;
        if !is_not_implemented(&r) {
            return Ok(r);
        }
        match op {
            BinOp::Add => {
                if let Some(f) = a.class().payload.slots().concat {
                    return f(self, a, b);
                }
            }
            BinOp::Multiply => {
                if let Some(r) = self.repeat(a, b)? {
                    return Ok(r);
                }
            }
            _ => {}
        }
        Err(self.unsupported(op.text(), a, b))
    }

    fn repeat(&mut self, a: &Value, b: &Value) -> PyResult<Option<Value>> {
        for (seq, n) in [(a, b), (b, a)] {
            if let Some(f) = seq.class().payload.slots().repeat {
                if n.class().payload.slots().index.is_none() && !n.is_small() {
                    return Err(
                        self.type_error(format!("can't multiply sequence by non-int of type '{}'", type_name(n)))
                    );
                }
                let n = self.repeat_count(n)?;
                return Ok(Some(f(self, seq, n)?));
            }
        }
        Ok(None)
    }

    fn repeat_count(&mut self, n: &Value) -> PyResult<isize> {
        let name = type_name(n);
        let i = self.index(n)?;
        match Int::read(&i).and_then(|i| i.to_i64()) {
            Some(i) => Ok(i as isize),
            None => Err(self.overflow_error(format!("cannot fit '{name}' into an index-sized integer"))),
        }
    }

    /// The `TypeError` for operands that no slot knows.
    #[cold]
    pub fn unsupported(&mut self, op: &str, a: &Value, b: &Value) -> crate::object::Raised {
        if op == ">>" && a.class().payload.name() == "builtin_function_or_method" {
            if let Ok(name) = self.get_attr_text(a, "__name__") {
                if name.downcast::<Str>().is_some_and(|s| s.is_text("print")) {
                    return self.type_error(format!(
                        "unsupported operand type(s) for {op}: '{}' and '{}'. Did you mean \"print(<message>, \
                         file=<output_stream>)\"?",
                        type_name(a),
                        type_name(b)
                    ));
                }
            }
            self.clear_error();
        }
        self.type_error(format!("unsupported operand type(s) for {op}: '{}' and '{}'", type_name(a), type_name(b)))
    }

    /// `a op= b`; `op` may be the plain or the in-place number.
    pub fn inplace(&mut self, op: BinOp, a: &Value, b: &Value) -> PyResult {
        let plain = op.plain();
        let n = plain.number() as usize;
        let slots = a.class().payload.slots();
        let own = match plain {
            BinOp::Power => slots.ipow,
            _ => slots.binary(n + 13),
        };
        if let Some(f) = own {
            let r = f(self, a, b)?;
            if !is_not_implemented(&r) {
                return Ok(r);
            }
        }
        if plain == BinOp::Power {
            return self.power_named(a, b, None, "**=");
        }
        let r = binary1(self, a, b, |s| s.binary(n))?;
        if !is_not_implemented(&r) {
            return Ok(r);
        }
        match plain {
            BinOp::Add => {
                let s = a.class().payload.slots();
                if let Some(f) = s.iconcat.or(s.concat) {
                    return f(self, a, b);
                }
            }
            BinOp::Multiply => {
                if let Some(f) = a.class().payload.slots().irepeat {
                    if b.is_small() || b.class().payload.slots().index.is_some() {
                        let n = self.repeat_count(b)?;
                        return f(self, a, n);
                    }
                }
                if let Some(r) = self.repeat(a, b)? {
                    return Ok(r);
                }
            }
            _ => {}
        }
        Err(self.unsupported(plain.inplace().text(), a, b))
    }

    /// `pow(a, b, m)`; `a ** b` without `m`.
    pub fn power(&mut self, a: &Value, b: &Value, m: Option<&Value>) -> PyResult {
        self.power_named(a, b, m, "** or pow()")
    }

    fn power_named(&mut self, a: &Value, b: &Value, m: Option<&Value>, op: &str) -> PyResult {
        let (ta, tb) = (a.class(), b.class());
        let fa = ta.payload.slots().power;
        let mut fb = if std::ptr::eq(ta, tb) { None } else { tb.payload.slots().power };
        if let (Some(x), Some(y)) = (fa, fb) {
            if std::ptr::fn_addr_eq(x, y) {
                fb = None;
            }
        }
        if let (Some(_), Some(y)) = (fa, fb) {
            if typeobject::is_subtype(tb, ta) {
                let r = y(self, a, b, m)?;
                if !is_not_implemented(&r) {
                    return Ok(r);
                }
                fb = None;
            }
        }
        for f in [fa, fb].into_iter().flatten() {
            let r = f(self, a, b, m)?;
            if !is_not_implemented(&r) {
                return Ok(r);
            }
        }
        if let Some(m) = m {
            if let Some(f) = m.class().payload.slots().power {
                let r = f(self, a, b, Some(m))?;
                if !is_not_implemented(&r) {
                    return Ok(r);
                }
            }
            return Err(self.type_error(format!(
                "unsupported operand type(s) for ** or pow(): '{}', '{}', '{}'",
                type_name(a),
                type_name(b),
                type_name(m)
            )));
        }
        Err(self.unsupported(op, a, b))
    }

    /// `divmod(a, b)`.
    pub fn divmod(&mut self, a: &Value, b: &Value) -> PyResult {
        let r = binary1(self, a, b, |s| s.divmod)?;
        if is_not_implemented(&r) { Err(self.unsupported("divmod()", a, b)) } else { Ok(r) }
    }

    fn unary(&mut self, v: &Value, f: Option<fn(&mut Vm, &Value) -> PyResult>, op: &str) -> PyResult {
        match f {
            Some(f) => f(self, v),
            None => Err(self.type_error(format!("bad operand type for {op}: '{}'", type_name(v)))),
        }
    }
    /// `-v`.
    pub fn negate(&mut self, v: &Value) -> PyResult {
        self.unary(v, v.class().payload.slots().neg, "unary -")
    }
    /// `+v`.
    pub fn positive(&mut self, v: &Value) -> PyResult {
        self.unary(v, v.class().payload.slots().pos, "unary +")
    }
    /// `~v`.
    pub fn invert(&mut self, v: &Value) -> PyResult {
        self.unary(v, v.class().payload.slots().invert, "unary ~")
    }
    /// `abs(v)`.
    pub fn absolute(&mut self, v: &Value) -> PyResult {
        self.unary(v, v.class().payload.slots().abs, "abs()")
    }

    /// The value as a `usize` by `__index__`: `OverflowError` when too large, `ValueError` text given when negative.
    pub fn to_usize(&mut self, v: &Value) -> PyResult<usize> {
        let i = self.index(v)?;
        match Int::read(&i).and_then(|i| i.to_i64()) {
            Some(i) if i >= 0 => Ok(i as usize),
            Some(_) => Err(self.overflow_error("can't convert negative value to unsigned int")),
            None => Err(self.overflow_error("Python int too large to convert to C ssize_t")),
        }
    }

    // ---- containers -------------------------------------------------------------------------------------------------

    /// `len(v)`.
    pub fn len(&mut self, v: &Value) -> PyResult<usize> {
        match v.class().payload.slots().len {
            Some(f) => f(self, v),
            None => Err(self.type_error(format!("object of type '{}' has no len()", type_name(v)))),
        }
    }

    /// `operator.length_hint(v, default)`.
    pub fn length_hint(&mut self, v: &Value, default: usize) -> PyResult<usize> {
        if v.class().payload.slots().len.is_some() {
            match self.len(v) {
                Ok(n) => return Ok(n),
                Err(r) if !self.error_is(&crate::types::exceptions::TYPE_ERROR) => return Err(r),
                Err(_) => self.clear_error(),
            }
        }
        let Some(f) = self.lookup_special(v, "__length_hint__")? else { return Ok(default) };
        let r = match self.call0(&f) {
            Ok(r) => r,
            Err(r) if !self.error_is(&crate::types::exceptions::TYPE_ERROR) => return Err(r),
            Err(_) => {
                self.clear_error();
                return Ok(default);
            }
        };
        if is_not_implemented(&r) {
            return Ok(default);
        }
        match Int::read(&r).map(|i| i.to_i64()) {
            Some(Some(i)) if i >= 0 => Ok(i as usize),
            Some(Some(_)) => Err(self.value_error("__length_hint__() should return >= 0")),
            Some(None) => Err(self.overflow_error("Python int too large to convert to C ssize_t")),
            None => Err(self.type_error(format!("__length_hint__ must be an integer, not {}", type_name(&r)))),
        }
    }

    /// `v[key]`.
    pub fn get_item(&mut self, v: &Value, key: &Value) -> PyResult {
        let s = v.class().payload.slots();
        if let Some(f) = s.subscript {
            return f(self, v, key);
        }
        if let Some(f) = s.item {
            if key.is_small() || key.class().payload.slots().index.is_some() {
                let i = self.to_isize(key)?;
                let i = if i < 0 && v.class().payload.slots().len.is_some() { i + self.len(v)? as isize } else { i };
                return f(self, v, i);
            }
            return Err(self.type_error(format!("sequence index must be integer, not '{}'", type_name(key))));
        }
        if v.class().payload.has(TypeFlags::TYPE_SUBCLASS) {
            return typeobject::class_getitem(self, v, key);
        }
        Err(self.type_error(format!("'{}' object is not subscriptable", type_name(v))))
    }

    /// `v[key] = value`.
    pub fn set_item(&mut self, v: &Value, key: &Value, value: &Value) -> PyResult<()> {
        self.assign_item(v, key, Some(value))
    }

    /// `del v[key]`.
    pub fn del_item(&mut self, v: &Value, key: &Value) -> PyResult<()> {
        self.assign_item(v, key, None)
    }

    fn assign_item(&mut self, v: &Value, key: &Value, value: Option<&Value>) -> PyResult<()> {
        let s = v.class().payload.slots();
        if let Some(f) = s.set_subscript {
            return f(self, v, key, value);
        }
        if let Some(f) = s.set_item {
            if key.is_small() || key.class().payload.slots().index.is_some() {
                let i = self.to_isize(key)?;
                let i = if i < 0 && v.class().payload.slots().len.is_some() { i + self.len(v)? as isize } else { i };
                return f(self, v, i, value);
            }
            return Err(self.type_error(format!("sequence index must be integer, not '{}'", type_name(key))));
        }
        // A sequence without the slot is asked by position, and answers in other words.
        let sequence = v.class().payload.has(TypeFlags::HEAP) || s.len.is_some() || s.item.is_some();
        let by_position = sequence && (key.is_small() || key.class().payload.slots().index.is_some());
        let what = match value {
            Some(_) => "does not support item assignment",
            None if by_position => "doesn't support item deletion",
            None => "does not support item deletion",
        };
        Err(self.type_error(format!("'{}' object {what}", type_name(v))))
    }

    /// `item in v`.
    pub fn contains(&mut self, v: &Value, item: &Value) -> PyResult<bool> {
        if let Some(f) = v.class().payload.slots().contains {
            return f(self, v, item);
        }
        let it = match self.iter(v) {
            Ok(it) => it,
            Err(r) => {
                if self.error_is(&crate::types::exceptions::TYPE_ERROR) {
                    self.clear_error();
                    return Err(
                        self.type_error(format!("argument of type '{}' is not a container or iterable", type_name(v)))
                    );
                }
                return Err(r);
            }
        };
        while let Some(x) = self.next(&it)? {
            if self.eq(&x, item)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    // ---- iteration --------------------------------------------------------------------------------------------------

    /// `iter(v)`.
    pub fn iter(&mut self, v: &Value) -> PyResult {
        let s = v.class().payload.slots();
        match s.iter {
            Some(f) => {
                let it = f(self, v)?;
                if it.class().payload.slots().next.is_none() {
                    return Err(self.type_error(format!("iter() returned non-iterator of type '{}'", type_name(&it))));
                }
                Ok(it)
            }
            None if s.item.is_some() && !v.class().payload.has(TypeFlags::DICT_SUBCLASS) => {
                Ok(crate::types::iter::SeqIter::over(v.clone()))
            }
            None => Err(self.type_error(format!("'{}' object is not iterable", type_name(v)))),
        }
    }

    /// The iterator's next item, `None` at the end.
    #[inline]
    pub fn next(&mut self, it: &Value) -> PyResult<Option<Value>> {
        match self.next_or_stop(it) {
            Err(_) if self.error_is(&crate::types::exceptions::STOP_ITERATION) => {
                self.clear_error();
                Ok(None)
            }
            r => r,
        }
    }

    /// As [`Vm::next`]; an iterator may also end by raising `StopIteration`, which stays pending (it may hold a value).
    pub fn next_or_stop(&mut self, it: &Value) -> PyResult<Option<Value>> {
        match it.class().payload.slots().next {
            Some(f) => f(self, it),
            None => Err(self.type_error(format!("'{}' object is not an iterator", type_name(it)))),
        }
    }

    /// All items of an iterable.
    pub fn collect(&mut self, v: &Value) -> PyResult<Vec<Value>> {
        if let Some(l) = v.downcast_exact::<List>() {
            return Ok(l.to_vec());
        }
        if let Some(t) = v.downcast_exact::<Tuple>() {
            return Ok(t.items().to_vec());
        }
        let it = self.iter(v)?;
        let hint = self.length_hint(v, 8)?.min(1 << 20);
        let mut out = Vec::with_capacity(hint);
        while let Some(x) = self.next(&it)? {
            out.push(x);
        }
        Ok(out)
    }

    /// Runs `f` for each item of an iterable until it answers false.
    pub fn for_each(&mut self, v: &Value, mut f: impl FnMut(&mut Vm, Value) -> PyResult<bool>) -> PyResult<()> {
        if let Some(l) = v.downcast_exact::<List>() {
            let mut i = 0;
            while let Some(x) = l.item(i) {
                if !f(self, x)? {
                    break;
                }
                i += 1;
            }
            return Ok(());
        }
        if let Some(t) = v.downcast_exact::<Tuple>() {
            for x in t.items() {
                if !f(self, x.clone())? {
                    break;
                }
            }
            return Ok(());
        }
        let it = self.iter(v)?;
        while let Some(x) = self.next(&it)? {
            if !f(self, x)? {
                break;
            }
        }
        Ok(())
    }

    // ---- attributes -------------------------------------------------------------------------------------------------

    /// `v.name`.
    #[inline]
    pub fn get_attr(&mut self, v: &Value, name: &Py<Str>) -> PyResult {
        match v.class().payload.slots().getattr {
            Some(f) => f(self, v, name),
            None => crate::types::object::generic_getattr(self, v, name),
        }
    }
    /// `v.name` by text.
    pub fn get_attr_text(&mut self, v: &Value, name: &str) -> PyResult {
        let name = intern_str(name);
        self.get_attr(v, &name)
    }
    /// `v.name`, or `None` when that raises `AttributeError`.
    pub fn get_attr_opt(&mut self, v: &Value, name: &Py<Str>) -> PyResult<Option<Value>> {
        if v.class().payload.slots().getattr.is_none_or(|f| {
            std::ptr::fn_addr_eq(f, crate::types::object::generic_getattr as crate::object::typedef::GetAttrFn)
        }) {
            return crate::types::object::generic_getattr_opt(self, v, name);
        }
        let r = self.get_attr(v, name);
        self.suppress(r, &crate::types::exceptions::ATTRIBUTE_ERROR)
    }
    /// `v.name = value`.
    pub fn set_attr(&mut self, v: &Value, name: &Py<Str>, value: &Value) -> PyResult<()> {
        self.assign_attr(v, name, Some(value))
    }
    /// `v.name = value` by text.
    pub fn set_attr_text(&mut self, v: &Value, name: &str, value: &Value) -> PyResult<()> {
        let name = intern_str(name);
        self.assign_attr(v, &name, Some(value))
    }
    /// `del v.name`.
    pub fn del_attr(&mut self, v: &Value, name: &Py<Str>) -> PyResult<()> {
        self.assign_attr(v, name, None)
    }
    fn assign_attr(&mut self, v: &Value, name: &Py<Str>, value: Option<&Value>) -> PyResult<()> {
        match v.class().payload.slots().setattr {
            Some(f) => f(self, v, name, value),
            None => crate::types::object::generic_setattr(self, v, name, value),
        }
    }
    /// A special method looked up on the type and bound to `v`; `None` when the type has none.
    pub fn lookup_special(&mut self, v: &Value, name: &str) -> PyResult<Option<Value>> {
        let name = intern_str(name);
        let Some(f) = typeobject::lookup(v.class(), &name) else { return Ok(None) };
        let class = Py::of(v.class());
        match f.class().payload.slots().descr_get {
            Some(get) => get(self, &f, Some(v), Some(class.as_value())).map(Some),
            None => Ok(Some(f)),
        }
    }
    /// Looks a name up along the MRO of a class; not bound.
    pub fn type_lookup(&mut self, class: &TypeObj, name: &Py<Str>) -> Option<Value> {
        typeobject::lookup(class, name)
    }

    // ---- types ------------------------------------------------------------------------------------------------------

    /// Whether the type of `v` is `class` or a subclass, by MRO alone.
    #[inline]
    pub fn is_kind(&self, v: &Value, class: &'static TypeDef) -> bool {
        typeobject::is_subtype(v.class(), class.object())
    }
    /// `isinstance(v, class)`.
    pub fn is_instance(&mut self, v: &Value, class: &Value) -> PyResult<bool> {
        typeobject::is_instance(self, v, class)
    }
    /// `issubclass(v, class)`.
    pub fn is_subclass(&mut self, v: &Value, class: &Value) -> PyResult<bool> {
        typeobject::is_subclass(self, v, class)
    }
    /// `callable(v)`.
    pub fn callable(&self, v: &Value) -> bool {
        v.class().payload.slots().call.is_some()
    }
    /// The value as a string; `what` names it in the `TypeError`: "`what` must be str, not int".
    pub fn expect_str<'a>(&mut self, v: &'a Value, what: impl std::fmt::Display) -> PyResult<&'a Py<Str>> {
        match v.downcast::<Str>() {
            Some(s) => Ok(s),
            None => {
                let name = if v.is_none() { "None".to_owned() } else { type_name(v) };
                Err(self.type_error(format!("{what} must be str, not {name}")))
            }
        }
    }

    /// A view of the memory of a bytes-like object.
    pub fn buffer(&mut self, v: &Value, request: BufferRequest) -> PyResult<Buffer> {
        match v.class().payload.slots().buffer {
            Some(f) => f(self, v, request),
            None => Err(self.type_error(format!("a bytes-like object is required, not '{}'", type_name(v)))),
        }
    }

    // ---- calls by name ----------------------------------------------------------------------------------------------

    /// `v.name(*args)`.
    pub fn call_method(&mut self, v: &Value, name: &str, args: &[Value]) -> PyResult {
        let name = intern_str(name);
        self.call_method_named(v, &name, args)
    }

    /// `v.name(*args)` with the name interned; no bound method is made where the type's function can be called directly.
    pub fn call_method_named(&mut self, v: &Value, name: &Py<Str>, args: &[Value]) -> PyResult {
        if let Some(f) = crate::types::object::method_for_call(self, v, name)? {
            return match f {
                crate::types::object::Callee::Unbound(f) => {
                    Args::positional(args).with_first(v, |a| self.call_args(&f, a))
                }
                crate::types::object::Callee::Bound(f) => self.call(&f, args),
            };
        }
        let f = self.get_attr(v, name)?;
        self.call(&f, args)
    }

    /// The attribute of a module.
    pub fn import_attr(&mut self, module: &str, name: &str) -> PyResult {
        let m = self.import(module)?;
        self.get_attr_text(&m, name)
    }

    /// A sequence as a slice-able vector, with CPython's `PySequence_Fast` error text.
    pub fn sequence(&mut self, v: &Value, error: &str) -> PyResult<Vec<Value>> {
        if v.class().payload.slots().iter.is_none() && v.class().payload.slots().item.is_none() {
            return Err(self.type_error(error));
        }
        self.collect(v)
    }

    /// The keys a mapping iterates over.
    pub fn mapping_keys(&mut self, v: &Value) -> PyResult<Vec<Value>> {
        if let Some(d) = v.downcast_exact::<Dict>() {
            return Ok(d.pairs().into_iter().map(|(k, _)| k).collect());
        }
        let keys = self.call_method(v, "keys", &[])?;
        self.collect(&keys)
    }

    /// A set of these items.
    pub fn new_set(&mut self, items: &[Value]) -> PyResult {
        set::from_items(self, items)
    }

    /// A float object.
    pub fn new_float(&mut self, f: f64) -> Value {
        Float::new(f)
    }
}
