//! What `bytes` and `bytearray` have in common: searching, splitting, padding, letters. Results are of the kind of the
//! object that the method is called on (never of a subclass).

use super::{Bytes, is_bytes_or_bytearray};
use crate::object::buffer::BufferRequest;
use crate::object::{PyResult, Value, boolean};
use crate::types::bytearray::ByteArray;
use crate::types::exceptions::{BYTES_WARNING, MEMORY_ERROR, TYPE_ERROR};
use crate::types::int::Int;
use crate::types::list::List;
use crate::types::sequence::{MAX_ITEMS, is_index, method_args, ssize_arg};
use crate::types::slice::Slice;
use crate::types::str::Str;
use crate::types::str::methods::option_text;
use crate::types::str::search::span;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::Args;
use std::borrow::Cow;
use std::ops::Range;
use taipan_base::strings::{self, Side, StripSet, ascii};

/// The table of methods of both types, and those of one of them.
macro_rules! byte_methods {
    ($($own:expr),* $(,)?) => {
        &[
            MethodDef::method("capitalize", "($self, /)", "Make the first letter upper case, the rest lower case.", F1(crate::types::bytes::shared::capitalize)),
            MethodDef::method("center", "($self, width, fillchar=b' ', /)", "Fill both sides up to a width.", V(crate::types::bytes::shared::center)),
            MethodDef::method("count", "($self, sub[, start[, end]], /)", "Count the occurrences that do not overlap.", V(crate::types::bytes::shared::count)),
            MethodDef::method("decode", "($self, /, encoding='utf-8', errors='strict')", "Decode the bytes to text.", N(crate::types::bytes::shared::decode)),
            MethodDef::method("endswith", "($self, suffix[, start[, end]], /)", "Whether the end is a suffix, or any of a tuple of them.", V(crate::types::bytes::shared::endswith)),
            MethodDef::method("expandtabs", "($self, /, tabsize=8)", "Replace tabs by spaces up to the next column.", N(crate::types::bytes::shared::expand_tabs)),
            MethodDef::method("find", "($self, sub[, start[, end]], /)", "Return the first position, -1 if there is none.", V(crate::types::bytes::shared::find)),
            MethodDef::method("hex", "($self, /, sep=<unrepresentable>, bytes_per_sep=1)", "Return the bytes as hexadecimal digits.", N(crate::types::bytes::shared::hex)),
            MethodDef::method("index", "($self, sub[, start[, end]], /)", "Return the first position; ValueError if there is none.", V(crate::types::bytes::shared::index)),
            MethodDef::method("isalnum", "($self, /)", "Whether all are ASCII letters or digits.", F1(crate::types::bytes::shared::is_alnum)),
            MethodDef::method("isalpha", "($self, /)", "Whether all are ASCII letters.", F1(crate::types::bytes::shared::is_alpha)),
            MethodDef::method("isascii", "($self, /)", "Whether all are ASCII.", F1(crate::types::bytes::shared::is_ascii)),
            MethodDef::method("isdigit", "($self, /)", "Whether all are ASCII digits.", F1(crate::types::bytes::shared::is_digit)),
            MethodDef::method("islower", "($self, /)", "Whether there are letters, all of them lower case.", F1(crate::types::bytes::shared::is_lower)),
            MethodDef::method("isspace", "($self, /)", "Whether all are ASCII whitespace.", F1(crate::types::bytes::shared::is_space)),
            MethodDef::method("istitle", "($self, /)", "Whether each word begins in upper case and goes on in lower case.", F1(crate::types::bytes::shared::is_title)),
            MethodDef::method("isupper", "($self, /)", "Whether there are letters, all of them upper case.", F1(crate::types::bytes::shared::is_upper)),
            MethodDef::method("join", "($self, iterable_of_bytes, /)", "Put the bytes between the bytes-like objects of an iterable.", F2(crate::types::bytes::shared::join)),
            MethodDef::method("ljust", "($self, width, fillchar=b' ', /)", "Fill the right side up to a width.", V(crate::types::bytes::shared::ljust)),
            MethodDef::method("lower", "($self, /)", "Return the bytes with ASCII letters in lower case.", F1(crate::types::bytes::shared::lower)),
            MethodDef::method("lstrip", "($self, bytes=None, /)", "Take whitespace (or given bytes) off the start.", V(crate::types::bytes::shared::lstrip)),
            MethodDef::stat("maketrans", "(frm, to, /)", "Make a table for translate().", F2(crate::types::bytes::shared::maketrans)),
            MethodDef::method("partition", "($self, sep, /)", "Split at the first separator into three parts.", F2(crate::types::bytes::shared::partition)),
            MethodDef::method("removeprefix", "($self, prefix, /)", "Take a prefix off, if it is there.", F2(crate::types::bytes::shared::removeprefix)),
            MethodDef::method("removesuffix", "($self, suffix, /)", "Take a suffix off, if it is there.", F2(crate::types::bytes::shared::removesuffix)),
            MethodDef::method("replace", "($self, old, new, count=-1, /)", "Replace all occurrences, or the first count of them.", N(crate::types::bytes::shared::replace)),
            MethodDef::method("rfind", "($self, sub[, start[, end]], /)", "Return the last position, -1 if there is none.", V(crate::types::bytes::shared::rfind)),
            MethodDef::method("rindex", "($self, sub[, start[, end]], /)", "Return the last position; ValueError if there is none.", V(crate::types::bytes::shared::rindex)),
            MethodDef::method("rjust", "($self, width, fillchar=b' ', /)", "Fill the left side up to a width.", V(crate::types::bytes::shared::rjust)),
            MethodDef::method("rpartition", "($self, sep, /)", "Split at the last separator into three parts.", F2(crate::types::bytes::shared::rpartition)),
            MethodDef::method("rsplit", "($self, /, sep=None, maxsplit=-1)", "Return the list of parts, searched from the right.", N(crate::types::bytes::shared::rsplit)),
            MethodDef::method("rstrip", "($self, bytes=None, /)", "Take whitespace (or given bytes) off the end.", V(crate::types::bytes::shared::rstrip)),
            MethodDef::method("split", "($self, /, sep=None, maxsplit=-1)", "Return the list of parts, searched from the left.", N(crate::types::bytes::shared::split)),
            MethodDef::method("splitlines", "($self, /, keepends=False)", "Return the list of lines.", N(crate::types::bytes::shared::splitlines)),
            MethodDef::method("startswith", "($self, prefix[, start[, end]], /)", "Whether the start is a prefix, or any of a tuple of them.", V(crate::types::bytes::shared::startswith)),
            MethodDef::method("strip", "($self, bytes=None, /)", "Take whitespace (or given bytes) off both ends.", V(crate::types::bytes::shared::strip)),
            MethodDef::method("swapcase", "($self, /)", "Swap the case of ASCII letters.", F1(crate::types::bytes::shared::swapcase)),
            MethodDef::method("title", "($self, /)", "Let each word begin in upper case and go on in lower case.", F1(crate::types::bytes::shared::title)),
            MethodDef::method("translate", "($self, table, /, delete=b'')", "Replace each byte by what a table says, leaving some out.", N(crate::types::bytes::shared::translate)),
            MethodDef::method("upper", "($self, /)", "Return the bytes with ASCII letters in upper case.", F1(crate::types::bytes::shared::upper)),
            MethodDef::method("zfill", "($self, width, /)", "Fill with zeros behind the sign up to a width.", F2(crate::types::bytes::shared::zfill)),
            $($own),*
        ]
    };
}
pub(crate) use byte_methods;

/// The bytes of a `bytes` or `bytearray`; those of a bytearray are copied, since calls back may change it.
pub(crate) fn data<'a>(vm: &Vm, v: &'a Value) -> Cow<'a, [u8]> {
    match v.downcast::<Bytes>() {
        Some(b) => Cow::Borrowed(b.as_slice()),
        None => Cow::Owned(v.downcast::<ByteArray>().map(|a| a.get(vm).data.to_vec()).expect("bytes or bytearray")),
    }
}

/// The bytes of a bytes-like argument.
pub(crate) fn arg<'a>(vm: &mut Vm, v: &'a Value) -> PyResult<Cow<'a, [u8]>> {
    match v.downcast::<Bytes>() {
        Some(b) => Ok(Cow::Borrowed(b.as_slice())),
        None => Ok(Cow::Owned(vm.bytes_like(v)?)),
    }
}

/// An object of the kind of `me`.
fn like(me: &Value, bytes: &[u8]) -> Value {
    if me.downcast::<Bytes>().is_some() { Bytes::from_slice(bytes).into() } else { ByteArray::from_slice(bytes).into() }
}

/// `me` itself where that is exact bytes, else a copy.
fn same(vm: &Vm, me: &Value) -> Value {
    if me.is_exact::<Bytes>() { me.clone() } else { like(me, &data(vm, me)) }
}

fn part(me: &Value, bytes: &[u8], range: Range<usize>) -> Value {
    if range.len() == bytes.len() && me.is_exact::<Bytes>() { me.clone() } else { like(me, &bytes[range]) }
}

fn kind(me: &Value) -> &'static str {
    if me.downcast::<Bytes>().is_some() { "bytes" } else { "bytearray" }
}

/// `str(bytes)`: the repr, with a warning under `-b`.
pub(crate) fn str_of_bytes(vm: &mut Vm, v: &Value) -> PyResult {
    let flag = vm.import_attr("sys", "flags").and_then(|f| vm.get_attr_text(&f, "bytes_warning"));
    match flag {
        Ok(level) if level.as_small().is_some_and(|i| i > 0) => {
            vm.warn(&BYTES_WARNING, &format!("str() on a {} instance", kind(v)), 1)?;
        }
        Ok(_) => {}
        Err(_) => vm.clear_error(),
    }
    vm.repr(v).map(Into::into)
}

// ---- sequence -------------------------------------------------------------------------------------------------------

pub(crate) fn concat(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    if b.class().payload.slots().buffer.is_none() {
        let name = b.class().payload.name();
        return Err(vm.type_error(format!("can't concat {name} to {}", a.class().payload.name())));
    }
    let right = arg(vm, b)?;
    let left = data(vm, a);
    if left.is_empty() && a.is_exact::<Bytes>() && b.is_exact::<Bytes>() {
        return Ok(b.clone());
    }
    if right.is_empty() {
        return Ok(same(vm, a));
    }
    Ok(like(a, &[&left[..], &right[..]].concat()))
}

pub(crate) fn repeat(vm: &mut Vm, me: &Value, n: isize) -> PyResult {
    let (bytes, n) = (data(vm, me), n.max(0) as usize);
    match bytes.len().checked_mul(n).filter(|&len| len <= isize::MAX as usize) {
        Some(len) if len <= MAX_ITEMS => {}
        Some(_) => return Err(vm.raise_with(&MEMORY_ERROR, &[])),
        None if kind(me) == "bytes" => return Err(vm.overflow_error("repeated bytes are too long")),
        None => return Err(vm.raise_with(&MEMORY_ERROR, &[])),
    }
    if n == 1 {
        return Ok(same(vm, me));
    }
    Ok(like(me, &bytes.repeat(n)))
}

pub(crate) fn item(vm: &mut Vm, me: &Value, i: isize) -> PyResult {
    let found = usize::try_from(i).ok().and_then(|i| match me.downcast::<Bytes>() {
        Some(b) => b.as_slice().get(i).copied(),
        None => me.downcast::<ByteArray>().and_then(|a| a.get(vm).data.get(i).copied()),
    });
    match found {
        Some(byte) => Ok(Value::small_unchecked(byte.into())),
        None if kind(me) == "bytes" => Err(vm.index_error("index out of range")),
        None => Err(vm.index_error("bytearray index out of range")),
    }
}

pub(crate) fn subscript(vm: &mut Vm, me: &Value, key: &Value) -> PyResult {
    if is_index(key) {
        let i = vm.to_isize(key)?;
        let len = vm.len_of_bytes(me) as isize;
        return item(vm, me, if i < 0 { i + len } else { i });
    }
    let Some(slice) = key.downcast::<Slice>() else {
        let name = key.class().payload.name();
        let what = if kind(me) == "bytes" { "byte" } else { "bytearray" };
        return Err(vm.type_error(format!("{what} indices must be integers or slices, not {name}")));
    };
    let parts = slice.clone().unpack(vm)?;
    let bytes = data(vm, me);
    let at = parts.adjust(bytes.len());
    if at.step == 1 {
        return Ok(part(me, &bytes, at.start as usize..at.start as usize + at.count));
    }
    Ok(like(me, &at.iter().map(|i| bytes[i]).collect::<Vec<_>>()))
}

impl Vm {
    /// Length of a `bytes` or `bytearray`.
    pub(crate) fn len_of_bytes(&self, v: &Value) -> usize {
        match v.downcast::<Bytes>() {
            Some(b) => b.as_slice().len(),
            None => v.downcast::<ByteArray>().map_or(0, |a| a.get(self).data.len()),
        }
    }
}

pub(crate) fn contains(vm: &mut Vm, me: &Value, item: &Value) -> PyResult<bool> {
    if is_index(item) {
        match vm.index(item) {
            Ok(i) => {
                let byte = Int::read(&i).and_then(|i| i.to_i64()).and_then(|i| u8::try_from(i).ok());
                return match byte {
                    Some(byte) => Ok(data(vm, me).contains(&byte)),
                    None => Err(vm.value_error("byte must be in range(0, 256)")),
                };
            }
            Err(r) if !vm.error_is(&TYPE_ERROR) => return Err(r),
            Err(_) => vm.clear_error(),
        }
    }
    let needle = arg(vm, item)?;
    Ok(strings::contains(&data(vm, me)[..], &needle))
}

// ---- searching ------------------------------------------------------------------------------------------------------

/// What `find` and its kin look for: bytes, or one byte as an integer.
fn needle<'a>(vm: &mut Vm, v: &'a Value) -> PyResult<Cow<'a, [u8]>> {
    if v.class().payload.slots().buffer.is_some() {
        return arg(vm, v);
    }
    if !is_index(v) {
        let name = v.class().payload.name();
        return Err(vm.type_error(format!("argument should be integer or bytes-like object, not '{name}'")));
    }
    let i = vm.index(v)?;
    match Int::read(&i).and_then(|i| i.to_i64()).and_then(|i| u8::try_from(i).ok()) {
        Some(byte) => Ok(Cow::Owned(vec![byte])),
        None => Err(vm.value_error("byte must be in range(0, 256)")),
    }
}

/// A search: the object's bytes, what to find, and where to look.
struct Search<'a> {
    bytes: Cow<'a, [u8]>,
    needle: Cow<'a, [u8]>,
    within: Option<Range<usize>>,
}

impl<'a> Search<'a> {
    fn of(vm: &mut Vm, args: &Args<'a>, name: &'static str) -> PyResult<Search<'a>> {
        let (me, rest) = method_args(vm, args, name, 1, 3)?;
        let (start, end) = span(vm, &rest[1..])?;
        let needle = needle(vm, &rest[0])?;
        let bytes = data(vm, me);
        let within = strings::bounds(start, end, bytes.len());
        Ok(Search { bytes, needle, within })
    }

    fn first(&self) -> Option<usize> {
        let within = self.within.clone()?;
        strings::find(&self.bytes[within.clone()], &self.needle).map(|i| i + within.start)
    }

    fn last(&self) -> Option<usize> {
        let within = self.within.clone()?;
        strings::rfind(&self.bytes[within.clone()], &self.needle).map(|i| i + within.start)
    }
}

fn position(place: Option<usize>) -> Value {
    place.map_or(Value::small_unchecked(-1), Value::from_usize)
}

fn found(vm: &mut Vm, place: Option<usize>) -> PyResult {
    match place {
        Some(i) => Ok(Value::from_usize(i)),
        None => Err(vm.value_error("subsection not found")),
    }
}

pub(crate) fn find(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    Ok(position(Search::of(vm, args, "bytes.find")?.first()))
}

pub(crate) fn rfind(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    Ok(position(Search::of(vm, args, "bytes.rfind")?.last()))
}

pub(crate) fn index(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let place = Search::of(vm, args, "bytes.index")?.first();
    found(vm, place)
}

pub(crate) fn rindex(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let place = Search::of(vm, args, "bytes.rindex")?.last();
    found(vm, place)
}

pub(crate) fn count(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let search = Search::of(vm, args, "bytes.count")?;
    let Some(within) = search.within.clone() else { return Ok(Value::from_usize(0)) };
    Ok(Value::from_usize(strings::count(&search.bytes[within], &search.needle, usize::MAX)))
}

fn at_end(vm: &mut Vm, args: &Args<'_>, name: &'static str, suffix: bool) -> PyResult {
    let (me, rest) = method_args(vm, args, name, 1, 3)?;
    let (start, end) = span(vm, &rest[1..])?;
    let bytes = data(vm, me);
    let within = strings::bounds(start, end, bytes.len()).map(|w| &bytes[w]);
    let fits = |other: &[u8]| within.is_some_and(|w| if suffix { w.ends_with(other) } else { w.starts_with(other) });
    if let Some(others) = rest[0].downcast::<Tuple>() {
        for other in others.items() {
            if fits(&arg(vm, other)?) {
                return Ok(boolean(true));
            }
        }
        return Ok(boolean(false));
    }
    if rest[0].class().payload.slots().buffer.is_none() {
        let short = name.strip_prefix("bytes.").unwrap_or(name);
        let name = rest[0].class().payload.name();
        return Err(vm.type_error(format!("{short} first arg must be bytes or a tuple of bytes, not {name}")));
    }
    let other = arg(vm, &rest[0])?;
    Ok(boolean(fits(&other)))
}

pub(crate) fn startswith(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    at_end(vm, args, "bytes.startswith", false)
}

pub(crate) fn endswith(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    at_end(vm, args, "bytes.endswith", true)
}

pub(crate) fn removeprefix(vm: &mut Vm, me: &Value, prefix: &Value) -> PyResult {
    let prefix = arg(vm, prefix)?;
    let bytes = data(vm, me);
    let start = if bytes.starts_with(&prefix) { prefix.len() } else { 0 };
    Ok(part(me, &bytes, start..bytes.len()))
}

pub(crate) fn removesuffix(vm: &mut Vm, me: &Value, suffix: &Value) -> PyResult {
    let suffix = arg(vm, suffix)?;
    let bytes = data(vm, me);
    let end = if bytes.ends_with(&suffix) { bytes.len() - suffix.len() } else { bytes.len() };
    Ok(part(me, &bytes, 0..end))
}

pub(crate) fn replace(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(me), Some(old), Some(new), most] = args else { unreachable!("bound by the signature") };
    let (old, new) = (arg(vm, old)?, arg(vm, new)?);
    let most = match most {
        Some(v) => usize::try_from(ssize_arg(vm, v)?).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    Ok(match strings::replace(&data(vm, me)[..], &old, &new, most) {
        Some(bytes) => like(me, &bytes),
        None => same(vm, me),
    })
}

// ---- splitting and joining ------------------------------------------------------------------------------------------

fn list_of(me: &Value, bytes: &[u8], pieces: Vec<Range<usize>>) -> Value {
    List::from_vec(pieces.into_iter().map(|r| part(me, bytes, r)).collect()).into()
}

fn separator<'a>(vm: &mut Vm, v: &'a Value) -> PyResult<Cow<'a, [u8]>> {
    let sep = arg(vm, v)?;
    if sep.is_empty() { Err(vm.value_error("empty separator")) } else { Ok(sep) }
}

fn split_arguments<'a>(vm: &mut Vm, args: &'a [Option<Value>]) -> PyResult<(&'a Value, Option<Cow<'a, [u8]>>, usize)> {
    let most = match &args[2] {
        Some(v) => usize::try_from(ssize_arg(vm, v)?).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    let sep = match args[1].as_ref().filter(|v| !v.is_none()) {
        Some(v) => Some(separator(vm, v)?),
        None => None,
    };
    Ok((args[0].as_ref().expect("self"), sep, most))
}

fn is_space_cp(cp: u32) -> bool {
    u8::try_from(cp).is_ok_and(ascii::is_space)
}

pub(crate) fn split(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let (me, sep, most) = split_arguments(vm, args)?;
    let bytes = data(vm, me);
    let pieces = match sep {
        Some(sep) => strings::split(&bytes[..], &sep, most),
        None => strings::split_whitespace(&bytes[..], most, is_space_cp),
    };
    Ok(list_of(me, &bytes, pieces))
}

pub(crate) fn rsplit(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let (me, sep, most) = split_arguments(vm, args)?;
    let bytes = data(vm, me);
    let pieces = match sep {
        Some(sep) => strings::rsplit(&bytes[..], &sep, most),
        None => strings::rsplit_whitespace(&bytes[..], most, is_space_cp),
    };
    Ok(list_of(me, &bytes, pieces))
}

pub(crate) fn splitlines(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let me = args[0].as_ref().expect("self");
    let keep = match &args[1] {
        Some(v) => vm.truth(v)?,
        None => false,
    };
    let bytes = data(vm, me);
    Ok(list_of(me, &bytes, strings::lines(&bytes[..], keep, strings::is_ascii_line_break)))
}

pub(crate) fn partition(vm: &mut Vm, me: &Value, sep: &Value) -> PyResult {
    let needle = separator(vm, sep)?;
    let bytes = data(vm, me);
    Ok(match strings::find(&bytes[..], &needle) {
        Some(i) => three(me, &bytes, i, sep, &needle),
        None => Tuple::of([same(vm, me), like(me, &[]), like(me, &[])]).into(),
    })
}

pub(crate) fn rpartition(vm: &mut Vm, me: &Value, sep: &Value) -> PyResult {
    let needle = separator(vm, sep)?;
    let bytes = data(vm, me);
    Ok(match strings::rfind(&bytes[..], &needle) {
        Some(i) => three(me, &bytes, i, sep, &needle),
        None => Tuple::of([like(me, &[]), like(me, &[]), same(vm, me)]).into(),
    })
}

fn three(me: &Value, bytes: &[u8], at: usize, sep: &Value, needle: &[u8]) -> Value {
    let middle = if me.downcast::<Bytes>().is_some() { sep.clone() } else { like(me, needle) };
    Tuple::of([like(me, &bytes[..at]), middle, like(me, &bytes[at + needle.len()..])]).into()
}

fn stripped(vm: &mut Vm, args: &Args<'_>, name: &'static str, side: Side) -> PyResult {
    let (me, rest) = method_args(vm, args, name, 0, 1)?;
    let set = match rest.first().filter(|v| !v.is_none()) {
        Some(v) => Some(arg(vm, v)?),
        None => None,
    };
    let bytes = data(vm, me);
    let kept = match set {
        Some(set) => {
            let set = StripSet::new(&set[..]);
            strings::strip(&bytes[..], side, |cp| set.contains(cp))
        }
        None => strings::strip(&bytes[..], side, is_space_cp),
    };
    Ok(part(me, &bytes, kept))
}

pub(crate) fn strip(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    stripped(vm, args, "bytes.strip", Side::Both)
}

pub(crate) fn lstrip(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    stripped(vm, args, "bytes.lstrip", Side::Left)
}

pub(crate) fn rstrip(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    stripped(vm, args, "bytes.rstrip", Side::Right)
}

pub(crate) fn join(vm: &mut Vm, me: &Value, iterable: &Value) -> PyResult {
    let items = vm.sequence(iterable, "can only join an iterable")?;
    if let [only] = &items[..] {
        if only.is_exact::<Bytes>() && kind(me) == "bytes" {
            return Ok(only.clone());
        }
    }
    let sep = data(vm, me).into_owned();
    let mut out = Vec::new();
    for (i, item) in items.iter().enumerate() {
        if item.class().payload.slots().buffer.is_none() {
            let name = item.class().payload.name();
            return Err(vm.type_error(format!("sequence item {i}: expected a bytes-like object, {name} found")));
        }
        if i > 0 {
            out.extend_from_slice(&sep);
        }
        out.extend_from_slice(&arg(vm, item)?);
    }
    Ok(like(me, &out))
}

// ---- letters and columns --------------------------------------------------------------------------------------------

macro_rules! conversions {
    ($($name:ident = $of:expr;)*) => {$(
        pub(crate) fn $name(vm: &mut Vm, me: &Value) -> PyResult {
            let convert: fn(&[u8]) -> Vec<u8> = $of;
            Ok(like(me, &convert(&data(vm, me))))
        }
    )*};
}

conversions! {
    capitalize = ascii::capitalize;
    lower = |b| b.to_ascii_lowercase();
    upper = |b| b.to_ascii_uppercase();
    title = ascii::title;
    swapcase = ascii::swapcase;
}

macro_rules! predicates {
    ($($name:ident = $of:expr;)*) => {$(
        pub(crate) fn $name(vm: &mut Vm, me: &Value) -> PyResult {
            let of: fn(&[u8]) -> bool = $of;
            Ok(boolean(of(&data(vm, me))))
        }
    )*};
}

predicates! {
    is_alnum = ascii::is_alnum;
    is_alpha = ascii::is_alpha;
    is_ascii = |b| b.is_ascii();
    is_digit = ascii::is_digit;
    is_lower = ascii::is_lower;
    is_space = ascii::is_all_space;
    is_title = ascii::is_title;
    is_upper = ascii::is_upper;
}

fn fill<'a>(vm: &mut Vm, args: &Args<'a>, name: &'static str) -> PyResult<(&'a Value, usize, u8)> {
    let (me, rest) = method_args(vm, args, name, 1, 2)?;
    let width = ssize_arg(vm, &rest[0])?.max(0) as usize;
    let fill = match rest.get(1) {
        None => b' ',
        Some(v) => {
            let short = name.strip_prefix("bytes.").unwrap_or(name);
            if !is_bytes_or_bytearray(v) {
                let name = v.class().payload.name();
                return Err(
                    vm.type_error(format!("{short}() argument 2 must be a byte string of length 1, not {name}"))
                );
            }
            match &data(vm, v)[..] {
                [byte] => *byte,
                bytes => {
                    let (kind, n) = (kind(v), bytes.len());
                    return Err(vm.type_error(format!(
                        "{short}(): argument 2 must be a byte string of length 1, not a {kind} object of length {n}"
                    )));
                }
            }
        }
    };
    if width > MAX_ITEMS {
        return Err(vm.raise_with(&MEMORY_ERROR, &[]));
    }
    Ok((me, width, fill))
}

fn padded(vm: &Vm, me: &Value, left: usize, right: usize, fill: u8) -> Value {
    if left + right == 0 {
        return same(vm, me);
    }
    let bytes = data(vm, me);
    let mut out = vec![fill; left];
    out.extend_from_slice(&bytes);
    out.resize(left + bytes.len() + right, fill);
    like(me, &out)
}

pub(crate) fn center(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let (me, width, fill) = fill(vm, args, "bytes.center")?;
    let (left, right) = strings::center_padding(vm.len_of_bytes(me), width);
    Ok(padded(vm, me, left, right, fill))
}

pub(crate) fn ljust(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let (me, width, fill) = fill(vm, args, "bytes.ljust")?;
    Ok(padded(vm, me, 0, width.saturating_sub(vm.len_of_bytes(me)), fill))
}

pub(crate) fn rjust(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let (me, width, fill) = fill(vm, args, "bytes.rjust")?;
    Ok(padded(vm, me, width.saturating_sub(vm.len_of_bytes(me)), 0, fill))
}

pub(crate) fn zfill(vm: &mut Vm, me: &Value, width: &Value) -> PyResult {
    let width = ssize_arg(vm, width)?.max(0) as usize;
    if width > MAX_ITEMS {
        return Err(vm.raise_with(&MEMORY_ERROR, &[]));
    }
    Ok(match strings::zfill(&data(vm, me)[..], width) {
        Some(bytes) => like(me, &bytes),
        None => same(vm, me),
    })
}

pub(crate) fn expand_tabs(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let me = args[0].as_ref().expect("self");
    let size = match &args[1] {
        Some(v) => vm.to_i32(v)? as isize,
        None => 8,
    };
    let bytes = data(vm, me);
    let tabs = bytes.iter().filter(|&&b| b == 9).count();
    if tabs.saturating_mul(size.max(0) as usize) > MAX_ITEMS {
        return Err(vm.overflow_error("result too long"));
    }
    Ok(like(me, &strings::expand_tabs(&bytes[..], size)))
}

// ---- tables, digits, text -------------------------------------------------------------------------------------------

pub(crate) fn translate(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(me), Some(table), delete] = args else { unreachable!("bound by the signature") };
    let map: Option<[u8; 256]> = match table.is_none() {
        true => None,
        false => match <[u8; 256]>::try_from(&arg(vm, table)?[..]) {
            Ok(map) => Some(map),
            Err(_) => return Err(vm.value_error("translation table must be 256 characters long")),
        },
    };
    let delete = match delete {
        Some(v) => arg(vm, v)?,
        None => Cow::Borrowed(&[][..]),
    };
    let bytes = data(vm, me);
    let out = ascii::translate(&bytes, map.as_ref(), &delete);
    Ok(if out == bytes[..] { same(vm, me) } else { like(me, &out) })
}

pub(crate) fn maketrans(vm: &mut Vm, from: &Value, to: &Value) -> PyResult {
    let (from, to) = (arg(vm, from)?, arg(vm, to)?);
    if from.len() != to.len() {
        return Err(vm.value_error("maketrans arguments must have same length"));
    }
    let mut table: [u8; 256] = std::array::from_fn(|i| i as u8);
    from.iter().zip(to.iter()).for_each(|(&from, &to)| table[usize::from(from)] = to);
    Ok(Bytes::from_slice(&table).into())
}

pub(crate) fn decode(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let me = args[0].as_ref().expect("self");
    let encoding = option_text(vm, args[1].as_ref(), "decode() argument 'encoding'")?;
    let errors = option_text(vm, args[2].as_ref(), "decode() argument 'errors'")?;
    let bytes = data(vm, me);
    let text = vm.decode(&bytes, encoding.as_deref().unwrap_or("utf-8"), errors.as_deref().unwrap_or("strict"))?;
    Ok(text.into())
}

/// The digits of `hex(sep, bytes_per_sep)` for any bytes.
pub fn hex_digits(vm: &mut Vm, bytes: &[u8], sep: Option<&Value>, group: Option<&Value>) -> PyResult<Vec<u8>> {
    let group = match group {
        Some(v) => vm.to_i32(v)? as isize,
        None => 1,
    };
    let separator = match sep {
        None => None,
        Some(v) => {
            if vm.len(v)? != 1 {
                return Err(vm.value_error("sep must be length 1."));
            }
            let units: Vec<u32> = if let Some(text) = v.downcast::<Str>() {
                text.code_points().collect()
            } else if let Some(b) = v.downcast::<Bytes>() {
                b.as_slice().iter().map(|&b| b.into()).collect()
            } else {
                return Err(vm.type_error("sep must be str or bytes."));
            };
            match units[..] {
                [c] if c < 128 => Some(c as u8),
                [_] => return Err(vm.value_error("sep must be ASCII.")),
                _ => return Err(vm.value_error("sep must be length 1.")),
            }
        }
    };
    Ok(taipan_base::binascii::hex(bytes, separator, group))
}

pub(crate) fn hex(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let me = args[0].as_ref().expect("self");
    let bytes = data(vm, me);
    let _held = vm.buffer(me, BufferRequest::READ)?;
    let digits = hex_digits(vm, &bytes, args[1].as_ref(), args[2].as_ref())?;
    Ok(Str::from_latin1(&digits).into())
}

/// The bytes of the argument of `fromhex`.
pub(crate) fn unhex(vm: &mut Vm, text: &Value) -> PyResult<Vec<u8>> {
    let done = if let Some(s) = text.downcast::<Str>() {
        crate::with_units!(s.units(), u => taipan_base::binascii::from_hex(u))
    } else if text.class().payload.slots().buffer.is_some() {
        // bytes beyond ASCII are not looked for first, as they are in strings
        let bytes: Vec<u8> = vm.bytes_like(text)?.iter().map(|b| if b.is_ascii() { *b } else { b'?' }).collect();
        taipan_base::binascii::from_hex(&bytes[..])
    } else {
        let name = text.class().payload.name();
        return Err(vm.type_error(format!("fromhex() argument must be str or bytes-like, not {name}")));
    };
    done.map_err(|e| vm.value_error(e.message()))
}
