//! The way out of blocks for `return`, `break` and `continue`.

use taipan_bytecode::oparg::awaitable;
use taipan_bytecode::{Const, Op};
use taipan_syntax::ast::ExprContext;

use super::{Compiler, Result};
use crate::instr::{Label, Loc};
use crate::unit::{BlockData, BlockKind, FrameBlock};

impl<'a> Compiler<'a> {
    /// Calls the exit function on top of the stack as after a body without an exception.
    pub(super) fn call_exit_with_nones(&mut self, at: Loc) {
        (0..3).for_each(|_| self.load_const(Const::None, at));
        self.emit(Op::CALL, 3, at);
    }

    /// Undoes one block. With `preserve` the value on top of the stack is kept. `at` becomes artificial where the way
    /// out runs code of its own.
    pub(super) fn unwind_block(&mut self, block: &FrameBlock<'a>, at: &mut Loc, preserve: bool) -> Result {
        let swap = |this: &mut Self, at: Loc| {
            if preserve {
                this.emit(Op::SWAP, 2, at);
            }
        };
        match block.kind {
            BlockKind::WhileLoop
            | BlockKind::ExceptionHandler
            | BlockKind::ExceptionGroupHandler
            | BlockKind::AsyncComprehension
            | BlockKind::StopIteration => {}
            BlockKind::ForLoop | BlockKind::AsyncForLoop | BlockKind::PopValue => {
                swap(self, *at);
                self.op(Op::POP_TOP, *at);
            }
            BlockKind::TryExcept => self.op(Op::POP_BLOCK, *at),
            BlockKind::FinallyTry => {
                self.op(Op::POP_BLOCK, *at);
                if preserve {
                    self.push_block(BlockKind::PopValue, Label::NONE, Label::NONE, *at, BlockData::Nothing)?;
                }
                if let BlockData::Finally(body) = block.data {
                    self.stmts(body)?;
                }
                if preserve {
                    self.pop_block();
                }
                *at = Loc::NONE;
            }
            BlockKind::FinallyEnd => {
                swap(self, *at);
                self.op(Op::POP_TOP, *at);
                swap(self, *at);
                self.op(Op::POP_BLOCK, *at);
                self.op(Op::POP_EXCEPT, *at);
            }
            BlockKind::With | BlockKind::AsyncWith => {
                *at = block.loc;
                self.op(Op::POP_BLOCK, *at);
                if preserve {
                    self.emit(Op::SWAP, 3, *at);
                    self.emit(Op::SWAP, 2, *at);
                }
                self.call_exit_with_nones(*at);
                if block.kind == BlockKind::AsyncWith {
                    self.await_value(awaitable::AFTER_AEXIT, *at);
                }
                self.op(Op::POP_TOP, *at);
                *at = Loc::NONE;
            }
            BlockKind::HandlerCleanup => {
                let name = match block.data {
                    BlockData::Name(name) => Some(name),
                    _ => None,
                };
                if name.is_some() {
                    self.op(Op::POP_BLOCK, *at);
                }
                swap(self, *at);
                self.op(Op::POP_BLOCK, *at);
                self.op(Op::POP_EXCEPT, *at);
                if let Some(name) = name {
                    self.load_const(Const::None, *at);
                    self.name(name, ExprContext::Store, *at)?;
                    self.name(name, ExprContext::Del, *at)?;
                }
            }
        }
        Ok(())
    }

    /// Undoes all blocks, for a `return`.
    pub(super) fn unwind_all(&mut self, at: &mut Loc, preserve: bool) -> Result {
        self.unwind(at, preserve, false).map(drop)
    }

    /// Undoes the blocks within the innermost loop, which is returned.
    pub(super) fn unwind_to_loop(&mut self, at: &mut Loc) -> Result<Option<FrameBlock<'a>>> {
        self.unwind(at, false, true)
    }

    fn unwind(&mut self, at: &mut Loc, preserve: bool, to_loop: bool) -> Result<Option<FrameBlock<'a>>> {
        let Some(&top) = self.unit().blocks.last() else { return Ok(None) };
        if top.kind == BlockKind::ExceptionGroupHandler {
            return self.error(*at, "'break', 'continue' and 'return' cannot appear in an except* block");
        }
        if to_loop && matches!(top.kind, BlockKind::WhileLoop | BlockKind::ForLoop | BlockKind::AsyncForLoop) {
            return Ok(Some(top));
        }
        // The block is out of sight while its own way out is compiled.
        self.pop_block();
        self.unwind_block(&top, at, preserve)?;
        let found = self.unwind(at, preserve, to_loop)?;
        self.push_block(top.kind, top.start, top.exit, top.loc, top.data)?;
        Ok(found)
    }
}
