"""Compiles Python files with CPython and writes the code objects, for tests/parity.rs.

    python3.14 dump_code.py OUT [ROOT [OPTIMIZE]]            every file below ROOT (by default the standard library)
    python3.14 dump_code.py --sample LIBRARY                 records fixtures/compiler/code.bin.gz

For each file: its path, the marshalled code object (empty if the file has a syntax error), the warnings of the compiler
(lines of "line message") and the CRC-32 of the source, each preceded by its length as a 32-bit little-endian number. The
sample is what fixtures/compiler/sample.txt lists of LIBRARY, which is the folder `Lib` of the packaged standard library,
and all of fixtures/language; its paths are relative, `lib/...` and `language/...`.
"""

import gzip
import marshal
import os
import struct
import sys
import sysconfig
import tokenize
import warnings
import zlib

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../../fixtures")


def entry(path, name, optimize):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with tokenize.open(path) as source:
                text = source.read()
            data = marshal.dumps(compile(text, name, "exec", dont_inherit=True, optimize=optimize))
        except (SyntaxError, ValueError, OSError):
            data = b""
    lines = [f"{w.lineno} {w.message}" for w in caught if issubclass(w.category, SyntaxWarning)]
    with open(path, "rb") as source:
        crc = str(zlib.crc32(source.read()))
    parts = (name.encode(), data, "\n".join(lines).encode(), crc.encode())
    return b"".join(struct.pack("<I", len(part)) + part for part in parts)


def below(root):
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            if name.endswith(".py") and os.path.exists(path):
                yield path


def sample(library):
    with open(os.path.join(FIXTURES, "compiler/sample.txt")) as file:
        modules = [line.strip() for line in file if not line.startswith("#")]
    data = b"".join(entry(os.path.join(library, module), "lib/" + module, 0) for module in modules)
    for path in below(os.path.join(FIXTURES, "language")):
        data += entry(path, os.path.relpath(path, FIXTURES), 0)
    with open(os.path.join(FIXTURES, "compiler/code.bin.gz"), "wb") as file:
        file.write(gzip.compress(data, 9, mtime=0))


def main():
    if sys.argv[1] == "--sample":
        return sample(sys.argv[2])
    root = sys.argv[2] if len(sys.argv) > 2 else sysconfig.get_paths()["stdlib"]
    optimize = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    with open(sys.argv[1], "wb") as file:
        for path in below(root):
            file.write(entry(path, path, optimize))


main()
