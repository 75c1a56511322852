"""Awkward lives through the real services on the virtual clock, judged by a model of the product's rules (F15-F22, P09).

    adversarial_check.py [--people 5000] [--seed 1] [--bin FOLDER] [--only PERSON] [--mutate KIND] [--keep]

Prints `PASS name` or `FAIL name: why` for each property, then a table. A person whose life went wrong is printed with
what they did and what they got; `--only PERSON` with the same seed runs this one alone. `--mutate` spoils what the judge
is told, which must make it fail. Needs the packages of Tests/Interop/requirements.txt.
"""

import argparse
import collections
import os
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import corpus  # noqa: E402
import model  # noqa: E402
import mutations  # noqa: E402

SHOWN = 3


def report(name, wrong, note=""):
    print(f"FAIL {name}: {wrong}" if wrong else f"PASS {name}{note}", flush=True)
    return not wrong


class Verdict:
    """What the model makes of everything that left."""

    def __init__(self, people, sent, abilities):
        self.people = {person.name: person for person in people}
        self.by_person = collections.defaultdict(list)
        self.strangers = []
        for one in sent:
            name = one.contact[:7]
            (self.by_person[name] if name in self.people else self.strangers).append(one)
        self.wrong, self.absent, self.expected, self.episodes = [], [], collections.Counter(), 0
        for person in people:
            mine, began = self.by_person[person.name], model.enrolments(person.life)
            duties = model.expected(person, abilities, began)
            self.wrong += [(person, fault) for fault in model.judge(person, mine, abilities, began)]
            self.absent += [(person, one) for one in model.missing(person, mine, duties)]
            self.expected.update(one.step for one in duties)
            self.episodes += len(began)

    def show(self, person, words):
        print(f"---- {person.name}, traits {', '.join(person.traits)}, {person.country}, store {person.store}: {words}")
        for one in person.life:
            print(f"  {one.words()}")
        for one in sorted(self.by_person[person.name], key=lambda one: one.at):
            print(f"  -> {one.words()}")
        for one in model.enrolments(person.life):
            print(f"  model: {one.cart} begins {corpus.clock(one.start)}, ends {one.stopped}, certain {one.certain}")
        print("----", flush=True)

    def report(self, print_runs, mails, letters):
        fine = True
        for kind, rule in model.RULES.items():
            found = [(person, fault) for person, fault in self.wrong if fault.kind == kind]
            for person, fault in found[:SHOWN]:
                self.show(person, f"{kind}: {fault.sent.words()} {fault.why}. Expected: {rule}")
            names = sorted({person.name for person, _ in found})
            fine = report(f"no send breaks {rule}", f"{len(found)} do, of {names[:8]}" if found else "") and fine
        total, absent = self.expected.total(), collections.Counter(one.step for _, one in self.absent)
        for step in model.EXPIRY:
            count = self.expected[step]
            missing = absent[step]
            for person, one in [pair for pair in self.absent if pair[1].step == step][:SHOWN + 5]:
                self.show(person, f"{step} missing between {corpus.clock(one.first)} and {corpus.clock(one.last)}")
            names = sorted({person.name for person, one in self.absent if one.step == step})
            fine = report(f"every {step} that is permitted is sent", f"{missing} of {count} are not: {names[:8]}"
                          if missing else "", f" ({count - missing} of {count})") and fine
        fine = report("something had to be sent", "" if total else "nothing had") and fine
        fine = report("nobody else was written to", f"{len(self.strangers)} were" if self.strangers else "") and fine
        logged = [one for rows in self.by_person.values() for one in rows]
        in_log = sum(one.channel == corpus.EMAIL for one in logged)
        odd = "" if mails == in_log else f"{mails} and {in_log}"
        fine = report("the mails in the folder are those of the log", odd) and fine
        pieces = [one.id for one in logged if one.channel == corpus.LETTER]
        wrong = "" if sorted(pieces) == sorted(print_runs) else f"{len(print_runs)} printed, {len(pieces)} in the log"
        return report("each letter is printed once", wrong) and fine


def table(verdict, sent, seconds, cpu, instants):
    channels = collections.Counter(one.channel.removeprefix("CHANNEL_").lower() for one in sent)
    kinds = collections.Counter(fault.kind for _, fault in verdict.wrong)
    people = len(verdict.people)
    rows = [("people", people), ("episodes", verdict.episodes),
            *((f"sent by {name}", channels[name]) for name in sorted(channels)),
            ("expected", verdict.expected.total()), ("expected, missing", len(verdict.absent)),
            *((f"wrong: {kind}", count) for kind, count in sorted(kinds.items())), ("wrong", len(verdict.wrong)),
            ("instants", instants), ("seconds", round(seconds, 1)),
            ("CPU of the services, ms a person", round(1000 * cpu / people, 2))]
    for name, value in rows:
        print(f"{name:<36}{value:>10}")


def find_interpreter():
    """Goes on by the virtual environment of Tests/run where this Python has no protobuf."""
    try:
        import google.protobuf  # noqa: F401
    except ImportError:
        python = HERE.parents[1] / ".build/venv/bin/python"
        if not python.exists() or python == pathlib.Path(sys.executable):
            raise
        os.execv(python, [str(python), *sys.argv])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bin", type=pathlib.Path, default=HERE.parents[1] / ".build/release")
    parser.add_argument("--only", type=int, help="number of the one person who lives")
    parser.add_argument("--mutate", choices=sorted(mutations.MUTATIONS), help="spoil what the judge is told")
    parser.add_argument("--keep", action="store_true", help="leave the suite's folder")
    options = parser.parse_args()
    find_interpreter()
    import driver
    services, begin = driver.Services(options.bin), time.monotonic()
    try:
        services.start()
        abilities = services.abilities()
        people = corpus.people(options.seed, options.people, abilities, options.only)
        print(f"{len(people)} people of seed {options.seed}; {abilities}", flush=True)
        run = driver.Run(services, say=lambda text: print(f"{text}, {time.monotonic() - begin:.0f} s", flush=True))
        run.live(people)
        seconds, cpu = time.monotonic() - begin, services.cpu_seconds()
        sent, printed = run.sent(), run.printed()
        if options.only is not None:
            print("\n".join(run.decisions(people[0])), flush=True)
    finally:
        services.stop(keep=options.keep)
        if options.keep:
            print(f"kept: {services.suite.folder}")
    if options.mutate:
        people, sent = mutations.MUTATIONS[options.mutate](people, sent)
    verdict = Verdict(people, sent, abilities)
    fine = report("the suite takes everything it is told", "; ".join(
        f"{one.words()}: {error}" for one, error in run.refused if one.kind != "ConfirmConsent"))
    fine = verdict.report(printed, run.mails_in_folder, sent) and fine
    table(verdict, sent, seconds, cpu, services.instants)
    if options.only is not None:
        verdict.show(people[0], "as it went")
    sys.exit(not fine)


if __name__ == "__main__":
    main()
