"""Replays every real shop log through real processes and compares counts and digest with what they must be (T9).

    replay_check.py [--bin FOLDER] [--logs FOLDER] [--all]

Prints `PASS name`, `FAIL name: why` or `SKIP name`. The logs lie beside the project, never in it; where they are
absent every check is skipped. Without --all, shuffled, repeated and killed runs are made of the small logs only, and
the reference flow runs on them only; it must change nothing about the episodes.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEYS = ("carts", "episodes", "abandoned_carts", "reopened", "recovered", "purchased", "emptied", "open_at_end", "digest")
TAOBAO, LOAD = "taobao-9days-300users", "taobao-2hours-58kusers"
NOVEMBER, OCTOBER = "rees46-cosmetics-2022_nov", "rees46-cosmetics-2022_oct"
TABLE = [
    (TAOBAO, 300, (417, 1335, 411, 1164, 240, 246, 0, 171, "6618035da4803e69")),
    (TAOBAO, 3600, (417, 970, 379, 799, 208, 246, 0, 171, "bde7e0323db86ab0")),
    (TAOBAO, 86400, (417, 453, 278, 282, 107, 246, 0, 171, "e6d5bcfa48e3e73d")),
    (LOAD, 300, (4900, 5131, 4895, 279, 43, 48, 0, 4852, "854174ebe0af3f81")),
    (LOAD, 3600, (4900, 4875, 4857, 23, 5, 48, 0, 4852, "505a899e94be5430")),
    (LOAD, 86400, (4900, 4852, 4852, 0, 0, 48, 0, 4852, "a3606fdde5be22fa")),
    (NOVEMBER, 300, (51, 64, 51, 17, 4, 4, 0, 47, "f11a1eb78bec825d")),
    (NOVEMBER, 3600, (51, 47, 47, 0, 0, 4, 0, 47, "61ee6798cb638e9d")),
    (NOVEMBER, 86400, (51, 47, 47, 0, 0, 4, 0, 47, "6be2bdd5142c870c")),
    (OCTOBER, 300, (46, 54, 38, 18, 2, 7, 3, 36, "637249f79a21d7e5")),
    (OCTOBER, 3600, (46, 36, 36, 0, 0, 7, 3, 36, "1a3d88027a611b49")),
    (OCTOBER, 86400, (46, 36, 36, 0, 0, 7, 3, 36, "704d60146c139153")),
]


def replay(options, log, window, extra):
    """The counts of one replay by a private suite, and how long it took."""
    command = [options.bin / "homing", "replay", options.logs / f"{log}.csv.gz", "--preset", log.split("-")[0],
               "--window", f"{window}s", "--local", "--json", "--bin", options.bin, *extra]
    begin = time.monotonic()
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=900)
    if result.returncode:
        return None, result.stderr.strip().splitlines()[-1:] or ["no word"], 0
    return json.loads(result.stdout), None, time.monotonic() - begin


def check(options, name, log, window, expected, extra=("--flow", "none")):
    counts, error, seconds = replay(options, log, window, extra)
    if error:
        print(f"FAIL {name}: {error[0]}", flush=True)
        return False
    found = tuple(counts[key] for key in KEYS)
    wrong = [f"{key} is {f}, not {e}" for key, f, e in zip(KEYS, found, expected) if f != e]
    if counts["refused"]:
        wrong.append(f"{counts['refused']} rows were refused")
    mails = sum(counts["messages"].get("email", {}).values())
    if bool(mails) == ("none" in extra):
        wrong.append(f"{mails} mails were sent")
    print(f"FAIL {name}: {'; '.join(wrong)}" if wrong else f"PASS {name} ({seconds:.1f} s)", flush=True)
    return not wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / ".build/release")
    parser.add_argument("--logs", type=pathlib.Path, default=ROOT.parent / "shared/data")
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    fine = True
    for log, window, expected in TABLE:
        names = [f"T9 {log} at {window} s, in order", f"T9 {log} at {window} s, three times, shuffled, killed",
                 f"T9 {log} at {window} s, through the reference flow"]
        if not (options.logs / f"{log}.csv.gz").exists():
            for name in names:
                print(f"SKIP {name}: the log is not there")
            continue
        fine = check(options, names[0], log, window, expected) and fine
        if options.all or window == 3600 and log != LOAD:
            # Late rows are waited for; each comes three times; the process ends every 1,000 rows.
            extra = ["--lateness", "10m", "--shuffle", "10m", "--copies", "3", "--kill-every", "1000", "--flow", "none"]
            fine = check(options, names[1], log, window, expected, extra) and fine
        if options.all or log in (NOVEMBER, OCTOBER):
            fine = check(options, names[2], log, window, expected, ["--step", "60s"]) and fine
    sys.exit(not fine)


if __name__ == "__main__":
    main()
