//! Improvements within a block: jumps to jumps, constant conditions, comparisons, constant expressions.

use taipan_bytecode::oparg::{CompareOp, Intrinsic1};
use taipan_bytecode::{Const, Op};

use super::fold::{self, loaded_constant};
use super::{BlockId, Graph, Node, swaps};
use crate::consts::ConstTable;

/// What a match arm of the pass found.
enum Step {
    Next,
    /// Look at the same index again.
    Again,
}

impl Graph {
    /// Replaces loads of small integers, and conditions on constants.
    pub(super) fn fold_loaded_constants(&mut self, consts: &mut ConstTable) {
        for block in &mut self.blocks {
            let (mut op, mut arg) = (Op::NOP, 0);
            for at in 0..block.nodes.len() {
                if block.nodes[at].op == Op::LOAD_CONST
                    && let Some(value) = fold::small_int(consts.get(block.nodes[at].arg))
                {
                    block.nodes[at].set(Op::LOAD_SMALL_INT, value);
                }
                let node = &block.nodes[at];
                // A copy of a constant is a constant too.
                if !(op == Op::LOAD_CONST && node.op == Op::COPY && node.arg == 1) {
                    (op, arg) = (node.op, node.arg);
                }
                if matches!(op, Op::LOAD_CONST | Op::LOAD_SMALL_INT) && at + 1 < block.nodes.len() {
                    use_constant(&mut block.nodes, at, op, arg, consts);
                }
            }
        }
    }

    pub(super) fn peephole(&mut self, consts: &mut ConstTable) {
        self.for_each_in_order(|graph, id| {
            let mut at = 0;
            while at < graph.block(id).nodes.len() {
                match graph.peep(id, at, consts) {
                    Step::Next => at += 1,
                    Step::Again => {}
                }
            }
            swaps::optimize(&mut graph.block_mut(id).nodes);
        });
    }

    fn peep(&mut self, id: BlockId, at: usize, consts: &mut ConstTable) -> Step {
        let node = self.block(id).nodes[at];
        if node.op.is_jump() {
            return self.thread(id, at, node);
        }
        peep_straight(&mut self.block_mut(id).nodes, at, consts);
        Step::Next
    }

    /// Sends a jump to a jump on to where that one goes.
    fn thread(&mut self, id: BlockId, at: usize, node: Node) -> Step {
        let Some(&target) = self.block(node.target).nodes.first() else { return Step::Next };
        match (node.op, target.op) {
            (
                Op::POP_JUMP_IF_NONE | Op::POP_JUMP_IF_NOT_NONE | Op::POP_JUMP_IF_FALSE | Op::POP_JUMP_IF_TRUE,
                Op::JUMP,
            )
            | (Op::JUMP_IF_FALSE, Op::JUMP | Op::JUMP_IF_FALSE)
            | (Op::JUMP_IF_TRUE, Op::JUMP | Op::JUMP_IF_TRUE)
            | (Op::JUMP | Op::JUMP_NO_INTERRUPT, Op::JUMP_NO_INTERRUPT) => self.redirect(id, at, node.op, &target),
            (Op::JUMP | Op::JUMP_NO_INTERRUPT, Op::JUMP) => self.redirect(id, at, Op::JUMP, &target),
            (Op::JUMP_IF_FALSE, Op::JUMP_IF_TRUE) | (Op::JUMP_IF_TRUE, Op::JUMP_IF_FALSE) => {
                let next = self.block(node.target).next;
                self.block_mut(id).nodes[at].target = next;
                Step::Again
            }
            _ => Step::Next,
        }
    }

    fn redirect(&mut self, id: BlockId, at: usize, op: Op, target: &Node) -> Step {
        let nodes = &mut self.block_mut(id).nodes;
        let jump = nodes[at];
        if jump.target == target.target {
            return Step::Next;
        }
        // The idle instruction that stays keeps the line, where one is needed.
        nodes[at].set_nop();
        nodes.push(Node { target: target.target, handler: BlockId::NONE, ..Node::new(op, 0, target.loc) });
        Step::Again
    }
}

/// Uses the constant that is on top of the stack after instruction `at` for the one after it.
fn use_constant(nodes: &mut [Node], at: usize, op: Op, arg: u32, consts: &mut ConstTable) {
    let truth = |consts: &ConstTable| loaded_constant(op, arg, consts).is_some_and(|value| value.truth());
    match nodes[at + 1].op {
        jump @ (Op::POP_JUMP_IF_FALSE | Op::POP_JUMP_IF_TRUE | Op::JUMP_IF_FALSE | Op::JUMP_IF_TRUE) => {
            if matches!(jump, Op::POP_JUMP_IF_FALSE | Op::POP_JUMP_IF_TRUE) {
                nodes[at].set_nop();
            }
            if truth(consts) == matches!(jump, Op::POP_JUMP_IF_TRUE | Op::JUMP_IF_TRUE) {
                nodes[at + 1].op = Op::JUMP;
            } else {
                nodes[at + 1].set_nop();
            }
        }
        Op::IS_OP if op == Op::LOAD_CONST && *consts.get(arg) == Const::None => compare_to_none(nodes, at),
        Op::TO_BOOL => {
            let index = consts.add(Const::Bool(truth(consts)));
            nodes[at].set_nop();
            nodes[at + 1].set(Op::LOAD_CONST, index);
        }
        _ => {}
    }
}

/// `x is None` as a condition is a jump of its own.
fn compare_to_none(nodes: &mut [Node], at: usize) {
    let mut jump = at + 2;
    if jump < nodes.len() && nodes[jump].op == Op::TO_BOOL {
        nodes[jump].set_nop();
        jump += 1;
    }
    let Some(op) = nodes.get(jump).map(|node| node.op) else { return };
    let not = nodes[at + 1].arg == 1;
    let jump_if_none = match op {
        Op::POP_JUMP_IF_TRUE => !not,
        Op::POP_JUMP_IF_FALSE => not,
        _ => return,
    };
    nodes[at].set_nop();
    nodes[at + 1].set_nop();
    nodes[jump].op = if jump_if_none { Op::POP_JUMP_IF_NONE } else { Op::POP_JUMP_IF_NOT_NONE };
}

/// Improvements that look at an instruction and what follows or precedes it in its block.
fn peep_straight(nodes: &mut [Node], at: usize, consts: &mut ConstTable) {
    let (op, arg) = (nodes[at].op, nodes[at].arg);
    let next = nodes.get(at + 1).map_or(Op::CACHE, |node| node.op);
    match op {
        Op::BUILD_TUPLE => {
            if next == Op::UNPACK_SEQUENCE && nodes[at + 1].arg == arg && (1..=3).contains(&arg) {
                nodes[at].set_nop();
                if arg == 1 {
                    nodes[at + 1].set_nop();
                } else {
                    nodes[at + 1].op = Op::SWAP;
                }
            } else {
                fold::tuple(nodes, at, consts);
            }
        }
        Op::BUILD_LIST | Op::BUILD_SET => fold::list_or_set(nodes, at, next, consts),
        Op::LIST_APPEND | Op::SET_ADD if arg == 1 && matches!(next, Op::GET_ITER | Op::CONTAINS_OP) => {
            fold::collected_to_constant(nodes, at, consts);
        }
        Op::STORE_FAST => {
            let again =
                next == Op::STORE_FAST && nodes[at + 1].arg == arg && nodes[at].loc.line == nodes[at + 1].loc.line;
            if again {
                nodes[at].set(Op::POP_TOP, 0);
            }
        }
        Op::SWAP if arg == 1 => nodes[at].set_nop(),
        Op::LOAD_GLOBAL if next == Op::PUSH_NULL && arg & 1 == 0 => {
            nodes[at].arg = arg | 1;
            nodes[at + 1].set_nop();
        }
        Op::COMPARE_OP if next == Op::TO_BOOL => {
            nodes[at].set_nop();
            nodes[at + 1].set(Op::COMPARE_OP, arg | CompareOp::TO_BOOL);
        }
        Op::CONTAINS_OP | Op::IS_OP if matches!(next, Op::TO_BOOL | Op::UNARY_NOT) => {
            nodes[at].set_nop();
            nodes[at + 1].set(op, if next == Op::UNARY_NOT { arg ^ 1 } else { arg });
        }
        Op::TO_BOOL if next == Op::TO_BOOL => nodes[at].set_nop(),
        Op::UNARY_NOT if next == Op::TO_BOOL => {
            nodes[at].set_nop();
            nodes[at + 1].set(Op::UNARY_NOT, 0);
        }
        Op::UNARY_NOT if next == Op::UNARY_NOT => {
            nodes[at].set_nop();
            nodes[at + 1].set_nop();
        }
        Op::UNARY_NOT | Op::UNARY_INVERT | Op::UNARY_NEGATIVE => fold::unary(nodes, at, consts),
        Op::CALL_INTRINSIC_1 if arg == Intrinsic1::ListToTuple.number() => {
            let folded = fold::list_to_tuple(nodes, at, consts);
            if !folded && next == Op::GET_ITER {
                nodes[at].set_nop();
            }
        }
        Op::CALL_INTRINSIC_1 if arg == Intrinsic1::UnaryPositive.number() => fold::unary(nodes, at, consts),
        Op::BINARY_OP => fold::binary(nodes, at, consts),
        _ => {}
    }
}
