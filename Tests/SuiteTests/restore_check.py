"""Databases from yesterday, put back in the place of today's (T31, I2).

    restore_check.py [--bin FOLDER] [--carts 20]

Half of the carts get their first mail, then a backup is made; the others get theirs and the first ones their second. All
databases are put back, journals and beats stay. Nothing is sent until scheduler and cart-tracker are released; nobody gets
a mail twice, what may have left is listed with RESTORED, an opt-out of meanwhile holds, and who comes after the restore
gets both mails. Twice: with steps of then skipped, and with steps of then decided, which the notifier then holds.

Real processes over TLS on the virtual clock. Prints `PASS name` or `FAIL name: why`. Needs what
Interop/requirements.txt names.
"""

import argparse
import collections
import pathlib
import sys

import suite
from suite import NOTIFIER, SCHEDULER, TRACKER, report
from virtual_suite import VirtualSuite

SERVICES = ("cart-tracker", "scheduler", "notifier")
START = 1_788_000_000
DAY = 86_400
FLOW = """\
flow: twice
start: cart abandoned
steps:
  - send e-mail: { template: cart-reminder, expires: 20 days }
    name: first
  - pause: 1 day
  - send e-mail: { template: cart-help, expires: 20 days }
    name: second
"""


class Services(VirtualSuite):
    def __init__(self, bin_folder):
        super().__init__(bin_folder, SERVICES)

    def open(self):
        self.advance(START * 10**6)
        self.suite.put_shop("shop", FLOW)
        self.rest()

    def leave(self, contacts, second):
        """Carts are left at an instant, and told of then or now."""
        if self.now < second * 10**6:
            self.run_to(second)
        at = suite.instant(second)
        events = [event for contact in contacts for event in (
            suite.contact_event(contact, at), suite.add_event(f"add-{contact}", at, contact, f"c-{contact}"))]
        self.call(TRACKER, "Record", {"store": "shop", "events": events})
        self.rest()

    def mails(self):
        """How many mails lie in the folder, by recipient."""
        counts = collections.Counter()
        for path in (self.suite.folder / "out/mails").rglob("*.eml"):
            head = path.read_bytes().split(b"\r\n\r\n", 1)[0].decode("ascii", "replace")
            to = next(line for line in head.splitlines() if line.lower().startswith("to:"))
            counts[to.split("<")[-1].split("@")[0].split()[-1]] += 1
        return counts

    def messages(self, **wanted):
        return list(self.pages(NOTIFIER, "ListMessages", {"store": "shop", **wanted}, "messages"))


    def in_doubt(self, decides):
        """Whose second mail is listed as one that may have left."""
        if decides:
            held = self.messages(reasons=["REASON_CODE_RESTORED"])
            return {row.order.contact for row in held if row.order.step == "second"}
        skipped = self.pages(SCHEDULER, "ListDecisions", {"store": "shop", "step": "second", "reasons": [
            "REASON_CODE_RESTORED"]}, "decisions")
        carts = {decision.enrolment for decision in skipped}
        every = self.pages(SCHEDULER, "ListEnrolments", {"store": "shop"}, "enrolments")
        return {enrolment.contact for enrolment in every if enrolment.id in carts}


def live(services, half, decides):
    """Yields what was to be shown, and what is wrong with it."""
    early, late = [f"early{n}" for n in range(half)], [f"late{n}" for n in range(half)]
    services.start()
    services.open()
    services.leave(early, START + 10)
    services.run_to(START + 2 * 3600)
    first = services.mails()
    yield "before the backup the first ones got a mail", [] if first == collections.Counter(early) else [first]
    services.stop(keep=True)
    old = services.suite.folder / "backup"
    services.backup(old)
    services.start()
    services.leave(late, START + 3 * 3600)
    services.run_to(START + 2 * DAY)
    services.call(NOTIFIER, "OptOut", {"store": "shop", "idempotencyKey": "out", "channel": "CHANNEL_EMAIL", "address":
                                       f"{early[0]}@replay.invalid", "at": suite.instant(START + 2 * DAY),
                                       "evidence": "a call"})
    left = services.mails()
    yield "after it both mails went to everybody", [] if left == collections.Counter(
        {contact: 2 for contact in early + late}) else [left]
    services.stop(keep=True)
    services.put_back(old)
    services.start()
    services.rest()
    services.run_to(START + 2 * DAY + 3600)
    services.leave(["soon"], START + 2 * DAY + 3600)
    services.run_to(START + 2 * DAY + 4 * 3600)
    wrong = [f"{service} holds nothing" for service in (TRACKER, SCHEDULER) if not any(
        not restore.HasField("released_at") for restore in services.restores(service))]
    wrong += [f"{service} knows of no restore" for service in (NOTIFIER,) if not services.restores(service)]
    yield "each service has found it", wrong
    yield "nothing is sent before the release", [] if services.mails() == left else [services.mails() - left]
    services.release(SCHEDULER, decides)
    services.run_to(START + 2 * DAY + 5 * 3600)
    yield "nor before the tracker's", [] if services.mails() == left else [services.mails() - left]
    # The sources tell again what they told since the backup, and then the tracker may be asked.
    services.leave(late, START + 3 * 3600)
    services.release(TRACKER)
    services.leave(["new"], START + 2 * DAY + 6 * 3600)
    services.run_to(START + 6 * DAY)
    after = services.mails()
    again = sorted(contact for contact in early + late if after[contact] != 2)
    yield f"I2 nobody gets again what left after the backup ({sum(after.values())} mails)", again
    seconds = services.in_doubt(decides)
    yield f"what may have left is listed with RESTORED ({len(seconds)})", [
        f"{contact} is not listed" for contact in early[1:] if contact not in seconds]
    yield "who comes after the restore gets both mails", [
        f"{contact} got {after[contact]}" for contact in ("soon", "new") if after[contact] != 2]
    listed = services.call(NOTIFIER, "ListSuppressions", {"store": "shop", "address": f"{early[0]}@replay.invalid",
                                                          "channel": "CHANNEL_EMAIL"})
    yield "an opt-out after the backup holds", [] if listed.suppressions else ["it is gone"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, default=suite.BIN)
    parser.add_argument("--carts", type=int, default=20)
    options = parser.parse_args()
    fine = True
    for words, decides in (("steps of then skipped", False), ("steps of then decided", True)):
        services = Services(options.bin)
        try:
            for name, wrong in live(services, options.carts // 2, decides):
                fine = report(f"T31 {words}: {name}", wrong) and fine
        finally:
            services.stop()
    sys.exit(not fine)


if __name__ == "__main__":
    main()
