//! From a sequence of instructions with labels to blocks.

use taipan_bytecode::Op;

use super::{Block, BlockId, Graph, Node};
use crate::instr::{Instr, Sequence};

struct Builder {
    blocks: Vec<Block>,
    /// Index of an instruction to the block that it starts, for those that are jumped to.
    starts: Vec<BlockId>,
}

impl Builder {
    fn current(&mut self) -> &mut Block {
        self.blocks.last_mut().expect("a graph has a block")
    }

    fn start_block(&mut self) {
        let next = BlockId(self.blocks.len() as u32);
        self.current().next = next;
        self.blocks.push(Block::new());
    }

    fn label(&mut self, index: usize) {
        let current = self.current();
        if !current.nodes.is_empty() || current.labelled {
            self.start_block();
        }
        self.current().labelled = true;
        self.starts[index] = BlockId(self.blocks.len() as u32 - 1);
    }

    fn push(&mut self, instr: &Instr) {
        if self.current().nodes.last().is_some_and(|last| last.op.is_jump() || last.op.is_scope_exit()) {
            self.start_block();
        }
        self.current().nodes.push(Node::new(instr.op, instr.arg, instr.loc));
    }
}

impl Graph {
    /// The blocks of a sequence.
    pub fn build(sequence: &Sequence) -> Graph {
        let targets = targets(sequence);
        let mut builder = Builder { blocks: vec![Block::new()], starts: vec![BlockId::NONE; sequence.instrs.len()] };
        for (index, instr) in sequence.instrs.iter().enumerate() {
            if instr.op == Op::ANNOTATIONS_PLACEHOLDER {
                sequence.annotations.iter().flatten().for_each(|instr| builder.push(instr));
                continue;
            }
            if targets[index] {
                builder.label(index);
            }
            builder.push(instr);
        }
        let Builder { mut blocks, starts } = builder;
        for node in blocks.iter_mut().flat_map(|block| &mut block.nodes) {
            if node.has_target() {
                node.target = starts[sequence.labels[node.arg as usize] as usize];
            }
        }
        Graph { blocks }
    }
}

/// Which instructions are jumped to.
fn targets(sequence: &Sequence) -> Vec<bool> {
    let mut targets = vec![false; sequence.instrs.len()];
    for instr in sequence.instrs.iter().filter(|instr| instr.has_target()) {
        targets[sequence.labels[instr.arg as usize] as usize] = true;
    }
    targets
}
