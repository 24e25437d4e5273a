#!/usr/bin/env python3
"""Writes order.txt: the symbols of the functions that starts run, in the order in which the linker is to lay them out.

    src/native/order.py target/release/taipan

Needs valgrind. To be run again when a start has come to run many other functions (`perf stat -e page-faults` tells), or
with a new compiler, whose symbols have other hashes. A function stands with the first of RUNS that reaches it.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

RUNS = [
    ["-c", "pass"],
    ["-c", "import argparse, gc, json, statistics, subprocess, threading; gc.collect()"],
    ["-c", "import asyncio, dataclasses, json, re, typing, inspect"],
    ["-c", "import collections, time, math\n"
           "class C:\n def __init__(self, n): self.n = n\n def add(self, *, k=1): return self.n + k\n"
           "print(f'{sum(C(i).add(k=2) for i in range(100)):>10}', sorted({'a': 1, 'b': 2.5}.items(), key=str))\n"
           "try: [][1]\nexcept IndexError as e: print(repr(e), 'a b'.split(), '%s %d' % ('x', 3), 2 ** 100)"],
]


def functions(program, arguments):
    """Names of the functions that a run executes, in order of first appearance in the profile."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "profile"
        subprocess.run(["valgrind", "--tool=callgrind", "--demangle=no", f"--callgrind-out-file={out}", program, *arguments],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # "fn=(12) name" where a function's own cost stands; objects other than the program come with an "ob=" line.
        names, known, objects, inside = {}, {}, {}, False
        objects = {}
        for line in out.read_text(errors="replace").splitlines():
            if m := re.match(r"c?ob=\((\d+)\)(?: (.*))?", line):
                objects.setdefault(m[1], m[2])
                if line.startswith("ob="):
                    inside = pathlib.Path(objects[m[1]]).resolve() == program
            elif m := re.match(r"c?fn=\((\d+)\)(?: (.*))?", line):
                known.setdefault(m[1], re.sub(r"'\d+$", "", m[2] or ""))
                if inside and line.startswith("fn="):
                    names.setdefault(known[m[1]])
    return names


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    order = {}
    for arguments in RUNS:
        for name in functions(program, arguments):
            if name.startswith("_"):
                order.setdefault(name)
    target = pathlib.Path(__file__).with_name("order.txt")
    target.write_text("".join(f"{name}\n" for name in order))
    print(f"{len(order)} functions in {target}")


if __name__ == "__main__":
    main()
