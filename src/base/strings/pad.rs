//! center, zfill and expandtabs.

use crate::text::Unit;

/// How many fill units `center(width)` puts on the left and on the right; an odd one goes left when the width is odd.
pub fn center_padding(len: usize, width: usize) -> (usize, usize) {
    let missing = width.saturating_sub(len);
    let left = missing / 2 + (missing & width & 1);
    (left, missing - left)
}

/// `zfill(width)`: zeros behind a sign; `None` when it is long enough.
pub fn zfill<U: Unit>(text: &[U], width: usize) -> Option<Vec<U>> {
    let zeros = width.checked_sub(text.len()).filter(|&zeros| zeros > 0)?;
    let signed = text.first().is_some_and(|unit| matches!(unit.cp(), 0x2B | 0x2D));
    let (sign, digits) = text.split_at(usize::from(signed));
    let mut out = Vec::with_capacity(width);
    out.extend_from_slice(sign);
    out.resize(sign.len() + zeros, U::from_cp(0x30).unwrap_or_default());
    out.extend_from_slice(digits);
    Some(out)
}

/// `expandtabs(size)`: spaces up to the next column that `size` divides; a size below one removes tabs.
pub fn expand_tabs<U: Unit>(text: &[U], size: isize) -> Vec<U> {
    let size = usize::try_from(size).unwrap_or(0);
    let space = U::from_cp(0x20).unwrap_or_default();
    let (mut out, mut column) = (Vec::with_capacity(text.len()), 0);
    for &unit in text {
        match unit.cp() {
            0x09 => {
                let missing = if size == 0 { 0 } else { size - column % size };
                out.resize(out.len() + missing, space);
                column += missing;
            }
            0x0A | 0x0D => {
                out.push(unit);
                column = 0;
            }
            _ => {
                out.push(unit);
                column += 1;
            }
        }
    }
    out
}
