//! The running copy of a code object: one 8-byte unit for each canonical instruction, quickened and patched in place.
//!
//! A unit holds the opcode, the argument and 32 bits of inline cache; what an instruction needs beyond that (a constant's
//! word, a name, more cache) lies in units after it, which are never executed. `EXTENDED_ARG` is folded in. Two tables map
//! unit numbers to canonical offsets and back, so `f_lasti`, lines and handlers speak of the canonical code.
//!
//! A probe replaces the opcode of one unit by `PROBE`; the displaced opcode is kept beside the code (`probe::sites`).

use super::handlers::opcode as rop;
use crate::object::Py;
use crate::types::code::Code;
use crate::types::str::Str;
use taipan_bytecode::{CodeFlags, CodeObject, LocalKind, Op};

/// One unit of the running copy.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Unit {
    /// Handler number, see `handlers::opcode`.
    pub op: u16,
    /// Argument.
    pub arg: u16,
    /// Inline cache: a jump distance in units, a version, or the counter before specialisation.
    pub cache: u32,
}

impl Unit {
    /// Reads a data unit as a word.
    ///
    /// # Safety
    /// `p` points to a data unit.
    #[inline(always)]
    pub unsafe fn word(p: *const Unit) -> u64 {
        // SAFETY: a unit is 8 bytes, aligned to 8 (the boxed slice is of u64).
        unsafe { *p.cast::<u64>() }
    }
    /// Writes a data unit.
    ///
    /// # Safety
    /// As [`Unit::word`]; the running copy is alive.
    #[inline(always)]
    pub unsafe fn set_word(p: *const Unit, w: u64) {
        // SAFETY: the units are heap memory that only this thread writes (GIL).
        unsafe { *p.cast_mut().cast::<u64>() = w }
    }
}

/// An exception handler's range, in units.
#[derive(Clone, Copy, Debug)]
pub struct HandlerRange {
    /// First unit covered.
    pub start: u32,
    /// First unit no longer covered.
    pub end: u32,
    /// Where to go.
    pub target: u32,
    /// Stack depth to restore.
    pub depth: u32,
    /// Whether the offset of the raising instruction is pushed.
    pub lasti: bool,
}

/// The running copy.
pub struct Running {
    units: Box<[u64]>,
    /// Words of locals, cells and free variables.
    pub nlocals: usize,
    /// Words of evaluation stack.
    pub stack_size: usize,
    /// Number of positional parameters.
    pub argcount: usize,
    /// How many of them are positional only.
    pub posonly: usize,
    /// Number of keyword-only parameters.
    pub kwonly: usize,
    /// Parameters in all, `*args` and `**kwargs` included.
    pub total_args: usize,
    /// `co_flags`.
    pub flags: CodeFlags,
    /// Positional parameters only, no star arguments: a call with that many arguments needs no binding.
    pub simple: bool,
    /// The code object's payload (which owns this copy).
    pub code: *const Code,
    /// Exception handlers by growing start; inner ranges do not overlap (CPython's table is flat).
    pub handlers: Vec<HandlerRange>,
    /// Canonical offset in code units of each unit's instruction.
    canonical: Vec<u32>,
    /// Unit of each canonical code unit (caches map to their instruction).
    unit_of: Vec<u32>,
    lines: std::cell::OnceCell<Vec<u32>>,
}

/// Extra data units an instruction has.
pub fn extra_units(op: Op) -> usize {
    match op {
        Op::LOAD_CONST => 1,
        Op::LOAD_ATTR => 4,
        Op::STORE_ATTR => 3,
        Op::LOAD_GLOBAL => 2,
        Op::CALL | Op::CALL_KW => 2,
        Op::BINARY_OP => 1,
        Op::LOAD_SUPER_ATTR => 1,
        Op::STORE_NAME
        | Op::DELETE_NAME
        | Op::STORE_GLOBAL
        | Op::DELETE_GLOBAL
        | Op::LOAD_NAME
        | Op::DELETE_ATTR
        | Op::IMPORT_NAME
        | Op::IMPORT_FROM
        | Op::LOAD_FROM_DICT_OR_GLOBALS => 1,
        Op::CONTAINS_OP
        | Op::COMPARE_OP
        | Op::STORE_SUBSCR
        | Op::TO_BOOL
        | Op::UNPACK_SEQUENCE
        | Op::FOR_ITER
        | Op::SEND => 1,
        _ => 0,
    }
}

impl Running {
    /// Makes the running copy of `code`; constants and names are those of the code object.
    pub fn new(code: &Code) -> Box<Running> {
        super::watch::first_run(code);
        let c: &CodeObject = &code.canonical;
        let mut units: Vec<u64> = Vec::with_capacity(c.code.len() / 2 + 8);
        let mut canonical = Vec::with_capacity(units.capacity());
        let mut unit_of = vec![0u32; c.code.len() / 2 + 1];
        let mut jumps = Vec::new();
        let mut decoded = 0;
        for i in c.instructions() {
            decoded = i.end();
            let at = units.len() as u32;
            // The first code unit of an instruction may be an EXTENDED_ARG; offsets name the opcode's own unit.
            for slot in &mut unit_of[i.start..i.end()] {
                *slot = at;
            }
            let arg = i.arg;
            push(&mut units, i.op.number(), arg as u16, rop::initial_cache(i.op));
            canonical.push(i.index as u32);
            if let Some(target) = i.jump_target() {
                jumps.push((at as usize, target));
            }
            for n in 0..extra_units(i.op) {
                let word = if n == 0 { data_word(code, i.op, arg) } else { 0 };
                units.push(word);
                canonical.push(i.index as u32);
            }
        }
        let end = units.len() as u32;
        // Code made by hand may hold a byte that is no opcode, or have no end: what runs there says so.
        let unknown = c.code.get(decoded * 2).copied().unwrap_or(0);
        push(&mut units, rop::UNKNOWN, unknown as u16, 0);
        canonical.push(canonical.last().copied().unwrap_or(0));
        if let Some(last) = unit_of.last_mut() {
            *last = end;
        }
        for (at, target) in jumps {
            let distance = unit_of[target] as i64 - at as i64;
            units[at] = (units[at] & 0xFFFF_FFFF) | ((distance as i32 as u32 as u64) << 32);
        }
        let handlers = c
            .exception_entries()
            .map(|e| HandlerRange {
                start: unit_of[e.start],
                end: unit_of[e.end],
                target: unit_of[e.target],
                depth: e.depth,
                lasti: e.lasti,
            })
            .collect();
        let simple = c.kwonlyargcount == 0 && !c.flags.intersects(CodeFlags::VARARGS | CodeFlags::VARKEYWORDS);
        Box::new(Running {
            units: units.into_boxed_slice(),
            nlocals: c.localsplusnames.len(),
            stack_size: c.stacksize as usize + 1,
            argcount: c.argcount as usize,
            posonly: c.posonlyargcount as usize,
            kwonly: c.kwonlyargcount as usize,
            total_args: c.total_args(),
            flags: c.flags,
            simple,
            code,
            handlers,
            canonical,
            unit_of,
            lines: std::cell::OnceCell::new(),
        })
    }

    /// First unit.
    #[inline(always)]
    pub fn start(&self) -> *const Unit {
        self.units.as_ptr().cast()
    }
    /// Number of units.
    pub fn unit_count(&self) -> usize {
        self.units.len()
    }
    /// Number of the unit at `ip`.
    #[inline]
    pub fn index_of(&self, ip: *const Unit) -> usize {
        (ip as usize - self.start() as usize) / 8
    }
    /// The unit with this number.
    #[inline]
    pub fn at(&self, index: usize) -> *const Unit {
        // SAFETY: callers pass numbers of units of this copy.
        unsafe { self.start().add(index) }
    }
    /// Canonical byte offset of the instruction at `ip` (`f_lasti`).
    pub fn lasti(&self, ip: *const Unit) -> i32 {
        self.canonical.get(self.index_of(ip)).map_or(-1, |&c| c as i32 * 2)
    }
    /// The unit of the instruction at a canonical byte offset.
    pub fn unit_at_lasti(&self, offset: usize) -> usize {
        self.unit_of[offset / 2] as usize
    }
    /// Whether the unit is an instruction (not data).
    pub fn is_instruction(&self, index: usize) -> bool {
        index == 0 || self.canonical[index] != self.canonical[index - 1]
    }
    /// Canonical code unit number of a unit.
    pub fn canonical_unit(&self, index: usize) -> usize {
        self.canonical[index] as usize
    }
    /// The line of the instruction at `ip`; `None` for artificial ones.
    pub fn line_of(&self, ip: *const Unit) -> Option<u32> {
        match self.line_of_unit(self.index_of(ip)) {
            0 => None,
            l => Some(l),
        }
    }
    /// Line of a unit, 0 when it has none. A table made at first use.
    pub fn line_of_unit(&self, index: usize) -> u32 {
        self.known_line(index).unwrap_or(0)
    }
    /// As [`Running::line_of_unit`], telling an instruction without a line from one of line 0 (where modules start).
    pub fn known_line(&self, index: usize) -> Option<u32> {
        const NONE: u32 = u32::MAX;
        let lines = self.lines.get_or_init(|| {
            // SAFETY: the code object owns this copy.
            let c = unsafe { &(*self.code).canonical };
            let mut by_code_unit = vec![NONE; c.code.len() / 2];
            for r in c.lines() {
                for slot in &mut by_code_unit[r.start / 2..(r.end / 2).min(c.code.len() / 2)] {
                    *slot = r.line.map_or(NONE, |l| l as u32);
                }
            }
            self.canonical.iter().map(|&u| by_code_unit.get(u as usize).copied().unwrap_or(NONE)).collect()
        });
        lines.get(index).copied().filter(|&l| l != NONE)
    }
    /// The innermost handler that covers unit `index`.
    pub fn handler_for(&self, index: usize) -> Option<&HandlerRange> {
        let i = self.handlers.partition_point(|h| h.start as usize <= index);
        self.handlers[..i].iter().rev().find(|h| index < h.end as usize)
    }
    /// Replaces a unit's opcode (quickening, probes).
    pub fn patch(&self, index: usize, op: u16) {
        // SAFETY: the units are heap memory written under the GIL only (I1).
        unsafe { (*self.at(index).cast_mut()).op = op }
    }
    /// Sets the inline cache of a unit.
    pub fn set_cache(&self, index: usize, cache: u32) {
        // SAFETY: as `patch`.
        unsafe { (*self.at(index).cast_mut()).cache = cache }
    }
    /// The canonical opcode at a unit.
    pub fn canonical_op(&self, index: usize) -> Option<Op> {
        self.canonical_code().code.get(self.canonical_unit(index) * 2).copied().and_then(Op::from_u8)
    }
    /// The canonical code.
    pub fn canonical_code(&self) -> &CodeObject {
        // SAFETY: the code object owns this copy.
        unsafe { &(*self.code).canonical }
    }
    /// A handle to the code object.
    pub fn code_handle(&self) -> Py<Code> {
        let word = self.code as usize - std::mem::offset_of!(crate::object::value::Obj<Code>, payload);
        // SAFETY: the code object owns this copy, so it is alive.
        unsafe {
            Py::from_value_unchecked(crate::object::Value::from_header(word as *const crate::object::header::Header))
        }
    }
    /// A frame's size in words.
    #[inline(always)]
    pub fn frame_words(&self) -> usize {
        self.nlocals + super::frame::FRAME_WORDS + self.stack_size
    }
    /// Kind of a local.
    pub fn local_kind(&self, index: usize) -> LocalKind {
        // SAFETY: the code object owns this copy.
        unsafe {
            {
                let code = &*self.code;
                code.canonical.localspluskinds[index]
            }
        }
    }
    /// The name operand of the instruction at `ip`.
    ///
    /// # Safety
    /// The instruction has a name unit right after it.
    #[inline(always)]
    pub unsafe fn name_at<'a>(ip: *const Unit) -> &'a Py<Str> {
        // SAFETY: the unit holds the word of an immortal interned string.
        unsafe { &*ip.add(1).cast::<Py<Str>>() }
    }
}

fn push(units: &mut Vec<u64>, op: u16, arg: u16, cache: u32) {
    units.push(op as u64 | (arg as u64) << 16 | (cache as u64) << 32);
}

/// The first data unit of an instruction: its constant or its name.
fn data_word(code: &Code, op: Op, arg: u32) -> u64 {
    use taipan_bytecode::ArgKind;
    let kind = op.kind();
    if kind.contains(ArgKind::CONST) {
        return super::frame::borrowed(code.consts[arg as usize].word()) as u64;
    }
    if kind.contains(ArgKind::NAME) {
        return code.names[op.name_index(arg)].as_value().word() as u64;
    }
    0
}
