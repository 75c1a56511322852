"""The judge is judged: each rule by a small life of its own, and each way to spoil its input by what it finds.

    python3 -m unittest discover -s Tests/AdversarialTests
"""

import dataclasses
import random
import unittest

import corpus
import model
import mutations
from corpus import DAY, EMAIL, GRID, HOUR, LETTER, MINUTE, SEASONS, SMS, WINDOW, Abilities
from model import Sent

ALL = Abilities(consent=True)
BEGIN = SEASONS["autumn"]
LEFT = BEGIN + 8 * HOUR  # 10:00 in Berlin; the mail is due at 13:10, the SMS the day after.


def someone(store="alpha", country="DE", **profile):
    """Leaves a cart at LEFT."""
    person = corpus.Person(1, "p000001", store, BEGIN, country)
    w = corpus.Writer(person, random.Random(1))
    w.begin, w.profile = LEFT, profile
    w.meet(BEGIN)
    w.add(LEFT)
    return w


def life(w):
    w.person.life.sort(key=lambda one: one.heard)
    return w.person


def send(step, w, at=None, **changes):
    """What leaves where everything goes well."""
    first = LEFT + WINDOW + 2 * HOUR
    due = {"mail": first, "sms": first + DAY, "letter": first + 2 * DAY, "last-mail": first + 2 * DAY}[step]
    channel = model.CHANNEL_OF[step]
    name = w.person.name
    address = {EMAIL: corpus.mail(name), SMS: corpus.phone(name), LETTER: "a letter"}[channel]
    left = Sent(step, w.person.store, name, channel, step, w.cart, address,
                (model.cut_off(due) if step == "letter" else due) if at is None else at, due)
    return dataclasses.replace(left, **changes)


def all_of(w):
    return [send(step, w) for step in ("mail", "sms", "letter")]


def kinds(w, sent, abilities=ALL):
    return {one.kind for one in model.judge(life(w), sent, abilities)}


def duties(w, abilities=ALL):
    return [one.step for one in model.expected(life(w), abilities)]


class Duties(unittest.TestCase):
    def test_who_leaves_a_cart_gets_a_mail_an_sms_and_a_letter(self):
        w = someone()
        self.assertEqual(duties(w), ["mail", "sms", "letter"])
        self.assertEqual(kinds(w, all_of(w)), set())
        self.assertEqual(model.missing(w.person, all_of(w), model.expected(w.person, ALL)), [])

    def test_who_gets_nothing_misses_all_of_it(self):
        w = someone()
        self.assertEqual(len(model.missing(w.person, [], model.expected(life(w), ALL))), 3)

    def test_an_sms_that_falls_into_the_night_is_due_in_the_morning(self):
        w = someone()
        late = [one for one in w.person.life if one.cart]
        late[0].at = late[0].heard = BEGIN + 19 * HOUR  # SMS a day after 22:10 UTC.
        sms = model.expected(life(w), ALL)[1]
        self.assertEqual(corpus.clock(sms.last), "2026-10-25 07:00")  # 08:00 after the clocks went back.

    def test_without_an_address_a_second_mail_goes(self):
        w = someone()
        w.person.life[0].body["contactUpserted"]["profile"].pop("address")
        w.person.life[0].body["contactUpserted"]["profile"]["timeZone"] = "Europe/Berlin"
        self.assertIn("last-mail", duties(w))

    def test_nobody_is_owed_a_send_after_a_purchase(self):
        w = someone()
        w.buy(LEFT + DAY, cart=w.cart)
        self.assertEqual(duties(w), ["mail"])

    def test_an_old_cart_owes_nothing(self):
        w = someone()
        w.person.life[1].heard += 2 * DAY
        self.assertEqual(duties(w), [])

    def test_a_purchase_before_the_window_is_over_leaves_no_episode(self):
        w = someone()
        w.buy(LEFT + GRID, cart=w.cart)
        self.assertEqual(model.enrolments(life(w).life), [])

    def test_a_pending_payment_suspends_detection_whatever_else_is_done(self):
        w = someone()
        w.event(LEFT + GRID, {"paymentPending": {"timeout": f"{4 * HOUR}s"}}, cart=w.cart)
        w.event(LEFT + 3 * GRID, {"checkoutStep": {}}, cart=w.cart)
        self.assertEqual([one.abandoned for one in model.enrolments(life(w).life)], [LEFT + GRID + 4 * HOUR + WINDOW])

    def test_a_pause_moves_what_is_due_in_it_to_its_end(self):
        w = someone(store="delta")
        add = w.person.life[1]
        add.at = add.heard = BEGIN + 2 * DAY + 4 * HOUR  # Mail due at 07:10 of the paused day.
        mail = model.expected(life(w), ALL)[0]
        self.assertEqual(mail.last, BEGIN + 3 * DAY)


class Faults(unittest.TestCase):
    def check(self, kind, w, sent, abilities=ALL):
        self.assertIn(kind, kinds(w, sent, abilities))

    def test_bought_by_whoever_is_linked(self):
        w = someone()
        w.call(LEFT, "Link", {"contact": "p000001", "other": "other"})
        w.buy(LEFT + 2 * GRID + WINDOW // GRID * GRID, contact="other")
        self.check("bought", w, [send("mail", w)])

    def test_a_stranger_stops_nothing(self):
        w = someone()
        w.buy(LEFT + 4 * GRID, contact="other")
        self.assertEqual(kinds(w, all_of(w)), set())

    def test_a_link_that_is_heard_of_later_stops_what_comes_after_it(self):
        w = someone()
        w.buy(LEFT + 4 * GRID, contact="other")
        w.call(LEFT + 10 * GRID, "Link", {"contact": "p000001", "other": "other"})
        self.assertEqual([one.sent.step for one in model.judge(life(w), all_of(w), ALL)], ["sms", "letter"])

    def test_a_reversed_purchase_still_ends_the_enrolment(self):
        w = someone()
        w.buy(LEFT + 6 * GRID, cart=w.cart)
        w.event(LEFT + 7 * GRID, {"purchaseReversed": {"order": "x"}})
        self.check("bought", w, [send("sms", w)])

    def test_a_colleague_stops_a_quote_where_the_store_says_so(self):
        for store, expected in (("alpha", {"bought"}), ("beta", set())):
            w = someone(store=store, company="co")
            add = w.person.life[1]
            add.body["header"] = {"kind": "CART_KIND_QUOTE", "quote": "q", "company": "co"}
            add.at = add.heard = LEFT - HOUR  # The window of quotes is an hour longer.
            w.buy(LEFT + 4 * GRID, contact="colleague", company="co", quote="q", lines=[("x", 1)])
            self.assertEqual(kinds(w, [send("mail", w)]), expected)

    def test_a_late_activity_disproves_the_episode(self):
        w = someone()
        w.event(LEFT + GRID, {"checkoutStep": {}}, cart=w.cart, late=8 * GRID)
        self.check("withdrawn", w, [send("sms", w)])

    def test_activity_after_the_abandonment_reopens(self):
        w = someone()
        w.event(LEFT + 4 * GRID, {"checkoutStep": {}}, cart=w.cart)
        self.check("active", w, [send("mail", w)])

    def test_an_emptied_cart_is_closed(self):
        w = someone()
        w.event(LEFT + 4 * GRID, {"itemRemoved": {"line": w.sku}}, cart=w.cart)
        self.check("closed", w, [send("mail", w)])

    def test_an_opt_out_holds_for_the_address_at_every_store_of_the_controller(self):
        for store, expected in (("beta", {"suppressed"}), ("gamma", set())):
            w = someone()
            w.call(LEFT, "OptOut", {"channel": EMAIL, "address": "P000001@replay.invalid"}, store=store)
            self.assertEqual(kinds(w, [send("mail", w)]), expected)

    def test_an_opt_out_of_whoever_shares_the_mailbox(self):
        w = someone()
        w.meet(BEGIN, contact="other", destinations=[{"channel": EMAIL, "address": "p000001@REPLAY.invalid"}])
        w.call(LEFT, "OptOut", {"channel": EMAIL, "contact": "other"})
        self.check("suppressed", w, [send("mail", w)])

    def test_an_objection_stops_letters_only(self):
        w = someone()
        w.call(LEFT, "PutObjections", {"objections": [{"contact": "p000001"}]})
        self.assertEqual([one.sent.step for one in model.judge(life(w), all_of(w), ALL)], ["letter"])

    def test_quiet_hours_in_the_zone_that_is_known_by_then(self):
        w = someone()
        w.event(LEFT + GRID, {"contactUpserted": {"profile": {"timeZone": "Asia/Tokyo"}}})
        self.check("quiet_hours", w, [send("sms", w)])  # 11:10 UTC is 20:10 there.

    def test_the_night_of_the_clock_change(self):
        place = model.zone_of("Europe/Berlin")
        self.assertEqual(model.opens(1_792_879_200, place), 1_792_911_600)  # 25 October: 24th 22:00 to 07:00 UTC.
        self.assertEqual(model.opens(1_806_184_800, place), 1_806_213_600)  # 28 March: 27th 22:00 to 06:00 UTC.

    def test_a_confirmed_address_comes_first(self):
        w = someone(destinations=[{"channel": EMAIL, "address": "old@replay.invalid"},
                                  {"channel": EMAIL, "address": "p000001@replay.invalid", "confirmedAt": BEGIN}])
        self.assertEqual(kinds(w, [send("mail", w)]), set())
        self.check("wrong_person", w, [send("mail", w, address="old@replay.invalid")])

    def test_somebody_elses_things(self):
        w = someone()
        head = "p000001@replay.invalid\n"
        self.assertEqual(kinds(w, [send("mail", w, text=f"{head}Item p000001-A")]), set())
        for text in (f"{head}Item p000001-A, Item p000002-A", f"{head}nothing", "p2@replay.invalid\nItem p000001-A"):
            self.check("wrong_person", w, [send("mail", w, text=text)])

    def test_several_carts_give_one_message_and_the_most_valuable_leads(self):
        w = someone()
        w.add(LEFT, cart="dear", sku="dear", price=900)
        self.check("not_leading", w, [send("mail", w)])
        self.assertEqual(kinds(w, [send("mail", w, cart="dear", covered=(w.cart,))]), set())
        self.check("not_listed", w, [send("mail", w, cart="dear")])
        self.check("twice", w, [send("mail", w, cart="dear"), send("mail", w, at=LEFT + 8 * HOUR)])

    def test_a_cart_given_up_since_may_be_listed_too_and_one_in_use_may_not(self):
        for later, wrong in ((HOUR, set()), (3 * HOUR, {"not_listed"})):
            w = someone()
            w.add(LEFT, cart="dear", sku="dear", price=900)
            w.add(LEFT + later, cart="late", sku="late", price=1)
            self.assertEqual(kinds(w, [send("mail", w, cart="dear", covered=(w.cart, "late"))]), wrong)

    def test_a_cap_counts_whoever_has_the_address(self):
        w = someone()
        five = [send("mail", w, id=str(number), contact=f"c{number}", at=LEFT + number * DAY) for number in range(3)]
        self.check("over_cap", w, [*five, send("last-mail", w)], Abilities(consent=True, caps=True))

    def test_a_household_gets_one_letter(self):
        w = someone()
        w.meet(BEGIN, contact="other", address=dict(w.profile_of("p000001")["address"], person="Other"))
        w.add(LEFT, cart="theirs", contact="other")
        letter = send("letter", w)
        self.check("household", w, [letter, dataclasses.replace(letter, id="2", contact="other", cart="theirs")])

    def test_a_pause(self):
        w = someone(store="delta")
        self.check("paused", w, [send("mail", w, at=BEGIN + 2 * DAY + 7 * HOUR)])


class Consents(unittest.TestCase):
    def verdict(self, country, channel, consents, bought=False, controller=None, **call):
        w = someone(country=country, consents=consents)
        if bought:
            w.buy(BEGIN, lines=[("old", 1)])
        for method, body in call.items():
            w.call(LEFT, method, body)
        return model.consent_allows(life(w).life, "p000001", "alpha", channel)

    def test_the_table_of_countries_and_evidence(self):
        none, notice = [], [corpus.consent(EMAIL, BEGIN, kind="CONSENT_KIND_CUSTOMER_NOTICE")]
        plain, double = [corpus.consent(EMAIL, BEGIN)], [corpus.consent(EMAIL, BEGIN, confirmed=BEGIN)]
        table = {"DE": "00010 1", "AT": "00110 1", "CH": "00110 1", "GB": "01110 1", "US": "11111 1", "AU": "00010 0"}
        for country, row in table.items():
            found = "".join(str(int(self.verdict(country, EMAIL, one))) for one in (none, notice, plain, double))
            self.assertEqual(found, row[:4], country)
            self.assertEqual(self.verdict(country, EMAIL, notice, bought=True), row[6] == "1", country)

    def test_an_sms_wants_its_own_consent_everywhere(self):
        for country, asks in (("DE", 1), ("US", 0), ("AU", 1), ("GB", 0)):
            self.assertFalse(self.verdict(country, SMS, [corpus.consent(EMAIL, BEGIN, confirmed=BEGIN)]))
            self.assertEqual(self.verdict(country, SMS, [corpus.consent(SMS, BEGIN)]), not asks, country)

    def test_another_purpose_or_controller_is_none(self):
        for changes in ({"purpose": "feedback"}, {"controller": "somebody-else"}):
            self.assertFalse(self.verdict("DE", EMAIL, [corpus.consent(EMAIL, BEGIN, confirmed=BEGIN, **changes)]))

    def test_a_withdrawal_outlives_a_re_import_of_the_old_consent(self):
        given = [corpus.consent(EMAIL, BEGIN, confirmed=BEGIN)]
        self.assertFalse(self.verdict("DE", EMAIL, given, WithdrawConsent={}))
        self.assertTrue(self.verdict("DE", EMAIL, given, WithdrawConsent={"channel": SMS}))

    def test_a_letter_goes_unless_withdrawn(self):
        self.assertTrue(self.verdict("DE", LETTER, []))
        self.assertFalse(self.verdict("DE", LETTER, [], WithdrawConsent={}))


class Mutations(unittest.TestCase):
    """Each makes a clean run fail."""

    KINDS = {"purchase-earlier": "bought", "emptied": "closed", "active": "active", "disproved": "withdrawn",
             "opted-out": "suppressed", "objected": "objection", "consent-dropped": "no_consent", "at-night": "quiet_hours",
             "twice": "twice", "other-address": "wrong_person", "too-late": "stale", "too-early": "early"}

    def test_each_is_found(self):
        for name, mutate in mutations.MUTATIONS.items():
            with self.subTest(name):
                w = someone()
                people, sent = mutate([life(w)], all_of(w))
                if name == "nothing-left":
                    self.assertEqual(len(model.missing(people[0], sent, model.expected(people[0], ALL))), 3)
                else:
                    self.assertIn(self.KINDS[name], {one.kind for one in model.judge(people[0], sent, ALL)})

    def test_a_person_follows_from_seed_and_number(self):
        self.assertEqual(corpus.person(7, 3, ALL), corpus.people(7, 10, ALL)[3])
        self.assertNotEqual(corpus.person(7, 3, ALL).life, corpus.person(8, 3, ALL).life)

    def test_every_trait_is_lived(self):
        lived = {trait for person in corpus.people(1, 200, Abilities(True, True, True)) for trait in person.traits}
        self.assertEqual(lived, set(corpus.TRAITS))

    def test_nothing_that_people_do_falls_on_what_is_due(self):
        for person in corpus.people(1, 200, ALL):
            for one in person.life:
                self.assertEqual(one.heard % GRID, 0, one.words())
        self.assertNotEqual((WINDOW % GRID, MINUTE), (0, 0))


if __name__ == "__main__":
    unittest.main()
