"""Finds what CPython's compiler refuses although its parser does not, for tests/errors.rs.

    python3.14 dump_errors.py OUT FILE...

Each FILE holds snippets: doctest examples (`>>> `), or pieces between lines of `----`. For each snippet that parses and
does not compile: the source and "message|line|offset|end line|end offset", each preceded by its length as a 32-bit
little-endian number.
"""

import ast
import doctest
import struct
import sys
import warnings


def snippets(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for piece in text.split("\n----\n"):
        yield piece + "\n"
    try:
        examples = doctest.DocTestParser().get_examples(text)
    except ValueError:
        return
    for example in examples:
        yield example.source


def main():
    warnings.simplefilter("ignore")
    with open(sys.argv[1], "wb") as out:
        for path in sys.argv[2:]:
            for source in snippets(path):
                try:
                    ast.parse(source)
                except (SyntaxError, ValueError, MemoryError, RecursionError):
                    continue
                try:
                    compile(source, "<snippet>", "exec", dont_inherit=True)
                except SyntaxError as error:
                    place = (error.msg, error.lineno, error.offset, error.end_lineno, error.end_offset)
                    answer = "|".join(map(str, place))
                    for part in (source.encode(), answer.encode()):
                        out.write(struct.pack("<I", len(part)) + part)


main()
