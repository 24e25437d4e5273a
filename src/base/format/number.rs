//! Lays a number out in its field: sign, prefix, grouped digits, point, grouped fraction, and the rest.

use super::Locale;
use super::spec::{Align, Grouping, Sign, Spec};
use crate::text::Builder;

/// The parts of a number, before grouping and padding.
pub(super) struct Parts<'a> {
    pub(super) negative: bool,
    /// `0x` and the like.
    pub(super) prefix: &'a str,
    /// Whole digits; none for infinity, NaN and characters.
    pub(super) digits: &'a str,
    pub(super) point: bool,
    pub(super) fraction: &'a str,
    /// Exponent, percent sign, `inf`, `nan` or a character.
    pub(super) rest: &'a [u32],
}

/// How digits are grouped: separator, sizes of groups as in C's `lconv.grouping`, decimal point.
pub(super) struct Groups {
    separator: Vec<u32>,
    sizes: Vec<u8>,
    point: Vec<u32>,
    fraction: Option<u32>,
}

impl Groups {
    /// What a specification asks for; `locale` where its type is `n`.
    pub(super) fn new(spec: &Spec, size: u8, locale: Option<&Locale>) -> Groups {
        let fraction = spec.fraction_grouping.map(Grouping::separator);
        if let Some(locale) = locale {
            let (separator, sizes) = (locale.thousands_sep.clone(), locale.grouping.clone());
            return Groups { separator, sizes, point: locale.decimal_point.clone(), fraction };
        }
        let point = vec![u32::from(b'.')];
        match spec.grouping {
            Some(grouping) => Groups { separator: vec![grouping.separator()], sizes: vec![size], point, fraction },
            None => Groups { separator: Vec::new(), sizes: Vec::new(), point, fraction },
        }
    }

    /// Digits in groups, with zeros in front up to a width.
    fn group(&self, digits: &str, min_width: usize) -> Vec<u32> {
        let (mut left, mut width) = (digits.len(), min_width);
        let mut reversed: Vec<u32> = Vec::with_capacity(digits.len().max(min_width) + digits.len() / 3);
        let mut digits = digits.bytes().rev().map(u32::from);
        let mut sizes = GroupSizes { sizes: &self.sizes, last: 0 };
        let mut first = true;
        loop {
            let wanted = left.max(width).max(1);
            let size = sizes.next();
            let length = size.map_or(wanted, |size| size.min(wanted));
            if !first {
                reversed.extend(self.separator.iter().rev());
            }
            first = false;
            reversed.extend((0..length).map(|_| digits.next().unwrap_or(u32::from(b'0'))));
            left = left.saturating_sub(length);
            width = width.saturating_sub(length);
            if size.is_none() || (left == 0 && width == 0) {
                break;
            }
            width = width.saturating_sub(self.separator.len());
        }
        reversed.reverse();
        reversed
    }

    fn push_fraction(&self, fraction: &str, out: &mut Vec<u32>) {
        for (index, digit) in fraction.bytes().enumerate() {
            match self.fraction {
                Some(separator) if index > 0 && index % 3 == 0 => out.extend([separator, u32::from(digit)]),
                _ => out.push(u32::from(digit)),
            }
        }
    }
}

/// C's `lconv.grouping` read as sizes from the right.
struct GroupSizes<'a> {
    sizes: &'a [u8],
    last: usize,
}

impl Iterator for GroupSizes<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        match *self.sizes {
            // the end of the string is a zero, which repeats
            [] | [0, ..] => Some(self.last).filter(|&last| last > 0),
            [127, ..] => None,
            [size, ref rest @ ..] => {
                (self.last, self.sizes) = (usize::from(size), rest);
                Some(self.last)
            }
        }
    }
}

/// The character that stands for a number's sign, if any.
pub(super) fn sign_of(sign: Option<Sign>, negative: bool) -> Option<char> {
    match sign {
        _ if negative => Some('-'),
        Some(Sign::Plus) => Some('+'),
        Some(Sign::Space) => Some(' '),
        _ => None,
    }
}

/// Appends a number to `out`, padded as the specification says.
pub(super) fn push(parts: &Parts<'_>, spec: &Spec, groups: &Groups, out: &mut Builder) {
    let sign = sign_of(spec.sign, parts.negative);
    let mut tail = Vec::with_capacity(parts.fraction.len() + parts.rest.len() + 1);
    if parts.point {
        tail.extend(&groups.point);
    }
    groups.push_fraction(parts.fraction, &mut tail);
    tail.extend(parts.rest);
    let width = spec.width.unwrap_or(0);
    let others = usize::from(sign.is_some()) + parts.prefix.len() + tail.len();
    let zero_filled = spec.fill == u32::from(b'0') && spec.align == Align::AfterSign;
    let min_width = if zero_filled { width.saturating_sub(others) } else { 0 };
    let digits = if parts.digits.is_empty() { Vec::new() } else { groups.group(parts.digits, min_width) };
    let missing = width.saturating_sub(others + digits.len());
    let (before, between, after) = match spec.align {
        Align::Left => (0, 0, missing),
        Align::Center => (missing / 2, 0, missing - missing / 2),
        Align::AfterSign => (0, missing, 0),
        Align::Right => (missing, 0, 0),
    };
    out.push_n(spec.fill, before);
    out.extend(sign.map(u32::from));
    out.push_str(parts.prefix);
    out.push_n(spec.fill, between);
    out.extend(digits);
    out.extend(tail);
    out.push_n(spec.fill, after);
}
