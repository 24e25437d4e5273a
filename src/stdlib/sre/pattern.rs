//! `re.Pattern`: a compiled pattern and what is done with it.

use super::engine::{Matcher, Mode};
use super::match_::Match;
use super::program::Program;
use super::scanner::Scanner;
use super::subject::Subject;
use super::template::{self, Replacement};
use std::cell::Cell;
use taipan_runtime::object::typedef::CmpOp;
use taipan_runtime::object::{
    Frozen, GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Slots, TypeDef, TypeFlags, Value, boolean, instance, none,
    not_implemented,
};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::generic_alias::class_getitem;
use taipan_runtime::types::iter::CallIter;
use taipan_runtime::types::list::List;
use taipan_runtime::types::mappingproxy;
use taipan_runtime::types::sequence::ssize_arg;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

/// Payload of `re.Pattern`.
pub struct Pattern {
    /// What it was compiled from.
    pub pattern: Value,
    /// Flags (`re.I` …).
    pub flags: i32,
    /// The code words, for comparisons.
    pub code: Box<[u32]>,
    /// What runs.
    pub program: Program,
    /// Names of groups, with their numbers.
    pub groupindex: Py<Dict>,
    /// The names by number.
    pub indexgroup: Py<Tuple>,
    /// For bytes or for text; unknown for patterns compiled from neither.
    pub is_bytes: Option<bool>,
    /// A matcher at rest.
    pub matcher: Cell<Option<Box<Matcher>>>,
}
taipan_runtime::payload!(Pattern, PATTERN,
    traverse(self, visit) {
        visit(&self.pattern);
        visit(self.groupindex.as_value());
        visit(self.indexgroup.as_value());
    },
    clear(self) {});
impl Frozen for Pattern {}

/// `re.Pattern`
pub static PATTERN: TypeDef = TypeDef::new::<Pattern>("re.Pattern")
    .doc("Compiled regular expression object.")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION).union(TypeFlags::WEAKREFABLE))
    .cpython_size(96, 4)
    .slots(Slots { repr: Some(repr), hash: Some(hash), richcmp: Some(compare), ..Slots::NONE })
    .methods(&[
        MethodDef::method(
            "match",
            "($self, /, string, pos=0, endpos=sys.maxsize)",
            "Matches zero or more characters at the beginning of the string.",
            N(|vm, args| one(vm, args, Mode::Match)),
        ),
        MethodDef::method(
            "fullmatch",
            "($self, /, string, pos=0, endpos=sys.maxsize)",
            "Matches against all of the string.",
            N(|vm, args| one(vm, args, Mode::Full)),
        ),
        MethodDef::method(
            "search",
            "($self, /, string, pos=0, endpos=sys.maxsize)",
            "Scan through string looking for a match, and return a corresponding match object instance.\n\n\
             Return None if no position in the string matches.",
            N(|vm, args| one(vm, args, Mode::Search)),
        ),
        MethodDef::method(
            "sub",
            "($self, /, repl, string, count=0)",
            "Return the string obtained by replacing the leftmost non-overlapping occurrences of pattern in string by \
             the replacement repl.",
            N(|vm, args| Ok(substitute(vm, args)?.0)),
        ),
        MethodDef::method(
            "subn",
            "($self, /, repl, string, count=0)",
            "Return the tuple (new_string, number_of_subs_made) found by replacing the leftmost non-overlapping \
             occurrences of pattern with the replacement repl.",
            N(|vm, args| {
                let (text, n) = substitute(vm, args)?;
                Ok(Tuple::of([text, Value::from_usize(n)]).into())
            }),
        ),
        MethodDef::method(
            "findall",
            "($self, /, string, pos=0, endpos=sys.maxsize)",
            "Return a list of all non-overlapping matches of pattern in string.",
            N(findall),
        ),
        MethodDef::method(
            "split",
            "($self, /, string, maxsplit=0)",
            "Split string by the occurrences of pattern.",
            N(split),
        ),
        MethodDef::method(
            "finditer",
            "($self, /, string, pos=0, endpos=sys.maxsize)",
            "Return an iterator over all non-overlapping matches for the RE pattern in string.\n\n\
             For each match, the iterator returns a match object.",
            N(|vm, args| {
                let scanner = scanner(vm, args)?;
                let search = vm.get_attr_text(&scanner, "search")?;
                Ok(CallIter::over(search, none()))
            }),
        ),
        MethodDef::method(
            "scanner",
            "($self, /, string, pos=0, endpos=sys.maxsize)",
            "Return a scanner of the string.",
            N(scanner),
        ),
        MethodDef::method("__copy__", "($self, /)", "Return the pattern itself.", F1(|_, me| Ok(me.clone()))),
        MethodDef::method(
            "__deepcopy__",
            "($self, memo, /)",
            "Return the pattern itself.",
            F2(|_, me, _| Ok(me.clone())),
        ),
        MethodDef::class(
            "__class_getitem__",
            "($type, object, /)",
            "Patterns are generic over the type of string they handle (str or bytes).",
            F2(class_getitem),
        ),
    ])
    .getset(&[
        GetSetDef::member("pattern", "The pattern string from which the RE object was compiled.", |_, me| {
            Ok(this(me).pattern.clone())
        }),
        GetSetDef::member("flags", "The regex matching flags.", |_, me| {
            Ok(Value::small_unchecked(this(me).flags.into()))
        }),
        GetSetDef::member("groups", "The number of capturing groups in the pattern.", |_, me| {
            Ok(Value::from_usize(this(me).program.groups))
        }),
        GetSetDef::get("groupindex", "A dictionary mapping group names to group numbers.", |_, me| {
            Ok(mappingproxy::of(this(me).groupindex.as_value().clone()))
        }),
    ]);

pub(super) fn this(me: &Value) -> &Py<Pattern> {
    me.downcast::<Pattern>().expect("a method of Pattern is called on one")
}

impl Pattern {
    /// A matcher for this pattern; give it back when done.
    pub fn matcher(&self) -> Box<Matcher> {
        self.matcher.take().unwrap_or_else(|| Box::new(Matcher::new(&self.program)))
    }

    /// Takes a matcher back.
    pub fn rest(&self, mut matcher: Box<Matcher>) {
        matcher.trim();
        self.matcher.set(Some(matcher));
    }
}

/// The position in an optional argument.
fn position(vm: &mut Vm, v: &Option<Value>, default: isize) -> PyResult<isize> {
    match v {
        Some(v) => ssize_arg(vm, v),
        None => Ok(default),
    }
}

/// The text that `string, pos, endpos` name.
fn subject(vm: &mut Vm, args: &[Option<Value>]) -> PyResult<(Py<Pattern>, Subject)> {
    let [Some(me), Some(string), pos, endpos] = args else { unreachable!("bound by the signature") };
    let (pos, endpos) = (position(vm, pos, 0)?, position(vm, endpos, isize::MAX)?);
    let me = this(me).clone();
    let subject = Subject::new(vm, &me, string, pos, endpos)?;
    Ok((me, subject))
}

fn one(vm: &mut Vm, args: &[Option<Value>], mode: Mode) -> PyResult {
    let (me, subject) = subject(vm, args)?;
    let mut matcher = me.matcher();
    let found = subject.find(vm, &me, &mut matcher, mode, subject.start, None);
    let result = found.map(|found| if found { Match::of(&me, &subject, &matcher) } else { none() });
    me.rest(matcher);
    result
}

/// Calls `each` for every match in turn, until it says no; an empty match may not follow another match directly.
fn every(
    vm: &mut Vm,
    me: &Py<Pattern>,
    subject: &Subject,
    mut each: impl FnMut(&mut Vm, &Matcher) -> PyResult<bool>,
) -> PyResult<()> {
    let mut matcher = me.matcher();
    let (mut from, mut forbidden) = (subject.start, None);
    let result = loop {
        match subject.find(vm, me, &mut matcher, Mode::Search, from, forbidden) {
            Ok(true) => {}
            Ok(false) => break Ok(()),
            Err(r) => break Err(r),
        }
        let end = matcher.end();
        forbidden = (matcher.start() == end).then_some(end);
        from = end;
        match each(vm, &matcher) {
            Ok(true) => {}
            Ok(false) => break Ok(()),
            Err(r) => break Err(r),
        }
    };
    me.rest(matcher);
    result
}

/// The text of a group, from 0; `missing` when it took no part.
fn group(vm: &Vm, subject: &Subject, matcher: &Matcher, group: usize, missing: impl FnOnce() -> Value) -> Value {
    match matcher.group(group) {
        Some((start, end)) => subject.slice(vm, start, end),
        None => missing(),
    }
}

fn findall(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let (me, subject) = subject(vm, args)?;
    let groups = me.program.groups;
    let mut found = Vec::new();
    every(vm, &me, &subject, |vm, m| {
        let text = |i| group(vm, &subject, m, i, || subject.slice(vm, 0, 0));
        found.push(match groups {
            0 => subject.slice(vm, m.start(), m.end()),
            1 => text(0),
            _ => Tuple::from_vec((0..groups).map(text).collect()).into(),
        });
        Ok(true)
    })?;
    Ok(List::from_vec(found).into())
}

fn split(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(me), Some(string), most] = args else { unreachable!("bound by the signature") };
    let most = position(vm, most, 0)?;
    let me = this(me).clone();
    let subject = Subject::new(vm, &me, string, 0, isize::MAX)?;
    let (mut parts, mut last, mut n) = (Vec::new(), subject.start, 0);
    if most >= 0 {
        every(vm, &me, &subject, |vm, m| {
            parts.push(subject.slice(vm, last, m.start()));
            parts.extend((0..me.program.groups).map(|i| group(vm, &subject, m, i, none)));
            last = m.end();
            n += 1;
            Ok(n != most)
        })?;
    }
    parts.push(subject.slice(vm, last, subject.end));
    Ok(List::from_vec(parts).into())
}

fn scanner(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let (me, subject) = subject(vm, args)?;
    Ok(instance::new(Scanner::new(me, subject)).into())
}

/// The text with its matches replaced, and how many were.
fn substitute(vm: &mut Vm, args: &[Option<Value>]) -> PyResult<(Value, usize)> {
    let [Some(me), Some(replacement), Some(string), most] = args else { unreachable!("bound by the signature") };
    let most = position(vm, most, 0)?;
    let me = this(me).clone();
    let replacement = Replacement::of(vm, me.as_value(), replacement)?;
    let subject = Subject::new(vm, &me, string, 0, isize::MAX)?;
    let (mut parts, mut last, mut n) = (Vec::new(), 0, 0);
    if most >= 0 {
        every(vm, &me, &subject, |vm, m| {
            if last < m.start() {
                parts.push(subject.slice(vm, last, m.start()));
            }
            let new = match &replacement {
                Replacement::Literal(text) => text.clone(),
                Replacement::Template(t) => {
                    let found = Match::of(&me, &subject, m);
                    template::expand(vm, t, &found)?
                }
                Replacement::Function(f) => {
                    let found = Match::of(&me, &subject, m);
                    vm.call1(f, &found)?
                }
            };
            if !new.is_none() {
                parts.push(new);
            }
            last = m.end();
            n += 1;
            Ok(n != most)
        })?;
    }
    if last < subject.end {
        parts.push(subject.slice(vm, last, subject.end));
    }
    Ok((template::join(vm, subject.is_bytes(), parts)?, n as usize))
}

fn repr(vm: &mut Vm, me: &Value) -> PyResult {
    const NAMES: [(i32, &str); 7] = [
        (2, "re.IGNORECASE"),
        (4, "re.LOCALE"),
        (8, "re.MULTILINE"),
        (16, "re.DOTALL"),
        (64, "re.VERBOSE"),
        (128, "re.DEBUG"),
        (256, "re.ASCII"),
    ];
    const UNICODE: i32 = 32;
    let me = this(me).clone();
    let mut flags = me.flags;
    if me.is_bytes == Some(false) && flags & (4 | UNICODE | 256) == UNICODE {
        flags &= !UNICODE;
    }
    let mut parts = Vec::new();
    for (flag, name) in NAMES {
        if flags & flag != 0 {
            parts.push(name.to_owned());
            flags &= !flag;
        }
    }
    if flags != 0 {
        parts.push(format!("0x{flags:x}"));
    }
    let pattern = vm.repr(&me.pattern)?;
    let pattern = if pattern.len() > 200 { pattern.slice(0, 200) } else { pattern };
    let flags = if parts.is_empty() { String::new() } else { format!(", {}", parts.join("|")) };
    let (open, close) = (Str::from_rust("re.compile("), Str::from_rust(&format!("{flags})")));
    Ok(Str::join(&Str::from_latin1(b""), &[&open, &pattern, &close]).into())
}

fn hash(vm: &mut Vm, me: &Value) -> PyResult<i64> {
    let me = this(me).clone();
    let words: Vec<u8> = me.code.iter().flat_map(|w| w.to_ne_bytes()).collect();
    let hash = vm.hash(&me.pattern)? ^ Bytes::from_slice(&words).hash() ^ i64::from(me.flags);
    Ok(if hash == -1 { -2 } else { hash })
}

fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    let (Some(x), Some(y), CmpOp::Eq | CmpOp::Ne) = (a.downcast::<Pattern>(), b.downcast::<Pattern>(), op) else {
        return Ok(not_implemented());
    };
    let same = x.flags == y.flags && x.is_bytes == y.is_bytes && x.code == y.code && vm.eq(&x.pattern, &y.pattern)?;
    Ok(boolean(same == (op == CmpOp::Eq)))
}
