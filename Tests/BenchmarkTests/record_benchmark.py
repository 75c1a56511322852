"""cart-tracker under load: durable `Record`, its projection, `CheckStop` and `Facts`, a million carts.

    Tests/run --benchmark record -- [--seconds 60] [--parts record,million,stop] [--carts 1000000]

Prints one table a part. HOMING_ANCHORS names a folder with `run/storage.py` (Redis, PostgreSQL and SQLite alone):
what it prints stands beside ours, from the same run. One event a call is driven by the load generator in C, so that
little of the two cores goes to it.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

import peers

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests/SuiteTests"))

from suite import second  # noqa: E402

BIN = pathlib.Path(os.environ.get("HOMING_BIN", ROOT / ".build/release"))
SERVICE = "homing.cart_tracker.v1.CartTracker"
HZ = os.sysconf("SC_CLK_TCK")


class Tracker:
    """A cart-tracker on a folder of its own, on the system's clock."""

    def __init__(self, folder):
        self.folder = folder
        self.certs = folder / "certs"
        self.data = folder / "data"
        self.data.mkdir(exist_ok=True)
        if not self.certs.exists():
            run([BIN / "homing", "certs", "--out", self.certs, "--name", "cart-tracker", "--name", "you"])
        self.client = dict(os.environ, HOMING_CERT=self.certs / "you.pem", HOMING_KEY=self.certs / "you.key",
                           HOMING_CA=self.certs / "ca.pem")
        self.process = None

    def start(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith("HOMING_")}
        env.update(HOMING_LISTEN="127.0.0.1:0", HOMING_CERT=str(self.certs / "cart-tracker.pem"),
                   HOMING_KEY=str(self.certs / "cart-tracker.key"), HOMING_CA=str(self.certs / "ca.pem"),
                   HOMING_DATA=str(self.data),
                   HOMING_GRANTS="spiffe://homing.test/you=shop,staff,operator,scheduler")
        begin = time.monotonic()
        self.process = subprocess.Popen([BIN / "cart-tracker"], env=env, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        self.target = "localhost:" + self.process.stdout.readline().rsplit(":", 1)[1].strip()
        while subprocess.run([BIN / "homing", "health", self.target, SERVICE], env=self.client,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
            if self.process.poll() is not None:
                sys.exit("cart-tracker ended")
            time.sleep(0.02)
        return time.monotonic() - begin

    def call(self, method, body):
        out = run([BIN / "homing", "call", self.target, f"{SERVICE}/{method}", "--data", json.dumps(body)],
                  env=self.client)
        return json.loads(out)

    def put_store(self, window="3600s", revision=0, store="bench"):
        self.call("PutStore", {
            "store": store, "idempotencyKey": f"{store}-{revision}-{window}", "revision": revision,
            "settings": {"name": "Bench", "controller": "Bench", "timeZone": "UTC", "locale": "en",
                         "countryCode": "GB", "detection": True, "window": {"span": window}, "feedLimit": "0s"}})

    def bench(self, method, *, connections, outstanding, batch, seconds, contacts=100_000, extra=()):
        out = run([BIN / "homing", "bench", self.target, "--method", f"{SERVICE}/{method}", "--connections",
                   connections, "--outstanding", outstanding, "--batch", batch, "--seconds", seconds, "--warm-up",
                   1, "--contacts", contacts, "--json", *extra], env=self.client)
        return json.loads(out)

    def load(self, *, connections, outstanding, seconds, contacts=100_000):
        """One event a call by the generator in C; its row of figures."""
        out = run([peers.BUILD / "loadgen", "--port", self.target.rsplit(":", 1)[1], "--payload",
                   peers.BUILD / "record.bin", "--method", f"{SERVICE}/Record", "--contacts", contacts, "--conns",
                   connections, "--out", outstanding, "--warm", 1, "--secs", seconds, "--cert",
                   self.certs / "you.pem", "--key", self.certs / "you.key", "--ca", self.certs / "ca.pem",
                   "--server-pid", self.process.pid])
        row = json.loads(out)
        return {"rate": row["rate"], "p50": row["p50_us"], "p99": row["p99_us"], "failures": 0}

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / HZ

    def resident(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return {line.split(":")[0]: int(line.split()[1]) / 1024 for line in status.splitlines()
                if line.startswith(("VmRSS", "VmHWM"))}

    def positions(self):
        """(acknowledged, projected) log positions."""
        def one(file, sql):
            connection = sqlite3.connect(f"file:{self.data / file}?mode=ro", uri=True, timeout=5)
            try:
                return (connection.execute(sql).fetchone() or [0])[0] or 0
            finally:
                connection.close()
        return (one("journal.db", "SELECT max(position) FROM log"),
                one("carts.db", "SELECT position FROM projected"))

    def drain(self):
        """Seconds until everything acknowledged is in the tables."""
        begin = time.monotonic()
        while True:
            acknowledged, projected = self.positions()
            if projected >= acknowledged:
                return time.monotonic() - begin
            time.sleep(0.05)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def run(command, **keys):
    result = subprocess.run([str(c) for c in command], capture_output=True, text=True, **keys)
    if result.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{result.stderr}{result.stdout}")
    return result.stdout


def fresh():
    return Tracker(pathlib.Path(tempfile.mkdtemp(prefix="homing-bench-")))


def record(seconds):
    print(f"Record, durable, mutual TLS, {seconds} s from an empty tail, 100,000 contacts")
    head = ("cell", "events/call", "ack/s", "proj/s", "tail max", "drain s", "p50 ms", "p99 ms", "µs CPU/event",
            "failed")
    print("| " + " | ".join(head) + " |\n|" + " --- |" * len(head))
    for connections, outstanding, batch in [(64, 1, 1), (8, 32, 1), (4, 1, 256)]:
        # Faster than it is projected, it would fill the tail, and sources would be told to wait.
        if batch > 1:
            seconds = min(seconds, 15)
        tracker = fresh()
        tracker.start()
        tracker.put_store()
        samples, done = [], threading.Event()

        def sample():
            while not done.wait(1):
                samples.append((time.monotonic(), *tracker.positions()))

        thread = threading.Thread(target=sample)
        thread.start()
        cpu, begin, first = tracker.cpu(), time.monotonic(), tracker.positions()
        if batch == 1:
            result = tracker.load(connections=connections, outstanding=outstanding, seconds=seconds)
        else:
            result = tracker.bench("Record", connections=connections, outstanding=outstanding, batch=batch,
                                   seconds=seconds)
            result |= {name: result["latencyMicroseconds"][name] for name in ("p50", "p99")}
            result["failures"] = sum(result["failures"].values())
        span, end = time.monotonic() - begin, tracker.positions()
        done.set()
        thread.join()
        drained = tracker.drain()
        cpu = tracker.cpu() - cpu
        tail = max((a - p for _, a, p in samples), default=0)
        print("| {}×{} | {} | {:,.0f} | {:,.0f} | {:,} | {:.1f} | {:.2f} | {:.2f} | {:.1f} | {} |".format(
            connections, outstanding, batch, result["rate"] * batch, (end[1] - first[1]) / span, tail, drained,
            result["p50"] / 1000, result["p99"] / 1000, cpu / max(1, end[0] - first[0]) * 1e6,
            result["failures"]), flush=True)
        tracker.stop()
        shutil.rmtree(tracker.folder)


def stop(seconds):
    tracker = fresh()
    tracker.start()
    tracker.put_store()
    tracker.bench("Record", connections=8, outstanding=4, batch=256, seconds=4, contacts=100_000)
    tracker.drain()
    print("\nPoint reads over 100,000 contacts")
    head = ("method", "subjects/call", "calls/s", "subjects/s", "p50 ms", "p99 ms", "µs CPU/subject")
    print("| " + " | ".join(head) + " |\n|" + " --- |" * len(head))
    for method in ("CheckStop", "Facts"):
        for batch in (1, 256):
            cpu = tracker.cpu()
            result = tracker.bench(method, connections=8, outstanding=4 if batch == 1 else 1, batch=batch,
                                   seconds=seconds)
            cpu = tracker.cpu() - cpu
            latency = result["latencyMicroseconds"]
            print("| {} | {} | {:,.0f} | {:,.0f} | {:.2f} | {:.2f} | {:.1f} |".format(
                method, batch, result["rate"], result["rate"] * batch, latency["p50"] / 1000,
                latency["p99"] / 1000, cpu / max(1, result["calls"] * batch) * 1e6), flush=True)
    tracker.stop()
    shutil.rmtree(tracker.folder)


def million(carts):
    tracker = fresh()
    tracker.start()
    tracker.put_store(window="86400s")
    print(f"\n{carts:,} open carts, one contact each")
    loaded, cpu, marks = 0, tracker.cpu(), [1_000, 100_000, carts]
    begin = time.monotonic()
    seconds = 20
    while loaded < carts:
        # From the first contact on, each time for longer.
        tracker.bench("Record", connections=2, outstanding=2, batch=256, seconds=seconds, contacts=carts,
                      extra=["--in-order"])
        tracker.drain()
        seconds *= 2
        loaded = tracker.call("CountCarts", {"store": "bench"})
        loaded = int(loaded.get("carts", 0))
        if time.monotonic() - begin > 600:
            break
    print(f"loaded {loaded:,} in {time.monotonic() - begin:.0f} s; resident {tracker.resident()} MiB")
    for contacts in marks:
        acknowledged = tracker.positions()[0]
        cpu = tracker.cpu()
        tracker.bench("Record", connections=8, outstanding=4, batch=64, seconds=5, contacts=contacts)
        tracker.drain()
        events = tracker.positions()[0] - acknowledged
        print(f"CPU per event over {contacts:,} carts: {(tracker.cpu() - cpu) / events * 1e6:.1f} µs ({events:,} events)")
    print(f"resident {tracker.resident()} MiB", flush=True)
    lateness(tracker, "steady", connections=1, outstanding=1, batch=1, seconds=30)
    lateness(tracker, "burst", connections=1, outstanding=1, batch=16, seconds=10, contacts=50_000)
    tracker.kill()
    print(f"start after kill -9: {tracker.start():.1f} s; resident {tracker.resident()} MiB")
    tracker.stop()
    shutil.rmtree(tracker.folder)


def lateness(tracker, store, window=30, contacts=1_000_000, **load):
    """How late detection is beside all other carts: due one after the other as they were recorded, call by call and
    each durable; and in a burst, as many within seconds as a shop has in hours."""
    tracker.put_store(window=f"{window}s", store=store)
    tracker.bench("Record", contacts=contacts, extra=["--in-order", "--live", "--store", store], **load)
    recorded = time.monotonic()
    tracker.drain()
    behind = time.monotonic() - recorded
    if behind > window:
        print(f"lateness: projecting took {behind:.0f} s more than recording, longer than the window of {window} s")
    # Longer than the last one may be late.
    time.sleep(max(0, window + 25 - behind))
    after, late, due = "", [], []
    while True:
        page = {"limit": 1000, **({"after": after} if after else {})}
        answer = tracker.call("ListEpisodes", {"store": store, "page": page})
        for episode in answer.get("episodes", []):
            due.append(second(episode["abandonedAt"]))
            late.append(second(episode["knownAt"]) - due[-1])
        after = answer.get("next", "")
        if not after:
            break
    late.sort()
    if not late:
        sys.exit("no cart became due")
    spread = (max(due) - min(due)) or 1
    print(f"lateness of {len(late):,} episodes, {len(late) / spread:,.0f} due a second ({store}): "
          f"p50 {late[len(late) // 2] * 1000:.0f} ms, p99 {late[len(late) * 99 // 100] * 1000:.0f} ms, max {late[-1] * 1000:.0f} ms", flush=True)


def anchors():
    """Redis, PostgreSQL and SQLite alone, right after; each figure is set against what it is where ours are asked for."""
    folder = os.environ.get("HOMING_ANCHORS")
    if not folder:
        print("\nHOMING_ANCHORS is not set: Redis and PostgreSQL are not measured beside this")
        return
    print()
    subprocess.run([sys.executable, f"{folder}/run/storage.py", "--rounds", "2", "--secs", "3", "redis-aof", "pg",
                    "sqlite"], check=False)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--parts", default="record,stop,million")
    parser.add_argument("--carts", type=int, default=1_000_000)
    options = parser.parse_args()
    peers.build(BIN / "homing")
    parts = options.parts.split(",")
    if "record" in parts:
        record(options.seconds)
    if "stop" in parts:
        stop(min(10, options.seconds))
    if "million" in parts:
        million(options.carts)
    anchors()


if __name__ == "__main__":
    main()
