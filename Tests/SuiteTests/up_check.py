"""Runs Services/up as a person does, with programs that are built already: well, again, cut off, and where it cannot.

    up_check.py [--bin FOLDER]

Prints `PASS name` or `FAIL name: why`.
"""

import argparse
import email
import os
import pathlib
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ["cart-tracker", "scheduler", "notifier", "direct-mail", "gateway"]
# A run that hangs is a failure, not a wait.
LIMIT = 120


def up(options, *arguments, **environment):
    """One run: its code, its output and its errors."""
    result = subprocess.run([ROOT / "Services/up", *map(str, arguments)], capture_output=True, text=True,
                            timeout=LIMIT, env=settings(options, environment))
    return result.returncode, result.stdout, result.stderr


def settings(options, environment):
    clean = {key: value for key, value in os.environ.items() if not key.startswith("HOMING_")}
    return {**clean, "HOMING_BIN": str(options.bin), **environment}


def begin(options, out, *arguments):
    """A run that goes on beside us, in a group of its own as in a terminal."""
    return subprocess.Popen([ROOT / "Services/up", "--out", out, *arguments], text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, env=settings(options, {}), start_new_session=True)


def processes(out):
    """Those that work below a folder, by what they were started with."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes() + (path / "environ").read_bytes()
        except OSError:
            continue
        if str(out).encode() in words and path.name != str(os.getpid()):
            found.append(f"{path.name} {words[:60]!r}")
    return found


def until(condition, what):
    limit = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > limit:
            raise RuntimeError(f"{what} did not come to pass")
        time.sleep(0.02)


def outputs(out, text):
    """What is wrong with what lies in the folder."""
    wrong = []
    mails = sorted((out / "mails").glob("*.eml"))
    for path in mails:
        message = email.message_from_bytes(path.read_bytes())
        if message.defects or not message["Subject"] or not message["List-Unsubscribe"]:
            wrong.append(f"{path.name} is no mail of ours")
    letters = sorted((out / "letters").glob("*.pdf"))
    wrong += [f"{path.name} is no PDF" for path in letters if not path.read_bytes().startswith(b"%PDF-")]
    counts = dict(re.findall(r"^  (mails|letters) +(\d+)", text, re.M))
    pieces = sum(len(path.read_text().splitlines()) - 1 for path in out.glob("letters/*/manifest.csv")
                 if not path.parent.is_symlink())
    if not mails or not letters or counts != {"mails": str(len(mails)), "letters": str(pieces)}:
        wrong.append(f"there are {len(mails)} mails and {pieces} letters, told were {counts}")
    report = (out / "report.html").read_text()
    if "</html>" not in report or re.search(r"(src|href)=|url\(", report):
        wrong.append("report.html is not complete in itself")
    if report.count("<header>") != 2:
        wrong.append("report.html does not hold both stores")
    return wrong + [f"{line} is left" for line in processes(out)]


def twice(options, folder):
    out = folder / "a folder" / "out"
    wrong, digests = [], []
    for run in ("first", "second"):
        code, text, errors = up(options, "--out", out)
        if code:
            return [f"the {run} run ended with {code}: {errors[-300:]}"]
        wrong += outputs(out, text)
        digests.append(re.search(r"^digest +(\w+)", text, re.M).group(1))
    if digests[0] != digests[1]:
        wrong.append("the two runs found other episodes")
    return wrong


def cut_off(options, folder):
    """Killed while it replays, then by Ctrl-C; the next run ends what is left and goes well."""
    out = folder / "cut"
    run = begin(options, out)
    until(lambda: list(out.glob("mails/*.eml")) or run.poll() is not None, "a mail")
    run.send_signal(signal.SIGKILL)
    run.wait()
    wrong = [] if len(processes(out)) >= len(PROGRAMS) else ["nothing was left to end"]
    run.stdout.close()
    code, text, errors = up(options, "--out", out)
    if code or text.count("of an earlier run") < len(PROGRAMS):
        return [f"the run after a kill ended with {code}: {text[-200:]}{errors[-200:]}"]
    wrong += outputs(out, text)
    run = begin(options, out)
    until(lambda: list(out.glob("mails/*.eml")) or run.poll() is not None, "a mail")
    # The terminal sends it to all that run in it.
    os.killpg(run.pid, signal.SIGINT)
    run.communicate(timeout=LIMIT)
    if run.returncode == 0:
        wrong.append("a run that was interrupted ended with 0")
    return wrong + [f"{line} is left" for line in processes(out)]


def refusals(options, folder):
    wrong = []

    def expect(what, code, errors, *words):
        if not code or any(word not in errors for word in words):
            wrong.append(f"{what}: ended with {code}, said {errors[-200:]!r}")

    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        port = next(port for port in range(21000, 31000) if not taken.connect_ex(("127.0.0.1", port)) == 0)
    with socket.create_server(("127.0.0.1", port)):
        code, _, errors = up(options, "--out", folder / "port", HOMING_PORT=str(port))
        expect("a port that is taken", code, errors, f"port {port}", "taken", f"pid={os.getpid()}", "HOMING_PORT")
    code, _, errors = up(options, "--out", folder / "port", HOMING_PORT="70000")
    expect("a port that is none", code, errors, "HOMING_PORT", "70000")
    (folder / "theirs").mkdir()
    (folder / "theirs" / "mails").write_text("mine")
    code, _, errors = up(options, "--out", folder / "theirs")
    expect("somebody's folder", code, errors, "files of something else")
    if (folder / "theirs" / "mails").read_text() != "mine":
        wrong.append("somebody's file is gone")
    for arguments, words in [(["--outt", "x"], ["--outt"]), (["--out"], ["--out needs a value"]),
                             (["--events", folder / "none.csv"], ["none.csv", "cannot be read"])]:
        code, _, errors = up(options, *arguments)
        expect(str(arguments), code, errors, *words)
    return wrong


def stays(options, folder):
    """Left running, its example calls answer, a second run is told to wait, and Ctrl-C ends all of it."""
    out = folder / "stay"
    run = begin(options, out, "--stay")
    lines = []
    for line in run.stdout:
        lines.append(line)
        if "homing\" report" in line:
            break
    wrong = []
    code, _, errors = up(options, "--out", out)
    if not code or "another Services/up" not in errors:
        wrong.append(f"a second run in the folder ended with {code}: {errors[-200:]}")
    start = next(index for index, line in enumerate(lines) if line.startswith("  export"))
    for line in lines[start + 2:]:
        # As a person pastes it: the first two lines, then one of the calls.
        script = "".join(lines[start:start + 2]) + line
        result = subprocess.run(["bash", "-ec", script], capture_output=True, text=True, cwd=folder, timeout=LIMIT)
        if result.returncode or not (result.stdout or "preview" in line):
            wrong.append(f"{shlex.join(line.split())} ended with {result.returncode}: {result.stderr[-200:]}")
    if not (folder / "letter.pdf").read_bytes().startswith(b"%PDF-"):
        wrong.append("the letter's preview is no PDF")
    os.killpg(run.pid, signal.SIGINT)
    run.communicate(timeout=LIMIT)
    return wrong + [f"{line} is left" for line in processes(out)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / ".build/release")
    options = parser.parse_args()
    options.bin = options.bin.resolve()
    checks = {
        "S09 Services/up makes mails, letters and one report, and does so again": twice,
        "S09 What a run leaves that was cut off is ended by the next": cut_off,
        "S09 What stands in the way is told in clear words": refusals,
        "S09 Services that stay answer the calls that are printed": stays,
    }
    failed = 0
    with tempfile.TemporaryDirectory(prefix="homing-up-") as folder:
        for name, check in checks.items():
            try:
                wrong = check(options, pathlib.Path(folder))
            except Exception as error:
                wrong = [repr(error)]
            failed += bool(wrong)
            print(f"FAIL {name}: {'; '.join(wrong)[:600]}" if wrong else f"PASS {name}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
