"""A pause in a storm (F22, T33), and purchases in one (T14).

    brakes_check.py [--bin FOLDER] [--mails 600] [--carts 2000] [--parts pause,purchases]

pause:     mails leave as fast as a slow server takes them, the pause is acknowledged. No hand-off begins later than two
           seconds after it, also over a kill of the notifier; after the resume each mail has left once.
purchases: every cart is left, and half of them are bought while the mails leave; in the middle cart-tracker is away for
           three seconds. No mail begins after its purchase was acknowledged, none while nobody can be asked.

Real processes over TLS, on the system clock. Prints `PASS name` or `FAIL name: why`. Needs Python's standard library only.
"""

import argparse
import pathlib
import subprocess
import sys
import time
from collections import Counter

import suite
from suite import NOTIFIER, OPEN, TRACKER, once, report, until

AT_ONCE = """\
flow: at-once
ceiling: 1000000
start: cart abandoned
steps:
  - send e-mail: { template: cart-reminder, expires: 2 days }
    name: mail
"""


def record(services, events):
    for start in range(0, len(events), 500):
        services.call(f"{TRACKER}/Record", {"store": "shop", "events": events[start:start + 500]})


def pause_in_storm(options):
    sink = suite.SMTPSink(lambda stage, recipient: time.sleep(0.04) if stage == "dot" else None)
    services = suite.Suite(options.bin, services=("cart-tracker", "scheduler", "notifier"), smtp=sink.port, virtual=False)
    try:
        services.start()
        services.put_shop("shop", AT_ONCE, window="604800s", checkoutGrace="0s")
        contacts = [f"p{number}" for number in range(options.mails)]
        leave(services, contacts)
        until(lambda: len(sink.mails) >= options.mails // 10, "a tenth of the mails")
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
        until(lambda: len(sink.mails) >= options.mails, "the other mails", 120)
        settled(services)
        times = Counter(recipient for _, _, recipients, _ in sink.mails for recipient in recipients)
        wrong = once(times, {f"{contact}@replay.invalid" for contact in contacts})
        return report("I2 F22 after the resume each mail has left once", wrong) and fine
    finally:
        sink.close()
        services.stop()


class Moments(suite.SMTPSink):
    """Notes of each mail when its recipient was named; a hand-off begins before that."""

    def __init__(self):
        self.begun = {}
        super().__init__(self.note, keeps=False)

    def note(self, stage, recipient):
        if stage == "rcpt":
            self.begun.setdefault(recipient.split("@")[0], []).append(time.time())


def purchases_in_storm(options):
    sink = Moments()
    providers = f"[mail]\nkind = smtp\nchannels = email\naddress = 127.0.0.1:{sink.port}\ntls = off\nrate = none\n"
    services = suite.Suite(options.bin, services=("cart-tracker", "scheduler", "notifier"), virtual=False, providers=providers)
    try:
        services.start()
        services.put_shop("shop", AT_ONCE, window="604800s", checkoutGrace="0s")
        contacts = [f"p{number}" for number in range(options.carts)]
        bought, away = {}, None
        for start in range(0, len(contacts), 500):
            share = contacts[start:start + 500]
            leave(services, share)
            # The share before is on its way now.
            buyers = contacts[max(0, start - 500):start:2]
            if buyers:
                at = suite.instant(time.time())
                record(services, [{"id": f"buy-{contact}", "at": at, "contact": contact, "cart": f"c-{contact}",
                                   "purchase": {"order": f"o-{contact}"}} for contact in buyers])
                bought.update(dict.fromkeys(buyers, time.time()))
            if away is None and start >= len(contacts) // 2:
                services.kill("cart-tracker")
                gone = time.time()
                time.sleep(3)  # What begins meanwhile must be seen.
                away = (gone, time.time())
                services.start("cart-tracker")
        until(lambda: all(contact in bought or contact in sink.begun for contact in contacts), "a mail to each other", 900)
        settled(services, 600)
        began = sink.begun
        # A grant lives a second; the call over the wire may take as long again.
        wrong = [f"{contact}: {began[contact][-1] - at:.2f} s after" for contact, at in bought.items()
                 if contact in began and began[contact][-1] > at + 2]
        stopped = sum(1 for contact in bought if contact not in began)
        fine = report(f"T14 no mail begins after its purchase was acknowledged, of {len(contacts)} carts", wrong,
                      f"({len(began)} mails, {len(bought)} bought, {stopped} of them before their mail)")
        wrong = [] if 0 < stopped < len(bought) else [f"{stopped} of {len(bought)} before"]
        fine = report("T14 purchases fall before and after mails", wrong) and fine
        wrong = [f"{contact} {moment - away[0]:.2f} s after the kill" for contact, times in began.items() for moment in times
                 if away[0] + 2 < moment < away[1]]
        fine = report("T14 nothing begins while nobody can be asked", wrong) and fine
        wrong = [f"{contact} got {len(times)}" for contact, times in began.items() if len(times) > 1]
        wrong += [f"{contact} got none" for contact in contacts if contact not in bought and contact not in began]
        fine = report("I2 who did not buy got one mail, nobody two", wrong) and fine
        return audited(services, len(began)) and fine
    finally:
        sink.close()
        services.stop()


def leave(services, contacts):
    """Each fills a cart and leaves the checkout page."""
    now = suite.instant(time.time())
    record(services, [suite.contact_event(contact, now) for contact in contacts])
    record(services, [suite.add_event(f"add-{contact}", now, contact, f"c-{contact}") for contact in contacts])
    left = suite.instant(time.time())
    record(services, [{"id": f"left-{contact}", "at": left, "contact": contact, "cart": f"c-{contact}", "sourceOrder": "1",
                       "checkoutLeft": {}} for contact in contacts])


def audited(services, count):
    """What our own audit says, which holds each hand-off against the events of the log."""
    command = services.homing("audit", "hand-offs", services.target("scheduler"), "--store", "shop", "--tracker",
                              services.target("cart-tracker"))
    result = subprocess.run(command, env=services.client, capture_output=True, text=True, timeout=1800)
    said = (result.stdout + result.stderr).strip().splitlines()[-3:]
    wrong = said if result.returncode or not said or not said[-1].startswith(f"{count} ") else []
    return report("X03 the audit finds each hand-off, and none at or after its purchase", wrong, f"({said[-1]})")


def change(services, verb):
    subprocess.run(services.homing(verb, services.target("scheduler"), "--store", "shop"), env=services.client, check=True,
                   capture_output=True)


def settled(services, seconds=60):
    """Waits until every message has its fate."""
    asked = {"store": "shop", "page": {"limit": 1}, "states": OPEN}
    until(lambda: not services.call(f"{NOTIFIER}/ListMessages", asked).get("messages"), "the last fate", seconds)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=suite.BIN)
    parser.add_argument("--mails", type=int, default=600)
    parser.add_argument("--carts", type=int, default=2000)
    parser.add_argument("--parts", default="pause,purchases")
    options = parser.parse_args()
    parts = {"pause": pause_in_storm, "purchases": purchases_in_storm}
    fine = [parts[part](options) for part in options.parts.split(",")]
    sys.exit(not all(fine))


if __name__ == "__main__":
    main()
