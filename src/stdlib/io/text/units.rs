//! Text that grows and can be overwritten, in the narrowest width that held all of it so far.

use taipan_base::text::{Text, Unit};
use taipan_runtime::object::Py;
use taipan_runtime::types::str::{Kind, Str, Units};

/// The text.
pub struct Content(Text);

/// Runs an expression with `$u` bound to the units of whatever width the content has.
macro_rules! with_content {
    ($content:expr, $u:ident => $body:expr) => {
        match $content {
            Text::Latin1($u) => $body,
            Text::Ucs2($u) => $body,
            Text::Ucs4($u) => $body,
        }
    };
}

fn put<U: Unit, V: Unit>(to: &mut Vec<U>, at: usize, units: &[V]) {
    if to.len() < at {
        to.resize(at, U::default());
    }
    // the caller made the content wide enough
    let mut narrow = units.iter().map(|u| U::from_cp(u.cp()).unwrap_or_default());
    if at == to.len() {
        if let (Some(bytes), 1) = (V::as_bytes(units), size_of::<U>()) {
            to.extend(bytes.iter().map(|&b| U::from_cp(b as u32).unwrap_or_default()));
        } else {
            to.extend(narrow);
        }
        return;
    }
    let over = (to.len() - at).min(units.len());
    for unit in &mut to[at..at + over] {
        *unit = narrow.next().unwrap_or_default();
    }
    to.extend(narrow);
}

impl Content {
    /// Nothing.
    pub const fn new() -> Content {
        Content(Text::Latin1(Vec::new()))
    }

    /// Number of code points.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    fn widen(&mut self, kind: Kind) {
        let old = std::mem::replace(&mut self.0, Text::Latin1(Vec::new()));
        self.0 = match (old, kind) {
            (Text::Latin1(u), Kind::Ucs2) => Text::Ucs2(u.into_iter().map(u16::from).collect()),
            (Text::Latin1(u), Kind::Ucs4) => Text::Ucs4(u.into_iter().map(u32::from).collect()),
            (Text::Ucs2(u), Kind::Ucs4) => Text::Ucs4(u.into_iter().map(u32::from).collect()),
            (same, _) => same,
        };
    }

    /// Writes a text over what is at `at`; zeros fill the gap before it.
    pub fn write(&mut self, at: usize, text: &Str) {
        self.widen(text.kind());
        match text.units() {
            Units::Latin1(u) => with_content!(&mut self.0, to => put(to, at, u)),
            Units::Ucs2(u) => with_content!(&mut self.0, to => put(to, at, u)),
            Units::Ucs4(u) => with_content!(&mut self.0, to => put(to, at, u)),
        }
    }

    /// Forgets what lies beyond a length.
    pub fn truncate(&mut self, length: usize) {
        with_content!(&mut self.0, u => u.truncate(length));
    }

    /// Code points `start..end` as a string.
    pub fn slice(&self, start: usize, end: usize) -> Py<Str> {
        match &self.0 {
            Text::Latin1(u) => Str::from_latin1(&u[start..end]),
            Text::Ucs2(u) => Str::of_units(Units::Ucs2(&u[start..end])),
            Text::Ucs4(u) => Str::of_units(Units::Ucs4(&u[start..end])),
        }
    }

    /// Where the line that starts at `start` ends; the end of the text ends the last one.
    pub fn line_end(&self, start: usize, ending: super::lines::Ending) -> usize {
        use super::lines::{Found, line_end};
        match with_content!(&self.0, u => line_end(&u[start..], ending)) {
            Found::At(end) => start + end,
            Found::No(_) => self.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_filled_with_zeros_and_text_is_overwritten() {
        let mut to = b"abc".to_vec();
        put(&mut to, 1, &[120u16, 121]);
        assert_eq!(to, b"axy");
        put(&mut to, 2, b"123");
        assert_eq!(to, b"ax123");
        put(&mut to, 7, b"z");
        assert_eq!(to, b"ax123\0\0z");
    }
}
