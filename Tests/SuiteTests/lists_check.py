"""Lists, searches, pages and exports over many carts of a real process, against a plain model (L01-L08).

    lists_check.py [--carts N] [--bin FOLDER]

Prints `PASS name` or `FAIL name: why`, and timings as plain lines. Needs Python's standard library only.
"""

import argparse
import csv
import io
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVICE = "homing.cart_tracker.v1.CartTracker"
T0 = 1_772_442_000  # 2026-03-02T09:00:00Z
WINDOW = 3600
STAGES = ["STAGE_CART", "STAGE_CHECKOUT", "STAGE_SHIPPING", "STAGE_PAYMENT"]
KINDS = ["CART_KIND_CART", "CART_KIND_QUOTE", "CART_KIND_CONFIGURATION", "CART_KIND_REORDER"]
PLACES = ["PLACE_SHOP", "PLACE_PORTAL", "PLACE_CONFIGURATOR"]
OFFERS = ["OFFER_CLASS_CAPITAL_GOODS", "OFFER_CLASS_SUBSCRIPTION", "OFFER_CLASS_SERVICE", "OFFER_CLASS_OTHER"]
REASONS = ["LEAVE_REASON_SHIPPING_COST", "LEAVE_REASON_TAX", "LEAVE_REASON_OPEN_QUESTION"]
HOSTILE = ["=HYPERLINK(\"http://x\",\"y\")", "+49 1", "-1+1", "@SUM(A1)", "\tTab", "\rReturn", "two\nlines", "a \"quoted\", b",
           "  =1+1", "\uff1d1+1", "Müller & Söhne 🛒", "x" * 200, "'quote", "naïve café"]
PREFIXED = set("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def instant(second):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))


class Carts:
    """The model: what each cart is, from its number."""

    def __init__(self, count):
        self.count = count
        chance = random.Random(7)
        self.carts = [self.make(i, chance) for i in range(count)]
        for cart in self.carts:
            # An emptied cart has no lines left to be found by.
            cart["left"] = [] if cart["state"] == "EMPTIED" else cart["lines"]

    def make(self, i, chance):
        contact = i // 2
        lines = [{"sku": f"SKU-{chance.randrange(500)}", "quantity": chance.randrange(1, 9), "price": chance.randrange(1, 400),
                  "name": chance.choice(HOSTILE) if chance.random() < 0.1 else f"Hose {chance.randrange(300)} mm"}
                 for _ in range(chance.randrange(1, 4))]
        unique = {line["sku"]: line for line in lines}
        at = T0 + i
        last = T0 + self.count - 1
        state = "PURCHASED" if i % 17 == 3 else "EMPTIED" if i % 23 == 5 else "OPEN" if i >= self.count * 9 // 10 else "ABANDONED"
        return {
            "id": f"cart-{i:07d}", "contact": f"c{contact}", "at": at, "state": state, "lines": list(unique.values()),
            "currency": "USD" if i % 5 == 0 else "EUR", "kind": KINDS[i % 4 if i % 3 else 0], "stage": STAGES[i % 7 % 4],
            "place": PLACES[i % 3], "offer": OFFERS[i % 11 % 4], "reason": REASONS[i // 6 % 3] if i % 6 == 0 else None,
            "company": f"co{contact % 40}", "email": f"buyer{contact}@example.com",
            "name": HOSTILE[contact % len(HOSTILE)] if contact % 50 == 0 else f"Ann{contact} Miller{contact % 97}",
            "last": last}

    @staticmethod
    def total(cart):
        return sum(line["quantity"] * line["price"] for line in cart["lines"])

    @staticmethod
    def quantity(cart):
        return sum(line["quantity"] for line in cart["lines"])

    def events(self):
        seen = set()
        for i, cart in enumerate(self.carts):
            who = {"contact": cart["contact"], "cart": cart["id"]}
            if cart["contact"] not in seen:
                seen.add(cart["contact"])
                yield {"id": f"p{i}", "at": instant(cart["at"]), "contact": cart["contact"], "contactUpserted": {"profile": {
                    "givenName": cart["name"], "company": cart["company"], "companyName": f"Company {cart['company']}",
                    "destinations": [{"channel": "CHANNEL_EMAIL", "address": cart["email"]}]}}}
            for n, line in enumerate(cart["lines"]):
                yield {"id": f"a{i}-{n}", "at": instant(cart["at"]), "sourceOrder": str(n), **who,
                       "header": {"kind": cart["kind"], "stage": cart["stage"], "place": cart["place"],
                                  "offerClass": cart["offer"]},
                       "itemAdded": {"line": {"sku": line["sku"], "name": line["name"],
                                              "quantity": {"units": str(line["quantity"])},
                                              "unitPrice": {"currencyCode": cart["currency"], "units": str(line["price"])}}}}
            if cart["reason"]:
                yield {"id": f"r{i}", "at": instant(cart["at"]), "sourceOrder": "5", **who,
                       "reasonGiven": {"reason": cart["reason"], "basis": "BASIS_STATED"}}
            if cart["state"] == "PURCHASED":
                yield {"id": f"b{i}", "at": instant(cart["at"]), "sourceOrder": "6", **who, "purchase": {}}
            if cart["state"] == "EMPTIED":
                yield {"id": f"x{i}", "at": instant(cart["at"]), "sourceOrder": "6", **who, "cartEmptied": {}}


class Process:
    def __init__(self, bin_folder):
        self.bin = bin_folder
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="homing-lists-"))
        certs = self.folder / "certs"
        (self.folder / "data").mkdir()
        subprocess.run([self.bin / "homing", "certs", "--out", certs, "--name", "cart-tracker", "--name", "you"],
                       check=True, capture_output=True)
        env = {k: v for k, v in os.environ.items() if not k.startswith("HOMING_")}
        self.client = dict(env, HOMING_CERT=certs / "you.pem", HOMING_KEY=certs / "you.key", HOMING_CA=certs / "ca.pem")
        env.update(HOMING_LISTEN="127.0.0.1:0", HOMING_CERT=str(certs / "cart-tracker.pem"), HOMING_CLOCK="virtual",
                   HOMING_KEY=str(certs / "cart-tracker.key"), HOMING_CA=str(certs / "ca.pem"), HOMING_FLUSH="false",
                   HOMING_DATA=str(self.folder / "data"), HOMING_GRANTS="spiffe://homing.test/you=shop,staff,operator")
        self.process = subprocess.Popen([self.bin / "cart-tracker"], env=env, stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.DEVNULL)
        self.target = "localhost:" + self.process.stdout.readline().rsplit(":", 1)[1].strip()
        deadline = time.monotonic() + 30
        while self.run("health", self.target, SERVICE, check=False).returncode:
            if time.monotonic() > deadline:
                sys.exit("FAIL start: never served")
            time.sleep(0.05)

    def run(self, *arguments, check=True, **keys):
        result = subprocess.run([str(a) for a in (self.bin / "homing", *arguments)], env=self.client, capture_output=True,
                                **keys)
        if check and result.returncode:
            raise RuntimeError(result.stderr.decode(errors="replace")[:500])
        return result

    def call(self, method, body):
        name = method if "." in method else f"{SERVICE}/{method}"
        return json.loads(self.run("call", self.target, name, "--data", "-", "--deadline", "120s",
                                   input=json.dumps(body).encode()).stdout)

    def resident(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))

    def settle(self):
        while not self.call("homing.clock.v1.Clock/Status", {}).get("idle"):
            time.sleep(0.1)

    def end(self):
        self.process.terminate()
        self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)


class Check:
    def __init__(self, process, model):
        self.process, self.model, self.failed = process, model, 0

    def say(self, name, problem=None):
        print(f"FAIL {name}: {problem}" if problem else f"PASS {name}", flush=True)
        self.failed += bool(problem)

    def pages(self, query, limit, most):
        rows, after = [], ""
        while len(rows) < most:
            page = {"limit": limit, **({"after": after} if after else {})}
            answer = self.process.call("ListCarts", {"store": "shop", "page": page, "query": query})
            rows += answer.get("rows", [])
            after = answer.get("next", "")
            if not after:
                return rows, True
        return rows, False

    def query(self, name, query, keep, key=None, reverse=True, limit=500):
        """Compares ids and order with the model's; of long answers the first pages."""
        states = {s.removeprefix("CART_STATE_") for s in query.get("states", ["CART_STATE_ABANDONED"])}
        wanted = [c for c in self.model.carts if c["state"] in states and keep(c)]
        wanted.sort(key=lambda c: c["id"])
        wanted.sort(key=key or (lambda c: c["at"]), reverse=reverse)
        begin = time.monotonic()
        try:
            rows, is_all = self.pages(query, limit, 5000)
        except RuntimeError as error:
            return self.say(name, str(error))
        found = [row["cart"]["id"] for row in rows]
        expected = [c["id"] for c in wanted]
        if is_all and len(found) != len(expected):
            return self.say(name, f"{len(found)} carts, not {len(expected)}")
        if found != expected[:len(found)]:
            place = next(i for i, pair in enumerate(zip(found, expected)) if pair[0] != pair[1])
            return self.say(name, f"row {place} is {found[place]}, not {expected[place]}")
        self.say(f"{name} ({len(found)} rows of {len(expected)}, {time.monotonic() - begin:.1f} s)")

    # MARK: the parts

    def filters(self):
        every = {"states": [f"CART_STATE_{s}" for s in ("OPEN", "ABANDONED", "PURCHASED", "EMPTIED")]}
        total, quantity = Carts.total, Carts.quantity
        some = self.model.carts[len(self.model.carts) // 3]
        middle = self.model.count // 2
        span = {"from": instant(T0 + middle + WINDOW), "to": instant(T0 + middle + 200 + WINDOW)}
        parts = {
            "date range": ({"abandoned": span}, lambda c: middle <= c["at"] - T0 < middle + 200),
            "kind": ({"kinds": ["CART_KIND_QUOTE"]}, lambda c: c["kind"] == "CART_KIND_QUOTE"),
            "stage": ({"stages": ["STAGE_PAYMENT", "STAGE_SHIPPING"]}, lambda c: c["stage"] in STAGES[2:]),
            "place": ({"places": ["PLACE_PORTAL"]}, lambda c: c["place"] == "PLACE_PORTAL"),
            "offer class": ({"offerClasses": ["OFFER_CLASS_SERVICE"]}, lambda c: c["offer"] == "OFFER_CLASS_SERVICE"),
            "company": ({"companies": ["co7", "co9"]}, lambda c: c["company"] in ("co7", "co9")),
            "reason": ({"reasons": ["LEAVE_REASON_TAX"]}, lambda c: c["reason"] == "LEAVE_REASON_TAX"),
            "product name": ({"productName": "hose 17"}, lambda c: any("hose 17" in l["name"].lower() for l in c["left"])),
            "SKU": ({"sku": "sku-49"}, lambda c: any("sku-49" in l["sku"].lower() for l in c["left"])),
            "customer name": ({"customerName": "MILLER42"}, lambda c: "miller42" in c["name"].lower()),
            "contact details": ({"contactDetail": "buyer12"}, lambda c: "buyer12" in c["email"]),
            "cart total": ({"total": {"currencyCode": some["currency"], "units": str(total(some))}},
                           lambda c: bool(c["left"]) and c["currency"] == some["currency"] and total(c) == total(some)),
        }
        for name, (query, keep) in parts.items():
            self.query(f"L02 L03 {name} alone", query, keep)
        chance, names = random.Random(11), list(parts)
        for number in range(30):
            chosen = chance.sample(names, chance.randrange(2, 4))
            query, keeps = {}, [parts[n][1] for n in chosen]
            for n in chosen:
                query.update(parts[n][0])
            if number % 3 == 0 and "date range" not in chosen:
                query.update(every, sort="CART_COLUMN_EMAIL", ascending=True)
                self.query(f"L03 {' and '.join(chosen)}, any state, by e-mail", query,
                           lambda c, keeps=keeps: all(k(c) for k in keeps), key=lambda c: c["email"], reverse=False,
                           limit=chance.randrange(20, 900))
            else:
                self.query(f"L03 {' and '.join(chosen)}", query, lambda c, keeps=keeps: all(k(c) for k in keeps),
                           limit=chance.randrange(20, 900))
        usd = {"kinds": ["CART_KIND_REORDER"]}
        keep = lambda c: c["kind"] == "CART_KIND_REORDER"
        for column, key in [("QUANTITY", quantity), ("STAGE", lambda c: STAGES.index(c["stage"])),
                            ("COMPANY", lambda c: c["company"]), ("EMAIL", lambda c: c["email"]),
                            ("LAST_ACTIVITY_AT", lambda c: c["at"])]:
            self.query(f"L04 sorted by {column.lower()}", {**usd, "sort": f"CART_COLUMN_{column}", "ascending": True}, keep,
                       key=key, reverse=False)

    def rows(self):
        rows, _ = self.pages({"withLines": True, "kinds": ["CART_KIND_QUOTE"]}, 200, 200)
        by_id = {c["id"]: c for c in self.model.carts}
        wrong = []
        for row in rows:
            cart, model = row["cart"], by_id[row["cart"]["id"]]
            totals = {t["currencyCode"]: int(t.get("units", 0)) for t in cart.get("totals", [])}
            quantities = sum(int(q.get("units", 0)) for q in cart.get("quantities", []))
            lines = {l["sku"]: (l["name"], int(l["quantity"]["units"])) for l in cart["lines"]}
            if totals != {model["currency"]: Carts.total(model)} or quantities != Carts.quantity(model) or lines != {
                    l["sku"]: (l["name"], l["quantity"]) for l in model["lines"]}:
                wrong.append(cart["id"])
        self.say("L05 L08 a row expands to its lines, with totals per currency", wrong[:3] or (None if rows else "no rows"))
        rows, _ = self.pages({"columns": ["CART_COLUMN_TOTAL"]}, 10, 10)
        extra = [k for r in rows for k in list(r) + list(r["cart"]) if k not in ("cart", "store", "id", "contact", "guest", "totals")]
        self.say("L04 only the columns asked for are there", extra[:3] or None)

    def paging_while_changing(self):
        before = [c["id"] for c in self.model.carts if c["state"] == "ABANDONED"]
        touched, done = set(), threading.Event()
        now = self.model.carts[-1]["at"] + WINDOW

        def change():
            number = 0
            while not done.is_set():
                ids = before[number * 7919 % len(before)::max(1, len(before) // 20)][:20]
                cart = {c: self.model.carts[int(c[5:])] for c in ids}
                touched.update(ids)
                self.process.call("Record", {"store": "shop", "events": [
                    {"id": f"t{number}-{c}", "at": instant(now), "contact": cart[c]["contact"], "cart": c, "cartEmptied": {}}
                    for c in ids]})
                number += 1
                if number >= 20:
                    return

        thread = threading.Thread(target=change)
        thread.start()
        seen, after = [], ""
        while True:
            page = {"limit": 700, **({"after": after} if after else {})}
            answer = self.process.call("ListCarts", {"store": "shop", "page": page, "query": {"columns": ["CART_COLUMN_TOTAL"]}})
            seen += [row["cart"]["id"] for row in answer.get("rows", [])]
            after = answer.get("next", "")
            if not after or len(seen) > 60_000:
                break
        done.set()
        thread.join()
        twice = len(seen) - len(set(seen))
        lost = [c for c in before if c not in touched and c not in set(seen)] if not after else []
        self.say(f"L01 pages while carts change lose none and repeat none ({len(seen)} rows, {len(touched)} changed)",
                 f"{twice} twice, {len(lost)} lost" if twice or lost or not touched else None)
        self.touched = touched

    def export(self):
        query = {"states": [f"CART_STATE_{s}" for s in ("OPEN", "ABANDONED", "PURCHASED")]}
        before, begin = self.process.resident(), time.monotonic()
        peak = [before]
        done = threading.Event()

        def watch():
            while not done.wait(0.2):
                peak[0] = max(peak[0], self.process.resident())

        thread = threading.Thread(target=watch)
        thread.start()
        out = self.process.run("carts", "export", self.process.target, "--store", "shop", "--csv", "--state",
                               "open,abandoned,purchased").stdout
        span = time.monotonic() - begin
        done.set()
        thread.join()
        rows = list(csv.reader(io.StringIO(out.decode(), newline=""), strict=True))
        head, rows = rows[0], rows[1:]
        place = {name: i for i, name in enumerate(head)}
        by_id = {c["id"]: c for c in self.model.carts}
        wanted = {(c["id"], l["sku"]): l for c in self.model.carts if c["state"] != "EMPTIED" and c["id"] not in self.touched
                  for l in c["lines"]}
        found, wrong = {}, []
        for row in rows:
            cart, sku = row[place["cart"]], row[place["sku"]]
            if cart in self.touched:
                continue
            if (cart, sku) in found:
                wrong.append(f"{cart} {sku} twice")
            found[cart, sku] = row
            line = wanted.get((cart, sku))
            if line is None:
                wrong.append(f"{cart} {sku} unknown")
                continue
            name, given = line["name"], by_id[cart]["name"]
            for text, cell in ((name, row[place["name"]]), (by_id[cart]["name"], row[place["contact_name"]])):
                dangerous = text.lstrip(" ")[:1] in PREFIXED
                if cell != ("'" + text if dangerous else text):
                    wrong.append(f"{cart}: {cell!r} for {text!r}")
            if any(cell[:1] in PREFIXED for cell in row):
                wrong.append(f"{cart}: a formula in {row}")
            if int(row[place["line_quantity"]]) != line["quantity"]:
                wrong.append(f"{cart} {sku}: quantity {row[place['line_quantity']]}")
        missing = len(wanted) - len(found)
        self.say("L07 one line for each SKU, hostile cells read back and harmless", wrong[:3] or (
            f"{missing} lines are missing" if missing else None))
        self.say(f"L07 memory stays flat during an export (+{peak[0] - before:.0f} MiB)",
                 "grew by 64 MiB or more" if peak[0] - before >= 64 else None)
        print(f"export: {len(rows):,} lines in {span:.1f} s; resident {self.process.resident():.0f} MiB")

    def refresh(self):
        result = self.process.run("call", self.process.target, f"{SERVICE}/Refresh", "--data", '{"store": "shop"}', check=False)
        self.say("L06 Refresh of a store without a source says so",
                 None if b"FAILED_PRECONDITION" in result.stderr else result.stderr.decode()[:200])

    def timings(self):
        for name, query in [("default page", {}), ("search", {"productName": "no such thing"}),
                            ("by total", {"sort": "CART_COLUMN_TOTAL"})]:
            begin = time.monotonic()
            self.process.call("ListCarts", {"store": "shop", "page": {"limit": 100}, "query": query})
            print(f"{name}: {(time.monotonic() - begin) * 1000:.0f} ms, client process included")


def load(process, model):
    begin, batch, size = time.monotonic(), [], 0
    process.call("homing.clock.v1.Clock/Advance", {"to": instant(T0)})
    process.call("PutStore", {"store": "shop", "idempotencyKey": "1", "settings": {
        "name": "Shop", "controller": "Shop GmbH", "timeZone": "UTC", "locale": "de", "countryCode": "DE", "detection": True,
        "window": {"span": f"{WINDOW}s"}, "feedLimit": "0s"}})

    def send():
        process.call("Record", {"store": "shop", "source": "check", "events": batch})
        batch.clear()

    for event in model.events():
        batch.append(event)
        if len(batch) == 1000:
            send()
    if batch:
        send()
    # Of the last tenth none is silent for long enough.
    process.call("homing.clock.v1.Clock/Advance", {"to": instant(T0 + model.count * 9 // 10 - 1 + WINDOW)})
    process.settle()
    print(f"{model.count:,} carts in {time.monotonic() - begin:.1f} s; resident {process.resident():.0f} MiB", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--carts", type=int, default=20_000)
    parser.add_argument("--bin", type=pathlib.Path, default=pathlib.Path(os.environ.get("HOMING_BIN", ROOT / ".build/release")))
    options = parser.parse_args()
    model = Carts(options.carts)
    process = Process(options.bin)
    check = Check(process, model)
    try:
        load(process, model)
        check.filters()
        check.rows()
        check.timings()
        check.paging_while_changing()
        check.export()
        check.refresh()
    finally:
        process.end()
    sys.exit(bool(check.failed))


if __name__ == "__main__":
    main()
