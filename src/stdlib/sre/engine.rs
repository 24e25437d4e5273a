//! The matcher: backtracking over a [`Program`], with everything it must undo on a stack of its own.
//!
//! One stack holds both the ways not yet tried (choices) and what must be put back before one of them is tried (old
//! marks, old loop counters), so failing is popping. A part that matches in its first way only (lookaround, atomic group)
//! puts a barrier on the stack; when the part has matched, the choices above the barrier are thrown away and the old
//! marks stay, because a failure further down must still put them back.
//!
//! The matcher stops when its fuel is used up, so that signals can be looked after, and goes on when it is run again. It
//! holds no reference to the text between runs.

use super::chars::Fold;
use super::program::*;
use super::scan::{Unit, count, matches, next_start, stands};

/// No position: a mark that is not set, a loop that was not yet at any place.
pub const UNSET: usize = usize::MAX;

/// How a match must lie in the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Starts at the position.
    Match,
    /// Starts at the position and ends with the text.
    Full,
    /// Anywhere from the position on.
    Search,
}

/// What a run came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// There is a match: see [`Matcher::start`], [`Matcher::end`], [`Matcher::group`].
    Matched,
    /// There is none.
    Failed,
    /// The fuel is used up: run again to go on.
    Paused,
    /// The stack cannot grow.
    NoMemory,
}

/// Failures and rounds of loops between two looks at signals.
const FUEL: u32 = 1 << 16;

const _: () = assert!(size_of::<Frame>() == 24);

/// What to undo or to try next.
#[derive(Clone, Copy)]
enum Frame {
    /// Try a branch's other alternatives.
    Branch { branch: u32, at: usize, left: u64 },
    /// Give back characters of a greedy repeat, one by one down to `least`.
    Greedy { op: u32, at: usize, least: usize },
    /// Take one more character in a lazy repeat.
    Lazy { op: u32, at: usize, left: u32 },
    /// Leave a loop whose body failed; counters as they were.
    LeaveLoop { number: u16, at: usize, last: usize, count: u32 },
    /// Go into a lazy loop's body since its tail failed.
    EnterLoop { number: u16, at: usize },
    /// Put a loop's counters back.
    Counters { number: u16, last: usize, count: u32 },
    /// Put a mark back.
    Mark { mark: u32, old: usize, last_group: u32 },
    /// The part that `op` opened has no match; the barrier before it.
    Barrier { op: u32, at: usize, outer: usize },
}

#[derive(Clone, Copy)]
struct Counters {
    /// Rounds done.
    count: u32,
    /// Where the latest round started that could have been left out.
    last: usize,
}

/// The state of a match, to be used for many.
pub struct Matcher {
    marks: Vec<usize>,
    counters: Vec<Counters>,
    stack: Vec<Frame>,
    /// Index of the innermost barrier.
    barrier: usize,
    /// Number of the group that ended last, from 1; 0: none.
    last_group: u32,
    /// Marks were set without a frame that undoes it.
    dirty: bool,
    /// Where the match starts, or the search will look next.
    start: usize,
    end: usize,
    mode: Mode,
    /// An empty match here does not count.
    forbidden: usize,
    fuel: u32,
    /// The search has tried a place.
    tried: bool,
    /// The stack could not grow.
    exhausted: bool,
    /// What to go on with after a pause.
    paused: Option<Resume>,
}

#[derive(Clone, Copy)]
enum Resume {
    Fail,
    Op { pc: usize, at: usize },
    Search,
}

impl Matcher {
    /// For the matches of a program.
    pub fn new(p: &Program) -> Matcher {
        Matcher {
            marks: vec![UNSET; p.groups * 2],
            counters: vec![Counters { count: 0, last: UNSET }; p.loops.len()],
            stack: Vec::new(),
            barrier: UNSET,
            last_group: 0,
            dirty: false,
            start: 0,
            end: 0,
            mode: Mode::Match,
            forbidden: UNSET,
            fuel: FUEL,
            tried: false,
            exhausted: false,
            paused: None,
        }
    }

    /// Where the match starts.
    pub fn start(&self) -> usize {
        self.start
    }

    /// Where it ends.
    pub fn end(&self) -> usize {
        self.end
    }

    /// Where a group, from 0, starts and ends; `None` when it did not take part. The start can only be behind the end by
    /// a bug.
    pub fn group(&self, group: usize) -> Option<(usize, usize)> {
        let (start, end) = (self.marks[group * 2], self.marks[group * 2 + 1]);
        (start != UNSET && end != UNSET).then_some((start, end))
    }

    /// Number of the group that ended last, from 1.
    pub fn last_group(&self) -> Option<usize> {
        (self.last_group != 0).then_some(self.last_group as usize)
    }

    /// Prepares for [`Matcher::run`] from a position on; an empty match at `forbidden` does not count.
    pub fn prepare(&mut self, mode: Mode, from: usize, forbidden: Option<usize>) {
        self.mode = mode;
        self.start = from;
        self.forbidden = forbidden.unwrap_or(UNSET);
        self.fuel = FUEL;
        self.exhausted = false;
        self.tried = false;
        self.paused = None;
        self.dirty = true;
    }

    /// Gives memory back that only an unusual match needed.
    pub fn trim(&mut self) {
        self.stack.clear();
        self.stack.shrink_to(1024);
    }

    /// Looks for the match that was prepared, or goes on looking after a pause.
    pub fn run<U: Unit>(&mut self, p: &Program, text: &[U]) -> Outcome {
        self.fuel = FUEL;
        let mut outcome = match self.paused.take() {
            Some(Resume::Fail) => self.go(p, text, 0, UNSET),
            Some(Resume::Op { pc, at }) => self.go(p, text, pc, at),
            Some(Resume::Search) => Outcome::Failed,
            None if self.mode == Mode::Search => {
                self.start = self.start.wrapping_sub(1);
                Outcome::Failed
            }
            None => self.attempt(p, text),
        };
        while outcome == Outcome::Failed && self.mode == Mode::Search {
            let Some(next) = next_start(p, text, self.start.wrapping_add(1), !self.tried) else {
                return Outcome::Failed;
            };
            self.tried = true;
            self.start = next;
            if self.fuel == 0 {
                self.start = next.wrapping_sub(1);
                self.tried = false;
                self.paused = Some(Resume::Search);
                return Outcome::Paused;
            }
            self.fuel -= 1;
            outcome = self.attempt(p, text);
        }
        outcome
    }

    fn attempt<U: Unit>(&mut self, p: &Program, text: &[U]) -> Outcome {
        self.stack.clear();
        self.barrier = UNSET;
        if self.dirty {
            self.marks.fill(UNSET);
            self.last_group = 0;
            self.dirty = false;
        }
        self.go(p, text, 0, self.start)
    }

    #[inline(always)]
    fn push(&mut self, frame: Frame) -> bool {
        if self.stack.len() == self.stack.capacity() && !self.grow() {
            return false;
        }
        self.stack.push(frame);
        true
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) -> bool {
        self.stack.try_reserve(self.stack.len().max(32)).is_ok()
    }

    /// Runs from an operation on, or, without a position, from the latest choice on.
    fn go<U: Unit>(&mut self, p: &Program, text: &[U], mut pc: usize, mut at: usize) -> Outcome {
        let ops = &p.ops[..];
        if at == UNSET {
            match self.fail(p, text) {
                Ok(resumed) => (pc, at) = resumed,
                Err(outcome) => return outcome,
            }
        }
        loop {
            let ok = match ops[pc] {
                Op::Char(item) => match text.get(at) {
                    Some(u) if matches(p, item, u.code()) => {
                        at += 1;
                        pc += 1;
                        true
                    }
                    _ => false,
                },
                Op::Text { at: from, len } => {
                    let wanted = &p.texts[from as usize..(from + len) as usize];
                    let same = text
                        .get(at..at + len as usize)
                        .is_some_and(|here| here.iter().zip(wanted).all(|(u, &c)| u.code() == c));
                    at += len as usize;
                    pc += 1;
                    same
                }
                Op::Greedy { item, min, max, next, exclusive } => {
                    let n = count(p, item, &text[at..], max);
                    if n < min as usize {
                        false
                    } else {
                        let least = at + min as usize;
                        at += n;
                        if exclusive || at == least {
                            pc += 1;
                            true
                        } else {
                            match self.give_back(p, text, pc, at, least, next) {
                                Some(place) => {
                                    at = place;
                                    pc += 1;
                                    true
                                }
                                None => false,
                            }
                        }
                    }
                }
                Op::Mark(mark) => {
                    if !self.mark(mark, at) {
                        return Outcome::NoMemory;
                    }
                    pc += 1;
                    true
                }
                Op::Jump(to) => {
                    pc = to as usize;
                    true
                }
                Op::Branch(n) => {
                    let branch = &p.branches[n as usize];
                    let left = match (&branch.by_char, text.get(at)) {
                        (None, _) => branch.all(),
                        (Some(table), Some(u)) => match u.code() {
                            c @ 0..256 => table[c as usize],
                            _ => branch.by_high,
                        },
                        (Some(_), None) => branch.by_end,
                    };
                    match self.choose(branch, n, at, left) {
                        Some(target) => {
                            pc = target;
                            true
                        }
                        None => false,
                    }
                }
                Op::Until(n) => match self.until(p, text, n, at) {
                    Some(place) => {
                        pc = place;
                        if self.fuel == 0 {
                            self.paused = Some(Resume::Op { pc, at });
                            return Outcome::Paused;
                        }
                        self.fuel -= 1;
                        true
                    }
                    None => return Outcome::NoMemory,
                },
                Op::LoopStart(n) => {
                    let counters = self.counters[n as usize];
                    if !self.stack.is_empty()
                        && !self.push(Frame::Counters { number: n as u16, last: counters.last, count: counters.count })
                    {
                        return Outcome::NoMemory;
                    }
                    self.counters[n as usize] = Counters { count: 0, last: UNSET };
                    pc = p.loops[n as usize].until as usize;
                    true
                }
                Op::At(anchor) => {
                    pc += 1;
                    stands(anchor, text, at)
                }
                Op::Lazy { item, min, max, next } => {
                    let n = if min == 0 { 0 } else { count(p, item, &text[at..], min) };
                    if n < min as usize {
                        false
                    } else {
                        at += n;
                        match self.take_more(p, text, pc, at, if max == NONE { NONE } else { max - min }, next) {
                            Some(place) => {
                                at = place;
                                pc += 1;
                                true
                            }
                            None => false,
                        }
                    }
                }
                Op::Success => {
                    if self.mode == Mode::Full && at != text.len() || at == self.forbidden && self.start == at {
                        false
                    } else {
                        self.end = at;
                        self.dirty = true;
                        return Outcome::Matched;
                    }
                }
                Op::Fail => false,
                _ if self.fuel == 0 => {
                    self.paused = Some(Resume::Op { pc, at });
                    return Outcome::Paused;
                }
                other => match self.seldom(p, text, other, pc, at) {
                    Some(next) => {
                        (pc, at) = next;
                        true
                    }
                    None => false,
                },
            };
            if ok {
                continue;
            }
            match self.fail(p, text) {
                Ok(resumed) => (pc, at) = resumed,
                Err(outcome) => return outcome,
            }
        }
    }

    /// The operations that are not worth a place in the loop; gives where to go on.
    #[inline(never)]
    fn seldom<U: Unit>(&mut self, p: &Program, text: &[U], op: Op, pc: usize, at: usize) -> Option<(usize, usize)> {
        match op {
            Op::Possessive { item, min, max } => {
                let n = count(p, item, &text[at..], max);
                (n >= min as usize).then_some((pc + 1, at + n))
            }
            Op::LazyUntil(n) => self.lazy_until(p, n, pc, at),
            Op::GroupRef { group, fold } => {
                let (start, end) = self.group(group as usize).filter(|(s, e)| s <= e)?;
                let here = text.get(at..at + (end - start))?;
                let mut pairs = here.iter().zip(&text[start..end]);
                let same = match fold {
                    Fold::Exact => pairs.all(|(a, b)| a == b),
                    _ => pairs.all(|(a, b)| fold.lower(a.code()) == fold.lower(b.code())),
                };
                same.then_some((pc + 1, at + (end - start)))
            }
            Op::GroupExists { group, no } => {
                let there = self.group(group as usize).is_some_and(|(s, e)| s <= e);
                Some((if there { pc + 1 } else { no as usize }, at))
            }
            Op::Assert { back, .. } => {
                let from = at.checked_sub(back as usize)?;
                self.open(pc, at).then_some((pc + 1, from))
            }
            Op::AssertNot { back, after } => match at.checked_sub(back as usize) {
                Some(from) => self.open(pc, at).then_some((pc + 1, from)),
                None => Some((after as usize, at)),
            },
            Op::Atomic { .. } => self.open(pc, at).then_some((pc + 1, at)),
            Op::PossessiveLoop(n) => {
                self.counters[n as usize] = Counters { count: 0, last: UNSET };
                self.possessive_round(p, n, pc, at)
            }
            Op::Return(opened) => self.close(p, opened as usize, at),
            _ => unreachable!("the other operations are in the loop"),
        }
    }

    /// Sets a mark; false when there is no memory to undo it.
    #[inline(always)]
    fn mark(&mut self, mark: u32, at: usize) -> bool {
        let old = self.marks[mark as usize];
        if self.stack.is_empty() {
            self.dirty = true;
        } else if !self.push(Frame::Mark { mark, old, last_group: self.last_group }) {
            return false;
        }
        self.marks[mark as usize] = at;
        if mark & 1 != 0 {
            self.last_group = mark / 2 + 1;
        }
        true
    }

    /// The first of the alternatives that are left; the others become a choice.
    #[inline(always)]
    fn choose(&mut self, branch: &Branch, number: u32, at: usize, left: u64) -> Option<usize> {
        if left == 0 {
            return None;
        }
        let first = left.trailing_zeros() as usize;
        let left = left & (left - 1);
        if left != 0 && !self.push(Frame::Branch { branch: number, at, left }) {
            return self.out_of_memory();
        }
        Some(branch.targets[first] as usize)
    }

    /// Ends everything: without memory no choice is left, and [`Matcher::fail`] says why.
    #[cold]
    fn out_of_memory<T>(&mut self) -> Option<T> {
        self.exhausted = true;
        self.fuel = 0;
        None
    }

    /// The longest of the lengths of a greedy repeat, from `at` down to `least`, after which the rest may match.
    #[inline(always)]
    fn give_back<U: Unit>(
        &mut self,
        p: &Program,
        text: &[U],
        pc: usize,
        mut at: usize,
        least: usize,
        next: u32,
    ) -> Option<usize> {
        if let Some(next) = p.firsts.get(next as usize) {
            loop {
                let may = match text.get(at) {
                    Some(u) => next.admits(u.code()),
                    None => next.end,
                };
                if may {
                    break;
                }
                if at == least {
                    return None;
                }
                at -= 1;
            }
        }
        if at > least && !self.push(Frame::Greedy { op: pc as u32, at: at - 1, least }) {
            return self.out_of_memory();
        }
        Some(at)
    }

    /// The shortest of the lengths of a lazy repeat after which the rest may match.
    #[inline(always)]
    fn take_more<U: Unit>(
        &mut self,
        p: &Program,
        text: &[U],
        pc: usize,
        mut at: usize,
        mut left: u32,
        next: u32,
    ) -> Option<usize> {
        let Op::Lazy { item, .. } = p.ops[pc] else { unreachable!("a lazy repeat") };
        if let Some(next) = p.firsts.get(next as usize) {
            loop {
                let unit = text.get(at).map(|u| u.code());
                if unit.map_or(next.end, |c| next.admits(c)) {
                    break;
                }
                if left == 0 || !unit.is_some_and(|c| matches(p, item, c)) {
                    return None;
                }
                at += 1;
                left -= u32::from(left != NONE);
            }
        }
        if left > 0 && !self.push(Frame::Lazy { op: pc as u32, at, left }) {
            return self.out_of_memory();
        }
        Some(at)
    }

    /// Whether a greedy loop goes round once more: gives the operation to go on with.
    #[inline(always)]
    fn until<U: Unit>(&mut self, p: &Program, text: &[U], number: u32, at: usize) -> Option<usize> {
        let l = &p.loops[number as usize];
        let Counters { count, last } = self.counters[number as usize];
        if count < l.min {
            if !self.push(Frame::Counters { number: number as u16, last, count }) {
                return None;
            }
            self.counters[number as usize].count = count + 1;
            return Some(l.body as usize);
        }
        let unit = text.get(at).map(|u| u.code());
        let may = |first: u32| {
            p.firsts.get(first as usize).is_none_or(|f| match unit {
                Some(c) => f.admits(c),
                None => f.end,
            })
        };
        if count < l.max && at != last && may(l.first_body) {
            let frame = if l.exclusive || !may(l.first_tail) {
                Frame::Counters { number: number as u16, last, count }
            } else {
                Frame::LeaveLoop { number: number as u16, at, last, count }
            };
            if !self.push(frame) {
                return None;
            }
            self.counters[number as usize] = Counters { count: count + u32::from(l.max != NONE), last: at };
            return Some(l.body as usize);
        }
        Some(l.until as usize + 1)
    }

    /// Whether a lazy loop goes round once more.
    fn lazy_until(&mut self, p: &Program, number: u32, pc: usize, at: usize) -> Option<(usize, usize)> {
        let l = &p.loops[number as usize];
        let Counters { count, last } = self.counters[number as usize];
        if count < l.min {
            if !self.push(Frame::Counters { number: number as u16, last, count }) {
                return self.out_of_memory();
            }
            self.counters[number as usize].count = count + 1;
            return Some((l.body as usize, at));
        }
        if !self.push(Frame::Counters { number: number as u16, last, count })
            || !self.push(Frame::EnterLoop { number: number as u16, at })
        {
            return self.out_of_memory();
        }
        Some((pc + 1, at))
    }

    /// Puts a barrier on the stack for the part that the operation at `pc` opens.
    fn open(&mut self, pc: usize, at: usize) -> bool {
        if !self.push(Frame::Barrier { op: pc as u32, at, outer: self.barrier }) {
            return self.out_of_memory::<()>().is_some();
        }
        self.barrier = self.stack.len() - 1;
        true
    }

    /// Starts a round of a possessive loop, or leaves it.
    fn possessive_round(&mut self, p: &Program, number: u32, pc: usize, at: usize) -> Option<(usize, usize)> {
        let l = &p.loops[number as usize];
        let counters = self.counters[number as usize];
        if counters.count >= l.min {
            if counters.count >= l.max || at == counters.last {
                return Some((l.until as usize, at));
            }
            self.counters[number as usize].last = at;
        }
        self.open(pc, at).then_some((l.body as usize, at))
    }

    /// The part that the operation at `opened` opened has matched up to `at`.
    fn close(&mut self, p: &Program, opened: usize, at: usize) -> Option<(usize, usize)> {
        let base = self.barrier;
        let Frame::Barrier { at: began, outer, .. } = self.stack[base] else { unreachable!("a barrier") };
        self.barrier = outer;
        if let Op::AssertNot { .. } = p.ops[opened] {
            while self.stack.len() > base {
                if let Some(Frame::Mark { mark, old, last_group }) = self.stack.pop() {
                    self.marks[mark as usize] = old;
                    self.last_group = last_group;
                }
            }
            return None;
        }
        let mut kept = base;
        for i in base + 1..self.stack.len() {
            if let Frame::Mark { .. } = self.stack[i] {
                self.stack[kept] = self.stack[i];
                kept += 1;
            }
        }
        self.stack.truncate(kept);
        match p.ops[opened] {
            Op::Assert { after, .. } => Some((after as usize, began)),
            Op::Atomic { after } => Some((after as usize, at)),
            Op::PossessiveLoop(number) => {
                self.counters[number as usize].count = self.counters[number as usize].count.saturating_add(1);
                self.possessive_round(p, number, opened, at)
            }
            _ => unreachable!("these open parts"),
        }
    }

    /// Goes back to the latest choice: gives where to go on, or the outcome when there is none.
    fn fail<U: Unit>(&mut self, p: &Program, text: &[U]) -> Result<(usize, usize), Outcome> {
        if self.fuel == 0 {
            if self.exhausted {
                return Err(Outcome::NoMemory);
            }
            self.paused = Some(Resume::Fail);
            return Err(Outcome::Paused);
        }
        self.fuel -= 1;
        loop {
            let Some(frame) = self.stack.pop() else { return Err(Outcome::Failed) };
            let next = match frame {
                Frame::Mark { mark, old, last_group } => {
                    self.marks[mark as usize] = old;
                    self.last_group = last_group;
                    continue;
                }
                Frame::Counters { number, last, count } => {
                    self.counters[number as usize] = Counters { count, last };
                    continue;
                }
                Frame::Greedy { op, at, least } => {
                    let Op::Greedy { next, .. } = p.ops[op as usize] else { unreachable!("a greedy repeat") };
                    self.give_back(p, text, op as usize, at, least, next).map(|at| (op as usize + 1, at))
                }
                Frame::Branch { branch, at, left } => {
                    self.choose(&p.branches[branch as usize], branch, at, left).map(|pc| (pc, at))
                }
                Frame::LeaveLoop { number, at, last, count } => {
                    self.counters[number as usize] = Counters { count, last };
                    Some((p.loops[number as usize].until as usize + 1, at))
                }
                Frame::EnterLoop { number, at } => self.enter_loop(p, number.into(), at),
                Frame::Lazy { op, at, left } => {
                    let Op::Lazy { item, next, .. } = p.ops[op as usize] else { unreachable!("a lazy repeat") };
                    if text.get(at).is_some_and(|u| matches(p, item, u.code())) {
                        let left = if left == NONE { NONE } else { left - 1 };
                        self.take_more(p, text, op as usize, at + 1, left, next).map(|at| (op as usize + 1, at))
                    } else {
                        None
                    }
                }
                Frame::Barrier { op, at, outer } => {
                    self.barrier = outer;
                    match p.ops[op as usize] {
                        Op::AssertNot { after, .. } => Some((after as usize, at)),
                        Op::PossessiveLoop(number) => {
                            let l = &p.loops[number as usize];
                            (self.counters[number as usize].count >= l.min).then_some((l.until as usize, at))
                        }
                        _ => None,
                    }
                }
            };
            match next {
                Some(next) => return Ok(next),
                None if self.exhausted => return Err(Outcome::NoMemory),
                None => {}
            }
        }
    }

    /// The tail of a lazy loop failed: another round, if there may be one. The counters to go back to are in the frame
    /// below, and are put back already when that frame was all that changed them.
    fn enter_loop(&mut self, p: &Program, number: u32, at: usize) -> Option<(usize, usize)> {
        let Some(Frame::Counters { last, count, .. }) = self.stack.last().copied() else {
            unreachable!("the counters are below")
        };
        let l = &p.loops[number as usize];
        if count >= l.max || at == last {
            return None;
        }
        self.counters[number as usize] = Counters { count: count + u32::from(l.max != NONE), last: at };
        Some((l.body as usize, at))
    }
}
