//! Which exception handler looks after which instruction.
//!
//! The stacks of handlers that are set up at a place share their lower parts: a stack is an index into a list of
//! (handler, rest) pairs, zero the empty one.

use taipan_bytecode::Op;
use taipan_bytecode::oparg::Resume;

use super::{BlockId, Graph};

struct Entry {
    handler: BlockId,
    rest: u32,
    depth: u32,
}

struct Stacks(Vec<Entry>);

impl Stacks {
    fn top(&self, stack: u32) -> BlockId {
        self.0[stack as usize].handler
    }

    fn depth(&self, stack: u32) -> u32 {
        self.0[stack as usize].depth
    }

    fn push(&mut self, stack: u32, handler: BlockId) -> u32 {
        self.0.push(Entry { handler, rest: stack, depth: self.depth(stack) + 1 });
        self.0.len() as u32 - 1
    }

    fn pop(&self, stack: u32) -> u32 {
        self.0[stack as usize].rest
    }
}

impl Graph {
    /// Marks the blocks that are handlers.
    pub(super) fn mark_handlers(&mut self) {
        for index in 0..self.blocks.len() {
            for at in 0..self.blocks[index].nodes.len() {
                let node = self.blocks[index].nodes[at];
                if node.op.is_block_push() {
                    self.block_mut(node.target).is_handler = true;
                }
            }
        }
    }

    /// Gives every instruction its handler, and removes the `POP_BLOCK`s.
    pub(super) fn label_handlers(&mut self) {
        self.clear_visited();
        let mut stacks = Stacks(vec![Entry { handler: BlockId::NONE, rest: 0, depth: 0 }]);
        let mut todo = vec![Graph::ENTRY];
        self.block_mut(Graph::ENTRY).visited = true;
        while let Some(id) = todo.pop() {
            let mut nodes = std::mem::take(&mut self.block_mut(id).nodes);
            let mut stack = self.block(id).handlers;
            let mut yield_depth = None;
            for node in &mut nodes {
                if node.op.is_block_push() {
                    self.visit(node.target, stack, &mut todo);
                    if matches!(node.op, Op::SETUP_WITH | Op::SETUP_CLEANUP) {
                        self.block_mut(node.target).preserve_lasti = true;
                    }
                    stack = stacks.push(stack, node.target);
                    continue;
                }
                if node.op == Op::POP_BLOCK {
                    stack = stacks.pop(stack);
                    node.set_nop();
                    continue;
                }
                node.handler = stacks.top(stack);
                match node.op {
                    Op::YIELD_VALUE => yield_depth = Some(stacks.depth(stack)),
                    Op::RESUME if node.arg != Resume::Start as u32 && yield_depth.take() == Some(1) => {
                        node.arg |= Resume::DEPTH1;
                    }
                    op if op.is_jump() => self.visit(node.target, stack, &mut todo),
                    _ => {}
                }
            }
            self.block_mut(id).nodes = nodes;
            let next = self.block(id).next;
            if next != BlockId::NONE && self.block(id).falls_through() {
                self.visit(next, stack, &mut todo);
            }
        }
    }

    fn visit(&mut self, id: BlockId, stack: u32, todo: &mut Vec<BlockId>) {
        let block = self.block_mut(id);
        if !block.visited {
            block.visited = true;
            block.handlers = stack;
            todo.push(id);
        }
    }
}
