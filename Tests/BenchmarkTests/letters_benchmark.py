"""direct-mail's letters beside a C program with Cairo and Pango, and WeasyPrint, in one run (D06).

    Tests/run --benchmark letters -- [--letters 10000] [--codes 10000] [--rounds 3]

Carts of as many people are abandoned within an hour and get a letter through cart-tracker, scheduler and direct-mail,
real processes on a virtual clock; the processor time is direct-mail's, from the first order to the last print run.
Every letter is read back: its address in the window, its fonts, its two codes (of the first --codes letters, 0 for
none). HOMING_ANCHORS names a folder with pdf/letter.c and pdf/letter.py: one letter a document, without an address
window; WeasyPrint comes into an environment of its own below .build.
"""

import argparse
import concurrent.futures
import csv
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "SuiteTests"))
import suite  # noqa: E402
from suite import BIN, ROOT  # noqa: E402

HZ = os.sysconf("SC_CLK_TCK")
MM = 72 / 25.4
PAGES_AT_ONCE = 100
FLOW = """\
flow: letters-alone
start: cart abandoned
steps:
  - send letter: { template: quote-letter, expires: 7 days }
    name: letter
"""
FIELDS = ("time,event,store,contact,kind,cart,cart_kind,item,name,quantity,price,currency,given_name,family_name,email,"
          "company_name,company").split(",")


def log(path, letters):
    """The rows of so many people, each with a cart of three lines."""
    with open(path, "w", newline="") as file:
        rows = csv.DictWriter(file, FIELDS, restval="")
        rows.writeheader()
        for number in range(letters):
            at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_772_442_000 + number * 3600 // letters))
            who = {"time": at, "store": "load", "contact": f"buyer-{number:05}"}
            rows.writerow({**who, "event": f"c{number}", "kind": "contact", "given_name": "Änne",
                           "family_name": f"Nummer{number:05}", "company": f"firm-{number}",
                           "company_name": f"Schröder & Söhne {number} GmbH", "email": f"b{number}@replay.invalid"})
            for line in range(3):
                rows.writerow({**who, "event": f"e{number}-{line}", "kind": "add", "cart": f"cart-{number}",
                               "cart_kind": "quote", "item": f"sku-{number % 500}-{line}",
                               "name": f"Artikel {number % 500} Modell {line}, Eiche", "quantity": "2",
                               "price": str(20 + (number + line) % 700), "currency": "EUR"})


def usage(pid):
    """Processor seconds, and resident MiB: now and at most."""
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    size = [int(re.search(rf"{key}:\s+(\d+)", status).group(1)) // 1024 for key in ("VmRSS", "VmHWM")]
    return (int(stat[11]) + int(stat[12])) / HZ, *size


def ours(options, folder):
    """One round through the services; the print runs' folder."""
    services = suite.Suite(BIN, services=("cart-tracker", "scheduler", "notifier", "direct-mail"), flushes=False)
    (folder / "flow.yaml").write_text(FLOW)
    log(folder / "log.csv", options.letters)
    try:
        services.start()
        process = services.processes["direct-mail"].pid
        before, warm, _ = usage(process)
        begin = time.monotonic()
        replay = services.homing(
            "replay", folder / "log.csv", "--preset", "sample", "--window", "1h", "--step", "10m", "--flow",
            folder / "flow.yaml", "--target", services.target("cart-tracker"), "--scheduler", services.target("scheduler"),
            "--notifier", services.target("notifier"), "--direct-mail", services.target("direct-mail"), "--json")
        result = subprocess.run(replay, env=services.client, capture_output=True, text=True)
        if result.returncode:
            sys.exit(result.stderr[-500:])
        wall = time.monotonic() - begin
        cpu, resident, most = usage(process)
        counts = json.loads(result.stdout)
    finally:
        services.stop(keep=True)
    if counts["letters"] != options.letters:
        sys.exit(f"{counts['letters']} letters came, {options.letters} were wanted: {json.dumps(counts)}")
    runs = services.folder / "out/letters"
    size = sum(path.stat().st_size for path in runs.glob("*/letters.pdf"))
    print(f"{'Homing, through the services':<36} {options.letters:6} letters  {(cpu - before) / options.letters * 1e6:8.0f} "
          f"µs each  {cpu - before:6.1f} s of processor  {size // options.letters:6} bytes each  {wall:5.0f} s in all, "
          f"resident {warm} MiB before, {resident} after, {most} at most", flush=True)
    return services.folder, runs


def others(count):
    """The C program and WeasyPrint; what one letter takes of each."""
    anchors = os.environ.get("HOMING_ANCHORS")
    if not anchors:
        print("HOMING_ANCHORS is not set: the C program and WeasyPrint are not measured beside this")
        return
    source, build = pathlib.Path(anchors) / "pdf", ROOT / ".build/letters"
    build.mkdir(parents=True, exist_ok=True)
    subprocess.run(["make", "-s", "-C", source, f"OUT={build}"], check=True)
    environment = build / "venv"
    if not (environment / "bin/weasyprint").exists():
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        subprocess.run([environment / "bin/pip", "-q", "install", "weasyprint", "segno"], check=True)
    for name, command in (("C, Cairo and Pango", [build / "letter_pdf", count * 20]),
                          ("WeasyPrint", [environment / "bin/python", source / "letter.py", "weasyprint", count])):
        result = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
        row = json.loads(result.stdout.splitlines()[-1])
        size = row.get("bytes") or re.search(r"(\d+) bytes", result.stderr).group(1)
        print(f"{name:<36} {row['n']:6} letters  {row['cli_us']:8.0f} µs each  {'':21} {size:>6} bytes each", flush=True)


def read_text(document, found, wrong):
    """Notes the numbers that stand in the address window of DIN 5008 form B: 20 to 105 mm, 62.7 to 90 mm."""
    text = subprocess.run(["pdftotext", "-bbox", document, "-"], check=True, capture_output=True, text=True).stdout
    pages = text.split("<page ")[1:]
    for page in pages:
        inside = [word for x0, y0, x1, y1, word in
                  re.findall(r'<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">([^<]*)<', page)
                  if float(x0) >= 20 * MM and float(x1) <= 105 * MM and float(y0) >= 62.7 * MM - 0.01 and float(y1) <= 90 * MM]
        numbers = [re.fullmatch(r"Nummer(\d{5})", word) for word in inside]
        numbers = [match.group(1) for match in numbers if match]
        if len(numbers) != 1:
            wrong.append(f"a page's window has {inside[:12]}")
        found += numbers
    fonts = subprocess.run(["pdffonts", document], check=True, capture_output=True, text=True).stdout.splitlines()[2:]
    if not fonts or not all(" yes yes yes " in font for font in fonts):
        wrong.append(f"{document.parent.name} has fonts that are not embedded subsets with their text")
    return len(pages), len(fonts)


def codes(document, first, last):
    """What a reader finds on these pages at 200 dpi."""
    with tempfile.TemporaryDirectory(prefix="homing-codes-") as folder:
        subprocess.run(["pdftoppm", "-r", "200", "-gray", "-f", str(first), "-l", str(last), document, f"{folder}/p"],
                       check=True)
        files = sorted(pathlib.Path(folder).iterdir())
        output = subprocess.run(["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", *files], capture_output=True,
                                text=True).stdout
        return len(files), output.split()


def read_back(options, runs):
    found, wrong, pages, fonts, left = [], [], 0, 0, options.codes
    parts = []
    for document in sorted(runs.glob("*/letters.pdf")):
        count, subsets = read_text(document, found, wrong)
        pages, fonts = pages + count, max(fonts, subsets)
        last = min(count, left)
        parts += [(document, first, min(first + PAGES_AT_ONCE - 1, last)) for first in range(1, last + 1, PAGES_AT_ONCE)]
        left -= last
    if sorted(found) != [f"{number:05}" for number in range(options.letters)] or pages != options.letters:
        wrong.append(f"{len(set(found))} of {options.letters} addresses stand in their windows on {pages} pages")
    print(f"read back: {len(set(found)):,} addresses in their windows, {pages:,} pages, at most {fonts} fonts in a run, "
          f"{'all embedded' if not wrong else 'NOT all right'}", flush=True)
    links, scanned = [], 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for count, texts in pool.map(lambda part: codes(*part), parts):
            scanned += count
            links += texts
    carts, objections = ({link for link in links if f"/{kind}/" in link} for kind in "lb")
    if len(carts) != scanned or len(objections) != scanned:
        wrong.append(f"{len(carts)} codes to carts and {len(objections)} to object on {scanned} pages")
    print(f"scanned at 200 dpi: {scanned:,} pages, {len(carts):,} codes that lead to carts, {len(objections):,} that object")
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--letters", type=int, default=10_000)
    parser.add_argument("--codes", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    wrong = []
    for number in range(options.rounds):
        others(50)
        with tempfile.TemporaryDirectory(prefix="homing-letters-") as folder:
            kept, runs = ours(options, pathlib.Path(folder))
        if number == 0:
            wrong = read_back(options, runs)
        if not wrong:
            subprocess.run(["rm", "-rf", kept], check=True)
    if wrong:
        sys.exit("; ".join(wrong[:5]))


if __name__ == "__main__":
    main()
