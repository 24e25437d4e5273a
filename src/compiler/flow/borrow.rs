//! Loads of locals that need no reference of their own: the value is taken from the stack before the local can change.
//!
//! Each block is run on a stack that tells where its values come from. A load can borrow unless its value is still on
//! the stack when its local changes or the block ends, or is stored to a local.

use taipan_bytecode::Op;

use super::{BlockId, Graph};

/// Where a value on the stack comes from.
#[derive(Clone, Copy)]
struct Source {
    /// The instruction, if it is in this block.
    node: Option<usize>,
    /// The local that it was loaded from.
    local: Option<u32>,
}

const UNKNOWN: Source = Source { node: None, local: None };

/// What is known while a block is run.
#[derive(Default)]
struct Run {
    stack: Vec<Source>,
    /// For each instruction: its value must be owned.
    owned: Vec<bool>,
}

impl Run {
    fn push(&mut self, node: usize, local: Option<u32>) {
        self.stack.push(Source { node: Some(node), local });
    }

    fn pop(&mut self) -> Source {
        self.stack.pop().unwrap_or(UNKNOWN)
    }

    fn drop(&mut self, count: u32) {
        self.stack.truncate(self.stack.len().saturating_sub(count as usize));
    }

    fn own(&mut self, source: Source) {
        if let Some(node) = source.node {
            self.owned[node] = true;
        }
    }

    fn change_local(&mut self, local: u32) {
        for index in 0..self.stack.len() {
            if self.stack[index].local == Some(local) {
                self.own(self.stack[index]);
            }
        }
    }

    fn store(&mut self, local: u32) {
        let value = self.pop();
        self.change_local(local);
        self.own(value);
    }
}

impl Graph {
    pub(super) fn borrow_loads(&mut self) {
        self.clear_visited();
        let mut run = Run::default();
        let mut todo = vec![Graph::ENTRY];
        self.block_mut(Graph::ENTRY).visited = true;
        self.block_mut(Graph::ENTRY).start_depth = 0;
        while let Some(id) = todo.pop() {
            run.stack.clear();
            run.stack.resize(self.block(id).start_depth.max(0) as usize, UNKNOWN);
            run.owned.clear();
            run.owned.resize(self.block(id).nodes.len(), false);
            for at in 0..self.block(id).nodes.len() {
                self.run_node(id, at, &mut run, &mut todo);
            }
            let block = self.block(id);
            let falls_through = !block.nodes.is_empty() && block.falls_through();
            if falls_through && block.next != BlockId::NONE {
                self.follow(block.next, &mut todo);
            }
            run.stack.clone().into_iter().for_each(|source| run.own(source));
            for (node, owned) in self.block_mut(id).nodes.iter_mut().zip(&run.owned) {
                match node.op {
                    Op::LOAD_FAST if !owned => node.op = Op::LOAD_FAST_BORROW,
                    Op::LOAD_FAST_LOAD_FAST if !owned => node.op = Op::LOAD_FAST_BORROW_LOAD_FAST_BORROW,
                    _ => {}
                }
            }
        }
    }

    fn follow(&mut self, id: BlockId, todo: &mut Vec<BlockId>) {
        let block = self.block_mut(id);
        if !block.visited {
            block.visited = true;
            todo.push(id);
        }
    }

    fn run_node(&mut self, id: BlockId, at: usize, run: &mut Run, todo: &mut Vec<BlockId>) {
        let node = self.block(id).nodes[at];
        let arg = node.arg;
        if node.has_target() {
            self.follow(node.target, todo);
        }
        match node.op {
            Op::LOAD_FAST => run.push(at, Some(arg)),
            Op::LOAD_FAST_AND_CLEAR => {
                run.change_local(arg);
                run.push(at, Some(arg));
            }
            Op::LOAD_FAST_LOAD_FAST => {
                run.push(at, Some(arg >> 4));
                run.push(at, Some(arg & 15));
            }
            Op::STORE_FAST => run.store(arg),
            Op::STORE_FAST_LOAD_FAST => {
                run.store(arg >> 4);
                run.push(at, Some(arg & 15));
            }
            Op::STORE_FAST_STORE_FAST => {
                run.store(arg >> 4);
                run.store(arg & 15);
            }
            Op::COPY => {
                let source = run.stack[run.stack.len() - arg as usize];
                run.stack.push(source);
            }
            Op::SWAP => {
                let top = run.stack.len() - 1;
                run.stack.swap(top, top + 1 - arg as usize);
            }
            // These leave what they look at on the stack. What they push counts for the first instruction of the
            // block, as in CPython 3.14; that only makes one load more own its value.
            Op::GET_ANEXT
            | Op::GET_LEN
            | Op::IMPORT_FROM
            | Op::MATCH_KEYS
            | Op::MATCH_MAPPING
            | Op::MATCH_SEQUENCE
            | Op::WITH_EXCEPT_START => run.push(0, None),
            Op::DICT_MERGE
            | Op::DICT_UPDATE
            | Op::LIST_APPEND
            | Op::LIST_EXTEND
            | Op::MAP_ADD
            | Op::RERAISE
            | Op::SET_ADD
            | Op::SET_UPDATE => run.drop(node.op.popped(arg) - node.op.pushed(arg)),
            Op::CHECK_EXC_MATCH => {
                run.pop();
                run.push(at, None);
            }
            // A generator, or a string, may stay what it is.
            Op::GET_YIELD_FROM_ITER | Op::FORMAT_SIMPLE => {}
            Op::LOAD_SPECIAL => {
                let object = run.pop();
                run.push(at, None);
                run.stack.push(object);
            }
            Op::DELETE_FAST => run.change_local(arg),
            Op::FOR_ITER => run.push(at, None),
            Op::LOAD_ATTR | Op::LOAD_SUPER_ATTR => {
                let object = run.pop();
                if node.op == Op::LOAD_SUPER_ATTR {
                    run.drop(2);
                }
                run.push(at, None);
                if arg & 1 == 1 {
                    // A method call may put the object back.
                    run.stack.push(object);
                }
            }
            Op::SEND => {
                run.pop();
                run.push(at, None);
            }
            op if op.is_block_push() => {}
            op => {
                run.drop(op.popped(arg));
                (0..op.pushed(arg)).for_each(|_| run.push(at, None));
            }
        }
    }
}
