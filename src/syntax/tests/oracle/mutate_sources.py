"""Makes broken sources out of good ones and prints what CPython says to each, in the form of collect_sources.py.

Every case is a few consecutive statements of a file of the standard library with one or two tokens deleted, doubled,
swapped or replaced. With a file of collected cases, its short sources are the ones to break; with a folder, its files.
An output that ends in `.gz` is compressed: fixtures/compiler/errors.jsonl.gz is made with 4000, 1 and fixtures/language.

Usage: mutate_sources.py OUTPUT COUNT SEED [CASES|FOLDER]
"""

import ast
import glob
import gzip
import io
import json
import os
import random
import sys
import tokenize
import warnings

warnings.simplefilter("ignore")

INSERTED = """
( ) [ ] { } : , ; = == := ! != . ... -> * ** / @ + - ~ not in is if else elif for while with as from import def class
lambda return yield await async try except finally raise pass del global nonlocal assert match case type None True x 1
0x 1a 'a' "b" f'{x}' f'{x!r:{y}}' t'{x}' print exec break continue \\ $ ? # += |
""".split() + ["\n", "\n    ", "    ", "\t", "f'{", "'", '"""', "é", "€", "\u00a0"]


def outcome(source, mode, flags):
    try:
        compile(source, "<f>", mode, flags, True)
    except SyntaxError as error:
        return [type(error).__name__, error.msg, error.lineno, error.offset, error.end_lineno, error.end_offset, error.text]
    except Exception as error:
        return [type(error).__name__, str(error), None, None, None, None, None]
    return None


def pieces(files, rng):
    """Short runs of statements from random files."""
    while True:
        path = rng.choice(files)
        try:
            with tokenize.open(path) as file:
                text = file.read()
            tree = ast.parse(text)
        except (SyntaxError, UnicodeDecodeError):
            continue
        bodies = [node.body for node in ast.walk(tree) if isinstance(getattr(node, "body", None), list) and node.body]
        for _ in range(4 if bodies else 0):
            body = rng.choice(bodies)
            start = rng.randrange(len(body))
            nodes = body[start : start + rng.randint(1, 2)]
            lines = text.splitlines(True)[nodes[0].lineno - 1 : nodes[-1].end_lineno]
            if 0 < len(lines) < 14:
                indent = len(lines[0]) - len(lines[0].lstrip())
                yield "".join(line[indent:] if not line[:indent].strip() else line for line in lines)


def mutate(source, rng):
    try:
        tokens = [(t.start, t.end) for t in tokenize.generate_tokens(io.StringIO(source).readline) if t.string.strip()]
    except (tokenize.TokenError, SyntaxError, IndentationError):
        return None
    lines = source.splitlines(True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    spans = [(starts[a[0] - 1] + a[1], starts[b[0] - 1] + b[1]) for a, b in tokens if a[0] <= len(lines)]
    if len(spans) < 2:
        return None
    start, end = rng.choice(spans)
    text = source[start:end]
    match rng.randrange(7):
        case 0:
            return source[:start] + source[end:]
        case 1:
            return source[:end] + " " + text + source[end:]
        case 2:
            return source[:start] + rng.choice(INSERTED) + source[end:]
        case 3:
            return source[:start] + rng.choice(INSERTED) + " " + source[start:]
        case 4:
            return source[:end] + " " + rng.choice(INSERTED) + source[end:]
        case 5:
            other = rng.choice(spans)
            (a, b), (c, d) = sorted([(start, end), other])
            if b > c:
                return None
            return source[:a] + source[c:d] + source[b:c] + source[a:b] + source[d:]
        case 6:
            return source[:end]


def main():
    output, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    rng = random.Random(seed)
    given = sys.argv[4] if len(sys.argv) > 4 else None
    root = given if given and os.path.isdir(given) else os.path.dirname(os.__file__)
    files = sorted(glob.glob(root + "/**/*.py", recursive=True))
    files = [path for path in files if os.path.exists(path) and "site-packages" not in path]
    done = 0
    sources = pieces(files, rng)
    if given and not os.path.isdir(given):
        with open(given, encoding="utf-8") as file:
            known = sorted({case[0] for case in map(json.loads, file) if 3 < len(case[0]) < 400})
        sources = iter(lambda: rng.choice(known), None)
    with io.StringIO() as out:
        for source in sources:
            for _ in range(8):
                broken = mutate(source, rng)
                if broken is not None and rng.random() < 0.2:
                    broken = mutate(broken, rng)
                if broken is None:
                    continue
                mode = rng.choice(["exec"] * 6 + ["single", "eval"])
                flags = rng.choice([0] * 7 + [0x4200])
                parsing = outcome(broken, mode, flags | ast.PyCF_ONLY_AST)
                compiling = outcome(broken, mode, flags) if parsing is None else parsing
                try:
                    out.write(json.dumps([broken, mode, flags, parsing, compiling]) + "\n")
                except UnicodeEncodeError:
                    continue
                done += 1
            if done >= count:
                break
        data = out.getvalue().encode()
    with open(output, "wb") as file:
        file.write(gzip.compress(data, 9, mtime=0) if output.endswith(".gz") else data)


main()
