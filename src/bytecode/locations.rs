//! The location table: which piece of source each code unit comes from.
//!
//! The format is CPython's (`InternalDocs/code_objects.md`): entries for up to eight code units each, with short forms
//! for the usual cases; lines are deltas from the entry before, starting at `co_firstlineno`.

/// Where an instruction comes from. Lines count from 1, columns are byte offsets in UTF-8 from 0; `None` is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Position {
    /// First line.
    pub line: Option<i32>,
    /// Last line.
    pub end_line: Option<i32>,
    /// Column of the first byte.
    pub column: Option<i32>,
    /// Column after the last byte.
    pub end_column: Option<i32>,
}

const CODE_NO_COLUMNS: u8 = 13;
const CODE_LONG: u8 = 14;
const CODE_NONE: u8 = 15;

fn put_varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 64 {
        out.push(64 | (value & 63) as u8);
        value >>= 6;
    }
    out.push(value as u8);
}

fn put_signed(out: &mut Vec<u8>, value: i32) {
    put_varint(out, if value < 0 { ((0u32.wrapping_sub(value as u32)) << 1) | 1 } else { (value as u32) << 1 });
}

/// Writes a location table, entry by entry.
#[derive(Debug)]
pub struct LocationWriter {
    bytes: Vec<u8>,
    line: i32,
}

impl LocationWriter {
    /// A table for code that starts at the line `firstlineno`.
    pub fn new(firstlineno: i32) -> Self {
        LocationWriter { bytes: Vec::new(), line: firstlineno }
    }

    /// Adds `units` code units that all come from `position`.
    pub fn push(&mut self, position: &Position, mut units: usize) {
        while units > 0 {
            let part = units.min(8);
            self.entry(position, part);
            units -= part;
        }
    }

    fn head(&mut self, code: u8, units: usize) {
        self.bytes.push(0x80 | (code << 3) | (units as u8 - 1));
    }

    fn entry(&mut self, position: &Position, units: usize) {
        let Some(line) = position.line else {
            self.head(CODE_NONE, units);
            return;
        };
        let delta = line.wrapping_sub(self.line);
        let end_line = position.end_line.unwrap_or(line);
        match (position.column, position.end_column) {
            (Some(column), Some(end_column)) => self.with_columns(units, delta, end_line - line, column, end_column),
            _ if position.end_line.is_none() || end_line == line => {
                self.head(CODE_NO_COLUMNS, units);
                put_signed(&mut self.bytes, delta);
            }
            (column, end_column) => {
                self.long(units, delta, end_line - line, column.unwrap_or(-1), end_column.unwrap_or(-1))
            }
        }
        self.line = line;
    }

    fn with_columns(&mut self, units: usize, delta: i32, lines: i32, column: i32, end_column: i32) {
        if lines == 0 {
            if delta == 0 && column < 80 && (0..16).contains(&(end_column - column)) {
                self.head((column >> 3) as u8, units);
                self.bytes.push((((column & 7) << 4) | (end_column - column)) as u8);
                return;
            }
            if (0..3).contains(&delta) && column < 128 && (0..128).contains(&end_column) {
                self.head(10 + delta as u8, units);
                self.bytes.extend([column as u8, end_column as u8]);
                return;
            }
        }
        self.long(units, delta, lines, column, end_column);
    }

    fn long(&mut self, units: usize, delta: i32, lines: i32, column: i32, end_column: i32) {
        self.head(CODE_LONG, units);
        put_signed(&mut self.bytes, delta);
        put_varint(&mut self.bytes, lines as u32);
        put_varint(&mut self.bytes, (column + 1) as u32);
        put_varint(&mut self.bytes, (end_column + 1) as u32);
    }

    /// The table.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Reads the entries of a location table: positions with their counts of code units.
#[derive(Clone, Debug)]
pub struct LocationReader<'a> {
    bytes: &'a [u8],
    line: i32,
}

impl<'a> LocationReader<'a> {
    /// Over a table of code that starts at the line `firstlineno`.
    pub fn new(linetable: &'a [u8], firstlineno: i32) -> Self {
        LocationReader { bytes: linetable, line: firstlineno }
    }

    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(first)
    }

    fn varint(&mut self) -> Option<u32> {
        let mut value = 0u32;
        for shift in (0..36).step_by(6) {
            let byte = self.byte()?;
            value |= ((byte & 63) as u32).checked_shl(shift)?;
            if byte & 64 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i32> {
        let value = self.varint()?;
        let size = (value >> 1) as i32;
        Some(if value & 1 == 1 { size.wrapping_neg() } else { size })
    }

    fn column(&mut self) -> Option<Option<i32>> {
        Some((self.varint()? as i32).checked_sub(1).filter(|&column| column >= 0))
    }

    fn position(&mut self, code: u8) -> Option<Position> {
        let here = |line, column: i32, end: i32| Position {
            line: Some(line),
            end_line: Some(line),
            column: Some(column),
            end_column: Some(end),
        };
        Some(match code {
            CODE_NONE => Position::default(),
            CODE_LONG => {
                self.line = self.line.wrapping_add(self.signed()?);
                let end_line = self.line.wrapping_add(self.varint()? as i32);
                let (column, end_column) = (self.column()?, self.column()?);
                Position { line: Some(self.line), end_line: Some(end_line), column, end_column }
            }
            CODE_NO_COLUMNS => {
                self.line = self.line.wrapping_add(self.signed()?);
                Position { line: Some(self.line), end_line: Some(self.line), column: None, end_column: None }
            }
            10..=12 => {
                self.line = self.line.wrapping_add(code as i32 - 10);
                let (column, end) = (self.byte()?, self.byte()?);
                here(self.line, column as i32, end as i32)
            }
            _ => {
                let second = self.byte()?;
                let column = ((code as i32) << 3) | (second >> 4) as i32;
                here(self.line, column, column + (second & 15) as i32)
            }
        })
    }
}

impl Iterator for LocationReader<'_> {
    type Item = (Position, usize);

    fn next(&mut self) -> Option<(Position, usize)> {
        let first = self.byte()?;
        let position = self.position((first >> 3) & 15)?;
        Some((position, (first & 7) as usize + 1))
    }
}

/// `co_positions()`: one position for each code unit.
#[derive(Clone, Debug)]
pub struct Positions<'a> {
    entries: LocationReader<'a>,
    current: Position,
    left: usize,
}

impl<'a> Positions<'a> {
    /// Over a table of code that starts at the line `firstlineno`.
    pub fn new(linetable: &'a [u8], firstlineno: i32) -> Self {
        Positions { entries: LocationReader::new(linetable, firstlineno), current: Position::default(), left: 0 }
    }
}

impl Iterator for Positions<'_> {
    type Item = Position;

    fn next(&mut self) -> Option<Position> {
        if self.left == 0 {
            (self.current, self.left) = self.entries.next()?;
        }
        self.left -= 1;
        Some(self.current)
    }
}

/// Bytes of `co_code` that come from one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineRange {
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
    /// The line, unless the code has none.
    pub line: Option<i32>,
}

/// `co_lines()`: neighbouring entries of one line make one range.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    entries: std::iter::Peekable<LocationReader<'a>>,
    offset: usize,
}

impl<'a> Lines<'a> {
    /// Over a table of code that starts at the line `firstlineno`.
    pub fn new(linetable: &'a [u8], firstlineno: i32) -> Self {
        Lines { entries: LocationReader::new(linetable, firstlineno).peekable(), offset: 0 }
    }
}

impl Iterator for Lines<'_> {
    type Item = LineRange;

    fn next(&mut self) -> Option<LineRange> {
        let (position, mut units) = self.entries.next()?;
        while let Some((_, more)) = self.entries.next_if(|(next, _)| next.line == position.line) {
            units += more;
        }
        let start = self.offset;
        self.offset += 2 * units;
        Some(LineRange { start, end: self.offset, line: position.line })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let at = |line, end_line, column, end_column| Position {
            line: Some(line),
            end_line: Some(end_line),
            column: Some(column),
            end_column: Some(end_column),
        };
        let no_columns = Position { line: Some(4), end_line: Some(4), column: None, end_column: None };
        let all = [
            (at(3, 3, 4, 9), 1),
            (at(3, 3, 40, 100), 3),
            (at(5, 5, 0, 2), 2),
            (at(300, 310, 200, 3), 9),
            (at(2, 2, 0, 0), 1),
            (Position::default(), 2),
            (no_columns, 1),
        ];
        let mut writer = LocationWriter::new(3);
        for (position, units) in &all {
            writer.push(position, *units);
        }
        let table = writer.finish();
        let expected: Vec<Position> = all.iter().flat_map(|&(p, n)| std::iter::repeat_n(p, n)).collect();
        assert_eq!(Positions::new(&table, 3).collect::<Vec<_>>(), expected);
        let lines: Vec<_> = Lines::new(&table, 3).map(|r| (r.start, r.end, r.line)).collect();
        assert_eq!(lines[0], (0, 8, Some(3)));
        assert_eq!(lines[2], (12, 30, Some(300)));
        assert_eq!(lines[4], (32, 36, None));
    }
}
