"""All services together: from an event to the mail, from a purchase to silence, a whole log (T33).

    Tests/run --benchmark suite -- [--parts latency,stop,replay] [--contacts 1000] [--rounds 20] [--log FILE]

latency: an explicit abandonment without grace is acknowledged -> its mail is taken by an SMTP sink; system clock.
stop:    a purchase is acknowledged -> the mail that waits at the notifier is withdrawn; system clock.
replay:  `homing replay --local` of the 96,168-row log, each episode enrolled in the reference flow, with
         --step 60s and at every instant, and beside them without flows.
Instants of the services and of this script are those of one machine's clock.
"""

import argparse
import calendar
import json
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "SuiteTests"))
import suite  # noqa: E402
from suite import BIN, NOTIFIER, TRACKER  # noqa: E402

LOG = suite.ROOT.parent / "shared/data/taobao-2hours-58kusers.csv.gz"
AT_ONCE = """\
flow: at-once
start: cart abandoned
steps:
  - send e-mail: { template: cart-reminder, expires: 2 days }
    name: mail
"""


def shown(name, values):
    values = sorted(values)
    pick = lambda share: values[min(len(values) - 1, int(share * len(values)))]  # noqa: E731
    figures = "  ".join(f"{word} {value * 1000:7.0f} ms" for word, value in
                        (("p50", pick(0.5)), ("p99", pick(0.99)), ("max", values[-1])))
    print(f"{name:<60} {len(values):6}  {figures}", flush=True)


def now_text():
    now = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06d}Z"


def seconds(text):
    """Of an instant in JSON, with its fraction."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + (float("0." + fraction) if fraction else 0)


def acknowledged(services, events):
    """Records events in one call; the moment when its answer had come."""
    command = services.homing("call", services.target("cart-tracker"), f"{TRACKER}/Record", "--data", "-", "--json")
    process = subprocess.Popen(command, env=services.client, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdin.write(json.dumps({"store": "shop", "events": events}))
    process.stdin.close()
    line = process.stdout.readline()
    moment = time.time()
    if process.wait() or int(json.loads(line).get("stored", 0)) != len(events):
        sys.exit(f"not all was recorded: {line}")
    return moment


def started(sink):
    services = suite.Suite(BIN, services=("cart-tracker", "scheduler", "notifier"), virtual=False, providers="\n".join([
        "[mail]", "kind = smtp", "channels = email", f"address = 127.0.0.1:{sink.port}", "tls = off", "rate = none", "retry-first = 1h",
        "retry-most = 2h", ""]))
    services.start()
    services.put_shop("shop", AT_ONCE, window="86400s", checkoutGrace="0s")
    return services


def meet(services, contacts):
    at = now_text()
    for start in range(0, len(contacts), 250):
        acknowledged(services, [suite.contact_event(contact, at) for contact in contacts[start:start + 250]])


def abandoned(contact):
    at = now_text()
    return [dict(suite.add_event(f"a-{contact}", at, contact, f"cart-{contact}"), sourceOrder="1"),
            {"id": f"l-{contact}", "at": at, "sourceOrder": "2", "contact": contact, "cart": f"cart-{contact}",
             "checkoutLeft": {}}]


def wait_for(what, count, limit=120):
    deadline = time.monotonic() + limit
    while what() < count:
        if time.monotonic() > deadline:
            sys.exit(f"{what()} of {count} after {limit} s")
        time.sleep(0.02)


def measure_latency(options):
    sink = suite.SMTPSink()
    services = started(sink)
    try:
        contacts = [f"c{number}" for number in range(options.contacts)]
        meet(services, contacts)
        moments, single = {}, []
        size = max(1, options.contacts // options.rounds)
        for start in range(0, len(contacts), size):
            group = contacts[start:start + size]
            moment = acknowledged(services, [event for contact in group for event in abandoned(contact)])
            moments.update((contact, moment) for contact in group)
            wait_for(lambda: len(sink.mails), start + len(group))
        times = {recipients[0].split("@")[0]: at for at, _, recipients, _ in sink.mails}
        shown(f"abandonment acknowledged -> mail taken, {size} at once", [times[c] - moments[c] for c in contacts])
        for number in range(options.single):
            contact = f"s{number}"
            meet(services, [contact])
            taken = len(sink.mails)
            moment = acknowledged(services, abandoned(contact))
            wait_for(lambda: len(sink.mails), taken + 1)
            single.append(sink.mails[-1][0] - moment)
        shown("abandonment acknowledged -> mail taken, one alone", single)
    finally:
        services.stop()
        sink.close()


def measure_stop(options):
    sink = suite.SMTPSink(lambda stage, recipient: "451 4.3.0 later" if stage == "rcpt" else None)
    services = started(sink)
    try:
        contacts = [f"c{number}" for number in range(options.contacts)]
        meet(services, contacts)
        for start in range(0, len(contacts), 100):
            acknowledged(services, [event for contact in contacts[start:start + 100] for event in abandoned(contact)])
        listed = lambda: list(services.pages(f"{NOTIFIER}/ListMessages", {"store": "shop"}, "messages"))  # noqa: E731
        wait_for(lambda: sum(1 for m in listed() if m.get("attempts") and m["state"] == "MESSAGE_STATE_WAITING"), len(contacts))
        moments = {}
        size = max(1, options.contacts // options.rounds)
        for start in range(0, len(contacts), size):
            at, group = now_text(), contacts[start:start + size]
            moment = acknowledged(services, [
                {"id": f"p-{contact}", "at": at, "contact": contact, "cart": f"cart-{contact}",
                 "purchase": {"order": f"o-{contact}"}}
                for contact in group])
            moments.update((contact, moment) for contact in group)
            time.sleep(0.3)
        wait_for(lambda: sum(1 for m in listed() if m["state"] != "MESSAGE_STATE_WAITING"), len(contacts))
        ended = {m["order"]["contact"]: seconds(m["endedAt"]) for m in listed()}
        shown(f"purchase acknowledged -> queued mail withdrawn, {size} at once", [ended[c] - moments[c] for c in contacts])
    finally:
        services.stop()
        sink.close()


def measure_replay(options):
    if not options.log.exists():
        print(f"no log at {options.log}: the replay is left out")
        return
    runs = {"--flow none, every instant": ["--flow", "none"], "--flow none --step 60s": ["--flow", "none", "--step", "60s"],
            "the reference flow, --step 60s": ["--step", "60s"], "the reference flow, every instant": []}
    for name, extra in runs.items():
        command = [BIN / "homing", "replay", options.log, "--preset", "taobao", "--window", options.window, "--local",
                   "--json", "--bin", BIN, *extra]
        begin = time.monotonic()
        result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        if result.returncode:
            print(f"{name}: {result.stderr.strip()}")
            continue
        counts = json.loads(result.stdout)
        words = {key: counts[key] for key in ("rows", "episodes", "digest", "messages", "reasons")}
        print(f"replay, {name:<36} {time.monotonic() - begin:7.1f} s  {words}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--parts", default="latency,stop,replay")
    parser.add_argument("--contacts", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--single", type=int, default=50, help="abandonments one after the other")
    parser.add_argument("--log", type=pathlib.Path, default=LOG)
    parser.add_argument("--window", default="300s")
    options = parser.parse_args()
    parts = {"latency": measure_latency, "stop": measure_stop, "replay": measure_replay}
    for part in options.parts.split(","):
        parts[part](options)


if __name__ == "__main__":
    main()
