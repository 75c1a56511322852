"""Print runs whose direct-mail is killed at random moments, and what becomes of letters at their edges (D03-D06, D10).

    print_run_check.py [--bin FOLDER] [--letters 150] [--runs 3] [--kills 3] [--seed 1] [--keep]

Real processes on a virtual clock. One print run closes untouched and shows how long that takes; each further one is
killed at random moments of that time, while some of its people buy. Prints `PASS name` or `FAIL name: why`.
Needs poppler's and zbar's tools beside Python's standard library.
"""

import argparse
import base64
import csv
import hashlib
import json
import pathlib
import random
import subprocess
import sys
import time
from collections import Counter

import suite
from postfix_check import run_to, services_call
from suite import DIRECT_MAIL, ROOT, SCHEDULER, TRACKER, report

T0 = 1_772_442_000  # 2026-03-02T09:00:00Z
HOUR, DAY = 3600, 86_400
FIRST_CUT_OFF = (T0 // DAY + 1) * DAY
ADDRESS = {"countryCode": "DE", "streetLines": ["Große Bleichen 1"], "postalCode": "20354", "locality": "Hamburg"}
FLOW = """\
flow: letter-and-mail
start: cart abandoned
re-entry: 1 hour
steps:
  - send letter:
      template: cart-letter
      expires: 7 days
      if not sent:
        - go to: mail
    name: letter
  - pause: 5 days
  - exit
  - send e-mail: { template: cart-reminder, expires: 4 days }
    name: mail
"""


class Shop:
    """All services, a store, its letters; `now` is where the clocks stand."""

    def __init__(self, options):
        self.suite = suite.Suite(options.bin)
        self.now = 0

    def open(self):
        self.suite.start()
        self.run_to(T0)
        self.suite.put_shop("shop", FLOW)
        for path in sorted((ROOT / "Services/Homing/Shipped/letters").glob("*.yaml")):
            name, locale, _ = path.name.split(".")
            self.suite.call(f"{DIRECT_MAIL}/PutTemplate", {
                "store": "shop", "idempotencyKey": path.stem, "template": name, "locale": locale,
                "format": "FORMAT_A4_FORM_B", "text": path.read_text()})
        for flow in ("", "letter-and-mail"):
            self.suite.call(f"{SCHEDULER}/SetMode", {
                "store": "shop", "idempotencyKey": f"post-{flow}", "flow": flow, "mode": "MODE_TEST",
                "testAddresses": ["@replay.invalid", "post:*"]})

    def run_to(self, second):
        run_to(self.suite, second)
        self.now = second

    def record(self, events):
        for begin in range(0, len(events), 1000):
            self.suite.call(f"{TRACKER}/Record", {"store": "shop", "events": events[begin:begin + 1000]})

    def leave(self, contact, **address):
        """A contact with an address, and the cart that they leave now."""
        meet = suite.contact_event(contact, suite.instant(self.now))
        meet["contactUpserted"]["profile"]["address"] = {**ADDRESS, "person": f"Änne {contact}", **address}
        return [meet, self.leave_cart(contact, f"cart-{contact}")]

    def leave_cart(self, contact, cart):
        return suite.add_event(f"add-{cart}", suite.instant(self.now), contact, cart)

    def buy(self, contact, cart):
        return {"id": f"buy-{cart}", "at": suite.instant(self.now), "contact": contact, "cart": cart,
                "purchase": {"order": f"order-{cart}"}}

    def pieces(self, contact=""):
        return list(self.suite.pages(f"{DIRECT_MAIL}/ListMailPieces", {"store": "shop", "contact": contact}, "pieces"))

    def mails(self):
        return list((self.suite.folder / "out/mails").rglob("*.eml"))

    def runs(self):
        """The folders that were handed over."""
        folder = self.suite.folder / "out/letters"
        return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.exists() else []

    def call_clock(self, name, second):
        services_call(self.suite, name, "Advance", {"to": suite.instant(second)})


def output(*command):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True).stdout.decode()


def refused(services, method, body):
    """With which words a call is refused; empty where it is not."""
    try:
        services.call(method, body)
    except RuntimeError as error:
        return str(error)
    return ""


# Print runs under kills.


def check_runs(shop):
    """What is wrong with what lies in the folder, against what direct-mail says of pieces and batches, in words."""
    wrong, printed = [], Counter()
    pieces = {piece["order"]["id"]: piece for piece in shop.pieces()}
    batches = shop.suite.pages(f"{DIRECT_MAIL}/ListBatches", {"store": "shop"}, "batches")
    by_place = {batch["destination"]: batch for batch in batches if batch.get("destination")}
    for folder in shop.runs():
        files = sorted(path.name for path in folder.iterdir())
        if files != ["letters.pdf", "manifest.csv", "manifest.json"]:
            wrong.append(f"{folder.name} holds {files}")
            continue
        batch = by_place.pop(str(folder), None)
        if batch is None or batch["state"] != "BATCH_STATE_SUBMITTED":
            wrong.append(f"{folder.name} is of {batch and batch['state']}")
            continue
        document = (folder / "letters.pdf").read_bytes()
        digest = hashlib.sha256(document).hexdigest()
        manifest = json.loads((folder / "manifest.json").read_text())
        rows = list(csv.DictReader((folder / "manifest.csv").open(newline="")))
        said = {"the list": base64.b64decode(batch["checksum"]).hex(), "the JSON": manifest["checksum"].split(":")[1],
                **{f"line {number} of the CSV": row["checksum"] for number, row in enumerate(rows, 2)}}
        wrong += [f"{folder.name}: {where} has the checksum {value}" for where, value in said.items() if value != digest]
        if [piece["piece"] for piece in manifest["pieces"]] != [row["piece"] for row in rows]:
            wrong.append(f"{folder.name}: CSV and JSON list other pieces")
        pages = output("pdftotext", folder / "letters.pdf", "-").split("\f")[:-1]
        if not len(pages) == manifest["pages"] == batch["pages"] == sum(
                int(row["last_page"]) - int(row["first_page"]) + 1 for row in rows):
            wrong.append(f"{folder.name} has {len(pages)} pages, {manifest['pages']} and {batch['pages']} by its word")
        for row in rows:
            printed[row["piece"]] += 1
            piece = pieces.get(row["piece"])
            if piece is None or piece.get("batch") != batch["id"] or piece.get("firstPage") != int(row["first_page"]):
                wrong.append(f"{row['piece']} is not known as on page {row['first_page']} of {folder.name}")
                continue
            person = f"Änne {piece['order']['contact']}"
            where = [number for number, page in enumerate(pages, 1) if person in page.splitlines()]
            if where != list(range(int(row["first_page"]), int(row["last_page"]) + 1)):
                wrong.append(f"{person} is on the pages {where}, not from {row['first_page']} to {row['last_page']}")
    wrong += [f"{batch['id']} is {batch['state']} and its folder is missing" for batch in by_place.values()]
    for identity, piece in pieces.items():
        wanted = 1 if piece["state"] == "PIECE_STATE_SUBMITTED" else 0
        if printed[identity] != wanted:
            wrong.append(f"{identity} is {piece['state']} and printed {printed[identity]} times")
    return wrong


def reach(shop, cut_off):
    """All clocks come to the cut-off; since when the print run closes."""
    begin = time.monotonic()
    for name in reversed(shop.suite.services):
        shop.call_clock(name, cut_off)
        if name == "direct-mail":
            begin = time.monotonic()
    shop.now = cut_off
    return begin


def close_calmly(shop, cut_off):
    """How long it takes from the cut-off until the folder has the print run."""
    begin = reach(shop, cut_off)
    while not shop.runs() and time.monotonic() < begin + 60:
        time.sleep(0.001)
    return time.monotonic() - begin


def close_killed(shop, cut_off, kills, span, chance, buyers):
    """Kills direct-mail again and again while the run closes; how many kills found it unfinished."""
    before, found = len(shop.runs()), 0
    begin = reach(shop, cut_off)
    for buyer in buyers[:kills]:
        moment, purchase = begin + chance.uniform(0, span), [shop.buy(buyer, f"cart-{buyer}")]
        is_early = chance.random() < 0.5
        if is_early:
            shop.record(purchase)
        time.sleep(max(0, moment - time.monotonic()))
        shop.suite.kill("direct-mail")
        found += len(shop.runs()) == before
        if not is_early:
            shop.record(purchase)
        shop.suite.start("direct-mail")
        begin = time.monotonic()
        shop.call_clock("direct-mail", cut_off)
    return found


def print_runs(options, chance):
    shop = Shop(options)
    fine, span, found = True, 0.0, 0
    try:
        shop.open()
        for number in range(options.runs + 1):
            cut_off = FIRST_CUT_OFF + number * DAY
            people = [f"r{number}p{person:03d}" for person in range(options.letters)]
            shop.record([event for person in people for event in shop.leave(
                person, postalCode=f"{20_000 + number * 1000 + int(person[-3:])}")])
            shop.run_to(cut_off - 60)
            accepted = Counter(piece["state"] for piece in shop.pieces())["PIECE_STATE_ACCEPTED"]
            if accepted != len(people):
                fine = report(f"D01 all letters of run {number} wait", [f"{accepted} of {len(people)} do"])
            if number == 0:
                span = close_calmly(shop, cut_off)
            else:
                buyers = chance.sample(people, options.kills)
                found += close_killed(shop, cut_off, options.kills, span, chance, buyers)
            shop.run_to(cut_off + 60)
            # Who bought while it closed has a letter in it or none, and never half of one.
            states = Counter(piece["state"] for piece in shop.pieces() if piece["order"]["contact"] in people)
            odd = [f"{count} are {state}" for state, count in states.items()
                   if state not in ("PIECE_STATE_SUBMITTED", "PIECE_STATE_WITHDRAWN", "PIECE_STATE_SKIPPED")]
            out = states["PIECE_STATE_WITHDRAWN"] + states["PIECE_STATE_SKIPPED"]
            if sum(states.values()) != len(people) or out > (options.kills if number else 0):
                odd.append(f"{dict(states)} of {len(people)}")
            words = "untouched" if number == 0 else f"killed {options.kills} times"
            fine = report(f"D06 each letter of print run {number}, {words}, has one end", odd) and fine
        fine = report("D06 I2 each letter is in one manifest, on its own pages, and every checksum is right",
                      check_runs(shop)) and fine
        total = options.runs * options.kills
        print(f"{options.letters} letters close in {span:.2f} s; {found} of {total} kills found the print run unfinished",
              flush=True)
        fine = report("kills find a print run unfinished", [] if found or not total else ["none did"]) and fine
    finally:
        shop.suite.stop(keep=options.keep)
        if options.keep:
            print(f"kept: {shop.suite.folder}", flush=True)
    return fine


# The edges.


def refused_addresses(shop):
    faults = {
        "no-street": ({"streetLines": []}, "street_lines"),
        "no-code": ({"postalCode": ""}, "postal_code"),
        "short-code": ({"postalCode": "2035"}, "postal_code"),
        "no-such-code": ({"postalCode": "00123"}, "postal_code"),
        "no-place": ({"locality": ""}, "locality"),
        "no-state": ({"countryCode": "US", "postalCode": "10001", "locality": "New York"}, "region"),
        "odd-state": ({"countryCode": "US", "postalCode": "10001", "locality": "New York", "region": "XY"}, "region"),
    }
    before = len(shop.mails())
    shop.record([event for contact, (address, _) in faults.items() for event in shop.leave(contact, **address)])
    shop.run_to(shop.now + 2 * DAY)
    wrong = []
    for contact, (_, field) in faults.items():
        found = [(piece["state"], piece.get("reason"), piece.get("field")) for piece in shop.pieces(contact)]
        if found != [("PIECE_STATE_SKIPPED", "REASON_CODE_BAD_DESTINATION", field)]:
            wrong.append(f"{contact}: {found}")
    mails = [path.read_bytes() for path in shop.mails()]
    wrong += [f"{contact} has no mail" for contact in faults
              if sum(f"{contact}@replay.invalid".encode() in mail for mail in mails) != 1]
    if len(mails) - before != len(faults):
        wrong.append(f"{len(mails) - before} mails")
    title = "D04 An address without a part, or with an impossible one, is refused by its field, and a mail goes"
    return report(title, wrong)


def after_cut_off(shop):
    """A letter that is printed stays in its print run; who asks for it back is told so."""
    cut_off = (shop.now // DAY + 1) * DAY
    shop.record(shop.leave("late"))
    shop.run_to(cut_off)
    piece = shop.pieces("late")[0]
    shop.record([shop.buy("late", "cart-late")])
    shop.run_to(cut_off + HOUR)
    answer = refused(shop.suite, f"{DIRECT_MAIL}/WithdrawMailPiece", {
        "store": "shop", "idempotencyKey": "too-late", "piece": piece["order"]["id"]})
    wrong = [] if "FAILED_PRECONDITION" in answer else [f"a withdrawal by hand: {answer or 'was taken'}"]
    again = shop.pieces("late")
    if [(row["state"], row["batch"]) for row in again] != [("PIECE_STATE_SUBMITTED", piece["batch"])]:
        wrong.append(f"it is {again[0]['state']} of {again[0].get('batch')}")
    states = [change["state"].removeprefix("PIECE_STATE_") for change in again[0].get("history", [])]
    if states != ["ACCEPTED", "RENDERED", "BATCHED", "SUBMITTED"]:
        wrong.append(f"its history is {states}")
    return report("D03 After the cut-off neither a purchase nor a withdrawal by hand moves the letter", wrong)


def printed_code(shop):
    """The code for objecting, as it is printed, by the call that the gateway makes."""
    letter = shop.pieces("late")[0]
    folder = next(path for path in shop.runs() if letter["order"]["id"] in (path / "manifest.csv").read_text())
    picture = shop.suite.folder / "page"
    output("pdftoppm", "-r", "300", "-gray", "-png", "-singlefile", "-f", letter["firstPage"], "-l", letter["firstPage"],
           folder / "letters.pdf", picture)
    codes = output("zbarimg", "--quiet", "--raw", f"{picture}.png").split()
    tokens = [code.split("/b/")[1] for code in codes if "/b/" in code]
    if len(tokens) != 1:
        return report("D10 A letter carries one code for objecting", [f"it carries {codes}"])
    # The person has another letter waiting, a neighbour at the address too, and somebody elsewhere.
    shop.record([shop.leave_cart("late", "cart-again"), *shop.leave("neighbour"),
                 *shop.leave("elsewhere", streetLines=["Anderer Weg 2"])])
    shop.run_to(shop.now + 2 * HOUR)
    at, wrong = suite.instant(shop.now), ends(shop, {"late": ["ACCEPTED", "SUBMITTED"]})
    token = tokens[0]
    other = token[:-3] + ("B" if token[-3] == "A" else "A") + token[-2:]
    answer = refused(shop.suite, f"{DIRECT_MAIL}/Object", {"token": other, "at": at})
    if "NOT_FOUND" not in answer:
        wrong.append(f"a wrong code: {answer or 'was taken'}")
    first = shop.suite.call(f"{DIRECT_MAIL}/Object", {"token": token, "at": at, "evidence": "POST /b"})
    if first != {"added": 2, "withdrawn": 1}:
        wrong.append(f"it was answered {first}")
    second = shop.suite.call(f"{DIRECT_MAIL}/Object", {"token": token, "at": at, "evidence": "POST /b"})
    if second != {"known": 2}:
        wrong.append(f"the same again was answered {second}")
    # Person and address stay refused after a restart: another cart, and whoever moves in.
    shop.suite.kill("direct-mail")
    shop.suite.start("direct-mail")
    shop.record([shop.buy("late", "cart-again")])
    shop.run_to(shop.now + HOUR)
    shop.record([shop.leave_cart("late", "cart-third"), *shop.leave("newcomer")])
    shop.run_to(shop.now + 2 * DAY)
    wrong += ends(shop, {"late": ["SKIPPED OBJECTION", "WITHDRAWN OBJECTION", "SUBMITTED"], "elsewhere": ["SUBMITTED"],
                         "neighbour": ["SKIPPED OBJECTION"], "newcomer": ["SKIPPED OBJECTION"]})
    return report("D10 A printed code stops every letter to its person and its address, also after a restart", wrong)


def ends(shop, wanted):
    """Where letters of contacts have not the states and reasons wanted, newest first."""
    wrong = []
    for contact, states in wanted.items():
        found = [" ".join(filter(None, [piece["state"].removeprefix("PIECE_STATE_"),
                                        piece.get("reason", "").removeprefix("REASON_CODE_")]))
                 for piece in shop.pieces(contact)]
        if found != states:
            wrong.append(f"{contact} is {found}")
    return wrong


def edges(options):
    shop = Shop(options)
    try:
        shop.open()
        fine = refused_addresses(shop)
        fine = after_cut_off(shop) and fine
        fine = printed_code(shop) and fine
        return report("D06 what was handed over agrees with its manifests", check_runs(shop)) and fine
    finally:
        shop.suite.stop(keep=options.keep)
        if options.keep:
            print(f"kept: {shop.suite.folder}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=suite.BIN)
    parser.add_argument("--letters", type=int, default=150, help="of one print run, at most 999")
    parser.add_argument("--runs", type=int, default=3, help="print runs that are killed")
    parser.add_argument("--kills", type=int, default=3, help="of one print run")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    fine = edges(options)
    sys.exit(not (print_runs(options, random.Random(options.seed)) and fine))


if __name__ == "__main__":
    main()
