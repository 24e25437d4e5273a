"""Compiles Python files with CPython and writes the code objects, for tests/parity.rs.

    python3.14 dump_code.py OUT [ROOT [OPTIMIZE]]

For each file below ROOT (by default the standard library): the path, the marshalled code object (empty if the file
has a syntax error), and the warnings of the compiler (lines of "line message"), each preceded by its length as a
32-bit little-endian number.
"""

import marshal
import os
import struct
import sys
import sysconfig
import tokenize
import warnings


def main():
    out = sys.argv[1]
    root = sys.argv[2] if len(sys.argv) > 2 else sysconfig.get_paths()["stdlib"]
    optimize = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    files = []
    for folder, folders, names in os.walk(root):
        folders.sort()
        files += [os.path.join(folder, name) for name in sorted(names) if name.endswith(".py")]
    with open(out, "wb") as file:
        for path in files:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                try:
                    with tokenize.open(path) as source:
                        text = source.read()
                    data = marshal.dumps(compile(text, path, "exec", dont_inherit=True, optimize=optimize))
                except (SyntaxError, ValueError, OSError):
                    data = b""
            lines = [f"{w.lineno} {w.message}" for w in caught if issubclass(w.category, SyntaxWarning)]
            for part in (path.encode(), data, "\n".join(lines).encode()):
                file.write(struct.pack("<I", len(part)) + part)


main()
