"""What one unary call costs the server, counted: allocations, system calls, bytes of its frames.

    counts_check.py [--homing FILE] [--thresholds FILE]

The call is the RPC benchmark's, against a release build of `homing echo` with one loop. Each figure
is the difference between a short run and a long one, shared among the calls that the long one had
more, so that starting, connecting and closing do not count. Prints every figure with its threshold
and ends with 1 when a figure is above; a figure without a threshold is an error, and so is a
threshold without a figure. Counts hold on a busy machine too, where times would not.
"""
import argparse
import contextlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import peers as catalogue

THRESHOLDS = pathlib.Path(__file__).resolve().parent / "Thresholds.json"
METHODS = {"sync": catalogue.PUBLISH, "async": catalogue.PUBLISH_ASYNC}
CELLS = {"1x1": (1, 1), "8x32": (8, 32)}
SHORT, LONG = 2_000, 22_000
SHORT_TRACED, LONG_TRACED = 500, 2_500
LISTED = ("read", "write", "epoll_wait")
# strace's table: share, seconds, microseconds a call, calls, errors if any, name. Above it there
# may be a line about a call that the end of the process cut short.
ROW = re.compile(r"^ *[0-9.]+ +[0-9.]+ +[0-9]+ +([0-9]+) +(?:[0-9]+ +)?(\w+)$", re.MULTILINE)


class Skipped(Exception):
    """What cannot be counted on this machine, and why."""


class Counts:
    """Sets figures against their thresholds; prints a line for each."""

    def __init__(self, thresholds):
        self._left, self.passed, self.failed = dict(thresholds), 0, 0

    def add(self, name, figure):
        threshold = self._left.pop(name, None)
        if threshold is None:
            self.fail(name, f"{figure:.3f}, and no threshold is set")
        elif figure > threshold:
            self.fail(name, f"{figure:.3f}, may be {threshold:g}")
        else:
            self.passed += 1
            print(f"PASS {name}: {figure:.3f}, may be {threshold:g}", flush=True)

    def fail(self, name, text):
        self._left.pop(name, None)
        self.failed += 1
        print(f"FAIL {name}: {text}", flush=True)

    def skip(self, prefix, reason):
        for name in [name for name in self._left if name.startswith(prefix)]:
            del self._left[name]
            print(f"SKIP {name}: {reason}", flush=True)

    @contextlib.contextmanager
    def group(self, prefix):
        """Figures whose names begin with `prefix`; each of them that does not come fails."""
        try:
            yield
        except Skipped as reason:
            self.skip(prefix, reason)
        except (RuntimeError, OSError, ValueError, subprocess.SubprocessError) as error:
            self.fail(prefix.rstrip("."), error)
        for name in [name for name in self._left if name.startswith(prefix)]:
            self.fail(name, "not measured")

    def finish(self):
        for name in list(self._left):
            self.fail(name, "a threshold without a figure")
        print(f"{self.passed} passed, {self.failed} failed")
        sys.exit(1 if self.failed else 0)


def calls(server, method, cell, count):
    """Runs exactly so many calls; the row of the load generator."""
    conns, out = CELLS[cell]
    row = catalogue.loadgen(server, "--conns", conns, "--out", out, "--calls", count,
                            method=METHODS[method])
    if row["calls"] != count:
        raise RuntimeError(f"{row['calls']} calls were made, {count} were wanted")
    return row


def allocations(homing, method, cell, folder):
    """Allocations of the server for a call."""
    file = folder / "allocations"

    def counted():
        return int.from_bytes(file.read_bytes(), sys.byteorder)

    def command(port):
        return ["env", f"LD_PRELOAD={catalogue.BUILD / 'malloc_count.so'}",
                f"HOMING_MALLOC_COUNT={file}", *catalogue.ours(homing)(port)]

    with catalogue.Server(command, "ours, allocations counted") as server:
        if not counted():
            raise RuntimeError("the counter stands still")
        taken = []
        for count in (LONG, SHORT, LONG):  # The first fills what the server keeps for later.
            before = counted()
            calls(server, method, cell, count)
            taken.append(counted() - before)
    return (taken[2] - taken[1]) / (LONG - SHORT)


def traced(homing, method, count, folder):
    """System calls of a whole life of the server with so many calls, by name."""
    file = folder / f"{count}.strace"

    def command(port):  # -D: the server stays the process that we start and end.
        return ["strace", "-D", "-f", "-c", "-o", file, *catalogue.ours(homing)(port)]

    with catalogue.Server(command, "ours, traced") as server:
        calls(server, method, "1x1", count)
    for _ in range(100):  # The table is written when the server is gone.
        found = {name: int(count) for count, name in ROW.findall(file.read_text())}
        if "total" in found:
            return found
        time.sleep(0.1)
    raise RuntimeError("strace wrote no table")


def system_calls(homing, method, folder):
    """System calls of the server for a call, by name, and `total`."""
    if not shutil.which("strace"):
        raise Skipped("strace is not installed")
    trial = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, text=True)
    if trial.returncode:
        raise Skipped(f"strace may not trace here: {trial.stderr.strip()[-100:]}")
    few = traced(homing, method, SHORT_TRACED, folder)
    many = traced(homing, method, LONG_TRACED, folder)
    return {name: (count - few.get(name, 0)) / (LONG_TRACED - SHORT_TRACED)
            for name, count in many.items()}


def frame_bytes(homing, method):
    """Bytes of a call's two frames, their lengths included."""
    with catalogue.Server(catalogue.ours(homing), "ours") as server:
        row = calls(server, method, "1x1", SHORT)
    return row["request_bytes"], row["answer_bytes"]


def measure(counts, homing, method, folder):
    for cell in CELLS:
        with counts.group(name := f"rpc.allocations.{method}.{cell}"):
            counts.add(name, allocations(homing, method, cell, folder))
    with counts.group(f"rpc.system_calls.{method}.1x1."):
        found = system_calls(homing, method, folder)
        for name in (*LISTED, "total"):
            counts.add(f"rpc.system_calls.{method}.1x1.{name}", found.get(name, 0))
    with counts.group(f"rpc.bytes.{method}."):
        request, answer = frame_bytes(homing, method)
        counts.add(f"rpc.bytes.{method}.request", request)
        counts.add(f"rpc.bytes.{method}.answer", answer)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--homing", type=pathlib.Path,
                        default=catalogue.ROOT / ".build" / "release" / "homing")
    parser.add_argument("--thresholds", type=pathlib.Path, default=THRESHOLDS)
    options = parser.parse_args()
    if not options.homing.exists():
        sys.exit(f"{options.homing} is missing: swift build -c release --product homing")
    catalogue.build(options.homing)
    counts = Counts(json.loads(options.thresholds.read_text()))
    with tempfile.TemporaryDirectory() as folder:
        for method in METHODS:
            measure(counts, options.homing, method, pathlib.Path(folder))
    counts.finish()


if __name__ == "__main__":
    main()
