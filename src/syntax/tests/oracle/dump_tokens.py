"""Prints the tokens of every source named on standard input, one line per token, for comparison with Taipan's."""

import io
import sys
import tokenize
from tokenize import _generate_tokens_from_c_tokenizer


def main():
    extra = sys.argv[1] == "extra"
    sys.stdout.reconfigure(encoding="utf-8", errors="surrogatepass", newline="\n")
    for line in sys.stdin:
        path = line.rstrip("\n")
        print("FILE", path)
        try:
            with tokenize.open(path) as file:
                source = file.read()
        except (SyntaxError, UnicodeDecodeError):
            print("UNREADABLE")
            continue
        out = []
        try:
            for token in _generate_tokens_from_c_tokenizer(io.StringIO(source).readline, extra_tokens=extra):
                text = token.string.encode().hex()
                line = token.line.encode().hex()
                start, end = "%d,%d" % token.start, "%d,%d" % token.end
                out.append(f"{token.type} {start}-{end} [{text}] [{line}]")
        except (tokenize.TokenError, SyntaxError) as error:
            out.append(f"ERROR {type(error).__name__} {error.args[0]}")
        print("\n".join(out))
    print("FILE")


main()
