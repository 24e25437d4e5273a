//! `SRE_Scanner`: the matches of a text one after the other; `finditer` is made of it.

use super::engine::Mode;
use super::match_::Match;
use super::pattern::Pattern;
use super::subject::Subject;
use std::cell::{Cell, RefCell};
use taipan_runtime::object::{
    Frozen, GetSetDef, MethodDef, NativeFn::*, Py, PyResult, TypeDef, TypeFlags, Value, none,
};
use taipan_runtime::vm::Vm;

/// Payload of `SRE_Scanner`.
pub struct Scanner {
    pattern: Py<Pattern>,
    /// Taken out while it is used.
    subject: RefCell<Option<Subject>>,
    string: Value,
    /// Where to go on; absent at the end.
    from: Cell<Option<usize>>,
    /// An empty match here does not count.
    forbidden: Cell<Option<usize>>,
}
taipan_runtime::payload!(Scanner, SCANNER,
    traverse(self, visit) {
        visit(self.pattern.as_value());
        visit(&self.string);
    },
    clear(self) {});
impl Frozen for Scanner {}

/// `_sre.SRE_Scanner`
pub static SCANNER: TypeDef = TypeDef::new::<Scanner>("_sre.SRE_Scanner")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(264, 0)
    .methods(&[
        MethodDef::method(
            "match",
            "($self, /)",
            "Match at the position the last match ended at.",
            F1(|vm, me| next(vm, me, Mode::Match)),
        ),
        MethodDef::method(
            "search",
            "($self, /)",
            "Search from the position the last match ended at.",
            F1(|vm, me| next(vm, me, Mode::Search)),
        ),
    ])
    .getset(&[GetSetDef::member("pattern", "The pattern.", |_, me| Ok(this(me).pattern.as_value().clone()))]);

fn this(me: &Value) -> &Py<Scanner> {
    me.downcast::<Scanner>().expect("a method of SRE_Scanner is called on one")
}

impl Scanner {
    /// A scanner of a text.
    pub fn new(pattern: Py<Pattern>, subject: Subject) -> Scanner {
        let (string, from) = (subject.string.clone(), subject.start);
        Scanner {
            pattern,
            subject: RefCell::new(Some(subject)),
            string,
            from: Cell::new(Some(from)),
            forbidden: Cell::new(None),
        }
    }
}

fn next(vm: &mut Vm, me: &Value, mode: Mode) -> PyResult {
    let me = this(me);
    let Some(subject) = me.subject.borrow_mut().take() else {
        return Err(vm.value_error("regular expression scanner already executing"));
    };
    let found = step(vm, me, &subject, mode);
    me.subject.replace(Some(subject));
    found
}

fn step(vm: &mut Vm, me: &Scanner, subject: &Subject, mode: Mode) -> PyResult {
    let Some(from) = me.from.get() else { return Ok(none()) };
    let mut matcher = me.pattern.matcher();
    let found = subject.find(vm, &me.pattern, &mut matcher, mode, from, me.forbidden.get());
    let result = found.map(|found| {
        if !found {
            me.from.set(None);
            return none();
        }
        let end = matcher.end();
        me.from.set(Some(end));
        me.forbidden.set((matcher.start() == end).then_some(end));
        Match::of(&me.pattern, subject, &matcher)
    });
    me.pattern.rest(matcher);
    result
}
