//! Disassembly: a code object as text, one line an instruction.

use std::fmt::Write;

use crate::oparg::{BinaryOp, CommonConstant, CompareOp, Intrinsic1, Intrinsic2, SpecialMethod};
use crate::{ArgKind, CodeObject, Const, Instruction, Op};

/// A constant as Python would show it, roughly: nested code objects by their names.
pub fn const_text(value: &Const) -> String {
    let list = |items: &[Const]| items.iter().map(const_text).collect::<Vec<_>>().join(", ");
    match value {
        Const::None => "None".into(),
        Const::Ellipsis => "Ellipsis".into(),
        Const::Bool(true) => "True".into(),
        Const::Bool(false) => "False".into(),
        Const::Int(value) => value.to_string(),
        Const::Float(value) => taipan_base::float::repr(*value),
        Const::Complex { re, im } => format!("complex({re}, {im})"),
        Const::Str(text) => format!("{:?}", text.to_string_lossy()),
        Const::Bytes(bytes) => taipan_base::repr::of_bytes(bytes),
        Const::Tuple(items) if items.len() == 1 => format!("({},)", list(items)),
        Const::Tuple(items) => format!("({})", list(items)),
        Const::FrozenSet(items) => format!("frozenset({{{}}})", list(items)),
        Const::Slice(parts) => format!("slice({})", list(&parts[..])),
        Const::Code(code) => format!("<code object {}>", code.qualname),
    }
}

/// What the argument of an instruction means in its code object, as `dis` shows in parentheses; empty if nothing.
pub fn arg_text(code: &CodeObject, instruction: &Instruction) -> String {
    let Instruction { op, arg, .. } = *instruction;
    let local = |index: u32| code.localsplusnames.get(index as usize).map_or("?", |name| name).to_owned();
    let kind = op.kind();
    if kind.contains(ArgKind::CONST) {
        return code.consts.get(arg as usize).map_or_else(|| "?".into(), const_text);
    }
    if kind.contains(ArgKind::NAME) {
        let name = code.names.get(op.name_index(arg)).map_or("?", |name| name).to_owned();
        return match op {
            Op::LOAD_ATTR | Op::LOAD_SUPER_ATTR if arg & 1 == 1 => name + " + NULL|self",
            Op::LOAD_GLOBAL if arg & 1 == 1 => name + " + NULL",
            _ => name,
        };
    }
    if let Some(target) = instruction.jump_target() {
        return format!("to {}", 2 * target);
    }
    match op {
        Op::LOAD_FAST_LOAD_FAST
        | Op::LOAD_FAST_BORROW_LOAD_FAST_BORROW
        | Op::STORE_FAST_LOAD_FAST
        | Op::STORE_FAST_STORE_FAST => format!("{}, {}", local(arg >> 4), local(arg & 15)),
        Op::BINARY_OP => BinaryOp::from_number(arg).map_or("?", BinaryOp::text).into(),
        Op::COMPARE_OP => {
            let text = CompareOp::of_arg(arg).map_or("?", CompareOp::text);
            if arg & CompareOp::TO_BOOL != 0 { format!("bool({text})") } else { text.into() }
        }
        Op::IS_OP => (if arg == 1 { "is not" } else { "is" }).into(),
        Op::CONTAINS_OP => (if arg == 1 { "not in" } else { "in" }).into(),
        Op::CALL_INTRINSIC_1 => Intrinsic1::from_number(arg).map_or("?", Intrinsic1::text).into(),
        Op::CALL_INTRINSIC_2 => Intrinsic2::from_number(arg).map_or("?", Intrinsic2::text).into(),
        Op::LOAD_SPECIAL => SpecialMethod::from_number(arg).map_or("?", SpecialMethod::text).into(),
        Op::LOAD_COMMON_CONSTANT => CommonConstant::from_number(arg).map_or("?", CommonConstant::text).into(),
        _ if kind.intersects(ArgKind::LOCAL | ArgKind::FREE) => local(arg),
        _ => String::new(),
    }
}

/// The instructions of a code object: offset in bytes, line where it changes, name, argument and its meaning.
pub fn disassemble(code: &CodeObject) -> String {
    let mut text = String::new();
    let positions: Vec<_> = code.positions().collect();
    let mut last_line = None;
    for instruction in code.instructions() {
        let line = positions.get(instruction.index).and_then(|position| position.line);
        let shown = match line {
            Some(line) if Some(line) != last_line => line.to_string(),
            _ => String::new(),
        };
        last_line = line;
        let Instruction { start, op, arg, .. } = instruction;
        let _ = write!(text, "{shown:>5} {:>5} {:<28}", 2 * start, op.name());
        if op.has_arg() {
            let meaning = arg_text(code, &instruction);
            let _ = write!(text, " {arg:>4}");
            if !meaning.is_empty() {
                let _ = write!(text, " ({meaning})");
            }
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    let mut entries = code.exception_entries().peekable();
    if entries.peek().is_some() {
        text.push_str("ExceptionTable:\n");
    }
    for entry in entries {
        let lasti = if entry.lasti { " lasti" } else { "" };
        let (start, end, target) = (2 * entry.start, 2 * entry.end, 2 * entry.target);
        let _ = writeln!(text, "  {start} to {end} -> {target} [{}]{lasti}", entry.depth);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_readable() {
        let code = CodeObject {
            code: vec![82, 0, 52, 2, 0, 0, 0, 0, 0, 0, 35, 0],
            consts: vec![Const::str("x")],
            ..CodeObject::default()
        };
        let text = disassemble(&code);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[0], ["0", "LOAD_CONST", "0", "(\"x\")"]);
        assert_eq!(lines[1][..2], ["2", "CALL"]);
        assert_eq!(lines[2], ["10", "RETURN_VALUE"]);
    }
}
