//! Lists, tuples, sets, dictionaries, subscripts and slices.

use taipan_bytecode::oparg::{BinaryOp, Intrinsic1};
use taipan_bytecode::{Const, Op};
use taipan_syntax::ast::{Expr, ExprContext, ExprKind, Name};

use super::statements::is_starred;
use super::{Compiler, Result, constant, loc};
use crate::flow::STACK_USE_GUIDELINE;
use crate::instr::Loc;

/// The instructions that build a sequence.
#[derive(Clone, Copy)]
pub(super) struct Builder {
    build: Op,
    add: Op,
    extend: Op,
    /// The list becomes a tuple at the end.
    tuple: bool,
}

pub(super) const LIST: Builder =
    Builder { build: Op::BUILD_LIST, add: Op::LIST_APPEND, extend: Op::LIST_EXTEND, tuple: false };
pub(super) const TUPLE: Builder = Builder { tuple: true, ..LIST };
const SET: Builder = Builder { build: Op::BUILD_SET, add: Op::SET_ADD, extend: Op::SET_UPDATE, tuple: false };

fn is_constant_or_none(part: &Option<Box<Expr>>) -> bool {
    part.as_ref().is_none_or(|part| matches!(part.kind, ExprKind::Constant { .. }))
}

fn is_constant_slice(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Slice { lower, upper, step } => [lower, upper, step].into_iter().all(is_constant_or_none),
        _ => false,
    }
}

/// True of a slice without a step that has instructions of its own.
pub(super) fn is_plain_slice(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Slice { step: None, .. }) && !is_constant_slice(expr)
}

impl<'a> Compiler<'a> {
    /// Builds a sequence of `elts`, of `pushed` values that are on the stack already, and of the name `injected`.
    pub(super) fn build(
        &mut self,
        builder: Builder,
        elts: &'a [Expr],
        injected: Option<&Name>,
        pushed: u32,
        at: Loc,
    ) -> Result {
        let total = elts.len() + pushed as usize + injected.is_some() as usize;
        let big = total > STACK_USE_GUIDELINE;
        if !big && !elts.iter().any(is_starred) {
            self.exprs(elts)?;
            if let Some(name) = injected {
                self.name(name, ExprContext::Load, at)?;
            }
            self.emit(if builder.tuple { Op::BUILD_TUPLE } else { builder.build }, total as u32, at);
            return Ok(());
        }
        let mut built = big;
        if big {
            self.emit(builder.build, pushed, at);
        }
        for (index, elt) in (0..).zip(elts) {
            if let ExprKind::Starred { value, .. } = &elt.kind {
                if !std::mem::replace(&mut built, true) {
                    self.emit(builder.build, index + pushed, at);
                }
                self.expr(value)?;
                self.emit(builder.extend, 1, at);
            } else {
                self.expr(elt)?;
                if built {
                    self.emit(builder.add, 1, at);
                }
            }
        }
        if let Some(name) = injected {
            self.name(name, ExprContext::Load, at)?;
            self.emit(builder.add, 1, at);
        }
        if builder.tuple {
            self.emit(Op::CALL_INTRINSIC_1, Intrinsic1::ListToTuple.number(), at);
        }
        Ok(())
    }

    /// The instruction that takes a value apart into `count` targets, one of them starred perhaps.
    pub(super) fn unpack(&mut self, starred: impl Iterator<Item = bool>, count: usize, what: &str, at: Loc) -> Result {
        let mut seen = false;
        for (index, _) in starred.enumerate().filter(|(_, starred)| *starred) {
            if seen {
                return self.error(at, format!("multiple starred expressions in {what}"));
            }
            let after = count - index - 1;
            if index >= 1 << 8 || after >= (i32::MAX >> 8) as usize {
                let what = if what == "assignment" { "assignment" } else { what };
                return self.error(at, format!("too many expressions in star-unpacking {what}"));
            }
            self.emit(Op::UNPACK_EX, index as u32 + ((after as u32) << 8), at);
            seen = true;
        }
        if !seen {
            self.emit(Op::UNPACK_SEQUENCE, count as u32, at);
        }
        Ok(())
    }

    fn unpack_to(&mut self, elts: &'a [Expr], at: Loc) -> Result {
        self.unpack(elts.iter().map(is_starred), elts.len(), "assignment", at)?;
        elts.iter().try_for_each(|elt| match &elt.kind {
            ExprKind::Starred { value, .. } => self.expr(value),
            _ => self.expr(elt),
        })
    }

    pub(super) fn list(&mut self, elts: &'a [Expr], ctx: ExprContext, at: Loc) -> Result {
        match ctx {
            ExprContext::Store => self.unpack_to(elts, at),
            ExprContext::Load => self.build(LIST, elts, None, 0, at),
            ExprContext::Del => self.exprs(elts),
        }
    }

    pub(super) fn tuple(&mut self, elts: &'a [Expr], ctx: ExprContext, at: Loc) -> Result {
        match ctx {
            ExprContext::Load => self.build(TUPLE, elts, None, 0, at),
            _ => self.list(elts, ctx, at),
        }
    }

    pub(super) fn set(&mut self, elts: &'a [Expr], at: Loc) -> Result {
        self.build(SET, elts, None, 0, at)
    }

    /// A run of plain items of a dictionary.
    fn sub_dict(&mut self, keys: &'a [Option<Expr>], values: &'a [Expr], at: Loc) -> Result {
        let big = keys.len() * 2 > STACK_USE_GUIDELINE;
        if big {
            self.emit(Op::BUILD_MAP, 0, at);
        }
        for (key, value) in keys.iter().flatten().zip(values) {
            self.expr(key)?;
            self.expr(value)?;
            if big {
                self.emit(Op::MAP_ADD, 1, at);
            }
        }
        if !big {
            self.emit(Op::BUILD_MAP, keys.len() as u32, at);
        }
        Ok(())
    }

    pub(super) fn dict(&mut self, keys: &'a [Option<Expr>], values: &'a [Expr], at: Loc) -> Result {
        let mut have_dict = false;
        let mut start = 0;
        let flush = |this: &mut Self, have_dict: &mut bool, from: usize, to: usize| -> Result {
            this.sub_dict(&keys[from..to], &values[from..to], at)?;
            if std::mem::replace(have_dict, true) {
                this.emit(Op::DICT_UPDATE, 1, at);
            }
            Ok(())
        };
        for (index, key) in keys.iter().enumerate() {
            if key.is_none() {
                if index > start {
                    flush(self, &mut have_dict, start, index)?;
                }
                if !std::mem::replace(&mut have_dict, true) {
                    self.emit(Op::BUILD_MAP, 0, at);
                }
                self.expr(&values[index])?;
                self.emit(Op::DICT_UPDATE, 1, at);
                start = index + 1;
            } else if (index - start) * 2 > STACK_USE_GUIDELINE {
                flush(self, &mut have_dict, start, index + 1)?;
                start = index + 1;
            }
        }
        if start < keys.len() {
            flush(self, &mut have_dict, start, keys.len())?;
        }
        if !have_dict {
            self.emit(Op::BUILD_MAP, 0, at);
        }
        Ok(())
    }

    pub(super) fn subscript(&mut self, value: &'a Expr, slice: &'a Expr, ctx: ExprContext, at: Loc) -> Result {
        if ctx == ExprContext::Load {
            self.check_subscripted(value);
            self.check_index(value, slice);
        }
        self.expr(value)?;
        if is_plain_slice(slice) && ctx != ExprContext::Del {
            self.slice_parts(slice)?;
            self.op(if ctx == ExprContext::Load { Op::BINARY_SLICE } else { Op::STORE_SLICE }, at);
            return Ok(());
        }
        self.expr(slice)?;
        match ctx {
            ExprContext::Load => self.emit(Op::BINARY_OP, BinaryOp::Subscript.number(), at),
            ExprContext::Store => self.op(Op::STORE_SUBSCR, at),
            ExprContext::Del => self.op(Op::DELETE_SUBSCR, at),
        }
        Ok(())
    }

    /// Start and stop of a slice.
    pub(super) fn slice_parts(&mut self, slice: &'a Expr) -> Result {
        let ExprKind::Slice { lower, upper, .. } = &slice.kind else { return Ok(()) };
        for part in [lower, upper] {
            match part {
                Some(part) => self.expr(part)?,
                None => self.load_const(Const::None, loc(slice.span)),
            }
        }
        Ok(())
    }

    pub(super) fn slice(&mut self, slice: &'a Expr) -> Result {
        let ExprKind::Slice { lower, upper, step } = &slice.kind else { return Ok(()) };
        let at = loc(slice.span);
        if is_constant_slice(slice) {
            let value = |part: &Option<Box<Expr>>| match part.as_ref().map(|part| &part.kind) {
                Some(ExprKind::Constant { value, .. }) => constant(value),
                _ => Const::None,
            };
            self.load_const(Const::Slice(Box::new([value(lower), value(upper), value(step)])), at);
            return Ok(());
        }
        self.slice_parts(slice)?;
        if let Some(step) = step {
            self.expr(step)?;
        }
        self.emit(Op::BUILD_SLICE, 2 + step.is_some() as u32, at);
        Ok(())
    }
}
