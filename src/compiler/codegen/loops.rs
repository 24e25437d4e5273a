//! Loops.

use taipan_bytecode::{Const, Op};
use taipan_syntax::ast::{Expr, Stmt};

use super::{Compiler, Result, loc};
use crate::instr::Loc;
use crate::unit::{BlockData, BlockKind};

impl<'a> Compiler<'a> {
    pub(super) fn for_loop(
        &mut self,
        target: &'a Expr,
        iter: &'a Expr,
        body: &'a [Stmt],
        orelse: &'a [Stmt],
        at: Loc,
    ) -> Result {
        let (start, cleanup, end) = (self.label(), self.label(), self.label());
        self.push_block(BlockKind::ForLoop, start, end, at, BlockData::Nothing)?;
        self.expr(iter)?;
        let at = loc(iter.span);
        self.op(Op::GET_ITER, at);
        self.place(start);
        self.jump(Op::FOR_ITER, cleanup, at);
        // So that each round of a loop over several lines starts on the line of its target.
        self.op(Op::NOP, loc(target.span));
        self.expr(target)?;
        self.stmts(body)?;
        self.jump(Op::JUMP, start, Loc::NONE);
        self.place(cleanup);
        self.op(Op::END_FOR, Loc::NONE);
        self.op(Op::POP_ITER, Loc::NONE);
        self.pop_block();
        self.stmts(orelse)?;
        self.place(end);
        Ok(())
    }

    pub(super) fn async_for(
        &mut self,
        target: &'a Expr,
        iter: &'a Expr,
        body: &'a [Stmt],
        orelse: &'a [Stmt],
        at: Loc,
    ) -> Result {
        let (start, send, except, end) = (self.label(), self.label(), self.label(), self.label());
        self.expr(iter)?;
        self.op(Op::GET_AITER, loc(iter.span));
        self.place(start);
        self.push_block(BlockKind::AsyncForLoop, start, end, at, BlockData::Nothing)?;
        self.jump(Op::SETUP_FINALLY, except, at);
        self.op(Op::GET_ANEXT, at);
        self.load_const(Const::None, at);
        self.place(send);
        self.yield_from(true, at);
        self.op(Op::POP_BLOCK, at);
        self.op(Op::NOT_TAKEN, at);
        self.expr(target)?;
        self.stmts(body)?;
        self.jump(Op::JUMP, start, Loc::NONE);
        self.pop_block();
        self.place(except);
        self.jump(Op::END_ASYNC_FOR, send, loc(iter.span));
        self.stmts(orelse)?;
        self.place(end);
        Ok(())
    }

    pub(super) fn while_loop(&mut self, test: &'a Expr, body: &'a [Stmt], orelse: &'a [Stmt], at: Loc) -> Result {
        let (start, end, anchor) = (self.label(), self.label(), self.label());
        self.place(start);
        self.push_block(BlockKind::WhileLoop, start, end, at, BlockData::Nothing)?;
        self.jump_if(test, anchor, false)?;
        self.stmts(body)?;
        self.jump(Op::JUMP, start, Loc::NONE);
        self.pop_block();
        self.place(anchor);
        self.stmts(orelse)?;
        self.place(end);
        Ok(())
    }
}
