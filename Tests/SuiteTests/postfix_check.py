"""Mails of the reference flow through a real mail server, read back by Python's `email` (M01, M05, M18, T26).

    postfix_check.py [--bin FOLDER]

Starts a Postfix of its own, with configuration, queue and mailboxes below /tmp and on a loopback port, and the
services on a virtual clock with STARTTLS required. The system's Postfix is left alone. Needs root, for Postfix.
Prints `PASS name`, `FAIL name: why` or `SKIP name: why`.
"""

import argparse
import email
import email.policy
import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import tempfile
import time

import suite
from suite import NOTIFIER, TRACKER

T0 = 1_772_442_000  # 2026-03-02T09:00:00Z
HOUR, DAY = 3600, 86_400
MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """A mail server of its own: it takes mails to replay.invalid and puts them into one Maildir."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="homing-postfix-"))
        self.folder.chmod(0o755)
        self.port = suite.free_port()
        self.certificate, key = self.folder / "cert.pem", self.folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key,
                        "-out", self.certificate], check=True, capture_output=True)
        user = pwd.getpwnam("postfix")
        for name in ("etc", "data", "spool", "mail"):
            (self.folder / name).mkdir()
        for name in ("data", "mail"):
            os.chown(self.folder / name, user.pw_uid, user.pw_gid)
        (self.folder / "etc/main.cf").write_text("\n".join([
            "compatibility_level = 3.6", f"queue_directory = {self.folder}/spool", f"data_directory = {self.folder}/data",
            "command_directory = /usr/sbin", "daemon_directory = /usr/lib/postfix/sbin", "mail_owner = postfix",
            "setgid_group = postdrop", "inet_interfaces = 127.0.0.1", "inet_protocols = ipv4", "myhostname = mail.invalid",
            "mydestination =", "mynetworks = 127.0.0.0/8", "alias_maps =", "alias_database =", "biff = no",
            f"maillog_file = {self.folder}/data/mail.log", f"maillog_file_prefixes = {self.folder}/data",
            "virtual_mailbox_domains = replay.invalid", f"virtual_mailbox_base = {self.folder}/mail",
            "virtual_mailbox_maps = static:box/", f"virtual_uid_maps = static:{user.pw_uid}",
            f"virtual_gid_maps = static:{user.pw_gid}", f"virtual_minimum_uid = {min(user.pw_uid, 100)}",
            "smtpd_tls_security_level = may", f"smtpd_tls_cert_file = {self.certificate}", f"smtpd_tls_key_file = {key}",
            "smtpd_tls_received_header = yes", ""]))
        (self.folder / "etc/master.cf").write_text(MASTER.format(port=self.port))
        self.command("start")

    def command(self, word):
        result = subprocess.run(["/usr/sbin/postfix", "-c", self.folder / "etc", word], capture_output=True, text=True)
        if result.returncode and word == "start":
            raise RuntimeError(f"postfix {word}: {result.stdout}{result.stderr}{self.log()}")

    def log(self):
        path = self.folder / "data/mail.log"
        return path.read_text() if path.exists() else ""

    def wait(self, count, seconds=60):
        """The files of so many delivered mails, oldest first."""
        deadline = time.monotonic() + seconds
        while True:
            mails = sorted((self.folder / "mail/box/new").glob("*"), key=lambda path: path.stat().st_mtime)
            if len(mails) >= count or time.monotonic() > deadline:
                return mails
            time.sleep(0.05)

    def stop(self):
        self.command("stop")
        shutil.rmtree(self.folder, ignore_errors=True)


def report(name, wrong):
    print(f"FAIL {name}: {wrong}" if wrong else f"PASS {name}", flush=True)
    return not wrong


def run_to(services, second):
    """Lets time run to an instant from one due time to the next, everything done at each."""
    clocks = [name for name in services.services]
    now = None

    def each(method, body):
        # Who receives before who sends, so that nobody hears of what lies ahead of him.
        return [services_call(services, name, method, body) for name in reversed(clocks)]

    while True:
        previous = None
        while True:
            statuses = each("Status", {})
            counts = [sum(int(status.get(key, 0)) for status in statuses) for key in ("sent", "received")]
            quiet = all(status.get("idle") for status in statuses) and counts[0] == counts[1]
            if quiet and statuses == previous:
                break
            previous = statuses if quiet else None
        dues = sorted(status["nextDue"] for status in statuses if "nextDue" in status)
        end = suite.instant(second)
        if now == end:
            return
        now = min(dues[0], end) if dues else end
        each("Advance", {"to": now})


def services_call(services, name, method, body):
    command = services.homing("call", services.target(name), f"homing.clock.v1.Clock/{method}", "--data",
                              suite.json.dumps(body), "--json")
    result = subprocess.run(command, env=services.client, capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(f"{name} {method}: {result.stderr}")
    return suite.json.loads(result.stdout)


def check_mail(path, contact):
    """What is wrong with a mail as a standard parser reads it."""
    raw = path.read_bytes()
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    wrong = [str(defect) for part in mail.walk() for defect in part.defects]
    expected = {"to": f"{contact}@replay.invalid", "list-unsubscribe-post": "List-Unsubscribe=One-Click"}
    for name, value in expected.items():
        if value not in str(mail[name]):
            wrong.append(f"{name} is {mail[name]!r}")
    sender = mail["from"].addresses[0]
    if (sender.display_name, sender.addr_spec) != ("Müllers Lädchen", "shop@replay.invalid"):
        wrong.append(f"from is {mail['from']!r}")
    for name in ("date", "message-id", "subject", "mime-version", "list-unsubscribe"):
        if len(mail.get_all(name, [])) != 1:
            wrong.append(f"{name} is there {len(mail.get_all(name, []))} times")
    if not str(mail["list-unsubscribe"]).strip().startswith("<http"):
        wrong.append(f"list-unsubscribe is {mail['list-unsubscribe']!r}")
    if mail.get_content_type() != "multipart/alternative":
        wrong.append(f"it is {mail.get_content_type()}")
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    for part in (plain, html):
        if part is None:
            wrong.append("a part is missing")
            continue
        if part.get_content_charset() != "utf-8":
            wrong.append(f"charset of {part.get_content_type()} is {part.get_content_charset()}")
        text = part.get_content()
        for word in ("Größe A", "Köln"):
            if word not in text:
                wrong.append(f"{word} is not in {part.get_content_type()}")
        if "{{" in text:
            wrong.append(f"a tag was left in {part.get_content_type()}")
    header, _, _ = raw.partition(b"\n\n")
    if not header.isascii():
        wrong.append("a header is not ASCII")
    if any(len(line) > 998 for line in raw.splitlines()):
        wrong.append("a line is too long")
    return "; ".join(wrong)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=suite.BIN)
    parser.add_argument("--show", action="store_true", help="print the mails")
    options = parser.parse_args()
    name = "M01 M05 mails through Postfix under STARTTLS read back right"
    if os.geteuid() or not pathlib.Path("/usr/sbin/postfix").exists():
        print(f"SKIP {name}: needs root and Debian's postfix")
        return
    postfix = Postfix()
    providers = "\n".join([
        "[mail]", "kind = smtp", "channels = email", f"address = 127.0.0.1:{postfix.port}", "tls = required",
        f"ca-file = {postfix.certificate}", ""])
    services = suite.Suite(options.bin, services=("cart-tracker", "scheduler", "notifier"), providers=providers)
    fine = True
    try:
        services.start()
        run_to(services, T0)
        services.put_shop("shop", suite.reference_flow())
        contacts = [f"buyer-{number}" for number in range(20)]
        at = suite.instant(T0)
        events = [event for contact in contacts for event in (
            suite.contact_event(contact, at), suite.add_event(f"e-{contact}", at, contact, f"cart-{contact}"))]
        services.call(f"{TRACKER}/Record", {"store": "shop", "events": events})
        run_to(services, T0 + HOUR + DAY)
        messages = list(services.pages(f"{NOTIFIER}/ListMessages", {"store": "shop"}, "messages"))
        states = {message["state"] for message in messages}
        fine = report("M10 every mail was handed over", states != {"MESSAGE_STATE_HANDED_OVER"} and states) and fine
        files = postfix.wait(len(contacts))
        fine = report("I2 Postfix delivered each mail once", len(files) != len(contacts) and f"{len(files)} were") and fine
        wrong = []
        by_contact = {}
        for path in files:
            mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            by_contact[str(mail["to"]).split("@")[0].split("<")[-1].strip('"')] = path
            if options.show:
                print(path.read_text())
        for contact in contacts:
            problem = check_mail(by_contact[contact], contact) if contact in by_contact else "it is not there"
            if problem:
                wrong.append(f"{contact}: {problem}")
        fine = report(name, "; ".join(wrong[:3])) and fine
        over_tls = [path for path in files if b"with ESMTPS" in path.read_bytes()]
        fine = report("every mail came under TLS", len(over_tls) != len(files) and f"{len(over_tls)} did") and fine
    finally:
        services.stop()
        postfix.stop()
    sys.exit(not fine)


if __name__ == "__main__":
    main()
