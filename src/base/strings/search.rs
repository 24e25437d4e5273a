//! find, rfind, count and replace.

use smallvec::SmallVec;

use crate::text::Unit;

/// The slice that `find(sub, start, end)` and its kin look at; `None` when it lies outside, so that not even an empty
/// string is found.
pub fn bounds(start: isize, end: isize, len: usize) -> Option<std::ops::Range<usize>> {
    let clamp = |index: isize| {
        if index < 0 { len.saturating_sub(index.unsigned_abs()) } else { index as usize }
    };
    let (start, end) = (clamp(start), clamp(end).min(len));
    (start <= end).then_some(start..end)
}

/// A needle in the haystack's width; `None` when it does not fit, and therefore cannot be found.
pub fn narrow<U: Unit, N: Unit>(needle: &[N]) -> Option<SmallVec<[U; 32]>> {
    needle.iter().map(|unit| U::from_cp(unit.cp())).collect()
}

/// The first place of one unit.
#[inline]
pub fn find_unit<U: Unit>(text: &[U], unit: U) -> Option<usize> {
    match U::as_bytes(text) {
        Some(bytes) => memchr::memchr(unit.cp() as u8, bytes),
        None => text.iter().position(|&other| other == unit),
    }
}

/// The last place of one unit.
pub fn rfind_unit<U: Unit>(text: &[U], unit: U) -> Option<usize> {
    match U::as_bytes(text) {
        Some(bytes) => memchr::memrchr(unit.cp() as u8, bytes),
        None => text.iter().rposition(|&other| other == unit),
    }
}

/// The first place of `needle`.
pub fn find<U: Unit>(text: &[U], needle: &[U]) -> Option<usize> {
    Finder::new(text, needle).find(0)
}

/// The last place of `needle`.
pub fn rfind<U: Unit>(text: &[U], needle: &[U]) -> Option<usize> {
    match needle {
        [] => return Some(text.len()),
        [unit] => return rfind_unit(text, *unit),
        _ => {}
    }
    if let (Some(text), Some(needle)) = (U::as_bytes(text), U::as_bytes(needle)) {
        return memchr::memmem::rfind(text, needle);
    }
    text.windows(needle.len()).rposition(|window| window == needle)
}

/// Whether `needle` occurs.
pub fn contains<U: Unit>(text: &[U], needle: &[U]) -> bool {
    find(text, needle).is_some()
}

/// How often `needle` occurs without overlap, at most `most` times; an empty one occurs between all units.
pub fn count<U: Unit>(text: &[U], needle: &[U], most: usize) -> usize {
    if needle.is_empty() {
        return (text.len() + 1).min(most);
    }
    if let ([unit], None) = (needle, U::as_bytes(text)) {
        return text.iter().filter(|&other| other == unit).take(most).count();
    }
    places(text, needle).take(most).count()
}

/// The places of `needle`, which must not be empty, without overlap.
pub(super) fn places<'a, U: Unit>(text: &'a [U], needle: &'a [U]) -> impl Iterator<Item = usize> + 'a {
    let finder = Finder::new(text, needle);
    let mut from = 0;
    std::iter::from_fn(move || {
        let place = finder.find(from)?;
        from = place + needle.len();
        Some(place)
    })
}

/// `text.replace(old, new, most)`; `None` when nothing changes.
pub fn replace<U: Unit>(text: &[U], old: &[U], new: &[U], most: usize) -> Option<Vec<U>> {
    if old.is_empty() {
        return interleave(text, new, most);
    }
    let mut out = Vec::new();
    let mut from = 0;
    for place in places(text, old).take(most) {
        if from == 0 {
            out.reserve(text.len());
        }
        out.extend_from_slice(&text[from..place]);
        out.extend_from_slice(new);
        from = place + old.len();
    }
    if from == 0 {
        return None;
    }
    out.extend_from_slice(&text[from..]);
    Some(out)
}

/// `new` before every unit and at the end, at most so many times.
fn interleave<U: Unit>(text: &[U], new: &[U], most: usize) -> Option<Vec<U>> {
    if new.is_empty() || most == 0 {
        return None;
    }
    let mut out = Vec::with_capacity(text.len() + new.len() * most.min(text.len() + 1));
    for (index, &unit) in text.iter().enumerate() {
        if index < most {
            out.extend_from_slice(new);
        }
        out.push(unit);
    }
    if text.len() < most {
        out.extend_from_slice(new);
    }
    Some(out)
}

/// A search prepared once for many places.
enum Finder<'a, U> {
    Empty { len: usize },
    Unit { text: &'a [U], unit: U },
    Bytes { text: &'a [u8], finder: Box<memchr::memmem::Finder<'a>> },
    Wide { text: &'a [U], needle: &'a [U], way: std::cell::OnceCell<TwoWay> },
}

impl<'a, U: Unit> Finder<'a, U> {
    fn new(text: &'a [U], needle: &'a [U]) -> Finder<'a, U> {
        match needle {
            [] => return Finder::Empty { len: text.len() },
            [unit] => return Finder::Unit { text, unit: *unit },
            _ => {}
        }
        match (U::as_bytes(text), U::as_bytes(needle)) {
            (Some(text), Some(needle)) => Finder::Bytes { text, finder: Box::new(memchr::memmem::Finder::new(needle)) },
            _ => Finder::Wide { text, needle, way: Default::default() },
        }
    }

    /// The first place at or after `from`.
    fn find(&self, from: usize) -> Option<usize> {
        let place = match self {
            Finder::Empty { len } => return (from <= *len).then_some(from),
            Finder::Unit { text, unit } => find_unit(text.get(from..)?, *unit),
            Finder::Bytes { text, finder } => finder.find(text.get(from..)?),
            Finder::Wide { text, needle, way } => find_wide(text.get(from..)?, needle, way),
        };
        place.map(|place| place + from)
    }
}

/// Plain search, which nearly always wins; Two-Way takes over when too many comparisons were in vain.
fn find_wide<U: Unit>(text: &[U], needle: &[U], way: &std::cell::OnceCell<TwoWay>) -> Option<usize> {
    let last = text.len().checked_sub(needle.len())?;
    let (mut place, mut work) = (0, 0);
    while place <= last {
        place += find_unit(&text[place..=last], needle[0])?;
        let same = text[place..].iter().zip(needle).take_while(|(a, b)| a == b).count();
        if same == needle.len() {
            return Some(place);
        }
        work += same;
        place += 1;
        if work > 4 * place + 200 {
            let way = way.get_or_init(|| TwoWay::new(needle));
            return way.find(&text[place..], needle).map(|found| found + place);
        }
    }
    None
}

/// The Two-Way algorithm (Crochemore and Perrin, 1991): linear time, constant space.
struct TwoWay {
    /// Where the needle is split: its right part is compared first.
    split: usize,
    period: usize,
    /// Whether the needle repeats with the period throughout, so that a prefix need not be compared again.
    periodic: bool,
}

impl TwoWay {
    fn new<U: Unit>(needle: &[U]) -> TwoWay {
        let (up, up_period) = maximal_suffix(needle, |a, b| a < b);
        let (down, down_period) = maximal_suffix(needle, |a, b| a > b);
        let (split, period) = if up > down { (up, up_period) } else { (down, down_period) };
        let periodic = needle.get(period..period + split).is_some_and(|repeated| repeated == &needle[..split]);
        if periodic {
            return TwoWay { split, period, periodic };
        }
        TwoWay { split, period: split.max(needle.len() - split) + 1, periodic }
    }

    fn find<U: Unit>(&self, text: &[U], needle: &[U]) -> Option<usize> {
        // how much of the needle's start is known to match
        let (mut place, mut known) = (0, 0);
        while place + needle.len() <= text.len() {
            let window = &text[place..place + needle.len()];
            let start = self.split.max(known);
            if let Some(miss) = (start..needle.len()).find(|&at| needle[at] != window[at]) {
                place += miss - self.split + 1;
                known = 0;
            } else if (known..self.split).rev().any(|at| needle[at] != window[at]) {
                place += self.period;
                known = if self.periodic { needle.len() - self.period } else { 0 };
            } else {
                return Some(place);
            }
        }
        None
    }
}

/// Start and period of the lexicographically largest suffix, by an order.
fn maximal_suffix<U: Unit>(needle: &[U], less: impl Fn(U, U) -> bool) -> (usize, usize) {
    let (mut start, mut candidate, mut offset, mut period) = (0, 1, 0, 1);
    while candidate + offset < needle.len() {
        let (a, b) = (needle[candidate + offset], needle[start + offset]);
        if less(a, b) {
            candidate += offset + 1;
            offset = 0;
            period = candidate - start;
        } else if a == b {
            if offset + 1 == period {
                candidate += period;
                offset = 0;
            } else {
                offset += 1;
            }
        } else {
            start = candidate;
            candidate += 1;
            offset = 0;
            period = 1;
        }
    }
    (start, period)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    #[test]
    fn two_way_finds_what_is_there() {
        // all needles over two letters up to seven long, in texts made to be hard
        let texts = ["aabaabaaabaabaabaaab", "abababababababb", "aaaaaaaaaaaaaaaaab", "abaabaabaabbaabaab"].map(wide);
        for length in 2..8u32 {
            for bits in 0..1u32 << length {
                let needle: Vec<u16> = (0..length).map(|at| if bits >> at & 1 == 1 { 98 } else { 97 }).collect();
                let way = TwoWay::new(&needle);
                for text in &texts {
                    let expected = text.windows(needle.len()).position(|window| window == &needle[..]);
                    assert_eq!(way.find(text, &needle), expected, "{needle:?} in {text:?}");
                }
            }
        }
    }

    #[test]
    fn hard_searches_stay_linear() {
        let text = vec![97u16; 200_000];
        let mut needle = vec![97u16; 50_000];
        needle[0] = 98;
        assert_eq!(find(&text, &needle), None);
        needle.rotate_left(1);
        assert_eq!(find(&text, &needle), None);
    }

    #[test]
    fn bounds_are_python_slices() {
        assert_eq!(bounds(0, isize::MAX, 3), Some(0..3));
        assert_eq!(bounds(-2, -1, 3), Some(1..2));
        assert_eq!(bounds(4, 9, 3), None);
        assert_eq!(bounds(3, 3, 3), Some(3..3));
        assert_eq!(bounds(isize::MIN, 2, 3), Some(0..2));
    }
}
