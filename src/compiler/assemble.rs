//! From the finished flow graph to the bytes of a code object: distances of jumps, instructions with `EXTENDED_ARG`s and
//! inline caches, the location table and the exception table (CPython's `Python/assemble.c`).

use taipan_bytecode::Position;
use taipan_bytecode::{ExceptionEntry, ExceptionWriter, LocationWriter, Op};

use crate::flow::{BlockId, Graph, Node};
use crate::instr::Loc;

/// The bytes of a code object.
pub struct Assembled {
    pub code: Vec<u8>,
    pub linetable: Vec<u8>,
    pub exceptiontable: Vec<u8>,
}

/// Code units that an instruction takes.
fn size(node: &Node) -> u32 {
    let extended = match node.arg {
        0..=0xff => 0,
        0x100..=0xffff => 1,
        0x1_0000..=0xff_ffff => 2,
        _ => 3,
    };
    1 + extended + node.op.caches() as u32
}

/// Distance from where `END_ASYNC_FOR` is told to jump to, to the `END_SEND` that it means.
const END_SEND_OFFSET: u32 = 5;

struct Assembler<'a> {
    graph: &'a Graph,
    nodes: Vec<Node>,
    /// Index into `nodes` of the first instruction of each block.
    starts: Vec<u32>,
    /// Code unit of each instruction, and the end of all.
    offsets: Vec<u32>,
}

/// Writes the bytes of a graph.
pub fn assemble(graph: &Graph, firstlineno: i32, columns: bool) -> Assembled {
    let mut assembler =
        Assembler { graph, nodes: Vec::new(), starts: vec![0; graph.blocks.len()], offsets: Vec::new() };
    for id in graph.order() {
        assembler.starts[id.0 as usize] = assembler.nodes.len() as u32;
        assembler.nodes.extend_from_slice(&graph.blocks[id.0 as usize].nodes);
    }
    assembler.choose_directions();
    assembler.resolve_distances();
    Assembled {
        code: assembler.code(),
        linetable: assembler.locations(firstlineno, columns),
        exceptiontable: assembler.exceptions(),
    }
}

impl Assembler<'_> {
    fn target(&self, node: &Node) -> u32 {
        self.starts[node.target.0 as usize]
    }

    fn choose_directions(&mut self) {
        for index in 0..self.nodes.len() {
            let node = self.nodes[index];
            if !node.op.is_jump() {
                continue;
            }
            let target = self.target(&node);
            let forward = target > index as u32;
            let node = &mut self.nodes[index];
            // The first guess at the size of the instruction; also CPython's.
            node.arg = target;
            node.op = match node.op {
                Op::JUMP if forward => Op::JUMP_FORWARD,
                Op::JUMP => Op::JUMP_BACKWARD,
                Op::JUMP_NO_INTERRUPT if forward => Op::JUMP_FORWARD,
                Op::JUMP_NO_INTERRUPT => Op::JUMP_BACKWARD_NO_INTERRUPT,
                op => op,
            };
        }
    }

    /// Computes the distances until no instruction changes its size.
    fn resolve_distances(&mut self) {
        loop {
            let mut offset = 0;
            self.offsets.clear();
            for node in &self.nodes {
                self.offsets.push(offset);
                offset += size(node);
            }
            self.offsets.push(offset);
            let mut changed = false;
            let mut end = 0;
            for index in 0..self.nodes.len() {
                let node = self.nodes[index];
                let before = size(&node);
                end += before;
                if !node.op.is_jump() {
                    continue;
                }
                let target = self.offsets[self.target(&node) as usize];
                let node = &mut self.nodes[index];
                node.arg = match node.op {
                    Op::END_ASYNC_FOR => end - target - END_SEND_OFFSET,
                    _ => end.abs_diff(target),
                };
                changed |= size(node) != before;
            }
            if !changed {
                return;
            }
        }
    }

    fn code(&self) -> Vec<u8> {
        let mut code = Vec::with_capacity(2 * self.offsets.last().copied().unwrap_or(0) as usize);
        for node in &self.nodes {
            let [a, b, c, d] = node.arg.to_be_bytes();
            let leading = [a, b, c].iter().position(|&byte| byte != 0).unwrap_or(3);
            for byte in &[a, b, c][leading..] {
                code.extend([Op::EXTENDED_ARG.number() as u8, *byte]);
            }
            code.extend([node.op.number() as u8, d]);
            code.resize(code.len() + 2 * node.op.caches(), 0);
        }
        code
    }

    fn locations(&mut self, firstlineno: i32, columns: bool) -> Vec<u8> {
        for index in (0..self.nodes.len()).rev() {
            let node = &self.nodes[index];
            if node.loc == Loc::NEXT {
                let ends = node.op.is_jump() || node.op.is_scope_exit();
                let next = self.nodes.get(index + 1).filter(|_| !ends).map_or(Loc::NONE, |next| next.loc);
                self.nodes[index].loc = next;
            }
        }
        let mut writer = LocationWriter::new(firstlineno);
        let mut at = 0;
        while at < self.nodes.len() {
            let loc = self.nodes[at].loc;
            let run = self.nodes[at..].iter().take_while(|node| node.loc == loc).count();
            let units = self.offsets[at + run] - self.offsets[at];
            let mut position = loc.position();
            if !columns {
                position = Position { line: position.line, end_line: position.line, ..Position::default() };
            }
            writer.push(&position, units as usize);
            at += run;
        }
        writer.finish()
    }

    fn exceptions(&self) -> Vec<u8> {
        let mut writer = ExceptionWriter::default();
        let mut at = 0;
        while at < self.nodes.len() {
            let handler = self.nodes[at].handler;
            let run = self.nodes[at..].iter().take_while(|node| node.handler == handler).count();
            if handler != BlockId::NONE {
                let block = &self.graph.blocks[handler.0 as usize];
                let lasti = block.preserve_lasti;
                writer.push(&ExceptionEntry {
                    start: self.offsets[at] as usize,
                    end: self.offsets[at + run] as usize,
                    target: self.offsets[self.starts[handler.0 as usize] as usize] as usize,
                    depth: (block.start_depth - 1 - lasti as i32).max(0) as u32,
                    lasti,
                });
            }
            at += run;
        }
        writer.finish()
    }
}
