//! `try` statements.

use taipan_bytecode::oparg::Intrinsic2;
use taipan_bytecode::{Const, Op};
use taipan_syntax::ast::{ExceptHandler, ExprContext, Name, Stmt};

use super::{Compiler, Result, loc};
use crate::instr::{Label, Loc};
use crate::unit::{BlockData, BlockKind};

/// The parts of a `try`.
#[derive(Clone, Copy)]
pub(super) struct Try<'a> {
    pub body: &'a [Stmt],
    pub handlers: &'a [ExceptHandler],
    pub orelse: &'a [Stmt],
    pub finalbody: &'a [Stmt],
    /// `except*`
    pub star: bool,
}

impl<'a> Compiler<'a> {
    pub(super) fn try_stmt(&mut self, parts: &Try<'a>, at: Loc) -> Result {
        if parts.finalbody.is_empty() { self.try_handlers(parts, at) } else { self.try_finally(parts, at) }
    }

    fn try_handlers(&mut self, parts: &Try<'a>, at: Loc) -> Result {
        if parts.star { self.try_except_star(parts, at) } else { self.try_except(parts, at) }
    }

    fn try_finally(&mut self, parts: &Try<'a>, at: Loc) -> Result {
        let (body, end, exit, cleanup) = (self.label(), self.label(), self.label(), self.label());
        self.jump(Op::SETUP_FINALLY, end, at);
        self.place(body);
        self.push_block(BlockKind::FinallyTry, body, end, at, BlockData::Finally(parts.finalbody))?;
        if parts.handlers.is_empty() {
            self.stmts(parts.body)?;
        } else {
            self.try_handlers(parts, at)?;
        }
        self.op(Op::POP_BLOCK, Loc::NONE);
        self.pop_block();
        self.stmts(parts.finalbody)?;
        self.jump(Op::JUMP_NO_INTERRUPT, exit, Loc::NONE);
        self.place(end);
        self.jump(Op::SETUP_CLEANUP, cleanup, Loc::NONE);
        self.op(Op::PUSH_EXC_INFO, Loc::NONE);
        self.push_block(BlockKind::FinallyEnd, end, Label::NONE, Loc::NONE, BlockData::Nothing)?;
        self.stmts(parts.finalbody)?;
        self.pop_block();
        self.emit(Op::RERAISE, 0, Loc::NONE);
        self.place(cleanup);
        self.pop_except_and_reraise();
        self.place(exit);
        Ok(())
    }

    /// Restores the exception that was being handled and raises the one on the stack again.
    pub(super) fn pop_except_and_reraise(&mut self) {
        self.emit(Op::COPY, 3, Loc::NONE);
        self.op(Op::POP_EXCEPT, Loc::NONE);
        self.emit(Op::RERAISE, 1, Loc::NONE);
    }

    /// The body of a `try`, up to where its handlers begin.
    fn guarded(&mut self, body: &'a [Stmt], except: Label, at: Loc) -> Result {
        let start = self.label();
        self.jump(Op::SETUP_FINALLY, except, at);
        self.place(start);
        self.push_block(BlockKind::TryExcept, start, Label::NONE, at, BlockData::Nothing)?;
        self.stmts(body)?;
        self.pop_block();
        self.op(Op::POP_BLOCK, Loc::NONE);
        Ok(())
    }

    /// `name = None; del name`, at the end of a handler.
    fn unbind(&mut self, name: &Name) -> Result {
        self.load_const(Const::None, Loc::NONE);
        self.name(name, ExprContext::Store, Loc::NONE)?;
        self.name(name, ExprContext::Del, Loc::NONE)
    }

    fn try_except(&mut self, parts: &Try<'a>, at: Loc) -> Result {
        let (except, end, cleanup) = (self.label(), self.label(), self.label());
        self.guarded(parts.body, except, at)?;
        self.stmts(parts.orelse)?;
        self.jump(Op::JUMP_NO_INTERRUPT, end, Loc::NONE);
        self.place(except);
        self.jump(Op::SETUP_CLEANUP, cleanup, Loc::NONE);
        self.op(Op::PUSH_EXC_INFO, Loc::NONE);
        self.push_block(BlockKind::ExceptionHandler, Label::NONE, Label::NONE, at, BlockData::Nothing)?;
        for (index, handler) in parts.handlers.iter().enumerate() {
            if handler.r#type.is_none() && index + 1 < parts.handlers.len() {
                return self.error(loc(handler.span), "default 'except:' must be last");
            }
            let next = self.label();
            self.handler(handler, next, end)?;
            self.place(next);
        }
        self.pop_block();
        self.emit(Op::RERAISE, 0, Loc::NONE);
        self.place(cleanup);
        self.pop_except_and_reraise();
        self.place(end);
        Ok(())
    }

    /// One `except` clause: goes on to `next` if it does not match, to `end` when it is done.
    fn handler(&mut self, handler: &'a ExceptHandler, next: Label, end: Label) -> Result {
        let at = loc(handler.span);
        if let Some(class) = &handler.r#type {
            self.expr(class)?;
            self.op(Op::CHECK_EXC_MATCH, at);
            self.jump(Op::POP_JUMP_IF_FALSE, next, at);
        }
        let body = self.label();
        let Some(name) = &handler.name else {
            self.op(Op::POP_TOP, at);
            self.place(body);
            self.push_block(BlockKind::HandlerCleanup, body, Label::NONE, at, BlockData::Nothing)?;
            self.stmts(&handler.body)?;
            self.pop_block();
            self.op(Op::POP_BLOCK, Loc::NONE);
            self.op(Op::POP_EXCEPT, Loc::NONE);
            self.jump(Op::JUMP_NO_INTERRUPT, end, Loc::NONE);
            return Ok(());
        };
        let cleanup = self.label();
        self.name(name, ExprContext::Store, at)?;
        self.jump(Op::SETUP_CLEANUP, cleanup, at);
        self.place(body);
        self.push_block(BlockKind::HandlerCleanup, body, Label::NONE, at, BlockData::Name(name))?;
        self.stmts(&handler.body)?;
        self.pop_block();
        self.op(Op::POP_BLOCK, Loc::NONE);
        self.op(Op::POP_BLOCK, Loc::NONE);
        self.op(Op::POP_EXCEPT, Loc::NONE);
        self.unbind(name)?;
        self.jump(Op::JUMP_NO_INTERRUPT, end, Loc::NONE);
        self.place(cleanup);
        self.unbind(name)?;
        self.emit(Op::RERAISE, 1, Loc::NONE);
        Ok(())
    }

    fn try_except_star(&mut self, parts: &Try<'a>, at: Loc) -> Result {
        let (except, orelse, end) = (self.label(), self.label(), self.label());
        let (cleanup, reraise_star) = (self.label(), self.label());
        self.guarded(parts.body, except, at)?;
        self.jump(Op::JUMP_NO_INTERRUPT, orelse, Loc::NONE);
        self.place(except);
        self.jump(Op::SETUP_CLEANUP, cleanup, Loc::NONE);
        self.op(Op::PUSH_EXC_INFO, Loc::NONE);
        self.push_block(BlockKind::ExceptionGroupHandler, Label::NONE, Label::NONE, at, BlockData::Nothing)?;
        for (index, handler) in parts.handlers.iter().enumerate() {
            if index == 0 {
                // The list of what is raised in the handlers, and the group that they take from.
                let at = loc(handler.span);
                self.emit(Op::BUILD_LIST, 0, at);
                self.emit(Op::COPY, 2, at);
            }
            self.star_handler(handler)?;
            if index + 1 == parts.handlers.len() {
                self.emit(Op::LIST_APPEND, 1, Loc::NONE);
                self.jump(Op::JUMP_NO_INTERRUPT, reraise_star, Loc::NONE);
            }
        }
        self.pop_block();
        let reraise = self.label();
        self.place(reraise_star);
        self.emit(Op::CALL_INTRINSIC_2, Intrinsic2::PrepReraiseStar.number(), Loc::NONE);
        self.emit(Op::COPY, 1, Loc::NONE);
        self.jump(Op::POP_JUMP_IF_NOT_NONE, reraise, Loc::NONE);
        self.op(Op::POP_TOP, Loc::NONE);
        self.op(Op::POP_BLOCK, Loc::NONE);
        self.op(Op::POP_EXCEPT, Loc::NONE);
        self.jump(Op::JUMP_NO_INTERRUPT, end, Loc::NONE);
        self.place(reraise);
        self.op(Op::POP_BLOCK, Loc::NONE);
        self.emit(Op::SWAP, 2, Loc::NONE);
        self.op(Op::POP_EXCEPT, Loc::NONE);
        self.emit(Op::RERAISE, 0, Loc::NONE);
        self.place(cleanup);
        self.pop_except_and_reraise();
        self.place(orelse);
        self.stmts(parts.orelse)?;
        self.place(end);
        Ok(())
    }

    /// One `except*` clause; what it raises is added to the list.
    fn star_handler(&mut self, handler: &'a ExceptHandler) -> Result {
        let at = loc(handler.span);
        let (next, done, no_match) = (self.label(), self.label(), self.label());
        if let Some(class) = &handler.r#type {
            self.expr(class)?;
            self.op(Op::CHECK_EG_MATCH, at);
            self.emit(Op::COPY, 1, at);
            self.jump(Op::POP_JUMP_IF_NONE, no_match, at);
        }
        let (cleanup, body) = (self.label(), self.label());
        match &handler.name {
            Some(name) => self.name(name, ExprContext::Store, at)?,
            None => self.op(Op::POP_TOP, at),
        }
        self.jump(Op::SETUP_CLEANUP, cleanup, at);
        self.place(body);
        let data = handler.name.as_ref().map_or(BlockData::Nothing, BlockData::Name);
        self.push_block(BlockKind::HandlerCleanup, body, Label::NONE, at, data)?;
        self.stmts(&handler.body)?;
        self.pop_block();
        self.op(Op::POP_BLOCK, Loc::NONE);
        if let Some(name) = &handler.name {
            self.unbind(name)?;
        }
        self.jump(Op::JUMP_NO_INTERRUPT, next, Loc::NONE);
        self.place(cleanup);
        if let Some(name) = &handler.name {
            self.unbind(name)?;
        }
        self.emit(Op::LIST_APPEND, 3, Loc::NONE);
        self.op(Op::POP_TOP, Loc::NONE);
        self.jump(Op::JUMP_NO_INTERRUPT, done, Loc::NONE);
        self.place(next);
        self.op(Op::NOP, Loc::NONE);
        self.jump(Op::JUMP_NO_INTERRUPT, done, Loc::NONE);
        self.place(no_match);
        self.op(Op::POP_TOP, at);
        self.place(done);
        Ok(())
    }
}
