//! `'…%s…' % (a, b)` as a formatted string, where the format is simple enough to be sure.

use rustpython_wtf8::Wtf8Buf;
use taipan_bytecode::Const;
use taipan_syntax::ast::{Constant, Expr, ExprKind, NodeId, Operator, Span};

/// Widths and precisions with more digits are left alone.
const MAX_DIGITS: usize = 3;

/// A constant of a code object as one of the tree, for those that literals can give.
pub fn constant(value: Option<Const>) -> Option<Constant> {
    Some(match value? {
        Const::Int(value) => Constant::Int(value),
        Const::Float(value) => Constant::Float(value),
        Const::Complex { re, im } => Constant::Complex { real: re, imag: im },
        Const::Str(text) => Constant::Str(text),
        Const::Bytes(bytes) => Constant::Bytes(bytes),
        _ => return None,
    })
}

/// One conversion of a format.
struct Spec {
    letter: u8,
    left: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// Reads a format from left to right.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// The text up to the next conversion, `%%` undone.
    fn literal(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        while let Some(&byte) = self.bytes.get(self.at) {
            if byte == b'%' {
                if self.bytes.get(self.at + 1) != Some(&b'%') {
                    break;
                }
                self.at += 1;
            }
            text.push(byte);
            self.at += 1;
        }
        text
    }

    fn next(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn digits(&mut self, mut byte: u8) -> Option<(usize, u8)> {
        let mut value = 0;
        let mut count = 0;
        while byte.is_ascii_digit() {
            value = value * 10 + (byte - b'0') as usize;
            byte = self.next()?;
            count += 1;
            if count >= MAX_DIGITS {
                return None;
            }
        }
        Some((value, byte))
    }

    fn spec(&mut self) -> Option<Spec> {
        let mut spec = Spec { letter: 0, left: false, width: None, precision: None };
        let mut byte = self.next()?;
        while matches!(byte, b'-' | b'+' | b' ' | b'#' | b'0') {
            spec.left |= byte == b'-';
            byte = self.next()?;
        }
        if byte.is_ascii_digit() {
            let (width, after) = self.digits(byte)?;
            spec.width = Some(width);
            byte = after;
        }
        if byte == b'.' {
            byte = self.next()?;
            let (precision, after) = self.digits(byte)?;
            spec.precision = Some(precision);
            byte = after;
        }
        spec.letter = byte;
        matches!(byte, b's' | b'r' | b'a').then_some(spec)
    }
}

/// The format specification of a conversion, as `format()` takes it.
fn format_spec(spec: &Spec) -> String {
    let mut text = String::new();
    if !spec.left && spec.width.is_some_and(|width| width > 0) {
        text.push('>');
    }
    if let Some(width) = spec.width {
        text += &width.to_string();
    }
    if let Some(precision) = spec.precision {
        text += &format!(".{precision}");
    }
    text
}

/// A node without a place.
const NOWHERE: Span = Span { lineno: u32::MAX, col_offset: u32::MAX, end_lineno: u32::MAX, end_col_offset: u32::MAX };

fn text(bytes: Vec<u8>) -> Option<Expr> {
    let value = Constant::Str(Wtf8Buf::from_bytes(bytes).ok()?);
    Some(Expr::new(ExprKind::Constant { value, kind: None }, NOWHERE, NodeId::NONE))
}

/// Replaces `format % tuple` by a formatted string, if that means the same.
pub fn fold(expr: &mut Expr) {
    let ExprKind::BinOp { left, op: Operator::Mod, right } = &mut expr.kind else { return };
    let ExprKind::Constant { value: Constant::Str(format), .. } = &left.kind else { return };
    let ExprKind::Tuple { elts, .. } = &mut right.kind else { return };
    if elts.iter().any(|elt| matches!(elt.kind, ExprKind::Starred { .. })) {
        return;
    }
    let Some(pieces) = pieces(format.as_bytes(), elts.len()) else { return };
    let mut items = std::mem::take(elts).into_iter();
    let mut values = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Text(bytes) => values.extend(text(bytes)),
            Piece::Item(spec) => values.extend(items.next().map(|item| formatted(item, &spec))),
        }
    }
    expr.kind = ExprKind::JoinedStr { values };
}

enum Piece {
    Text(Vec<u8>),
    Item(Spec),
}

/// The pieces of a format with as many conversions as there are items.
fn pieces(format: &[u8], items: usize) -> Option<Vec<Piece>> {
    let mut reader = Reader { bytes: format, at: 0 };
    let mut pieces = Vec::new();
    let mut count = 0;
    loop {
        let literal = reader.literal();
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        if reader.at >= format.len() {
            break;
        }
        reader.at += 1;
        pieces.push(Piece::Item(reader.spec()?));
        count += 1;
    }
    (count == items).then_some(pieces)
}

fn formatted(item: Expr, spec: &Spec) -> Expr {
    let span = item.span;
    let format = format_spec(spec);
    let format_spec = if format.is_empty() { None } else { text(format.into_bytes()).map(Box::new) };
    let kind = ExprKind::FormattedValue { value: Box::new(item), conversion: spec.letter as i32, format_spec };
    Expr::new(kind, span, NodeId::NONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simple_formats_only() {
        assert_eq!(pieces(b"a%%b%s%-5.2r", 2).map(|pieces| pieces.len()), Some(3));
        assert!(pieces(b"%d", 1).is_none());
        assert!(pieces(b"%s %s", 1).is_none());
        assert!(pieces(b"%1000s", 1).is_none());
        let spec = |format: &[u8]| match pieces(format, 1).as_deref() {
            Some([Piece::Item(spec)]) => format_spec(spec),
            _ => String::new(),
        };
        assert_eq!(spec(b"%5s"), ">5");
        assert_eq!(spec(b"%-5.3s"), "5.3");
    }
}
