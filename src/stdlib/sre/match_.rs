//! `re.Match`: where a pattern and its groups matched.

use super::engine::Matcher;
use super::pattern::Pattern;
use super::subject::{Subject, Text};
use super::template::{self, Replacement};
use smallvec::SmallVec;
use taipan_runtime::object::{
    Frozen, GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Slots, TypeDef, TypeFlags, Value, instance, none,
};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::generic_alias::class_getitem;
use taipan_runtime::types::int::Int;
use taipan_runtime::types::sequence::is_index;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

/// Payload of `re.Match`.
pub struct Match {
    string: Value,
    pattern: Py<Pattern>,
    pos: usize,
    endpos: usize,
    /// Start and end of the whole and of each group.
    spans: SmallVec<[Option<(usize, usize)>; 4]>,
    last_group: Option<usize>,
}
taipan_runtime::payload!(Match, MATCH,
    traverse(self, visit) {
        visit(&self.string);
        visit(self.pattern.as_value());
    },
    clear(self) {});
impl Frozen for Match {}

/// `re.Match`
pub static MATCH: TypeDef = TypeDef::new::<Match>("re.Match")
    .doc("The result of re.match() and re.search().\nMatch objects always have a boolean value of True.")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(88, 8)
    .slots(Slots { repr: Some(repr), subscript: Some(group), ..Slots::NONE })
    .methods(&[
        MethodDef::method(
            "group",
            "",
            "group([group1, ...]) -> str or tuple.\n\
             \x20   Return subgroup(s) of the match by indices or names.\n\
             \x20   For 0 returns the entire match.",
            V(|vm, args| {
                args.no_keywords(vm, "re.Match.group")?;
                match args.pos() {
                    [me] => text(vm, this(me), 0, none()),
                    [me, key] => group(vm, me, key),
                    [me, keys @ ..] => {
                        let found = keys.iter().map(|key| group(vm, me, key)).collect::<PyResult<Vec<_>>>()?;
                        Ok(Tuple::from_vec(found).into())
                    }
                    [] => unreachable!("a method has its object"),
                }
            }),
        ),
        MethodDef::method(
            "start",
            "($self, group=0, /)",
            "Return index of the start of the substring matched by group.",
            N(|vm, args| Ok(Int::from_i64(span(vm, args)?.map_or(-1, |(start, _)| start as i64)))),
        ),
        MethodDef::method(
            "end",
            "($self, group=0, /)",
            "Return index of the end of the substring matched by group.",
            N(|vm, args| Ok(Int::from_i64(span(vm, args)?.map_or(-1, |(_, end)| end as i64)))),
        ),
        MethodDef::method(
            "span",
            "($self, group=0, /)",
            "For match object m, return the 2-tuple (m.start(group), m.end(group)).",
            N(|vm, args| Ok(pair(span(vm, args)?))),
        ),
        MethodDef::method(
            "groups",
            "($self, /, default=None)",
            "Return a tuple containing all the subgroups of the match, from 1.\n\n  default\n    Is used for groups that \
             did not participate in the match.",
            N(|vm, args| {
                let [Some(me), default] = args else { unreachable!("bound by the signature") };
                let (me, default) = (this(me), default.clone().unwrap_or_else(none));
                let found =
                    (1..me.spans.len()).map(|i| text(vm, me, i, default.clone())).collect::<PyResult<Vec<_>>>()?;
                Ok(Tuple::from_vec(found).into())
            }),
        ),
        MethodDef::method(
            "groupdict",
            "($self, /, default=None)",
            "Return a dictionary containing all the named subgroups of the match, keyed by the subgroup name.\n\n\
               default\n    Is used for groups that did not participate in the match.",
            N(groupdict),
        ),
        MethodDef::method(
            "expand",
            "($self, /, template)",
            "Return the string obtained by doing backslash substitution on the string template, as done by the sub() \
             method.",
            N(|vm, args| {
                let [Some(me), Some(t)] = args else { unreachable!("bound by the signature") };
                match Replacement::compile(vm, this(me).pattern.clone().as_value(), t)? {
                    Replacement::Template(t) => template::expand(vm, &t, me),
                    Replacement::Literal(text) | Replacement::Function(text) => Ok(text),
                }
            }),
        ),
        MethodDef::method("__copy__", "($self, /)", "Return the match itself.", F1(|_, me| Ok(me.clone()))),
        MethodDef::method(
            "__deepcopy__",
            "($self, memo, /)",
            "Return the match itself.",
            F2(|_, me, _| Ok(me.clone())),
        ),
        MethodDef::class(
            "__class_getitem__",
            "($type, object, /)",
            "Matches are generic over the type of string which was matched (str or bytes).",
            F2(class_getitem),
        ),
    ])
    .getset(&[
        GetSetDef::get("lastindex", "The integer index of the last matched capturing group.", |_, me| {
            Ok(this(me).last_group.map_or_else(none, Value::from_usize))
        }),
        GetSetDef::get("lastgroup", "The name of the last matched capturing group.", |_, me| {
            let me = this(me);
            Ok(me.last_group.and_then(|i| me.pattern.indexgroup.items().get(i).cloned()).unwrap_or_else(none))
        }),
        GetSetDef::get("regs", "The spans of the match and its groups.", |_, me| {
            Ok(Tuple::from_vec(this(me).spans.iter().map(|span| pair(*span)).collect()).into())
        }),
        GetSetDef::member("string", "The string passed to match() or search().", |_, me| Ok(this(me).string.clone())),
        GetSetDef::member("re", "The regular expression object.", |_, me| Ok(this(me).pattern.as_value().clone())),
        GetSetDef::member(
            "pos",
            "The index into the string at which the RE engine started looking for a match.",
            |_, me| Ok(Value::from_usize(this(me).pos)),
        ),
        GetSetDef::member(
            "endpos",
            "The index into the string beyond which the RE engine will not go.",
            |_, me| Ok(Value::from_usize(this(me).endpos)),
        ),
    ]);

fn this(me: &Value) -> &Py<Match> {
    me.downcast::<Match>().expect("a method of Match is called on one")
}

impl Match {
    /// The match that a matcher found.
    pub fn of(pattern: &Py<Pattern>, subject: &Subject, matcher: &Matcher) -> Value {
        let mut spans = SmallVec::with_capacity(1 + pattern.program.groups);
        spans.push(Some((matcher.start(), matcher.end())));
        spans.extend((0..pattern.program.groups).map(|i| matcher.group(i)));
        instance::new(Match {
            string: subject.string.clone(),
            pattern: pattern.clone(),
            pos: subject.start,
            endpos: subject.end,
            spans,
            last_group: matcher.last_group(),
        })
        .into()
    }
}

fn pair(span: Option<(usize, usize)>) -> Value {
    let (start, end) = span.map_or((-1, -1), |(start, end)| (start as i64, end as i64));
    Tuple::of([Int::from_i64(start), Int::from_i64(end)]).into()
}

/// The number of the group that an index or a name names; `IndexError` when there is none.
fn number(vm: &mut Vm, me: &Py<Match>, key: &Value) -> PyResult<usize> {
    let mut found = None;
    if is_index(key) {
        let i = vm.index(key)?;
        found = Int::read(&i).and_then(|i| i.to_i64());
    } else {
        let index = me.pattern.groupindex.clone().get_item(vm, key)?;
        if let Some(i) = index.as_ref().and_then(Int::read) {
            found = i.to_i64();
        }
    }
    match found {
        Some(i) if i >= 0 && (i as usize) < me.spans.len() => Ok(i as usize),
        _ => Err(vm.index_error("no such group")),
    }
}

/// The text of a group by number, or what stands for a group that took no part.
pub(super) fn text(vm: &mut Vm, me: &Py<Match>, number: usize, missing: Value) -> PyResult {
    let Some(span) = me.spans.get(number) else { return Err(vm.index_error("no such group")) };
    let Some((start, end)) = *span else { return Ok(missing) };
    // What exports bytes may have fewer of them by now.
    let source = Text::of(vm, &me.string)?;
    let (start, end) = (start.min(source.len()), end.min(source.len()));
    Ok(source.slice(vm, start, end))
}

/// The text of a group by number, for templates; `None` is none.
pub(super) fn group_text(vm: &mut Vm, found: &Value, number: usize) -> PyResult {
    text(vm, this(found), number, none())
}

fn group(vm: &mut Vm, me: &Value, key: &Value) -> PyResult {
    let me = this(me);
    let number = number(vm, me, key)?;
    text(vm, me, number, none())
}

fn span(vm: &mut Vm, args: &[Option<Value>]) -> PyResult<Option<(usize, usize)>> {
    let [Some(me), key] = args else { unreachable!("bound by the signature") };
    let me = this(me);
    let number = match key {
        Some(key) => number(vm, me, key)?,
        None => 0,
    };
    Ok(me.spans[number])
}

fn groupdict(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(me), default] = args else { unreachable!("bound by the signature") };
    let (me, default) = (this(me), default.clone().unwrap_or_else(none));
    let found = Dict::new_object();
    for (name, index) in me.pattern.groupindex.pairs() {
        let number = number(vm, me, &index)?;
        let value = text(vm, me, number, default.clone())?;
        found.set_item(vm, &name, value)?;
    }
    Ok(found.into())
}

fn repr(vm: &mut Vm, me: &Value) -> PyResult {
    let me = this(me);
    let whole = text(vm, me, 0, none())?;
    let shown = vm.repr(&whole)?;
    let (start, end) = me.spans[0].unwrap_or_default();
    let head = Str::from_rust(&format!("<re.Match object; span=({start}, {end}), match="));
    Ok(Str::join(&Str::from_latin1(b""), &[&head, &shown, &Str::from_latin1(b">")]).into())
}
