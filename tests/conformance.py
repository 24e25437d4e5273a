"""Hold a fixed sample of CPython's own tests against the list of those that passed before.

    python3 tests/conformance.py                     judge target/release/taipan; exit 1 if a test stopped passing
    python3 tests/conformance.py --bless             add the tests that pass now to the list, drop none
    python3 tests/conformance.py test_re test_dict   only these modules of the sample
    --interp COMMAND   another interpreter           --tests FOLDER   the oracle's Lib/test
    --jobs N           modules at a time             --shared FOLDER  where the runner and oracle.sh are
    --bless --drop     drop from the list what stopped passing, too

The sample is fixtures/conformance/sample.txt, the list fixtures/conformance/passing.txt.  The runner and the oracle
come from the `shared` folder beside the checkout; without `--tests`, `../shared/oracle.sh` installs the oracle
where it is missing and says where it is.  A module that lost a test is run once more before it counts, so that a
busy machine does not fail the run.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "fixtures" / "conformance"
SAMPLE, PASSING = FOLDER / "sample.txt", FOLDER / "passing.txt"
HEAD = "# Tests of CPython that pass; written by tests/conformance.py --bless, which explains it.\n"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("modules", nargs="*")
    parser.add_argument("--interp", default=str(ROOT / "target" / "release" / "taipan"))
    parser.add_argument("--tests", type=pathlib.Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--bless", action="store_true")
    parser.add_argument("--drop", action="store_true")
    parser.add_argument("--shared", type=pathlib.Path, default=ROOT.parent / "shared")
    return parser.parse_args()


def oracle_tests(shared):
    """The oracle's Lib/test, the oracle installed if need be."""
    lines = subprocess.run(["bash", shared / "oracle.sh"], check=True, capture_output=True, text=True).stdout.split()
    code = "import test; print(test.__path__[0])"
    return pathlib.Path(subprocess.run([lines[-1], "-c", code], check=True, capture_output=True, text=True).stdout.strip())


def entries(path):
    """The lines of a file in which `#` starts a comment and `[...]` a heading, with the heading of each."""
    heading = ""
    for line in path.read_text().splitlines():
        line = line.strip()
        if line.startswith("["):
            heading = line.strip("[]")
        elif line and not line.startswith("#"):
            yield heading, line


def read_passing():
    """-> {module: set of names of tests}"""
    passing = {}
    for module, name in entries(PASSING):
        passing.setdefault(module, set()).add(name)
    return passing


def write_passing(passing):
    with open(PASSING, "w") as out:
        out.write(HEAD)
        for module, names in sorted(passing.items()):
            if names:
                out.write(f"\n[{module}]\n" + "".join(f"{name}\n" for name in sorted(names)))


def runner(args):
    return args.shared / "conformance" / "run_cpython_tests.py"


def run(modules, args, tests):
    """-> {module: (names that pass, {name that does not: why})}"""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        command = [sys.executable, runner(args), "--interp", args.interp, "--tests", tests, "--jobs", str(args.jobs), "--json", report.name, *modules]
        subprocess.run(list(map(str, command)), check=True)
        results = json.load(open(report.name))["modules"]
    judged = {}
    for module in results:
        own = f"test.{module['module']}."
        good, bad = set(), {}
        for name, status in module["tests"].items():
            name = name.removeprefix(own)
            if status == "ok":
                good.add(name)
            else:
                bad[name] = status if isinstance(status, str) else ": ".join(filter(None, status))
        if module["import_error"] is not None:
            bad["(import)"] = module["import_error"]
        judged[module["module"]] = good, bad
    return judged


def lost(passing, judged):
    """-> {module: names that passed before and do not now}"""
    gone = {module: passing.get(module, set()) - good for module, (good, _) in judged.items()}
    return {module: names for module, names in gone.items() if names}


def main():
    args = arguments()
    if not runner(args).exists():
        sys.exit(f"conformance.py: {runner(args)} is not there")
    tests = args.tests or oracle_tests(args.shared)
    sample = [name for _, line in entries(SAMPLE) for name in line.split()]
    if unknown := [m for m in args.modules if m not in sample]:
        sys.exit(f"conformance.py: not in the sample: {' '.join(unknown)}")
    passing = read_passing()
    judged = run(args.modules or sample, args, tests)
    if again := lost(passing, judged):
        print("once more:", " ".join(again), flush=True)
        judged |= {m: (judged[m][0] | good, bad) for m, (good, bad) in run(list(again), args, tests).items()}
    gone = lost(passing, judged)
    fresh = {module: good - passing.get(module, set()) for module, (good, _) in judged.items()}
    for module, names in gone.items():
        reasons = judged[module][1]
        for name in sorted(names):
            print(f"LOST {module} {name}  {reasons.get(name) or reasons.get('(import)') or 'not found any more'}")
    count = lambda table: sum(map(len, table.values()))
    print(f"{count({m: g for m, (g, _) in judged.items()})} pass, {count(fresh)} of them new, {count(gone)} lost")
    if args.bless:
        for module, (good, _) in judged.items():
            passing[module] = good if args.drop else passing.get(module, set()) | good
        write_passing(passing)
        print(f"wrote {PASSING.relative_to(ROOT)}: {count(passing)} tests")
    sys.exit(1 if gone else 0)


if __name__ == "__main__":
    main()
