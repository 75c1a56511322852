"""What the brakes cost, how old a permission is when the provider is called, how long one person takes to explain.

    Tests/run --benchmark brakes -- [--orders 20000] [--rounds 3] [--mails 20000] [--parts cost,grant]

cost:  the notifier into smtp-sink as in the benchmark `notifier`, by turns without and with everything that may hold a
       mail back and here does not: 200 pauses of others, 100,000 suppressed addresses, a rate of the provider and of the
       store, a window. Prints the ratio of the CPU a mail, and of the rates.
grant: cart-tracker, scheduler and notifier; every cart is left, each mail asks for permission with the legal basis. Prints
       the time from the grant to the call of the provider, and what `Explain` of one person takes thereafter.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "SuiteTests")]

import brakes_check  # noqa: E402
import notifier_benchmark  # noqa: E402
import suite  # noqa: E402
from suite import NOTIFIER, SCHEDULER  # noqa: E402


def cost(options):
    rows = {False: [], True: []}
    with tempfile.TemporaryDirectory(prefix="homing-brakes-") as name:
        folder = pathlib.Path(name)
        os.chmod(folder, 0o755)
        for number in range(2 * options.rounds):
            brakes = bool(number % 2)
            ours = notifier_benchmark.notifier(options.orders, 64, 15, "30d", folder, brakes)
            rows[brakes].append((ours["notifier_us"], options.orders / ours["handoff_s"]))
            print(f"brakes {'on ' if brakes else 'off'}   {rows[brakes][-1][1]:7.0f} mails/s   "
                  f"{rows[brakes][-1][0]:5.0f} µs CPU a mail", flush=True)
    used, rate = ({brakes: statistics.median(row[index] for row in rows[brakes]) for brakes in rows} for index in (0, 1))
    print(f"brakes on / off: CPU a mail {used[True] / used[False]:.2f}, time a mail {rate[False] / rate[True]:.2f} "
          "(asked: 1.20 at the most)", flush=True)


def quantile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def grant(options):
    sink = notifier_benchmark.Sink()
    providers = f"[mail]\nkind = smtp\nchannels = email\naddress = 127.0.0.1:{sink.port}\ntls = off\nrate = none\n"
    services = suite.Suite(options.bin, services=("cart-tracker", "scheduler", "notifier"), virtual=False, providers=providers)
    try:
        services.start()
        services.put_shop("shop", brakes_check.AT_ONCE, window="604800s", checkoutGrace="0s")
        contacts = [f"p{number}" for number in range(options.mails)]
        begin = time.monotonic()
        for start in range(0, len(contacts), 500):
            brakes_check.leave(services, contacts[start:start + 500])
        asked = {"store": "shop", "states": ["MESSAGE_STATE_HANDED_OVER"]}
        spans, deadline = [], time.monotonic() + 600
        while len(spans) < len(contacts):
            if time.monotonic() > deadline:
                sys.exit(f"{len(spans)} of {len(contacts)} mails were handed over")
            time.sleep(1)
            spans = [(suite.second(row["attempts"][0]["at"]) - suite.second(row["grant"]["grantedAt"])) * 1000
                     for row in services.pages(f"{NOTIFIER}/ListMessages", asked, "messages")]
        print(f"{len(spans):,} mails, {len(spans) / (time.monotonic() - begin):,.0f}/s; from the grant to the call of the provider: "
              f"p50 {quantile(spans, 0.5):.2f} ms, p99 {quantile(spans, 0.99):.2f} ms, "
              f"longest {max(spans):.2f} ms", flush=True)
        explain(services, contacts)
    finally:
        sink.stop()
        services.stop()


def explain(services, contacts):
    """Some people, each for half a second, one call after the other."""
    found = []
    for contact in contacts[::max(1, len(contacts) // 20)]:
        command = services.homing("bench", services.target("scheduler"), "--method", f"{SCHEDULER}/Explain", "--connections", "1",
                                  "--outstanding", "1", "--seconds", "0.5", "--warm-up", "0.1", "--data",
                                  json.dumps({"store": "shop", "contact": contact}), "--json")
        answer = json.loads(subprocess.run(command, env=services.client, check=True, capture_output=True, text=True).stdout)
        found.append(answer["latencyMicroseconds"])
    print(f"explain one person: p50 {statistics.median(row['p50'] for row in found) / 1000:.2f} ms, p99 at the worst of "
          f"{len(found)} people {max(row['p99'] for row in found) / 1000:.2f} ms (asked: 50)", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=suite.BIN)
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mails", type=int, default=20_000)
    parser.add_argument("--parts", default="cost,grant")
    options = parser.parse_args()
    if not shutil.which("smtp-sink"):
        os.environ["PATH"] += ":/usr/sbin"
    parts = {"cost": cost, "grant": grant}
    for part in options.parts.split(","):
        parts[part](options)


if __name__ == "__main__":
    main()
