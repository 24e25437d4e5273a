//! "Did you mean …?": the nearest of some names, as tracebacks suggest it (`_suggestions`, traceback.py).

use crate::text::{Unit, code_points};

const MOVE_COST: usize = 2;
const CASE_COST: usize = 1;
const MAX_CANDIDATES: usize = 750;
const MAX_LENGTH: usize = 40;

fn lower(cp: u32) -> u32 {
    if (0x41..=0x5A).contains(&cp) { cp + 0x20 } else { cp }
}

fn substitution(a: u32, b: u32) -> usize {
    if a == b {
        0
    } else if lower(a) == lower(b) {
        CASE_COST
    } else {
        MOVE_COST
    }
}

/// The edit distance of two words, where a change of case costs half; `None` above `most`.
pub fn distance(a: &[u32], b: &[u32], most: usize) -> Option<usize> {
    let start = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[start..], &b[start..]);
    let end = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[..a.len() - end], &b[..b.len() - end]);
    if a.is_empty() || b.is_empty() {
        return Some(MOVE_COST * (a.len() + b.len())).filter(|&cost| cost <= most);
    }
    if a.len() > MAX_LENGTH || b.len() > MAX_LENGTH {
        return None;
    }
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if (long.len() - short.len()) * MOVE_COST > most {
        return None;
    }
    let mut row: Vec<usize> = (1..=short.len()).map(|count| count * MOVE_COST).collect();
    let mut last = 0;
    for (index, &unit) in long.iter().enumerate() {
        let (mut diagonal, mut cost, mut least) = (index * MOVE_COST, (index + 1) * MOVE_COST, usize::MAX);
        for (slot, &other) in row.iter_mut().zip(short) {
            let replaced = diagonal + substitution(unit, other);
            diagonal = *slot;
            cost = replaced.min(cost.min(diagonal) + MOVE_COST);
            *slot = cost;
            least = least.min(cost);
        }
        if least > most {
            return None;
        }
        last = cost;
    }
    Some(last).filter(|&cost| cost <= most)
}

/// The place of the candidate nearest to a name, if one is near enough to be worth a question.
pub fn nearest<'a, U: Unit, V: Unit + 'a>(
    name: &[U],
    candidates: impl ExactSizeIterator<Item = &'a [V]>,
) -> Option<usize> {
    if candidates.len() >= MAX_CANDIDATES || name.len() > MAX_LENGTH {
        return None;
    }
    let name: Vec<u32> = code_points(name).collect();
    let mut best: Option<(usize, usize)> = None;
    for (index, candidate) in candidates.enumerate() {
        let candidate: Vec<u32> = code_points(candidate).collect();
        if candidate == name {
            continue;
        }
        // no more than a third of the letters may move
        let allowed = (name.len() + candidate.len() + 3) * MOVE_COST / 6;
        let most = best.map_or(allowed, |(_, cost)| allowed.min(cost - 1));
        if let Some(cost) = distance(&name, &candidate, most) {
            best = Some((index, cost));
        }
    }
    best.map(|(index, _)| index)
}
