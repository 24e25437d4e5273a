//! Letters and columns: case conversion, the predicates, padding.

use super::methods::{Wide, exact, from_text, s};
use super::{Str, Units};
use crate::object::{PyResult, Value, boolean};
use crate::types::sequence::{MAX_ITEMS, method_args, ssize_arg};
use crate::vm::Vm;
use crate::vm::args::Args;
use crate::with_units;
use taipan_base::text::Builder;
use taipan_base::{strings, unicode};

macro_rules! conversions {
    ($($name:ident = $to:ident, ascii $ascii:expr;)*) => {$(
        pub(super) fn $name(_: &mut Vm, v: &Value) -> PyResult {
            if let (true, Units::Latin1(u)) = (s(v).is_ascii(), s(v).units()) {
                let convert: fn(&[u8]) -> Vec<u8> = $ascii;
                return Ok(Str::from_latin1(&convert(u)).into());
            }
            Ok(from_text(&with_units!(s(v).units(), u => unicode::$to(u))).into())
        }
    )*};
}

conversions! {
    lower = to_lower, ascii |u| u.to_ascii_lowercase();
    upper = to_upper, ascii |u| u.to_ascii_uppercase();
    casefold = casefold, ascii |u| u.to_ascii_lowercase();
    title = to_title, ascii strings::ascii::title;
    capitalize = capitalize, ascii strings::ascii::capitalize;
    swapcase = swapcase, ascii strings::ascii::swapcase;
}

macro_rules! predicates {
    ($($name:ident = $of:path $(, ascii $ascii:path)?;)*) => {$(
        pub(super) fn $name(_: &mut Vm, v: &Value) -> PyResult {
            $(
                if let Some(text) = s(v).as_ascii() {
                    return Ok(boolean($ascii(text.as_bytes())));
                }
            )?
            Ok(boolean(with_units!(s(v).units(), u => $of(u))))
        }
    )*};
}

predicates! {
    is_lower = unicode::all::lower, ascii strings::ascii::is_lower;
    is_upper = unicode::all::upper, ascii strings::ascii::is_upper;
    is_title = unicode::all::title;
    is_space = unicode::all::space;
    is_decimal = unicode::all::decimal, ascii strings::ascii::is_digit;
    is_digit = unicode::all::digit, ascii strings::ascii::is_digit;
    is_numeric = unicode::all::numeric, ascii strings::ascii::is_digit;
    is_alpha = unicode::all::alpha, ascii strings::ascii::is_alpha;
    is_alnum = unicode::all::alnum, ascii strings::ascii::is_alnum;
    is_identifier = unicode::is_identifier;
    is_printable = unicode::all::printable;
}

/// Width and fill character of `center`, `ljust` and `rjust`.
fn fill<'a>(vm: &mut Vm, args: &Args<'a>, name: &'static str) -> PyResult<(&'a Value, usize, u32)> {
    let (me, rest) = method_args(vm, args, name, 1, 2)?;
    let width = ssize_arg(vm, &rest[0])?.max(0) as usize;
    let fill = match rest.get(1) {
        None => u32::from(b' '),
        Some(v) => match v.downcast::<Str>() {
            Some(text) if text.len() == 1 => text.at(0),
            Some(_) => return Err(vm.type_error("The fill character must be exactly one character long")),
            None => {
                let name = v.class().payload.name();
                return Err(vm.type_error(format!("The fill character must be a unicode character, not {name}")));
            }
        },
    };
    if width > MAX_ITEMS {
        return Err(if width > isize::MAX as usize - s(me).len() {
            vm.overflow_error("padded string is too long")
        } else {
            vm.raise_with(&crate::types::exceptions::MEMORY_ERROR, &[])
        });
    }
    Ok((me, width, fill))
}

fn padded(me: &Value, left: usize, right: usize, fill: u32) -> Value {
    if left + right == 0 {
        return exact(me).into();
    }
    let mut out = Builder::with_capacity(s(me).len() + left + right);
    out.push_n(fill, left);
    with_units!(s(me).units(), u => out.push_units(u));
    out.push_n(fill, right);
    from_text(&out.finish()).into()
}

pub(super) fn center(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let (me, width, fill) = fill(vm, args, "str.center")?;
    let (left, right) = strings::center_padding(s(me).len(), width);
    Ok(padded(me, left, right, fill))
}

pub(super) fn ljust(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let (me, width, fill) = fill(vm, args, "str.ljust")?;
    Ok(padded(me, 0, width.saturating_sub(s(me).len()), fill))
}

pub(super) fn rjust(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let (me, width, fill) = fill(vm, args, "str.rjust")?;
    Ok(padded(me, width.saturating_sub(s(me).len()), 0, fill))
}

pub(super) fn zfill(vm: &mut Vm, me: &Value, width: &Value) -> PyResult {
    let width = ssize_arg(vm, width)?.max(0) as usize;
    if width > MAX_ITEMS {
        return Err(vm.raise_with(&crate::types::exceptions::MEMORY_ERROR, &[]));
    }
    let done = with_units!(s(me).units(), u => strings::zfill(u, width).map(|u| Wide::object(&u)));
    Ok(done.unwrap_or_else(|| exact(me)).into())
}

pub(super) fn expand_tabs(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let me = args[0].as_ref().expect("self");
    let size = match &args[1] {
        Some(v) => vm.to_i32(v)? as isize,
        None => 8,
    };
    let tabs = s(me).code_points().filter(|&c| c == 9).count();
    if tabs == 0 {
        return Ok(exact(me).into());
    }
    if tabs.saturating_mul(size.max(0) as usize) > MAX_ITEMS {
        return Err(vm.overflow_error("new string is too long"));
    }
    Ok(with_units!(s(me).units(), u => Wide::object(&strings::expand_tabs(u, size))).into())
}
