//! From the code words of `Lib/re/_compiler.py` to a [`Program`].
//!
//! Everything is checked on the way (`_validate` in `Modules/_sre/sre.c` is the model of what is refused), so the engine
//! can rely on its operations.

use super::chars::{CharSet, Fold, word};
use super::first;
use super::program::*;

/// Parts inside parts, at most: more than the parser of patterns can produce.
const MAX_DEPTH: usize = 2000;

/// Makes the program of code words for a pattern with so many groups.
pub fn lower(code: &[u32], groups: usize) -> Result<Program, InvalidCode> {
    let program = Program {
        ops: Vec::new(),
        sets: Vec::new(),
        texts: Vec::new(),
        loops: Vec::new(),
        branches: Vec::new(),
        firsts: Vec::new(),
        start: Start::Anywhere,
        groups,
        min_width: 0,
    };
    let mut l = Lowering { code, p: program, label: 0, depth: 0 };
    let start = l.info()?;
    if code.last() != Some(&word::SUCCESS) || start >= code.len() {
        return Err(InvalidCode);
    }
    l.block(start, code.len() - 1, false)?;
    l.emit(Op::Success);
    let mut program = l.p;
    first::analyse(&mut program);
    Ok(program)
}

struct Lowering<'a> {
    code: &'a [u32],
    p: Program,
    /// Operations before this one may be jumped to the end of, so text is not added to them.
    label: usize,
    depth: usize,
}

impl Lowering<'_> {
    fn word(&self, at: usize) -> Result<u32, InvalidCode> {
        self.code.get(at).copied().ok_or(InvalidCode)
    }

    /// The place that the relative jump at `at` leads to, which must lie after it and not behind `end`.
    fn target(&self, at: usize, end: usize) -> Result<usize, InvalidCode> {
        let to = at + self.word(at)? as usize;
        if to > at && to <= end { Ok(to) } else { Err(InvalidCode) }
    }

    fn emit(&mut self, op: Op) -> usize {
        self.p.ops.push(op);
        self.p.ops.len() - 1
    }

    /// The place of the next operation, to be jumped to.
    fn here(&mut self) -> u32 {
        self.label = self.p.ops.len();
        self.label as u32
    }

    fn set(&mut self, set: CharSet) -> Item {
        self.p.sets.push(set);
        Item::In(self.p.sets.len() as u32 - 1)
    }

    fn group(&self, at: usize) -> Result<u32, InvalidCode> {
        Some(self.word(at)?).filter(|&g| (g as usize) < self.p.groups).ok_or(InvalidCode)
    }

    /// Reads the information block, if there is one; gives the place after it.
    fn info(&mut self) -> Result<usize, InvalidCode> {
        if self.code.first() != Some(&word::INFO) {
            return Ok(0);
        }
        let end = self.target(1, self.code.len())?;
        let (flags, min) = (self.word(2)?, self.word(3)?);
        if end < 5 || flags & !7 != 0 || flags & 4 != 0 && flags & 3 != 0 || flags & 2 != 0 && flags & 1 == 0 {
            return Err(InvalidCode);
        }
        if flags & 1 != 0 {
            let (len, skip) = (self.word(5)? as usize, self.word(6)? as usize);
            let overlaps = self.code.get(7 + len..end).ok_or(InvalidCode)?;
            if skip > len || overlaps.len() != len || overlaps.iter().any(|&o| o as usize >= len) {
                return Err(InvalidCode);
            }
        }
        if flags & 4 != 0 {
            CharSet::of_words(self.code.get(5..end).ok_or(InvalidCode)?, Fold::Exact)?;
        }
        self.p.min_width = min as usize;
        Ok(end)
    }

    /// Lowers the words from `at` to `end`; gives the place a final jump leads to, where one is allowed.
    fn block(&mut self, mut at: usize, end: usize, jump_allowed: bool) -> Result<Option<usize>, InvalidCode> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(InvalidCode);
        }
        while at < end {
            if self.code[at] == word::JUMP {
                if !jump_allowed || at + 2 != end {
                    return Err(InvalidCode);
                }
                self.depth -= 1;
                return self.target(at + 1, self.code.len()).map(Some);
            }
            at = self.operation(at, end)?;
            if at > end {
                return Err(InvalidCode);
            }
        }
        self.depth -= 1;
        Ok(None)
    }

    /// Lowers the operation at `at`; gives the place after it.
    fn operation(&mut self, at: usize, end: usize) -> Result<usize, InvalidCode> {
        if let Some((item, after)) = self.item(at, end)? {
            match item {
                Item::Is(c) => self.literal(c),
                Item::Never => drop(self.emit(Op::Fail)),
                _ => drop(self.emit(Op::Char(item))),
            }
            return Ok(after);
        }
        match self.code[at] {
            word::AT => {
                let anchor = anchor(self.word(at + 1)?)?;
                self.emit(Op::At(anchor));
                Ok(at + 2)
            }
            word::MARK => {
                let mark = self.word(at + 1)?;
                if mark as usize >= 2 * self.p.groups {
                    return Err(InvalidCode);
                }
                self.emit(Op::Mark(mark));
                Ok(at + 2)
            }
            word::GROUPREF => self.group_ref(at, Fold::Exact),
            word::GROUPREF_IGNORE => self.group_ref(at, Fold::Ascii),
            word::GROUPREF_LOC_IGNORE => self.group_ref(at, Fold::Locale),
            word::GROUPREF_UNI_IGNORE => self.group_ref(at, Fold::Unicode),
            word::GROUPREF_EXISTS => self.group_exists(at, end),
            word::BRANCH => self.branch(at, end),
            word::REPEAT => self.repeat(at, end),
            word::REPEAT_ONE | word::MIN_REPEAT_ONE | word::POSSESSIVE_REPEAT_ONE => self.repeat_one(at, end),
            word::POSSESSIVE_REPEAT => self.possessive_repeat(at, end),
            word::ASSERT | word::ASSERT_NOT => self.assertion(at, end),
            word::ATOMIC_GROUP => self.atomic(at, end),
            _ => Err(InvalidCode),
        }
    }

    /// Adds a character to the text before it, if it can only be reached through that.
    fn literal(&mut self, c: u32) {
        let last = self.p.ops.len();
        if last > self.label {
            let pool = self.p.texts.len();
            match self.p.ops[last - 1] {
                Op::Text { at, len } if (at + len) as usize == pool => {
                    self.p.texts.push(c);
                    self.p.ops[last - 1] = Op::Text { at, len: len + 1 };
                    return;
                }
                Op::Char(Item::Is(before)) => {
                    self.p.texts.extend([before, c]);
                    self.p.ops[last - 1] = Op::Text { at: pool as u32, len: 2 };
                    return;
                }
                _ => {}
            }
        }
        self.emit(Op::Char(Item::Is(c)));
    }

    /// The item at `at`, if there is one, and the place after it.
    fn item(&mut self, at: usize, end: usize) -> Result<Option<(Item, usize)>, InvalidCode> {
        let negated =
            |w| matches!(w, word::NOT_LITERAL_IGNORE | word::NOT_LITERAL_LOC_IGNORE | word::NOT_LITERAL_UNI_IGNORE);
        let kind = self.word(at)?;
        let item = match kind {
            word::FAILURE => return Ok(Some((Item::Never, at + 1))),
            word::ANY => return Ok(Some((Item::Any, at + 1))),
            word::ANY_ALL => return Ok(Some((Item::All, at + 1))),
            word::LITERAL => Item::Is(self.word(at + 1)?),
            word::NOT_LITERAL => Item::Not(self.word(at + 1)?),
            word::LITERAL_IGNORE | word::NOT_LITERAL_IGNORE => {
                let c = self.word(at + 1)?;
                self.set(CharSet::of_literal(c, Fold::Ascii, negated(kind)))
            }
            word::LITERAL_LOC_IGNORE | word::NOT_LITERAL_LOC_IGNORE => {
                let c = self.word(at + 1)?;
                self.set(CharSet::of_literal(c, Fold::Locale, negated(kind)))
            }
            word::LITERAL_UNI_IGNORE | word::NOT_LITERAL_UNI_IGNORE => {
                let c = self.word(at + 1)?;
                self.set(CharSet::of_literal(c, Fold::Unicode, negated(kind)))
            }
            word::CATEGORY => {
                let category = self.word(at + 1)?;
                self.set(CharSet::of_category(category)?)
            }
            word::IN | word::IN_IGNORE | word::IN_LOC_IGNORE | word::IN_UNI_IGNORE => {
                let fold = match kind {
                    word::IN => Fold::Exact,
                    word::IN_IGNORE => Fold::Ascii,
                    word::IN_LOC_IGNORE => Fold::Locale,
                    _ => Fold::Unicode,
                };
                let after = self.target(at + 1, end)?;
                let set = CharSet::of_words(&self.code[at + 2..after], fold)?;
                return Ok(Some((self.set(set), after)));
            }
            _ => return Ok(None),
        };
        Ok(Some((item, at + 2)))
    }

    fn group_ref(&mut self, at: usize, fold: Fold) -> Result<usize, InvalidCode> {
        let group = self.group(at + 1)?;
        self.emit(Op::GroupRef { group, fold });
        Ok(at + 2)
    }

    /// `GROUPREF_EXISTS group skip yes [JUMP skip no]`: the first skip counts from the group's word.
    fn group_exists(&mut self, at: usize, end: usize) -> Result<usize, InvalidCode> {
        let group = self.group(at + 1)?;
        let no = self.target(at + 2, end + 1)? - 1;
        let test = self.emit(Op::GroupExists { group, no: 0 });
        if no < at + 3 {
            return Err(InvalidCode);
        }
        let jump = self.block(at + 3, no, true)?;
        let mut after = no;
        let mut to = self.here();
        if let Some(target) = jump {
            if target < no || target > end {
                return Err(InvalidCode);
            }
            let leave = self.emit(Op::Jump(0));
            to = self.here();
            self.block(no, target, false)?;
            self.p.ops[leave] = Op::Jump(self.here());
            after = target;
        }
        self.p.ops[test] = Op::GroupExists { group, no: to };
        Ok(after)
    }

    /// `BRANCH (skip alternative JUMP skip)… 0`
    fn branch(&mut self, at: usize, end: usize) -> Result<usize, InvalidCode> {
        let mut alternatives = Vec::new();
        let mut skip = at + 1;
        while self.word(skip)? != 0 {
            let next = self.target(skip, end)?;
            alternatives.push((skip + 1, next));
            skip = next;
        }
        let after = skip + 1;
        if alternatives.is_empty() {
            return Err(InvalidCode);
        }
        // More than 64 alternatives make a chain of branches, the last alternative of each being the next.
        let chunks: Vec<_> = alternatives.chunks(63).collect();
        let first_branch = self.p.branches.len();
        let ops: Vec<u32> = (0..chunks.len())
            .map(|i| {
                self.p.branches.push(Branch { targets: Vec::new(), by_char: None, by_high: 0, by_end: 0 });
                self.emit(Op::Branch((first_branch + i) as u32)) as u32
            })
            .collect();
        let mut leaves = Vec::new();
        for (i, chunk) in chunks.iter().enumerate() {
            let mut targets = Vec::with_capacity(chunk.len() + 1);
            for &(from, to) in *chunk {
                targets.push(self.here());
                if self.block(from, to, true)? != Some(after) {
                    return Err(InvalidCode);
                }
                leaves.push(self.emit(Op::Jump(0)));
            }
            targets.extend(ops.get(i + 1));
            self.p.branches[first_branch + i].targets = targets;
        }
        let place = self.here();
        for leave in leaves {
            self.p.ops[leave] = Op::Jump(place);
        }
        Ok(after)
    }

    /// The limits at `at`.
    fn limits(&self, at: usize) -> Result<(u32, u32), InvalidCode> {
        let (min, max) = (self.word(at)?, self.word(at + 1)?);
        if min <= max { Ok((min, max)) } else { Err(InvalidCode) }
    }

    /// `REPEAT skip min max body UNTIL`
    fn repeat(&mut self, at: usize, end: usize) -> Result<usize, InvalidCode> {
        let until = self.target(at + 1, end)?;
        let (min, max) = self.limits(at + 2)?;
        let number = self.new_loop(min, max)?;
        self.emit(Op::LoopStart(number as u32));
        self.p.loops[number].body = self.here();
        self.block(at + 4, until, false)?;
        self.p.loops[number].until = self.here();
        match self.word(until)? {
            word::MAX_UNTIL => self.emit(Op::Until(number as u32)),
            word::MIN_UNTIL => self.emit(Op::LazyUntil(number as u32)),
            _ => return Err(InvalidCode),
        };
        self.here();
        Ok(until + 1)
    }

    fn new_loop(&mut self, min: u32, max: u32) -> Result<usize, InvalidCode> {
        if self.p.loops.len() > u16::MAX.into() {
            return Err(InvalidCode);
        }
        self.p.loops.push(Loop { body: 0, until: 0, min, max, first_body: NONE, first_tail: NONE, exclusive: false });
        Ok(self.p.loops.len() - 1)
    }

    /// `…_REPEAT_ONE skip min max item SUCCESS`
    fn repeat_one(&mut self, at: usize, end: usize) -> Result<usize, InvalidCode> {
        let after = self.target(at + 1, end)?;
        let (min, max) = self.limits(at + 2)?;
        let Some((item, ends)) = self.item(at + 4, after)? else { return Err(InvalidCode) };
        if ends + 1 != after || self.word(ends)? != word::SUCCESS {
            return Err(InvalidCode);
        }
        self.emit(match self.code[at] {
            word::REPEAT_ONE => Op::Greedy { item, min, max, next: NONE, exclusive: false },
            word::MIN_REPEAT_ONE => Op::Lazy { item, min, max, next: NONE },
            _ => Op::Possessive { item, min, max },
        });
        Ok(after)
    }

    /// `POSSESSIVE_REPEAT skip min max body SUCCESS`
    fn possessive_repeat(&mut self, at: usize, end: usize) -> Result<usize, InvalidCode> {
        let until = self.target(at + 1, end)?;
        let (min, max) = self.limits(at + 2)?;
        let number = self.new_loop(min, max)?;
        let opened = self.emit(Op::PossessiveLoop(number as u32));
        self.p.loops[number].body = self.here();
        self.block(at + 4, until, false)?;
        if self.word(until)? != word::SUCCESS {
            return Err(InvalidCode);
        }
        self.emit(Op::Return(opened as u32));
        self.p.loops[number].until = self.here();
        Ok(until + 1)
    }

    /// Lowers the part from `from` to the `SUCCESS` before `after`, opened by the operation `opened`.
    fn part(&mut self, opened: usize, from: usize, after: usize) -> Result<u32, InvalidCode> {
        self.here();
        if after <= from || self.word(after - 1)? != word::SUCCESS {
            return Err(InvalidCode);
        }
        self.block(from, after - 1, false)?;
        self.emit(Op::Return(opened as u32));
        Ok(self.here())
    }

    /// `ASSERT skip back body SUCCESS`
    fn assertion(&mut self, at: usize, end: usize) -> Result<usize, InvalidCode> {
        let after = self.target(at + 1, end)?;
        let back = self.word(at + 2)?;
        let opened = self.emit(Op::Fail);
        let place = self.part(opened, at + 3, after)?;
        self.p.ops[opened] = match self.code[at] {
            word::ASSERT => Op::Assert { back, after: place },
            _ => Op::AssertNot { back, after: place },
        };
        Ok(after)
    }

    /// `ATOMIC_GROUP skip body SUCCESS`
    fn atomic(&mut self, at: usize, end: usize) -> Result<usize, InvalidCode> {
        let after = self.target(at + 1, end)?;
        let opened = self.emit(Op::Fail);
        let place = self.part(opened, at + 2, after)?;
        self.p.ops[opened] = Op::Atomic { after: place };
        Ok(after)
    }
}

/// The anchor numbered as in `ATCODES`.
fn anchor(code: u32) -> Result<Anchor, InvalidCode> {
    Ok(match code {
        0 | 2 => Anchor::Start,
        1 => Anchor::LineStart,
        3 => Anchor::Boundary(Words::Ascii),
        4 => Anchor::NotBoundary(Words::Ascii),
        5 => Anchor::End,
        6 => Anchor::LineEnd,
        7 => Anchor::TextEnd,
        8 => Anchor::Boundary(Words::Locale),
        9 => Anchor::NotBoundary(Words::Locale),
        10 => Anchor::Boundary(Words::Unicode),
        11 => Anchor::NotBoundary(Words::Unicode),
        _ => return Err(InvalidCode),
    })
}
