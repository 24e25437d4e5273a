//! Where lines start: which units of a running copy get a line event.
//!
//! The rules are CPython's (`Python/instrumentation.c`, `initialize_lines`): an instruction starts a line when its line
//! differs from the one before it in the code, and jump targets and handlers start one when control comes from another
//! line. CPython decides the latter at each execution by the previous instruction. Here most targets are decided
//! beforehand; only where some predecessor has the same line and some has not does the probe look at the previous
//! instruction, whose place the predecessors then record (each has a silent probe that saves its `ip`).

use crate::vm::running::Running;
use rustc_hash::FxHashMap;
use taipan_bytecode::Op;

/// Does not start a line.
pub const NO: u8 = 0;
/// Starts a line, wherever control comes from.
pub const START: u8 = 1;
/// Starts a line unless the previous instruction was on it.
pub const DYNAMIC: u8 = 2;

/// Where lines start in a running copy.
pub struct Starts {
    /// For each unit one of the constants above.
    pub kinds: Vec<u8>,
    /// The units from which control comes to each [`DYNAMIC`] one.
    pub before: FxHashMap<u32, Vec<u32>>,
}

/// The instruction of each unit that is one.
pub struct Layout {
    /// Unit, canonical opcode and argument of each instruction from the first `RESUME` on.
    pub instructions: Vec<Instruction>,
}

/// One instruction, as probes see it.
#[derive(Clone, Copy, Debug)]
pub struct Instruction {
    /// Its unit.
    pub unit: u32,
    /// Canonical opcode.
    pub op: Op,
    /// Argument.
    pub arg: u32,
    /// Unit it jumps to.
    pub target: Option<u32>,
}

impl Layout {
    /// The instructions of a copy from its first `RESUME` on (what comes before is never reported).
    pub fn of(running: &Running) -> Layout {
        let code = running.canonical_code();
        let mut instructions = Vec::new();
        for i in code.instructions() {
            if instructions.is_empty() && i.op != Op::RESUME {
                continue;
            }
            let target = i.jump_target().map(|t| running.unit_at_lasti(t * 2) as u32);
            instructions.push(Instruction {
                unit: running.unit_at_lasti(i.index * 2) as u32,
                op: i.op,
                arg: i.arg,
                target,
            });
        }
        Layout { instructions }
    }

    /// Position of a unit's instruction.
    pub fn find(&self, unit: u32) -> Option<usize> {
        self.instructions.binary_search_by_key(&unit, |i| i.unit).ok()
    }
}

/// Where control goes when an instruction jumps, in positions of the layout. A finished `for` or `yield from` goes
/// behind its `END_FOR` or `END_SEND`.
fn target(layout: &Layout, i: &Instruction) -> Option<usize> {
    if i.op == Op::END_ASYNC_FOR {
        return None;
    }
    let at = layout.find(i.target?)?;
    let behind = matches!(i.op, Op::FOR_ITER | Op::SEND);
    Some(at + behind as usize)
}

fn never_starts(op: Op) -> bool {
    matches!(op, Op::END_ASYNC_FOR | Op::END_FOR | Op::END_SEND | Op::RESUME | Op::POP_ITER)
}

/// Finds where lines start.
pub fn starts(running: &Running, layout: &Layout) -> Starts {
    let all = &layout.instructions;
    let line = |n: usize| running.known_line(all[n].unit as usize);
    let mut kinds = vec![NO; all.len()];
    let mut current = None;
    for (n, i) in all.iter().enumerate() {
        if !never_starts(i.op) {
            if line(n) != current && line(n).is_some() {
                kinds[n] = START;
            }
            current = line(n);
        }
    }
    let mut jumps_to: Vec<Vec<usize>> = vec![Vec::new(); all.len()];
    for (n, i) in all.iter().enumerate() {
        if let Some(t) = target(layout, i).filter(|&t| t < all.len()) {
            jumps_to[t].push(n);
            if line(t).is_some() && !matches!(all[t].op, Op::POP_ITER | Op::RESUME | Op::END_ASYNC_FOR) {
                kinds[t] = START;
            }
        }
    }
    for h in &running.handlers {
        if let Some(t) = layout.find(h.target).filter(|&t| line(t).is_some() && all[t].op != Op::END_ASYNC_FOR) {
            kinds[t] = DYNAMIC;
        }
    }
    let mut predecessors = FxHashMap::default();
    for n in 0..all.len() {
        if kinds[n] == NO {
            continue;
        }
        let mut before = jumps_to[n].clone();
        if n > 0 && !all[n - 1].op.no_fallthrough() {
            before.push(n - 1);
        }
        let same = before.iter().filter(|&&p| line(p) == line(n)).count();
        // Behind a `RESUME` a line may start in spite of it.
        let resumes = before.iter().any(|&p| all[p].op == Op::RESUME);
        if kinds[n] == START && same == before.len() && same > 0 && !resumes {
            kinds[n] = NO;
        } else if same > 0 || kinds[n] == DYNAMIC {
            kinds[n] = DYNAMIC;
            predecessors.insert(all[n].unit, before.iter().map(|&p| all[p].unit).collect());
        }
    }
    let mut out = vec![NO; running.unit_count()];
    for (i, k) in all.iter().zip(kinds) {
        out[i.unit as usize] = k;
    }
    Starts { kinds: out, before: predecessors }
}
