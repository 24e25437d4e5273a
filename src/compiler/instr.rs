//! Instructions before they are laid out: with labels instead of distances, and with their places in the source.

use taipan_bytecode::{Op, Position};

/// A place in the source; lines count from 1, columns are UTF-8 bytes. Lines below zero are the markers below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loc {
    pub line: i32,
    pub end_line: i32,
    pub col: i32,
    pub end_col: i32,
}

impl Loc {
    /// An artificial instruction: no line of its own, takes that of what leads to it where it needs one.
    pub const NONE: Loc = Loc { line: -1, end_line: -1, col: -1, end_col: -1 };
    /// Takes the place of the next instruction.
    pub const NEXT: Loc = Loc { line: -2, end_line: -2, col: -2, end_col: -2 };

    /// The place of one line's start.
    pub const fn line_start(line: i32) -> Loc {
        Loc { line, end_line: line, col: 0, end_col: 0 }
    }

    /// True if it names a line.
    pub fn has_line(self) -> bool {
        self.line >= 0
    }

    /// As the location table has it.
    pub fn position(self) -> Position {
        let known = |value: i32| (value >= 0).then_some(value);
        Position {
            line: known(self.line),
            end_line: known(self.end_line),
            column: known(self.col),
            end_column: known(self.end_col),
        }
    }
}

/// Something to jump to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(pub u32);

impl Label {
    /// No label.
    pub const NONE: Label = Label(u32::MAX);
}

/// An instruction of a [`Sequence`]; the argument of jumps and block setups is a label.
#[derive(Clone, Copy, Debug)]
pub struct Instr {
    pub op: Op,
    pub arg: u32,
    pub loc: Loc,
}

impl Instr {
    /// True if the argument is a label.
    pub fn has_target(&self) -> bool {
        self.op.is_jump() || self.op.is_block_push()
    }
}

/// What code generation writes: a straight list of instructions with labels.
#[derive(Debug, Default)]
pub struct Sequence {
    pub instrs: Vec<Instr>,
    /// Index of the instruction that each label stands before.
    pub labels: Vec<u32>,
    /// Instructions that take the place of `ANNOTATIONS_PLACEHOLDER`; without jumps.
    pub annotations: Option<Vec<Instr>>,
}

impl Sequence {
    /// A label that has no place yet.
    pub fn new_label(&mut self) -> Label {
        self.labels.push(u32::MAX);
        Label(self.labels.len() as u32 - 1)
    }

    /// Puts a label before the next instruction.
    pub fn use_label(&mut self, label: Label) {
        self.labels[label.0 as usize] = self.instrs.len() as u32;
    }

    /// Appends an instruction.
    pub fn push(&mut self, op: Op, arg: u32, loc: Loc) {
        self.instrs.push(Instr { op, arg, loc });
    }

    /// Inserts an instruction at the front; labels move with what they stand before.
    pub fn push_front(&mut self, op: Op, arg: u32, loc: Loc) {
        self.instrs.insert(0, Instr { op, arg, loc });
        self.labels.iter_mut().filter(|place| **place != u32::MAX).for_each(|place| *place += 1);
    }
}
