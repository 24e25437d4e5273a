"""Prints the scopes of every source named on standard input, one line per block, for comparison with Taipan's."""

import _symtable
import sys
import warnings

warnings.simplefilter("ignore")
sys.setrecursionlimit(20000)


def walk(block, depth, out):
    names = " ".join(f"{name}={flags:x}" for name, flags in sorted(block.symbols.items()))
    variables = ",".join(block.varnames)
    out.append(f"{depth} {block.name} {block.type} {block.lineno} {block.nested} [{variables}] {names}")
    for child in block.children:
        walk(child, depth + 1, out)


def main():
    sys.stdout.reconfigure(encoding="utf-8", errors="surrogatepass", newline="\n")
    for line in sys.stdin:
        path = line.rstrip("\n")
        print("FILE", path)
        try:
            with open(path, "rb") as file:
                table = _symtable.symtable(file.read(), path, "exec")
        except (SyntaxError, ValueError) as error:
            print("ERROR", type(error).__name__, str(error.args[0]).replace("\n", " "))
            continue
        out = []
        walk(table, 0, out)
        print("\n".join(out))
    print("FILE")


main()
