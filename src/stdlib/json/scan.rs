//! The scanner: JSON text to Python objects.
//!
//! What is no value raises `StopIteration(position)`, which `json.decoder` turns into "Expecting value"; all other
//! complaints are `JSONDecodeError`s raised here.

use super::{Memo, decode_error, string_argument};
use taipan_base::text::{Builder, Unit};
use taipan_runtime::object::value::Frozen;
use taipan_runtime::object::{
    GetSetDef, Py, PyResult, Raised, Slots, Type, TypeDef, TypeFlags, Value, boolean, instance, none,
};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::float::{FLOAT, Float};
use taipan_runtime::types::int::INT;
use taipan_runtime::types::list::List;
use taipan_runtime::types::sequence::ssize_arg;
use taipan_runtime::types::str::{Str, Units};
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};
use taipan_runtime::with_units;

/// Payload of `make_scanner`: what a `JSONDecoder` asks for.
pub struct Scanner {
    strict: bool,
    object_hook: Value,
    object_pairs_hook: Value,
    parse_float: Value,
    parse_int: Value,
    parse_constant: Value,
}
impl Frozen for Scanner {}
taipan_runtime::payload!(Scanner, SCANNER,
    traverse(self, visit) {
        let Scanner { strict: _, object_hook, object_pairs_hook, parse_float, parse_int, parse_constant } = self;
        [object_hook, object_pairs_hook, parse_float, parse_int, parse_constant].into_iter().for_each(visit);
    },
    clear(self) {
        for v in [&mut self.object_hook, &mut self.object_pairs_hook, &mut self.parse_float, &mut self.parse_int,
                  &mut self.parse_constant] {
            drop(std::mem::replace(v, none()));
        }
    }
);

macro_rules! members {
    ($($name:ident)*) => { &[
        GetSetDef::member("strict", "strict", |_, me| Ok(boolean(this(me).strict))),
        $( GetSetDef::member(stringify!($name), stringify!($name), |_, me| Ok(this(me).$name.clone())), )*
    ] };
}

/// `_json.Scanner`, found in the module as `make_scanner`.
pub static SCANNER: TypeDef = TypeDef::new::<Scanner>("_json.Scanner")
    .doc("JSON scanner object")
    .flags(TypeFlags::HAVE_GC)
    .cpython_size(64, 0)
    .slots(Slots { new: Some(new), call: Some(call), ..Slots::NONE })
    .getset(members!(object_hook object_pairs_hook parse_float parse_int parse_constant));

fn this(me: &Value) -> &Py<Scanner> {
    me.downcast::<Scanner>().expect("a method of Scanner is called on one")
}

fn new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new("make_scanner", "(context)");
    let bound = args.bind(vm, &SIGNATURE)?;
    let context = bound[0].as_ref().expect("required");
    let strict = vm.get_attr_text(context, "strict")?;
    let scanner = Scanner {
        strict: vm.truth(&strict)?,
        object_hook: vm.get_attr_text(context, "object_hook")?,
        object_pairs_hook: vm.get_attr_text(context, "object_pairs_hook")?,
        parse_float: vm.get_attr_text(context, "parse_float")?,
        parse_int: vm.get_attr_text(context, "parse_int")?,
        parse_constant: vm.get_attr_text(context, "parse_constant")?,
    };
    Ok(instance::new_of(class, scanner).into())
}

fn call(vm: &mut Vm, me: &Value, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new("scan_once", "(string, idx)");
    let bound = args.bind(vm, &SIGNATURE)?;
    let [Some(string), Some(idx)] = &bound[..] else { unreachable!("both are required") };
    let at = ssize_arg(vm, idx)?;
    let document = string_argument(vm, string)?;
    if at < 0 {
        return Err(vm.value_error("idx cannot be negative"));
    }
    let (value, end) = with_units!(document.units(), text => {
        let mut scan = Scan { document, text, with: this(me), memo: Dict::new_object(), at: at as usize };
        let value = scan.value(vm)?;
        (value, scan.at)
    });
    Ok(Tuple::of([value, Value::from_usize(end)]).into())
}

/// `scanstring(string, end, strict=True)`.
pub fn scanstring(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    args.no_keywords(vm, "scanstring")?;
    let n = args.len();
    if !(2..=3).contains(&n) {
        let (most, limit) = if n < 2 { ("least", 2) } else { ("most", 3) };
        return Err(vm.type_error(format!("scanstring() takes at {most} {limit} arguments ({n} given)")));
    }
    let end = ssize_arg(vm, &args.pos()[1])?;
    let strict = match args.get(2) {
        Some(v) => vm.truth(v)?,
        None => true,
    };
    let document = string_argument(vm, &args.pos()[0])?;
    if end < 0 || end as usize > document.len() {
        return Err(vm.value_error("end is out of bounds"));
    }
    let (value, end) = with_units!(document.units(), text => string(vm, document, text, end as usize, strict)?);
    Ok(Tuple::of([value.into(), Value::from_usize(end)]).into())
}

/// Units that can become a string of their own.
trait Width: Unit {
    fn units(units: &[Self]) -> Units<'_>;
}
impl Width for u8 {
    fn units(units: &[u8]) -> Units<'_> {
        Units::Latin1(units)
    }
}
impl Width for u16 {
    fn units(units: &[u16]) -> Units<'_> {
        Units::Ucs2(units)
    }
}
impl Width for u32 {
    fn units(units: &[u32]) -> Units<'_> {
        Units::Ucs4(units)
    }
}

fn is<U: Unit>(text: &[U], at: usize, c: u8) -> bool {
    text.get(at).is_some_and(|u| u.cp() == u32::from(c))
}

fn is_digit<U: Unit>(text: &[U], at: usize) -> bool {
    text.get(at).is_some_and(|u| (0x30..=0x39).contains(&u.cp()))
}

fn starts_with<U: Unit>(text: &[U], at: usize, word: &[u8]) -> bool {
    text.get(at..at + word.len()).is_some_and(|t| t.iter().zip(word).all(|(u, &c)| u.cp() == u32::from(c)))
}

/// Scans a string from after its quote; gives it and the position after the closing quote.
fn string<U: Width>(
    vm: &mut Vm,
    document: &Py<Str>,
    text: &[U],
    start: usize,
    strict: bool,
) -> PyResult<(Py<Str>, usize)> {
    let unterminated =
        |vm: &mut Vm| decode_error(vm, "Unterminated string starting at", document, start.wrapping_sub(1));
    let mut built: Option<Builder> = None;
    let mut at = start;
    loop {
        let run = &text[at..];
        let stop = |cp: u32| cp == 0x22 || cp == 0x5c || (cp <= 0x1f && strict);
        let Some(n) = run.iter().position(|u| stop(u.cp())) else { return Err(unterminated(vm)) };
        let (chunk, found) = (&run[..n], run[n].cp());
        at += n;
        if found == 0x22 {
            let s = match built {
                None => Str::of_units(U::units(chunk)),
                Some(mut b) => {
                    b.push_units(chunk);
                    Str::from_text(&b.finish())
                }
            };
            return Ok((s, at + 1));
        }
        if found != 0x5c {
            return Err(decode_error(vm, "Invalid control character at", document, at));
        }
        let out = built.get_or_insert_default();
        out.push_units(chunk);
        let Some(c) = text.get(at + 1) else { return Err(unterminated(vm)) };
        let plain = match u8::try_from(c.cp()).unwrap_or(0) {
            c @ (b'"' | b'\\' | b'/') => c,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let (cp, end) = unicode_escape(vm, document, text, at)?;
                out.push(cp);
                at = end;
                continue;
            }
            _ => return Err(decode_error(vm, "Invalid \\escape", document, at)),
        };
        out.push(plain.into());
        at += 2;
    }
}

/// The four hexadecimal digits at a position.
fn hex4<U: Unit>(text: &[U], at: usize) -> Option<u32> {
    text.get(at..at + 4)?.iter().try_fold(0, |n, u| Some(n << 4 | char::from_u32(u.cp())?.to_digit(16)?))
}

/// The code point of the escape whose backslash is at `at`, and where it ends; a pair of surrogates is one.
fn unicode_escape<U: Unit>(vm: &mut Vm, document: &Py<Str>, text: &[U], at: usize) -> PyResult<(u32, usize)> {
    const ERROR: &str = "Invalid \\uXXXX escape";
    let Some(high) = hex4(text, at + 2) else {
        return Err(decode_error(vm, ERROR, document, at + 1));
    };
    let end = at + 6;
    if !(0xd800..0xdc00).contains(&high) || end + 6 > text.len() || !starts_with(text, end, b"\\u") {
        return Ok((high, end));
    }
    match hex4(text, end + 2) {
        None => Err(decode_error(vm, ERROR, document, end + 1)),
        Some(low @ 0xdc00..0xe000) => Ok((0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00), end + 6)),
        Some(_) => Ok((high, end)),
    }
}

/// One run over a document.
struct Scan<'a, U> {
    document: &'a Py<Str>,
    text: &'a [U],
    with: &'a Scanner,
    memo: Memo,
    at: usize,
}

impl<U: Width> Scan<'_, U> {
    #[cold]
    fn error(&self, vm: &mut Vm, message: &str, at: usize) -> Raised {
        decode_error(vm, message, self.document, at)
    }

    #[cold]
    fn no_value(&self, vm: &mut Vm, at: usize) -> Raised {
        vm.stop_iteration(Some(Value::from_usize(at)))
    }

    fn skip_space(&mut self) {
        while self.text.get(self.at).is_some_and(|u| matches!(u.cp(), 0x20 | 0x09 | 0x0a | 0x0d)) {
            self.at += 1;
        }
    }

    fn word(&mut self, word: &[u8]) -> bool {
        let found = starts_with(self.text, self.at, word);
        if found {
            self.at += word.len();
        }
        found
    }

    fn value(&mut self, vm: &mut Vm) -> PyResult {
        let Some(first) = self.text.get(self.at) else { return Err(self.no_value(vm, self.at)) };
        match u8::try_from(first.cp()).unwrap_or(0) {
            b'"' => {
                let (s, end) = string(vm, self.document, self.text, self.at + 1, self.with.strict)?;
                self.at = end;
                Ok(s.into())
            }
            b'{' => {
                vm.check_recursion(" while decoding a JSON object from a unicode string")?;
                self.at += 1;
                self.object(vm)
            }
            b'[' => {
                vm.check_recursion(" while decoding a JSON array from a unicode string")?;
                self.at += 1;
                self.array(vm)
            }
            b'n' if self.word(b"null") => Ok(none()),
            b't' if self.word(b"true") => Ok(boolean(true)),
            b'f' if self.word(b"false") => Ok(boolean(false)),
            b'N' if self.word(b"NaN") => self.constant(vm, "NaN"),
            b'I' if self.word(b"Infinity") => self.constant(vm, "Infinity"),
            b'-' if self.word(b"-Infinity") => self.constant(vm, "-Infinity"),
            _ => self.number(vm),
        }
    }

    fn constant(&mut self, vm: &mut Vm, name: &str) -> PyResult {
        let name = vm.intern(name);
        vm.call1(&self.with.parse_constant, name.as_value())
    }

    fn number(&mut self, vm: &mut Vm) -> PyResult {
        let (text, start) = (self.text, self.at);
        let mut at = start + usize::from(is(text, start, b'-'));
        if is(text, at, b'0') {
            at += 1;
        } else if is_digit(text, at) {
            while is_digit(text, at) {
                at += 1;
            }
        } else {
            return Err(self.no_value(vm, start));
        }
        let mut float = false;
        if is(text, at, b'.') && is_digit(text, at + 1) {
            float = true;
            at += 2;
            while is_digit(text, at) {
                at += 1;
            }
        }
        if is(text, at, b'e') || is(text, at, b'E') {
            let mut end = at + 1;
            if is(text, end, b'+') || is(text, end, b'-') {
                end += 1;
            }
            if is_digit(text, end) {
                float = true;
                while is_digit(text, end) {
                    end += 1;
                }
                at = end;
            }
        }
        self.at = at;
        // Only ASCII was accepted.
        let digits: smallvec::SmallVec<[u8; 32]> = text[start..at].iter().map(|u| u.cp() as u8).collect();
        self.convert(vm, &digits, float)
    }

    fn convert(&mut self, vm: &mut Vm, digits: &[u8], float: bool) -> PyResult {
        if float {
            if self.with.parse_float.is_static_type(&FLOAT) {
                return Ok(Float::new(taipan_base::float::parse_bytes(digits).unwrap_or(f64::NAN)));
            }
            return vm.call1(&self.with.parse_float, Str::from_latin1(digits).as_value());
        }
        if digits.len() <= 18 && self.with.parse_int.is_static_type(&INT) {
            let (negative, digits) = match digits {
                [b'-', rest @ ..] => (true, rest),
                all => (false, all),
            };
            let n = digits.iter().fold(0i64, |n, &d| n * 10 + i64::from(d - b'0'));
            return Ok(Value::small_unchecked(if negative { -n } else { n }));
        }
        vm.call1(&self.with.parse_int, Str::from_latin1(digits).as_value())
    }

    fn array(&mut self, vm: &mut Vm) -> PyResult {
        let mut items = Vec::new();
        self.skip_space();
        if self.word(b"]") {
            return Ok(List::empty().into());
        }
        loop {
            items.push(self.value(vm)?);
            self.skip_space();
            if self.word(b"]") {
                return Ok(List::from_vec(items).into());
            }
            self.comma(vm, b"]", "Illegal trailing comma before end of array")?;
        }
    }

    /// A comma that something follows.
    fn comma(&mut self, vm: &mut Vm, close: &[u8], trailing: &str) -> PyResult<()> {
        let comma = self.at;
        if !self.word(b",") {
            return Err(self.error(vm, "Expecting ',' delimiter", comma));
        }
        self.skip_space();
        if starts_with(self.text, self.at, close) {
            return Err(self.error(vm, trailing, comma));
        }
        Ok(())
    }

    fn object(&mut self, vm: &mut Vm) -> PyResult {
        let pairs_hook = !self.with.object_pairs_hook.is_none();
        let (dict, mut pairs) = (Dict::new_object(), Vec::new());
        self.skip_space();
        if !self.word(b"}") {
            loop {
                let (key, value) = self.member(vm)?;
                if pairs_hook {
                    pairs.push(Tuple::of([key, value]).into());
                } else {
                    dict.set_item(vm, &key, value)?;
                }
                self.skip_space();
                if self.word(b"}") {
                    break;
                }
                self.comma(vm, b"}", "Illegal trailing comma before end of object")?;
            }
        }
        if pairs_hook {
            return vm.call1(&self.with.object_pairs_hook, List::from_vec(pairs).as_value());
        }
        if self.with.object_hook.is_none() {
            return Ok(dict.into());
        }
        vm.call1(&self.with.object_hook, dict.as_value())
    }

    fn member(&mut self, vm: &mut Vm) -> PyResult<(Value, Value)> {
        if !is(self.text, self.at, b'"') {
            return Err(self.error(vm, "Expecting property name enclosed in double quotes", self.at));
        }
        let (key, end) = string(vm, self.document, self.text, self.at + 1, self.with.strict)?;
        let key = self.memo.set_default(vm, key.as_value(), key.as_value())?;
        self.at = end;
        self.skip_space();
        if !self.word(b":") {
            return Err(self.error(vm, "Expecting ':' delimiter", self.at));
        }
        self.skip_space();
        Ok((key, self.value(vm)?))
    }
}
