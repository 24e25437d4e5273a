//! Entering and leaving units, and what a finished unit becomes.

use std::rc::Rc;
use std::sync::Arc;

use rustpython_wtf8::Wtf8Buf;
use taipan_bytecode::oparg::{FunctionAttribute, Resume};
use taipan_bytecode::{CodeFlags, CodeObject, Const, LocalKind, Op};
use taipan_syntax::ast::{Name, Stmt};

use super::{Compiler, Result};
use crate::assemble::assemble;
use crate::flow::{self, Graph};
use crate::instr::Loc;
use crate::scopes::{Place, Scope, mangle};
use crate::unit::{ArgCounts, Unit, UnitKind};

impl<'a> Compiler<'a> {
    /// Starts a unit.
    pub(super) fn enter(
        &mut self,
        kind: UnitKind,
        scope: Scope<'a>,
        name: Rc<str>,
        firstlineno: i32,
        counts: ArgCounts,
        private: Option<Name>,
    ) -> Result {
        self.check_depth()?;
        let mut unit = Unit::new(kind, scope, name, firstlineno, counts);
        unit.private = private.or_else(|| self.units.last().and_then(|around| around.private.clone()));
        if !self.units.is_empty() {
            unit.qualname = self.qualname(&unit);
        }
        self.units.push(unit);
        let mut start = Loc::line_start(firstlineno);
        if kind == UnitKind::Module {
            start.line = 0;
        }
        self.emit(Op::RESUME, Resume::Start as u32, start);
        if kind == UnitKind::Module {
            self.op(Op::ANNOTATIONS_PLACEHOLDER, start);
        }
        Ok(())
    }

    /// The dotted path to a unit that stands in the current one (PEP 3155).
    fn qualname(&self, unit: &Unit) -> Rc<str> {
        let depth = self.units.len();
        if depth < 2 {
            return unit.name.clone();
        }
        let mut parent = &self.units[depth - 1];
        if parent.kind == UnitKind::Annotations {
            if depth == 2 {
                return unit.name.clone();
            }
            parent = &self.units[depth - 2];
        }
        if matches!(unit.kind, UnitKind::Function | UnitKind::AsyncFunction | UnitKind::Class) {
            let name = mangle(parent.private.as_deref(), &unit.name);
            if parent.symbol(&name).place == Place::GlobalExplicit {
                return unit.name.clone();
            }
        }
        let inner = matches!(parent.kind, UnitKind::Function | UnitKind::AsyncFunction | UnitKind::Lambda);
        format!("{}{}.{}", parent.qualname, if inner { ".<locals>" } else { "" }, unit.name).into()
    }

    fn code_flags(&self) -> CodeFlags {
        let scope = &self.unit().scope;
        let mut flags = CodeFlags::empty();
        if scope.is_function_like() {
            flags |= CodeFlags::NEWLOCALS | CodeFlags::OPTIMIZED;
            flags.set(CodeFlags::NESTED, scope.is_nested());
            flags.set(CodeFlags::GENERATOR, scope.is_generator() && !scope.is_coroutine());
            flags.set(CodeFlags::ASYNC_GENERATOR, scope.is_generator() && scope.is_coroutine());
            flags.set(CodeFlags::VARARGS, scope.has_varargs());
            flags.set(CodeFlags::VARKEYWORDS, scope.has_varkeywords());
            flags.set(CodeFlags::HAS_DOCSTRING, scope.has_docstring());
            flags.set(CodeFlags::METHOD, scope.is_method());
        }
        flags.set(CodeFlags::COROUTINE, scope.is_coroutine() && !scope.is_generator());
        flags | self.futures
    }

    /// Ends the unit being written and makes its code object. With `add_none` it returns None at its end.
    pub(super) fn finish_unit(&mut self, add_none: bool) -> Result<CodeObject> {
        if add_none {
            self.load_const(Const::None, Loc::NONE);
        }
        self.op(Op::RETURN_VALUE, Loc::NONE);
        let flags = self.code_flags();
        let mut unit = self.units.pop().expect("a unit is being compiled");
        let cell_locals: Vec<Option<u32>> = unit.cellvars.items().iter().map(|name| unit.varnames.find(name)).collect();
        let scope = flow::Scope {
            nlocals: unit.varnames.len(),
            nparams: unit.scope.parameters().len(),
            flags,
            firstlineno: unit.firstlineno,
            cell_locals: &cell_locals,
            nfrees: unit.freevars.len(),
        };
        let mut graph = Graph::build(&unit.sequence);
        flow::optimize(&mut graph, &mut unit.consts, &scope);
        let stacksize = flow::finish(&mut graph, &scope)?;
        let bytes = assemble(&graph, unit.firstlineno, self.columns);
        let (localsplusnames, localspluskinds) = self.locals_plus(&unit, flags);
        Ok(CodeObject {
            argcount: unit.counts.posonly + unit.counts.args,
            posonlyargcount: unit.counts.posonly,
            kwonlyargcount: unit.counts.kwonly,
            stacksize,
            flags,
            code: bytes.code,
            consts: std::mem::take(&mut unit.consts).into_items(),
            names: unit.names.items().iter().map(|name| self.intern(name)).collect(),
            localsplusnames,
            localspluskinds,
            filename: self.filename.clone(),
            name: self.intern(&unit.name),
            qualname: self.intern(&unit.qualname),
            firstlineno: unit.firstlineno,
            linetable: bytes.linetable,
            exceptiontable: bytes.exceptiontable,
        })
    }

    /// The names and kinds of all local slots.
    fn locals_plus(&mut self, unit: &Unit, flags: CodeFlags) -> (Vec<Arc<str>>, Vec<LocalKind>) {
        let (pos, kw, var) = (LocalKind::ARG_POS, LocalKind::ARG_KW, LocalKind::ARG_VAR);
        let runs = [
            (unit.counts.posonly, pos),
            (unit.counts.args, pos | kw),
            (unit.counts.kwonly, kw),
            (flags.contains(CodeFlags::VARARGS) as u32, var | pos),
            (flags.contains(CodeFlags::VARKEYWORDS) as u32, var | kw),
        ];
        let mut parameters = runs.into_iter().flat_map(|(count, kind)| std::iter::repeat_n(kind, count as usize));
        let (mut names, mut kinds) = (Vec::new(), Vec::new());
        for name in unit.varnames.items() {
            let mut kind = LocalKind::LOCAL | parameters.next().unwrap_or(LocalKind::empty());
            kind.set(LocalKind::HIDDEN, unit.fast_hidden.contains_key(name));
            kind.set(LocalKind::CELL, unit.cellvars.find(name).is_some());
            names.push(self.intern(name));
            kinds.push(kind);
        }
        for name in unit.cellvars.items().iter().filter(|name| unit.varnames.find(name).is_none()) {
            names.push(self.intern(name));
            kinds.push(LocalKind::CELL);
        }
        for name in unit.freevars.items() {
            names.push(self.intern(name));
            kinds.push(LocalKind::FREE);
        }
        (names, kinds)
    }

    /// Makes a function of a code object, closing over what it needs; `flags` tell what lies on the stack for it.
    pub(super) fn make_closure(&mut self, code: CodeObject, mut flags: FunctionAttribute, loc: Loc) {
        let free: Vec<Arc<str>> = code.freevars().cloned().collect();
        for name in &free {
            let index = self.closure_index(name);
            self.emit(Op::LOAD_CLOSURE, index, loc);
        }
        if !free.is_empty() {
            flags |= FunctionAttribute::CLOSURE;
            self.emit(Op::BUILD_TUPLE, free.len() as u32, loc);
        }
        self.load_const(Const::Code(Arc::new(code)), loc);
        self.op(Op::MAKE_FUNCTION, loc);
        for one in [
            FunctionAttribute::CLOSURE,
            FunctionAttribute::ANNOTATIONS,
            FunctionAttribute::ANNOTATE,
            FunctionAttribute::KWDEFAULTS,
            FunctionAttribute::DEFAULTS,
        ] {
            if flags.contains(one) {
                self.emit(Op::SET_FUNCTION_ATTRIBUTE, one.bits(), loc);
            }
        }
    }

    /// The index of the cell or free variable that a closure takes.
    fn closure_index(&mut self, name: &str) -> u32 {
        let unit = self.unit_mut();
        let implicit = unit.kind == UnitKind::Class
            && matches!(name, "__class__" | "__classdict__" | "__conditional_annotations__");
        let name = Name::from(name);
        if implicit || unit.symbol(&name).place == Place::Cell {
            unit.cell_index(&name)
        } else {
            unit.free_index(&name)
        }
    }

    /// Statements of a module or class, with its docstring and annotations.
    pub(super) fn body(&mut self, body: &'a [Stmt], start: Loc, interactive: bool) -> Result {
        let future_annotations = self.futures.contains(CodeFlags::FUTURE_ANNOTATIONS);
        if future_annotations && self.unit().scope.annotations_used() {
            self.op(Op::SETUP_ANNOTATIONS, start);
        }
        let mut rest = body;
        if !interactive
            && self.unit().scope.has_docstring()
            && let Some((doc, place)) = docstring(body)
        {
            self.load_const(Const::Str(clean_doc(doc)), place);
            self.store_name("__doc__", Loc::NONE)?;
            rest = &body[1..];
        }
        self.stmts(rest)?;
        if !future_annotations { self.deferred_annotations(start) } else { Ok(()) }
    }
}

/// The docstring that a body starts with, and its place.
pub(super) fn docstring(body: &[Stmt]) -> Option<(&Wtf8Buf, Loc)> {
    use taipan_syntax::ast::{Constant, ExprKind, StmtKind};
    let StmtKind::Expr { value } = &body.first()?.kind else { return None };
    match &value.kind {
        ExprKind::Constant { value: Constant::Str(text), .. } => Some((text, super::loc(value.span))),
        _ => None,
    }
}

/// The docstring without the indentation that its lines share (`inspect.cleandoc`, less the trimming of blank lines).
pub(super) fn clean_doc(doc: &Wtf8Buf) -> Wtf8Buf {
    let bytes = expand_tabs(doc.as_bytes());
    let indent = |line: &[u8]| line.iter().take_while(|&&byte| byte == b' ').count();
    let mut lines = bytes.split_inclusive(|&byte| byte == b'\n');
    let first = lines.next().unwrap_or(&[]);
    let margin = lines
        .clone()
        .filter(|line| line.get(indent(line)).is_some_and(|&byte| byte != b'\n'))
        .map(indent)
        .min()
        .unwrap_or(0);
    let mut clean = first[indent(first)..].to_vec();
    lines.for_each(|line| clean.extend_from_slice(&line[indent(line).min(margin)..]));
    Wtf8Buf::from_bytes(clean).unwrap_or_else(|_| doc.clone())
}

/// Replaces tabs by spaces up to the next multiple of eight columns.
fn expand_tabs(text: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    const TAB: usize = 8;
    if !text.contains(&b'\t') {
        return text.into();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut column = 0;
    for &byte in text {
        match byte {
            b'\t' => {
                let spaces = TAB - column % TAB;
                out.resize(out.len() + spaces, b' ');
                column += spaces;
                continue;
            }
            b'\n' | b'\r' => column = 0,
            // Bytes that continue a character take no column.
            0x80..=0xbf => {}
            _ => column += 1,
        }
        out.push(byte);
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docstrings_lose_their_indentation() {
        let clean = |text: &str| clean_doc(&text.into()).to_string_lossy().into_owned();
        assert_eq!(clean("  one\n    two\n      three\n\n    "), "one\ntwo\n  three\n\n");
        assert_eq!(clean("plain"), "plain");
        assert_eq!(clean("a\n\tb"), "a\nb");
    }
}
