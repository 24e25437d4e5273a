//! Where a line ends, in units of any width.

use taipan_base::text::Unit;
use taipan_runtime::types::str::{Str, Units};

/// What ends a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// `\n`
    Lf,
    /// `\r`
    Cr,
    /// `\r\n`
    CrLf,
    /// Any of them.
    Any,
}

/// What a search for the end of a line gave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// The line ends before this index, its ending included.
    At(usize),
    /// No end; so many units are certain to belong to the line (a last `\r` may be half an ending).
    No(usize),
}

/// Index of the first unit that is `byte`.
pub fn find<U: Unit>(units: &[U], byte: u8) -> Option<usize> {
    match U::as_bytes(units) {
        Some(bytes) => memchr::memchr(byte, bytes),
        None => units.iter().position(|u| u.cp() == byte as u32),
    }
}

fn find_either<U: Unit>(units: &[U]) -> Option<usize> {
    match U::as_bytes(units) {
        Some(bytes) => memchr::memchr2(b'\n', b'\r', bytes),
        None => units.iter().position(|u| matches!(u.cp(), 10 | 13)),
    }
}

/// Where the first line of the units ends.
pub fn line_end<U: Unit>(units: &[U], ending: Ending) -> Found {
    let n = units.len();
    match ending {
        Ending::Lf => find(units, b'\n').map_or(Found::No(n), |i| Found::At(i + 1)),
        Ending::Cr => find(units, b'\r').map_or(Found::No(n), |i| Found::At(i + 1)),
        Ending::Any => match find_either(units) {
            None => Found::No(n),
            Some(i) if units[i].cp() == 13 && units.get(i + 1).is_some_and(|u| u.cp() == 10) => Found::At(i + 2),
            Some(i) => Found::At(i + 1),
        },
        Ending::CrLf => {
            let mut from = 0;
            while let Some(i) = find(&units[from..], b'\r') {
                match units.get(from + i + 1).map(|u| u.cp()) {
                    Some(10) => return Found::At(from + i + 2),
                    Some(_) => from += i + 1,
                    None => return Found::No(from + i),
                }
            }
            Found::No(n)
        }
    }
}

/// Index of the first such character from `start` on, counted from there. Wide units are searched as bytes.
fn find_in(text: &Str, start: usize, byte: u8) -> Option<usize> {
    let width = text.kind() as usize;
    let raw = &text.bytes()[start * width..];
    let mut from = 0;
    while let Some(i) = memchr::memchr(byte, &raw[from..]) {
        let unit = (from + i) / width;
        if text.at(start + unit) == byte as u32 {
            return Some(unit);
        }
        from += i + 1;
    }
    None
}

/// Where the first line of a text from `start` on ends, counted from `start`.
pub fn line_end_in(text: &Str, start: usize, ending: Ending) -> Found {
    if ending == Ending::Lf {
        return find_in(text, start, b'\n').map_or(Found::No(text.len() - start), |i| Found::At(i + 1));
    }
    match text.units() {
        Units::Latin1(u) => line_end(&u[start..], ending),
        Units::Ucs2(u) => line_end(&u[start..], ending),
        Units::Ucs4(u) => line_end(&u[start..], ending),
    }
}

/// Whether a text has this character.
pub fn has(text: &Str, byte: u8) -> bool {
    find_in(text, 0, byte).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_an_ending_is_not_given_away() {
        assert_eq!(line_end(b"ab\r\ncd", Ending::CrLf), Found::At(4));
        assert_eq!(line_end(b"a\rb\r", Ending::CrLf), Found::No(3));
        assert_eq!(line_end(b"a\rb", Ending::CrLf), Found::No(3));
        assert_eq!(line_end(&[97u16, 13, 13, 10], Ending::CrLf), Found::At(4));
    }

    #[test]
    fn any_ending_takes_both_characters() {
        assert_eq!(line_end(b"a\r\nb", Ending::Any), Found::At(3));
        assert_eq!(line_end(b"a\rb\n", Ending::Any), Found::At(2));
        assert_eq!(line_end(b"a\nb", Ending::Any), Found::At(2));
        assert_eq!(line_end(b"ab", Ending::Any), Found::No(2));
    }
}
