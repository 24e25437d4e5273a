//! `match` statements (PEP 634).
//!
//! Each pattern takes its subject from the top of the stack. If it does not match, it jumps to one of the `fail_pop`
//! labels: the one behind which as many values are popped as are in the way. Captured values stay on the stack, below
//! what is being matched, until the whole pattern has matched.

use taipan_bytecode::oparg::BinaryOp;
use taipan_bytecode::{Const, Op};
use taipan_syntax::ast::{CmpOp, Expr, ExprContext, ExprKind, MatchCase, Name, Pattern, PatternKind};

use super::{Compiler, Result, constant, loc};
use crate::arithmetic;
use crate::instr::{Label, Loc};

/// What is known while a pattern is compiled.
#[derive(Clone, Default)]
struct Context {
    /// Captured names; their values lie on the stack in this order.
    stores: Vec<Name>,
    /// A pattern that always matches may stand here.
    allow_irrefutable: bool,
    /// Label by the number of values to pop.
    fail_pop: Vec<Label>,
    /// Values on top of the captured ones.
    on_top: usize,
}

fn is_wildcard(pattern: &Pattern) -> bool {
    matches!(pattern.kind, PatternKind::MatchAs { name: None, .. })
}

fn is_star_wildcard(pattern: &Pattern) -> bool {
    matches!(pattern.kind, PatternKind::MatchStar { name: None })
}

fn is_star(pattern: &Pattern) -> bool {
    matches!(pattern.kind, PatternKind::MatchStar { .. })
}

impl<'a> Compiler<'a> {
    pub(super) fn match_stmt(&mut self, subject: &'a Expr, cases: &'a [MatchCase]) -> Result {
        self.expr(subject)?;
        let end = self.label();
        let has_default = cases.len() > 1 && cases.last().is_some_and(|case| is_wildcard(&case.pattern));
        let tested = cases.len() - has_default as usize;
        for (index, case) in cases[..tested].iter().enumerate() {
            let at = loc(case.pattern.span);
            let last = index + 1 == tested;
            if !last {
                self.emit(Op::COPY, 1, at);
            }
            let mut pc =
                Context { allow_irrefutable: case.guard.is_some() || index + 1 == cases.len(), ..Context::default() };
            self.pattern(&case.pattern, &mut pc)?;
            for name in &pc.stores {
                self.name(name, ExprContext::Store, at)?;
            }
            if let Some(guard) = &case.guard {
                let fail = self.fail_label(&mut pc, 0);
                self.jump_if(guard, fail, false)?;
            }
            if !last {
                self.op(Op::POP_TOP, Loc::NEXT);
            }
            self.stmts(&case.body)?;
            self.jump(Op::JUMP, end, Loc::NONE);
            self.emit_fail_pop(&mut pc, at);
        }
        if has_default {
            let case = &cases[tested];
            let at = loc(case.pattern.span);
            // So that the line of `case _` is seen by traces.
            self.op(Op::NOP, at);
            if let Some(guard) = &case.guard {
                self.jump_if(guard, end, false)?;
            }
            self.stmts(&case.body)?;
        }
        self.place(end);
        Ok(())
    }

    fn fail_label(&mut self, pc: &mut Context, pops: usize) -> Label {
        while pc.fail_pop.len() <= pops {
            let label = self.label();
            pc.fail_pop.push(label);
        }
        pc.fail_pop[pops]
    }

    fn jump_to_fail(&mut self, op: Op, pc: &mut Context, at: Loc) {
        let label = self.fail_label(pc, pc.on_top + pc.stores.len());
        self.jump(op, label, at);
    }

    fn emit_fail_pop(&mut self, pc: &mut Context, at: Loc) {
        let labels = std::mem::take(&mut pc.fail_pop);
        for (pops, label) in labels.into_iter().enumerate().rev() {
            self.place(label);
            if pops > 0 {
                self.op(Op::POP_TOP, at);
            }
        }
    }

    /// Moves the top of the stack below the `count - 1` values under it.
    fn rotate(&mut self, count: usize, at: Loc) {
        (2..=count).rev().for_each(|depth| self.emit(Op::SWAP, depth as u32, at));
    }

    fn duplicate_store<T>(&self, name: &Name, at: Loc) -> Result<T> {
        self.error(at, format!("multiple assignments to name '{name}' in pattern"))
    }

    fn capture(&mut self, name: Option<&Name>, pc: &mut Context, at: Loc) -> Result {
        let Some(name) = name else {
            self.op(Op::POP_TOP, at);
            return Ok(());
        };
        if pc.stores.contains(name) {
            return self.duplicate_store(name, at);
        }
        self.rotate(pc.on_top + pc.stores.len() + 1, at);
        pc.stores.push(name.clone());
        Ok(())
    }

    fn pattern(&mut self, pattern: &'a Pattern, pc: &mut Context) -> Result {
        self.check_depth()?;
        let at = loc(pattern.span);
        match &pattern.kind {
            PatternKind::MatchValue { value } => self.value_pattern(value, pc, at),
            PatternKind::MatchSingleton { value } => {
                self.load_const(constant(value), at);
                self.emit(Op::IS_OP, 0, at);
                self.jump_to_fail(Op::POP_JUMP_IF_FALSE, pc, at);
                Ok(())
            }
            PatternKind::MatchSequence { patterns } => self.sequence_pattern(patterns, pc, at),
            PatternKind::MatchMapping { keys, patterns, rest } => {
                self.mapping_pattern(keys, patterns, rest.as_ref(), pc, at)
            }
            PatternKind::MatchClass { cls, patterns, kwd_attrs, kwd_patterns } => {
                self.class_pattern(cls, patterns, kwd_attrs, kwd_patterns, pc, at)
            }
            PatternKind::MatchStar { name } => self.capture(name.as_ref(), pc, at),
            PatternKind::MatchAs { pattern, name } => self.as_pattern(pattern.as_deref(), name.as_ref(), pc, at),
            PatternKind::MatchOr { patterns } => self.or_pattern(patterns, pc, at),
        }
    }

    /// A part of a pattern, which may be irrefutable.
    fn sub_pattern(&mut self, pattern: &'a Pattern, pc: &mut Context) -> Result {
        let before = std::mem::replace(&mut pc.allow_irrefutable, true);
        self.pattern(pattern, pc)?;
        pc.allow_irrefutable = before;
        Ok(())
    }

    fn value_pattern(&mut self, value: &'a Expr, pc: &mut Context, at: Loc) -> Result {
        if !matches!(value.kind, ExprKind::Constant { .. } | ExprKind::Attribute { .. }) {
            return self.error(at, "patterns may only match literals and attribute lookups");
        }
        self.expr(value)?;
        self.compare_op(CmpOp::Eq, at);
        self.op(Op::TO_BOOL, at);
        self.jump_to_fail(Op::POP_JUMP_IF_FALSE, pc, at);
        Ok(())
    }

    fn as_pattern(
        &mut self,
        pattern: Option<&'a Pattern>,
        name: Option<&'a Name>,
        pc: &mut Context,
        at: Loc,
    ) -> Result {
        let Some(pattern) = pattern else {
            if !pc.allow_irrefutable {
                let what = name.map_or("wildcard".to_owned(), |name| format!("name capture '{name}'"));
                return self.error(at, format!("{what} makes remaining patterns unreachable"));
            }
            return self.capture(name, pc, at);
        };
        pc.on_top += 1;
        self.emit(Op::COPY, 1, at);
        self.pattern(pattern, pc)?;
        pc.on_top -= 1;
        self.capture(name, pc, at)
    }

    /// Compares the length of the subject, which stays on the stack.
    fn check_length(&mut self, op: CmpOp, length: usize, pc: &mut Context, at: Loc) {
        self.op(Op::GET_LEN, at);
        self.load_const(Const::int(length as i64), at);
        self.compare_op(op, at);
        self.jump_to_fail(Op::POP_JUMP_IF_FALSE, pc, at);
    }

    fn sequence_pattern(&mut self, patterns: &'a [Pattern], pc: &mut Context, at: Loc) -> Result {
        let mut stars = patterns.iter().enumerate().filter(|(_, pattern)| is_star(pattern));
        let star = stars.next();
        if stars.next().is_some() {
            return self.error(at, "multiple starred names in sequence pattern");
        }
        let only_wildcards = patterns.iter().all(|pattern| is_wildcard(pattern) || is_star_wildcard(pattern));
        pc.on_top += 1;
        self.op(Op::MATCH_SEQUENCE, at);
        self.jump_to_fail(Op::POP_JUMP_IF_FALSE, pc, at);
        match star {
            None => self.check_length(CmpOp::Eq, patterns.len(), pc, at),
            Some(_) if patterns.len() > 1 => self.check_length(CmpOp::GtE, patterns.len() - 1, pc, at),
            Some(_) => {}
        }
        pc.on_top -= 1;
        match star {
            _ if only_wildcards => self.op(Op::POP_TOP, at),
            Some((star, pattern)) if is_star_wildcard(pattern) => return self.pick_items(patterns, star, pc, at),
            _ => {
                let count = patterns.len();
                self.unpack(patterns.iter().map(is_star), count, "sequence pattern", at)?;
                pc.on_top += count;
                for pattern in patterns {
                    pc.on_top -= 1;
                    self.sub_pattern(pattern, pc)?;
                }
            }
        }
        Ok(())
    }

    /// Takes the items of a sequence one by one, where a `*_` makes the others irrelevant.
    fn pick_items(&mut self, patterns: &'a [Pattern], star: usize, pc: &mut Context, at: Loc) -> Result {
        pc.on_top += 1;
        for (index, pattern) in patterns.iter().enumerate() {
            if is_wildcard(pattern) || index == star {
                continue;
            }
            self.emit(Op::COPY, 1, at);
            if index < star {
                self.load_const(Const::int(index as i64), at);
            } else {
                self.op(Op::GET_LEN, at);
                self.load_const(Const::int((patterns.len() - index) as i64), at);
                self.emit(Op::BINARY_OP, BinaryOp::Subtract.number(), at);
            }
            self.emit(Op::BINARY_OP, BinaryOp::Subscript.number(), at);
            self.sub_pattern(pattern, pc)?;
        }
        pc.on_top -= 1;
        self.op(Op::POP_TOP, at);
        Ok(())
    }

    fn class_pattern(
        &mut self,
        class: &'a Expr,
        patterns: &'a [Pattern],
        attrs: &'a [Name],
        attr_patterns: &'a [Pattern],
        pc: &mut Context,
        at: Loc,
    ) -> Result {
        for (index, attr) in attrs.iter().enumerate() {
            if let Some(same) = attrs[index + 1..].iter().position(|other| other == attr) {
                let place = loc(attr_patterns[index + 1 + same].span);
                return self.error(place, format!("attribute name repeated in class pattern: {attr}"));
            }
        }
        self.expr(class)?;
        self.load_const(Const::Tuple(attrs.iter().map(|attr| Const::str(attr)).collect()), at);
        self.emit(Op::MATCH_CLASS, patterns.len() as u32, at);
        self.emit(Op::COPY, 1, at);
        self.load_const(Const::None, at);
        self.emit(Op::IS_OP, 1, at);
        pc.on_top += 1;
        self.jump_to_fail(Op::POP_JUMP_IF_FALSE, pc, at);
        let count = patterns.len() + attrs.len();
        self.emit(Op::UNPACK_SEQUENCE, count as u32, at);
        pc.on_top += count;
        pc.on_top -= 1;
        for pattern in patterns.iter().chain(attr_patterns) {
            pc.on_top -= 1;
            if is_wildcard(pattern) {
                self.op(Op::POP_TOP, at);
            } else {
                self.sub_pattern(pattern, pc)?;
            }
        }
        Ok(())
    }

    fn mapping_keys(&mut self, keys: &'a [Expr], at: Loc) -> Result {
        let mut seen: Vec<Const> = Vec::new();
        for key in keys {
            match &key.kind {
                ExprKind::Constant { value, .. } => {
                    let value = constant(value);
                    if seen.iter().any(|other| arithmetic::equal(other, &value)) {
                        let text = crate::unparse::unparse(key);
                        return self.error(at, format!("mapping pattern checks duplicate key ({text})"));
                    }
                    seen.push(value);
                }
                ExprKind::Attribute { .. } => {}
                _ => return self.error(at, "mapping pattern keys may only match literals and attribute lookups"),
            }
            self.expr(key)?;
        }
        Ok(())
    }

    fn mapping_pattern(
        &mut self,
        keys: &'a [Expr],
        patterns: &'a [Pattern],
        rest: Option<&'a Name>,
        pc: &mut Context,
        at: Loc,
    ) -> Result {
        let size = keys.len();
        pc.on_top += 1;
        self.op(Op::MATCH_MAPPING, at);
        self.jump_to_fail(Op::POP_JUMP_IF_FALSE, pc, at);
        if size == 0 && rest.is_none() {
            pc.on_top -= 1;
            self.op(Op::POP_TOP, at);
            return Ok(());
        }
        if size > 0 {
            self.check_length(CmpOp::GtE, size, pc, at);
        }
        self.mapping_keys(keys, at)?;
        self.emit(Op::BUILD_TUPLE, size as u32, at);
        self.op(Op::MATCH_KEYS, at);
        pc.on_top += 2;
        self.emit(Op::COPY, 1, at);
        self.load_const(Const::None, at);
        self.emit(Op::IS_OP, 1, at);
        self.jump_to_fail(Op::POP_JUMP_IF_FALSE, pc, at);
        self.emit(Op::UNPACK_SEQUENCE, size as u32, at);
        // The tuple of values is gone, its items are there.
        pc.on_top = pc.on_top + size - 1;
        for pattern in patterns {
            pc.on_top -= 1;
            self.sub_pattern(pattern, pc)?;
        }
        pc.on_top -= 2;
        let Some(rest) = rest else {
            self.op(Op::POP_TOP, at);
            self.op(Op::POP_TOP, at);
            return Ok(());
        };
        // A copy of the subject without the keys.
        self.emit(Op::BUILD_MAP, 0, at);
        self.emit(Op::SWAP, 3, at);
        self.emit(Op::DICT_UPDATE, 2, at);
        self.emit(Op::UNPACK_SEQUENCE, size as u32, at);
        for left in (1..=size).rev() {
            self.emit(Op::COPY, 1 + left as u32, at);
            self.emit(Op::SWAP, 2, at);
            self.op(Op::DELETE_SUBSCR, at);
        }
        self.capture(Some(rest), pc, at)
    }

    fn or_pattern(&mut self, patterns: &'a [Pattern], pc: &mut Context, at: Loc) -> Result {
        let end = self.label();
        let mut control: Option<Vec<Name>> = None;
        for (index, alternative) in patterns.iter().enumerate() {
            let place = loc(alternative.span);
            let mut inner = Context {
                allow_irrefutable: index + 1 == patterns.len() && pc.allow_irrefutable,
                ..Context::default()
            };
            self.emit(Op::COPY, 1, place);
            self.pattern(alternative, &mut inner)?;
            match &control {
                None => control = Some(inner.stores.clone()),
                Some(control) if control.len() != inner.stores.len() => return self.different_names(at),
                Some(control) => self.reorder(control, &mut inner.stores, place, at)?,
            }
            self.jump(Op::JUMP, end, place);
            self.emit_fail_pop(&mut inner, place);
        }
        self.op(Op::POP_TOP, at);
        self.jump_to_fail(Op::JUMP, pc, at);
        self.place(end);
        let control = control.unwrap_or_default();
        // Above the earlier captures lie what is on top, the subject and the new captures.
        let rotations = control.len() + 1 + pc.on_top + pc.stores.len();
        for name in control {
            self.rotate(rotations, at);
            if pc.stores.contains(&name) {
                return self.duplicate_store(&name, at);
            }
            pc.stores.push(name);
        }
        self.op(Op::POP_TOP, at);
        Ok(())
    }

    fn different_names<T>(&self, at: Loc) -> Result<T> {
        self.error(at, "alternative patterns bind different names")
    }

    /// Puts the captured values in the order of the first alternative.
    fn reorder(&mut self, control: &[Name], stores: &mut Vec<Name>, place: Loc, at: Loc) -> Result {
        for target in (0..control.len()).rev() {
            let Some(found) = stores.iter().position(|name| *name == control[target]) else {
                return self.different_names(at);
            };
            if found == target {
                continue;
            }
            let rotated: Vec<Name> = stores.drain(..=found).collect();
            let count = rotated.len();
            let insert_at = target - found;
            stores.splice(insert_at..insert_at, rotated);
            (0..count).for_each(|_| self.rotate(target + 1, place));
        }
        Ok(())
    }
}
