"""Collects the sources that CPython's own tests hand to compile(), exec(), eval() and ast.parse(), and prints for each
what CPython says to it, as JSON lines.

A line is [source, mode, flags, outcome of parsing, outcome of compiling]; an outcome is null if all is well, else
[class, message, lineno, offset, end_lineno, end_offset, text].
"""

import ast
import builtins
import contextlib
import io
import json
import sys
import unittest
import warnings

MODULES = """
test_syntax test_exceptions test_fstring test_tstring test_grammar test_eof test_named_expressions
test_positional_only_arg test_unpack_ex test_patma test_type_params test_string_literals test_generators test_genexps
test_listcomps test_setcomps test_dictcomps test_keywordonlyarg test_extcall test_with test_scope test_global
test_compile test_codeop test_ast.test_ast test_except_star test_flufl test_unicode_identifiers test_type_aliases
test_type_annotations test_super test_coroutines test_decorators test_pep646_syntax test_symtable test_unparse
test_future_stmt.test_future test_asyncgen test_augassign test_baseexception test_bool test_builtin test_cmd_line_script
test_call test_class test_funcattrs test_metaclass test_raise test_source_encoding test_tokenize test_traceback
test_warnings test_unpack test_yield_from test_type_comments test_exception_variations test_complex test_long test_float
test_descr test_format test_int test_int_literal test_keyword test_math test_nested_scopes test_opcodes test_statement
test_sundry test_typechecks test_code test_code_module test_dis test_peepholer test_positions test_print test_pdb
""".split()

ONLY_AST = ast.PyCF_ONLY_AST
KEPT_FLAGS = 0x0200 | 0x1000 | 0x2000 | 0x4000 | 0x100000 | 0x200000 | 0x400000 | 0x1000000
seen = {}
real_compile = builtins.compile


def note(source, mode, flags):
    if isinstance(source, (bytes, bytearray, memoryview)):
        try:
            source = bytes(source).decode("utf-8")
        except UnicodeDecodeError:
            return
        if "coding" in source[:200]:
            return
    if isinstance(source, str) and len(source) < 20000 and mode in ("exec", "eval", "single", "func_type"):
        try:
            source.encode()
        except UnicodeEncodeError:
            return
        if "\0" not in source:
            seen.setdefault((source, mode, flags & KEPT_FLAGS))


def spy_compile(source, filename, mode="exec", flags=0, *args, **kwargs):
    note(source, mode, flags)
    return real_compile(source, filename, mode, flags, *args, **kwargs)


def spying(real, mode):
    def spy(source, *args, **kwargs):
        note(source, mode, 0)
        if not args and "globals" not in kwargs:
            frame = sys._getframe(1)
            args = (frame.f_globals, frame.f_locals)
        return real(source, *args, **kwargs)

    return spy


def outcome(source, mode, flags):
    try:
        real_compile(source, "<f>", mode, flags, True)
    except SyntaxError as error:
        return [type(error).__name__, error.msg, error.lineno, error.offset, error.end_lineno, error.end_offset, error.text]
    except Exception as error:
        return [type(error).__name__, str(error), None, None, None, None, None]
    return None


def run_tests():
    builtins.compile = spy_compile
    builtins.exec = spying(builtins.exec, "exec")
    builtins.eval = spying(builtins.eval, "eval")
    stderr, stdout = sys.stderr, sys.stdout
    for name in MODULES:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            try:
                suite = unittest.defaultTestLoader.loadTestsFromName("test." + name)
                unittest.TextTestRunner(stream=io.StringIO(), verbosity=0).run(suite)
            except BaseException:
                pass
        print(name, len(seen), file=stderr)
    sys.stdout, sys.stderr = stdout, stderr
    builtins.compile = real_compile


def main():
    warnings.simplefilter("ignore")
    out = open(sys.argv[1], "w", encoding="utf-8")
    run_tests()
    warnings.simplefilter("ignore")
    for source, mode, flags in seen:
        parsing = outcome(source, mode, flags | ONLY_AST)
        compiling = outcome(source, mode, flags) if parsing is None and mode != "func_type" else parsing
        try:
            out.write(json.dumps([source, mode, flags, parsing, compiling]) + "\n")
        except UnicodeEncodeError:
            pass


main()
