//! The `%` operator of strings, and what it shares with that of bytes: where the arguments come from.

use super::Str;
use super::methods::{Wide, from_text, raise_format};
use crate::object::{Py, PyResult, Value, not_implemented};
use crate::types::bytes::is_bytes_or_bytearray;
use crate::types::exceptions::TYPE_ERROR;
use crate::types::int::Int;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::with_units;
use taipan_base::format::percent::{
    Amount, Conversion, Layout, Piece, Template, format_char, format_float, format_int, format_text,
};
use taipan_base::int::{BigInt, Digits};
use taipan_base::text::{Builder, MAX_CODE_POINT, Text};

/// The arguments of a `%` operation, in order.
pub(crate) struct Operands {
    /// The mapping that keys are looked up in.
    mapping: Option<Value>,
    /// A tuple whose items are the arguments, or the only argument.
    current: Value,
    many: bool,
    next: usize,
}

impl Operands {
    /// The right side of `%`, of strings or of `bytes`: what counts as a mapping differs.
    pub(crate) fn new(v: &Value, bytes: bool) -> Operands {
        let many = v.downcast::<Tuple>().is_some();
        let texty = v.downcast::<Str>().is_some() || bytes && is_bytes_or_bytearray(v);
        let mapping = (!many && !texty && v.class().payload.slots().subscript.is_some()).then(|| v.clone());
        Operands { mapping, current: v.clone(), many, next: 0 }
    }

    fn peek(&self) -> Option<&Value> {
        match self.current.downcast::<Tuple>().filter(|_| self.many) {
            Some(t) => t.items().get(self.next),
            None => (self.next == 0).then_some(&self.current),
        }
    }

    /// The next argument.
    pub(crate) fn take(&mut self, vm: &mut Vm) -> PyResult {
        let found = self.peek().cloned();
        self.next += 1;
        match found {
            Some(v) => Ok(v),
            None => Err(vm.type_error("not enough arguments for format string")),
        }
    }

    /// The value of a key becomes the only argument.
    pub(crate) fn select(&mut self, vm: &mut Vm, key: &Value) -> PyResult<()> {
        let Some(mapping) = &self.mapping else { return Err(vm.type_error("format requires a mapping")) };
        self.current = vm.get_item(&mapping.clone(), key)?;
        (self.many, self.next) = (false, 0);
        Ok(())
    }

    /// Complains about arguments left over.
    pub(crate) fn finish(&self, vm: &mut Vm, what: &str) -> PyResult<()> {
        let count = match self.current.downcast::<Tuple>().filter(|_| self.many) {
            Some(t) => t.len(),
            None => 1,
        };
        if self.mapping.is_none() && self.next < count {
            return Err(vm.type_error(format!("not all arguments converted during {what} formatting")));
        }
        Ok(())
    }

    /// Fetches what `*` asks for and raises the template's error, if it has one.
    pub(crate) fn layout<U: taipan_base::text::Unit>(
        &mut self,
        vm: &mut Vm,
        c: &Conversion<'_, U>,
    ) -> PyResult<Layout> {
        let mut star = |vm: &mut Vm| -> PyResult<Value> {
            let v = self.take(vm)?;
            if Int::read(&v).is_none() { Err(vm.type_error("* wants int")) } else { Ok(v) }
        };
        let width = match c.width {
            Some(Amount::Argument) => {
                let v = star(vm)?;
                match Int::read(&v).and_then(|i| i.to_i64()) {
                    Some(i) => Some(i as isize),
                    None => return Err(vm.overflow_error("Python int too large to convert to C ssize_t")),
                }
            }
            _ => None,
        };
        let precision = match c.precision {
            Some(Amount::Argument) => {
                let v = star(vm)?;
                match Int::read(&v).and_then(|i| i.to_i64()).and_then(|i| i32::try_from(i).ok()) {
                    Some(i) => Some(i),
                    None => return Err(vm.overflow_error("Python int too large to convert to C int")),
                }
            }
            _ => None,
        };
        match &c.problem {
            Some(e) => Err(raise_format(vm, e)),
            None => {
                let layout = c.layout(width, precision);
                vm.room_for(layout.width.saturating_mul(4))?;
                Ok(layout)
            }
        }
    }
}

/// Whether the value is a number as `PyNumber_Check` has it.
fn is_number(v: &Value) -> bool {
    let slots = v.class().payload.slots();
    v.is_small() || slots.index.is_some() || slots.int.is_some() || slots.float.is_some()
}

/// The argument of `%d` and its kin, laid out; shared by str and bytes.
pub(crate) fn integer(vm: &mut Vm, v: &Value, kind: u8, layout: Layout) -> PyResult<String> {
    let wrong = |vm: &mut Vm| {
        let name = v.class().payload.name();
        let what =
            if matches!(kind, b'o' | b'x' | b'X') { "an integer is required" } else { "a real number is required" };
        vm.type_error(format!("%{} format: {what}, not {name}", kind as char))
    };
    if Int::read(v).is_none() && !is_number(v) {
        return Err(wrong(vm));
    }
    let n = match Int::read(v) {
        Some(i) => i.to_big(),
        None => {
            let found = match kind {
                b'o' | b'x' | b'X' => vm.index(v),
                _ => crate::types::int::methods::convert(vm, v),
            };
            match found {
                Ok(i) => Int::read(&i).map_or(BigInt::ZERO, |i| i.to_big()),
                Err(_) if vm.error_is(&TYPE_ERROR) => {
                    vm.clear_error();
                    return Err(wrong(vm));
                }
                Err(r) => return Err(r),
            }
        }
    };
    if layout.width > crate::types::sequence::MAX_ITEMS || layout.precision.is_some_and(|p| p > i32::MAX as usize - 3) {
        return Err(vm.overflow_error("precision too large"));
    }
    if !matches!(kind, b'o' | b'x' | b'X') {
        // the limit on digits is that of `str(int)`
        crate::types::int::methods::decimal(vm, &Int::from_big(n.clone()))?;
    }
    Ok(format_int(&n, kind, layout))
}

/// `str % args`; `NotImplemented` when the left side is no string.
pub(super) fn remainder(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    let Some(template) = a.downcast::<Str>() else { return Ok(not_implemented()) };
    let template: Py<Str> = template.clone();
    with_units!(template.units(), u => expand(vm, u, b))
}

fn expand<U: Wide>(vm: &mut Vm, template: &[U], args: &Value) -> PyResult {
    let mut operands = Operands::new(args, false);
    let mut out = Builder::with_capacity(template.len() + 32);
    for piece in Template::of_str(template) {
        match piece {
            Ok(Piece::Literal(units)) => out.push_units(units),
            Ok(Piece::Conversion(c)) => {
                if plain(vm, &c, &mut operands, &mut out)? {
                    continue;
                }
                let text = converted(vm, &c, &mut operands)?;
                out.push_text(&text);
            }
            Err(e) => {
                // a key without its end; that there is no mapping comes first
                if operands.mapping.is_none() {
                    return Err(vm.type_error("format requires a mapping"));
                }
                return Err(raise_format(vm, &e));
            }
        }
    }
    operands.finish(vm, "string")?;
    Ok(from_text(&out.finish()).into())
}

/// A bare `%s`, and a bare `%d` of a small integer; false when the conversion is another, with nothing taken.
fn plain<U: Wide>(vm: &mut Vm, c: &Conversion<'_, U>, operands: &mut Operands, out: &mut Builder) -> PyResult<bool> {
    let bare = c.key.is_none() && c.width.is_none() && c.precision.is_none() && c.problem.is_none();
    if !bare || c.left || c.plus || c.blank || c.alternate || c.zero {
        return Ok(false);
    }
    if c.kind == u32::from(b's') {
        let v = operands.take(vm)?;
        let text = vm.str(&v)?;
        with_units!(text.units(), u => out.push_units(u));
        return Ok(true);
    }
    let small = operands.peek().and_then(|v| v.as_small());
    let Some(i) = small.filter(|_| c.kind == u32::from(b'd')) else { return Ok(false) };
    operands.next += 1;
    out.push_units(Digits::of(i, 10).as_bytes());
    Ok(true)
}

fn converted<U: Wide>(vm: &mut Vm, c: &Conversion<'_, U>, operands: &mut Operands) -> PyResult<Text> {
    if let Some(key) = c.key {
        operands.select(vm, U::object(key).as_value())?;
    }
    let layout = operands.layout(vm, c)?;
    let kind = u8::try_from(c.kind).unwrap_or(0);
    if kind == b'%' {
        return Ok(Text::Latin1(vec![b'%']));
    }
    let v = operands.take(vm)?;
    match kind {
        b's' | b'r' | b'a' => {
            let text = match kind {
                b's' => vm.str(&v)?,
                b'r' => vm.repr(&v)?,
                _ => vm.ascii(&v)?,
            };
            Ok(with_units!(text.units(), u => format_text(u, layout)))
        }
        b'd' | b'i' | b'u' | b'o' | b'x' | b'X' => Ok(Text::Latin1(integer(vm, &v, kind, layout)?.into_bytes())),
        b'e' | b'E' | b'f' | b'F' | b'g' | b'G' => {
            let x = vm.to_f64(&v)?;
            Ok(Text::Latin1(format_float(x, kind, layout).into_bytes()))
        }
        b'c' => Ok(format_char(character(vm, &v)?, layout)),
        _ => Err(raise_format(vm, &c.unsupported(false))),
    }
}

/// The argument of `%c`.
fn character(vm: &mut Vm, v: &Value) -> PyResult<u32> {
    if let Some(text) = v.downcast::<Str>() {
        if text.len() == 1 {
            return Ok(text.at(0));
        }
        let n = text.len();
        return Err(vm.type_error(format!("%c requires an int or a unicode character, not a string of length {n}")));
    }
    if Int::read(v).is_none() && v.class().payload.slots().index.is_none() {
        let name = crate::types::sequence::full_type_name(vm, v);
        return Err(vm.type_error(format!("%c requires an int or a unicode character, not {name}")));
    }
    let i = vm.index(v)?;
    let c = Int::read(&i).and_then(|i| i.to_i64()).and_then(|i| u32::try_from(i).ok());
    match c.filter(|&c| c <= MAX_CODE_POINT) {
        Some(c) => Ok(c),
        None => Err(vm.overflow_error("%c arg not in range(0x110000)")),
    }
}
