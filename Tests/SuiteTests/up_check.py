"""Runs Services/up as a person does, with programs that are built already: well, again, cut off, and where it cannot.

    up_check.py [--bin FOLDER]

Prints `PASS name` or `FAIL name: why`; the last line is `ok N checks` where all went well. Ends itself after eight minutes.
"""

import argparse
import contextlib
import email
import os
import pathlib
import pty
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
UP = ROOT / "Services/up"
PROGRAMS = ["homing", "cart-tracker", "scheduler", "notifier", "direct-mail", "gateway"]
# What stays when a run is killed while it replays.
LEFT = ["mail", *PROGRAMS[1:], "replay"]
# A run that hangs is a failure, not a wait.
LIMIT = 120
WHOLE = 480
# Two days are enough where it is not about what comes out.
SHORT = ["--preset", "sample", "--window", "1d", "--step", "1h", "--flow", "cart-recovery-b2b"]
RUNNING = []


class Over(Exception):
    """All of it takes too long."""


def settings(options, environment):
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("HOMING_", "SUDO_", "NO_COLOR"))}
    return {**clean, "HOMING_BIN": str(options.bin), **environment}


def begin(options, *arguments, up=UP, **environment):
    """A run that goes on beside us, in a group of its own as in a terminal."""
    run = subprocess.Popen([str(up), *map(str, arguments)], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           env=settings(options, environment), start_new_session=True)
    RUNNING.append(run)
    return run


def up(options, *arguments, **environment):
    """One run: its code, its output and its errors."""
    run = begin(options, *arguments, **environment)
    output, errors = run.communicate(timeout=LIMIT)
    return run.returncode, output, errors


def killed(run):
    """The script alone is killed."""
    run.kill()
    run.wait(LIMIT)
    # What is left may hold the other ends.
    run.stdout.close()
    run.stderr.close()


def processes(place):
    """Those that work below a folder, by what they were started with."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (path / "cmdline").read_bytes() + b"\n" + (path / "environ").read_bytes()
            if str(place).encode() in words and path.name != str(os.getpid()):
                found.append(f"process {path.name} {(path / 'comm').read_text().strip()}")
    return found


def left(place):
    """What is still there after a moment for short calls to end."""
    limit = time.monotonic() + 3
    while processes(place) and time.monotonic() < limit:
        time.sleep(0.05)
    return [f"{line} is left" for line in processes(place)]


def until(condition, run, what):
    limit = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > limit or run.poll() is not None:
            raise RuntimeError(f"{what} did not come to pass")
        time.sleep(0.01)


def works_on(out, run, name):
    """Whether this run has started a process of that name."""
    with contextlib.suppress(OSError):
        lines = [line.split() for line in (out / "run/processes").read_text().splitlines()]
        return bool(lines) and lines[0][0] == str(run.pid) and any(line[2:3] == [name] for line in lines)
    return False


def outputs(out, text):
    """What is wrong with what lies in the folder, and with what was told of it."""
    wrong = []
    mails = sorted((out / "mails").glob("*.eml"))
    for path in mails:
        message = email.message_from_bytes(path.read_bytes())
        if message.defects or not message["Subject"] or not message["List-Unsubscribe"]:
            wrong.append(f"{path.name} is no mail of ours")
    letters = sorted((out / "letters").glob("*.pdf"))
    wrong += [f"{path.name} is no PDF" for path in letters if not path.read_bytes().startswith(b"%PDF-")]
    pieces = sum(len(path.read_text().splitlines()) - 1 for path in out.glob("letters/*/manifest.csv"))
    if not mails or not letters:
        wrong.append(f"there are {len(mails)} mails and {len(letters)} print runs")
    counts = (out / "run/counts.txt").read_text()
    wanted = dict(re.findall(r"^(rows|carts|episodes|letters|recovered) +(\d+)$", counts, re.M))
    wanted = {**wanted, "mails": str(len(mails)), "letters": str(pieces)}
    told = dict(re.findall(r"^  (\w+) +(\d+)   ", text, re.M))
    if told != wanted or len(told) != 6:
        wrong.append(f"told were {told}, there are {wanted}")
    report = (out / "report.html").read_text()
    if "</html>" not in report or re.search(r"(src|href)\s*=|url\(|@import", report):
        wrong.append("report.html is not complete in itself")
    if report.count("<header>") != 2:
        wrong.append("report.html does not hold both stores")
    if "\x1b" in text:
        wrong.append("there are colours where no terminal is")
    return wrong + left(out)


def twice(options, folder):
    out = folder / "a folder" / "out"
    wrong, digests, starts, certificates = [], [], [], []
    for number in ("first", "second"):
        begun = time.monotonic()
        run = begin(options, "--out", out)
        until(lambda: works_on(out, run, "replay"), run, "a replay")
        starts.append(time.monotonic() - begun)
        text, errors = run.communicate(timeout=LIMIT)
        if run.returncode or errors:
            return [f"the {number} run ended with {run.returncode}: {errors[-300:]}"]
        wrong += outputs(out, text)
        digests.append(re.search(r"^digest +(\w+)", (out / "run/counts.txt").read_text(), re.M).group(1))
        certificates.append((out / "run/certificates/you.pem").read_bytes())
    if digests[0] != digests[1]:
        wrong.append("the two runs found other episodes")
    if certificates[0] != certificates[1]:
        wrong.append("the second run made new certificates")
    print("# from the command to the replay: {:.1f} s, then {:.1f} s".format(*starts), flush=True)
    return wrong


def tree(options, place):
    """A checkout in a folder with blanks, and a `swift` that takes what is built already, slowly."""
    (place / "Services").mkdir(parents=True)
    (place / "Shared").mkdir()
    for name in ("up", "mail_sink.py"):
        shutil.copy(ROOT / "Services" / name, place / "Services" / name)
    for name in ("Package.swift", "Shared/One.swift"):
        (place / name).write_text("1\n")
    tools = place / "tools"
    tools.mkdir()
    (tools / "swift").write_text(f"""#!/bin/bash
if [ "$1" = --version ]; then echo "Swift version 0"; exit; fi
while [ "$1" != --package-path ]; do shift; done
echo "${{@: -1}}" >>"$2/builds"
sleep 0.5
mkdir -p "$2/.build/release"
ln -sf {shlex.quote(str(options.bin))}/"${{@: -1}}" "$2/.build/release/"
""")
    (tools / "swift").chmod(0o755)
    return {"up": place / "Services/up", "HOMING_BIN": "", "PATH": f"{tools}:{os.environ['PATH']}"}


def builds(options, folder):
    """Builds once, not again, and again where a file has changed; a build that was killed is done again."""
    place = folder / "a checkout with blanks"
    how = tree(options, place)
    log, wrong, starts = place / "builds", [], []
    run = begin(options, "--events", options.log, *SHORT, **how)
    until(lambda: log.exists() and len(log.read_text().split()) == 2, run, "a build")
    killed(run)
    log.unlink()
    for what, wanted in [("after a kill", PROGRAMS), ("again", []), ("after a change", PROGRAMS)]:
        if what == "after a change":
            (place / "Shared/One.swift").write_text("2\n")
        begun = time.monotonic()
        run = begin(options, "--events", options.log, *SHORT, **how)
        until(lambda: works_on(place / ".homing", run, "replay"), run, "a replay")
        starts.append(time.monotonic() - begun)
        if what == "again":
            text, errors = run.communicate(timeout=LIMIT)
            wrong += outputs(place / ".homing", text) + ([f"it ended with {errors}"] if run.returncode else [])
        else:
            run.terminate()
            run.communicate(timeout=LIMIT)
        built = log.read_text().split() if log.exists() else []
        log.unlink(missing_ok=True)
        if sorted(built) != sorted(wanted):
            wrong.append(f"{what} it built {built}")
    if starts[1] > starts[0]:
        wrong.append("the second run began after {1:.1f} s, the first after {0:.1f} s".format(*starts))
    return wrong + left(place)


def cut_off(options, folder):
    """Killed as services start and while it replays; the next run ends what is left, and nobody else, and goes well."""
    out, wrong = folder / "cut", []
    short = ["--out", out, "--events", options.log, *SHORT]
    other = subprocess.Popen(["sleep", "100"])
    try:
        for what in ("scheduler", "replay"):
            run = begin(options, *short)
            until(lambda: works_on(out, run, what) and (what != "replay" or list(out.glob("mails/*.eml"))), run, what)
            killed(run)
            if not processes(out):
                wrong.append(f"nothing was left to end at the {what}")
            # Numbers are used again: the same process id, and not one of ours.
            begun = pathlib.Path(f"/proc/{other.pid}/stat").read_text().rpartition(")")[2].split()[19]
            with (out / "run/processes").open("a") as file:
                file.write(f"{other.pid} {begun} scheduler {options.bin}/scheduler\n{other.pid} 1 replay /\n")
            code, text, errors = up(options, *short)
            if code:
                return [f"the run after a kill at the {what} ended with {code}: {text[-200:]}{errors[-200:]}"]
            named = re.search(r"^ending what an earlier run has left: (.*)$", text, re.M)
            if what == "replay" and (not named or sorted(named.group(1).split(", ")) != sorted(LEFT)):
                wrong.append(f"it said it ended {named and named.group(1)}")
            wrong += outputs(out, text)
        if other.poll() is not None:
            wrong.append("it ended a process that was none of ours")
    finally:
        other.kill()
        other.wait()
    return wrong


def interrupted(options, folder):
    """Ctrl-C and other signals end all of it."""
    wrong, out = [], folder / "interrupted"
    for number, send in [(signal.SIGINT, os.killpg), (signal.SIGTERM, os.kill), (signal.SIGHUP, os.kill)]:
        run = begin(options, "--out", out, "--events", options.log, *SHORT)
        until(lambda: works_on(out, run, "replay"), run, "a replay")
        send(run.pid, number)
        run.communicate(timeout=LIMIT)
        if run.returncode != 128 + number:
            wrong.append(f"a run that got {number.name} ended with {run.returncode}")
        wrong += left(out)
    return wrong


def refusals(options, folder):
    wrong = []

    def expect(what, result, *words):
        code, _, errors = result
        if code != 1 or errors.count("\n") != 1 or any(word not in errors for word in words):
            wrong.append(f"{what}: ended with {code}, said {errors[-200:]!r}")

    with socket.socket() as taken:
        port = next(port for port in range(21000, 31000) if taken.connect_ex(("127.0.0.1", port)))
    with socket.create_server(("127.0.0.1", port)):
        expect("a port that is taken", up(options, "--out", folder / "port", HOMING_PORT=str(port)),
               f"port {port}", "taken", f"(process {os.getpid()})", "HOMING_PORT")
    expect("a port that is none", up(options, "--out", folder / "port", HOMING_PORT="70000"), "HOMING_PORT", "70000")
    (folder / "theirs/run").mkdir(parents=True)
    (folder / "theirs/run/data").write_text("mine")
    expect("somebody's folder", up(options, "--out", folder / "theirs"), "files of something else")
    if (folder / "theirs/run/data").read_text() != "mine":
        wrong.append("somebody's file is gone")
    expect("no programs", up(options, "--out", folder / "port", HOMING_BIN=str(folder)), str(folder), "cart-tracker")
    expect("nothing to stop", up(options, "--stop", "--out", folder / "none"), "nothing has run")
    for arguments, words in [(["--outt", "x"], ["--outt"]), (["x"], ["x is no option"]), (["--out"], ["--out needs"]),
                             (["--events", folder / "none.csv"], ["none.csv", "cannot be read"]),
                             (["--events", options.log, "--windo", "1d"], ["--windo"]),
                             (["--window", "1d"], ["--window", "--events"]),
                             (["--stay", "--once"], ["--stay", "--once"])]:
        expect(str(arguments), up(options, *arguments), *words)
    code, text, _ = up(options, "--help")
    if code or not text.startswith("usage: Services/up"):
        wrong.append("--help does not help")
    # Every option of the replay that is about a log is taken.
    known = subprocess.run([options.bin / "homing", "replay", "--help"], capture_output=True, text=True).stdout
    own = {"local", "bin", "out", "target", "scheduler", "notifier", "direct-mail", "cert", "key", "ca", "peer", "json",
           "help"}
    for option in sorted(set(re.findall(r"^  (?:-h, )?--([a-z-]+)", known, re.M)) - own):
        if not re.search(rf"--{option}\b", UP.read_text()):
            wrong.append(f"--{option} of homing replay is not taken")
    return wrong


def stays(options, folder):
    """Left running, its calls answer, a second run is refused, and the command that it prints ends all of it."""
    out = folder / "it stays"
    run = begin(options, "--stay", "--out", out, "--events", options.log, *SHORT)
    lines = []
    for line in run.stdout:
        lines.append(line.rstrip("\n"))
        if "--stop" in line:
            break
    wrong = []
    code, _, errors = up(options, "--out", out)
    if code != 1 or "another Services/up" not in errors:
        wrong.append(f"a second run in the folder ended with {code}: {errors[-200:]}")
    start = next(index for index, line in enumerate(lines) if line.startswith("  export"))
    calls = [line for line in lines[start + 2:-2] if line.strip()]
    for line in calls:
        # As a person pastes it: the first two lines, then one of the calls.
        script = "\n".join([*lines[start:start + 2], line])
        result = subprocess.run(["bash", "-ec", script], capture_output=True, text=True, cwd=folder, timeout=LIMIT)
        if result.returncode or not (result.stdout.count("\n") > 1 or "preview" in line):
            wrong.append(f"{line} ended with {result.returncode}: {result.stderr[-200:]}{result.stdout}")
    if len(calls) < 6 or not (folder / "letter.pdf").read_bytes().startswith(b"%PDF-"):
        wrong.append(f"{len(calls)} calls, or the letter's preview is no PDF")
    stop = ["bash", "-ec", lines[-1]]
    result = subprocess.run(stop, capture_output=True, text=True, cwd=folder, timeout=LIMIT)
    run.communicate(timeout=LIMIT)
    if result.returncode or "nothing runs" not in result.stdout or run.returncode:
        wrong.append(f"--stop ended with {result.returncode}, the run with {run.returncode}: {result.stderr}")
    wrong += left(out)
    # Without its script too.
    run = begin(options, "--stay", "--out", out, "--events", options.log, *SHORT)
    while "--stop" not in (line := run.stdout.readline()) and line:
        pass
    killed(run)
    result = subprocess.run(stop, capture_output=True, text=True, cwd=folder, timeout=LIMIT)
    if result.returncode or "gateway" not in result.stdout:
        wrong.append(f"--stop after a kill ended with {result.returncode}: {result.stdout}{result.stderr}")
    return wrong + left(out)


def terminal(options, folder):
    """Bold words for a person at a terminal who has not asked for none, and places as that person would write them."""
    wrong = []
    for environment in ({}, {"NO_COLOR": "1"}):
        ours, theirs = pty.openpty()
        run = subprocess.Popen([UP, "--out", folder / "out", "--events", options.log, *SHORT], stdout=theirs,
                               stderr=subprocess.DEVNULL, env=settings(options, environment), cwd=folder,
                               start_new_session=True)
        RUNNING.append(run)
        os.close(theirs)
        text = b""
        with contextlib.suppress(OSError):
            while part := os.read(ours, 4096):
                text += part
        os.close(ours)
        if run.wait(LIMIT) or (b"\x1b[1mWhat happened" in text) == ("NO_COLOR" in environment):
            wrong.append(f"with {environment} a terminal shows {text[:200]!r}")
        lines = text.decode().splitlines()
        wrong += [f"too long: {line}" for line in lines if len(line) > 80 and not line.startswith("/")]
        if "out/report.html" not in [word for line in lines for word in line.split()]:
            wrong.append("the report's place is not told as its caller would write it")
    return wrong


CHECKS = {
    "S09 Services/up makes mails, letters and one report, and does so again": twice,
    "S09 What was built already is not built again; a checkout may lie in a folder with blanks": builds,
    "S09 What a run leaves that was cut off is ended by the next, and nothing else": cut_off,
    "S09 Ctrl-C and other signals end all of it": interrupted,
    "S09 What stands in the way is told in clear words": refusals,
    "S09 Services that stay answer the calls that are printed, and the command that is printed ends them": stays,
    "S09 A terminal shows bold words and short lines, and none bold with NO_COLOR": terminal,
}


def over(*_):
    raise Over(f"not done after {WHOLE} s")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / ".build/release")
    options = parser.parse_args()
    options.bin = options.bin.resolve()
    failed = 0
    signal.signal(signal.SIGALRM, over)
    signal.alarm(WHOLE)
    with tempfile.TemporaryDirectory(prefix="homing-up-", ignore_cleanup_errors=True) as folder:
        options.log = pathlib.Path(folder) / "short.csv"
        subprocess.run([options.bin / "homing", "sample", "--days", "2", "--seed", "1", "--out", options.log],
                       check=True, capture_output=True)
        for name, check in CHECKS.items():
            begun = time.monotonic()
            try:
                place = pathlib.Path(folder) / check.__name__
                place.mkdir()
                wrong = check(options, place)
            except Over as error:
                wrong, failed = [str(error)], failed + 1
            except Exception as error:
                wrong = [repr(error)]
            failed += bool(wrong)
            print(f"FAIL {name}: {'; '.join(wrong)[:900]}" if wrong else
                  f"PASS {name} ({time.monotonic() - begun:.0f} s)", flush=True)
            for run in RUNNING:
                # Ours, and it ends what it started.
                if run.poll() is None:
                    run.terminate()
                    run.wait()
            RUNNING.clear()
            if wrong and wrong[0].startswith("not done after"):
                break
    if failed:
        sys.exit(1)
    print(f"ok {len(CHECKS)} checks")


if __name__ == "__main__":
    main()
