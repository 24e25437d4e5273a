//! Calls.

use taipan_bytecode::oparg::{CommonConstant, Intrinsic1};
use taipan_bytecode::{Const, Op};
use taipan_syntax::ast::{Expr, ExprContext, ExprKind, Keyword, Name};

use super::collections::TUPLE;
use super::statements::is_starred;
use super::{Compiler, Result, loc};
use crate::flow::STACK_USE_GUIDELINE;
use crate::instr::{Label, Loc};
use crate::scopes::Place;

/// The place of an attribute access: if it spans lines, it starts at the name of the attribute.
pub(super) fn at_attribute(mut at: Loc, expr: &Expr, attr: &Name) -> Loc {
    let (end_line, end_col) = (expr.span.end_lineno as i32, expr.span.end_col_offset as i32);
    if at.line == end_line {
        return at;
    }
    at.line = end_line;
    let length = attr.chars().count() as i32;
    if length <= end_col {
        at.col = end_col - length;
    } else {
        at.col = -1;
        at.end_col = -1;
    }
    at.end_line = at.end_line.max(at.line);
    if at.line == at.end_line {
        at.end_col = at.end_col.max(at.col);
    }
    at
}

impl<'a> Compiler<'a> {
    pub(super) fn call(&mut self, expr: &'a Expr, func: &'a Expr, args: &'a [Expr], keywords: &'a [Keyword]) -> Result {
        self.validate_keywords(keywords)?;
        if self.method_call(expr, func, args, keywords)? {
            return Ok(());
        }
        let skip = self.label();
        self.check_called(func);
        self.expr(func)?;
        self.builtin_call(func, args, keywords, skip)?;
        self.op(Op::PUSH_NULL, loc(func.span));
        self.call_args(0, args, None, keywords, loc(expr.span))?;
        self.place(skip);
        Ok(())
    }

    fn validate_keywords(&self, keywords: &[Keyword]) -> Result {
        for (index, keyword) in keywords.iter().enumerate() {
            let Some(name) = &keyword.arg else { continue };
            let same = keywords[index + 1..].iter().find(|other| other.arg.as_ref() == Some(name));
            if let Some(other) = same {
                return self.error(loc(other.span), format!("keyword argument repeated: {name}"));
            }
        }
        Ok(())
    }

    fn is_imported(&self, expr: &Expr) -> bool {
        matches!(&expr.kind, ExprKind::Name { id, .. } if self.units[0].symbol(id).is_imported())
    }

    /// `object.method(…)` without making the method object. Returns false if the call is not of that form.
    fn method_call(
        &mut self,
        expr: &'a Expr,
        func: &'a Expr,
        args: &'a [Expr],
        keywords: &'a [Keyword],
    ) -> Result<bool> {
        let ExprKind::Attribute { value, attr, ctx: ExprContext::Load } = &func.kind else { return Ok(false) };
        let total = args.len() + keywords.len() + !keywords.is_empty() as usize;
        if self.is_imported(value)
            || total >= STACK_USE_GUIDELINE
            || args.iter().any(is_starred)
            || keywords.iter().any(|keyword| keyword.arg.is_none())
        {
            return Ok(false);
        }
        let mut at = loc(func.span);
        if let Some(super_args) = self.super_args(value, attr) {
            self.load_super_args(value, super_args)?;
            self.emit_named(Op::LOAD_SUPER_ATTR, attr, 2, if super_args.is_empty() { 1 } else { 3 }, at);
            at = at_attribute(at, func, attr);
            self.op(Op::NOP, at);
        } else {
            self.expr(value)?;
            at = at_attribute(at, func, attr);
            self.load_method(attr, at);
        }
        self.exprs(args)?;
        let whole = at_attribute(loc(expr.span), func, attr);
        let count = (args.len() + keywords.len()) as u32;
        if keywords.is_empty() {
            self.emit(Op::CALL, count, whole);
        } else {
            self.keyword_values(keywords, at)?;
            self.emit(Op::CALL_KW, count, whole);
        }
        Ok(true)
    }

    /// The values of keyword arguments, and the tuple of their names.
    fn keyword_values(&mut self, keywords: &'a [Keyword], at: Loc) -> Result {
        keywords.iter().try_for_each(|keyword| self.expr(&keyword.value))?;
        let names = keywords.iter().flat_map(|keyword| &keyword.arg).map(|name| Const::str(name)).collect();
        self.load_const(Const::Tuple(names), at);
        Ok(())
    }

    /// `all(…)`, `any(…)` and `tuple(…)` of a generator expression run it in a loop of their own, if the function is
    /// the builtin one.
    fn builtin_call(&mut self, func: &'a Expr, args: &'a [Expr], keywords: &'a [Keyword], end: Label) -> Result {
        let (ExprKind::Name { id, .. }, [generator], true) = (&func.kind, args, keywords.is_empty()) else {
            return Ok(());
        };
        let is_generator = matches!(generator.kind, ExprKind::GeneratorExp { .. });
        if !is_generator || self.scopes.of(generator.id)?.is_coroutine() {
            return Ok(());
        }
        let (builtin, result) = match &**id {
            "all" => (CommonConstant::All, Some(true)),
            "any" => (CommonConstant::Any, Some(false)),
            "tuple" => (CommonConstant::Tuple, None),
            _ => return Ok(()),
        };
        let at = loc(func.span);
        let skip = self.label();
        self.emit(Op::COPY, 1, at);
        self.emit(Op::LOAD_COMMON_CONSTANT, builtin.number(), at);
        self.emit(Op::IS_OP, 0, at);
        self.jump(Op::POP_JUMP_IF_FALSE, skip, at);
        self.op(Op::POP_TOP, at);
        if result.is_none() {
            self.emit(Op::BUILD_LIST, 0, at);
        }
        self.expr(generator)?;
        let (start, cleanup) = (self.label(), self.label());
        self.place(start);
        self.jump(Op::FOR_ITER, cleanup, at);
        match result {
            None => {
                self.emit(Op::LIST_APPEND, 2, at);
                self.jump(Op::JUMP, start, at);
            }
            Some(result) => {
                self.op(Op::TO_BOOL, at);
                self.jump(if result { Op::POP_JUMP_IF_TRUE } else { Op::POP_JUMP_IF_FALSE }, start, at);
            }
        }
        self.op(Op::POP_ITER, Loc::NONE);
        if let Some(result) = result {
            self.load_const(Const::Bool(!result), at);
        }
        self.jump(Op::JUMP, end, at);
        self.place(cleanup);
        self.op(Op::END_FOR, Loc::NONE);
        self.op(Op::POP_ITER, Loc::NONE);
        match result {
            None => self.emit(Op::CALL_INTRINSIC_1, Intrinsic1::ListToTuple.number(), at),
            Some(result) => self.load_const(Const::Bool(result), at),
        }
        self.jump(Op::JUMP, end, at);
        self.place(skip);
        Ok(())
    }

    /// Arguments and the call; `pushed` positional arguments are on the stack already, the name `injected` comes after
    /// the others.
    pub(super) fn call_args(
        &mut self,
        pushed: u32,
        args: &'a [Expr],
        injected: Option<&Name>,
        keywords: &'a [Keyword],
        at: Loc,
    ) -> Result {
        self.validate_keywords(keywords)?;
        let plain = args.len() + keywords.len() * 2 <= STACK_USE_GUIDELINE
            && !args.iter().any(is_starred)
            && keywords.iter().all(|keyword| keyword.arg.is_some());
        if !plain {
            return self.call_unpacked(pushed, args, injected, keywords, at);
        }
        self.exprs(args)?;
        if let Some(name) = injected {
            self.name(name, ExprContext::Load, at)?;
        }
        let count = pushed + args.len() as u32 + injected.is_some() as u32;
        if keywords.is_empty() {
            self.emit(Op::CALL, count, at);
        } else {
            self.keyword_values(keywords, at)?;
            self.emit(Op::CALL_KW, count + keywords.len() as u32, at);
        }
        Ok(())
    }

    /// A call with a tuple and a dictionary.
    fn call_unpacked(
        &mut self,
        pushed: u32,
        args: &'a [Expr],
        injected: Option<&Name>,
        keywords: &'a [Keyword],
        at: Loc,
    ) -> Result {
        match args {
            [one] if pushed == 0 && is_starred(one) => {
                if let ExprKind::Starred { value, .. } = &one.kind {
                    self.expr(value)?;
                }
            }
            _ => self.build(TUPLE, args, injected, pushed, at)?,
        }
        let mut have_dict = false;
        let mut rest = keywords;
        while let Some(first) = rest.first() {
            if first.arg.is_none() {
                if !std::mem::replace(&mut have_dict, true) {
                    self.emit(Op::BUILD_MAP, 0, at);
                }
                self.expr(&first.value)?;
                self.emit(Op::DICT_MERGE, 1, at);
                rest = &rest[1..];
                continue;
            }
            let run = rest.iter().take_while(|keyword| keyword.arg.is_some()).count();
            self.sub_keywords(&rest[..run], at)?;
            if std::mem::replace(&mut have_dict, true) {
                self.emit(Op::DICT_MERGE, 1, at);
            }
            rest = &rest[run..];
        }
        if keywords.is_empty() {
            self.op(Op::PUSH_NULL, at);
        }
        self.op(Op::CALL_FUNCTION_EX, at);
        Ok(())
    }

    fn sub_keywords(&mut self, keywords: &'a [Keyword], at: Loc) -> Result {
        let big = keywords.len() * 2 > STACK_USE_GUIDELINE;
        if big {
            self.emit(Op::BUILD_MAP, 0, Loc::NONE);
        }
        for keyword in keywords {
            self.load_str(keyword.arg.as_deref().unwrap_or_default(), at);
            self.expr(&keyword.value)?;
            if big {
                self.emit(Op::MAP_ADD, 1, Loc::NONE);
            }
        }
        if !big {
            self.emit(Op::BUILD_MAP, keywords.len() as u32, at);
        }
        Ok(())
    }

    /// The arguments of `super(…)`, if `value.attr` is an access that needs no super object.
    pub(super) fn super_args(&self, value: &'a Expr, attr: &str) -> Option<&'a [Expr]> {
        let ExprKind::Call { func, args, keywords } = &value.kind else { return None };
        let ExprKind::Name { id, .. } = &func.kind else { return None };
        if &**id != "super" || attr == "__class__" || !keywords.is_empty() {
            return None;
        }
        let unit = self.unit();
        if unit.symbol(id).place != Place::GlobalImplicit || self.units[0].symbol(id).place != Place::Unknown {
            return None;
        }
        let counts = unit.counts;
        let fits = match args.len() {
            2 => !args.iter().any(is_starred),
            0 => counts.args + counts.posonly > 0 && self.has_class_cell(),
            _ => false,
        };
        fits.then_some(args)
    }

    /// `super`, the class and the object.
    pub(super) fn load_super_args(&mut self, value: &'a Expr, args: &'a [Expr]) -> Result {
        let at = loc(value.span);
        if let ExprKind::Call { func, .. } = &value.kind {
            self.load_name("super", loc(func.span))?;
        }
        if !args.is_empty() {
            return self.exprs(args);
        }
        self.load_name("__class__", at)?;
        let Some(first) = self.unit().varnames.items().first().cloned() else { return Ok(()) };
        self.name(&first, ExprContext::Load, at)
    }

    /// Remembers an attribute that a method of a class sets on `self`.
    pub(super) fn note_static_attribute(&mut self, object: &Expr, attr: &Name) {
        if !matches!(&object.kind, ExprKind::Name { id, .. } if &**id == "self") {
            return;
        }
        let around = self.units.len() - 1;
        let class = self.units[..around].iter_mut().rev().find_map(|unit| unit.static_attributes.as_mut());
        if let Some(attributes) = class {
            attributes.insert(attr.clone());
        }
    }
}
