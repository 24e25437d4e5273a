//! The common format specs of small integers, laid out without big integers: `[0][width][type]`.

use crate::object::Py;
use crate::types::str::Str;
use smallvec::SmallVec;
use taipan_base::int::Digits;

/// Widths beyond this take the general road.
const MOST: usize = 200;

/// `format(i, spec)` when the spec is one of the common ones.
pub fn quick(i: i64, spec: &Str) -> Option<Py<Str>> {
    let spec = spec.as_ascii()?.as_bytes();
    let (rest, base) = match spec.split_last()? {
        (b'd', rest) => (rest, 10),
        (b'x', rest) => (rest, 16),
        (b'o', rest) => (rest, 8),
        (b'b', rest) => (rest, 2),
        (b'0'..=b'9', _) => (spec, 10),
        _ => return None,
    };
    let zero = rest.first() == Some(&b'0');
    let mut width = 0;
    for c in rest {
        if !c.is_ascii_digit() {
            return None;
        }
        width = width * 10 + usize::from(c - b'0');
        if width > MOST {
            return None;
        }
    }
    let digits = Digits::of(i, base);
    let text = digits.as_bytes();
    let blank = width.saturating_sub(text.len());
    if blank == 0 {
        return Some(Str::from_ascii(text));
    }
    let mut out: SmallVec<[u8; 64]> = SmallVec::new();
    let sign = usize::from(i < 0 && zero);
    out.extend_from_slice(&text[..sign]);
    out.resize(sign + blank, if zero { b'0' } else { b' ' });
    out.extend_from_slice(&text[sign..]);
    Some(Str::from_ascii(&out))
}
