"""Writes sequences.txt: the named character sequences that unicodedata.lookup knows, one a line, sorted.

Run it with CPython 3.14, in this folder, with Unicode's NamedSequences.txt (of any version) as argument: every name
in it that the interpreter knows is kept with the interpreter's answer.
"""

import sys
import unicodedata

rows = {}
for line in open(sys.argv[1], encoding="utf-8"):
    for name in line.strip().split(";")[:1]:
        try:
            text = unicodedata.lookup(name)
        except KeyError:
            continue
        if len(text) > 1:
            rows[name] = " ".join(f"{ord(c):X}" for c in text)
with open("sequences.txt", "w") as file:
    file.writelines(f"{name};{rows[name]}\n" for name in sorted(rows))
print(len(rows))
