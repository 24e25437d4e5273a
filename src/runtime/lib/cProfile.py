"""The interface of the `profile` module over the native profiler `_lsprof`."""

import _lsprof
import importlib.machinery
import importlib.util
import io
import profile as _pyprofile

__all__ = ["run", "runctx", "Profile"]


def run(statement, filename=None, sort=-1):
    return _pyprofile._Utils(Profile).run(statement, filename, sort)


def runctx(statement, globals, locals, filename=None, sort=-1):
    return _pyprofile._Utils(Profile).runctx(statement, globals, locals, filename, sort)


run.__doc__ = _pyprofile.run.__doc__
runctx.__doc__ = _pyprofile.runctx.__doc__


class Profile(_lsprof.Profiler):
    """Profile(timer=None, timeunit=None, subcalls=True, builtins=True)

    A profiler with the methods of `profile.Profile`; `timer` is a function that gives the time, `timeunit` the length in
    seconds of what it counts if it gives integers.
    """

    def print_stats(self, sort=-1):
        import pstats
        keys = sort if isinstance(sort, tuple) else (sort,)
        pstats.Stats(self).strip_dirs().sort_stats(*keys).print_stats()

    def dump_stats(self, file):
        import marshal
        with open(file, "wb") as out:
            self.create_stats()
            marshal.dump(self.stats, out)

    def create_stats(self):
        self.disable()
        self.snapshot_stats()

    def snapshot_stats(self):
        """Fill `stats`: for each function its counts and times, and the same for each of its callers."""
        entries = self.getstats()
        callers = {}
        by_code = {}
        for entry in entries:
            callers[label(entry.code)] = by_code[_identity(entry.code)] = {}
        for entry in entries:
            caller = label(entry.code)
            for sub in entry.calls or ():
                known = by_code.get(_identity(sub.code))
                if known is None:
                    continue
                row = (sub.callcount, sub.callcount - sub.reccallcount, sub.inlinetime, sub.totaltime)
                if caller in known:
                    row = tuple(a + b for a, b in zip(row, known[caller]))
                known[caller] = row
        self.stats = {}
        for entry in entries:
            key = label(entry.code)
            calls = entry.callcount
            self.stats[key] = (calls - entry.reccallcount, calls, entry.inlinetime, entry.totaltime, callers[key])

    def run(self, cmd):
        import __main__
        namespace = __main__.__dict__
        return self.runctx(cmd, namespace, namespace)

    def runctx(self, cmd, globals, locals):
        with self:
            exec(cmd, globals, locals)
        return self

    def runcall(self, func, /, *args, **kw):
        with self:
            return func(*args, **kw)

    def __enter__(self):
        self.enable()
        return self

    def __exit__(self, *exc_info):
        self.disable()


def _identity(code):
    return code if isinstance(code, str) else id(code)


def label(code):
    """The key of a function in the statistics: file, line, name."""
    if isinstance(code, str):
        return ("~", 0, code)
    return (code.co_filename, code.co_firstlineno, code.co_name)


def main():
    import os
    import runpy
    import sys
    from optparse import OptionParser

    parser = OptionParser(usage="cProfile.py [-o output_file_path] [-s sort] [-m module | scriptfile] [arg] ...")
    parser.allow_interspersed_args = False
    parser.add_option("-o", "--outfile", dest="outfile", default=None, help="Save stats to <outfile>")
    parser.add_option("-s", "--sort", dest="sort", default=2, type="choice", choices=_sort_choices(),
                      help="Sort order when printing to stdout, based on pstats.Stats class")
    parser.add_option("-m", dest="module", action="store_true", default=False, help="Profile a library module")
    if not sys.argv[1:]:
        parser.print_usage()
        sys.exit(2)
    options, args = parser.parse_args()
    sys.argv[:] = args
    if options.outfile is not None:
        # The script may change the directory.
        options.outfile = os.path.abspath(options.outfile)
    if not args:
        parser.print_usage()
        return parser
    if options.module:
        code = "run_module(modname, run_name='__main__')"
        namespace = {"run_module": runpy.run_module, "modname": args[0]}
        sys.path.insert(0, os.getcwd())
    else:
        script = args[0]
        sys.path.insert(0, os.path.dirname(script))
        with io.open_code(script) as source:
            code = compile(source.read(), script, "exec")
        spec = importlib.machinery.ModuleSpec(name="__main__", loader=None, origin=script)
        module = importlib.util.module_from_spec(spec)
        # What the script defines must be found in `sys.modules`, by pickle for one. Without a `__spec__` it is a script
        # run directly, as processes that it spawns understand it.
        sys.modules["__main__"] = module
        namespace = module.__dict__
        namespace.update({"__spec__": None, "__file__": spec.origin, "__name__": spec.name,
                          "__package__": None, "__cached__": None})
    try:
        runctx(code, namespace, None, options.outfile, options.sort)
    except BrokenPipeError as error:
        # Whoever read the output has closed it: no second complaint at exit.
        sys.stdout = None
        sys.exit(error.errno)
    return parser


def _sort_choices():
    import pstats
    return sorted(pstats.Stats.sort_arg_dict_default)


if __name__ == "__main__":
    main()
