//! The order of the blocks, and what depends on it: cold code at the end, directions of jumps, cells, pseudo
//! instructions.

use taipan_bytecode::{CodeFlags, Op};

use super::{BlockId, Graph, Node, Scope};
use crate::instr::Loc;

impl Graph {
    /// Marks what can be reached without an exception as warm, and the rest that a handler leads to as cold.
    fn mark_cold(&mut self) {
        self.clear_visited();
        self.block_mut(Graph::ENTRY).visited = true;
        self.spread(vec![Graph::ENTRY], true);
        self.clear_visited();
        let handlers: Vec<BlockId> = self.order().into_iter().filter(|&id| self.block(id).is_handler).collect();
        handlers.iter().for_each(|&id| self.block_mut(id).visited = true);
        self.spread(handlers, false);
    }

    fn spread(&mut self, mut todo: Vec<BlockId>, warm: bool) {
        while let Some(id) = todo.pop() {
            let block = self.block_mut(id);
            if warm {
                block.warm = true;
            } else {
                block.cold = true;
            }
            let next = if block.falls_through() { block.next } else { BlockId::NONE };
            let targets: Vec<BlockId> =
                block.nodes.iter().filter(|node| node.op.is_jump()).map(|node| node.target).collect();
            for reached in std::iter::once(next).chain(targets).filter(|&id| id != BlockId::NONE) {
                let block = self.block_mut(reached);
                if !block.visited && (warm || !block.warm) {
                    block.visited = true;
                    todo.push(reached);
                }
            }
        }
    }

    /// Moves cold blocks behind all others.
    pub(super) fn push_cold_to_end(&mut self) {
        if self.block(Graph::ENTRY).next == BlockId::NONE || !self.blocks.iter().any(|block| block.is_handler) {
            return;
        }
        self.mark_cold();
        self.for_each_in_order(|graph, id| {
            let next = graph.block(id).next;
            if next == BlockId::NONE || !graph.block(id).cold || !graph.block(id).falls_through() {
                return;
            }
            if graph.block(next).warm {
                graph.jump_explicitly(id, next);
            }
        });
        let (cold, warm): (Vec<BlockId>, Vec<BlockId>) = self.order().into_iter().partition(|&id| self.block(id).cold);
        if cold.is_empty() {
            return;
        }
        let order: Vec<BlockId> = warm.into_iter().chain(cold).collect();
        for (index, &id) in order.iter().enumerate() {
            self.block_mut(id).next = order.get(index + 1).copied().unwrap_or(BlockId::NONE);
        }
        self.remove_nops_and_jumps();
    }

    /// Puts a block with a jump to `target` behind a cold block that falls through to it.
    fn jump_explicitly(&mut self, id: BlockId, target: BlockId) {
        let jump = self.new_block();
        self.block_mut(target).labelled = true;
        let block = self.block_mut(jump);
        block.nodes.push(Node { target, ..Node::new(Op::JUMP_NO_INTERRUPT, 0, Loc::NONE) });
        block.cold = true;
        block.predecessors = 1;
        block.next = target;
        self.block_mut(id).next = jump;
    }

    /// Replaces `JUMP_IF_FALSE` and `JUMP_IF_TRUE`, which keep the value, by real instructions.
    pub(super) fn expand_conditional_jumps(&mut self) {
        for block in &mut self.blocks {
            let Some(last) = block.nodes.last_mut() else { continue };
            last.op = match last.op {
                Op::JUMP_IF_FALSE => Op::POP_JUMP_IF_FALSE,
                Op::JUMP_IF_TRUE => Op::POP_JUMP_IF_TRUE,
                _ => continue,
            };
            let jump = *last;
            let end = block.nodes.len() - 1;
            let before = |op, arg| Node { handler: jump.handler, ..Node::new(op, arg, jump.loc) };
            block.insert(end, [before(Op::COPY, 1), before(Op::TO_BOOL, 0)]);
        }
    }

    /// What runs before the body: closing over free variables, making cells, making the generator.
    pub(super) fn insert_prefix(&mut self, scope: &Scope) {
        let mut prefix = Vec::new();
        if scope.nfrees > 0 {
            prefix.push(Node::new(Op::COPY_FREE_VARS, scope.nfrees as u32, Loc::NONE));
        }
        let mut cells: Vec<(u32, u32)> =
            (0..).zip(scope.cell_locals).map(|(cell, local)| (local.unwrap_or(u32::MAX), cell)).collect();
        cells.sort_unstable();
        prefix.extend(cells.iter().map(|&(_, cell)| Node::new(Op::MAKE_CELL, cell, Loc::NONE)));
        if scope.flags.intersects(CodeFlags::ANY_GENERATOR) {
            let line = scope.firstlineno;
            let loc = Loc { line, end_line: line, col: -1, end_col: -1 };
            prefix.extend([Node::new(Op::RETURN_GENERATOR, 0, loc), Node::new(Op::POP_TOP, 0, loc)]);
        }
        self.block_mut(Graph::ENTRY).insert(0, prefix);
    }

    /// Turns indices of cells and free variables into places among all locals: a cell that is a parameter or local too
    /// has the place of that.
    pub(super) fn fix_cells(&mut self, scope: &Scope) {
        let mut next = scope.nlocals as u32;
        let mut fresh = || {
            next += 1;
            next - 1
        };
        let mut places: Vec<u32> = scope.cell_locals.iter().map(|local| local.unwrap_or_else(&mut fresh)).collect();
        places.extend((0..scope.nfrees).map(|_| fresh()));
        if places.is_empty() {
            return;
        }
        for node in self.blocks.iter_mut().flat_map(|block| &mut block.nodes) {
            if matches!(
                node.op,
                Op::MAKE_CELL
                    | Op::LOAD_CLOSURE
                    | Op::LOAD_DEREF
                    | Op::STORE_DEREF
                    | Op::DELETE_DEREF
                    | Op::LOAD_FROM_DICT_OR_DEREF
            ) {
                node.arg = places[node.arg as usize];
            }
        }
    }

    pub(super) fn convert_pseudo_ops(&mut self) {
        for node in self.blocks.iter_mut().flat_map(|block| &mut block.nodes) {
            match node.op {
                op if op.is_block_push() => node.set_nop(),
                Op::LOAD_CLOSURE => node.op = Op::LOAD_FAST,
                Op::STORE_FAST_MAYBE_NULL => node.op = Op::STORE_FAST,
                _ => {}
            }
        }
        self.remove_nops_and_jumps();
    }

    /// Makes every conditional jump go forwards, and marks where it falls through.
    pub(super) fn normalize_jumps(&mut self) {
        self.clear_visited();
        self.for_each_in_order(|graph, id| {
            graph.block_mut(id).visited = true;
            let Some(&last) = graph.last(id) else { return };
            let reversed = match last.op {
                Op::POP_JUMP_IF_FALSE => Op::POP_JUMP_IF_TRUE,
                Op::POP_JUMP_IF_TRUE => Op::POP_JUMP_IF_FALSE,
                Op::POP_JUMP_IF_NONE => Op::POP_JUMP_IF_NOT_NONE,
                Op::POP_JUMP_IF_NOT_NONE => Op::POP_JUMP_IF_NONE,
                _ => return,
            };
            let not_taken = Node::new(Op::NOT_TAKEN, 0, last.loc);
            if !graph.block(last.target).visited {
                let block = graph.block_mut(id);
                let handler = block.spare.pop_front().unwrap_or(BlockId::NONE);
                block.nodes.push(Node { handler, ..not_taken });
                return;
            }
            let back = graph.new_block();
            let (cold, next) = (graph.block(id).cold, graph.block(id).next);
            let depth = graph.block(last.target).start_depth;
            let block = graph.block_mut(back);
            let jump = Node { target: last.target, ..Node::new(Op::JUMP, 0, last.loc) };
            block.nodes.extend([not_taken, jump]);
            block.start_depth = depth;
            block.cold = cold;
            block.next = next;
            let block = graph.block_mut(id);
            block.next = back;
            let jump = block.nodes.last_mut().expect("there is a jump");
            jump.op = reversed;
            jump.target = next;
        });
    }
}
