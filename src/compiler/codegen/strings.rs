//! Formatted strings and template strings.

use taipan_bytecode::oparg::Conversion;
use taipan_bytecode::{Const, Op};
use taipan_syntax::ast::{Expr, ExprKind};

use super::{Compiler, Result};
use crate::flow::STACK_USE_GUIDELINE;
use crate::instr::Loc;

/// The conversion that a tree gives as the number of a character (-1 for none).
fn conversion_of(conversion: i32) -> Result<Option<Conversion>> {
    match u8::try_from(conversion) {
        Ok(b's') => Ok(Some(Conversion::Str)),
        Ok(b'r') => Ok(Some(Conversion::Repr)),
        Ok(b'a') => Ok(Some(Conversion::Ascii)),
        _ if conversion == -1 => Ok(None),
        _ => Err(crate::internal(&format!("Unrecognized conversion character {conversion}"))),
    }
}

impl<'a> Compiler<'a> {
    pub(super) fn joined_str(&mut self, values: &'a [Expr], at: Loc) -> Result {
        if values.len() > STACK_USE_GUIDELINE {
            self.load_str("", at);
            self.load_method(&"join".into(), at);
            self.emit(Op::BUILD_LIST, 0, at);
            for value in values {
                self.expr(value)?;
                self.emit(Op::LIST_APPEND, 1, at);
            }
            self.emit(Op::CALL, 1, at);
            return Ok(());
        }
        self.exprs(values)?;
        match values.len() {
            0 => self.load_str("", at),
            1 => {}
            count => self.emit(Op::BUILD_STRING, count as u32, at),
        }
        Ok(())
    }

    pub(super) fn formatted_value(
        &mut self,
        value: &'a Expr,
        conversion: i32,
        format_spec: Option<&'a Expr>,
        at: Loc,
    ) -> Result {
        self.expr(value)?;
        if let Some(conversion) = conversion_of(conversion)? {
            self.emit(Op::CONVERT_VALUE, conversion as u32, at);
        }
        match format_spec {
            Some(spec) => {
                self.expr(spec)?;
                self.op(Op::FORMAT_WITH_SPEC, at);
            }
            None => self.op(Op::FORMAT_SIMPLE, at),
        }
        Ok(())
    }

    pub(super) fn template_str(&mut self, values: &'a [Expr], at: Loc) -> Result {
        let is_interpolation = |value: &Expr| matches!(value.kind, ExprKind::Interpolation { .. });
        let mut strings = 0;
        let mut after_interpolation = true;
        for value in values {
            if !is_interpolation(value) {
                self.expr(value)?;
                strings += 1;
                after_interpolation = false;
                continue;
            }
            if std::mem::replace(&mut after_interpolation, true) {
                self.load_str("", at);
                strings += 1;
            }
        }
        if after_interpolation {
            self.load_str("", at);
            strings += 1;
        }
        self.emit(Op::BUILD_TUPLE, strings, at);
        let mut interpolations = 0;
        for value in values.iter().filter(|value| is_interpolation(value)) {
            self.expr(value)?;
            interpolations += 1;
        }
        self.emit(Op::BUILD_TUPLE, interpolations, at);
        self.op(Op::BUILD_TEMPLATE, at);
        Ok(())
    }

    pub(super) fn interpolation(
        &mut self,
        value: &'a Expr,
        text: Const,
        conversion: i32,
        format_spec: Option<&'a Expr>,
        at: Loc,
    ) -> Result {
        self.expr(value)?;
        self.load_const(text, at);
        if let Some(spec) = format_spec {
            self.expr(spec)?;
        }
        let conversion = conversion_of(conversion)?.map_or(0, |conversion| conversion as u32);
        self.emit(Op::BUILD_INTERPOLATION, 2 | format_spec.is_some() as u32 | (conversion << 2), at);
        Ok(())
    }
}
