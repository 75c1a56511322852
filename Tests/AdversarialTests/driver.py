"""Runs lives through real services over TLS on the virtual clock, and reads what left.

What falls due at an instant comes before what is told at it.
"""

import collections
import email
import json
import pathlib
import sys
import time

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "SuiteTests")]

import suite  # noqa: E402
from virtual_suite import VirtualSuite, reason  # noqa: E402
from homing_contract import RPCError  # noqa: E402

from corpus import DAY, EMAIL, GRID, LETTER, SEASONS, SHORT_WINDOW, SMS, STORES, SWITCHES, WINDOW, Abilities  # noqa: E402
from model import Sent  # noqa: E402

SERVICES = ("cart-tracker", "scheduler", "notifier", "direct-mail")
TRACKER, SCHEDULER, NOTIFIER, DIRECT_MAIL = suite.TRACKER, suite.SCHEDULER, suite.NOTIFIER, suite.DIRECT_MAIL
SEASON_DAYS = 12
FLOW = (pathlib.Path(__file__).parent / "flow.yaml").read_text()
TEST_ADDRESSES = ["@replay.invalid", "+999*", "post:*"]
TIMES = ("at", "givenAt", "confirmedAt", "withdrawnAt")
# Who serves a call of a life, and what it says besides: the time under this name, and why.
CALLS = {
    "Link": (TRACKER, None), "GrantConsent": (TRACKER, None), "ConfirmConsent": (TRACKER, "confirmedAt"),
    "WithdrawConsent": (TRACKER, "withdrawnAt"), "OptOut": (NOTIFIER, "at"), "PutSuppressions": (NOTIFIER, None),
    "PutObjections": (DIRECT_MAIL, None), "Erase": (TRACKER, None),
}


def timed(value):
    """JSON as the contract has it: instants in words."""
    if isinstance(value, dict):
        return {key: suite.instant(inner) if key in TIMES and isinstance(inner, int) else timed(inner)
                for key, inner in value.items()}
    return [timed(inner) for inner in value] if isinstance(value, list) else value


class Services(VirtualSuite):
    """A private suite of all that sends."""

    def __init__(self, bin_folder):
        super().__init__(bin_folder, SERVICES)
        self.keys = 0

    def command(self, service, method, body):
        self.keys += 1
        return self.request(suite.OWNER[service], service, method, {**body, "idempotencyKey": f"k{self.keys}"})

    def abilities(self):
        """What these services can do, by asking them."""
        settings = self.contract.message("homing.cart_tracker.v1.StoreSettings").DESCRIPTOR
        return Abilities(consent=self.answers("GrantConsent"), caps="caps" in settings.fields_by_name,
                         erase=self.answers("Erase"))

    def answers(self, method):
        if not self.method(TRACKER, method):
            return False
        try:
            self.call(TRACKER, method, {})
        except RPCError as error:
            return error.code != "UNIMPLEMENTED"
        return True

    def cpu_seconds(self):
        """Of each process, user and system."""
        ticks = 0
        for process in self.suite.processes.values():
            fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / 100


class Run:
    """One corpus on one suite."""

    def __init__(self, services, say=lambda text: None):
        self.services, self.say = services, say
        self.refused = []
        # Where messages and letters went to, of people who were erased since.
        self.erased = {}
        self.settings = {}

    # What is told.

    def open(self, second):
        self.services.advance(second * 10**6)
        self.services.rest()
        for store in STORES.values():
            self.put_store(store)
            call = self.services.command
            waiting = [call(NOTIFIER, "PutTemplate", {"store": store.id, **template})
                       for template in suite.shipped_templates()]
            for path in sorted((suite.ROOT / "Services/Homing/Shipped/letters").glob("cart-letter.*.yaml")):
                name, locale, _ = path.name.split(".")
                waiting.append(call(DIRECT_MAIL, "PutTemplate", {
                    "store": store.id, "template": name, "locale": locale, "format": "FORMAT_A4_FORM_B",
                    "text": path.read_text()}))
            for one in waiting:
                one.answer()
            call(SCHEDULER, "ApplyFlow", {"store": store.id, "text": FLOW}).answer()
            for flow in ("", "awkward"):
                call(SCHEDULER, "SetMode", {"store": store.id, "flow": flow, "mode": "MODE_TEST",
                                            "testAddresses": TEST_ADDRESSES}).answer()
        self.services.rest()

    def put_store(self, store, **changes):
        kinds = [{"kind": "CART_KIND_QUOTE", "window": {"span": "7800s"},
                  **({"stopScope": "STOP_SCOPE_COMPANY"} if store.stops_company else {})}]
        settings = self.settings.setdefault(store.id, {
            "name": f"Shop {store.id}", "controller": store.controller, "timeZone": store.zone, "locale": "en",
            "countryCode": "DE", "detection": True, "window": {"span": f"{WINDOW}s"}, "kinds": kinds, "feedLimit": "0s",
            "imprint": {"legalName": "Shop GmbH", "address": {
                "countryCode": "DE", "streetLines": ["Weg 1"], "postalCode": "12345", "locality": "Köln"},
                "senderName": "Shop", "senderEmail": "shop@replay.invalid", "supportEmail": "help@replay.invalid",
                "website": "https://shop.invalid/"}})
        settings.update(changes)
        revision = 0 if not changes else self.services.call(TRACKER, "GetStore", {"store": store.id}).revision
        self.services.command(TRACKER, "PutStore", {"store": store.id, "settings": settings, "revision": revision}).answer()

    def switch(self, store, what):
        if what in ("pause", "resume"):
            self.services.command(SCHEDULER, what.capitalize(), {"store": store, "flow": "awkward"}).answer()
        elif what in ("shorten", "widen"):
            self.put_store(STORES[store], window={"span": f"{SHORT_WINDOW if what == 'shorten' else WINDOW}s"})
        else:
            self.put_store(STORES[store], detection=what == "detection on")

    def tell(self, happenings):
        """Everything that is heard at one instant: events of a store together, then calls in their order."""
        batches = collections.defaultdict(list)
        for one in happenings:
            if one.kind == "event":
                event = {"id": one.id, "at": one.at, "sourceOrder": str(one.order), **one.body}
                for name in ("contact", "guest", "cart"):
                    if getattr(one, name):
                        event[name] = getattr(one, name)
                batches[one.store].append(timed(event))
        waiting = []
        for store, events in batches.items():
            for begin in range(0, len(events), 1000):
                waiting.append(self.services.request("cart-tracker", TRACKER, "Record", {
                    "store": store, "events": events[begin:begin + 1000]}))
        for call in waiting:
            call.answer()
        for one in happenings:
            if one.kind != "event":
                self.do(one)

    def do(self, one):
        service, time_name = CALLS[one.kind]
        body = {"store": one.store, **one.body}
        if time_name:
            body[time_name] = one.at
        if one.kind == "Erase":
            self.note_recipients(one.store, one.contact)
        if one.kind == "OptOut":
            body["evidence"] = "a call"
        elif service == TRACKER:
            body["contact"] = one.contact
        try:
            self.services.command(service, one.kind, timed(body)).answer()
        except RPCError as error:
            self.refused.append((one, str(error)))

    def note_recipients(self, store, contact):
        person = self.services.call(TRACKER, "GetContact", {"store": store, "contact": contact})
        for known in [contact, *person.linked]:
            asked = {"store": store, "contact": known}
            for row in self.services.pages(NOTIFIER, "ListMessages", asked, "messages"):
                self.erased[row.order.id] = row.recipient
            for piece in self.services.pages(DIRECT_MAIL, "ListMailPieces", asked, "pieces"):
                self.erased[piece.order.id] = "\n".join(piece.address_lines)

    def live(self, people):
        """Lets everybody live, season by season."""
        for season, begin in sorted(SEASONS.items(), key=lambda item: item[1]):
            agenda = collections.defaultdict(list)
            for person in people:
                if person.start == begin:
                    for one in person.life:
                        agenda[one.heard].append(one)
            switches = {begin + after: (store, what) for store, after, what in SWITCHES}
            if self.services.now == 0:
                self.open(begin)
            for second in sorted({*agenda, *switches}):
                self.services.run_to(second)
                if second in switches:
                    self.switch(*switches[second])
                self.tell(agenda[second])
                self.services.rest()
            self.services.run_to(begin + SEASON_DAYS * DAY + GRID)
            self.say(f"{season} is over: {self.services.instants} instants")

    # What left.

    def sent(self):
        texts = self.mail_texts()
        found = []
        for store in STORES:
            for row in self.services.pages(NOTIFIER, "ListMessages", {
                    "store": store, "states": ["MESSAGE_STATE_HANDED_OVER", "MESSAGE_STATE_UNKNOWN"]}, "messages"):
                order = row.order
                found.append(Sent(
                    order.id, store, order.contact, EMAIL if order.channel == 1 else SMS, order.step, order.cart,
                    row.recipient or self.erased.get(order.id, ""),
                    row.ended_at.seconds, order.due_at.seconds, texts.get(order.id, ""), tuple(order.covered_carts)))
            for piece in self.services.pages(DIRECT_MAIL, "ListMailPieces", {"store": store, "states": [
                    "PIECE_STATE_RENDERED", "PIECE_STATE_BATCHED", "PIECE_STATE_SUBMITTED"]}, "pieces"):
                order = piece.order
                found.append(Sent(order.id, store, order.contact, LETTER, order.step, order.cart,
                                  "\n".join(piece.address_lines) or self.erased.get(order.id, ""), self.rendered(piece),
                                  order.due_at.seconds))
        return found

    @staticmethod
    def rendered(piece):
        """When a letter was out of reach."""
        return next(change.at.seconds for change in piece.history if change.state == 2)

    def mail_texts(self):
        """What the mails in the folder say, by message id; with the address on the first line."""
        texts = {}
        self.mails_in_folder = 0
        for path in (self.services.suite.folder / "out/mails").rglob("*.eml"):
            # The old policy reads a mail in a tenth of the time.
            mail = email.message_from_bytes(path.read_bytes())
            self.mails_in_folder += 1
            plain = next(part for part in mail.walk() if part.get_content_type() == "text/plain")
            texts[mail["message-id"].strip("<>").split("@")[0]] = (
                f"{mail['to']}\n{plain.get_payload(decode=True).decode()}")
        return texts

    def printed(self):
        """Ids of the letters that the print runs' manifests name."""
        pieces = []
        folder = self.services.suite.folder / "out/letters"
        for manifest in folder.glob("*/manifest.json"):
            pieces += [row["piece"] for row in json.loads(manifest.read_text())["pieces"]]
        return pieces

    def decisions(self, person):
        """What the scheduler says of a person, a line for each decision."""
        for contact in sorted({one.contact for one in person.life if one.contact}):
            asked = {"store": person.store, "contact": contact}
            for row in self.services.pages(SCHEDULER, "ListEnrolments", asked, "enrolments"):
                answer = self.services.call(SCHEDULER, "GetEnrolment", {"store": person.store, "enrolment": row.id})
                yield f"enrolment of {row.contact} about {row.cart}, {reason(row)}"
                for one in answer.decisions:
                    verdict = type(one).DESCRIPTOR.enum_types_by_name["Verdict"].values_by_number[one.verdict].name
                    outcomes = [f"{outcome.at.ToJsonString()} {outcome.kind} {reason(outcome)}"
                                for outcome in one.outcomes]
                    yield (f"  {one.decided_at.ToJsonString()} {one.step} {verdict} {reason(one)} "
                           f"{one.branch} {', '.join(outcomes)}")
