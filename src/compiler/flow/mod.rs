//! The flow graph: basic blocks in their final order, and the passes over them.
//!
//! The rules are those of CPython 3.14's `Python/flowgraph.c`, so that the same source gives the same instructions.
//! [`optimize`] prepares and improves the graph, [`finish`] makes the decisions that depend on the final order; then
//! [`crate::assemble`] writes the bytes.

mod borrow;
mod build;
mod depth;
mod fold;
mod handlers;
mod layout;
mod lines;
mod locals;
mod nops;
mod peephole;
mod swaps;

pub(crate) use fold::STACK_USE_GUIDELINE;

use std::collections::VecDeque;

use taipan_bytecode::{CodeFlags, Op};

use crate::CompileError;
use crate::consts::ConstTable;
use crate::instr::Loc;

/// Index of a block in its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockId(pub u32);

impl BlockId {
    /// No block.
    pub const NONE: BlockId = BlockId(u32::MAX);
}

/// An instruction in a block.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    pub op: Op,
    pub arg: u32,
    /// Where it jumps to, or the handler that it sets up.
    pub target: BlockId,
    /// The handler that looks after it.
    pub handler: BlockId,
    pub loc: Loc,
}

impl Node {
    fn new(op: Op, arg: u32, loc: Loc) -> Node {
        Node { op, arg, target: BlockId::NONE, handler: BlockId::NONE, loc }
    }

    /// Changes what it does; place, target and handler stay.
    fn set(&mut self, op: Op, arg: u32) {
        self.op = op;
        self.arg = arg;
    }

    fn set_nop(&mut self) {
        self.set(Op::NOP, 0);
    }

    fn has_target(&self) -> bool {
        self.op.is_jump() || self.op.is_block_push()
    }
}

/// A basic block.
#[derive(Debug)]
pub struct Block {
    pub nodes: Vec<Node>,
    /// The block after it in the final order.
    pub next: BlockId,
    /// Stack depth on entry, once known.
    pub start_depth: i32,
    /// Something jumps here, or did.
    labelled: bool,
    predecessors: u32,
    visited: bool,
    is_handler: bool,
    /// Its entry in the exception table keeps the place of the failing instruction.
    pub preserve_lasti: bool,
    warm: bool,
    cold: bool,
    /// Of the first 64 locals, those that may be unbound on entry.
    unsafe_locals: u64,
    /// What handlers are set up on entry (see `handlers`).
    handlers: u32,
    /// Handlers of instructions that were removed from the end. CPython keeps blocks in arrays and does not clear what
    /// is behind their ends, so that a `NOT_TAKEN` added there gets such a handler; it cannot raise, but the exception
    /// table shows it.
    spare: VecDeque<BlockId>,
}

impl Block {
    fn new() -> Block {
        Block {
            nodes: Vec::new(),
            next: BlockId::NONE,
            start_depth: i32::MIN,
            labelled: false,
            predecessors: 0,
            visited: false,
            is_handler: false,
            preserve_lasti: false,
            warm: false,
            cold: false,
            unsafe_locals: 0,
            handlers: 0,
            spare: VecDeque::new(),
        }
    }

    /// Shortens the block.
    fn truncate(&mut self, length: usize) {
        let removed: Vec<BlockId> = self.nodes[length..].iter().map(|node| node.handler).collect();
        removed.into_iter().rev().for_each(|handler| self.spare.push_front(handler));
        self.nodes.truncate(length);
    }

    /// Inserts instructions.
    fn insert(&mut self, at: usize, nodes: impl IntoIterator<Item = Node>) {
        let before = self.nodes.len();
        self.nodes.splice(at..at, nodes);
        self.spare.drain(..(self.nodes.len() - before).min(self.spare.len()));
    }

    fn falls_through(&self) -> bool {
        !self.nodes.last().is_some_and(|last| last.op.no_fallthrough())
    }

    fn exits_scope(&self) -> bool {
        self.nodes.last().is_some_and(|last| last.op.is_scope_exit())
    }

    fn has_no_line(&self) -> bool {
        !self.nodes.iter().any(|node| node.loc.has_line())
    }
}

/// Blocks in a linked order that starts at the first.
#[derive(Debug)]
pub struct Graph {
    pub blocks: Vec<Block>,
}

/// What the passes need to know of the code object.
pub struct Scope<'a> {
    /// Number of parameters and locals.
    pub nlocals: usize,
    /// How many of them are parameters.
    pub nparams: usize,
    pub flags: CodeFlags,
    pub firstlineno: i32,
    /// For each cell, the local that it is made from.
    pub cell_locals: &'a [Option<u32>],
    pub nfrees: usize,
}

impl Graph {
    pub const ENTRY: BlockId = BlockId(0);

    fn block(&self, id: BlockId) -> &Block {
        &self.blocks[id.0 as usize]
    }

    fn block_mut(&mut self, id: BlockId) -> &mut Block {
        &mut self.blocks[id.0 as usize]
    }

    fn new_block(&mut self) -> BlockId {
        self.blocks.push(Block::new());
        BlockId(self.blocks.len() as u32 - 1)
    }

    /// The blocks in their order. Blocks linked in behind the current one are visited too.
    pub fn order(&self) -> Vec<BlockId> {
        let mut all = Vec::with_capacity(self.blocks.len());
        let mut at = Graph::ENTRY;
        while at != BlockId::NONE {
            all.push(at);
            at = self.block(at).next;
        }
        all
    }

    fn for_each_in_order(&mut self, mut each: impl FnMut(&mut Graph, BlockId)) {
        let mut at = Graph::ENTRY;
        while at != BlockId::NONE {
            each(self, at);
            at = self.block(at).next;
        }
    }

    fn next_nonempty(&self, mut id: BlockId) -> BlockId {
        while id != BlockId::NONE && self.block(id).nodes.is_empty() {
            id = self.block(id).next;
        }
        id
    }

    fn clear_visited(&mut self) {
        self.blocks.iter_mut().for_each(|block| block.visited = false);
    }

    fn last(&self, id: BlockId) -> Option<&Node> {
        self.block(id).nodes.last()
    }
}

/// Everything up to the order of the blocks: handlers, line numbers, constant folding, jump threading, unreachable and
/// cold code, checks of unbound locals, superinstructions.
pub fn optimize(graph: &mut Graph, consts: &mut ConstTable, scope: &Scope) {
    graph.mark_handlers();
    graph.label_handlers();
    graph.inline_small_exits();
    graph.remove_unreachable();
    graph.resolve_lines();
    graph.fold_loaded_constants(consts);
    graph.peephole(consts);
    graph.remove_nops_and_pairs();
    graph.remove_unreachable();
    graph.remove_nops_and_jumps();
    graph.drop_unused_constants(consts);
    graph.check_unbound_locals(scope.nlocals, scope.nparams);
    graph.insert_superinstructions();
    graph.push_cold_to_end();
    graph.resolve_lines();
}

/// What depends on the final order: pseudo instructions, stack depth, cells, borrowed loads. Returns the stack depth.
pub fn finish(graph: &mut Graph, scope: &Scope) -> Result<u32, CompileError> {
    graph.expand_conditional_jumps();
    let depth = graph.stack_depth()?;
    graph.insert_prefix(scope);
    graph.fix_cells(scope);
    graph.convert_pseudo_ops();
    graph.normalize_jumps();
    graph.borrow_loads();
    Ok(depth)
}
