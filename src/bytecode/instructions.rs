//! Walking over `co_code`, instruction by instruction.

use crate::Op;

/// One instruction with its whole argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Code unit of the first `EXTENDED_ARG`, or of the instruction itself if it has none.
    pub start: usize,
    /// Code unit of the instruction.
    pub index: usize,
    /// What it does.
    pub op: Op,
    /// Its argument, `EXTENDED_ARG`s folded in; zero if it has none.
    pub arg: u32,
}

impl Instruction {
    /// Code unit after the instruction and its inline caches.
    pub fn end(&self) -> usize {
        self.index + 1 + self.op.caches()
    }

    /// Code unit that it jumps to, if it is a jump.
    pub fn jump_target(&self) -> Option<usize> {
        let distance = self.arg as usize;
        match self.op {
            op if op.is_backward_jump() => self.end().checked_sub(distance),
            op if op.is_jump() => Some(self.end() + distance),
            _ => None,
        }
    }
}

/// Iterator over the instructions of `co_code`. It ends at the first byte that is no instruction.
#[derive(Clone, Debug)]
pub struct Instructions<'a> {
    code: &'a [u8],
    unit: usize,
}

impl<'a> Instructions<'a> {
    /// From the bytes of `co_code`.
    pub fn new(code: &'a [u8]) -> Self {
        Instructions { code, unit: 0 }
    }

    /// From the instruction that starts at a code unit.
    pub fn starting_at(code: &'a [u8], unit: usize) -> Self {
        Instructions { code, unit }
    }

    /// The next code unit to be read.
    pub fn unit(&self) -> usize {
        self.unit
    }
}

impl Iterator for Instructions<'_> {
    type Item = Instruction;

    fn next(&mut self) -> Option<Instruction> {
        let start = self.unit;
        let mut arg = 0u32;
        let mut index = start;
        loop {
            let unit = self.code.get(2 * index..2 * index + 2)?;
            let op = Op::from_u8(unit[0])?;
            arg = (arg << 8) | unit[1] as u32;
            if op != Op::EXTENDED_ARG {
                self.unit = index + 1 + op.caches();
                return Some(Instruction { start, index, op, arg });
            }
            index += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_extended_arguments_and_skips_caches() {
        let code = [69, 1, 82, 2, 75, 4, 0, 0, 27, 0];
        let all: Vec<_> = Instructions::new(&code).collect();
        assert_eq!(all[0], Instruction { start: 0, index: 1, op: Op::LOAD_CONST, arg: 0x102 });
        assert_eq!((all[1].op, all[1].jump_target()), (Op::JUMP_BACKWARD, Some(0)));
        assert_eq!((all[2].op, all[2].start), (Op::NOP, 4));
    }
}
