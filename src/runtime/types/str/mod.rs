//! `str`: immutable text in Latin-1, UCS-2 or UCS-4 code units (PEP 393), so indexing is O(1) and surrogates possible.
//!
//! The units lie behind the fixed part of the object. This file has the payload and its constructors; `methods` has what
//! Python code calls, `intern` the table of interned names.

pub mod case;
pub mod format;
pub mod intern;
pub mod iter;
pub mod methods;
pub mod percent;
pub mod search;
pub mod split;
pub mod translate;

use crate::object::header::flag;
use crate::object::heap::{self, Space};
use crate::object::typedef::Payload;
use crate::object::value::{Frozen, Obj};
use crate::object::{Py, Type, TypeDef, TypeFlags, Value};
use rustpython_wtf8::Wtf8;
use std::cell::Cell;

/// Width of a code unit in bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Kind {
    /// All code points below 256.
    Latin1 = 1,
    /// All code points below 65536.
    Ucs2 = 2,
    /// The rest.
    Ucs4 = 4,
}

/// Payload of `str`; the units follow it in memory.
#[repr(C)]
pub struct Str {
    /// Cached hash; -1: not computed.
    pub(crate) hash: Cell<i64>,
    len: usize,
    kind: Kind,
    ascii: bool,
    pub(crate) interned: Cell<bool>,
}

// SAFETY: made by `TypeDef::new::<Str>` (methods.rs); nothing is owned.
unsafe impl Payload for Str {
    const DEF: &'static TypeDef = &methods::STR;
    fn var_len(&self) -> usize {
        self.len * self.kind as usize
    }
}
impl Frozen for Str {}

/// The code units of a string.
#[derive(Clone, Copy, Debug)]
pub enum Units<'a> {
    /// One byte each.
    Latin1(&'a [u8]),
    /// Two bytes each.
    Ucs2(&'a [u16]),
    /// Four bytes each.
    Ucs4(&'a [u32]),
}

/// Runs the same expression for each width: `with_units!(s.units(), u => u.len())`.
#[macro_export]
macro_rules! with_units {
    ($units:expr, $u:ident => $body:expr) => {
        match $units {
            $crate::types::str::Units::Latin1($u) => $body,
            $crate::types::str::Units::Ucs2($u) => $body,
            $crate::types::str::Units::Ucs4($u) => $body,
        }
    };
}

impl Str {
    /// Number of code points.
    #[inline(always)]
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.len
    }
    /// Width of the units.
    #[inline(always)]
    pub fn kind(&self) -> Kind {
        self.kind
    }
    /// Whether all code points are below 128.
    #[inline(always)]
    pub fn is_ascii(&self) -> bool {
        self.ascii
    }
    /// Whether the string is in the table of interned strings.
    #[inline(always)]
    pub fn is_interned(&self) -> bool {
        self.interned.get()
    }
    fn data(&self) -> *const u8 {
        // SAFETY: the units follow the fixed part.
        unsafe { (self as *const Str).add(1).cast() }
    }
    /// The code units.
    #[inline]
    pub fn units(&self) -> Units<'_> {
        // SAFETY: `len` units of `kind` follow the fixed part, aligned to 8.
        unsafe {
            match self.kind {
                Kind::Latin1 => Units::Latin1(std::slice::from_raw_parts(self.data(), self.len)),
                Kind::Ucs2 => Units::Ucs2(std::slice::from_raw_parts(self.data().cast(), self.len)),
                Kind::Ucs4 => Units::Ucs4(std::slice::from_raw_parts(self.data().cast(), self.len)),
            }
        }
    }
    /// The raw bytes of the units.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: as `units`.
        unsafe { std::slice::from_raw_parts(self.data(), self.len * self.kind as usize) }
    }
    /// The text of an ASCII string.
    #[inline]
    pub fn as_ascii(&self) -> Option<&str> {
        // SAFETY: ASCII is UTF-8.
        if self.ascii { Some(unsafe { std::str::from_utf8_unchecked(self.bytes()) }) } else { None }
    }
    /// Code point at `index`, which must be below the length.
    #[inline]
    pub fn at(&self, index: usize) -> u32 {
        with_units!(self.units(), u => u[index] as u32)
    }
    /// All code points in order (surrogates possible).
    pub fn code_points(&self) -> impl DoubleEndedIterator<Item = u32> + ExactSizeIterator + '_ {
        (0..self.len).map(|i| self.at(i))
    }
    /// The text as Rust sees it; surrogates become U+FFFD. For messages and names.
    pub fn to_rust(&self) -> std::borrow::Cow<'_, str> {
        match self.as_ascii() {
            Some(s) => s.into(),
            None => self.code_points().map(|c| char::from_u32(c).unwrap_or('\u{FFFD}')).collect::<String>().into(),
        }
    }
    /// The text as UTF-8; `None` when it has surrogates.
    pub fn to_utf8(&self) -> Option<std::borrow::Cow<'_, str>> {
        match self.as_ascii() {
            Some(s) => Some(s.into()),
            None => self.code_points().map(char::from_u32).collect::<Option<String>>().map(Into::into),
        }
    }
    /// Equality of the text.
    #[inline]
    pub fn same(&self, other: &Str) -> bool {
        self.len == other.len && self.kind == other.kind && self.bytes() == other.bytes()
    }
    /// Whether the text is `s`.
    pub fn is_text(&self, s: &str) -> bool {
        match self.as_ascii() {
            Some(a) => a == s,
            None => !s.is_ascii() && self.code_points().eq(s.chars().map(|c| c as u32)),
        }
    }
    /// Hash of the text, as `hash()` gives it.
    #[inline]
    pub fn hash(&self) -> i64 {
        let h = self.hash.get();
        if h != -1 { h } else { self.hash_slow() }
    }
    #[inline(never)]
    fn hash_slow(&self) -> i64 {
        let h = crate::types::hash::hash_bytes(self.bytes());
        self.hash.set(h);
        h
    }
    /// Allocates a string of `len` units of `kind`, filled by `fill` (which gets zeroed memory).
    fn build(class: Option<&Py<Type>>, len: usize, kind: Kind, ascii: bool, fill: impl FnOnce(*mut u8)) -> Py<Str> {
        // SAFETY: header and fixed part are written, then all units, before anything sees the object (I4).
        unsafe {
            let bytes = len * kind as usize;
            let h = match class {
                Some(c) if !std::ptr::eq(c.get_type(), methods::STR.object()) => {
                    crate::object::instance::raw(c.get_type(), bytes)
                }
                _ => {
                    let h = heap::alloc(Space::Objects, (size_of::<Obj<Str>>() + bytes).next_multiple_of(8))
                        .cast::<crate::object::header::Header>();
                    h.write(crate::object::header::Header {
                        rc: 1.into(),
                        meta: 0.into(),
                        typ: Cell::new(methods::STR.object()),
                    });
                    h
                }
            };
            let obj = h.cast::<Obj<Str>>();
            (&raw mut (*obj).payload).write(Str { hash: Cell::new(-1), len, kind, ascii, interned: Cell::new(false) });
            fill((&raw mut (*obj).payload).add(1).cast());
            Py::from_value_unchecked(Value::from_word(h as usize))
        }
    }
    /// Latin-1 text.
    pub fn from_latin1(units: &[u8]) -> Py<Str> {
        match units {
            [] => return intern::empty(),
            [c] => return intern::latin1(*c),
            _ => {}
        }
        Str::latin1_uncached(None, units, units.is_ascii())
    }
    /// Text of bytes that the caller knows to be ASCII.
    pub fn from_ascii(units: &[u8]) -> Py<Str> {
        debug_assert!(units.is_ascii());
        match units {
            [] => intern::empty(),
            [c] => intern::latin1(*c),
            _ => Str::latin1_uncached(None, units, true),
        }
    }
    fn latin1_uncached(class: Option<&Py<Type>>, units: &[u8], ascii: bool) -> Py<Str> {
        // SAFETY: the destination has room for the units.
        Str::build(class, units.len(), Kind::Latin1, ascii, |p| unsafe {
            std::ptr::copy_nonoverlapping(units.as_ptr(), p, units.len())
        })
    }
    /// Text of ASCII bytes, which the caller knows to be ASCII; `fill` writes exactly `len` of them.
    pub fn from_ascii_with(len: usize, fill: impl FnOnce(&mut [u8])) -> Py<Str> {
        // SAFETY: the destination has room for `len` bytes; they are zeroed first.
        Str::build(None, len, Kind::Latin1, true, |p| unsafe {
            std::ptr::write_bytes(p, 0, len);
            let out = std::slice::from_raw_parts_mut(p, len);
            fill(out);
            debug_assert!(out.is_ascii());
        })
    }
    /// Text of Rust.
    pub fn from_rust(s: &str) -> Py<Str> {
        if s.is_ascii() {
            return Str::from_latin1(s.as_bytes());
        }
        let len = s.chars().count();
        // The largest lead byte tells the width; text below U+0100 of one character is shared.
        match s.bytes().max() {
            Some(..=0xC3) if len > 1 => Str::build(None, len, Kind::Latin1, false, |p| {
                // SAFETY: the destination has room for `len` units.
                s.chars().enumerate().for_each(|(i, c)| unsafe { p.add(i).write(c as u8) })
            }),
            Some(0xC4..=0xEF) => Str::build(None, len, Kind::Ucs2, false, |p| {
                // SAFETY: as above, aligned to 8.
                s.chars().enumerate().for_each(|(i, c)| unsafe { p.cast::<u16>().add(i).write(c as u16) })
            }),
            Some(0xF0..) => Str::build(None, len, Kind::Ucs4, false, |p| {
                // SAFETY: as above, aligned to 8.
                s.chars().enumerate().for_each(|(i, c)| unsafe { p.cast::<u32>().add(i).write(c as u32) })
            }),
            _ => Str::from_code_points(&s.chars().map(|c| c as u32).collect::<Vec<_>>()),
        }
    }
    /// Text of WTF-8 (surrogates possible).
    pub fn from_wtf8(s: &Wtf8) -> Py<Str> {
        match s.as_str() {
            Ok(s) => Str::from_rust(s),
            Err(_) => Str::from_code_points(&s.code_points().map(|c| c.to_u32()).collect::<Vec<_>>()),
        }
    }
    /// Text as WTF-8.
    pub fn to_wtf8(&self) -> rustpython_wtf8::Wtf8Buf {
        self.code_points().filter_map(rustpython_wtf8::CodePoint::from_u32).collect()
    }
    /// Text of code points (each below 0x110000), in the narrowest kind.
    pub fn from_code_points(points: &[u32]) -> Py<Str> {
        Str::of_units(Units::Ucs4(points))
    }
    /// Text of units of any kind, stored in the narrowest one.
    pub fn of_units(units: Units<'_>) -> Py<Str> {
        let max = with_units!(units, u => u.iter().fold(0u32, |m, &c| m | c as u32));
        let len = with_units!(units, u => u.len());
        if max < 256 {
            return match units {
                Units::Latin1(u) => Str::from_latin1(u),
                Units::Ucs2(u) => Str::from_latin1(&u.iter().map(|&c| c as u8).collect::<Vec<_>>()),
                Units::Ucs4(u) => Str::from_latin1(&u.iter().map(|&c| c as u8).collect::<Vec<_>>()),
            };
        }
        let kind = if max < 0x10000 { Kind::Ucs2 } else { Kind::Ucs4 };
        // SAFETY: the destination has room for `len` units of `kind`, aligned to 8.
        Str::build(None, len, kind, false, |p| unsafe {
            match kind {
                Kind::Ucs2 => with_units!(units, u => for (i, &c) in u.iter().enumerate() {
                    p.cast::<u16>().add(i).write(c as u16)
                }),
                _ => {
                    with_units!(units, u => for (i, &c) in u.iter().enumerate() { p.cast::<u32>().add(i).write(c as u32) })
                }
            }
        })
    }
    /// A copy of the text as an instance of a subclass.
    pub fn copy_as(&self, class: &Py<Type>) -> Py<Str> {
        // SAFETY: the destination has room for the same units.
        let s = Str::build(Some(class), self.len, self.kind, self.ascii, |p| unsafe {
            std::ptr::copy_nonoverlapping(self.data(), p, self.len * self.kind as usize)
        });
        s.hash.set(self.hash.get());
        s
    }
    /// The two texts one after the other.
    pub fn concat(a: &Py<Str>, b: &Py<Str>) -> Py<Str> {
        if a.len == 0 && b.as_value().is_exact::<Str>() {
            return b.clone();
        }
        if b.len == 0 && a.as_value().is_exact::<Str>() {
            return a.clone();
        }
        let kind = a.kind.max(b.kind);
        // SAFETY: the destination has room for both.
        Str::build(None, a.len + b.len, kind, a.ascii && b.ascii, |p| unsafe {
            a.widen_into(kind, p);
            b.widen_into(kind, p.add(a.len * kind as usize));
        })
    }
    /// Appends to a string that nobody else refers to, in its own block where that can grow (as `PyUnicode_Append`
    /// does): gives the object's new place, or nothing when a new string has to be made.
    ///
    /// # Safety
    /// `a` is the only reference to an exact `str`, given up to the result; `b` is another object.
    pub unsafe fn append_in_place(a: *mut Obj<Str>, b: &Str) -> Option<*mut Obj<Str>> {
        // SAFETY: by the caller's promise the block may move: nobody else has its address.
        unsafe {
            let (kind, len) = ((*a).payload.kind, (*a).payload.len);
            if b.kind > kind || (*a).payload.interned.get() || len == 0 || b.len == 0 {
                return None;
            }
            let bytes = |len: usize| (size_of::<Obj<Str>>() + len * kind as usize).next_multiple_of(8);
            let a = heap::realloc(Space::Objects, a.cast(), bytes(len), bytes(len + b.len)).cast::<Obj<Str>>();
            let me = &mut (*a).payload;
            b.widen_into(kind, (&raw mut *me).add(1).cast::<u8>().add(len * kind as usize));
            me.len = len + b.len;
            me.ascii &= b.ascii;
            me.hash.set(-1);
            Some(a)
        }
    }
    /// Writes the units as units of `kind` (at least as wide as its own).
    unsafe fn widen_into(&self, kind: Kind, p: *mut u8) {
        // SAFETY: the caller made room for `len` units of `kind`.
        unsafe {
            if kind == self.kind {
                std::ptr::copy_nonoverlapping(self.data(), p, self.len * kind as usize);
                return;
            }
            match kind {
                Kind::Ucs2 => with_units!(self.units(), u => for (i, &c) in u.iter().enumerate() {
                    p.cast::<u16>().add(i).write(c as u16)
                }),
                _ => with_units!(self.units(), u => for (i, &c) in u.iter().enumerate() {
                    p.cast::<u32>().add(i).write(c as u32)
                }),
            }
        }
    }
    /// All the texts one after the other, `separator` between them.
    pub fn join(separator: &Str, parts: &[&Str]) -> Py<Str> {
        let mut kind = Kind::Latin1;
        let mut ascii = true;
        let mut len = 0;
        if parts.len() > 1 {
            kind = separator.kind;
            ascii = separator.ascii;
            len = separator.len * (parts.len() - 1);
        }
        for p in parts {
            kind = kind.max(p.kind);
            ascii &= p.ascii;
            len += p.len;
        }
        if len == 0 {
            return intern::empty();
        }
        // SAFETY: the destination has room for all.
        Str::build(None, len, kind, ascii, |mut to| unsafe {
            for (i, p) in parts.iter().enumerate() {
                if i != 0 {
                    separator.widen_into(kind, to);
                    to = to.add(separator.len * kind as usize);
                }
                p.widen_into(kind, to);
                to = to.add(p.len * kind as usize);
            }
        })
    }
    /// Code points `start..end` as text.
    pub fn slice(&self, start: usize, end: usize) -> Py<Str> {
        match self.units() {
            Units::Latin1(u) if self.ascii && end - start > 1 => Str::latin1_uncached(None, &u[start..end], true),
            Units::Latin1(u) => Str::from_latin1(&u[start..end]),
            Units::Ucs2(u) => Str::of_units(Units::Ucs2(&u[start..end])),
            Units::Ucs4(u) => Str::of_units(Units::Ucs4(&u[start..end])),
        }
    }
    /// Bytes that `sys.getsizeof` shows (CPython's compact layouts; its table of single Latin-1 characters has their UTF-8
    /// form of two bytes and a zero, too).
    pub fn cpython_sizeof(&self) -> usize {
        if self.ascii {
            return 40 + self.len + 1;
        }
        let utf8 = if self.len == 1 && self.kind as usize == 1 { 3 } else { 0 };
        56 + (self.len + 1) * self.kind as usize + utf8
    }
}

/// Makes the string immortal: it is used by code, shapes or type dictionaries.
pub fn immortalize(s: &Py<Str>) {
    if let Some(h) = s.as_value().header() {
        h.rc.set(crate::object::header::IMMORTAL);
        h.unset(flag::QUEUED);
    }
}

/// Properties of the type itself.
pub const STR_FLAGS: TypeFlags = TypeFlags::BASETYPE.union(TypeFlags::STR_SUBCLASS).union(TypeFlags::MATCH_SELF);

impl Str {
    /// A string object with the text of the algorithms' own form.
    pub fn from_text(t: &taipan_base::text::Text) -> Py<Str> {
        use taipan_base::text::Text;
        match t {
            Text::Latin1(u) => Str::from_latin1(u),
            Text::Ucs2(u) => Str::of_units(Units::Ucs2(u)),
            Text::Ucs4(u) => Str::of_units(Units::Ucs4(u)),
        }
    }
}
