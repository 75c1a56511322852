"""Databases from yesterday, put back in the place of today's (T31, I2).

    restore_check.py [--bin FOLDER] [--carts 20]

Half of the carts get their first mail, then a backup is made; the others get theirs and the first ones their second. All
databases are put back, journals and beats stay. Nobody gets a mail twice, what may have left is listed with RESTORED, an
opt-out of meanwhile holds, and who comes after the restore gets both mails.

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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, default=suite.BIN)
    parser.add_argument("--carts", type=int, default=20)
    options = parser.parse_args()
    half = options.carts // 2
    early, late = [f"early{n}" for n in range(half)], [f"late{n}" for n in range(half)]
    services = Services(options.bin)
    try:
        services.start()
        services.open()
        services.leave(early, START + 10)
        services.run_to(START + 2 * 3600)
        first = services.mails()
        fine = report("T31 before the backup the first ones got a mail", [] if first == collections.Counter(early) else [first])
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
        wanted = collections.Counter({contact: 2 for contact in early + late})
        fine = report("T31 after it both mails went to everybody", [] if left == wanted else [left]) and fine
        services.stop(keep=True)
        services.put_back(old)
        services.start()
        services.rest()
        services.run_to(START + 2 * DAY + 3600)
        # The sources tell again what they told since the backup, as after any restore.
        services.leave(late, START + 3 * 3600)
        services.leave(["new"], START + 2 * DAY + 7200)
        services.run_to(START + 6 * DAY)
        again = [f"{row.order.contact} got {row.order.step}" for row in services.messages(
            states=["MESSAGE_STATE_HANDED_OVER"]) if row.ended_at.seconds > START + 2 * DAY and row.order.contact != "new"]
        after = services.mails()
        fine = report("T31 I2 nobody gets again what left after the backup", again, f"({sum(after.values())} mails)") and fine
        held = services.messages(reasons=["REASON_CODE_RESTORED"])
        seconds = {row.order.contact for row in held if row.order.step == "second"}
        wrong = [f"{contact} is not listed" for contact in early[1:] if contact not in seconds]
        fine = report("T31 what may have left is listed with RESTORED", wrong, f"({len(held)} messages)") and fine
        wrong = [] if after["new"] == 2 else [f"got {after['new']}"]
        fine = report("T31 who comes after the restore gets both mails", wrong) and fine
        listed = services.call(NOTIFIER, "ListSuppressions", {"store": "shop", "address": f"{early[0]}@replay.invalid",
                                                              "channel": "CHANNEL_EMAIL"})
        fine = report("T31 an opt-out after the backup holds", [] if listed.suppressions else ["it is gone"]) and fine
    finally:
        services.stop()
    sys.exit(not fine)


if __name__ == "__main__":
    main()
