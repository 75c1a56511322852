"""Real services over TLS on the virtual clock, with one connection to each.

The clock goes from one instant to the next at which something falls due or somebody acts; everything comes to rest before
it goes on. Needs what Interop/requirements.txt names.
"""

import pathlib
import shutil
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Interop"))

import homing_client  # noqa: E402
import suite  # noqa: E402
from google.protobuf import json_format  # noqa: E402
from homing_contract import Contract, tls_context  # noqa: E402

IDLE_MAX = 3
CLOCK = "homing.clock.v1.Clock"


class VirtualSuite:
    """`services` in the order in which rows go: who receives before who sends hears of the time."""

    def __init__(self, bin_folder, services):
        self.suite = suite.Suite(bin_folder, services=services, flushes=False)
        self.services = services
        self.contract, self.connections = Contract(), {}
        self.now = self.instants = 0
        self.used = {}

    def start(self):
        self.suite.start()
        for name in self.services:
            self.connect(name)

    def connect(self, name):
        certs = self.suite.certs
        context = tls_context(certs / "you.pem", certs / "you.key", certs / "ca.pem")
        if name in self.connections:
            self.connections[name].close()
        self.used[name] = time.monotonic()
        self.connections[name] = homing_client.Connection(
            self.contract, "127.0.0.1", self.suite.ports[name], context, f"spiffe://homing.test/{name}")

    def stop(self, keep=False):
        for connection in self.connections.values():
            connection.close()
        self.connections.clear()
        self.suite.stop(keep=keep)

    # Backups.

    def backup(self, into):
        """The databases as they lie there while nobody writes."""
        for name in self.services:
            (into / name).mkdir(parents=True)
            for path in (self.suite.folder / name).glob("*.db*"):
                shutil.copy(path, into / name / path.name)

    def put_back(self, source):
        """Databases of a backup in the place of the present ones; what stands beside them stays."""
        for name in self.services:
            for path in (self.suite.folder / name).glob("*.db*"):
                path.unlink()
            for path in (source / name).iterdir():
                shutil.copy(path, self.suite.folder / name / path.name)

    def restores(self, service):
        return list(self.call(service, "ListRestores", {}).restores)

    def release(self, service, decides=False):
        """What it holds since a restore; who asks is the operator."""
        for restore in self.restores(service):
            if not restore.HasField("released_at"):
                self.call(service, "ReleaseRestore", {"foundAt": restore.found_at.ToJsonString(), "decidesSteps": decides})
        self.rest()

    # Calls.

    def method(self, service, name):
        return self.contract.pool.FindServiceByName(service).methods_by_name.get(name)

    def request(self, name, service, method, body):
        """Sends a call; its answer is read from what is given back."""
        message = self.contract.message(self.method(service, method).input_type.full_name)()
        json_format.ParseDict(body, message)
        # Whoever says nothing for a while is cut off.
        if time.monotonic() - self.used[name] > IDLE_MAX:
            self.connect(name)
        self.used[name] = time.monotonic()
        connection = self.connections[name]
        call = connection.request(f"{service}/{method}", message, timeout=60)
        connection.turn(0)
        return call

    def call(self, service, method, body):
        return self.request(suite.OWNER[service], service, method, body).answer()

    def pages(self, service, method, body, rows):
        """All rows of a list."""
        after = ""
        while True:
            answer = self.call(service, method, {**body, "page": {"limit": 1000, "after": after}})
            yield from getattr(answer, rows)
            after = answer.next
            if not after:
                return

    # Time, in microseconds where it is not said.

    def advance(self, micros):
        self.now = micros
        second, rest = divmod(micros, 10**6)
        stamp = suite.instant(second)[:-1] + f".{rest:06d}Z"
        # Nobody is to hear of what lies ahead of him.
        for name in reversed(self.services):
            self.request(name, CLOCK, "Advance", {"to": stamp}).answer()
        self.instants += 1

    def rest(self):
        """Waits until nothing runs anywhere; when something falls due next, or None."""
        previous, end = None, time.monotonic() + 600
        while time.monotonic() < end:
            calls = [self.request(name, CLOCK, "Status", {}) for name in self.services]
            statuses = [call.answer() for call in calls]
            quiet = all(status.idle for status in statuses) and sum(status.sent for status in statuses) == sum(
                status.received for status in statuses)
            if quiet and statuses == previous:
                dues = [status.next_due.ToMicroseconds() for status in statuses if status.HasField("next_due")]
                return min(dues, default=None)
            previous = statuses if quiet else None
            if not quiet:
                time.sleep(0.001)
        raise RuntimeError("the services do not come to rest")

    def run_to(self, second):
        """Lets time run to an instant, everything done that falls due on the way."""
        end = second * 10**6
        due = self.rest()
        while due is not None and due < end:
            self.advance(due)
            due = self.rest()
        if self.now < end:
            self.advance(end)
            self.rest()


def reason(row):
    """The row's reason code without its prefix."""
    return row.DESCRIPTOR.fields_by_name["reason"].enum_type.values_by_number[row.reason].name.removeprefix("REASON_CODE_")
