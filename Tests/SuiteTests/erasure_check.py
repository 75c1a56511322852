"""Erasure of a person over all services (P10): of every file, in export and receipt, over re-imports and old backups.

    erasure_check.py [--bin FOLDER] [--keep]

A person with two contacts and a device gets a mail, an SMS and a letter, has attributes, reasons, an opt-out and an
objection with evidence; every personal field bears a mark. Another person lives the same with another mark. The first is
erased: no file of any service bears its mark any more, the other's are where they were. Imported again, by the same id
and by another, they get nothing. Databases from before the erasure, put back, lose the mark at their start.

Real processes over TLS on the virtual clock. Prints `PASS name` or `FAIL name: why`. Needs what
Interop/requirements.txt names.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import time

import suite
from suite import DIRECT_MAIL, NOTIFIER, SCHEDULER, TRACKER, report
from virtual_suite import VirtualSuite

SERVICES = ("cart-tracker", "scheduler", "notifier", "direct-mail")
START = 1_788_000_000
DAY = 86_400
MARKS = {"erased": "xqerasedmarkx", "kept": "xqkeptmarkx"}
FLOW = """\
flow: all-ways
start: cart abandoned
re-entry: 0 seconds
steps:
  - evaluate data:
      - when: contact.hobby = "none"
        then: exit
    name: hobby
  - send e-mail: { template: cart-reminder, expires: 2 days }
    name: mail
  - send sms: { template: cart-sms, expires: 2 days }
    name: text
  - send letter: { template: cart-letter, expires: 9 days }
    name: letter
"""


class Services(VirtualSuite):
    def __init__(self, bin_folder):
        super().__init__(bin_folder, SERVICES)
        self.keys = 0

    def command(self, service, method, body):
        self.keys += 1
        return self.request(suite.OWNER[service], service, method, {
            "store": "shop", **body, "idempotencyKey": f"k{self.keys}"}).answer()

    def record(self, *events):
        return self.call(TRACKER, "Record", {"store": "shop", "events": list(events)})

    def open(self):
        self.advance(START * 10**6)
        self.command(TRACKER, "PutStore", {"settings": {
            "name": "Shop", "controller": "check", "timeZone": "Europe/Berlin", "locale": "de", "countryCode": "DE",
            "detection": True, "window": {"span": "3600s"}, "feedLimit": "0s", "imprint": {
                "legalName": "Shop GmbH", "address": {"countryCode": "DE", "streetLines": ["Weg 1"],
                                                      "postalCode": "12345", "locality": "Köln"},
                "senderName": "Shop", "senderEmail": "shop@replay.invalid", "supportEmail": "help@replay.invalid",
                "website": "https://shop.invalid/"}}})
        for template in suite.shipped_templates():
            self.command(NOTIFIER, "PutTemplate", template)
        for path in sorted((suite.ROOT / "Services/Homing/Shipped/letters").glob("cart-letter.*.yaml")):
            name, locale, _ = path.name.split(".")
            self.command(DIRECT_MAIL, "PutTemplate", {"template": name, "locale": locale, "format": "FORMAT_A4_FORM_B",
                                                      "text": path.read_text()})
        self.command(SCHEDULER, "ApplyFlow", {"text": FLOW})
        for flow in ("", "all-ways"):
            self.command(SCHEDULER, "SetMode", {"flow": flow, "mode": "MODE_TEST",
                                                "testAddresses": ["@replay.invalid", "+999*", "post:*"]})
        self.rest()

    def homing(self, *arguments):
        """What a `homing` command answers, and how it ended."""
        done = subprocess.run([str(word) for word in (self.suite.bin / "homing", *arguments)], env=self.suite.client,
                              capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    def persons(self, command, *arguments):
        ports = {name: self.suite.target(name) for name in SERVICES}
        return self.homing("persons", command, ports["cart-tracker"], "--scheduler", ports["scheduler"], "--notifier",
                           ports["notifier"], "--direct-mail", ports["direct-mail"], "--store", "shop", *arguments)


def profile(who, at, other=""):
    mark = MARKS[who]
    digits = {"erased": "271828182", "kept": "314159265"}[who]
    return {"givenName": f"Given{mark}", "familyName": f"Family{mark}", "title": f"Dr. {mark}", "locale": "de",
            "companyName": f"Company {mark}", "timeZone": "Europe/Berlin",
            "attributes": [{"name": "hobby", "text": f"hobby {mark}"}],
            "destinations": [
                {"channel": "CHANNEL_EMAIL", "address": f"{mark}{other}@replay.invalid", "confirmedAt": at},
                {"channel": "CHANNEL_SMS", "address": f"+999{digits}", "confirmedAt": at}],
            "address": {"countryCode": "DE", "person": f"Given Family{mark}", "streetLines": [f"{mark}weg 7"],
                        "postalCode": "50667", "locality": "Köln"},
            "consents": [{"channel": channel, "purpose": purpose, "source": "check", "givenAt": at, "confirmedAt": at}
                         for channel in ("CHANNEL_EMAIL", "CHANNEL_SMS") for purpose in ("recovery", "tracking")]}


def added(identity, at, contact, cart, mark=""):
    event = suite.add_event(identity, at, contact, cart)
    event["header"] = {"url": f"https://shop.invalid/{mark}/{cart}"}
    event["itemAdded"]["line"]["configuration"] = f"engraved {mark}"
    return event


def live(services, who):
    """A person with two contacts and a device, in as many places as there are."""
    mark, at = MARKS[who], suite.instant(START)
    later = suite.instant(START + 1)
    services.record(
        {"id": f"{who}-meet", "at": at, "contact": f"{who}-1", "contactUpserted": {"profile": profile(who, at)}},
        {"id": f"{who}-meet-2", "at": at, "contact": f"{who}-2", "contactUpserted": {"profile": profile(who, at, "-2")}},
        {"id": f"{who}-tags", "at": at, "contact": f"{who}-1", "tagsChanged": {"added": [f"tag {mark}"]}},
        {"id": f"{who}-signal", "at": at, "contact": f"{who}-1", "signal": {
            "name": "looked", "attributes": [{"name": "at", "text": mark}]}},
        {"id": f"{who}-known", "at": at, "contact": f"{who}-1", "guest": f"{who}-device", "identify": {
            "evidence": "IDENTITY_EVIDENCE_LOGIN"}},
        added(f"{who}-add", later, f"{who}-1", f"{who}-cart", mark),
        {"id": f"{who}-why", "at": later, "contact": f"{who}-1", "cart": f"{who}-cart", "reasonGiven": {
            "reason": "LEAVE_REASON_TAX", "basis": "BASIS_STATED", "note": f"note {mark}"}})
    services.command(TRACKER, "Link", {"contact": f"{who}-1", "other": f"{who}-2", "proof": f"proof {mark}",
                                       "evidence": "IDENTITY_EVIDENCE_LOGIN"})
    services.command(TRACKER, "TagContact", {"contact": f"{who}-1", "added": [f"second {mark}"]})
    services.command(NOTIFIER, "PutSuppressions", {"suppressions": [
        {"channel": "CHANNEL_EMAIL", "address": f"{mark}-2@replay.invalid", "cause": "SUPPRESSION_CAUSE_OPT_OUT",
         "evidence": f"a call by {mark}"}]})
    services.command(DIRECT_MAIL, "PutObjections", {"objections": [
        {"contact": f"{who}-2", "cause": "OBJECTION_CAUSE_PERSON", "evidence": f"a letter by {mark}"}]})


def marked(services, mark):
    """Files of the services that have the mark; what was handed over lies elsewhere."""
    found = []
    for name in SERVICES:
        for path in sorted((services.suite.folder / name).rglob("*")):
            if path.is_file() and mark.encode() in path.read_bytes():
                found.append(f"{name}/{path.relative_to(services.suite.folder / name)}")
        if mark.encode() in (services.suite.folder / f"{name}.log").read_bytes():
            found.append(f"{name}.log")
    return found


def gone(services, mark):
    """What still bears the mark once rows that were on their way are deleted."""
    services.rest()
    end = time.monotonic() + 20
    while marked(services, mark) and time.monotonic() < end:
        time.sleep(0.1)
    return marked(services, mark)


def sent(services):
    """How many messages and letters each contact got."""
    counts = {}
    for row in services.pages(NOTIFIER, "ListMessages", {"store": "shop", "states": [
            "MESSAGE_STATE_HANDED_OVER", "MESSAGE_STATE_UNKNOWN"]}, "messages"):
        counts[row.order.contact] = counts.get(row.order.contact, 0) + 1
    for row in services.pages(DIRECT_MAIL, "ListMailPieces", {"store": "shop", "states": [
            "PIECE_STATE_SUBMITTED", "PIECE_STATE_BATCHED"]}, "pieces"):
        counts[row.order.contact] = counts.get(row.order.contact, 0) + 1
    return counts


def documents(services):
    return sorted((services.suite.folder / "direct-mail").rglob("letters.pdf"))


def before(services):
    """Both got everything, and every file has what is to be found there."""
    services.open()
    for who in MARKS:
        live(services, who)
    services.rest()
    services.run_to(START + 4 * DAY)
    counts = sent(services)
    fine = report("P10 both people get mail, SMS and letter first", [
        f"{who}: {counts}" for who in MARKS if counts.get(f"{who}-1") != 3])
    found = marked(services, MARKS["erased"])
    names = [f"{name} nowhere" for name in SERVICES if not any(path.startswith(f"{name}/") for path in found)]
    fine = report("P10 before the erasure each service's files bear the mark", names, f"({len(found)} files)") and fine
    code, text, error = services.persons("export", "--contact", "erased-1")
    lines = [json.loads(line) for line in text.splitlines()]
    kinds = {(line["service"], line["kind"]) for line in lines if MARKS["erased"] in json.dumps(line)}
    wanted = {("cart-tracker", "contact"), ("cart-tracker", "event"), ("notifier", "message"), ("notifier", "suppression"),
              ("direct-mail", "mail piece"), ("direct-mail", "objection")}
    wrong = [error] if code else [f"no {one}" for one in wanted - kinds]
    wrong += ["somebody else's data"] if MARKS["kept"] in text else []
    return report("P10 the export has what each service knows", wrong, f"({len(lines)} records)") and fine


def erase(services):
    total = len(documents(services))
    code, text, error = services.persons("erase", "--contact", "erased-1", "--idempotency-key", "forget")
    print("\n".join("     " + line for line in text.splitlines()), flush=True)
    fine = report("P10 the erasure answers with a complete receipt", [error or text] if code or "not yet" in text else [])
    identity = text.split()[1]
    fine = report("P10 no file of any service bears the mark any more", gone(services, MARKS["erased"])) and fine
    found = marked(services, MARKS["kept"])
    wrong = [f"{name} nowhere" for name in SERVICES if not any(path.startswith(f"{name}/") for path in found)]
    fine = report("P10 the other person's data is where it was", wrong) and fine
    wrong = [] if len(documents(services)) < total else [f"{total} documents before and after"]
    fine = report("P10 documents with the person's letters are gone", wrong) and fine
    code, again, error = services.persons("receipt", "--erasure", identity)
    fine = report("P10 the receipt can be had again", [error] if code or again != text else []) and fine
    code, same, error = services.persons("erase", "--contact", "erased-2")
    wrong = [error] if code or same.split()[1] != identity else []
    fine = report("P10 a linked identity is erased with the person, once", wrong) and fine
    code, exported, error = services.persons("export", "--contact", "erased-1")
    fine = report("P10 the export of one who was erased names no one", [error] if code else [
        "the mark"] if MARKS["erased"] in exported else []) and fine
    contact = services.call(TRACKER, "GetContact", {"store": "shop", "contact": "erased-1"})
    wrong = [] if contact.HasField("erased_at") and not contact.profile.destinations else [str(contact)]
    fine = report("P10 the contact says that it was erased", wrong) and fine
    code, _, error = services.homing(
        "audit", "hand-offs", services.suite.target("scheduler"), "--tracker", services.suite.target("cart-tracker"),
        "--store", "shop")
    return report("X03 the audit still proves every hand-off", [error] if code else []) and fine


def import_again(services):
    """By the same id, and by another with the same addresses and the consent of then."""
    now = START + 5 * DAY
    services.run_to(now)
    at, old = suite.instant(now), suite.instant(START)
    events = []
    for contact in ("erased-1", "newcomer"):
        events += [{"id": f"again-{contact}", "at": at, "contact": contact,
                    "contactUpserted": {"profile": profile("erased", old)}},
                   added(f"again-add-{contact}", at, contact, f"again-{contact}")]
    # Somebody else by the same name elsewhere, and a neighbour.
    other = profile("kept", at, "-neighbour")
    other["address"]["streetLines"] = [MARKS["erased"] + "weg 7"]
    other["destinations"].pop()
    events += [{"id": "meet-neighbour", "at": at, "contact": "neighbour", "contactUpserted": {"profile": other}},
               added("add-neighbour", at, "neighbour", "neighbour")]
    services.record(*events)
    services.rest()
    counts = sent(services)
    services.run_to(now + 5 * DAY)
    after = sent(services)
    got = {contact: after.get(contact, 0) - counts.get(contact, 0) for contact in ("erased-1", "newcomer", "neighbour")}
    wrong = [f"{contact} got {got[contact]}" for contact in ("erased-1", "newcomer") if got[contact]]
    fine = report("P10 whoever was erased and is imported again gets nothing", wrong)
    fine = report("P10 a neighbour gets mail and letter", [] if got["neighbour"] == 2 else [str(got)]) and fine
    contact = services.call(TRACKER, "GetContact", {"store": "shop", "contact": "erased-1"})
    wrong = [str(contact)] if contact.profile.destinations or contact.profile.given_name else []
    return report("P10 what is imported under the same id is not stored", wrong) and fine


def restore(services, folder):
    """Databases from before the erasure, beside journals of after it."""
    services.stop(keep=True)
    services.put_back(folder)
    found = marked(services, MARKS["erased"])
    fine = report("P10 the backup bears the mark", [] if len(found) >= len(SERVICES) else found)
    for name in SERVICES:
        (services.suite.folder / f"{name}.log").write_text("")
    services.start()
    fine = report("P10 T31 databases from before the erasure lose the mark at their start", gone(
        services, MARKS["erased"])) and fine
    found = marked(services, MARKS["kept"])
    wrong = [f"{name} nowhere" for name in SERVICES if not any(path.startswith(f"{name}/") for path in found)]
    fine = report("P10 the other person's data came back", wrong) and fine
    for service in (TRACKER, SCHEDULER):
        services.release(service)
    contact = services.call(TRACKER, "GetContact", {"store": "shop", "contact": "erased-1"})
    return report("P10 the contact is erased again", [] if contact.HasField("erased_at") else [str(contact)]) and fine


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, default=suite.BIN)
    parser.add_argument("--keep", action="store_true", help="leave the suite's folder")
    options = parser.parse_args()
    services = Services(options.bin)
    try:
        services.start()
        fine = before(services)
        services.stop(keep=True)
        old = services.suite.folder / "backup"
        services.backup(old)
        services.start()
        fine = erase(services) and fine
        fine = restore(services, old) and fine
        fine = import_again(services) and fine
    finally:
        services.stop(keep=options.keep)
        if options.keep:
            print(f"kept: {services.suite.folder}")
    sys.exit(not fine)


if __name__ == "__main__":
    main()
