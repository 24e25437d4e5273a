//! Where the sections of `tables.bin` lie; written by generate.py, not by hand.

use std::ops::Range;

#[rustfmt::skip]
mod places {
use super::Range;
/// `unicodedata.unidata_version`
pub const VERSION: &str = "16.0.0";
/// Code points per block of PROPS, as a shift.
pub const PROPS_SHIFT: u32 = 6;
/// Properties: block of a code point, u16.
pub const PROPS_FIRST: Range<usize> = 0..34816;
/// Record numbers by block, u16.
pub const PROPS_SECOND: Range<usize> = 34816..102912;
/// The records.
pub const PROPS_ROWS: Range<usize> = 102912..106976;
/// Code points per block of CASE, as a shift.
pub const CASE_SHIFT: u32 = 8;
/// Case mappings: block of a code point, u16.
pub const CASE_FIRST: Range<usize> = 106976..115680;
/// Record numbers by block, u16.
pub const CASE_SECOND: Range<usize> = 115680..130528;
/// The records.
pub const CASE_ROWS: Range<usize> = 130528..135056;
/// Mappings to several code points, u32.
pub const SPECIAL: Range<usize> = 135056..136524;
/// Numeric values: first, count (u32), value (f64).
pub const NUMERIC_RUNS: Range<usize> = 136524..149196;
/// Decompositions: code point, tag and length, place (u32 each).
pub const DECOMPOSITIONS: Range<usize> = 149196..220152;
/// Code points of decompositions, u32.
pub const DECOMPOSED: Range<usize> = 220152..255108;
/// First, second, composed (u32 each), sorted.
pub const COMPOSITIONS: Range<usize> = 255108..271428;
/// Code points per block of OLD_PROPS, as a shift.
pub const OLD_PROPS_SHIFT: u32 = 7;
/// Properties in Unicode 3.2: block of a code point, u16.
pub const OLD_PROPS_FIRST: Range<usize> = 271428..288836;
/// Record numbers by block, u16.
pub const OLD_PROPS_SECOND: Range<usize> = 288836..334916;
/// The records.
pub const OLD_PROPS_ROWS: Range<usize> = 334916..338148;
/// Numeric values in Unicode 3.2.
pub const OLD_NUMERIC_RUNS: Range<usize> = 338148..340420;
/// Code points whose normal form was another one (then a single code point), u32 pairs.
pub const OLD_CORRECTIONS: Range<usize> = 340420..340460;
/// General categories.
pub const CATEGORIES: [&str; 30] = [
    "Cc",
    "Cf",
    "Cn",
    "Co",
    "Cs",
    "Ll",
    "Lm",
    "Lo",
    "Lt",
    "Lu",
    "Mc",
    "Me",
    "Mn",
    "Nd",
    "Nl",
    "No",
    "Pc",
    "Pd",
    "Pe",
    "Pf",
    "Pi",
    "Po",
    "Ps",
    "Sc",
    "Sk",
    "Sm",
    "So",
    "Zl",
    "Zp",
    "Zs",
];
/// Bidirectional classes.
pub const BIDI_CLASSES: [&str; 24] = [
    "",
    "AL",
    "AN",
    "B",
    "BN",
    "CS",
    "EN",
    "ES",
    "ET",
    "FSI",
    "L",
    "LRE",
    "LRI",
    "LRO",
    "NSM",
    "ON",
    "PDF",
    "PDI",
    "R",
    "RLE",
    "RLI",
    "RLO",
    "S",
    "WS",
];
/// East Asian widths.
pub const WIDTHS: [&str; 6] = [
    "A",
    "F",
    "H",
    "N",
    "Na",
    "W",
];
/// Tags of compatibility decompositions.
pub const DECOMPOSITION_TAGS: [&str; 16] = [
    "<circle>",
    "<compat>",
    "<final>",
    "<font>",
    "<fraction>",
    "<initial>",
    "<isolated>",
    "<medial>",
    "<narrow>",
    "<noBreak>",
    "<small>",
    "<square>",
    "<sub>",
    "<super>",
    "<vertical>",
    "<wide>",
];
/// `str.isalpha`
pub const ALPHA: u16 = 1;
/// `str.islower`
pub const LOWER: u16 = 2;
/// `str.isupper`
pub const UPPER: u16 = 4;
/// category Lt
pub const TITLE: u16 = 8;
/// `str.isspace`
pub const SPACE: u16 = 16;
/// `str.isprintable`
pub const PRINTABLE: u16 = 32;
/// may start an identifier
pub const XID_START: u16 = 64;
/// may continue an identifier
pub const XID_CONTINUE: u16 = 128;
/// `str.isnumeric`
pub const NUMERIC: u16 = 256;
/// skipped when looking for the end of a word (final sigma)
pub const CASE_IGNORABLE: u16 = 512;
/// has a decomposition mapping
pub const DECOMPOSES: u16 = 1024;
/// `unicodedata.mirrored`
pub const MIRRORED: u16 = 2048;
/// not always left alone by NFD
pub const NFD_LOOK: u16 = 4096;
/// not always left alone by NFKD
pub const NFKD_LOOK: u16 = 8192;
/// not always left alone by NFC
pub const NFC_LOOK: u16 = 16384;
/// not always left alone by NFKC
pub const NFKC_LOOK: u16 = 32768;
}
pub use places::*;
