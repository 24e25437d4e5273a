//! Loads of local variables: which may find them unbound, and which go in pairs.

use taipan_bytecode::Op;

use super::{BlockId, Graph, Node};

/// Locals that are followed through the whole graph; the others only within one block.
const FOLLOWED: usize = 64;

impl Graph {
    /// Makes loads of locals that may be unbound check for it.
    pub(super) fn check_unbound_locals(&mut self, nlocals: usize, nparams: usize) {
        if nlocals == 0 {
            return;
        }
        if nlocals > FOLLOWED {
            self.check_within_blocks(nlocals);
        }
        self.clear_visited();
        let mut todo = Vec::new();
        let followed = nlocals.min(FOLLOWED);
        let unbound = (nparams.min(followed)..followed).fold(0u64, |mask, local| mask | (1 << local));
        self.spread_unsafe(Graph::ENTRY, unbound, &mut todo);
        for id in self.order() {
            self.check_block(id, &mut todo);
        }
        while let Some(id) = todo.pop() {
            self.block_mut(id).visited = false;
            self.check_block(id, &mut todo);
        }
    }

    fn spread_unsafe(&mut self, id: BlockId, mask: u64, todo: &mut Vec<BlockId>) {
        let block = self.block_mut(id);
        if block.unsafe_locals | mask != block.unsafe_locals {
            block.unsafe_locals |= mask;
            if !block.visited {
                block.visited = true;
                todo.push(id);
            }
        }
    }

    fn check_block(&mut self, id: BlockId, todo: &mut Vec<BlockId>) {
        let mut mask = self.block(id).unsafe_locals;
        for at in 0..self.block(id).nodes.len() {
            let node = &self.block(id).nodes[at];
            let (op, arg, handler) = (node.op, node.arg as usize, node.handler);
            if handler != BlockId::NONE {
                self.spread_unsafe(handler, mask, todo);
            }
            if arg >= FOLLOWED {
                continue;
            }
            let bit = 1u64 << arg;
            match op {
                Op::DELETE_FAST | Op::LOAD_FAST_AND_CLEAR | Op::STORE_FAST_MAYBE_NULL => mask |= bit,
                Op::STORE_FAST | Op::LOAD_FAST_CHECK => mask &= !bit,
                Op::LOAD_FAST => {
                    if mask & bit != 0 {
                        self.block_mut(id).nodes[at].op = Op::LOAD_FAST_CHECK;
                    }
                    mask &= !bit;
                }
                _ => {}
            }
        }
        let (next, falls_through) = (self.block(id).next, self.block(id).falls_through());
        if next != BlockId::NONE && falls_through {
            self.spread_unsafe(next, mask, todo);
        }
        if let Some(&last) = self.last(id).filter(|last| last.op.is_jump()) {
            self.spread_unsafe(last.target, mask, todo);
        }
    }

    /// For the locals after the first 64: only a load or store in the same block shows that one is bound.
    fn check_within_blocks(&mut self, nlocals: usize) {
        let mut bound = vec![0u32; nlocals];
        for (number, id) in (1u32..).zip(self.order()) {
            for node in &mut self.block_mut(id).nodes {
                let local = node.arg as usize;
                if local < FOLLOWED {
                    continue;
                }
                match node.op {
                    Op::DELETE_FAST | Op::LOAD_FAST_AND_CLEAR | Op::STORE_FAST_MAYBE_NULL => bound[local] = number - 1,
                    Op::STORE_FAST => bound[local] = number,
                    Op::LOAD_FAST => {
                        if bound[local] != number {
                            node.op = Op::LOAD_FAST_CHECK;
                        }
                        bound[local] = number;
                    }
                    _ => {}
                }
            }
        }
    }

    /// Joins neighbouring loads and stores of locals.
    pub(super) fn insert_superinstructions(&mut self) {
        for block in &mut self.blocks {
            for at in 1..block.nodes.len() {
                let [first, second] = &mut block.nodes[at - 1..=at] else { continue };
                let joined = match (first.op, second.op) {
                    (Op::LOAD_FAST, Op::LOAD_FAST) => Op::LOAD_FAST_LOAD_FAST,
                    (Op::STORE_FAST, Op::LOAD_FAST) => Op::STORE_FAST_LOAD_FAST,
                    (Op::STORE_FAST, Op::STORE_FAST) => Op::STORE_FAST_STORE_FAST,
                    _ => continue,
                };
                join(first, second, joined);
            }
        }
        self.remove_nops();
    }
}

fn join(first: &mut Node, second: &mut Node, op: Op) {
    let (one, two) = (first.loc.line, second.loc.line);
    if (one >= 0 && two >= 0 && one != two) || first.arg >= 16 || second.arg >= 16 {
        return;
    }
    first.set(op, (first.arg << 4) | second.arg);
    second.set_nop();
}
