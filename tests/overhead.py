"""What watching costs: CPU time of programs under a tool, against the same programs alone.

    python3 tests/overhead.py [--taipan PATH] [--runs N] [--seconds S] [--tool WORDS ...]

Each workload runs N times plainly and N times under the tool, one after the other in turn, so that a machine that becomes
slower or faster meets both alike. A run measures its own work twice: with `time.thread_time()`, how much slower the program
itself becomes (`slower`), and with `time.process_time()`, which counts all threads of the process, the profiler's clock
among them (`all CPU`). Start, report and files, which do not grow with the program, are left out; what the whole process
used is told beside it. The figures are medians of the ratios of neighbours; behind the first stands the range in which the
true median lies with 95 % (binomial, from the ordered ratios). Exit status 1 when the first is over --most.
"""

import argparse
import os
import statistics
import sys
import tempfile

WORKLOADS = {
    "calls": """
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

def work():
    fib(21)
""",
    "loop": """
def work():
    total = 0
    for i in range(100_000):
        total += i * i & 7
""",
    "objects": """
class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def moved(self, by):
        return Point(self.x + by, self.y - by)

def work():
    points = [Point(i, -i) for i in range(300)]
    for by in range(40):
        points = [p.moved(by) for p in points]
""",
    "natives": """
data = [i * 7919 % 10007 for i in range(5000)]

def work():
    text = ' '.join(map(str, sorted(data)))
    return {word: len(word) for word in text.split()}
""",
    "deep": """
def down(n):
    if n:
        return down(n - 1) + 1
    return sum(range(20_000))

def work():
    down(300)
""",
}

MEASURE = """
import sys, time
goal = float(sys.argv[1])
work()
# As many rounds in every run: the first argument's seconds decide once, the second says how many.
if len(sys.argv) > 2:
    rounds = int(sys.argv[2])
    own, all = time.thread_time(), time.process_time()
    for _ in range(rounds):
        work()
    print(time.thread_time() - own, time.process_time() - all)
else:
    start = time.process_time()
    rounds = 0
    while time.process_time() - start < goal:
        work()
        rounds += 1
    print(rounds)
"""


def run(command, folder):
    """The text a command prints and the CPU seconds that its process used."""
    read, write = os.pipe()
    quiet = os.open(os.devnull, os.O_WRONLY)
    actions = [(os.POSIX_SPAWN_DUP2, write, 1), (os.POSIX_SPAWN_DUP2, quiet, 2), (os.POSIX_SPAWN_CLOSE, read)]
    here = os.getcwd()
    os.chdir(folder)
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
    os.chdir(here)
    os.close(write)
    os.close(quiet)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    _, status, usage = os.wait4(pid, 0)
    if status:
        sys.exit(f"{' '.join(command)}: status {status}")
    return text, usage.ru_utime + usage.ru_stime


def bounds(ordered):
    """The 95 % range of the median of some ordered values."""
    n, chance, k = len(ordered), 0.5 ** len(ordered), 0
    total = chance
    while total <= 0.025 and k < n // 2:
        k += 1
        chance *= (n - k + 1) / k
        total += chance
    return ordered[max(k - 1, 0)], ordered[min(n - k, n - 1)]


def main():
    parser = argparse.ArgumentParser(description="What watching costs, in CPU time.")
    parser.add_argument("--taipan", default="target/release/taipan", help="the binary (target/release/taipan)")
    parser.add_argument("--runs", type=int, default=21, help="pairs of runs of each workload (21)")
    parser.add_argument("--seconds", type=float, default=1.0, help="CPU time of a run (1)")
    parser.add_argument("--most", type=float, default=1.03, help="largest figure that passes (1.03)")
    parser.add_argument("--only", action="append", choices=list(WORKLOADS), help="this workload alone")
    parser.add_argument("--tool", nargs=argparse.REMAINDER, default=["profile"], help="words of the tool (profile); stands last")
    options = parser.parse_args()
    taipan = os.path.abspath(options.taipan)
    print(f"{'workload':10} {'slower':>6}   95 % range       all CPU  whole process   ({options.runs} pairs, {options.tool})")
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for name, source in WORKLOADS.items():
            if options.only and name not in options.only:
                continue
            with open(os.path.join(folder, name + ".py"), "w") as file:
                file.write(source + MEASURE)
            plain = [taipan, name + ".py", str(options.seconds)]
            plain.append(run(plain, folder)[0].strip())
            watched = [taipan, *options.tool, *plain[1:]]
            ratios, cpu, whole = [], [], []
            for pair in range(options.runs):
                order = [plain, watched] if pair % 2 else [watched, plain]
                results = {id(c): run(c, folder) for c in order}
                (a, all_a), (b, all_b) = results[id(plain)], results[id(watched)]
                (own_a, cpu_a), (own_b, cpu_b) = (map(float, text.split()) for text in (a, b))
                ratios.append(own_b / own_a)
                cpu.append(cpu_b / cpu_a)
                whole.append(all_b / all_a)
            ratio = statistics.median(ratios)
            low, high = bounds(sorted(ratios))
            worst = max(worst, ratio)
            line = f"{name:10} {ratio:6.3f}   {low:.3f} .. {high:.3f}   "
            print(f"{line}{statistics.median(cpu):.3f}    {statistics.median(whole):.3f}", flush=True)
    print(f"largest {worst:.3f}, {'within' if worst <= options.most else 'OVER'} {options.most}")
    return worst > options.most


if __name__ == "__main__":
    sys.exit(main())
