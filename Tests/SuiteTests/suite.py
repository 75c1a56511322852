"""Real processes of all services for checks and benchmarks, and a mail server that keeps what it takes.

Needs Python's standard library only. Imported by kill_check.py, postfix_check.py and suite_benchmark.py.
"""

import datetime
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("HOMING_BIN", ROOT / ".build/release"))
SERVICES = ("cart-tracker", "scheduler", "notifier", "direct-mail", "gateway")
TRACKER = "homing.cart_tracker.v1.CartTracker"
SCHEDULER = "homing.scheduler.v1.Scheduler"
NOTIFIER = "homing.notifier.v1.Notifier"
DIRECT_MAIL = "homing.direct_mail.v1.DirectMail"
# Of messages without a fate.
OPEN = ("MESSAGE_STATE_WAITING", "MESSAGE_STATE_SENDING")
OWNER = {TRACKER: "cart-tracker", SCHEDULER: "scheduler", NOTIFIER: "notifier", DIRECT_MAIL: "direct-mail"}
_next_port = 15_000 + os.getpid() * 61 % 16_000


def free_port():
    """A port of 127.0.0.1 that nobody listens on, below those of outgoing connections."""
    global _next_port
    while True:
        _next_port = 15_000 + (_next_port - 14_999) % 17_000
        with socket.socket() as candidate:
            try:
                candidate.bind(("127.0.0.1", _next_port))
                return _next_port
            except OSError:
                continue


def instant(second):
    """RFC 3339, in microseconds where it is not a whole second."""
    whole, micros = divmod(int(second * 1_000_000), 1_000_000)
    fraction = f".{micros:06}" if micros else ""
    return time.strftime(f"%Y-%m-%dT%H:%M:%S{fraction}Z", time.gmtime(whole))


def second(text):
    """Seconds since 1970 of an RFC 3339 instant."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def report(name, wrong, words=""):
    """One line for a check; `wrong` says in words what is not as it must be. True where nothing is."""
    print(f"FAIL {name}: {'; '.join(str(part) for part in wrong[:5])}" if wrong else f"PASS {name} {words}".rstrip(), flush=True)
    return not wrong


def until(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} did not come within {seconds} s")
        time.sleep(0.02)


def once(times, wanted):
    """What is wrong with how often each was written to, each of `wanted` being due exactly one mail."""
    wrong = [f"{who} got {times[who]}" for who in wanted if times[who] != 1]
    return wrong + [f"{who} got {count}" for who, count in times.items() if who not in wanted]


class SMTPSink:
    """Takes mails in clear and records each when its final dot is answered.

    `answer(stage, recipient)` may give a line such as `451 4.3.0 later` for a stage of `mail`, `rcpt`, `dot`. Without
    `keeps` a mail's text is not kept.
    """

    def __init__(self, answer=None, port=0, keeps=True):
        self.answer = answer or (lambda stage, recipient: None)
        self.mails, self.keeps = [], keeps
        self.connections = 0
        self.lock = threading.Lock()
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.port = port or free_port()
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(256)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            with connection, connection.makefile("rb") as lines:
                self.session(connection, lines)
        except OSError:
            pass  # The other side was ended.

    def session(self, connection, lines):
        connection.sendall(b"220 sink ESMTP\r\n")
        recipients, sender = [], ""
        for line in lines:
            verb = line[:4].upper()
            if verb in (b"EHLO", b"HELO"):
                reply = "250-sink\r\n250-PIPELINING\r\n250 8BITMIME"
            elif verb == b"MAIL":
                recipients, sender = [], self.address(line)
                reply = self.answer("mail", "") or "250 2.1.0 ok"
            elif verb == b"RCPT":
                recipient = self.address(line)
                reply = self.answer("rcpt", recipient) or "250 2.1.5 ok"
                if reply.startswith("2"):
                    recipients.append(recipient)
            elif verb == b"DATA" and recipients:
                connection.sendall(b"354 go on\r\n")
                body = []
                for part in lines:
                    if part == b".\r\n":
                        break
                    body.append(part[1:] if part.startswith(b".") else part)
                else:
                    return
                reply = self.answer("dot", recipients[0]) or "250 2.0.0 taken"
                if reply.startswith("2"):
                    # It is taken now, whether or not the other side is still there to hear it.
                    with self.lock:
                        self.mails.append((time.time(), sender, recipients, b"".join(body if self.keeps else ())))
            elif verb == b"QUIT":
                connection.sendall(b"221 2.0.0 bye\r\n")
                return
            elif verb in (b"RSET", b"NOOP"):
                reply = "250 2.0.0 ok"
            else:
                reply = "503 5.5.1 not now"
            connection.sendall(reply.encode() + b"\r\n")

    @staticmethod
    def address(line):
        found = re.search(rb"<([^>]*)>", line)
        return found.group(1).decode() if found else ""

    def close(self):
        self.listener.close()


class Suite:
    """The services on one folder; ports stay the same, so that each can be ended and started anew."""

    def __init__(self, bin_folder, services=SERVICES, virtual=True, smtp=None, providers=None, flushes=True, settings=None):
        self.bin = pathlib.Path(bin_folder)
        self.services = [name for name in SERVICES if name in services]
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="homing-suite-"))
        self.certs = self.folder / "certs"
        self.ports = {name: free_port() for name in SERVICES}
        self.http_port = free_port()
        self.virtual, self.flushes = virtual, flushes
        self.settings = settings or {}
        self.processes = {}
        names = [word for name in (*self.services, "you") for word in ("--name", name)]
        subprocess.run([self.bin / "homing", "certs", "--out", self.certs, *names], check=True, capture_output=True)
        (self.folder / "link.key").write_bytes(b"B" * 32)
        out = self.folder / "out"
        out.mkdir()
        (self.folder / "providers").write_text(providers or "\n".join([
            "[mail]", *(["kind = smtp", "channels = email", f"address = 127.0.0.1:{smtp}", "tls = off"] if smtp else
                        ["kind = folder", "channels = email", f"path = {out}/mails"]),
            "[texts]", "kind = folder", "channels = sms, chat, push, webhook", f"path = {out}/texts", ""]))
        self.clean = {key: value for key, value in os.environ.items() if not key.startswith("HOMING_")}
        self.client = dict(self.clean, HOMING_CERT=str(self.certs / "you.pem"), HOMING_KEY=str(self.certs / "you.key"),
                           HOMING_CA=str(self.certs / "ca.pem"))

    def target(self, name):
        return f"127.0.0.1:{self.ports[name]}"

    def environment(self, name):
        roles = "shop,staff,marketer,operator,scheduler,notifier,cart-tracker,gateway"
        grants = [f"spiffe://homing.test/you={roles}"] + [f"spiffe://homing.test/{n}={n}" for n in self.services]
        env = dict(self.clean, HOMING_LISTEN=self.target(name), HOMING_CERT=str(self.certs / f"{name}.pem"),
                   HOMING_KEY=str(self.certs / f"{name}.key"), HOMING_CA=str(self.certs / "ca.pem"),
                   HOMING_GRANTS=";".join(grants), HOMING_CLOCK="virtual" if self.virtual else "system")
        needs = {"cart-tracker": ["scheduler"], "scheduler": ["cart-tracker", "notifier", "direct-mail"],
                 "notifier": ["cart-tracker", "scheduler"], "direct-mail": ["cart-tracker", "scheduler"],
                 "gateway": ["notifier", "direct-mail"]}[name]
        for other in needs:
            if other in self.services:
                env["HOMING_" + other.upper().replace("-", "_")] = self.target(other)
        if name == "gateway":
            env["HOMING_HTTP_LISTEN"] = f"127.0.0.1:{self.http_port}"
        else:
            data = self.folder / name
            data.mkdir(exist_ok=True)
            env["HOMING_DATA"] = str(data)
            if not self.flushes:
                env["HOMING_FLUSH"] = "false"
        if name in ("notifier", "direct-mail"):
            env.update(HOMING_LINK_KEYS=f"1={self.folder}/link.key", HOMING_PUBLIC_URL=f"http://127.0.0.1:{self.http_port}")
        if name == "notifier":
            env["HOMING_PROVIDERS"] = str(self.folder / "providers")
        if name == "direct-mail":
            env.update(HOMING_LETTERS=str(self.folder / "out/letters"), HOMING_CUT_OFF_EVERY="1d")
        env.update(self.settings.get(name, {}))
        return env

    def launch(self, name):
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen([self.bin / name], env=self.environment(name), stdout=subprocess.PIPE,
                                                    stderr=log)

    def wait(self, name, seconds=60):
        process = self.processes[name]
        readable, _, _ = select.select([process.stdout], [], [], seconds)
        line = process.stdout.readline().decode() if readable else ""
        if not line.startswith("listening on "):
            raise RuntimeError(f"{name} did not start: {self.log_tail(name)}")
        deadline = time.monotonic() + seconds
        while subprocess.run([self.bin / "homing", "health", self.target(name)], env=self.client, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL).returncode:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{name} does not serve: {self.log_tail(name)}")
            time.sleep(0.02)

    def start(self, *names):
        for name in names or self.services:
            self.launch(name)
        for name in names or self.services:
            self.wait(name)

    def kill(self, name):
        process = self.processes[name]
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()

    def log_tail(self, name):
        lines = (self.folder / f"{name}.log").read_text(errors="replace").splitlines()
        return "\n".join(lines[-5:])

    def stop(self, keep=False):
        for process in self.processes.values():
            if process.poll() is None:
                process.terminate()
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    # What is asked of them.

    def call(self, method, body):
        """One call by `homing call`; the answer."""
        command = [self.bin / "homing", "call", self.target(OWNER[method.split("/")[0]]), method, "--data", "-", "--json"]
        result = subprocess.run(command, env=self.client, input=json.dumps(body), capture_output=True, text=True)
        if result.returncode:
            raise RuntimeError(f"{method}: {result.stderr.strip()}")
        return json.loads(result.stdout)

    def pages(self, method, body, rows):
        """All rows of a list."""
        after = ""
        while True:
            answer = self.call(method, {**body, "page": {"limit": 1000, "after": after}})
            yield from answer.get(rows, [])
            after = answer.get("next", "")
            if not after:
                return

    def homing(self, *arguments):
        return [self.bin / "homing", *[str(argument) for argument in arguments]]

    def put_shop(self, store, flow, window="3600s", **more):
        """A store with the shipped templates, a flow, and test mode; on the present instant of the clocks."""
        self.call(f"{TRACKER}/PutStore", {
            "store": store, "idempotencyKey": f"put-{store}", "settings": {
                "name": store, "controller": "check", "timeZone": "Europe/Berlin", "locale": "de", "countryCode": "DE",
                "detection": True, "window": {"span": window}, "feedLimit": "0s", "imprint": {
                    "legalName": "Shop GmbH", "address": {"countryCode": "DE", "streetLines": ["Weg 1"],
                                                          "postalCode": "12345", "locality": "Köln"},
                    "senderName": "Müllers Lädchen", "senderEmail": "shop@replay.invalid",
                    "supportEmail": "help@replay.invalid", "website": "https://shop.invalid/"}, **more}})
        for template in shipped_templates():
            self.call(f"{NOTIFIER}/PutTemplate", {
                "store": store, "idempotencyKey": f"t-{template['template']}-{template['locale']}", **template})
        checked = self.call(f"{SCHEDULER}/CheckFlow", {"store": store, "text": flow})
        if checked.get("problems"):
            raise RuntimeError(checked["problems"])
        self.call(f"{SCHEDULER}/ApplyFlow", {"store": store, "idempotencyKey": "apply", "text": flow})
        for name in ("", checked["flow"]["name"]):
            self.call(f"{SCHEDULER}/SetMode", {"store": store, "idempotencyKey": f"mode-{name}", "flow": name,
                                               "mode": "MODE_TEST", "testAddresses": ["@replay.invalid", "+999*"]})


def shipped_templates():
    """The templates that come with `homing`, in every locale, as PutTemplate wants them."""
    folder = ROOT / "Services/Homing/Shipped/templates"
    for heading in sorted(folder.glob("*.template")):
        words = dict(line.split(":", 1) for line in heading.read_text().splitlines() if ":" in line)
        for locale in ("de", "en"):
            stem = f"{heading.stem}.{locale}"
            if not (folder / f"{stem}.txt").exists():
                continue
            parts = {"text": (folder / f"{stem}.txt").read_text()}
            if (folder / f"{stem}.html").exists():
                parts["html"] = (folder / f"{stem}.html").read_text()
                parts["subject"] = (folder / f"{stem}.subject.txt").read_text().strip()
            parts["required"] = [word.strip() for word in words.get("required", "").split(",") if word.strip()]
            yield {"template": heading.stem, "locale": locale, "channel": "CHANNEL_" + words["channel"].strip().upper(),
                   "parts": parts}


def reference_flow():
    return (ROOT / "Services/Homing/Shipped/flows/cart-recovery.yaml").read_text()


def contact_event(contact, at, number="+999123456789"):
    """A contact with an e-mail address, a number, and consent to both, openings and clicks included."""
    return {"id": f"meet-{contact}", "at": at, "contact": contact, "contactUpserted": {"profile": {
        "givenName": "Änne", "familyName": "Ó Súilleabháin", "locale": "de", "destinations": [
            {"channel": "CHANNEL_EMAIL", "address": f"{contact}@replay.invalid", "confirmedAt": at},
            {"channel": "CHANNEL_SMS", "address": number, "confirmedAt": at}],
        "consents": [{"channel": channel, "purpose": purpose, "source": "check", "givenAt": at, "confirmedAt": at}
                     for channel in ("CHANNEL_EMAIL", "CHANNEL_SMS") for purpose in ("recovery", "tracking")]}}}


def add_event(identity, at, contact, cart, sku="A"):
    return {"id": identity, "at": at, "contact": contact, "cart": cart, "itemAdded": {"line": {
        "sku": sku, "name": f"Größe {sku}", "quantity": {"units": "1"}, "unitPrice": {"currencyCode": "EUR", "units": "10"}}}}
