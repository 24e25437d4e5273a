//! Line numbers of artificial instructions (PEP 626): every way out of a frame must have one, and no line may be
//! reported that was not run.

use taipan_bytecode::Op;

use super::{BlockId, Graph, Node};
use crate::instr::Loc;

/// Instructions that let other threads and signals have their turn.
fn breaks_eval(op: Op) -> bool {
    matches!(op, Op::JUMP | Op::JUMP_BACKWARD | Op::RESUME | Op::CALL | Op::CALL_KW | Op::CALL_FUNCTION_EX)
}

impl Graph {
    pub(super) fn resolve_lines(&mut self) {
        self.duplicate_exits();
        self.propagate_lines();
    }

    fn is_exit_without_line(&self, id: BlockId) -> bool {
        let block = self.block(id);
        (block.exits_scope() || block.nodes.iter().any(|node| breaks_eval(node.op))) && block.has_no_line()
    }

    /// Gives each jump to an exit without a line a copy of its own, so that it can take the line of the jump.
    fn duplicate_exits(&mut self) {
        self.for_each_in_order(|graph, id| {
            let Some(&last) = graph.last(id).filter(|last| last.op.is_jump()) else { return };
            let target = graph.next_nonempty(last.target);
            if target == BlockId::NONE || graph.block(target).predecessors <= 1 || !graph.is_exit_without_line(target) {
                return;
            }
            let copy = graph.new_block();
            let mut nodes: Vec<Node> = graph.block(target).nodes.clone();
            nodes[0].loc = last.loc;
            let after = graph.block(target).next;
            let block = graph.block_mut(copy);
            block.nodes = nodes;
            block.predecessors = 1;
            block.labelled = true;
            block.next = after;
            let block = graph.block_mut(target);
            block.predecessors -= 1;
            block.next = copy;
            graph.block_mut(id).nodes.last_mut().expect("there is a jump").target = copy;
        });
        self.for_each_in_order(|graph, id| {
            let (block, next) = (graph.block(id), graph.block(id).next);
            if next == BlockId::NONE || !block.falls_through() || !graph.is_exit_without_line(next) {
                return;
            }
            if let Some(loc) = graph.last(id).map(|last| last.loc) {
                graph.block_mut(next).nodes[0].loc = loc;
            }
        });
    }

    /// Instructions without a line take that of the one before; so does the start of a block with one predecessor.
    fn propagate_lines(&mut self) {
        self.for_each_in_order(|graph, id| {
            let Some(&last) = graph.last(id) else { return };
            let mut loc = Loc::NONE;
            for node in &mut graph.block_mut(id).nodes {
                if node.loc.line == Loc::NONE.line {
                    node.loc = loc;
                } else {
                    loc = node.loc;
                }
            }
            let next = graph.block(id).next;
            if graph.block(id).falls_through() && next != BlockId::NONE {
                graph.inherit_line(next, loc);
            }
            if last.op.is_jump() {
                graph.inherit_line(last.target, loc);
            }
        });
    }

    fn inherit_line(&mut self, id: BlockId, loc: Loc) {
        let block = self.block_mut(id);
        if block.predecessors == 1
            && let Some(first) = block.nodes.first_mut().filter(|first| first.loc.line == Loc::NONE.line)
        {
            first.loc = loc;
        }
    }
}
