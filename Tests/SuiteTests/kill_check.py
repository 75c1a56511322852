"""kill -9 of each service at random moments during a replay: the same final state as without (I1-I4, T1, T14).

    kill_check.py [--bin FOLDER] [--kills 5] [--seed 1] [--pairs] [--events FILE OPTIONS OF homing replay] [--keep]

With --pairs all five services run the flow with letters and mails, and each kill ends two of them at once.
A made-up month is replayed through the reference flow, e-mail over SMTP to a sink, once untouched and then with
kills until their number is reached. Prints `PASS name` or `FAIL name: why`. Needs Python's standard library only.
"""

import argparse
import email
import json
import os
import pathlib
import random
import subprocess
import sys
import time
import urllib.request
from collections import Counter

import suite
from letters_check import batches
from suite import DIRECT_MAIL, NOTIFIER, SCHEDULER, TRACKER, report

# For logs of people who are no companies.
LETTER_FLOW = """\
flow: letter-and-mail
start: cart abandoned
steps:
  - send letter:
      template: cart-letter
      expires: 7 days
      if not sent:
        - go to: mail
    name: letter
  - pause: 2 days
  - send e-mail: { template: cart-reminder, expires: 4 days }
    name: mail
"""
CONNECTIONS = 8  # The mail provider's default.
FINAL = {"MESSAGE_STATE_HANDED_OVER", "MESSAGE_STATE_UNKNOWN", "MESSAGE_STATE_SKIPPED", "MESSAGE_STATE_WITHDRAWN",
         "MESSAGE_STATE_FAILED"}


class Run:
    """One replay on a suite of its own, and what it left behind."""

    def __init__(self, options, log, extra, kills, chance, span=None):
        self.kills, self.rounds, self.pairs = Counter(), 0, options.pairs
        # Slow, so that some kills find mails on their way.
        slow = random.Random(7)
        self.sink = suite.SMTPSink(lambda stage, recipient: time.sleep(slow.uniform(0, 0.1)) if stage == "dot" else None)
        services = suite.SERVICES if options.pairs else ("cart-tracker", "scheduler", "notifier")
        self.suite = suite.Suite(options.bin, smtp=self.sink.port, services=services)
        try:
            self.suite.start()
            letters = ["--direct-mail", self.suite.target("direct-mail"), "--flow", options.flow] if self.pairs else []
            begin = time.monotonic()
            command = self.suite.homing(
                "replay", log, *extra, *letters, "--target", self.suite.target("cart-tracker"), "--scheduler",
                self.suite.target("scheduler"), "--notifier", self.suite.target("notifier"), "--json")
            replay = subprocess.Popen(command, env=self.suite.client, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                      text=True)
            if kills:
                self.disturb(replay, kills, chance, span)
            out, problems = replay.communicate(timeout=1800)
            if replay.returncode:
                raise RuntimeError(problems.strip().splitlines()[-1:])
            self.seconds = time.monotonic() - begin
            self.counts = json.loads(out)
            self.read()
        finally:
            self.sink.close()
            self.suite.stop(keep=options.keep)
            if options.keep:
                print(f"kept: {self.suite.folder}", flush=True)

    def disturb(self, replay, kills, chance, span):
        """Ends services one after the other, `span` seconds apart on average, a bit less."""
        for _ in range(kills):
            pause = chance.uniform(0.02, 1.5 * span)
            try:
                replay.wait(pause)
                return
            except subprocess.TimeoutExpired:
                pass
            # The notifier twice as often: what it does cannot be undone.
            names = [chance.choice([*self.suite.services, "notifier"])]
            if self.pairs:
                names = chance.sample(self.suite.services, 2)
            for name in names:
                self.suite.kill(name)
                self.kills[name] += 1
            self.rounds += 1
            self.suite.start(*names)

    def read(self):
        """Everything that must not depend on kills, without instants of wall time and without tries."""
        ask = self.suite
        stores = [store["id"] for store in ask.call(f"{TRACKER}/ListStores", {}).get("stores", [])]
        self.state, self.messages, self.grants, self.letters, self.audits = {}, {}, [], {}, []
        for store in stores:
            rows = ask.pages(f"{SCHEDULER}/ListEnrolments", {"store": store}, "enrolments")
            for row in rows:
                keys = ("id", "flow", "flowVersion", "contact", "cart", "episode", "state", "reason", "startedAt")
                self.state[f"enrolment {row['id']}"] = {key: row.get(key) for key in keys}
            for row in ask.pages(f"{SCHEDULER}/ListDecisions", {"store": store}, "decisions"):
                keys = ("enrolment", "step", "verdict", "reason", "dueAt", "branch", "channel", "template", "order")
                self.state[f"decision {row['id']}"] = {key: row.get(key) for key in keys}
            for row in ask.pages(f"{NOTIFIER}/ListMessages", {"store": store}, "messages"):
                order = row["order"]
                self.messages[order["id"]] = row
                # Whether the other side has it is for the sink to say.
                state = "GIVEN" if row["state"] in ("MESSAGE_STATE_HANDED_OVER", "MESSAGE_STATE_UNKNOWN") else row["state"]
                self.state[f"message {order['id']}"] = {
                    "state": state, "reason": row.get("reason"), "recipient": row.get("recipient"),
                    **{key: order.get(key) for key in ("contact", "channel", "template", "step", "dueAt", "expiresAt")}}
            self.read_purchases(store)
            self.audit(store)
            if self.pairs:
                self.read_letters(store)
        self.given = Counter()
        for _, _, _, body in self.sink.mails:
            identity = email.message_from_bytes(body)["Message-ID"] or ""
            self.given[identity.strip("<> ").split("@")[0]] += 1
        self.wrong_letters = self.printed() + self.pages() if self.pairs else []

    def audit(self, store):
        """What our own audits find: every hand-off against the log, every episode and step with one record."""
        flows = [row["name"] for row in self.suite.pages(f"{SCHEDULER}/ListFlows", {"store": store}, "flows")]
        runs = [("hand-offs", "0 hand-offs")] + [("records", "0 episodes", "--flow", flow) for flow in flows]
        for name, nothing, *more in runs:
            command = self.suite.homing("audit", name, self.suite.target("scheduler"), "--store", store, "--tracker",
                                        self.suite.target("cart-tracker"), *more)
            result = subprocess.run(command, env=self.suite.client, capture_output=True, text=True, timeout=600)
            said = result.stdout.strip().splitlines()
            if result.returncode or not said or said[-1].startswith(nothing):
                self.audits += [f"{name} of {store}: {line}" for line in said[-3:] + result.stderr.strip().splitlines()[-1:]]

    def read_letters(self, store):
        """Every letter with the print run it is in, without the run's own id."""
        runs = {row["id"]: row for row in self.suite.pages(f"{DIRECT_MAIL}/ListBatches", {"store": store}, "batches")}
        for row in self.suite.pages(f"{DIRECT_MAIL}/ListMailPieces", {"store": store}, "pieces"):
            run = runs.get(row.get("batch", ""), {})
            self.letters[row["order"]["id"]] = row
            self.state[f"letter {row['order']['id']}"] = {
                "state": row["state"], "reason": row.get("reason"), "lines": row.get("addressLines"),
                "page": row.get("firstPage"), "closes": run.get("cutOffAt"), "run": run.get("state")}

    def printed(self):
        """What is wrong with the print runs that were handed over, in words: each letter is in one, once."""
        wrong, rows = batches(self.suite.folder / "out", named=False)
        times = Counter(piece for _, piece in rows)
        for identity, letter in self.letters.items():
            wanted = letter["state"] == "PIECE_STATE_SUBMITTED"
            if times[identity] != wanted:
                wrong.append(f"{identity} is {letter['state']} and printed {times[identity]} times")
        wrong += [f"{identity} is no letter of ours" for identity in times if identity not in self.letters]
        return wrong + ([] if rows else ["there were no letters"])

    def pages(self):
        """What is wrong with the pages that mails lead to, once all is over: looking at them changes nothing."""
        wrong = []
        for _, _, _, body in self.sink.mails[-20:]:
            links = [link.strip("<> ") for link in email.message_from_bytes(body)["List-Unsubscribe"].split(",")]
            url = next(link for link in links if link.startswith("http"))
            with urllib.request.urlopen(url, timeout=30) as answer:
                if answer.status != 200 or b"<form" not in answer.read():
                    wrong.append(f"{url} does not ask")
        return wrong

    def read_purchases(self, store):
        """Grants that were given although a purchase after the anchor had been read, by positions in the log."""
        contacts = {row["order"]["contact"] for row in self.messages.values() if row["order"]["store"] == store}
        bought = {}
        for contact in contacts:
            events = self.suite.pages(f"{TRACKER}/ListEvents", {"store": store, "contact": contact}, "events")
            bought[contact] = [event for event in events if "purchase" in event["event"]]
        for row in self.messages.values():
            order, grant = row["order"], row.get("grant")
            if not grant or order["store"] != store:
                continue
            read = {position.get("bucket", 0): int(position["seq"]) for position in grant.get("positions", [])}
            for event in bought[order["contact"]]:
                position, purchase = event["position"], event["event"]
                is_after = purchase["at"] > order["anchor"]["at"]
                is_covered = purchase.get("cart", "") in ("", order.get("cart", ""))
                seq = read.get(position.get("bucket", 0), -1)
                if is_after and is_covered and int(position["seq"]) <= seq:
                    self.grants.append(f"{order['id']} after {purchase['id']}")


def compare(calm, run, kills):
    """What is wrong with a run that was disturbed, in words."""
    counts = [f"{key} is {run.counts[key]}, not {value}" for key, value in calm.counts.items() if run.counts[key] != value]
    different = []
    for key in sorted(calm.state.keys() | run.state.keys()):
        before, after = calm.state.get(key), run.state.get(key)
        if before != after:
            different.append(f"{key}: {after} and not {before}")
    handed = []
    unknown = 0
    for identity, message in run.messages.items():
        if message["state"] not in FINAL:
            handed.append(f"{identity} is still {message['state']}")
        if message["order"]["channel"] != "CHANNEL_EMAIL":
            continue
        times = run.given[identity]
        if message["state"] == "MESSAGE_STATE_HANDED_OVER" and times != 1:
            handed.append(f"{identity} was handed over {times} times")
        elif message["state"] == "MESSAGE_STATE_UNKNOWN":
            unknown += 1
            if times > 1:
                handed.append(f"{identity} is unknown and came {times} times")
        elif message["state"] not in ("MESSAGE_STATE_HANDED_OVER", "MESSAGE_STATE_UNKNOWN") and times:
            handed.append(f"{identity} is {message['state']} and came all the same")
    handed += [f"{identity} is no message of ours" for identity in run.given if identity not in run.messages]
    if unknown > kills["notifier"] * CONNECTIONS:
        handed.append(f"{unknown} are unknown after {kills['notifier']} kills")
    return counts, different, handed, unknown


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=suite.BIN)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--each", type=int, default=10, help="kills of one replay")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--pairs", action="store_true", help="two services at once, all five, with letters")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--events", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    options.flow = "cart-recovery-b2b"
    if options.events:
        if options.pairs:
            options.flow = f"/tmp/homing-kill-{os.getpid()}.yaml"
            pathlib.Path(options.flow).write_text(LETTER_FLOW)
        log, extra = options.events[0], options.events[1:]
    else:
        log = f"/tmp/homing-kill-{os.getpid()}.csv"
        subprocess.run([options.bin / "homing", "sample", "--days", str(options.days), "--seed", "1", "--out", log], check=True,
                       capture_output=True)
        extra = ["--preset", "sample", "--window", "1d", "--step", "1h"]
    calm = Run(options, log, extra, 0, chance)
    print(f"calm: {calm.seconds:.1f} s, {len(calm.messages)} messages, {len(calm.sink.mails)} mails at the sink", flush=True)
    counts, different, handed, _ = compare(calm, calm, Counter())
    fine = report("I2 without kills each message is handed over once", handed)
    if not calm.sink.mails:
        fine = report("a replay sends mails", ["there were none"]) and fine
    fine = report("T14 without kills no grant read a covering purchase", calm.grants) and fine
    fine = report("X03 F19 without kills hand-offs and records are right", calm.audits) and fine
    if options.pairs:
        fine = report("I2 without kills each letter is printed once", calm.wrong_letters) and fine
    done, number = 0, 0
    while done < options.kills:
        number += 1
        run = Run(options, log, extra, min(options.each, options.kills - done), chance, calm.seconds / options.each)
        kills = run.rounds
        if not kills:
            fine = report("the replay lasts long enough for a kill", ["it does not"]) and fine
            break
        done += kills
        counts, different, handed, unknown = compare(calm, run, run.kills)
        words = ", ".join(f"{count} of {name}" for name, count in sorted(run.kills.items()))
        print(f"run {number}: {run.seconds:.1f} s, kills: {words}; {unknown} unknown", flush=True)
        fine = report(f"T1 the same counts, run {number}", counts) and fine
        fine = report(f"T1 I6 the same enrolments, decisions and messages, run {number}", different) and fine
        fine = report(f"I2 each due step is one hand-off or unknown, run {number}", handed) and fine
        fine = report(f"T14 no grant read a covering purchase, run {number}", run.grants) and fine
        fine = report(f"X03 F19 the audits find nothing, run {number}", run.audits) and fine
        if options.pairs:
            fine = report(f"I2 each letter is printed once, and pages answer, run {number}", run.wrong_letters) and fine
    for path in (log, options.flow):
        if path.startswith(f"/tmp/homing-kill-{os.getpid()}."):
            os.unlink(path)
    sys.exit(not fine)


if __name__ == "__main__":
    main()
