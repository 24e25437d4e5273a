"""Prints the AST of every source named on standard input, one line per node, for comparison with Taipan's.

A line is the path of a file, or a case as collect_sources.py makes them.
"""

import ast
import json
import struct
import sys
import tokenize
import warnings

warnings.simplefilter("ignore")
sys.setrecursionlimit(20000)


def constant(value):
    if value is None or value is Ellipsis or isinstance(value, bool):
        return repr(value)
    if isinstance(value, int):
        return f"int {value:x}"
    if isinstance(value, float):
        return "float " + struct.pack(">d", value).hex()
    if isinstance(value, complex):
        return "complex " + struct.pack(">dd", value.real, value.imag).hex()
    if isinstance(value, str):
        return "str " + value.encode("utf-8", "surrogatepass").hex()
    return "bytes " + value.hex()


def walk(node, label, out):
    cls = type(node)
    if isinstance(node, ast.AST):
        at = ""
        if cls._attributes:
            at = f" {node.lineno}:{node.col_offset}-{node.end_lineno}:{node.end_col_offset}"
        out.append(f"{label} {cls.__name__}{at}")
        for name in cls._fields:
            value = getattr(node, name)
            if cls in (ast.Constant, ast.MatchSingleton) and name == "value" or name == "str":
                out.append(f"value {constant(value)}")
            else:
                walk(value, name, out)
    elif isinstance(node, list):
        out.append(f"{label} [{len(node)}")
        for item in node:
            walk(item, "-", out)
    else:
        out.append(f"{label} {'None' if node is None else node}")


def main():
    sys.stdout.reconfigure(encoding="utf-8", errors="surrogatepass", newline="\n")
    for line in sys.stdin:
        path = line.rstrip("\n")
        print("FILE", path)
        try:
            if path.startswith("["):
                source, mode, flags, *_ = json.loads(path)
                tree = compile(source, "<f>", mode, flags | ast.PyCF_ONLY_AST, True)
            else:
                with open(path, "rb") as file:
                    tree = compile(file.read(), path, "exec", ast.PyCF_ONLY_AST)
        except (SyntaxError, ValueError) as error:
            print("ERROR", type(error).__name__, str(error.args[0]).replace("\n", " "))
            continue
        out = []
        walk(tree, "root", out)
        print("\n".join(out))
    print("FILE")


main()
