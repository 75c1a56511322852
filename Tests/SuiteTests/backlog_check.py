"""What a shortened window or an outage of two days leaves to be sent (F20, C14).

    backlog_check.py [--bin FOLDER] [--carts 5000] [--parts window,outage]

window: carts that were left in the last six days, no window of a week is over yet; the window becomes an hour. Each
        cart is listed; what was given up more than a day before is not enrolled, everybody else hears once.
        On the virtual clock.
outage: all services but cart-tracker are away for two days while carts are left and bought and mails fall due. What
        has expired, was bought or is too old is not sent when they are back, what is fresh is sent once. On the system
        clock, which libfaketime moves.

Real processes over TLS. Prints `PASS name` or `FAIL name: why`. Needs what Interop/requirements.txt names, and Debian's
libfaketime.
"""

import argparse
import email
import pathlib
import sys
import time
from collections import Counter

import suite
from suite import NOTIFIER, OPEN, SCHEDULER, TRACKER, instant, once, report, until
from virtual_suite import VirtualSuite, reason

SERVICES = ("cart-tracker", "scheduler", "notifier")
HOUR, DAY = 3600, 86_400
MORNING = 1_772_442_000  # 2026-03-02T09:00:00Z
EVENTS = 1000  # In a call.
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
AT_ONCE = """\
flow: at-once
start: cart abandoned
ceiling: 1000000
holdout: 0 %
steps:
  - send e-mail: { template: cart-reminder, expires: 2 days }
    name: mail
"""
A_DAY_LATER = """\
flow: a-day-later
start: cart abandoned
holdout: 0 %
steps:
  - pause: 1 day
  - send e-mail: { template: cart-reminder, expires: 1 day }
    name: mail
"""


def mails(services):
    """How many each contact was sent, by what the mail folder has."""
    found = Counter()
    for path in (services.folder / "out/mails").rglob("*.eml"):
        recipient = email.message_from_bytes(path.read_bytes())["to"].strip("<>")
        found[recipient.rsplit("<", 1)[-1].split("@")[0]] += 1
    return found


def met(contacts):
    """Each is a contact now, and has put something into a cart, at that second."""
    return ([suite.contact_event(contact, instant(at)) for contact, at in contacts.items()],
            [suite.add_event(f"add-{contact}", instant(at), contact, f"c-{contact}") for contact, at in contacts.items()])


def in_calls(events):
    return (events[start:start + EVENTS] for start in range(0, len(events), EVENTS))


# On the virtual clock.


def shortened_window(options):
    shop = VirtualSuite(options.bin, SERVICES)
    try:
        shop.start()
        shop.advance(MORNING * 10**6)
        shop.suite.put_shop("shop", AT_ONCE, window=f"{7 * DAY}s")
        shop.rest()
        step, end = 6 * DAY / options.carts, MORNING + 6 * DAY
        left = {f"p{number}": MORNING + int(number * step) for number in range(options.carts)}
        shop.advance(end * 10**6)
        for events in met(left):
            for part in in_calls(events):
                shop.call(TRACKER, "Record", {"store": "shop", "events": part})
        shop.rest()
        before, begin = mails(shop.suite), time.monotonic()
        store = shop.suite.call(f"{TRACKER}/GetStore", {"store": "shop"})
        shop.suite.call(f"{TRACKER}/PutStore", {
            "store": "shop", "idempotencyKey": "shorter", "revision": store["revision"],
            "settings": {**store["settings"], "window": {"span": f"{HOUR}s"}}})
        shop.run_to(end + 2 * HOUR)
        seconds = time.monotonic() - begin
        # Given up an hour after it was left; known now. At a day's age it is still fresh.
        fresh = {contact for contact, at in left.items() if end - (at + HOUR) <= DAY}
        wrong = once(mails(shop.suite), fresh) + [f"{contact} got a mail before" for contact in before]
        fine = report(f"F20 C14 a window of a week becomes an hour over {len(left)} carts: each fresh one gets one mail",
                      wrong, f"({len(fresh)} mails, {seconds:.1f} s)")
        episodes = list(shop.pages(TRACKER, "ListEpisodes", {"store": "shop"}, "episodes"))
        wrong = [f"{len(episodes)} are listed"] if len(episodes) != len(left) else []
        wrong += [f"{one.contact} was abandoned at {one.abandoned_at.seconds}" for one in episodes
                  if one.abandoned_at.seconds != left[one.contact] + HOUR]
        fine = report("C14 each is listed at its last activity and an hour", wrong) and fine
        reasons = {row.contact: reason(row) for row in shop.pages(
            SCHEDULER, "ListEnrolments", {"store": "shop"}, "enrolments")}
        wrong = [f"{contact}: {reasons.get(contact)}" for contact in left.keys() - fresh
                 if reasons.get(contact) != "TOO_OLD"]
        return report("F20 what was given up more than a day before is listed and not enrolled", wrong,
                      f"({len(left) - len(fresh)} of them)") and fine
    finally:
        shop.stop()


# On the system clock, which libfaketime moves.


class Outage:
    """The services on the system clock, so many hours ahead of it; each move of the clock is a kill and a start."""

    def __init__(self, options):
        self.suite = suite.Suite(options.bin, services=SERVICES, virtual=False)
        self.ahead, self.running = 0, ()

    def at(self, hours, *names):
        """Has just these services run, at so many hours after the beginning."""
        for service in self.running:
            self.suite.kill(service)
        self.ahead, self.running = hours * HOUR, names
        moved = {"LD_PRELOAD": FAKETIME, "FAKETIME": f"+{hours}h", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                 "DONT_FAKE_MONOTONIC": "1"}
        self.suite.settings = {name: moved if hours else {} for name in SERVICES}
        self.suite.start(*names)

    @property
    def now(self):
        return time.time() + self.ahead

    def record(self, events):
        for part in in_calls(events):
            self.suite.call(f"{TRACKER}/Record", {"store": "shop", "events": part})

    def abandon(self, contacts):
        """An hour of silence ends in a second, and is noticed."""
        before = len(self.rows(TRACKER, "ListEpisodes", "episodes"))
        for events in met(dict.fromkeys(contacts, self.now - HOUR + 1)):
            self.record(events)
        until(lambda: len(self.rows(TRACKER, "ListEpisodes", "episodes")) == before + len(contacts), "the episodes")

    def buy(self, contacts):
        self.record([{"id": f"buy-{contact}", "at": instant(self.now), "contact": contact, "cart": f"c-{contact}",
                      "purchase": {"order": f"o-{contact}"}} for contact in contacts])

    def rows(self, service, method, rows):
        return list(self.suite.pages(f"{service}/{method}", {"store": "shop"}, rows))

    def judged(self):
        """The contacts whose enrolment is no longer about to enter, with its reason."""
        return {row["contact"]: row.get("reason", row["state"]) for row in self.rows(SCHEDULER, "ListEnrolments", "enrolments")
                if row["state"] != "ENROLMENT_STATE_ENTERING"}


def outage(options):
    shop = Outage(options)
    count = max(4, options.carts // 100)
    expired, bought, old, fresh, quick = people = [
        [f"{kind}{number}" for number in range(count)] for kind in ("expired", "bought", "old", "fresh", "quick")]
    try:
        shop.at(0, *SERVICES)
        shop.suite.put_shop("shop", A_DAY_LATER, window=f"{HOUR}s")
        shop.at(2, *SERVICES)  # Who was last seen before detection was switched on is not enrolled (C12).
        shop.abandon(expired + bought)
        until(lambda: len(shop.judged()) == 2 * count, "the first enrolments")
        shop.at(14, "cart-tracker")
        shop.abandon(old)
        shop.at(21, "cart-tracker")
        shop.buy(bought)
        shop.at(55, "cart-tracker")
        shop.abandon(fresh + quick)
        shop.at(59, "cart-tracker")
        shop.buy(quick)
        shop.at(60, *SERVICES)
        until(lambda: len(shop.judged()) == 5 * count, "the other enrolments")
        until(lambda: all("REASON" in shop.judged()[contact] for contact in expired + bought), "their ends")
        during = shop.rows(NOTIFIER, "ListMessages", "messages")
        fine = report(f"F20 two days of outage leave nothing to be sent at their end ({count} of each kind)",
                      [f"{row['order']['contact']}: {row['state']}" for row in during])
        ends = shop.judged()
        wanted = dict.fromkeys(old, "REASON_CODE_TOO_OLD") | dict.fromkeys(bought + quick, "REASON_CODE_PURCHASED")
        fine = report("F20 F07 who bought meanwhile, or gave up long before, is not written to",
                      [f"{contact} ended {ends[contact]}" for contact, reason in wanted.items() if ends[contact] != reason]) and fine
        steps = {row["contact"]: row.get("reason") for row in shop.rows(SCHEDULER, "ListDecisions", "decisions")
                 if row["step"] == "mail"}
        fine = report("F20 a mail that expired meanwhile is skipped STALE", [
            f"{contact}: {steps.get(contact)}" for contact in expired if steps.get(contact) != "REASON_CODE_STALE"]) and fine
        shop.at(86, *SERVICES)
        until(lambda: mails(shop.suite).total() >= count and not any(
            row["state"] in OPEN for row in shop.rows(NOTIFIER, "ListMessages", "messages")), "the mails")
        return report("F20 what is fresh is sent once, at its time", once(mails(shop.suite), set(fresh))) and fine
    finally:
        shop.suite.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=suite.BIN)
    parser.add_argument("--carts", type=int, default=5000)
    parser.add_argument("--parts", default="window,outage")
    options = parser.parse_args()
    parts = {"window": shortened_window, "outage": outage}
    fine = [parts[part](options) for part in options.parts.split(",")]
    sys.exit(not all(fine))


if __name__ == "__main__":
    main()
