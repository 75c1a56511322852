"""People with awkward lives: each is a list of happenings in the order in which the suite hears of them.

A person follows from (seed, number) alone, so that one can be made again. Times are whole seconds; people and staff act
on the half hours, and what the suite decides falls on other minutes, so that a judge knows which of the two came first.
"""

import dataclasses
import random
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE, HOUR, DAY = 60, 3600, 86_400
GRID = 30 * MINUTE
# Both seasons hold a night in which clocks change: back in Berlin and New York, forward in Berlin, back on Lord Howe.
SEASONS = {"autumn": 1_792_713_600, "spring": 1_806_019_200}  # 2026-10-23 and 2027-03-26, midnight UTC.
EMAIL, SMS, LETTER = "CHANNEL_EMAIL", "CHANNEL_SMS", "CHANNEL_LETTER"
WINDOW, QUOTE_WINDOW, SHORT_WINDOW = 70 * MINUTE, 130 * MINUTE, 40 * MINUTE


@dataclass(frozen=True)
class Store:
    id: str
    controller: str
    zone: str
    country: str
    # Whether a colleague's purchase stops a quote (P09: opt-in).
    stops_company: bool = False


STORES = {store.id: store for store in (
    Store("alpha", "north", "Europe/Berlin", "DE", stops_company=True),
    Store("beta", "north", "America/New_York", "US"),
    Store("gamma", "south", "Australia/Lord_Howe", "AU"),
    # What is switched is switched here, for everybody of the store.
    Store("delta", "east", "Europe/Berlin", "DE"),
)}

# What staff do to a store in each season: (store, seconds after its start, what).
SWITCHES = (
    ("delta", 2 * DAY + 6 * HOUR, "pause"), ("delta", 3 * DAY, "resume"),
    ("delta", 4 * DAY, "shorten"),
    ("delta", 5 * DAY, "detection off"), ("delta", 5 * DAY + 12 * HOUR, "detection on"),
    ("delta", 8 * DAY, "widen"),
)

PLACES = {  # country: (zone, address)
    "DE": ("Europe/Berlin", {"countryCode": "DE", "postalCode": "20354", "locality": "Hamburg"}),
    "AT": ("Europe/Vienna", {"countryCode": "AT", "postalCode": "1010", "locality": "Wien"}),
    "CH": ("Europe/Zurich", {"countryCode": "CH", "postalCode": "8001", "locality": "Zürich"}),
    "GB": ("Europe/London", {"countryCode": "GB", "postalCode": "EC1A 1BB", "locality": "London"}),
    "US": ("America/New_York", {"countryCode": "US", "postalCode": "10001", "locality": "New York", "region": "NY"}),
    "AU": ("Australia/Lord_Howe", {"countryCode": "AU", "postalCode": "2898", "locality": "Lord Howe Island",
                                   "region": "NSW"}),
}


@dataclass
class Happening:
    """One thing that the suite is told at `heard`, about something that was so at `at`."""
    heard: int
    at: int
    store: str
    # `event`, or the name of a call.
    kind: str
    # The event's kind and fields, or the call's, as the contract names them in JSON.
    body: dict
    id: str = ""
    contact: str = ""
    guest: str = ""
    cart: str = ""
    order: int = 0

    def words(self):
        late = f" (heard {clock(self.heard)})" if self.heard != self.at else ""
        who = self.contact or self.guest
        return f"{clock(self.at)}{late} {self.store} {who} {self.cart} {self.id} {self.kind} {self.body}"


def clock(second):
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(second))


@dataclass
class Person:
    number: int
    name: str
    store: str
    start: int
    country: str
    traits: list = field(default_factory=list)
    # In the order in which they are heard of.
    life: list = field(default_factory=list)


@dataclass(frozen=True)
class Abilities:
    """What the services under test know how to do; what they do not, nobody's life asks for."""
    consent: bool = False
    caps: bool = False
    erase: bool = False


class Writer:
    """Writes one life."""

    def __init__(self, person, chance):
        self.person, self.chance = person, chance
        self.count = 0
        self.cart = f"{person.name}-cart"
        self.sku = f"{person.name}-A"
        # When the main cart is last touched, before traits do more.
        self.begin = person.start + chance.randrange(2, 72) * GRID
        self.profile = {}

    @property
    def abandoned(self):
        return self.begin + WINDOW

    def tell(self, at, kind, body, contact=None, guest="", cart="", store=None, late=0, order=None):
        self.count += 1
        name = self.person.name
        happening = Happening(
            heard=at + late, at=at, store=store or self.person.store, kind=kind, body=body, id=f"{name}-{self.count}",
            contact=name if contact is None else contact, guest=guest, cart=cart,
            order=self.count if order is None else order)
        self.person.life.append(happening)
        return happening

    def event(self, at, body, **more):
        return self.tell(at, "event", body, **more)

    def call(self, at, method, body, **more):
        return self.tell(at, method, body, **more)

    def meet(self, at, contact=None, **changes):
        profile = {**self.profile_of(contact or self.person.name), **changes}
        return self.event(at, {"contactUpserted": {"profile": profile}}, contact=contact)

    def profile_of(self, contact):
        zone, address = PLACES[self.person.country]
        begin = self.person.start
        consents = [consent(channel, begin, confirmed=begin) for channel in (EMAIL, SMS)]
        return {
            "givenName": "Ann", "familyName": contact, "locale": "de" if self.person.country in ("DE", "AT", "CH") else "en",
            "timeZone": zone,
            "destinations": [{"channel": EMAIL, "address": mail(contact), "confirmedAt": begin},
                             {"channel": SMS, "address": phone(contact), "confirmedAt": begin}],
            "address": {**address, "person": f"Ann {contact}", "streetLines": [f"{contact} {1 + self.person.number}"]},
            "consents": consents, **self.profile}

    def add(self, at, cart=None, sku=None, price=40, header=None, **more):
        line = {"sku": sku or self.sku, "name": f"Item {sku or self.sku}", "quantity": {"units": "2"},
                "unitPrice": {"currencyCode": "EUR", "units": str(price)}}
        body = {"itemAdded": {"line": line}}
        if header:
            body["header"] = header
        return self.event(at, body, cart=cart or self.cart, **more)

    def buy(self, at, cart="", lines=(), **more):
        fields = {"order": f"order-{self.person.name}-{self.count}"}
        if lines:
            fields["lines"] = [{"sku": sku, "quantity": {"units": str(units)}} for sku, units in lines]
        for name in ("quote", "company"):
            if name in more:
                fields[name] = more.pop(name)
        return self.event(at, {"purchase": fields}, cart=cart, **more)

    def moment(self, first_hours, last_hours):
        """A half hour so long after the main cart was left."""
        return self.begin + self.chance.randrange(int(first_hours * 2), int(last_hours * 2) + 1) * GRID


def mail(contact):
    return f"{contact}@replay.invalid"


def phone(contact):
    digits = "".join(str(ord(letter) % 10) if letter.isalpha() else letter for letter in contact if letter.isalnum())
    return f"+999{digits[-10:].rjust(8, '1')}"


def consent(channel, given, confirmed=None, purpose="recovery", kind=None, controller=""):
    found = {"channel": channel, "purpose": purpose, "wordingVersion": "2026-1", "source": "shop", "givenAt": given}
    if confirmed is not None:
        found["confirmedAt"] = confirmed
    if kind:
        found["kind"] = kind
    if controller:
        found["controller"] = controller
    return found


# Traits. Each takes a writer and adds to the life; the main cart is already there. `needs` names an ability.

TRAITS = {}


def trait(needs=None, alone=False, store=None):
    """`alone`: it makes the whole life. `store`: only there."""
    def note(function):
        TRAITS[function.__name__] = (function, needs, alone, store)
        return function
    return note


@trait()
def plain(w):
    """Leaves a cart and is never heard of again."""


@trait()
def buys_after_mail(w):
    w.buy(w.moment(4, 40), cart=w.cart)


@trait()
def buys_at_once(w):
    w.buy(w.begin + 2 * GRID, cart=w.cart)


@trait()
def buys_without_cart_id(w):
    """With neither cart nor lines all carts of the contact are bought (P09)."""
    w.buy(w.moment(2, 60))


@trait()
def buys_half(w):
    w.add(w.begin, sku=f"{w.person.name}-B", price=70)
    w.buy(w.moment(1, 60), cart=w.cart, lines=[(w.sku, 2)])


@trait()
def buys_by_lines_without_cart(w):
    w.buy(w.moment(2, 60), lines=[(w.sku, 2)])


@trait()
def cancels(w):
    bought = w.buy(w.moment(3, 20), cart=w.cart)
    order = bought.body["purchase"]["order"]
    w.event(bought.at + w.chance.choice((GRID, 10 * HOUR)), {
        "purchaseReversed": {"order": order, "refund": w.chance.random() < 0.5}})


@trait()
def late_purchase(w):
    """Bought before the window was over, or after; heard of later."""
    at = w.begin + w.chance.choice((GRID, 2 * GRID, 8 * GRID))
    w.buy(at, cart=w.cart, late=w.chance.choice((30 * MINUTE, 10 * HOUR)))


@trait()
def late_activity(w):
    """Something was done in the cart after all; the episode did not happen (C26)."""
    w.event(w.begin + GRID, {"quantityChanged": {"line": w.sku, "quantity": {"units": "3"}}}, cart=w.cart,
            late=w.chance.choice((4 * GRID, 10 * HOUR)))


@trait()
def repeats(w):
    """Every event so far comes again, in any order."""
    events = [h for h in w.person.life if h.kind == "event"]
    for happening in w.chance.sample(events, len(events)):
        w.person.life.append(dataclasses.replace(happening, heard=happening.heard + w.chance.randrange(1, 50) * GRID))


@trait()
def reopens(w):
    at = w.moment(4, 30)
    w.event(at, {"quantityChanged": {"line": w.sku, "quantity": {"units": "1"}}}, cart=w.cart)


@trait()
def empties(w):
    w.event(w.moment(0.5, 50), {"cartEmptied": {}}, cart=w.cart)


@trait()
def removes_line(w):
    w.event(w.moment(0.5, 50), {"itemRemoved": {"line": w.sku}}, cart=w.cart)


@trait()
def payment_pending(w):
    w.event(w.begin + GRID, {"paymentPending": {"timeout": f"{w.chance.choice((2, 20)) * HOUR}s"}}, cart=w.cart)
    ending = w.chance.choice(("nothing", "fails", "buys"))
    if ending == "fails":
        w.event(w.begin + 3 * GRID, {"paymentFailed": {"code": "51"}}, cart=w.cart)
    elif ending == "buys":
        w.buy(w.begin + 3 * GRID, cart=w.cart)


@trait()
def leaves_checkout(w):
    w.event(w.begin, {"checkoutLeft": {}}, cart=w.cart)


@trait()
def several_carts(w):
    for number, price in ((2, 300), (3, 20)):
        w.add(w.begin, cart=f"{w.cart}{number}", sku=f"{w.person.name}-C{number}", price=price)
    if w.chance.random() < 0.3:
        w.buy(w.moment(2, 60), cart=f"{w.cart}3")


@trait()
def linked_before(w):
    other = f"{w.person.name}b"
    w.meet(w.person.start, contact=other)
    w.call(w.begin - GRID, "Link", {"contact": w.person.name, "other": other, "evidence": "IDENTITY_EVIDENCE_LOGIN"})
    w.buy(w.moment(1, 60), contact=other)


@trait()
def linked_after(w):
    """Bought under another account, and that it is the same person became known later."""
    other = f"{w.person.name}b"
    w.meet(w.person.start, contact=other)
    bought = w.buy(w.moment(1, 30), contact=other)
    w.call(bought.at + 4 * GRID, "Link", {"contact": w.person.name, "other": other,
                                          "evidence": "IDENTITY_EVIDENCE_CONFIRMED_ADDRESS"})


@trait()
def stranger_buys(w):
    """Who is not linked stops nothing."""
    other = f"{w.person.name}x"
    w.meet(w.person.start, contact=other)
    w.buy(w.moment(2, 30), contact=other)


@trait()
def shared_mailbox(w):
    """Two contacts with one address; one of them opts out."""
    other = f"{w.person.name}b"
    destinations = w.profile_of(other)["destinations"]
    destinations[0] = dict(destinations[0], address=mail(w.person.name).upper().replace("REPLAY.INVALID", "replay.invalid"))
    w.meet(w.person.start, contact=other, destinations=destinations)
    w.add(w.begin + 4 * GRID, cart=f"{w.cart}-other", sku=f"{w.person.name}-O", contact=other)
    w.call(w.moment(1, 40), "OptOut", {"channel": EMAIL, "contact": w.chance.choice((other, w.person.name))})


@trait()
def opts_out_by_address(w):
    channel = w.chance.choice((EMAIL, SMS))
    address = mail(w.person.name) if channel == EMAIL else phone(w.person.name)
    w.call(w.moment(0, 30), "OptOut", {"channel": channel, "address": address})


@trait()
def opts_out_elsewhere(w):
    """In another store, of the same controller or not (C15)."""
    other = {"alpha": "beta", "beta": "gamma", "gamma": "alpha", "delta": "alpha"}[w.person.store]
    w.call(w.moment(0, 30), "OptOut", {"channel": EMAIL, "address": mail(w.person.name)}, store=other)


@trait()
def suppressed(w):
    w.call(w.moment(0, 20), "PutSuppressions", {"suppressions": [{
        "channel": EMAIL, "address": mail(w.person.name), "cause": "SUPPRESSION_CAUSE_STAFF", "wholeController": True}]})


@trait()
def objects_by_post(w):
    w.call(w.moment(0, 100), "PutObjections", {"objections": [{
        "contact": w.person.name, "cause": "OBJECTION_CAUSE_PERSON", "evidence": "a letter"}]})


@trait()
def objects_by_address(w):
    w.call(w.moment(0, 60), "PutObjections", {"objections": [{
        "address": w.profile_of(w.person.name)["address"], "cause": "OBJECTION_CAUSE_PERSON", "evidence": "a letter"}]})


@trait()
def moves_zone(w):
    """Another zone between decision and hand-off."""
    zone = w.chance.choice(("Asia/Tokyo", "America/Los_Angeles", "Europe/London", "Pacific/Auckland", "Asia/Kolkata"))
    w.event(w.moment(4, 34), {"contactUpserted": {"profile": {"timeZone": zone}}})


@trait()
def zone_by_address(w):
    """No zone was ever said: the postal address tells (F20)."""
    w.person.life[0].body["contactUpserted"]["profile"].pop("timeZone", None)


@trait()
def zone_by_store(w):
    profile = w.person.life[0].body["contactUpserted"]["profile"]
    profile.pop("timeZone", None)
    profile.pop("address", None)


@trait()
def three_addresses(w):
    profile = w.person.life[0].body["contactUpserted"]["profile"]
    name = w.person.name
    profile["destinations"] = [
        {"channel": EMAIL, "address": mail(f"{name}.old")},
        {"channel": EMAIL, "address": mail(name), "confirmedAt": w.person.start},
        {"channel": EMAIL, "address": mail(f"{name}.third"), "confirmedAt": w.person.start},
        *profile["destinations"][1:]]


@trait()
def new_address(w):
    """The shop learns another address between decision and hand-off, or before."""
    w.event(w.moment(0, 20), {"contactUpserted": {"profile": {"destinations": [
        {"channel": EMAIL, "address": mail(f"{w.person.name}.new"), "confirmedAt": w.begin}]}}})


@trait()
def no_address(w):
    w.person.life[0].body["contactUpserted"]["profile"].pop("address", None)


@trait(alone=True)
def guest_becomes_known(w):
    guest = f"{w.person.name}-device"
    w.meet(w.person.start)
    w.add(w.begin, contact="", guest=guest)
    w.event(w.begin + w.chance.choice((1, 2, 20)) * GRID, {"identify": {"evidence": "IDENTITY_EVIDENCE_LOGIN"}}, guest=guest)
    if w.chance.random() < 0.4:
        w.buy(w.moment(12, 60))


@trait(alone=True)
def stays_a_guest(w):
    w.add(w.begin, contact="", guest=f"{w.person.name}-device")


@trait(alone=True)
def old_cart(w):
    """Reported long after it was left: listed, never written to (F20)."""
    w.meet(w.person.start)
    w.add(w.begin, late=WINDOW // GRID * GRID + w.chance.choice((30, 50, 80)) * HOUR)


@trait(alone=True)
def almost_old_cart(w):
    w.meet(w.person.start)
    w.add(w.begin, late=w.chance.choice((6, 12, 20)) * HOUR)


def quote(w, company):
    w.meet(w.person.start, company=company, companyName=f"Works {company}")
    w.add(w.begin, header={"kind": "CART_KIND_QUOTE", "company": company, "quote": f"q-{w.person.name}"}, price=900)
    w.event(w.begin, {"quoteRequested": {"quote": f"q-{w.person.name}"}}, cart=w.cart)


@trait(alone=True)
def colleague_orders_quote(w):
    company, other = f"co-{w.person.name}", f"{w.person.name}c"
    quote(w, company)
    w.meet(w.person.start, contact=other, company=company, companyName=f"Works {company}")
    same = w.chance.random() < 0.6
    w.buy(w.moment(1, 50), contact=other, company=company, quote=f"q-{w.person.name}" if same else "q-another",
          lines=[("something", 1)])


@trait(alone=True)
def quote_and_cart(w):
    """A quote stops by itself only: another cart of the same person was bought (P09)."""
    quote(w, f"co-{w.person.name}")
    w.add(w.begin + GRID, cart=f"{w.cart}-small", sku=f"{w.person.name}-S", price=3)
    w.buy(w.begin + 2 * GRID, cart=f"{w.cart}-small")


@trait()
def household(w):
    """Two at one address who leave carts on the same day (D10)."""
    other = f"{w.person.name}h"
    address = dict(w.profile_of(w.person.name)["address"], person=f"Ann {other}")
    w.meet(w.person.start, contact=other, address=address)
    w.add(w.begin, cart=f"{w.cart}-house", sku=f"{w.person.name}-H", contact=other)


@trait()
def switched(w):
    """Lives in the store where everything is switched."""


@trait(needs="consent")
def no_consent(w):
    w.person.life[0].body["contactUpserted"]["profile"]["consents"] = []


@trait(needs="consent")
def unconfirmed(w):
    for one in w.person.life[0].body["contactUpserted"]["profile"]["consents"]:
        one.pop("confirmedAt", None)


@trait(needs="consent")
def confirms_late(w):
    unconfirmed(w)
    w.call(w.moment(0, 20), "ConfirmConsent", {"channel": EMAIL, "purpose": "recovery"})


@trait(needs="consent")
def grants_late(w):
    no_consent(w)
    at = w.moment(0, 20)
    w.call(at, "GrantConsent", {"consent": consent(w.chance.choice((EMAIL, SMS)), at, confirmed=at)})


@trait(needs="consent")
def other_purpose(w):
    for one in w.person.life[0].body["contactUpserted"]["profile"]["consents"]:
        one["purpose"] = "feedback"


@trait(needs="consent")
def other_channel(w):
    profile = w.person.life[0].body["contactUpserted"]["profile"]
    profile["consents"] = [one for one in profile["consents"] if one["channel"] == SMS]


@trait(needs="consent")
def other_controller(w):
    for one in w.person.life[0].body["contactUpserted"]["profile"]["consents"]:
        one["controller"] = "somebody-else"


@trait(needs="consent")
def withdraws(w):
    body = {"source": "a call"}
    if w.chance.random() < 0.6:
        body.update(channel=w.chance.choice((EMAIL, SMS, LETTER)), purpose="recovery")
    w.call(w.moment(0, 60), "WithdrawConsent", body)


@trait(needs="consent")
def withdraws_at_midnight(w):
    """At midnight on their own clock, while an SMS may wait for the morning."""
    zone = ZoneInfo(PLACES[w.person.country][0])
    local = datetime.fromtimestamp(w.begin + w.chance.randrange(3) * DAY, zone)
    midnight = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    w.call(int(midnight.timestamp()), "WithdrawConsent", {"channel": w.chance.choice((EMAIL, SMS)), "purpose": "recovery",
                                                          "source": "the account page"})


@trait(needs="consent")
def customer_notice(w):
    profile = w.person.life[0].body["contactUpserted"]["profile"]
    profile["consents"] = [consent(EMAIL, w.person.start, kind="CONSENT_KIND_CUSTOMER_NOTICE")]
    if w.chance.random() < 0.5:
        old = f"{w.cart}-old"
        w.add(w.person.start, cart=old, sku=f"{w.person.name}-Z")
        w.buy(w.person.start + GRID, cart=old)


@trait(needs="consent")
def reimported(w):
    """Withdrew, and a nightly import brings the old consent again: it was given before the withdrawal."""
    given = w.profile_of(w.person.name)["consents"]
    at = w.moment(0, 2)
    w.call(at, "WithdrawConsent", {"source": "a call"})
    w.event(at + 2 * GRID, {"contactUpserted": {"profile": {"consents": given}}})


@trait(needs="erase")
def erased(w):
    w.call(w.moment(0, 30), "Erase", {})


def person(seed, number, abilities):
    """One person; the same for the same arguments."""
    chance = random.Random(f"{seed}/{number}")
    season = chance.choice(sorted(SEASONS))
    store = chance.choice(["alpha", "alpha", "beta", "gamma", "delta"])
    country = chance.choice(["DE", "DE", "AT", "CH", "GB", "US", "US", "AU"])
    made = Person(number, f"p{number:06d}", store, SEASONS[season], country)
    usable = [name for name, (_, needs, _, only) in TRAITS.items()
              if (not needs or getattr(abilities, needs)) and only in (None, store)]
    # The first trait goes in turn, so that each is lived even by a few people.
    first = usable[number % len(usable)]
    more = [name for name in chance.sample(usable, chance.choice((0, 0, 0, 1, 1, 2)))
            if name != first and not TRAITS[name][2] and name != "repeats"]
    made.traits = [first] if TRAITS[first][2] else [first, *more]
    if first == "switched":
        made.store = "delta"
    w = Writer(made, chance)
    if first == "switched":
        w.begin = made.start + chance.randrange(4, 12 * 24) * GRID
    if not TRAITS[first][2]:
        w.meet(made.start)
        w.add(w.begin)
    # What repeats what was there comes last.
    for name in sorted(made.traits, key=lambda name: name == "repeats"):
        TRAITS[name][0](w)
    made.life.sort(key=lambda happening: happening.heard)
    return made


def people(seed, count, abilities, only=None):
    numbers = range(count) if only is None else [only]
    return [person(seed, number, abilities) for number in numbers]
