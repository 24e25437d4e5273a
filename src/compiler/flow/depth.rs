//! The stack depth: on entry of each block, and the most that is needed.

use taipan_bytecode::{Op, Outcome};

use super::{BlockId, Graph};
use crate::CompileError;

impl Graph {
    /// Finds the depth on entry of every block; returns the greatest depth.
    pub(super) fn stack_depth(&mut self) -> Result<u32, CompileError> {
        let mut most = 0;
        let mut todo = Vec::new();
        self.enter(Graph::ENTRY, 0, &mut todo)?;
        while let Some(id) = todo.pop() {
            let mut depth = self.block(id).start_depth;
            let mut falls_through = true;
            for at in 0..self.block(id).nodes.len() {
                let node = self.block(id).nodes[at];
                let after = depth + node.op.stack_effect(node.arg, Outcome::Next);
                if after < 0 {
                    return Err(crate::internal("stack underflow in the flow graph"));
                }
                most = most.max(depth).max(after);
                if node.has_target() && node.op != Op::END_ASYNC_FOR {
                    let target_depth = depth + node.op.stack_effect(node.arg, Outcome::Jump);
                    most = most.max(target_depth);
                    self.enter(node.target, target_depth, &mut todo)?;
                }
                depth = after;
                if node.op.no_fallthrough() {
                    falls_through = false;
                    break;
                }
            }
            let next = self.block(id).next;
            if falls_through && next != BlockId::NONE {
                self.enter(next, depth, &mut todo)?;
            }
        }
        Ok(most.max(1) as u32)
    }

    fn enter(&mut self, id: BlockId, depth: i32, todo: &mut Vec<BlockId>) -> Result<(), CompileError> {
        let block = self.block_mut(id);
        if block.start_depth == i32::MIN {
            block.start_depth = depth;
            todo.push(id);
        } else if block.start_depth != depth {
            return Err(crate::internal("inconsistent stack depth in the flow graph"));
        }
        Ok(())
    }
}
