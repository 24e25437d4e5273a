"""Writes tables.bin and layout.rs: what Python 3.14's str and unicodedata know about every code point (Unicode 16.0).

Run it with CPython 3.14, in this folder. It asks only the interpreter itself, so the tables say what Python says.
tables.bin is a row of sections; layout.rs names their places and the meaning of the small numbers in them.
"""

import struct
import unicodedata as ucd

LAST = 0x110000
CHARS = [chr(cp) for cp in range(LAST)]
OLD = ucd.ucd_3_2_0

CATEGORIES = sorted({ucd.category(c) for c in CHARS})
BIDI = sorted({ucd.bidirectional(c) for c in CHARS} | {OLD.bidirectional(c) for c in CHARS})
WIDTHS = sorted({ucd.east_asian_width(c) for c in CHARS})
FORMS = ["NFD", "NFKD", "NFC", "NFKC"]

FLAGS = [
    ("ALPHA", "`str.isalpha`"),
    ("LOWER", "`str.islower`"),
    ("UPPER", "`str.isupper`"),
    ("TITLE", "category Lt"),
    ("SPACE", "`str.isspace`"),
    ("PRINTABLE", "`str.isprintable`"),
    ("XID_START", "may start an identifier"),
    ("XID_CONTINUE", "may continue an identifier"),
    ("NUMERIC", "`str.isnumeric`"),
    ("CASE_IGNORABLE", "skipped when looking for the end of a word (final sigma)"),
    ("DECOMPOSES", "has a decomposition mapping"),
    ("MIRRORED", "`unicodedata.mirrored`"),
    ("NFD_LOOK", "not always left alone by NFD"),
    ("NFKD_LOOK", "not always left alone by NFKD"),
    ("NFC_LOOK", "not always left alone by NFC"),
    ("NFKC_LOOK", "not always left alone by NFKC"),
]
BIT = {name: 1 << i for i, (name, _) in enumerate(FLAGS)}


def canonical(db, c):
    """The two code points of a canonical decomposition, or None."""
    parts = db.decomposition(c).split()
    return [int(p, 16) for p in parts] if parts and not parts[0].startswith("<") else None


def compositions(db):
    """(first, second) -> composed, for what NFC composes (Hangul is arithmetic)."""
    pairs = {}
    for c in CHARS:
        parts = canonical(db, c)
        if parts and len(parts) == 2 and db.normalize("NFC", c) == c:
            pairs[parts[0], parts[1]] = ord(c)
    return pairs


PAIRS = compositions(ucd)
SECONDS = {second for _, second in PAIRS} | set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3))


def is_case_ignorable(c):
    """Seen through the one rule of str.lower that asks for it."""
    if c.islower() or c.isupper() or c.istitle():
        return (c + "\u03a3").lower()[-1] == "\u03c3"
    return ("A\u03a3" + c + "A").lower()[1] == "\u03c3"


def flags(c):
    yes = {
        "ALPHA": c.isalpha(), "LOWER": c.islower(), "UPPER": c.isupper() , "TITLE": ucd.category(c) == "Lt",
        "SPACE": c.isspace(), "PRINTABLE": c.isprintable(), "XID_START": c.isidentifier(),
        "XID_CONTINUE": ("a" + c).isidentifier(), "NUMERIC": c.isnumeric(), "CASE_IGNORABLE": is_case_ignorable(c),
        "DECOMPOSES": bool(ucd.decomposition(c)), "MIRRORED": bool(ucd.mirrored(c)),
    }
    for form in FORMS:
        look = ucd.normalize(form, c) != c or (form in ("NFC", "NFKC") and ord(c) in SECONDS)
        yes[form + "_LOOK"] = look
    return sum(BIT[name] for name, on in yes.items() if on)


def digit(value):
    return 255 if value is None else value


def record(c):
    """Eight bytes: category, bidi class, combining class, width, flags (two), digit, decimal."""
    return struct.pack(
        "<BBBBHBB", CATEGORIES.index(ucd.category(c)), BIDI.index(ucd.bidirectional(c)), ucd.combining(c),
        WIDTHS.index(ucd.east_asian_width(c)), flags(c), digit(ucd.digit(c, None)), digit(ucd.decimal(c, None)))


def old_record(c):
    flag = BIT["MIRRORED"] * bool(OLD.mirrored(c)) | BIT["DECOMPOSES"] * bool(OLD.decomposition(c))
    flag |= BIT["NUMERIC"] * (OLD.numeric(c, None) is not None)
    for form in FORMS:
        # what 3.2 leaves alone is decided by looking, the old tables are seldom asked
        flag |= BIT[form + "_LOOK"] * (OLD.normalize(form, c) != c or ord(c) in SECONDS)
    return struct.pack(
        "<BBBBHBB", CATEGORIES.index(OLD.category(c)), BIDI.index(OLD.bidirectional(c)), OLD.combining(c),
        WIDTHS.index(OLD.east_asian_width(c)), flag, digit(OLD.digit(c, None)), digit(OLD.decimal(c, None)))


SPECIAL = []
SPECIAL_AT = {}


def mapping(c, to):
    """A difference of code points, or a place among the special mappings with 0x4000_0000 set."""
    if len(to) == 1:
        return ord(to) - ord(c)
    if to not in SPECIAL_AT:
        SPECIAL_AT[to] = len(SPECIAL)
        SPECIAL.extend(ord(x) for x in to)
    return 0x4000_0000 | SPECIAL_AT[to] << 4 | len(to)


def case_record(c):
    return struct.pack("<4i", *(mapping(c, to) for to in (c.lower(), c.upper(), c.title(), c.casefold())))


def trie(records):
    """Two-stage table: (shift, first stage, second stage of record numbers, records), as small as it gets."""
    numbers, rows = {}, []
    for row in records:
        rows.append(numbers.setdefault(row, len(numbers)))
    best = None
    for shift in range(4, 10):
        blocks, first = {}, []
        for start in range(0, LAST, 1 << shift):
            first.append(blocks.setdefault(tuple(rows[start:start + (1 << shift)]), len(blocks)))
        size = len(first) * 2 + (len(blocks) << shift) * 2
        if best is None or size < best[0]:
            best = size, shift, first, [number for block in blocks for number in block]
    _, shift, first, second = best
    return shift, u16s(first), u16s(second), b"".join(numbers)


def u16s(values):
    return struct.pack(f"<{len(values)}H", *values)


def u32s(values):
    return struct.pack(f"<{len(values)}I", *values)


def numeric_runs(db):
    """(first code point, count, first value): values grow by one, or stay."""
    runs = []
    for cp, c in enumerate(CHARS):
        value = db.numeric(c, None)
        if value is None:
            continue
        if runs and runs[-1][0] + runs[-1][1] == cp and (value == runs[-1][2] + runs[-1][1]):
            runs[-1][1] += 1
        else:
            runs.append([cp, 1, value])
    return b"".join(struct.pack("<IId", *run) for run in runs)


TAGS = sorted({d.split()[0] for c in CHARS if (d := ucd.decomposition(c)).startswith("<")})


def decompositions(db, only):
    """Sorted entries (code point, tag << 24 | length << 16 | 0, offset) and the code points they point to."""
    entries, data = [], []
    for cp in only:
        parts = db.decomposition(CHARS[cp]).split()
        tag = 0
        if parts and parts[0].startswith("<"):
            tag = TAGS.index(parts.pop(0)) + 1
        entries += [cp, tag << 24 | len(parts), len(data)]
        data += [int(p, 16) for p in parts]
    return u32s(entries), u32s(data)


def main():
    sections, layout = [], []

    def add(name, doc, data):
        start = sum(map(len, sections))
        sections.append(data)
        layout.append(f"/// {doc}\npub const {name}: Range<usize> = {start}..{start + len(data)};")

    def add_trie(name, doc, records):
        shift, first, second, rows = trie(records)
        layout.append(f"/// Code points per block of {name}, as a shift.\npub const {name}_SHIFT: u32 = {shift};")
        add(name + "_FIRST", doc + ": block of a code point, u16.", first)
        add(name + "_SECOND", "Record numbers by block, u16.", second)
        add(name + "_ROWS", "The records.", rows)

    add_trie("PROPS", "Properties", map(record, CHARS))
    add_trie("CASE", "Case mappings", map(case_record, CHARS))
    add("SPECIAL", "Mappings to several code points, u32.", u32s(SPECIAL))
    add("NUMERIC_RUNS", "Numeric values: first, count (u32), value (f64).", numeric_runs(ucd))
    hangul = range(0xAC00, 0xD7A4)
    entries, data = decompositions(ucd, [cp for cp in range(LAST) if ucd.decomposition(CHARS[cp]) and cp not in hangul])
    add("DECOMPOSITIONS", "Decompositions: code point, tag and length, place (u32 each).", entries)
    add("DECOMPOSED", "Code points of decompositions, u32.", data)
    add("COMPOSITIONS", "First, second, composed (u32 each), sorted.",
        u32s([x for pair in sorted(PAIRS) for x in (*pair, PAIRS[pair])]))
    add_trie("OLD_PROPS", "Properties in Unicode 3.2", map(old_record, CHARS))
    add("OLD_NUMERIC_RUNS", "Numeric values in Unicode 3.2.", numeric_runs(OLD))
    corrected = [(cp, ord(to)) for cp, c in enumerate(CHARS) if OLD.category(c) != "Cn"
                 and (to := OLD.normalize("NFD", c)) != ucd.normalize("NFD", c)]
    add("OLD_CORRECTIONS", "Code points whose normal form was another one (then a single code point), u32 pairs.",
        u32s([x for pair in corrected for x in pair]))
    with open("tables.bin", "wb") as file:
        file.write(b"".join(sections))
    names = lambda name, doc, values: (
        f"/// {doc}\npub const {name}: [&str; {len(values)}] = [\n    "
        + "\n    ".join(f'"{value}",' for value in values) + "\n];")
    with open("layout.rs", "w") as file:
        file.write("//! Where the sections of `tables.bin` lie; written by generate.py, not by hand.\n\n"
                   "use std::ops::Range;\n\n#[rustfmt::skip]\nmod places {\nuse super::Range;\n")
        file.write(f'/// `unicodedata.unidata_version`\npub const VERSION: &str = "{ucd.unidata_version}";\n')
        file.write("\n".join(layout) + "\n")
        file.write(names("CATEGORIES", "General categories.", CATEGORIES) + "\n")
        file.write(names("BIDI_CLASSES", "Bidirectional classes.", BIDI) + "\n")
        file.write(names("WIDTHS", "East Asian widths.", WIDTHS) + "\n")
        file.write(names("DECOMPOSITION_TAGS", "Tags of compatibility decompositions.", TAGS) + "\n")
        for name, doc in FLAGS:
            file.write(f"/// {doc}\npub const {name}: u16 = {BIT[name]};\n")
        file.write("}\npub use places::*;\n")
    print(sum(map(len, sections)), "bytes,", len(corrected), "corrections")


main()
