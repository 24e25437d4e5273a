"""Writes `tables.bin`: what the East Asian codecs map, asked of a CPython (run it with the oracle).

A codec is a list of pairs (bytes, text), those of its base left out, and a list of exceptions for the other direction.
All numbers are variable-length integers, seven bits a byte, low ones first; signed ones are zigzag. See `tables.rs`.
"""

import sys
import zlib

# Codec, and the one whose pairs it mostly shares.
CODECS = [
    ("cp932", None), ("shift_jis", "cp932"), ("shift_jis_2004", "shift_jis"), ("shift_jisx0213", "shift_jis_2004"),
    ("euc_jp", None), ("euc_jis_2004", "euc_jp"), ("euc_jisx0213", "euc_jis_2004"),
    ("cp949", None), ("euc_kr", "cp949"), ("johab", None),
    ("gb18030", None), ("gbk", "gb18030"), ("gb2312", "gbk"),
    ("big5hkscs", None), ("cp950", "big5hkscs"), ("big5", "cp950"),
]


def decoded(codec):
    """All sequences of one to three bytes that are one unit; the classes of first bytes; wrong ones of two bytes and more."""
    pairs, leads, wide = {}, [], []
    for a in range(256):
        one = bytes([a])
        try:
            pairs[a] = one.decode(codec)
            leads.append(1)
            continue
        except UnicodeDecodeError as e:
            if "incomplete" not in e.reason:
                assert (e.start, e.end) == (0, 1)
                leads.append(0)
                continue
        leads.append(2)
        for b in range(256):
            two = bytes([a, b])
            try:
                pairs[a << 8 | b] = two.decode(codec)
            except UnicodeDecodeError as e:
                if "incomplete" in e.reason:
                    assert (e.start, e.end) == (0, 2), (codec, two, e)
                    leads[a] = 3
                elif e.end == 2:
                    wide.append(a << 8 | b)
                else:
                    assert (e.start, e.end) == (0, 1), (codec, two, e)
        if leads[a] == 3 and codec not in ("gb18030", "euc_kr"):
            for bc in range(65536):
                three = bytes([a, bc >> 8, bc & 255])
                try:
                    pairs[a << 16 | bc] = three.decode(codec)
                except UnicodeDecodeError as e:
                    if e.end != 1:
                        wide.append(a << 16 | bc)
    # Two units in a row are not one.
    return {c: t for c, t in pairs.items() if c < 256 or len(t) == 1 or len(t.encode(codec)) <= 2}, leads, wide


def encoded(codec, pairs):
    """What single characters and the texts of two characters become."""
    out = {}
    for c in range(0x110000):
        try:
            b = chr(c).encode(codec)
        except UnicodeEncodeError:
            continue
        if len(b) > 3:
            continue  # made by rules: GB18030's ranges, EUC-KR's syllables of three letters
        out[chr(c)] = int.from_bytes(b)
    for code, text in pairs.items():
        if len(text) == 2:
            out[text] = int.from_bytes(text.encode(codec))
    return out


def number(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def signed(n):
    return number(n << 1 if n >= 0 else (-n << 1) - 1)


def text_number(t):
    """One character is itself; two are packed above all characters."""
    return ord(t) if len(t) == 1 else 0x110000 + (ord(t[0]) << 16 | ord(t[1]))


def write_pairs(pairs):
    out, code, last = bytearray(number(len(pairs))), 0, 0
    for c, t in sorted(pairs.items()):
        t = text_number(t) if t else 0
        out += number(c - code) + signed(t - last)
        code, last = c, t
    return out


def four_bytes():
    """Ranges of GB18030's four-byte codes in the basic plane: first linear number, first character, length."""
    ranges = []
    for n in range(39420):
        b = bytes([0x81 + n // 12600, 0x30 + n // 1260 % 10, 0x81 + n // 10 % 126, 0x30 + n % 10])
        try:
            c = ord(b.decode("gb18030"))
        except UnicodeDecodeError:
            continue
        if ranges and ranges[-1][0] + ranges[-1][2] == n and ranges[-1][1] + ranges[-1][2] == c:
            ranges[-1][2] += 1
        else:
            ranges.append([n, c, 1])
        assert chr(c).encode("gb18030") == b
    return ranges


def main(path):
    out, known = bytearray(number(len(CODECS))), {}
    for codec, base in CODECS:
        pairs, leads, wide = decoded(codec)
        known[codec] = pairs
        shared = known.get(base, {})
        different = {c: t for c, t in pairs.items() if shared.get(c) != t} | {c: "" for c in shared if c not in pairs}
        reverse = {}
        for c, t in sorted(pairs.items()):
            reverse.setdefault(t, c)
        forward = encoded(codec, pairs)
        exceptions = {t: c for t, c in forward.items() if reverse.get(t) != c} | {t: 0 for t in reverse if t not in forward}
        body = bytes(leads) + write_pairs(different) + number(len(exceptions))
        for t, c in sorted(exceptions.items()):
            body += number(text_number(t)) + number(c)
        body += number(len(wide)) + b"".join(map(number, wide))
        name = codec.encode()
        base_at = [c for c, _ in CODECS].index(base) + 1 if base else 0
        out += number(len(name)) + name + number(base_at) + number(len(body)) + body
        print(codec, len(pairs), len(different), len(exceptions), list(map(hex, wide))[:20], len(wide), len(body), file=sys.stderr)
    ranges = four_bytes()
    out += number(len(ranges))
    for row in ranges:
        out += b"".join(map(number, row))
    with open(path, "wb") as f:
        f.write(zlib.compress(bytes(out), 9))


if __name__ == "__main__":
    main(sys.argv[1])
