//! Constant expressions in a block: instructions that combine loaded constants become loads of the result.

use taipan_bytecode::oparg::BinaryOp;
use taipan_bytecode::{Const, Op};

use super::Node;
use crate::arithmetic;
use crate::consts::ConstTable;
use crate::instr::Loc;

/// Sequences with more items are built piece by piece (`_PY_STACK_USE_GUIDELINE`).
pub(crate) const STACK_USE_GUIDELINE: usize = 30;
/// The fewest constants for which a list or set is extended from a tuple.
const MIN_CONST_SEQUENCE: usize = 3;

fn loads_constant(op: Op) -> bool {
    matches!(op, Op::LOAD_CONST | Op::LOAD_SMALL_INT)
}

/// The constant that an instruction loads.
pub(super) fn loaded_constant(op: Op, arg: u32, consts: &ConstTable) -> Option<Const> {
    match op {
        Op::LOAD_CONST => Some(consts.get(arg).clone()),
        Op::LOAD_SMALL_INT => Some(Const::int(arg as i64)),
        _ => None,
    }
}

/// The argument of `LOAD_SMALL_INT` for a constant, if it has one.
pub(super) fn small_int(value: &Const) -> Option<u32> {
    match value {
        Const::Int(value) => u8::try_from(value).ok().map(u32::from),
        _ => None,
    }
}

/// The indices of the `count` instructions before `end` that load constants, idle ones aside; none if others are
/// among them.
fn constants_before(nodes: &[Node], end: usize, count: usize) -> Option<Vec<usize>> {
    let mut found = Vec::with_capacity(count);
    let mut at = end;
    while found.len() < count {
        at = at.checked_sub(1)?;
        match nodes[at].op {
            Op::NOP => {}
            op if loads_constant(op) => found.push(at),
            _ => return None,
        }
    }
    found.reverse();
    Some(found)
}

fn values(nodes: &[Node], indices: &[usize], consts: &ConstTable) -> Vec<Const> {
    indices.iter().filter_map(|&at| loaded_constant(nodes[at].op, nodes[at].arg, consts)).collect()
}

fn blank(nodes: &mut [Node], indices: &[usize]) {
    for &at in indices {
        nodes[at].set_nop();
        nodes[at].loc = Loc::NONE;
    }
}

fn load(node: &mut Node, value: Const, consts: &mut ConstTable) {
    match small_int(&value) {
        Some(small) => node.set(Op::LOAD_SMALL_INT, small),
        None => node.set(Op::LOAD_CONST, consts.add(value)),
    }
}

/// A tuple of constants.
pub(super) fn tuple(nodes: &mut [Node], at: usize, consts: &mut ConstTable) {
    let size = nodes[at].arg as usize;
    if size > STACK_USE_GUIDELINE {
        return;
    }
    let Some(items) = constants_before(nodes, at, size) else { return };
    let value = Const::Tuple(values(nodes, &items, consts));
    blank(nodes, &items);
    load(&mut nodes[at], value, consts);
}

/// A long list or set of constants that was built item by item before `at`: the instructions and the items.
fn collected(nodes: &[Node], at: usize, build: Op, add: Op) -> Option<(Vec<usize>, Vec<usize>)> {
    let mut items = Vec::new();
    let mut expect_add = true;
    for start in (0..at).rev() {
        let (op, arg) = (nodes[start].op, nodes[start].arg);
        match op {
            Op::NOP => continue,
            op if op == build && arg == 0 && expect_add => {
                items.reverse();
                let all = (start..at).filter(|&at| nodes[at].op != Op::NOP).collect();
                return Some((all, items));
            }
            op if op == add && expect_add && arg == 1 => {}
            op if !expect_add && loads_constant(op) => items.push(start),
            _ => return None,
        }
        expect_add = !expect_add;
    }
    None
}

/// A long tuple of constants, which was collected in a list. Returns false if it is none.
pub(super) fn list_to_tuple(nodes: &mut [Node], at: usize, consts: &mut ConstTable) -> bool {
    let Some((all, items)) = collected(nodes, at, Op::BUILD_LIST, Op::LIST_APPEND) else { return false };
    let value = Const::Tuple(values(nodes, &items, consts));
    blank(nodes, &all);
    load(&mut nodes[at], value, consts);
    true
}

/// A long list or set of constants that is only searched or iterated over; `at` adds its last item.
pub(super) fn collected_to_constant(nodes: &mut [Node], at: usize, consts: &mut ConstTable) {
    let add = nodes[at].op;
    let build = if add == Op::LIST_APPEND { Op::BUILD_LIST } else { Op::BUILD_SET };
    let Some((all, items)) = collected(nodes, at + 1, build, add) else { return };
    let values = values(nodes, &items, consts);
    let value = if add == Op::LIST_APPEND { Const::Tuple(values) } else { arithmetic::frozenset(values) };
    blank(nodes, &all);
    load(&mut nodes[at], value, consts);
}

/// A list or set of constants: one constant if it is only searched or iterated over, else extended from one.
pub(super) fn list_or_set(nodes: &mut [Node], at: usize, next: Op, consts: &mut ConstTable) {
    let Node { op, arg, loc, .. } = nodes[at];
    let only_read = matches!(next, Op::GET_ITER | Op::CONTAINS_OP);
    let size = arg as usize;
    if size > STACK_USE_GUIDELINE || (size < MIN_CONST_SEQUENCE && !only_read) {
        return;
    }
    let Some(items) = constants_before(nodes, at, size) else {
        if only_read && op == Op::BUILD_LIST {
            nodes[at].op = Op::BUILD_TUPLE;
        }
        return;
    };
    let values = values(nodes, &items, consts);
    let value = if op == Op::BUILD_SET { arithmetic::frozenset(values) } else { Const::Tuple(values) };
    let index = consts.add(value);
    blank(nodes, &items);
    if only_read {
        nodes[at].set(Op::LOAD_CONST, index);
    } else {
        nodes[at - 2].loc = loc;
        nodes[at - 2].set(op, 0);
        nodes[at - 1].set(Op::LOAD_CONST, index);
        nodes[at].set(if op == Op::BUILD_LIST { Op::LIST_EXTEND } else { Op::SET_UPDATE }, 1);
    }
}

/// An operator between constants.
pub(super) fn binary(nodes: &mut [Node], at: usize, consts: &mut ConstTable) {
    let Some(operands) = constants_before(nodes, at, 2) else { return };
    let Some(op) = BinaryOp::from_number(nodes[at].arg) else { return };
    let [left, right] = &values(nodes, &operands, consts)[..] else { return };
    let Some(value) = arithmetic::binary(left, op, right) else { return };
    blank(nodes, &operands);
    load(&mut nodes[at], value, consts);
}

/// An operator before a constant.
pub(super) fn unary(nodes: &mut [Node], at: usize, consts: &mut ConstTable) {
    let Some(operands) = constants_before(nodes, at, 1) else { return };
    let [operand] = &values(nodes, &operands, consts)[..] else { return };
    let value = match nodes[at].op {
        Op::UNARY_NEGATIVE => arithmetic::negative(operand),
        Op::UNARY_INVERT => arithmetic::invert(operand),
        Op::UNARY_NOT => Some(Const::Bool(!operand.truth())),
        _ => arithmetic::positive(operand),
    };
    let Some(value) = value else { return };
    blank(nodes, &operands);
    load(&mut nodes[at], value, consts);
}
