"""Replays the made-up month through the flow with letters and real processes, and compares the letters with what the
replay counts, also where processes are killed meanwhile (D06, S09).

    letters_check.py [--bin FOLDER] [--kill-every ROWS]

Prints `PASS name` or `FAIL name: why`.
"""

import argparse
import csv
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def replay(options, log, out, *extra):
    """The counts of one replay."""
    command = [options.bin / "homing", "replay", log, "--preset", "sample", "--window", "1d", "--step", "1h", "--local",
               "--json", "--bin", options.bin, "--flow", "cart-recovery-b2b", "--out", out, *extra]
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=900)
    if result.returncode:
        raise RuntimeError((result.stderr.strip().splitlines() or ["no word"])[-1])
    return json.loads(result.stdout)


def batches(out, named=True):
    """What is wrong with the print runs; and their letters as (batch without its id, letter). `named`: a link beside each
    folder has its name."""
    wrong, letters = [], []
    for batch in sorted(path for path in (out / "letters").iterdir() if path.is_dir()):
        files = sorted(path.name for path in batch.iterdir())
        if files != ["letters.pdf", "manifest.csv", "manifest.json"]:
            wrong.append(f"{batch.name} holds {files}")
            continue
        document = (batch / "letters.pdf").read_bytes()
        rows = list(csv.DictReader((batch / "manifest.csv").open(newline="")))
        if not document.startswith(b"%PDF-") or b"%%EOF" not in document[-32:]:
            wrong.append(f"{batch.name} has no whole PDF")
        if {row["checksum"] for row in rows} != {hashlib.sha256(document).hexdigest()}:
            wrong.append(f"{batch.name} has another checksum than its manifest")
        page = 1
        for row in rows:
            if int(row["first_page"]) != page:
                wrong.append(f"{batch.name}: {row['piece']} begins at {row['first_page']}, not {page}")
            page = int(row["last_page"]) + 1
        if any(row["sample"] != "true" for row in rows):
            wrong.append(f"{batch.name} has letters that are no samples")
        if named and not (out / "letters" / f"{batch.name}.pdf").is_symlink():
            wrong.append(f"{batch.name}.pdf is missing")
        name = re.sub(r"-[0-9a-f]{8}$", "", batch.name)
        letters += [(name, row["piece"]) for row in rows]
    return wrong, letters


def verdict(name, wrong):
    print(f"FAIL {name}: {'; '.join(wrong[:5])}" if wrong else f"PASS {name}", flush=True)
    return not wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / ".build/release")
    parser.add_argument("--kill-every", type=int, default=300)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="homing-letters-") as folder:
        folder = pathlib.Path(folder)
        log = folder / "sample.csv"
        subprocess.run([options.bin / "homing", "sample", "--days", "30", "--seed", "1", "--out", log], check=True,
                       capture_output=True)
        counts = replay(options, log, folder / "once")
        wrong, letters = batches(folder / "once")
        fine = verdict("D06 each print run is whole and agrees with its manifest", wrong)
        wrong = [] if letters else ["there are no letters"]
        if len(letters) != counts["letters"]:
            wrong.append(f"{len(letters)} letters lie there, {counts['letters']} were counted")
        if len({piece for _, piece in letters}) != len(letters):
            wrong.append("a letter was printed twice")
        if not counts["messages"].get("email"):
            wrong.append("no mail followed a letter")
        fine = verdict("D01 the letters that were counted are printed, each once", wrong) and fine
        killed = replay(options, log, folder / "killed", "--kill-every", str(options.kill_every))
        wrong, again = batches(folder / "killed")
        missing, more = set(letters) - set(again), set(again) - set(letters)
        if missing or more:
            wrong.append(f"{len(missing)} letters are missing and {len(more)} others are there")
        if killed["digest"] != counts["digest"]:
            wrong.append("the episodes are others")
        fine = verdict("D06 services that are killed meanwhile print the same letters in the same runs", wrong) and fine
    sys.exit(not fine)


if __name__ == "__main__":
    main()
