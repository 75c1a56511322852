"""notifier into smtp-sink, beside smtp-source alone in the same run.

    Tests/run --benchmark notifier -- [--orders 50000] [--connections 64] [--rounds 3]

Each round: smtp-source → smtp-sink (10 sessions kept open), then the notifier. Its orders are stored first, all due at
one instant; from then on: permission (a stand-in for cart-tracker), rendering of the shipped reminder, intent, SMTP,
result, outcome. Prints mails a second, and CPU µs a mail of the notifier and of the sink.
"""

import argparse
import atexit
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("HOMING_BIN", ROOT / ".build/release"))
TEMPLATES = ROOT / "Services/Homing/Shipped/templates"
HZ = os.sysconf("SC_CLK_TCK")


def started(process):
    """Ends with this script, however that ends."""
    atexit.register(process.kill)
    return process


def free_port():
    for port in range(12_000, 30_000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    sys.exit("no free port")


def cpu(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / HZ


class Sink:
    def __init__(self):
        self.port = free_port()
        self.process = started(subprocess.Popen(["smtp-sink", "-u", "nobody", f"127.0.0.1:{self.port}", "1024"],
                                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


def source(count, size):
    """mails/s of Postfix's own generator."""
    sink = Sink()
    begin = time.monotonic()
    subprocess.run(["smtp-source", "-d", "-s", "10", "-m", str(count), "-l", str(size), "-f", "a@bench.test", "-t",
                    "b@bench.test", f"127.0.0.1:{sink.port}"], check=True, stdout=subprocess.DEVNULL)
    rate = count / (time.monotonic() - begin)
    used = cpu(sink.process.pid) / count * 1e6
    sink.stop()
    return rate, used


def certificates(folder):
    subprocess.run([BIN / "homing", "certs", "--out", folder, "--name", "notifier", "--name", "you"], check=True,
                   stdout=subprocess.DEVNULL)


def notifier(count, connections, lead, kept, folder, brakes=False):
    """What one notifier needs for so many mails; with `brakes`, of which none holds."""
    certs = folder / "certs"
    if not certs.exists():
        certificates(certs)
    data = folder / "data"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir()
    sink = Sink()
    (folder / "providers").write_text(
        f"[mail]\nkind = smtp\nchannels = email\naddress = 127.0.0.1:{sink.port}\ntls = off\n"
        f"connections = {connections}\n" + ("rate = 100000/s\nrate bench = 100000/s\n" if brakes else "rate = none\n"))
    (folder / "link-key").write_bytes(bytes(range(32)))
    own = {"HOMING_CERT": str(certs / "you.pem"), "HOMING_KEY": str(certs / "you.key"),
           "HOMING_CA": str(certs / "ca.pem"), "NOTIFIER_URI": "spiffe://homing.test/notifier"}
    if brakes:
        own["NOTIFIER_BRAKES"] = "1"
    # A call waits as long as it takes: the due instant lies in the future.
    load = started(subprocess.Popen(
        [BIN / "NotifierLoad", str(count), str(lead), TEMPLATES / "cart-reminder.en.subject.txt",
         TEMPLATES / "cart-reminder.en.html", TEMPLATES / "cart-reminder.en.txt"],
        env=dict(os.environ, **own), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    port = load.stdout.readline().rsplit(" ", 1)[1].strip()
    env = {k: v for k, v in os.environ.items() if not k.startswith("HOMING_")}
    env.update(
        HOMING_LISTEN="127.0.0.1:0", HOMING_CERT=str(certs / "notifier.pem"), HOMING_KEY=str(certs / "notifier.key"),
        HOMING_CA=str(certs / "ca.pem"), HOMING_DATA=str(data), HOMING_CART_TRACKER=f"127.0.0.1:{port}",
        HOMING_SCHEDULER=f"127.0.0.1:{port}", HOMING_PROVIDERS=str(folder / "providers"),
        HOMING_PUBLIC_URL="https://go.bench.example", HOMING_LINK_KEYS=f"1={folder / 'link-key'}",
        HOMING_CONTENT_KEPT=kept, HOMING_GRANTS="spiffe://homing.test/you=scheduler,operator,marketer,staff")
    process = started(subprocess.Popen([BIN / "notifier"], env=env, stdout=subprocess.PIPE,
                                       stderr=open(folder / "notifier.log", "w"), text=True))
    target = "127.0.0.1:" + process.stdout.readline().rsplit(":", 1)[1].strip()
    while '"ready"' not in (folder / "notifier.log").read_text():
        if process.poll() is not None:
            sys.exit((folder / "notifier.log").read_text())
        time.sleep(0.02)
    load.stdin.write(target + "\n")
    load.stdin.flush()
    if load.stdout.readline() != "prepared\n":
        sys.exit("the load was not prepared\n" + (folder / "notifier.log").read_text()[-4000:])
    before = cpu(process.pid)
    load.stdin.write("go\n")
    load.stdin.close()
    result = json.loads(load.stdout.readline() or "{}")
    if not result:
        sys.exit("the load ended without a result\n" + (folder / "notifier.log").read_text()[-4000:])
    result["notifier_us"] = (cpu(process.pid) - before) / count * 1e6
    result["sink_us"] = cpu(sink.process.pid) / count * 1e6
    result["load_us"] = cpu(load.pid) / count * 1e6 if load.poll() is None else None
    result["bytes"] = sum(f.stat().st_size for f in data.iterdir()) / count
    process.terminate()
    process.wait(20)
    load.wait(20)
    sink.stop()
    if result["outcomes"] != {"OUTCOME_KIND_HANDED_OVER": count}:
        sys.exit(f"not every mail was handed over: {result['outcomes']}")
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--orders", type=int, default=50_000)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lead", type=int, default=15, help="seconds in which the orders are stored")
    parser.add_argument("--kept", default="30d", help="HOMING_CONTENT_KEPT")
    options = parser.parse_args()
    if not shutil.which("smtp-sink"):
        os.environ["PATH"] += ":/usr/sbin"
    rows = []
    with tempfile.TemporaryDirectory(prefix="homing-notifier-") as name:
        folder = pathlib.Path(name)
        os.chmod(folder, 0o755)
        for _ in range(options.rounds):
            alone, alone_sink = source(options.orders, 5120)
            ours = notifier(options.orders, options.connections, options.lead, options.kept, folder)
            rate = options.orders / ours["handoff_s"]
            rows.append((alone, rate, ours))
            print(f"smtp-source {alone:8.0f}/s (sink {alone_sink:4.0f} µs)   notifier {rate:8.0f}/s   intake "
                  f"{options.orders / ours['intake_s']:8.0f}/s   CPU a mail: notifier {ours['notifier_us']:5.0f} µs, "
                  f"sink {ours['sink_us']:4.0f} µs   {ours['bytes']:6.0f} bytes on disk", flush=True)
    print(f"median: smtp-source {statistics.median(r[0] for r in rows):.0f}/s, "
          f"notifier {statistics.median(r[1] for r in rows):.0f}/s")


if __name__ == "__main__":
    main()
