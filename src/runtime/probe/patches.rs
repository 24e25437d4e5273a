//! The probes of one code object: which units have one, what each displaced, and who listens there.
//!
//! [`refresh`] computes them from scratch (events for all code, events for this code, breakpoints, places where a tool
//! answered `DISABLE`) and patches only the units that differ. A unit with a probe runs the generic form of its
//! instruction, kept from specialising itself; when the probe goes, it warms up anew.

use super::events::{Event, UNGROUPED, event_of};
use super::lines::{self, Layout, Starts};
use super::switchboard::{self, Masks, Tools};
use crate::types::code::Code;
use crate::vm::handlers::opcode as rop;
use crate::vm::running::{Running, Unit};
use rustc_hash::FxHashMap;
use taipan_bytecode::{CodeFlags, Op};

/// What a place listens for, in the order in which listeners hear it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Layer {
    /// `LINE`.
    Line,
    /// `INSTRUCTION`.
    Instruction,
    /// The instruction's own event.
    Own,
}

/// A line or unit probe of a native tool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Point {
    /// The tool.
    pub tool: usize,
    /// The tool's own number for it.
    pub data: usize,
}

/// A unit with a probe.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Site {
    /// The generic opcode that the probe displaced; 0: no probe.
    pub op: u16,
    /// The instruction's own event, 0xFF for none.
    pub event: u8,
    /// What [`lines`] says of the unit.
    pub line_kind: u8,
    /// Who listens to the line.
    pub line: Tools,
    /// Who listens to the instruction.
    pub instruction: Tools,
    /// Who listens to the own event.
    pub own: Tools,
    /// Breakpoints lie on the line or the unit.
    pub points: bool,
    /// How the displaced instruction counts its runs until it specialises itself.
    pub warms_up: WarmUp,
}

/// Where an instruction counts its runs until it specialises itself.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum WarmUp {
    /// Nowhere: it has no special forms.
    #[default]
    No,
    /// In its inline cache.
    Cache,
    /// In the unit behind it.
    NextUnit,
}

impl WarmUp {
    fn of(op: Op) -> WarmUp {
        if op == Op::FOR_ITER {
            WarmUp::NextUnit
        } else if rop::initial_cache(op) == rop::WARMUP && op != Op::RESUME {
            WarmUp::Cache
        } else {
            WarmUp::No
        }
    }
}

/// Probes of one code object.
#[derive(Default)]
pub struct CodeProbes {
    /// Events for this code alone.
    pub local: Masks,
    active: Masks,
    /// Breakpoints by line.
    pub lines: FxHashMap<u32, Vec<Point>>,
    /// Breakpoints by canonical byte offset.
    pub offsets: FxHashMap<u32, Vec<Point>>,
    disabled: FxHashMap<(u32, Layer), Tools>,
    sites: Vec<Site>,
    layout: Option<(Layout, Starts)>,
}

static NO_PROBE: Site =
    Site { op: 0, event: 0, line_kind: 0, line: 0, instruction: 0, own: 0, points: false, warms_up: WarmUp::No };

impl CodeProbes {
    /// The probe at a unit.
    #[inline(always)]
    pub fn site(&self, unit: usize) -> &Site {
        self.sites.get(unit).unwrap_or(&NO_PROBE)
    }
    fn wanted(&self) -> bool {
        self.active.iter().any(|&m| m != 0) || !self.lines.is_empty() || !self.offsets.is_empty()
    }
}

/// The probes of a code object, if any were ever asked for.
pub fn of(code: &Code) -> Option<&CodeProbes> {
    // SAFETY: the code object owns them; changes are made under the GIL by `change`, which nobody calls while looking.
    unsafe { code.probes.get().as_ref() }
}

/// Changes the probes of a code object and brings its running copy up to date.
pub fn change<R>(code: &Code, f: impl FnOnce(&mut CodeProbes) -> R) -> R {
    let r = f(make(code));
    refresh(code);
    r
}

#[allow(clippy::mut_from_ref)]
fn make(code: &Code) -> &mut CodeProbes {
    if code.probes.get().is_null() {
        code.probes.set(Box::into_raw(Box::default()));
    }
    // SAFETY: made above or before, owned by the code object; exclusive under the GIL (see `of`).
    unsafe { &mut *code.probes.get() }
}

/// A tool does not want to hear of a place any more.
pub fn disable(code: &Code, unit: u32, layer: Layer, tool: usize) {
    change(code, |p| *p.disabled.entry((unit, layer)).or_default() |= 1 << tool);
}

/// Forgets all places that tools disabled.
pub fn restart_all() {
    for code in switchboard::all_codes() {
        if of(&code).is_some_and(|p| !p.disabled.is_empty()) {
            change(&code, |p| p.disabled.clear());
        }
    }
}

fn layer_of(event: usize) -> Layer {
    match event {
        e if e == Event::Line as usize => Layer::Line,
        e if e == Event::Instruction as usize => Layer::Instruction,
        _ => Layer::Own,
    }
}

impl CodeProbes {
    /// Takes over the events now wanted; a tool that newly asks for an event hears of every place again.
    fn activate(&mut self, code: &Code) {
        let global = if code.canonical.flags.contains(CodeFlags::NO_MONITORING_EVENTS) {
            [0; UNGROUPED]
        } else {
            switchboard::with(|b| b.global)
        };
        for (e, &everywhere) in global.iter().enumerate() {
            let now = everywhere | self.local[e];
            let new = now & !self.active[e];
            if new != 0 {
                let layer = layer_of(e);
                self.disabled.retain(|(_, l), tools| {
                    if *l == layer {
                        *tools &= !new;
                    }
                    *tools != 0
                });
            }
            self.active[e] = now;
        }
    }

    fn line_tools(&self, line: u32) -> Tools {
        let points = self.lines.get(&line).map_or(0, |p| p.iter().fold(0, |m, p| m | 1 << p.tool));
        self.active[Event::Line as usize] | points
    }

    /// Computes the probe of each unit.
    fn plan(&mut self, running: &Running) -> Vec<Site> {
        if self.layout.is_none() {
            let layout = Layout::of(running);
            let starts = lines::starts(running, &layout);
            self.layout = Some((layout, starts));
        }
        let Some((layout, starts)) = &self.layout else { return Vec::new() };
        let mut out = vec![Site::default(); running.unit_count()];
        let some_lines = self.active[Event::Line as usize] != 0 || !self.lines.is_empty();
        let mut recording: Vec<u32> = Vec::new();
        let off = |unit, layer| self.disabled.get(&(unit, layer)).copied().unwrap_or(0);
        for (n, i) in layout.instructions.iter().enumerate() {
            let site = &mut out[i.unit as usize];
            let kind = starts.kinds[i.unit as usize];
            site.line_kind = kind;
            if some_lines && kind != lines::NO {
                let line = running.line_of_unit(i.unit as usize);
                site.line = self.line_tools(line) & !off(i.unit, Layer::Line);
                site.points = self.lines.contains_key(&line);
                if let Some(before) = starts.before.get(&i.unit).filter(|_| site.line != 0) {
                    recording.extend(before);
                }
            }
            if !matches!(i.op, Op::END_FOR | Op::RESUME) {
                site.instruction = self.active[Event::Instruction as usize] & !off(i.unit, Layer::Instruction);
            }
            let event = match event_of(i.op, i.arg) {
                None if n > 0 && layout.instructions[n - 1].op == Op::FOR_ITER => Some(Event::BranchLeft),
                e => e,
            };
            site.event = event.map_or(0xFF, |e| e as u8);
            if let Some(e) = event {
                site.own = self.active[e as usize] & !off(i.unit, Layer::Own);
            }
            if !self.offsets.is_empty() {
                if let Some(points) = self.offsets.get(&(running.lasti(running.at(i.unit as usize)) as u32)) {
                    site.points = true;
                    site.instruction |= points.iter().fold(0, |m, p| m | 1 << p.tool);
                }
            }
            if site.line | site.instruction | site.own != 0 {
                site.op = i.op.number();
                site.warms_up = WarmUp::of(i.op);
            }
        }
        // Silent probes, which record where control came from: only before the units that are asked for.
        for unit in recording {
            if let Some(n) = layout.find(unit) {
                let op = layout.instructions[n].op;
                out[unit as usize].op = op.number();
                out[unit as usize].warms_up = WarmUp::of(op);
            }
        }
        out
    }
}

/// Brings the probes of a code object's running copy (made now, if there is a reason) up to date.
pub fn refresh(code: &Code) {
    if code.probes.get().is_null() && !switchboard::any() {
        return;
    }
    let p = make(code);
    p.activate(code);
    if !code.has_run() && !p.wanted() {
        return;
    }
    let running = code.running_copy();
    let p = make(code);
    let plan = if p.wanted() { p.plan(running) } else { Vec::new() };
    for unit in 0..running.unit_count() {
        let new = plan.get(unit).map_or(0, |s| s.op);
        let old = p.sites.get(unit).map_or(0, |s| s.op);
        if new != 0 && old == 0 {
            displace(running, unit, new);
        } else if new == 0 && old != 0 {
            restore(running, unit, old);
        }
    }
    p.sites = plan;
}

fn displace(running: &Running, unit: usize, op: u16) {
    if let Some(before) = previous(running, unit) {
        // SAFETY: a unit of the copy.
        let fused = unsafe { (*running.at(before)).op };
        if let Some(plain) = rop::unfused(fused) {
            running.patch(before, plain);
            running.set_cache(before, rop::BACKOFF);
        }
    }
    running.patch(unit, rop::PROBE);
    if let Some(op) = Op::from_number(op) {
        keep_generic(running, unit, WarmUp::of(op));
    }
}

fn previous(running: &Running, unit: usize) -> Option<usize> {
    (0..unit).rev().find(|&u| running.is_instruction(u))
}

/// Keeps the generic form of an instruction from specialising itself while a probe sits on it.
#[inline(always)]
pub fn keep_generic(running: &Running, unit: usize, op: WarmUp) {
    match op {
        WarmUp::No => {}
        WarmUp::Cache => running.set_cache(unit, rop::BACKOFF),
        // SAFETY: the unit after `FOR_ITER` counts its attempts.
        WarmUp::NextUnit => unsafe { Unit::set_word(running.at(unit + 1), 4) },
    }
}

fn restore(running: &Running, unit: usize, op: u16) {
    running.patch(unit, op);
    if let Some(before) = previous(running, unit).filter(|&b| rop::fuses(running.canonical_op(b))) {
        // It may have specialised itself alone, while the probe was here: it gets another chance to take in this one.
        // SAFETY: a unit of the copy.
        if unsafe { (*running.at(before)).op } != rop::PROBE {
            running.patch(before, running.canonical_op(before).map_or(0, Op::number));
            running.set_cache(before, rop::WARMUP);
        }
    }
    match Op::from_number(op).map_or(WarmUp::No, WarmUp::of) {
        WarmUp::No => {}
        WarmUp::Cache => running.set_cache(unit, rop::WARMUP),
        // SAFETY: as above.
        WarmUp::NextUnit => unsafe { Unit::set_word(running.at(unit + 1), 0) },
    }
}
