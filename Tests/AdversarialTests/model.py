"""What must and what must not be sent to a person, from the product's rules alone.

Knows nothing of the services: it reads a life (corpus.py) and what left. Everything is judged by what the suite had heard
before the hand-off. A rule that the product leaves open gives neither a duty nor a fault.
"""

import dataclasses
import functools
import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

from corpus import (DAY, EMAIL, GRID, HOUR, LETTER, MINUTE, PLACES, QUOTE_WINDOW, SEASONS, SHORT_WINDOW, SMS, STORES,
                    SWITCHES, WINDOW)

MAX_AGE, RE_ENTRY, GRACE = DAY, 7 * DAY, 15 * MINUTE
FIRST_MAIL_AFTER, BETWEEN_STEPS = 2 * HOUR, DAY
# How long after the abandonment each step is due at the earliest.
AFTER = {"mail": FIRST_MAIL_AFTER, "sms": FIRST_MAIL_AFTER + BETWEEN_STEPS, "letter": FIRST_MAIL_AFTER + 2 * BETWEEN_STEPS,
         "last-mail": FIRST_MAIL_AFTER + 2 * BETWEEN_STEPS}
EXPIRY = {"mail": 2 * DAY, "sms": DAY, "letter": 7 * DAY, "last-mail": DAY}
CHANNEL_OF = {"mail": EMAIL, "sms": SMS, "letter": LETTER, "last-mail": EMAIL}
CAP, CAP_PERIOD = 3, 7 * DAY
# A period of letters that any reading holds for at least.
HOUSEHOLD_PERIOD = 7 * DAY
ACTIVITIES = ("itemAdded", "itemRemoved", "quantityChanged", "checkoutStep", "checkoutLeft", "paymentPending",
              "paymentFailed", "quoteRequested", "deadlineSet")

# The sentence of the product that each kind of wrong send breaks.
RULES = {
    "no_consent": "F16 a digital send needs a stored consent where the country's rule pack asks for one",
    "suppressed": "M18 an opt-out cancels that channel's pending sends at once; C15 it holds across one controller's stores",
    "objection": "F16 a letter needs the absence of an objection; D10 objections are permanent",
    "bought": "F07 a purchase ends the enrolment and nothing more is sent from it; P09 stop scope, links, company",
    "closed": "C01 a cart is tracked until it is bought, emptied or expired",
    "active": "C27 a re-opened cart starts a new episode when it goes quiet again",
    "withdrawn": "C26 an episode that a late event disproves becomes withdrawn, its enrolment ends",
    "early": "C14 the abandonment time is last activity + window",
    "no_episode": "C12, F20 nothing is enrolled that detection, re-entry or max_age forbids",
    "quiet_hours": "F20 SMS and push only 08:00-20:00 in the recipient's zone",
    "stale": "F20 a step later than its own expiry is skipped",
    "twice": "F19 exactly one send or one reason per step; C28 several carts of one contact give one message",
    "wrong_person": "P01, P09 each destination belongs to a contact",
    "not_leading": "C28 the most valuable cart leads",
    "not_listed": "C28 the other carts are listed in the one message",
    "household": "D10 one letter per household or company address per period",
    "paused": "F22 a pause holds until it is resumed",
    "over_cap": "F15 frequency cap, rolling, per person",
    "erased": "P10 erasure",
}


@dataclass(frozen=True)
class Sent:
    """A message or letter that left, as the suite's own log and files show it."""
    id: str
    store: str
    contact: str
    channel: str
    step: str
    cart: str
    address: str
    at: int
    # When the step was due, as the suite says.
    due: int = 0
    # What it says, where it could be read.
    text: str = ""
    # Other carts that it lists.
    covered: tuple = ()

    def words(self):
        return (f"{datetime.fromtimestamp(self.at, timezone.utc):%Y-%m-%d %H:%M:%S} {self.store} {self.step} to "
                f"{self.contact} <{self.address}> about {self.cart}")


@dataclass(frozen=True)
class Wrong:
    kind: str
    sent: Sent
    why: str = ""


@dataclass(frozen=True)
class Expected:
    """A send that every rule permits over all of `first` to `last`."""
    contact: str
    store: str
    step: str
    first: int
    last: int


@dataclass
class Cart:
    id: str
    owner: str = ""
    lines: dict = field(default_factory=dict)
    prices: dict = field(default_factory=dict)
    kind: str = "CART_KIND_CART"
    quote: str = ""
    company: str = ""
    touched: tuple = ()
    left_checkout: bool = False
    partly_bought: bool = False
    # Until when a payment is waited for.
    pending: int = 0
    closed: str = ""

    @property
    def worth(self):
        return sum(units * self.prices.get(sku, 0) for sku, units in self.lines.items())


@dataclass
class Enrolment:
    contact: str
    store: str
    cart: str
    anchor: tuple
    abandoned: int
    start: int
    # The product says that it begins; else it may.
    certain: bool = True
    stopped: tuple = ()  # When, and why.
    # Carts of the same person that were abandoned at the same time (C28).
    others: list = field(default_factory=list)


# What is known.


def position(happening):
    return happening.at, happening.order, happening.id


def once(life):
    """The first of each id, in the order in which they were heard."""
    seen, kept = set(), []
    for happening in sorted(life, key=lambda one: one.heard):
        if happening.kind != "event" or happening.id not in seen:
            seen.add(happening.id)
            kept.append(happening)
    return kept


def heard(life, before):
    return [one for one in life if one.heard < before]


def events(life, kind, store=None):
    """In the order in which they happened."""
    return sorted((one for one in life if one.kind == "event" and kind in one.body and store in (None, one.store)),
                  key=position)


def calls(life, method):
    return [one for one in life if one.kind == method]


def group(life, contact):
    """The identities that are known to be one person."""
    found, more = {contact}, True
    pairs = [(one.contact, one.body["other"]) for one in calls(life, "Link")]
    pairs += [(one.contact, one.guest) for one in events(life, "identify")]
    while more:
        more = False
        for one, other in pairs:
            if (one in found) != (other in found):
                found |= {one, other}
                more = True
    return found


def profile(life, contact):
    """Fields that are set replace what was there."""
    known = {}
    for one in events(life, "contactUpserted"):
        if one.contact == contact:
            known.update({key: value for key, value in one.body["contactUpserted"]["profile"].items() if value})
    return known


def destination(life, contact, channel):
    """A confirmed one first, else the first."""
    found = [one for one in profile(life, contact).get("destinations", []) if one["channel"] == channel]
    confirmed = [one for one in found if "confirmedAt" in one]
    return ((confirmed or found or [{}])[0]).get("address", "")


# Carts and episodes.


@functools.cache
def window(store, kind):
    """Pairs of (from when it is in force, length), the latest last."""
    if kind == "CART_KIND_QUOTE":
        return [(0, QUOTE_WINDOW)]
    lengths = [(0, WINDOW)]
    for begin in SEASONS.values():
        for place, after, what in SWITCHES:
            if place == store and what in ("shorten", "widen"):
                lengths.append((begin + after, SHORT_WINDOW if what == "shorten" else WINDOW))
    return sorted(lengths)


def spans(store, begin_word, end_word):
    """When something was switched, as pairs of begin and end."""
    at = {}
    for place, after, what in SWITCHES:
        if place == store and what in (begin_word, end_word):
            at[what] = after
    return [(begin + at[begin_word], begin + at[end_word]) for begin in SEASONS.values()] if at else []


def within(second, pairs):
    return next((pair for pair in pairs if pair[0] <= second < pair[1]), None)


def fold(life, store):
    """The carts of a store as the events give them, in order of when they happened."""
    carts = {}
    told = sorted((one for one in life if one.kind == "event" and one.store == store), key=position)
    for one in told:
        body = one.body
        owner = one.contact or one.guest
        kind = next((name for name in body if name in ACTIVITIES), None)
        if "itemAdded" in body:
            cart = carts.get(one.cart)
            if cart is None or cart.closed:
                cart = carts[one.cart] = Cart(one.cart, owner)
            line = body["itemAdded"]["line"]
            cart.lines[line["sku"]] = cart.lines.get(line["sku"], 0) + int(line["quantity"]["units"])
            cart.prices[line["sku"]] = int(line["unitPrice"]["units"])
            header = body.get("header", {})
            cart.kind = header.get("kind", cart.kind)
            cart.quote = header.get("quote", cart.quote)
            cart.company = header.get("company", cart.company)
        elif "purchase" in body:
            buy(carts, one, group(life, owner))
        cart = carts.get(one.cart)
        if cart is None or cart.closed:
            continue
        if "quantityChanged" in body and body["quantityChanged"]["line"] in cart.lines:
            cart.lines[body["quantityChanged"]["line"]] = int(body["quantityChanged"]["quantity"]["units"])
        if "itemRemoved" in body:
            cart.lines.pop(body["itemRemoved"]["line"], None)
            if not cart.lines:
                cart.closed = "emptied"
        if "cartEmptied" in body:
            cart.closed = "emptied"
        if kind:
            cart.touched = position(one)
            cart.left_checkout = kind == "checkoutLeft"
            if kind == "paymentPending":
                cart.pending = one.at + int(body["paymentPending"]["timeout"][:-1])
            elif kind == "paymentFailed":
                cart.pending = 0
    return carts


def buy(carts, event, buyers):
    """With a cart and no lines that cart; lines leave it, or the contact's; with neither, all of the contact's (P09)."""
    lines = event.body["purchase"].get("lines", [])
    mine = [cart for cart in carts.values() if cart.owner in buyers and not cart.closed]
    if event.cart:
        mine = [cart for cart in mine if cart.id == event.cart]
        for cart in mine:
            cart.pending = 0  # The payment has succeeded (C06).
    for cart in mine:
        for line in lines:
            if line["sku"] in cart.lines:
                cart.lines[line["sku"]] -= int(line["quantity"]["units"])
                if cart.lines[line["sku"]] <= 0:
                    del cart.lines[line["sku"]]
        if not lines or not cart.lines:
            cart.closed = "bought"
        elif any(line["sku"] not in cart.lines for line in lines):
            # Whether the remainder is left from now on or as before, the product does not say.
            cart.touched, cart.partly_bought = position(event), True


def abandonment(cart, store):
    """When the silence of a cart is long enough, if nothing follows, and from when on its window says so (C05, C06, C14).

    None for a cart that is closed.
    """
    if cart.closed or not cart.lines or not cart.touched:
        return None
    quiet_since = max(cart.touched[0], cart.pending)  # A time-out counts as the last activity (C06).
    lengths = window(store, cart.kind)
    ends = [begin for begin, _ in lengths[1:]] + [1 << 63]
    due, since = next((quiet_since + length, begin) for (begin, length), end in zip(lengths, ends)
                      if quiet_since + length < end)
    if cart.left_checkout and quiet_since + GRACE < due:
        return quiet_since + GRACE, 0
    return due, since


def enrolments(life):
    """Every enrolment that begins or may begin, in order."""
    life = once(life)
    moments = sorted({one.heard for one in life})
    found, anchors = [], set()
    for index, told in enumerate(moments):
        until = moments[index + 1] if index + 1 < len(moments) else 1 << 62
        known = heard(life, told + 1)
        fresh = []
        for store in sorted({one.store for one in known if one.kind == "event"}):
            for cart in fold(known, store).values():
                anchor = store, cart.id, cart.touched, cart.pending
                due, since = abandonment(cart, store) or (1 << 63, 0)
                start = max(due, since, told)
                if start > until or anchor in anchors:
                    continue
                anchors.add(anchor)
                fresh.append((start, -cart.worth, cart, store, due))
        for start, _, cart, store, due in sorted(fresh, key=lambda one: one[:2]):
            one = enrolment(life, known, found, cart, store, due, start)
            if one:
                found.append(one)
            for same in found if one is None else []:
                if (same.store, same.start, same.contact) == (store, start, cart.owner):
                    same.others.append(cart)
    for one in found:
        one.stopped = stop(life, one)
        # What becomes of a message that lists several carts when something happens to one of them is left open.
        fates = {stop(life, dataclasses.replace(one, cart=cart.id, anchor=cart.touched)) for cart in one.others}
        one.certain = one.certain and fates <= {one.stopped}
    return found


def enrolment(life, known, found, cart, store, due, start):
    contact, certain = cart.owner, not cart.partly_bought
    if contact not in {one.contact for one in known}:
        named = [one for one in events(life, "identify") if one.guest == contact]
        if not named:
            return None
        if named[0].heard >= start:
            start, certain = named[0].heard, False
        contact = named[0].contact
    if start - due > MAX_AGE:
        return None
    for off, on in spans(store, "detection off", "detection on"):
        if off <= start < on or off <= due < on or cart.touched[0] < on <= start:
            return None
    identities = group(heard(life, start + 1), contact)
    for other in found:
        if other.store == store and other.contact in identities and start - other.start < RE_ENTRY:
            stopped = stop(life, other)
            # Whether an enrolment that should never have been counts for re-entry is left open.
            if not (stopped and stopped[1] == "withdrawn" and stopped[0] <= start):
                return None
            certain = False
    return Enrolment(contact, store, cart.id, cart.touched, due, start, certain)


def purchase_that_stops(life, one, carts, doubtful=False):
    """Of what is known, a purchase that covers an enrolment (P09).

    Of somebody with quotes and carts: a cart that was bought stops the contact, a quote itself. Whether the one also stops
    the other is left open, so that such a purchase counts only with `doubtful`.
    """
    cart = carts[one.cart]
    buyers = group(life, one.contact)
    company = profile(life, one.contact).get("company", "") or cart.company
    for event in events(life, "purchase", one.store):
        if position(event) <= one.anchor:
            continue
        order = event.body["purchase"]
        skus = {line["sku"] for line in order.get("lines", [])}
        if (event.contact or event.guest) in buyers:
            bought = carts.get(event.cart)
            of_contact = {bought.kind if bought else "CART_KIND_CART", cart.kind} == {"CART_KIND_CART"}
            if of_contact or event.cart == one.cart or not event.cart and not skus:
                return event
            if doubtful or not event.cart and skus & set(cart.lines) or order.get("quote", "") == cart.quote != "":
                return event
        elif cart.kind == "CART_KIND_QUOTE" and STORES[one.store].stops_company and company:
            half = 2 * len(skus & set(cart.lines)) >= len(cart.lines) > 0
            if order.get("company") == company and (order.get("quote") == cart.quote or half):
                return event
    return None


def why_over(life, one):
    """Why an enrolment is over by what is known; empty while it goes on."""
    carts = fold(life, one.store)
    cart = carts.get(one.cart)
    if cart is None:
        return "withdrawn"
    purchase = purchase_that_stops(life, one, carts)
    if purchase and cart.closed == "bought" and purchase.at < one.abandoned:
        return "withdrawn"  # It was never given up: the purchase was told late (C26).
    if purchase:
        return "bought"
    if cart.closed:
        return "bought" if cart.closed == "bought" else "closed"
    if cart.touched != one.anchor:
        return "active" if cart.touched[0] >= one.abandoned else "withdrawn"
    if abandonment(cart, one.store) is None:
        return "closed"
    if any(one.contact in group(life, erased.contact) for erased in calls(life, "Erase")):
        return "erased"
    return ""


def stop(life, one):
    """When an enrolment ended and why; empty where it did not. What ends it ends it for good."""
    if any(one.contact in group(life, erased.contact) and erased.heard <= one.start for erased in calls(life, "Erase")):
        return one.start, "erased"
    for told in sorted({other.heard for other in life if other.heard >= one.start}):
        why = why_over(heard(life, told + 1), one)
        if why:
            return told, why
    return ()


# Who may be written to.


def evidence(life, contact, controller):
    """Consents that were given to a controller, and what was said no to, as (channel, purpose, at)."""
    given, refused = [], []
    for one in events(life, "contactUpserted"):
        if one.contact == contact:
            given += [dict(consent) for consent in one.body["contactUpserted"]["profile"].get("consents", [])]
    for one in sorted(life, key=lambda one: one.heard):
        if one.contact != contact:
            continue
        if one.kind == "GrantConsent":
            given.append(dict(one.body["consent"]))
        elif one.kind == "ConfirmConsent":
            for consent in given:
                if (consent["channel"], consent["purpose"]) == (one.body["channel"], one.body["purpose"]):
                    consent["confirmedAt"] = one.at
        elif one.kind == "WithdrawConsent":
            refused.append((one.body.get("channel", ""), one.body.get("purpose", ""), one.at))
    return [one for one in given if one.get("controller", "") in ("", controller)], refused


def consent_allows(life, contact, store, channel, purpose="recovery"):
    """The rule packs (F16): country, channel and evidence give the verdict."""
    given, refused = evidence(life, contact, STORES[store].controller)
    refusals = [at for ch, pu, at in refused if ch in ("", channel) and pu in ("", purpose)]
    standing = [one for one in given if one["channel"] == channel and one["purpose"] == purpose
                and not any(at >= one["givenAt"] for at in refusals)]
    notice = [one for one in standing if one.get("kind") == "CONSENT_KIND_CUSTOMER_NOTICE"]
    express = [one for one in standing if one not in notice]
    confirmed = [one for one in express if "confirmedAt" in one]
    bought = any(one.contact in group(life, contact) for one in events(life, "purchase", store))
    country = profile(life, contact).get("address", {}).get("countryCode", "")
    if channel == LETTER:
        return not refusals or bool(standing)
    if channel == SMS:
        return bool(express if country in ("AT", "CH", "GB", "US") else confirmed)
    if country == "DE":
        return bool(confirmed or notice and bought)
    if country in ("AT", "CH"):
        return bool(express or notice and bought)
    if country == "GB":
        return bool(express or notice)
    if country == "US":
        return bool(standing) or not refusals
    return bool(confirmed)


def normal(address):
    return address.strip().lower()


def suppressed(life, store, channel, address):
    controller = STORES[store].controller
    for one in calls(life, "OptOut") + calls(life, "PutSuppressions"):
        if STORES[one.store].controller != controller:
            continue
        if one.kind == "OptOut":
            named = [one.body["address"]] if "address" in one.body else [
                found["address"] for found in profile(heard(life, one.heard + 1), one.body["contact"]).get("destinations", [])
                if found["channel"] == channel]
            fits = one.body["channel"] == channel and normal(address) in map(normal, named)
        else:
            fits = any(row["channel"] == channel and normal(row["address"]) == normal(address)
                       for row in one.body["suppressions"])
        if fits:
            return True
    return False


def objected(life, store, contact):
    controller = STORES[store].controller
    here = household(life, contact)
    for one in calls(life, "PutObjections"):
        for row in one.body["objections"]:
            if STORES[one.store].controller == controller and (
                    row.get("contact") in group(life, contact) or here and without_person(row.get("address", {})) == here):
                return True
    return False


def household(life, contact):
    """The address, whoever lives there; empty without one."""
    return without_person(profile(life, contact).get("address", {}))


def without_person(address):
    return {key: value for key, value in address.items() if key != "person"}


@functools.cache
def zone_of(name):
    return ZoneInfo(name)


def zone(life, contact, store):
    """Stated, else the postal address's, else the store's (F20); no number here has a country's prefix."""
    known = profile(life, contact)
    place = known.get("address", {}).get("countryCode")
    return zone_of(known.get("timeZone") or (PLACES[place][0] if place else STORES[store].zone))


def is_open(second, place):
    return 8 <= datetime.fromtimestamp(second, place).hour < 20


def opens(second, place):
    """The first instant from then on at which an SMS may go."""
    while not is_open(second, place):
        second = (second // MINUTE + 1) * MINUTE
    return second


def refusal(life, contact, store, channel):
    """Why somebody must not be written to on a channel now; empty where nothing speaks against it."""
    if channel != LETTER and suppressed(life, store, channel, destination(life, contact, channel)):
        return "suppressed"
    if channel == LETTER and objected(life, store, contact):
        return "objection"
    return "" if consent_allows(life, contact, store, channel) else "no_consent"


# The verdict over what left.


def judge(person, sent, abilities, began=None):
    """Every wrong send to a person. `began`: what `enrolments` gives for this life, where that is known."""
    life, wrong = once(person.life), []
    began = enrolments(life) if began is None else began
    sent = sorted(sent, key=lambda one: (one.at, one.id))
    for index, one in enumerate(sent):
        earlier = sent[:index]
        wrong += [Wrong(kind, one, why) for kind, why in faults(person, life, began, one, earlier, abilities)]
    return wrong


def faults(person, life, began, one, earlier, abilities):
    known = heard(life, one.at)
    kind = refusal(known, one.contact, one.store, one.channel)
    if kind and (kind != "no_consent" or abilities.consent):
        yield kind, ""
    if one.channel != LETTER:
        right = destination(known, one.contact, one.channel)
        if normal(one.address) != normal(right):
            yield "wrong_person", f"{right or 'no address'} is right"
        if suppressed(known, one.store, one.channel, one.address) and kind != "suppressed":
            yield "suppressed", ""
    if one.text and normal(one.text.splitlines()[0]) != normal(one.address):
        yield "wrong_person", "the mail itself goes elsewhere"
    if one.text and named_people(one.text) != {person.name}:
        yield "wrong_person", "it names nothing of theirs, or something of somebody else"
    if one.channel == SMS and not is_open(one.at, zone(known, one.contact, one.store)):
        local = datetime.fromtimestamp(one.at, zone(known, one.contact, one.store))
        yield "quiet_hours", f"it was {local:%H:%M} there"
    if one.channel == LETTER:
        here = household(known, one.contact)
        for other in earlier:
            if other.channel == LETTER and other.contact != one.contact and one.at - other.at < HOUSEHOLD_PERIOD and (
                    here == household(known, other.contact) and one.store == other.store):
                yield "household", other.words()
    if any(begin < one.at < end for begin, end in spans(one.store, "pause", "resume")):
        yield "paused", ""
    if one.due and one.at - one.due > EXPIRY[one.step]:
        yield "stale", ""
    yield from enrolment_faults(known, began, one, earlier)
    if abilities.caps:
        mine = group(known, one.contact)
        same = [other for other in earlier if one.at - other.at < CAP_PERIOD and (
            other.contact in mine or other.channel == one.channel and normal(other.address) == normal(one.address))]
        if len(same) >= CAP:
            yield "over_cap", f"{len(same)} before it in 7 days"


def named_people(text):
    """Names that the things in a message begin with."""
    return {name for name in re.findall(r"Item (p\d{6})", text)}


def enrolment_faults(known, began, one, earlier):
    identities = group(known, one.contact)
    mine = [each for each in began if each.store == one.store and each.contact in identities and each.start <= one.at]
    if not mine:
        yield "no_episode", ""
        return
    # A message belongs to the latest whose time for this step had come, if possible to one that goes on.
    ripe = [each for each in mine if one.at >= each.abandoned + AFTER[one.step]]
    goes_on = [each for each in ripe if not each.stopped or each.stopped[0] >= one.at]
    if not ripe:
        yield "early", ""
    elif not goes_on:
        yield ripe[-1].stopped[1], f"over since {ripe[-1].stopped[0]}"
    current = (goes_on or ripe or mine)[-1]
    if one.cart != current.cart:
        carts = fold(known, one.store)
        lead = carts.get(one.cart)
        if lead is None or lead.worth < carts[current.cart].worth:
            yield "not_leading", f"{current.cart} is worth more"
    listed = {cart.id for cart in current.others}
    if one.step == "mail" and current.certain and listed:
        told, wanted = {one.cart, *one.covered}, {current.cart, *listed}
        carts = fold(known, one.store)
        if wanted - told or not all(is_quiet(carts.get(name), one.at) for name in told - wanted):
            yield "not_listed", f"it lists {sorted(one.covered)}"
    repeated = [other for other in earlier if other.step == one.step and other.store == one.store
                and other.contact in identities and other.at >= current.start]
    if repeated:
        yield "twice", repeated[-1].words()


def is_quiet(cart, at):
    """It may have been given up since the enrolment began."""
    return cart is not None and not cart.closed and bool(cart.touched) and cart.touched[0] + SHORT_WINDOW <= at


# What must have been sent.


def expected(person, abilities, began=None):
    """Sends that are permitted without a doubt."""
    life, found = once(person.life), []
    for one in enrolments(life) if began is None else began:
        if one.certain:
            found += steps(person, life, one, abilities)
    return found


def cut_off(second):
    """The first after an instant: what is due at a cut-off itself may have missed it."""
    return (second // DAY + 1) * DAY


def steps(person, life, one, abilities):
    """The flow of flow.yaml: a mail, an SMS, a letter or else a mail, each a day after the other."""
    first, last = one.abandoned + FIRST_MAIL_AFTER, one.start + FIRST_MAIL_AFTER
    doubtful = False
    for step in ("mail", "sms", "letter"):
        channel = CHANNEL_OF[step]
        latest, held = leaves(life, one, step, last)
        if latest - first > EXPIRY[step] or overlaps(first, latest, spans(one.store, "detection off", "detection on"), one):
            doubtful = True
        if not doubtful and permitted(life, one, channel, first, latest, abilities):
            yield Expected(one.contact, one.store, step, first, latest)
        elif step == "letter" and not doubtful and blocked(life, one, channel, first, latest, abilities) and permitted(
                life, one, EMAIL, first, latest, abilities):
            yield Expected(one.contact, one.store, "last-mail", first, latest)
        # The time from one step to the next runs from its decision or from its hand-off; a pause blurs it more.
        doubtful = doubtful or held
        first, last = first + BETWEEN_STEPS, (latest if step == "sms" else last) + BETWEEN_STEPS


def leaves(life, one, step, due):
    """When a step that is due leaves at the latest, and whether a pause held it."""
    pauses, held = spans(one.store, "pause", "resume"), False
    while True:
        second = due
        if step == "sms":
            second = opens(due, zone(heard(life, due), one.contact, one.store))
        if step == "letter":
            second = cut_off(due)
        # At a cut-off at which it is resumed, a letter may have to wait for the next.
        pause = next((span for span in pauses if span[0] <= second < span[1] + (step == "letter")), None)
        if pause is None:
            return second, held
        due, held = pause[1] + (step == "letter"), True


def overlaps(first, last, pairs, one):
    return any(begin <= last and one.start <= end for begin, end in pairs)


def moments_of(life, first, last):
    return [first, *(one.heard + 1 for one in life if first <= one.heard <= last), last]


def reachable(life, contact, channel):
    if channel == LETTER:
        return bool(profile(life, contact).get("address"))
    return bool(destination(life, contact, channel))


def permitted(life, one, channel, first, last, abilities):
    """Nothing speaks against it in the whole time."""
    if one.stopped and one.stopped[0] <= last:
        return False
    shares = {other.contact for other in life if other.contact not in ("", one.contact)}
    if channel == LETTER and any(household(life, other) == household(life, one.contact) for other in shares):
        return False  # Which of them gets the letter is left open.
    if abilities.caps and len({other.contact for other in life if other.contact}) > 1:
        return False  # Others may have used up what a person is sent at most.
    for second in moments_of(life, first, last):
        known = heard(life, second)
        kind = refusal(known, one.contact, one.store, channel)
        if kind and (kind != "no_consent" or abilities.consent) or not reachable(known, one.contact, channel):
            return False
        carts = fold(known, one.store)
        if one.cart not in carts or purchase_that_stops(known, one, carts, doubtful=True):
            return False
        if channel == SMS and second == last and not is_open(last, zone(known, one.contact, one.store)):
            return False
        if channel == SMS and zone(known, one.contact, one.store) != zone(heard(life, first), one.contact, one.store):
            return False
    return True


def blocked(life, one, channel, first, last, abilities):
    """Something speaks against it in the whole time."""
    for second in moments_of(life, first, last):
        known = heard(life, second)
        kind = refusal(known, one.contact, one.store, channel)
        if reachable(known, one.contact, channel) and not (kind and (kind != "no_consent" or abilities.consent)):
            return False
    return True


def missing(person, sent, duties):
    """Expected sends that did not leave."""
    absent = []
    for one in duties:
        identities = group(person.life, one.contact)
        if not any(other.step == one.step and other.store == one.store and other.contact in identities
                   and one.first <= other.at <= one.last + GRID for other in sent):
            absent.append(one)
    return absent
