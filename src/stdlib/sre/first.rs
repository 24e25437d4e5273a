//! What each place of a program may start with, and what follows from that: branches that look at one character before
//! they try, repeats that know when giving back is in vain, searches that skip where nothing can start.
//!
//! The answer is the least solution of "a place may start with what its operation may start with", found by going over
//! the operations backwards until nothing changes. It never leaves a character out; it may have too many.

use super::program::*;

/// Passes before the analysis gives up and says "anything": loops inside loops inside loops.
const MAX_PASSES: usize = 32;

/// Fills in what the program knows of its starts.
pub fn analyse(p: &mut Program) {
    let firsts = solve(p);
    refine(p, &firsts);
    p.start = start(p, &firsts[0]);
}

fn solve(p: &Program) -> Vec<First> {
    let mut firsts = vec![First::NOTHING; p.ops.len()];
    for _ in 0..MAX_PASSES {
        let mut changed = false;
        for i in (0..p.ops.len()).rev() {
            let found = of(p, i, &firsts);
            changed |= found != firsts[i];
            firsts[i] = found;
        }
        if !changed {
            return firsts;
        }
    }
    vec![First::ANYTHING; p.ops.len()]
}

/// What the operation at `i` may start with, as far as is known of the others.
fn of(p: &Program, i: usize, firsts: &[First]) -> First {
    let at = |place: u32| firsts[place as usize];
    let next = || firsts[i + 1];
    match p.ops[i] {
        // A part that matches in its first way only takes that way whatever comes after it.
        Op::Success | Op::Return(_) | Op::GroupRef { .. } => First::ANYTHING,
        Op::Fail => First::NOTHING,
        Op::Char(item) => of_item(p, item),
        Op::Text { at, .. } => of_item(p, Item::Is(p.texts[at as usize])),
        Op::At(anchor) => {
            let line_feed = First { end: true, ..of_item(p, Item::Is(10)) };
            match anchor {
                Anchor::End | Anchor::LineEnd => next().and(&line_feed),
                Anchor::TextEnd => next().and(&First { end: true, ..First::NOTHING }),
                _ => next(),
            }
        }
        Op::Mark(_) => next(),
        Op::Jump(to) => at(to),
        Op::Branch(n) => p.branches[n as usize].targets.iter().fold(First::NOTHING, |all, &target| all.or(&at(target))),
        Op::Greedy { item, min, max, .. } | Op::Lazy { item, min, max, .. } | Op::Possessive { item, min, max } => {
            match (min, max) {
                (_, 0) => next(),
                (0, _) => of_item(p, item).or(&next()),
                _ => of_item(p, item),
            }
        }
        Op::LoopStart(n) => {
            let l = &p.loops[n as usize];
            match (l.min, l.max) {
                (_, 0) => at(l.until + 1),
                (0, _) => at(l.body).or(&at(l.until + 1)),
                _ => at(l.body),
            }
        }
        Op::Until(n) | Op::LazyUntil(n) => at(p.loops[n as usize].body).or(&next()),
        Op::GroupExists { no, .. } => next().or(&at(no)),
        Op::Assert { back: 0, after } => next().and(&at(after)),
        Op::Assert { after, .. } | Op::AssertNot { after, .. } => at(after),
        Op::Atomic { .. } => next(),
        Op::PossessiveLoop(n) => {
            let l = &p.loops[n as usize];
            match (l.min, l.max) {
                (_, 0) => at(l.until),
                (0, _) => at(l.body).or(&at(l.until)),
                _ => at(l.body),
            }
        }
    }
}

fn of_item(p: &Program, item: Item) -> First {
    let single = |c: u32| {
        let mut low = [0; 4];
        if c < 256 {
            low[c as usize >> 6] = 1 << (c & 63);
        }
        First { low, high: c > 255, end: false }
    };
    let but = |c: u32| {
        let mut low = [u64::MAX; 4];
        if c < 256 {
            low[c as usize >> 6] &= !(1 << (c & 63));
        }
        First { low, high: true, end: false }
    };
    match item {
        Item::Never => First::NOTHING,
        Item::All => First { end: false, ..First::ANYTHING },
        Item::Any => but(10),
        Item::Is(c) => single(c),
        Item::Not(c) => but(c),
        Item::In(n) => {
            let set = &p.sets[n as usize];
            First { low: set.low, high: set.may_be_high(), end: false }
        }
    }
}

/// Tells the operations what was found.
fn refine(p: &mut Program, firsts: &[First]) {
    for i in 0..p.ops.len() {
        match p.ops[i] {
            Op::Greedy { item, min, max, .. } => {
                let exclusive = of_item(p, item).is_apart_from(&firsts[i + 1]);
                let next = remember(p, &firsts[i + 1]);
                p.ops[i] = Op::Greedy { item, min, max, next, exclusive };
            }
            Op::Lazy { item, min, max, .. } => {
                let next = remember(p, &firsts[i + 1]);
                p.ops[i] = Op::Lazy { item, min, max, next };
            }
            Op::Until(n) | Op::LazyUntil(n) => {
                let n = n as usize;
                let (body, tail) = (firsts[p.loops[n].body as usize], firsts[i + 1]);
                p.loops[n].first_body = remember(p, &body);
                p.loops[n].first_tail = remember(p, &tail);
                p.loops[n].exclusive = body.is_apart_from(&tail) && !(body.end && tail.end);
            }
            Op::Branch(n) => dispatch(&mut p.branches[n as usize], firsts),
            _ => {}
        }
    }
}

/// The number of a first set worth looking at.
fn remember(p: &mut Program, first: &First) -> u32 {
    if *first == First::ANYTHING {
        return NONE;
    }
    p.firsts.push(*first);
    p.firsts.len() as u32 - 1
}

/// Makes the tables of a branch.
fn dispatch(branch: &mut Branch, firsts: &[First]) {
    let all = branch.all();
    (branch.by_high, branch.by_end) = (0, 0);
    let mut by_char = Box::new([0u64; 256]);
    for (i, &target) in branch.targets.iter().enumerate() {
        let first = &firsts[target as usize];
        branch.by_high |= u64::from(first.high) << i;
        branch.by_end |= u64::from(first.end) << i;
        for (c, slot) in by_char.iter_mut().enumerate() {
            *slot |= u64::from(first.admits(c as u32)) << i;
        }
    }
    let useful = branch.by_high != all || branch.by_end != all || by_char.iter().any(|&mask| mask != all);
    branch.by_char = useful.then_some(by_char);
}

/// Decides how a search goes.
fn start(p: &Program, first: &First) -> Start {
    let text = prefix(p);
    if text.len() > 1 {
        let bytes: Option<Vec<u8>> = text.iter().map(|&c| u8::try_from(c).ok()).collect();
        let finder = bytes.map(|b| Box::new(memchr::memmem::Finder::new(&b).into_owned()));
        return Start::Text { text, finder };
    }
    let leading = p.ops.iter().find(|op| !matches!(op, Op::Mark(_)));
    if let Some(Op::At(Anchor::Start)) = leading {
        return Start::TextStart;
    }
    if let Some(Op::At(Anchor::LineStart)) = leading {
        return Start::LineStarts;
    }
    let refers = p.ops.iter().any(|op| matches!(op, Op::GroupRef { .. }));
    if let Some(Op::Greedy { item: Item::Any, min: 0, max: NONE, .. }) = leading
        && !refers
    {
        return Start::Lines;
    }
    if first.end || first.low == [u64::MAX; 4] && first.high {
        return Start::Anywhere;
    }
    let count: u32 = first.low.iter().map(|w| w.count_ones()).sum();
    if count <= 3 && !first.high {
        return Start::Bytes((0..=255u8).filter(|&c| first.admits(c.into())).collect());
    }
    Start::Chars(*first)
}

/// The text every match starts with.
fn prefix(p: &Program) -> Vec<u32> {
    let mut text = Vec::new();
    for op in &p.ops {
        match *op {
            Op::Mark(_) | Op::At(_) => {}
            Op::Char(Item::Is(c)) => text.push(c),
            Op::Text { at, len } => text.extend(&p.texts[at as usize..(at + len) as usize]),
            _ => break,
        }
    }
    text
}
