//! `str`: the type's table, its constructor and its sequence operations (`Objects/unicodeobject.c`). What else Python
//! code calls lies beside it: `search`, `split`, `case`, `format`, `percent`, `translate`, `iter`.

use super::{STR_FLAGS, Str, Units, case, format, intern, iter, percent, search, split, translate};
use crate::object::typedef::{CmpOp, MethodDef, NativeFn::*};
use crate::object::{Py, PyResult, Raised, Slots, Type, TypeDef, Value, boolean, not_implemented};
use crate::types::sequence::{MAX_ITEMS, is_index};
use crate::types::slice::Slice;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::{Args, Signature};
use crate::with_units;
use taipan_base::format::FormatError;
use taipan_base::strings;
use taipan_base::text::{Text, Unit};

/// `str`.
pub static STR: TypeDef = TypeDef::new::<Str>("str")
    .doc("Immutable text; str(object) is the text of an object, str(bytes, encoding) decodes.")
    .signature("(object='', encoding='utf-8', errors='strict')")
    .flags(STR_FLAGS)
    .itemsize(1)
    .cpython_size(64, 0)
    .slots(Slots {
        new: Some(new),
        repr: Some(|_, v| Ok(from_text(&with_units!(s(v).units(), u => taipan_base::repr::of_str(u))).into())),
        str: Some(|_, v| Ok(exact(v).into())),
        hash: Some(|_, v| Ok(s(v).hash())),
        len: Some(|_, v| Ok(s(v).len())),
        richcmp: Some(compare),
        concat: Some(concat),
        repeat: Some(repeat),
        item: Some(item),
        subscript: Some(subscript),
        contains: Some(search::contains),
        iter: Some(iter::str_iter),
        rem: Some(percent::remainder),
        ..Slots::NONE
    })
    .methods(METHODS);

const METHODS: &[MethodDef] = &[
    MethodDef::method(
        "encode",
        "($self, /, encoding='utf-8', errors='strict')",
        "Encode the text to bytes.",
        N(encode),
    ),
    MethodDef::method(
        "replace",
        "($self, old, new, /, count=-1)",
        "Return a copy with all occurrences of old (or the first count of them) replaced by new.",
        N(search::replace),
    ),
    MethodDef::method(
        "split",
        "($self, /, sep=None, maxsplit=-1)",
        "Return the list of parts between separators, searched from the left.",
        N(split::split),
    ),
    MethodDef::method(
        "rsplit",
        "($self, /, sep=None, maxsplit=-1)",
        "Return the list of parts between separators, searched from the right.",
        N(split::rsplit),
    ),
    MethodDef::method(
        "join",
        "($self, iterable, /)",
        "Put the text between the strings of an iterable.",
        F2(split::join),
    ),
    MethodDef::method(
        "capitalize",
        "($self, /)",
        "Make the first character title case, the rest lower case.",
        F1(case::capitalize),
    ),
    MethodDef::method("casefold", "($self, /)", "Return a form for comparisons that ignore case.", F1(case::casefold)),
    MethodDef::method(
        "title",
        "($self, /)",
        "Let each word begin in title case and go on in lower case.",
        F1(case::title),
    ),
    MethodDef::method("center", "($self, width, fillchar=' ', /)", "Fill both sides up to a width.", V(case::center)),
    MethodDef::method(
        "count",
        "($self, sub[, start[, end]], /)",
        "Count the occurrences of a text that do not overlap.",
        V(search::count),
    ),
    MethodDef::method(
        "expandtabs",
        "($self, /, tabsize=8)",
        "Replace tabs by spaces up to the next column.",
        N(case::expand_tabs),
    ),
    MethodDef::method(
        "find",
        "($self, sub[, start[, end]], /)",
        "Return the first position of a text, -1 if there is none.",
        V(search::find),
    ),
    MethodDef::method(
        "partition",
        "($self, sep, /)",
        "Split at the first separator into three parts.",
        F2(split::partition),
    ),
    MethodDef::method(
        "index",
        "($self, sub[, start[, end]], /)",
        "Return the first position of a text; ValueError if there is none.",
        V(search::index),
    ),
    MethodDef::method("ljust", "($self, width, fillchar=' ', /)", "Fill the right side up to a width.", V(case::ljust)),
    MethodDef::method("lower", "($self, /)", "Return the text in lower case.", F1(case::lower)),
    MethodDef::method(
        "lstrip",
        "($self, chars=None, /)",
        "Take whitespace (or given characters) off the start.",
        V(split::lstrip),
    ),
    MethodDef::method(
        "rfind",
        "($self, sub[, start[, end]], /)",
        "Return the last position of a text, -1 if there is none.",
        V(search::rfind),
    ),
    MethodDef::method(
        "rindex",
        "($self, sub[, start[, end]], /)",
        "Return the last position of a text; ValueError if there is none.",
        V(search::rindex),
    ),
    MethodDef::method("rjust", "($self, width, fillchar=' ', /)", "Fill the left side up to a width.", V(case::rjust)),
    MethodDef::method(
        "rstrip",
        "($self, chars=None, /)",
        "Take whitespace (or given characters) off the end.",
        V(split::rstrip),
    ),
    MethodDef::method(
        "rpartition",
        "($self, sep, /)",
        "Split at the last separator into three parts.",
        F2(split::rpartition),
    ),
    MethodDef::method("splitlines", "($self, /, keepends=False)", "Return the list of lines.", N(split::splitlines)),
    MethodDef::method(
        "strip",
        "($self, chars=None, /)",
        "Take whitespace (or given characters) off both ends.",
        V(split::strip),
    ),
    MethodDef::method(
        "swapcase",
        "($self, /)",
        "Turn upper case into lower case and lower into upper.",
        F1(case::swapcase),
    ),
    MethodDef::method(
        "translate",
        "($self, table, /)",
        "Replace each character by what a table says.",
        F2(translate::translate),
    ),
    MethodDef::method("upper", "($self, /)", "Return the text in upper case.", F1(case::upper)),
    MethodDef::method(
        "startswith",
        "($self, prefix[, start[, end]], /)",
        "Whether the text begins with a prefix, or any of a tuple of them.",
        V(search::startswith),
    ),
    MethodDef::method(
        "endswith",
        "($self, suffix[, start[, end]], /)",
        "Whether the text ends with a suffix, or any of a tuple of them.",
        V(search::endswith),
    ),
    MethodDef::method(
        "removeprefix",
        "($self, prefix, /)",
        "Take a prefix off, if it is there.",
        F2(search::removeprefix),
    ),
    MethodDef::method(
        "removesuffix",
        "($self, suffix, /)",
        "Take a suffix off, if it is there.",
        F2(search::removesuffix),
    ),
    MethodDef::method(
        "isascii",
        "($self, /)",
        "Whether all characters are ASCII.",
        F1(|_, v| Ok(boolean(s(v).is_ascii()))),
    ),
    MethodDef::method(
        "islower",
        "($self, /)",
        "Whether there are cased characters, all of them lower case.",
        F1(case::is_lower),
    ),
    MethodDef::method(
        "isupper",
        "($self, /)",
        "Whether there are cased characters, all of them upper case.",
        F1(case::is_upper),
    ),
    MethodDef::method(
        "istitle",
        "($self, /)",
        "Whether each word begins in title case and goes on in lower case.",
        F1(case::is_title),
    ),
    MethodDef::method(
        "isspace",
        "($self, /)",
        "Whether there are characters, all of them whitespace.",
        F1(case::is_space),
    ),
    MethodDef::method(
        "isdecimal",
        "($self, /)",
        "Whether there are characters, all of them decimal digits.",
        F1(case::is_decimal),
    ),
    MethodDef::method("isdigit", "($self, /)", "Whether there are characters, all of them digits.", F1(case::is_digit)),
    MethodDef::method(
        "isnumeric",
        "($self, /)",
        "Whether there are characters, all of them numeric.",
        F1(case::is_numeric),
    ),
    MethodDef::method(
        "isalpha",
        "($self, /)",
        "Whether there are characters, all of them letters.",
        F1(case::is_alpha),
    ),
    MethodDef::method(
        "isalnum",
        "($self, /)",
        "Whether there are characters, all of them letters or digits.",
        F1(case::is_alnum),
    ),
    MethodDef::method(
        "isidentifier",
        "($self, /)",
        "Whether the text could be a name (keywords included).",
        F1(case::is_identifier),
    ),
    MethodDef::method(
        "isprintable",
        "($self, /)",
        "Whether repr() would show all characters as they are.",
        F1(case::is_printable),
    ),
    MethodDef::method("zfill", "($self, width, /)", "Fill with zeros behind the sign up to a width.", F2(case::zfill)),
    MethodDef::method(
        "format",
        "($self, /, *args, **kwargs)",
        "Replace the fields in braces by arguments.",
        V(format::format),
    ),
    MethodDef::method(
        "format_map",
        "($self, mapping, /)",
        "Replace the fields in braces by items of a mapping.",
        F2(format::format_map),
    ),
    MethodDef::method(
        "__format__",
        "($self, format_spec, /)",
        "Return the text laid out by a format specification.",
        F2(format::dunder_format),
    ),
    MethodDef::stat(
        "maketrans",
        "(x, y=<unrepresentable>, z=<unrepresentable>, /)",
        "Make a table for translate().",
        V(translate::maketrans),
    ),
    MethodDef::method(
        "__sizeof__",
        "($self, /)",
        "Return the size of the string in memory, in bytes.",
        F1(|_, v| Ok(Value::from_usize(s(v).cpython_sizeof()))),
    ),
    MethodDef::method(
        "__getnewargs__",
        "($self, /)",
        "Return the arguments that make an equal string.",
        F1(|_, v| {
            let copy = s(v).slice(0, s(v).len());
            Ok(Tuple::of([copy.into()]).into())
        }),
    ),
];

/// The string that a method of `str` is called on.
pub(super) fn s(v: &Value) -> &Py<Str> {
    v.downcast::<Str>().expect("a method of str is called on a str")
}

/// The text as an exact `str`: the object itself unless it is of a subclass.
pub(super) fn exact(v: &Value) -> Py<Str> {
    match v.downcast_exact::<Str>() {
        Some(s) => s.clone(),
        None => s(v).slice(0, s(v).len()),
    }
}

/// A unit that strings are made of.
pub trait Wide: Unit {
    /// A string of such units, stored in the narrowest width.
    fn object(units: &[Self]) -> Py<Str>;
}

impl Wide for u8 {
    fn object(units: &[u8]) -> Py<Str> {
        Str::from_latin1(units)
    }
}

impl Wide for u16 {
    fn object(units: &[u16]) -> Py<Str> {
        Str::of_units(Units::Ucs2(units))
    }
}

impl Wide for u32 {
    fn object(units: &[u32]) -> Py<Str> {
        Str::of_units(Units::Ucs4(units))
    }
}

/// The object of an algorithm's text.
pub fn from_text(t: &Text) -> Py<Str> {
    Str::from_text(t)
}

/// Raises a format error.
pub fn raise_format(vm: &mut Vm, e: &FormatError) -> Raised {
    let m = from_text(&e.message());
    let class = match e {
        FormatError::Memory => return vm.raise_with(&crate::types::exceptions::MEMORY_ERROR, &[]),
        FormatError::Value(_) => &crate::types::exceptions::VALUE_ERROR,
        FormatError::Overflow(_) => &crate::types::exceptions::OVERFLOW_ERROR,
    };
    vm.raise_with(class, &[m.into()])
}

fn new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    let text = text_of_arguments(vm, args)?;
    if std::ptr::eq(class.get_type(), STR.object()) {
        return Ok(text.into());
    }
    Ok(text.copy_as(class).into())
}

fn text_of_arguments(vm: &mut Vm, args: &Args<'_>) -> PyResult<Py<Str>> {
    static SIGNATURE: Signature = Signature::new("str", "(object='', encoding='utf-8', errors='strict')");
    if !args.has_keywords() && args.len() < 2 {
        return match args.get(0) {
            Some(v) => vm.str(v),
            None => Ok(intern::empty()),
        };
    }
    if args.len() > 3 {
        return Err(vm.type_error(format!("str expected at most 3 arguments, got {}", args.len())));
    }
    let bound = args.bind(vm, &SIGNATURE)?;
    let Some(object) = &bound[0] else { return Ok(intern::empty()) };
    if bound[1].is_none() && bound[2].is_none() {
        return vm.str(object);
    }
    let encoding = option_text(vm, bound[1].as_ref(), "str() argument 'encoding'")?;
    let errors = option_text(vm, bound[2].as_ref(), "str() argument 'errors'")?;
    if object.downcast::<Str>().is_some() {
        return Err(vm.type_error("decoding str is not supported"));
    }
    if object.class().payload.slots().buffer.is_none() {
        let name = object.class().payload.name();
        return Err(vm.type_error(format!("decoding to str: need a bytes-like object, {name} found")));
    }
    let bytes = vm.bytes_like(object)?;
    vm.decode(&bytes, encoding.as_deref().unwrap_or("utf-8"), errors.as_deref().unwrap_or("strict"))
}

/// An optional argument that is a string, as text.
pub(crate) fn option_text(vm: &mut Vm, v: Option<&Value>, what: &str) -> PyResult<Option<String>> {
    match v {
        None => Ok(None),
        Some(v) => {
            let text = vm.expect_str(v, what)?;
            if text.code_points().any(|c| c == 0) {
                return Err(vm.value_error("embedded null character"));
            }
            Ok(Some(text.to_rust().into_owned()))
        }
    }
}

fn encode(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let me = args[0].as_ref().expect("self");
    let encoding = option_text(vm, args[1].as_ref(), "encode() argument 'encoding'")?;
    let errors = option_text(vm, args[2].as_ref(), "encode() argument 'errors'")?;
    let (encoding, errors) = (encoding.as_deref().unwrap_or("utf-8"), errors.as_deref().unwrap_or("strict"));
    Ok(vm.encode(s(me), encoding, errors)?.into())
}

fn compare(_: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    let Some(y) = b.downcast::<Str>() else { return Ok(not_implemented()) };
    let x = s(a);
    if matches!(op, CmpOp::Eq | CmpOp::Ne) {
        return Ok(boolean((a.is(b) || x.same(y)) == (op == CmpOp::Eq)));
    }
    let order = with_units!(x.units(), x => with_units!(y.units(), y => strings::compare(x, y)));
    Ok(boolean(op.holds(order)))
}

fn concat(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    match b.downcast::<Str>() {
        Some(b) if s(a).len() + b.len() <= MAX_ITEMS => Ok(Str::concat(s(a), b).into()),
        Some(_) => Err(vm.overflow_error("strings are too large to concat")),
        None => {
            let n = b.class().payload.name();
            Err(vm.type_error(format!("can only concatenate str (not \"{n}\") to str")))
        }
    }
}

fn repeat(vm: &mut Vm, me: &Value, n: isize) -> PyResult {
    let (text, n) = (s(me), n.max(0) as usize);
    if n == 1 {
        return Ok(exact(me).into());
    }
    match text.len().checked_mul(n).filter(|&len| len <= isize::MAX as usize) {
        Some(len) if len <= MAX_ITEMS => {}
        Some(_) => return Err(vm.raise_with(&crate::types::exceptions::MEMORY_ERROR, &[])),
        None => return Err(vm.overflow_error("repeated string is too long")),
    }
    Ok(with_units!(text.units(), u => Wide::object(&u.repeat(n))).into())
}

/// The string of the one code point at `index`, which must be below the length.
#[inline]
pub(super) fn char_at(text: &Str, index: usize) -> Py<Str> {
    match text.units() {
        Units::Latin1(u) => intern::latin1(u[index]),
        _ => text.slice(index, index + 1),
    }
}

fn item(vm: &mut Vm, me: &Value, i: isize) -> PyResult {
    let text = s(me);
    match usize::try_from(i).ok().filter(|&i| i < text.len()) {
        Some(i) => Ok(char_at(text, i).into()),
        None => Err(vm.index_error("string index out of range")),
    }
}

fn subscript(vm: &mut Vm, me: &Value, key: &Value) -> PyResult {
    let text = s(me);
    if is_index(key) {
        let i = vm.to_isize(key)?;
        return item(vm, me, if i < 0 { i + text.len() as isize } else { i });
    }
    let Some(slice) = key.downcast::<Slice>() else {
        let name = key.class().payload.name();
        return Err(vm.type_error(format!("string indices must be integers, not '{name}'")));
    };
    let at = slice.clone().indices(vm, text.len())?;
    if at.step == 1 {
        return Ok(part(me, at.start as usize, at.start as usize + at.count).into());
    }
    Ok(with_units!(text.units(), u => Wide::object(&at.iter().map(|i| u[i]).collect::<Vec<_>>())).into())
}

/// Code points `start..end` as an exact `str`; the object itself when that is all of it.
pub(super) fn part(me: &Value, start: usize, end: usize) -> Py<Str> {
    let text = s(me);
    match end - start {
        0 => intern::empty(),
        1 => char_at(text, start),
        n if n == text.len() => exact(me),
        _ => text.slice(start, end),
    }
}
