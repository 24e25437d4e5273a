//! Fewer `SWAP`s: runs of them are replaced by the shortest with the same effect, and the last ones by exchanging the
//! instructions that take the values.

use taipan_bytecode::Op;

use super::Node;

/// Replaces the run of `SWAP`s and `NOP`s that starts at `at` by a shortest one. Returns the index of its last
/// instruction.
fn shorten_run(nodes: &mut [Node], at: usize) -> usize {
    let length = nodes[at..].iter().take_while(|node| matches!(node.op, Op::SWAP | Op::NOP)).count();
    let run = &mut nodes[at..at + length];
    let swaps: Vec<usize> = run.iter().filter(|node| node.op == Op::SWAP).map(|node| node.arg as usize).collect();
    if swaps.len() < 2 {
        return at;
    }
    let depth = swaps.iter().copied().max().unwrap_or(0);
    let mut stack: Vec<usize> = (0..depth).collect();
    swaps.iter().for_each(|&place| stack.swap(0, place - 1));
    let mut shortest = cycles(stack);
    let mut at_end = run.iter_mut().rev();
    // Made from the end: the moves that would put the stack in order, undone one by one.
    for depth in shortest.drain(..) {
        if let Some(node) = at_end.next() {
            node.set(Op::SWAP, depth);
        }
    }
    at_end.for_each(Node::set_nop);
    at + length - 1
}

/// The `SWAP`s that put a permutation in order, one cycle after the other.
fn cycles(mut stack: Vec<usize>) -> Vec<u32> {
    const DONE: usize = usize::MAX;
    let mut moves = Vec::new();
    for start in 0..stack.len() {
        if stack[start] == DONE || stack[start] == start {
            continue;
        }
        let mut at = start;
        loop {
            if at != 0 {
                moves.push(at as u32 + 1);
            }
            if stack[at] == DONE {
                break;
            }
            at = std::mem::replace(&mut stack[at], DONE);
        }
    }
    moves
}

/// Instructions that take the top value, cannot fail and run nothing but a finaliser.
fn takes_top(op: Op) -> bool {
    matches!(op, Op::STORE_FAST | Op::STORE_FAST_MAYBE_NULL | Op::POP_TOP)
}

/// The local that an instruction stores to.
fn stored(node: &Node) -> Option<u32> {
    matches!(node.op, Op::STORE_FAST | Op::STORE_FAST_MAYBE_NULL).then_some(node.arg)
}

/// The next instruction that takes the top value; on `line` only, if one is given.
fn next_taker(nodes: &[Node], after: usize, line: Option<i32>) -> Option<usize> {
    for (index, node) in nodes.iter().enumerate().skip(after + 1) {
        if line.is_some_and(|line| line >= 0 && node.loc.line != line) {
            return None;
        }
        if node.op != Op::NOP {
            return takes_top(node.op).then_some(index);
        }
    }
    None
}

/// Applies the `SWAP`s up to `at` by exchanging the instructions behind them.
fn apply_statically(nodes: &mut [Node], at: usize) {
    for index in (0..=at).rev() {
        let swap = nodes[index];
        if swap.op != Op::SWAP {
            if swap.op == Op::NOP || takes_top(swap.op) {
                continue;
            }
            return;
        }
        let Some(first) = next_taker(nodes, index, None) else { return };
        let mut other = first;
        let line = nodes[first].loc.line;
        for _ in 1..swap.arg {
            let Some(next) = next_taker(nodes, other, Some(line)) else { return };
            other = next;
        }
        let (one, two) = (stored(&nodes[first]), stored(&nodes[other]));
        if one.is_some() || two.is_some() {
            let clash = |node: &Node| stored(node).is_some_and(|local| Some(local) == one || Some(local) == two);
            if one == two || nodes[first + 1..other].iter().any(clash) {
                return;
            }
        }
        nodes[index].set_nop();
        nodes.swap(first, other);
    }
}

/// Improves all `SWAP`s of a block.
pub(super) fn optimize(nodes: &mut [Node]) {
    let mut at = 0;
    while at < nodes.len() {
        if nodes[at].op == Op::SWAP {
            at = shorten_run(nodes, at);
            apply_statically(nodes, at);
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instr::Loc;

    fn run(ops: &[(Op, u32)]) -> Vec<(Op, u32)> {
        let mut nodes: Vec<Node> = ops.iter().map(|&(op, arg)| Node::new(op, arg, Loc::line_start(1))).collect();
        optimize(&mut nodes);
        nodes.iter().map(|node| (node.op, node.arg)).filter(|&(op, _)| op != Op::NOP).collect()
    }

    #[test]
    fn runs_are_shortened() {
        assert_eq!(run(&[(Op::SWAP, 2), (Op::SWAP, 2)]), []);
        assert_eq!(run(&[(Op::SWAP, 3), (Op::SWAP, 2), (Op::SWAP, 2), (Op::SWAP, 3)]), []);
    }

    #[test]
    fn stores_are_exchanged_unless_they_clash() {
        let stores = [(Op::SWAP, 2), (Op::STORE_FAST, 0), (Op::STORE_FAST, 1)];
        assert_eq!(run(&stores), [(Op::STORE_FAST, 1), (Op::STORE_FAST, 0)]);
        let same = [(Op::SWAP, 2), (Op::STORE_FAST, 1), (Op::STORE_FAST, 1)];
        assert_eq!(run(&same), same);
    }
}
