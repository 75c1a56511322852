"""What both interop scripts share: the server under test, a list of named checks, the result."""
import argparse
import pathlib
import signal
import sys
import time
import traceback

from homing_client import Connection
from homing_contract import Contract, RPCError, tls_context

SERVER = "spiffe://homing.test/echo"
ECHO = "homing.echo.v1.Echo/"


class Server:
    """The server under test: where it is, and connections to it as the good client or another."""

    def __init__(self, host, port, directory, contract):
        self.host, self.port, self.contract = host, port, contract
        self.directory = pathlib.Path(directory)
        self._contexts = {}

    def context(self, name="client"):
        """One TLS context for each certificate, since sessions belong to their context."""
        if name not in self._contexts:
            self._contexts[name] = tls_context(
                self.directory / f"{name}.pem", self.directory / f"{name}.key",
                self.directory / "ca.pem")
        return self._contexts[name]

    def connect(self, name="client", settings=None, session=None, server=SERVER):
        return Connection(
            self.contract, self.host, self.port, self.context(name), server, settings, session)

    def echo(self, name, **fields):
        """A message of homing.echo.v1."""
        return self.contract.message(f"homing.echo.v1.{name}")(**fields)

    def settings(self, **fields):
        return self.contract.message("homing.rpc.v1.Settings")(**fields)

    def cart_event(self, **fields):
        event = self.echo(
            "CartEvent", store_id=48213, cart_id="7d0e4c1a", kind=2, ts_ms=1765432100123)
        event.items.add(sku="SKU-1", name="Merino Wool Sweater, Navy M", qty=1, price_minor=8990)
        event.MergeFrom(self.echo("CartEvent", **fields))
        return event


def refused(code, action):
    """Runs the action, which must fail with this code; gives the error back."""
    try:
        result = action()
    except RPCError as error:
        assert error.code == code, f"expected {code}, got {error}"
        return error
    raise AssertionError(f"expected {code}, got an answer of {len(str(result))} characters")


class Checks:
    """Checks in the order of their definition; prints a line for each."""

    def __init__(self, seconds_max=60):
        self._checks, self._seconds_max = [], seconds_max
        self.passed = self.failed = 0

    def __call__(self, function):
        self._checks.append(function)
        return function

    def run_one(self, name, action):
        def out_of_time(*_):
            raise TimeoutError(f"not done within {self._seconds_max} s")
        signal.signal(signal.SIGALRM, out_of_time)
        signal.alarm(self._seconds_max)
        begin = time.monotonic()
        try:
            note = action()
            self.passed += 1
            print(f"PASS {name} ({time.monotonic() - begin:.1f} s){f': {note}' if note else ''}",
                  flush=True)
        except Exception as error:
            self.failed += 1
            print(f"FAIL {name}: {type(error).__name__}: {error}", flush=True)
            traceback.print_exc(limit=-4)
        finally:
            signal.alarm(0)

    def select(self, wanted):
        """The checks whose name contains `wanted`, by name."""
        return {check.__name__: check for check in self._checks if wanted in check.__name__}

    def run(self, wanted, *arguments):
        for name, function in self.select(wanted).items():
            self.run_one(name, lambda: function(*arguments))

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed")
        sys.exit(1 if self.failed else 0)


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("certificates", help="directory with ca.pem, client.pem, client.key")
    parser.add_argument("--filter", default="", help="only checks whose name contains this")
    return parser


def server_of(options):
    return Server(options.host, options.port, options.certificates, Contract())
