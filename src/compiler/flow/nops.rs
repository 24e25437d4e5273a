//! Removing what has no effect: idle instructions, useless jumps, unreachable blocks, unused constants.

use taipan_bytecode::{ArgKind, Op};

use super::{BlockId, Graph};
use crate::consts::ConstTable;
use crate::instr::Loc;

/// The largest block that is copied in place of a jump to it, in instructions.
const MAX_COPY_SIZE: usize = 4;

impl Graph {
    /// Counts predecessors and empties the blocks that nothing reaches.
    pub(super) fn remove_unreachable(&mut self) {
        self.blocks.iter_mut().for_each(|block| {
            block.predecessors = 0;
            block.visited = false;
        });
        let mut todo = vec![Graph::ENTRY];
        let entry = self.block_mut(Graph::ENTRY);
        entry.predecessors = 1;
        entry.visited = true;
        while let Some(id) = todo.pop() {
            let next = self.block(id).next;
            if next != BlockId::NONE && self.block(id).falls_through() {
                self.reach(next, &mut todo);
            }
            for at in 0..self.block(id).nodes.len() {
                let node = self.block(id).nodes[at];
                if node.has_target() {
                    self.reach(node.target, &mut todo);
                }
            }
        }
        for block in self.blocks.iter_mut().filter(|block| block.predecessors == 0) {
            block.nodes.clear();
            block.is_handler = false;
        }
    }

    fn reach(&mut self, id: BlockId, todo: &mut Vec<BlockId>) {
        let block = self.block_mut(id);
        block.predecessors += 1;
        if !block.visited {
            block.visited = true;
            todo.push(id);
        }
    }

    /// Removes the idle instructions of one block that no line depends on. Returns how many.
    fn remove_nops_in(&mut self, id: BlockId) -> usize {
        if !self.block(id).nodes.iter().any(|node| node.op == Op::NOP) {
            return 0;
        }
        let mut nodes = std::mem::take(&mut self.block_mut(id).nodes);
        let before = nodes.len();
        let (mut kept, mut previous_line) = (0, -1);
        for at in 0..before {
            let node = nodes[at];
            if node.op == Op::NOP {
                let line = node.loc.line;
                if line < 0 || line == previous_line {
                    continue;
                }
                if at + 1 < before {
                    let next = &mut nodes[at + 1];
                    if next.loc.line == line {
                        continue;
                    }
                    if next.loc.line < 0 {
                        next.loc = node.loc;
                        continue;
                    }
                } else if self.line_after(id) == line {
                    continue;
                }
            }
            nodes[kept] = node;
            kept += 1;
            previous_line = node.loc.line;
        }
        let block = self.block_mut(id);
        block.nodes = nodes;
        block.truncate(kept);
        before - kept
    }

    /// The line of the first instruction that follows a block, idle ones without a line aside.
    fn line_after(&self, id: BlockId) -> i32 {
        let next = self.next_nonempty(self.block(id).next);
        if next == BlockId::NONE {
            return i32::MIN;
        }
        let first = self.block(next).nodes.iter().find(|node| node.op != Op::NOP || node.loc.has_line());
        first.map_or(Loc::NONE.line, |node| node.loc.line)
    }

    pub(super) fn remove_nops(&mut self) -> usize {
        let mut removed = 0;
        self.for_each_in_order(|graph, id| removed += graph.remove_nops_in(id));
        removed
    }

    /// Removes jumps to what follows anyway. Returns how many.
    fn remove_redundant_jumps(&mut self) -> usize {
        let mut removed = 0;
        self.for_each_in_order(|graph, id| {
            let Some(last) = graph.last(id).filter(|last| last.op.is_unconditional_jump()) else { return };
            let target = graph.next_nonempty(last.target);
            if target == graph.next_nonempty(graph.block(id).next) {
                removed += 1;
                graph.block_mut(id).nodes.last_mut().expect("there is a jump").set_nop();
            }
        });
        removed
    }

    pub(super) fn remove_nops_and_jumps(&mut self) {
        while self.remove_nops() + self.remove_redundant_jumps() > 0 {}
    }

    /// Removes idle instructions and pairs that load a value only to drop it.
    pub(super) fn remove_nops_and_pairs(&mut self) {
        let mut done = false;
        while !done {
            done = true;
            let mut previous: Option<(BlockId, usize)> = None;
            self.for_each_in_order(|graph, id| {
                graph.remove_nops_in(id);
                if graph.block(id).labelled {
                    previous = None;
                }
                for at in 0..graph.block(id).nodes.len() {
                    let pushed = previous.map(|(block, index)| graph.block(block).nodes[index]);
                    let idle = graph.block(id).nodes[at].op == Op::POP_TOP
                        && pushed.is_some_and(|node| {
                            matches!(node.op, Op::LOAD_CONST | Op::LOAD_SMALL_INT)
                                || (node.op == Op::COPY && node.arg == 1)
                        });
                    if let (true, Some((block, index))) = (idle, previous) {
                        graph.block_mut(block).nodes[index].set_nop();
                        graph.block_mut(id).nodes[at].set_nop();
                        done = false;
                    }
                    previous = Some((id, at));
                }
                let jumps = previous.is_some_and(|(block, index)| graph.block(block).nodes[index].op.is_jump());
                if jumps || !graph.block(id).falls_through() {
                    previous = None;
                }
            });
        }
    }

    /// Copies small exits, and blocks without lines that end somewhere else, in place of the jumps to them.
    pub(super) fn inline_small_exits(&mut self) {
        let mut changed = true;
        while changed {
            changed = false;
            self.for_each_in_order(|graph, id| changed |= graph.inline_target_of(id));
        }
    }

    fn inline_target_of(&mut self, id: BlockId) -> bool {
        let Some(&last) = self.last(id).filter(|last| last.op.is_unconditional_jump()) else { return false };
        let target = self.block(last.target);
        let small_exit = target.exits_scope() && target.nodes.len() <= MAX_COPY_SIZE;
        let no_line = target.has_no_line() && !target.falls_through();
        if !small_exit && !no_line {
            return false;
        }
        self.block_mut(id).nodes.last_mut().expect("there is a jump").set_nop();
        let copied = self.block(last.target).nodes.clone();
        let nodes = &mut self.block_mut(id).nodes;
        nodes.extend(copied);
        if let Some(end) = nodes.last_mut().filter(|end| no_line && end.op.is_unconditional_jump())
            && last.op == Op::JUMP
        {
            // The jump that was replaced let other threads and signals have their turn; so must this one.
            end.op = Op::JUMP;
        }
        let target = self.block_mut(last.target);
        target.predecessors = target.predecessors.wrapping_sub(1);
        true
    }

    /// Drops the constants that no instruction loads; the first stays, as it may be the docstring.
    pub(super) fn drop_unused_constants(&mut self, consts: &mut ConstTable) {
        if consts.len() == 0 {
            return;
        }
        let mut used = vec![false; consts.len()];
        used[0] = true;
        let loads = |op: Op| op.kind().contains(ArgKind::CONST);
        let order = self.order();
        for &id in &order {
            self.block(id).nodes.iter().filter(|node| loads(node.op)).for_each(|node| used[node.arg as usize] = true);
        }
        if used.iter().all(|&used| used) {
            return;
        }
        let places = consts.retain(&used);
        for &id in &order {
            for node in self.block_mut(id).nodes.iter_mut().filter(|node| loads(node.op)) {
                node.arg = places[node.arg as usize];
            }
        }
    }
}
