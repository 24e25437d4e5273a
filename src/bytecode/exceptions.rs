//! The exception table: which handler looks after which instructions.
//!
//! The format is CPython's (`InternalDocs/exception_handling.md`): start, length, target and depth with the lasti flag
//! as big-endian numbers of six bits a byte; the first byte of an entry has bit 7 set.

/// One entry; the places are code units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExceptionEntry {
    /// First code unit that is looked after.
    pub start: usize,
    /// Code unit after the last.
    pub end: usize,
    /// The handler.
    pub target: usize,
    /// Values that stay on the stack when the handler is entered.
    pub depth: u32,
    /// The place of the failing instruction is pushed below the exception.
    pub lasti: bool,
}

/// Writes an exception table.
#[derive(Debug, Default)]
pub struct ExceptionWriter {
    bytes: Vec<u8>,
}

impl ExceptionWriter {
    /// Adds an entry; entries come by growing start.
    pub fn push(&mut self, entry: &ExceptionEntry) {
        self.number(entry.start as u32, 128);
        self.number((entry.end - entry.start) as u32, 0);
        self.number(entry.target as u32, 0);
        self.number((entry.depth << 1) | entry.lasti as u32, 0);
    }

    fn number(&mut self, value: u32, mut mark: u8) {
        for shift in [24, 18, 12, 6] {
            if value >= 1 << shift {
                self.bytes.push(((value >> shift) & 63) as u8 | 64 | mark);
                mark = 0;
            }
        }
        self.bytes.push((value & 63) as u8 | mark);
    }

    /// The table.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// The entries of an exception table.
#[derive(Clone, Debug)]
pub struct ExceptionEntries<'a> {
    bytes: &'a [u8],
}

impl<'a> ExceptionEntries<'a> {
    /// Over the bytes of `co_exceptiontable`.
    pub fn new(table: &'a [u8]) -> Self {
        ExceptionEntries { bytes: table }
    }

    fn number(&mut self) -> Option<usize> {
        let mut value = 0;
        loop {
            let (&byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            value = (value << 6) | (byte & 63) as usize;
            if byte & 64 == 0 {
                return Some(value);
            }
        }
    }
}

impl Iterator for ExceptionEntries<'_> {
    type Item = ExceptionEntry;

    fn next(&mut self) -> Option<ExceptionEntry> {
        let start = self.number()?;
        let length = self.number()?;
        let target = self.number()?;
        let depth = self.number()?;
        Some(ExceptionEntry { start, end: start + length, target, depth: (depth >> 1) as u32, lasti: depth & 1 == 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let all = [
            ExceptionEntry { start: 0, end: 3, target: 70, depth: 0, lasti: false },
            ExceptionEntry { start: 64, end: 5000, target: 300_000, depth: 2, lasti: true },
        ];
        let mut writer = ExceptionWriter::default();
        all.iter().for_each(|entry| writer.push(entry));
        let table = writer.finish();
        assert_eq!(table[0], 0x80);
        assert_eq!(ExceptionEntries::new(&table).collect::<Vec<_>>(), all);
    }
}
