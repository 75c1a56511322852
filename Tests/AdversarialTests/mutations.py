"""Ways to spoil what the judge is told, each of which must make it fail: a check that cannot fail is none."""

import copy
import dataclasses

from corpus import DAY, EMAIL, GRID, HOUR, LETTER, SMS, Happening


def first_sent(people, sent, channel=None):
    """A person with the first thing that they were sent."""
    by_name = {person.name: person for person in people}
    for one in sorted(sent, key=lambda one: one.at):
        if one.contact in by_name and channel in (None, one.channel):
            return by_name[one.contact], one
    raise ValueError("nothing was sent that could be spoiled")


def with_happening(people, person, happening):
    spoiled = copy.deepcopy(person)
    spoiled.life.append(happening)
    spoiled.life.sort(key=lambda one: one.heard)
    return [spoiled if other.name == person.name else other for other in people]


def before(one, kind, body, seconds=GRID, **more):
    return Happening(one.at - seconds, one.at - seconds, one.store, kind, body, id="spoiled", contact=one.contact,
                     order=9999, **more)


def purchase_earlier(people, sent):
    person, one = first_sent(people, sent)
    return with_happening(people, person, before(one, "event", {"purchase": {"order": "spoiled"}})), sent


def emptied(people, sent):
    person, one = first_sent(people, sent)
    return with_happening(people, person, before(one, "event", {"cartEmptied": {}}, cart=one.cart)), sent


def active(people, sent):
    person, one = first_sent(people, sent)
    body = {"checkoutStep": {}}
    return with_happening(people, person, before(one, "event", body, cart=one.cart)), sent


def disproved(people, sent):
    """An activity before the abandonment, heard of before the send."""
    person, one = first_sent(people, sent)
    late = before(one, "event", {"checkoutStep": {}}, cart=one.cart)
    touched = max(other.at for other in person.life if other.cart == one.cart and other.at < one.at)
    return with_happening(people, person, dataclasses.replace(late, at=touched + GRID)), sent


def opted_out(people, sent):
    person, one = first_sent(people, sent, EMAIL)
    body = {"channel": EMAIL, "address": one.address}
    return with_happening(people, person, before(one, "OptOut", body)), sent


def objected(people, sent):
    person, one = first_sent(people, sent, LETTER)
    body = {"objections": [{"contact": one.contact}]}
    return with_happening(people, person, before(one, "PutObjections", body)), sent


def consent_dropped(people, sent):
    person, one = first_sent(people, sent, SMS)
    spoiled = copy.deepcopy(person)
    for happening in spoiled.life:
        if "contactUpserted" in happening.body:
            happening.body["contactUpserted"]["profile"].pop("consents", None)
    spoiled.life = [other for other in spoiled.life if other.kind != "GrantConsent"]
    return [spoiled if other.name == person.name else other for other in people], sent


def at_night(people, sent):
    _, one = first_sent(people, sent, SMS)
    return people, [dataclasses.replace(other, at=other.at + 12 * HOUR) if other is one else other for other in sent]


def twice(people, sent):
    _, one = first_sent(people, sent)
    return people, [*sent, dataclasses.replace(one, id="spoiled", at=one.at + GRID)]


def other_address(people, sent):
    _, one = first_sent(people, sent, EMAIL)
    return people, [dataclasses.replace(other, address="nobody@replay.invalid") if other is one else other for other in sent]


def too_late(people, sent):
    _, one = first_sent(people, sent)
    return people, [dataclasses.replace(other, at=other.at + 8 * DAY) if other is one else other for other in sent]


def too_early(people, sent):
    _, one = first_sent(people, sent)
    return people, [dataclasses.replace(other, at=other.at - HOUR) if other is one else other for other in sent]


def nothing_left(people, sent):
    return people, []


MUTATIONS = {function.__name__.replace("_", "-"): function for function in (
    purchase_earlier, emptied, active, disproved, opted_out, objected, consent_dropped, at_night, twice, other_address,
    too_late, too_early, nothing_left)}
