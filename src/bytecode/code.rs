//! Code objects as plain owned data, with the attributes that CPython's have.

use std::sync::Arc;

use crate::{Const, ExceptionEntries, Instructions, Lines, Positions};

bitflags::bitflags! {
    /// `co_flags` (`Include/cpython/code.h`; documented in `inspect`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
    pub struct CodeFlags: u32 {
        /// Locals live in fast slots.
        const OPTIMIZED = 0x1;
        /// A call makes a new local namespace.
        const NEWLOCALS = 0x2;
        /// Has `*args`.
        const VARARGS = 0x4;
        /// Has `**kwargs`.
        const VARKEYWORDS = 0x8;
        /// Defined inside a function.
        const NESTED = 0x10;
        /// Generator function.
        const GENERATOR = 0x20;
        /// `async def` without `yield`.
        const COROUTINE = 0x80;
        /// Made awaitable by `types.coroutine`.
        const ITERABLE_COROUTINE = 0x100;
        /// `async def` with `yield`.
        const ASYNC_GENERATOR = 0x200;
        /// `from __future__ import division`
        const FUTURE_DIVISION = 0x20000;
        /// `from __future__ import absolute_import`
        const FUTURE_ABSOLUTE_IMPORT = 0x40000;
        /// `from __future__ import with_statement`
        const FUTURE_WITH_STATEMENT = 0x80000;
        /// `from __future__ import print_function`
        const FUTURE_PRINT_FUNCTION = 0x100000;
        /// `from __future__ import unicode_literals`
        const FUTURE_UNICODE_LITERALS = 0x200000;
        /// `from __future__ import barry_as_FLUFL`
        const FUTURE_BARRY_AS_BDFL = 0x400000;
        /// `from __future__ import generator_stop`
        const FUTURE_GENERATOR_STOP = 0x800000;
        /// `from __future__ import annotations`
        const FUTURE_ANNOTATIONS = 0x1000000;
        /// Code that `sys.monitoring` does not report.
        const NO_MONITORING_EVENTS = 0x2000000;
        /// The first constant is the docstring.
        const HAS_DOCSTRING = 0x4000000;
        /// Defined in a class body.
        const METHOD = 0x8000000;
    }
}

impl CodeFlags {
    /// Generators, coroutines and asynchronous generators: a call makes an object instead of running the body.
    pub const ANY_GENERATOR: CodeFlags =
        CodeFlags::GENERATOR.union(CodeFlags::COROUTINE).union(CodeFlags::ASYNC_GENERATOR);
    /// The flags of future features, which a code object hands on to what it compiles.
    pub const FUTURES: CodeFlags = CodeFlags::FUTURE_DIVISION
        .union(CodeFlags::FUTURE_ABSOLUTE_IMPORT)
        .union(CodeFlags::FUTURE_WITH_STATEMENT)
        .union(CodeFlags::FUTURE_PRINT_FUNCTION)
        .union(CodeFlags::FUTURE_UNICODE_LITERALS)
        .union(CodeFlags::FUTURE_BARRY_AS_BDFL)
        .union(CodeFlags::FUTURE_GENERATOR_STOP)
        .union(CodeFlags::FUTURE_ANNOTATIONS);
}

bitflags::bitflags! {
    /// What a name of `co_localsplusnames` is (`co_localspluskinds`, `Include/internal/pycore_code.h`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
    pub struct LocalKind: u8 {
        /// Parameter that may be given by position.
        const ARG_POS = 0x02;
        /// Parameter that may be given by name.
        const ARG_KW = 0x04;
        /// Parameter that takes the remaining arguments (with `ARG_POS`: `*args`, with `ARG_KW`: `**kwargs`).
        const ARG_VAR = 0x08;
        /// Local of an inlined comprehension, which `locals()` does not show.
        const HIDDEN = 0x10;
        /// Local variable.
        const LOCAL = 0x20;
        /// Variable that inner functions use; a cell holds it.
        const CELL = 0x40;
        /// Variable of an enclosing function.
        const FREE = 0x80;
    }
}

/// A code object: what a module, class body or function was compiled to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CodeObject {
    /// Number of positional parameters, positional-only ones and those with defaults included (`co_argcount`).
    pub argcount: u32,
    /// Number of positional-only parameters.
    pub posonlyargcount: u32,
    /// Number of keyword-only parameters.
    pub kwonlyargcount: u32,
    /// Stack space that the instructions need, in values.
    pub stacksize: u32,
    /// `co_flags`.
    pub flags: CodeFlags,
    /// Code units of two bytes (opcode, argument), inline caches zeroed (`co_code`).
    pub code: Vec<u8>,
    /// `co_consts`.
    pub consts: Vec<Const>,
    /// `co_names`: names of globals, attributes and imports.
    pub names: Vec<Arc<str>>,
    /// Locals (parameters first), then cells that are not parameters, then free variables.
    pub localsplusnames: Vec<Arc<str>>,
    /// What each name of `localsplusnames` is.
    pub localspluskinds: Vec<LocalKind>,
    /// `co_filename`.
    pub filename: Arc<str>,
    /// `co_name`.
    pub name: Arc<str>,
    /// `co_qualname`.
    pub qualname: Arc<str>,
    /// Line of the definition (of its first decorator), counted from 1.
    pub firstlineno: i32,
    /// Positions of the instructions (see [`Positions`]).
    pub linetable: Vec<u8>,
    /// Handlers by ranges of instructions (see [`ExceptionEntries`]).
    pub exceptiontable: Vec<u8>,
}

impl CodeObject {
    fn names_of(&self, kind: LocalKind) -> impl Iterator<Item = &Arc<str>> {
        self.localsplusnames.iter().zip(&self.localspluskinds).filter(move |(_, k)| k.intersects(kind)).map(|(n, _)| n)
    }

    /// `co_varnames`: parameters and locals.
    pub fn varnames(&self) -> impl Iterator<Item = &Arc<str>> {
        self.names_of(LocalKind::LOCAL)
    }

    /// `co_cellvars`: variables that inner functions use, parameters among them.
    pub fn cellvars(&self) -> impl Iterator<Item = &Arc<str>> {
        self.names_of(LocalKind::CELL)
    }

    /// `co_freevars`: variables of enclosing functions.
    pub fn freevars(&self) -> impl Iterator<Item = &Arc<str>> {
        self.names_of(LocalKind::FREE)
    }

    /// Number of parameters and locals (`co_nlocals`).
    pub fn nlocals(&self) -> usize {
        self.varnames().count()
    }

    /// Number of free variables.
    pub fn nfreevars(&self) -> usize {
        self.freevars().count()
    }

    /// Number of parameters, `*args` and `**kwargs` included.
    pub fn total_args(&self) -> usize {
        let extra = self.flags.contains(CodeFlags::VARARGS) as u32 + self.flags.contains(CodeFlags::VARKEYWORDS) as u32;
        (self.argcount + self.kwonlyargcount + extra) as usize
    }

    /// The docstring, if the code is a function's and has one.
    pub fn docstring(&self) -> Option<&Const> {
        if self.flags.contains(CodeFlags::HAS_DOCSTRING) { self.consts.first() } else { None }
    }

    /// The instructions, with `EXTENDED_ARG` folded in.
    pub fn instructions(&self) -> Instructions<'_> {
        Instructions::new(&self.code)
    }

    /// `co_positions()`: one position for each code unit.
    pub fn positions(&self) -> Positions<'_> {
        Positions::new(&self.linetable, self.firstlineno)
    }

    /// `co_lines()`: ranges of bytes with their lines.
    pub fn lines(&self) -> Lines<'_> {
        Lines::new(&self.linetable, self.firstlineno)
    }

    /// The entries of the exception table, by growing start.
    pub fn exception_entries(&self) -> ExceptionEntries<'_> {
        ExceptionEntries::new(&self.exceptiontable)
    }

    /// The line of the instruction at a byte offset (`PyCode_Addr2Line`).
    pub fn line_at(&self, offset: usize) -> Option<i32> {
        self.lines().find(|range| range.start <= offset && offset < range.end).and_then(|range| range.line)
    }
}
