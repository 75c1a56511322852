"""The RPC benchmark: server CPU per call beside what others need for the same, in the same run.

    rpc_benchmark.py [--rounds 3] [--secs 2] [--cells a,b,c,idle,handshake,stream] [--only NAMES]

The call: a cart event of 187 bytes with two lines, an answer of 19 bytes, mutual TLS 1.3 with
AES-128-GCM on loopback. Cells: a = 1 connection x 1 call under way, b = 64 x 1, c = 8 x 32. Each
round runs every server in turn; a machine's speed drifts, so ratios are taken within a round, and
their medians count. Prints a table with the targets and puts the figures into
.build/benchmarks.json. Exits with 1 when something could not be measured, not for a missed target.
"""
import argparse
import contextlib
import fcntl
import json
import pathlib
import statistics
import subprocess
import sys
import time

import peers as catalogue

LOCK = pathlib.Path("/tmp/homing-bench.lock")
RESULTS = catalogue.ROOT / ".build" / "benchmarks.json"
CALLS = {"a": (1, 1), "b": (64, 1), "c": (8, 32)}
IDLE_CONNECTIONS = 1000
BUILDERS = {"swift-build", "swift-test", "swift-frontend", "cc1", "cc1plus"}

# Ours may need at most this many times what the other needs, server CPU per call.
TARGETS = {
    "a": {"limit": 1.25, "redis": 1, "thrift": 1, "grpc_cpp": 1 / 3.5, "grpc_swift": 1 / 20},
    "b": {"limit": 1.25, "redis": 1, "thrift": 1, "grpc_cpp": 1 / 5, "grpc_swift": 1 / 25},
    "c": {"arena": 1.5, "redis": 1, "thrift": 1 / 8, "grpc_cpp": 1 / 20, "grpc_swift": 1 / 120},
}
IDLE_BYTES_MAX = 40 << 10  # 20 KiB of ours and 20 KiB of OpenSSL's.


@contextlib.contextmanager
def quiet_machine(busy):
    """One measurement at a time, and none beside a build unless that is wanted."""
    with open(LOCK, "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if busy:
            yield
            return
        end = time.monotonic() + 900
        while (building := builders()) and time.monotonic() < end:
            print(f"waiting for a build to end ({', '.join(sorted(building))})", file=sys.stderr)
            time.sleep(10)
        if building:
            sys.exit("a build is still running; nothing was measured")
        yield


def builders():
    names = set()
    for path in pathlib.Path("/proc").glob("[0-9]*/comm"):
        with contextlib.suppress(OSError):
            names.add(path.read_text().strip())
    return names & BUILDERS


class Figures:
    """Rows by server, cell and round, and the objects for the JSON file."""

    def __init__(self):
        self.rows, self.objects, self.failures = {}, [], 0

    def add(self, name, cell, round_number, row):
        self.rows[name, cell, round_number] = row

    def values(self, name, cell, key):
        return [row[key] for (n, c, _), row in self.rows.items() if (n, c) == (name, cell)]

    def median(self, name, cell, key):
        values = self.values(name, cell, key)
        return statistics.median(values) if values else None

    def ratio(self, name, other, cell):
        """The median over the rounds of what `name` needs, in multiples of `other`."""
        ratios = [row["server_us"] / self.rows[other, cell, r]["server_us"]
                  for (n, c, r), row in self.rows.items()
                  if (n, c) == (name, cell) and (other, cell, r) in self.rows]
        return statistics.median(ratios) if ratios else None

    def failed(self, what, error):
        self.failures += 1
        print(f"failed: {what}: {error}", file=sys.stderr)


def measure_calls(figures, servers, cells, rounds, secs):
    for round_number in range(rounds):
        for peer in servers:
            for cell in cells:
                try:
                    with catalogue.Server(peer.command, peer.name) as server:
                        row = peer.drive(server, *CALLS[cell], secs)
                    figures.add(peer.name, cell, round_number, row)
                except (RuntimeError, OSError, ValueError, subprocess.SubprocessError) as error:
                    figures.failed(f"{peer.name}, cell {cell}, round {round_number + 1}", error)


def verdict(reached):
    return "not measured" if reached is None else "OK" if reached else "MISSED"


def number(value, digits=2):
    return "-" if value is None else f"{value:,.{digits}f}"


def report_calls(figures, servers, everyone, cells):
    for cell in cells:
        conns, out = CALLS[cell]
        print(f"\ncell {cell}: {conns} connections x {out} under way"
              f"\n  {'server':<21}{'CPU us/call':>12}{'x echo':>8}{'calls/s':>12}"
              f"{'p50 us':>10}{'p99 us':>10}   ours may be / is / verdict")
        result = {"name": "rpc", "cell": cell}
        for peer in everyone:
            values = {key: figures.median(peer.name, cell, key)
                      for key in ("server_us", "rate", "p50_us", "p99_us")}
            ratio = figures.ratio(peer.name, "limit", cell)
            result.update({
                f"{peer.name}_us": values["server_us"], f"{peer.name}_x_limit": ratio,
                f"{peer.name}_rate": values["rate"], f"{peer.name}_p50_us": values["p50_us"],
                f"{peer.name}_p99_us": values["p99_us"]})
            if peer not in servers:
                if missing := peer.missing():
                    print(f"  {peer.title:<21}not installed ({', '.join(missing)})")
                continue
            line = (f"  {peer.title:<21}{number(values['server_us']):>12}{number(ratio):>8}"
                    f"{number(values['rate'], 0):>12}{number(values['p50_us'], 1):>10}"
                    f"{number(values['p99_us'], 1):>10}")
            if (factor := TARGETS[cell].get(peer.name)) is not None:
                ours = figures.ratio("ours", peer.name, cell)
                reached = None if ours is None else ours <= factor
                result[f"ours_to_{peer.name}"] = ours
                result[f"ours_to_{peer.name}_max"] = factor
                line += f"   {factor:.3f} x / {number(ours, 3)} x / {verdict(reached)}"
            print(line)
        figures.objects.append(result)


def measure_idle(figures, ours):
    """Resident memory of a server with many idle connections, for each of them."""
    with catalogue.Server(ours.command, "ours") as server:
        for _ in range(2):  # What the server needs once is not a connection's.
            catalogue.loadgen(server, "--conns", 8, "--secs", 0.2, "--warm", 0)
        before = server.resident_bytes()
        client = subprocess.Popen(
            [str(part) for part in [
                catalogue.BUILD / "loadgen", "--port", server.port, "--idle", IDLE_CONNECTIONS,
                "--payload", catalogue.BUILD / "request.bin", *catalogue.pair("client")]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=catalogue.environment())
        try:
            if not client.stdout.readline():
                raise RuntimeError("the connections could not be opened")
            time.sleep(1)
            each = (server.resident_bytes() - before) / IDLE_CONNECTIONS
        finally:
            client.stdin.close()
            client.wait(30)
    figures.objects.append({
        "name": "rpc", "cell": "idle", "connections": IDLE_CONNECTIONS,
        "bytes_per_connection": each})
    print(f"\nidle: {each / 1024:.1f} KiB a connection with {IDLE_CONNECTIONS} of them, "
          f"may be {IDLE_BYTES_MAX >> 10} KiB: {verdict(each <= IDLE_BYTES_MAX)}")


def measure_handshake(figures, servers, rounds, secs):
    """Server CPU for a connection: TCP, handshake, one call, close."""
    rows = {}
    for _ in range(rounds):
        for peer in servers:
            with catalogue.Server(peer.command, peer.name) as server:
                for kind in ("full", "resumed"):
                    row = catalogue.loadgen(server, "--connect-only", kind, "--secs", secs)
                    rows.setdefault((peer.name, kind), []).append(row["server_us"])
    result = {"name": "rpc", "cell": "handshake"}
    print("\nhandshake: server CPU us for a connection with one call")
    for (name, kind), values in rows.items():
        result[f"{name}_{kind}_us"] = statistics.median(values)
        print(f"  {name:<8}{kind:<9}{statistics.median(values):10.0f}")
    figures.objects.append(result)


def measure_stream(figures, ours, rounds, secs):
    """A stream of 1 MiB messages, and the calls beside it on the same connection."""
    rows = {}
    for _ in range(rounds):
        with catalogue.Server(ours.command, "ours") as server:
            for label, more in (("alone", []), ("default", ["--stream"]),
                                ("4_mib", ["--stream", "--window", 4 << 20])):
                rows.setdefault(label, []).append(
                    catalogue.loadgen(server, "--secs", secs, *more))
    result = {"name": "rpc", "cell": "stream"}
    print("\nstream of 1 MiB messages, 1 call under way beside it on the same connection")
    for label, found in rows.items():
        p99 = statistics.median(row["p99_us"] for row in found)
        result[f"{label}_p99_us"] = p99
        text = ""
        if label != "alone":
            result[f"{label}_mb_s"] = statistics.median(row["stream_mb_s"] for row in found)
            text = f", stream {result[f'{label}_mb_s']:,.0f} MB/s"
        print(f"  window {label:<8} calls' p99 {p99:8.0f} us{text}")
    figures.objects.append(result)


def merge(objects):
    """Replaces our objects of the same cells in the list of all benchmarks."""
    try:
        kept = json.loads(RESULTS.read_text())
    except (OSError, ValueError):
        kept = []
    fresh = {(entry["name"], entry["cell"]) for entry in objects}
    kept = [entry for entry in kept if (entry.get("name"), entry.get("cell")) not in fresh]
    RESULTS.write_text(json.dumps(kept + objects, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--secs", type=float, default=2)
    parser.add_argument("--cells", default="a,b,c,idle,handshake,stream")
    parser.add_argument("--only", default="", help="servers to run, besides limit and ours")
    parser.add_argument("--busy", action="store_true",
                        help="do not wait for builds: for a trial, the figures are worthless")
    parser.add_argument("--homing", default=catalogue.ROOT / ".build" / "release" / "homing")
    options = parser.parse_args()
    homing = pathlib.Path(options.homing)
    if not homing.exists():
        sys.exit(f"{homing} is missing: swift build -c release --product homing")
    catalogue.build(homing)
    everyone = catalogue.peers(homing)
    wanted = set(options.only.split(",")) | {"limit", "ours"} if options.only else None
    servers = [peer for peer in everyone
               if not peer.missing() and (wanted is None or peer.name in wanted)]
    ours = next(peer for peer in servers if peer.name == "ours")
    cells = options.cells.split(",")
    figures = Figures()
    with quiet_machine(options.busy):
        if calls := [cell for cell in cells if cell in CALLS]:
            measure_calls(figures, servers, calls, options.rounds, options.secs)
            report_calls(figures, servers, everyone, calls)
        for cell, action in (
                ("idle", lambda: measure_idle(figures, ours)),
                ("handshake", lambda: measure_handshake(
                    figures, [servers[0], ours], options.rounds, options.secs)),
                ("stream", lambda: measure_stream(figures, ours, options.rounds, options.secs))):
            if cell in cells:
                try:
                    action()
                except (RuntimeError, OSError, subprocess.SubprocessError) as error:
                    figures.failed(cell, error)
    merge(figures.objects)
    print(f"\nwritten to {RESULTS.relative_to(catalogue.ROOT)}")
    sys.exit(1 if figures.failures else 0)


if __name__ == "__main__":
    main()
