"""A pause in a storm (F22, T33): mails leave as fast as a slow server takes them, the pause is acknowledged.

    brakes_check.py [--bin FOLDER] [--mails 600]

No hand-off begins later than two seconds after it, also over a kill of the notifier; after the resume each mail has
left once. Real processes over TLS, on the system clock. Prints `PASS name` or `FAIL name: why`. Needs Python's standard library only.
"""

import argparse
import pathlib
import subprocess
import sys
import time
from collections import Counter

import suite
from suite import NOTIFIER, TRACKER, report

AT_ONCE = """\
flow: at-once
start: cart abandoned
steps:
  - send e-mail: { template: cart-reminder, expires: 2 days }
    name: mail
"""


def record(services, events):
    for start in range(0, len(events), 500):
        services.call(f"{TRACKER}/Record", {"store": "shop", "events": events[start:start + 500]})


def once(mails, wanted):
    """What is wrong with the mails that came, each wanted recipient being due exactly one."""
    times = Counter(recipient for _, _, recipients, _ in mails for recipient in recipients)
    wrong = [f"{recipient} got {times[recipient]}" for recipient in wanted if times[recipient] != 1]
    return wrong + [f"{recipient} got a mail" for recipient in times if recipient not in wanted]


def until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} did not happen within {seconds} s")
        time.sleep(0.02)


def pause_in_storm(options):
    sink = suite.SMTPSink(lambda stage, recipient: time.sleep(0.04) if stage == "dot" else None)
    services = suite.Suite(options.bin, services=("cart-tracker", "scheduler", "notifier"), smtp=sink.port, virtual=False)
    try:
        services.start()
        services.put_shop("shop", AT_ONCE, window="604800s", checkoutGrace="0s")
        contacts = [f"p{number}" for number in range(options.mails)]
        now = suite.instant(time.time())
        record(services, [suite.contact_event(contact, now) for contact in contacts])
        record(services, [suite.add_event(f"add-{contact}", now, contact, f"c-{contact}") for contact in contacts])
        left = suite.instant(time.time())
        record(services, [{"id": f"left-{contact}", "at": left, "contact": contact, "cart": f"c-{contact}", "sourceOrder": "1",
                           "checkoutLeft": {}} for contact in contacts])
        until(lambda: len(sink.mails) >= options.mails // 10, 60, "a tenth of the mails")
        change(services, "pause")
        acknowledged = time.time()
        time.sleep(4)  # For two seconds hand-offs may go on; what comes later must be seen.
        before = len(sink.mails)
        # The server takes its time for what had begun.
        late = [f"{moment - acknowledged:.1f} s after" for moment, *_ in sink.mails if moment > acknowledged + 2.1]
        after = [moment - acknowledged for moment, *_ in sink.mails if moment > acknowledged]
        fine = report("T33 F22 no hand-off begins later than 2 s after a pause in a storm", late,
                      f"({before} of {options.mails} had left, the last {max(after, default=0) * 1000:.0f} ms after)")
        fine = report("F22 a pause holds what waits", [] if before < options.mails else ["everything had left"]) and fine
        # Over a kill, too.
        services.kill("notifier")
        services.start("notifier")
        time.sleep(1)
        fine = report("F22 a pause survives a kill", [] if len(sink.mails) == before else ["mails left"]) and fine
        change(services, "resume")
        until(lambda: len(sink.mails) >= options.mails, 120, "the other mails")
        settled(services)
        wrong = once(sink.mails, {f"{contact}@replay.invalid" for contact in contacts})
        return report("I2 F22 after the resume each mail has left once", wrong) and fine
    finally:
        sink.close()
        services.stop()


def change(services, verb):
    subprocess.run(services.homing(verb, services.target("scheduler"), "--store", "shop"), env=services.client, check=True,
                   capture_output=True)


def settled(services):
    """Waits until every message has its fate."""
    open_states = {"MESSAGE_STATE_QUEUED", "MESSAGE_STATE_WAITING", "MESSAGE_STATE_SENDING"}
    until(lambda: not any(row["state"] in open_states for row in services.pages(
        f"{NOTIFIER}/ListMessages", {"store": "shop"}, "messages")), 60, "the last fate")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=suite.BIN)
    parser.add_argument("--mails", type=int, default=600)
    options = parser.parse_args()
    sys.exit(not pause_in_storm(options))


if __name__ == "__main__":
    main()
