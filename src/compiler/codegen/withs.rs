//! `with` statements.

use taipan_bytecode::Op;
use taipan_bytecode::oparg::{SpecialMethod, awaitable};
use taipan_syntax::ast::{Stmt, WithItem};

use super::{Compiler, Result, loc};
use crate::instr::{Label, Loc};
use crate::unit::{BlockData, BlockKind};

impl<'a> Compiler<'a> {
    /// The first of `items` around the others and the body.
    pub(super) fn with(&mut self, items: &'a [WithItem], body: &'a [Stmt], is_async: bool) -> Result {
        let Some((item, rest)) = items.split_first() else { return self.stmts(body) };
        self.check_depth()?;
        let (block, last, exit, cleanup) = (self.label(), self.label(), self.label(), self.label());
        self.expr(&item.context_expr)?;
        let at = loc(item.context_expr.span);
        let (enter_method, exit_method, kind) = if is_async {
            (SpecialMethod::Aenter, SpecialMethod::Aexit, BlockKind::AsyncWith)
        } else {
            (SpecialMethod::Enter, SpecialMethod::Exit, BlockKind::With)
        };
        self.emit(Op::COPY, 1, at);
        self.emit(Op::LOAD_SPECIAL, exit_method.number(), at);
        self.emit(Op::SWAP, 2, at);
        self.emit(Op::SWAP, 3, at);
        self.emit(Op::LOAD_SPECIAL, enter_method.number(), at);
        self.emit(Op::CALL, 0, at);
        if is_async {
            self.await_value(awaitable::AFTER_AENTER, at);
        }
        self.jump(Op::SETUP_WITH, last, at);
        self.place(block);
        self.push_block(kind, block, last, at, BlockData::Nothing)?;
        match &item.optional_vars {
            Some(target) => self.expr(target)?,
            None => self.op(Op::POP_TOP, at),
        }
        if rest.is_empty() {
            self.stmts(body)?;
        } else {
            self.with(rest, body, is_async)?;
        }
        self.op(Op::POP_BLOCK, if is_async { at } else { Loc::NONE });
        self.pop_block();
        self.call_exit_with_nones(at);
        if is_async {
            self.await_value(awaitable::AFTER_AEXIT, at);
        }
        self.op(Op::POP_TOP, at);
        self.jump(Op::JUMP, exit, at);
        self.place(last);
        self.jump(Op::SETUP_CLEANUP, cleanup, at);
        self.op(Op::PUSH_EXC_INFO, at);
        self.op(Op::WITH_EXCEPT_START, at);
        if is_async {
            self.await_value(awaitable::AFTER_AEXIT, at);
        }
        self.with_except_finish(cleanup);
        self.place(exit);
        Ok(())
    }

    /// Swallows the exception if the exit function said so, else raises it again.
    fn with_except_finish(&mut self, cleanup: Label) {
        let (suppress, exit) = (self.label(), self.label());
        self.op(Op::TO_BOOL, Loc::NONE);
        self.jump(Op::POP_JUMP_IF_TRUE, suppress, Loc::NONE);
        self.emit(Op::RERAISE, 2, Loc::NONE);
        self.place(suppress);
        self.op(Op::POP_TOP, Loc::NONE);
        self.op(Op::POP_BLOCK, Loc::NONE);
        self.op(Op::POP_EXCEPT, Loc::NONE);
        (0..3).for_each(|_| self.op(Op::POP_TOP, Loc::NONE));
        self.jump(Op::JUMP_NO_INTERRUPT, exit, Loc::NONE);
        self.place(cleanup);
        self.pop_except_and_reraise();
        self.place(exit);
    }
}
