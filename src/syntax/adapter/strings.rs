//! String literals of every kind: decoding, implicit concatenation, f-strings and t-strings.
//!
//! Adjacent literal parts become one `Constant` that reaches from the first to the last of them; empty parts beside
//! interpolations disappear (`_PyPegen_concatenate_strings` in CPython's `Parser/action_helpers.c`).

use ruff_python_ast as r;
use ruff_text_size::{Ranged, TextRange, TextSize};
use rustpython_wtf8::Wtf8Buf;

use super::Adapter;
use crate::ast::*;
use crate::error::SyntaxWarning;
use crate::literal::{self, Prefix};
use crate::tokenizer::MAX_FIELDS;

/// A part of an interpolated string.
enum Part {
    Literal { value: Wtf8Buf, unicode: bool, range: TextRange },
    Value(Expr),
}

impl Adapter<'_> {
    pub(super) fn string(&mut self, e: &r::ExprStringLiteral) -> Expr {
        let literals = e.value.as_slice();
        let unicode = literals.first().is_some_and(|first| self.prefix(first.range()).unicode);
        let mut value = Wtf8Buf::new();
        for literal in literals {
            let decoded = self.decode_literal(literal.range());
            if value.is_empty() { value = decoded } else { value.push_wtf8(&decoded) }
        }
        self.string_constant(value, unicode, e.range())
    }

    pub(super) fn bytes(&mut self, e: &r::ExprBytesLiteral) -> Expr {
        let mut value = Vec::new();
        for literal in e.value.as_slice() {
            let range = literal.range();
            let prefix = self.prefix(range);
            let body = &self.source[body_range(range, prefix)];
            match literal::decode_bytes(body, prefix.raw) {
                Ok(decoded) => {
                    value.extend_from_slice(&decoded.value);
                    self.warn_escape(range, body_range(range, prefix).start, decoded.invalid_escape);
                }
                Err(_) => self.valid = false,
            }
        }
        self.node(ExprKind::Constant { value: Constant::Bytes(value), kind: None }, e.range())
    }

    pub(super) fn f_string(&mut self, e: &r::ExprFString) -> Expr {
        let mut parts = Vec::new();
        for part in e.value.as_slice() {
            match part {
                r::FStringPart::Literal(literal) => {
                    let range = literal.range();
                    let unicode = self.prefix(range).unicode;
                    let value = self.decode_literal(range);
                    parts.push(Part::Literal { value, unicode, range });
                }
                r::FStringPart::FString(f) => self.whole_string(&f.elements, f.range(), false, &mut parts),
            }
        }
        let values = self.fold(parts);
        self.node(ExprKind::JoinedStr { values }, e.range())
    }

    pub(super) fn t_string(&mut self, e: &r::ExprTString) -> Expr {
        let mut parts = Vec::new();
        for t in e.value.as_slice() {
            self.whole_string(&t.elements, t.range(), true, &mut parts);
        }
        let values = self.fold(parts);
        self.node(ExprKind::TemplateStr { values }, e.range())
    }

    fn prefix(&self, range: TextRange) -> Prefix {
        Prefix::of(self.slice(range))
    }

    /// The value of one whole, uninterpolated `str` literal.
    fn decode_literal(&mut self, range: TextRange) -> Wtf8Buf {
        let prefix = self.prefix(range);
        let body = body_range(range, prefix);
        match literal::decode_str(&self.source[body.clone()], prefix.raw) {
            Ok(decoded) => {
                self.warn_escape(range, body.start, decoded.invalid_escape);
                decoded.value
            }
            Err(_) => {
                self.valid = false;
                Wtf8Buf::new()
            }
        }
    }

    /// Warns of an escape without meaning, `at` bytes into the text that starts at `start` in the token at `range`.
    fn warn_escape(&mut self, range: TextRange, start: usize, at: Option<usize>) {
        let Some(at) = at else { return };
        let offset = start + at;
        let msg = literal::invalid_escape_message(&self.source[offset..]);
        let (lineno, _) = self.lines.position(offset as u32);
        let mut warning = SyntaxWarning::new(msg, self.span(range));
        warning.lineno = lineno;
        self.warnings.push(warning);
    }

    fn string_constant(&mut self, value: Wtf8Buf, unicode: bool, range: TextRange) -> Expr {
        let kind = unicode.then(|| Text::from("u"));
        self.node(ExprKind::Constant { value: Constant::Str(value), kind }, range)
    }

    /// Appends the elements of a whole f-string or t-string. CPython counts the lines of its warnings from the end.
    fn whole_string(
        &mut self,
        elements: &[r::InterpolatedStringElement],
        string: TextRange,
        template: bool,
        parts: &mut Vec<Part>,
    ) {
        let (last_line, _) = self.lines.position(string.end().to_u32());
        for mut warning in self.elements(elements, string, template, parts) {
            warning.lineno += last_line - warning.span.lineno;
            self.warnings.push(warning);
        }
    }

    /// Appends the elements of one f-string or t-string, or of a format specification. Returns the warnings about its
    /// own text: they come after those about its replacement fields.
    fn elements(
        &mut self,
        elements: &[r::InterpolatedStringElement],
        string: TextRange,
        template: bool,
        parts: &mut Vec<Part>,
    ) -> Vec<SyntaxWarning> {
        let raw = self.prefix(string).raw;
        let mut late = Vec::new();
        for element in elements {
            match element {
                r::InterpolatedStringElement::Literal(literal) => {
                    let before = self.warnings.len();
                    let value = self.decode_middle(literal, raw);
                    late.extend(self.warnings.drain(before..));
                    parts.push(Part::Literal { value, unicode: false, range: literal.range() });
                }
                r::InterpolatedStringElement::Interpolation(element) => {
                    self.interpolation(element, string, template, parts);
                }
            }
        }
        late
    }

    /// The value of a literal part between the interpolations.
    fn decode_middle(&mut self, literal: &r::InterpolatedStringLiteralElement, raw: bool) -> Wtf8Buf {
        let range = literal.range();
        let text = self.slice(range);
        if raw || memchr::memchr(b'\\', text.as_bytes()).is_none() {
            return Wtf8Buf::from(&*literal.value);
        }
        match literal::decode_middle(text) {
            Ok(decoded) => {
                self.warn_escape(range, range.start().to_usize(), decoded.invalid_escape);
                decoded.value
            }
            Err(_) => {
                self.valid = false;
                Wtf8Buf::new()
            }
        }
    }

    fn interpolation(
        &mut self,
        element: &r::InterpolatedElement,
        string: TextRange,
        template: bool,
        parts: &mut Vec<Part>,
    ) {
        let range = element.range();
        let value = self.boxed(&element.expression);
        let expression_end = self.expression_end(element);
        self.field_depth += 1;
        self.valid &= self.field_depth <= MAX_FIELDS;
        let format_spec = element.format_spec.as_ref().map(|spec| Box::new(self.format_spec(spec, string)));
        self.field_depth -= 1;
        let mut conversion = element.conversion as i32;
        let inner = TextRange::new(range.start() + TextSize::new(1), expression_end);
        if element.debug_text.is_some() {
            if conversion < 0 && format_spec.is_none() {
                conversion = i32::from(b'r');
            }
            let text = literal::without_comments(self.slice(inner));
            parts.push(Part::Literal { value: Wtf8Buf::from(&*text), unicode: false, range: inner });
        }
        let kind = if template {
            let text = literal::without_comments(self.slice(inner));
            let text = if element.debug_text.is_some() {
                text.rsplit_once('=').map_or(&*text, |(before, _)| before)
            } else {
                &text
            };
            let str = Constant::Str(Wtf8Buf::from(text));
            ExprKind::Interpolation { value, str, conversion, format_spec }
        } else {
            ExprKind::FormattedValue { value, conversion, format_spec }
        };
        let node = self.node(kind, range);
        parts.push(Part::Value(node));
    }

    /// Where the text of the expression ends: at the `!`, the `:` or the closing brace.
    fn expression_end(&self, element: &r::InterpolatedElement) -> TextSize {
        let close = element.range().end() - TextSize::new(1);
        if element.conversion != r::ConversionFlag::None {
            let from = match &element.debug_text {
                Some(debug) => element.expression.end() + TextSize::of(debug.trailing()),
                None => TextSize::new(self.closing_brackets(element.expression.end().to_u32())),
            };
            return TextSize::new(self.next_token(from.to_u32()));
        }
        match &element.format_spec {
            Some(spec) => spec.range().start() - TextSize::new(1),
            None => close,
        }
    }

    /// Skips blanks and the closing parentheses of a parenthesised expression that ends at `offset`.
    fn closing_brackets(&self, offset: u32) -> u32 {
        let mut at = self.next_token(offset);
        while self.source.as_bytes().get(at as usize) == Some(&b')') {
            at = self.next_token(at + 1);
        }
        at
    }

    /// A format specification; its range includes the colon.
    fn format_spec(&mut self, spec: &r::InterpolatedStringFormatSpec, string: TextRange) -> Expr {
        let mut parts = Vec::new();
        let late = self.elements(&spec.elements, string, false, &mut parts);
        self.warnings.extend(late);
        let values = self.fold(parts);
        let range = TextRange::new(spec.range().start() - TextSize::new(1), spec.range().end());
        self.node(ExprKind::JoinedStr { values }, range)
    }

    /// Joins adjacent literals and drops empty ones.
    fn fold(&mut self, parts: Vec<Part>) -> Vec<Expr> {
        let mut values = Vec::with_capacity(parts.len());
        let mut open: Option<(Wtf8Buf, bool, TextRange)> = None;
        for part in parts {
            match part {
                Part::Literal { value, unicode, range } => match &mut open {
                    Some((text, _, span)) => {
                        text.push_wtf8(&value);
                        *span = span.cover(range);
                    }
                    None => open = Some((value, unicode, range)),
                },
                Part::Value(node) => {
                    self.close_literal(open.take(), &mut values);
                    values.push(node);
                }
            }
        }
        self.close_literal(open, &mut values);
        values
    }

    fn close_literal(&mut self, open: Option<(Wtf8Buf, bool, TextRange)>, values: &mut Vec<Expr>) {
        if let Some((value, unicode, range)) = open.filter(|(value, ..)| !value.is_empty()) {
            let node = self.string_constant(value, unicode, range);
            values.push(node);
        }
    }
}

fn body_range(range: TextRange, prefix: Prefix) -> std::ops::Range<usize> {
    range.start().to_usize() + prefix.open..range.end().to_usize() - prefix.close
}
