"""Hostile peers against a running `homing echo`, each answered as proto/README.md section 8 says.

    bad_peers.py HOST PORT CERTDIR --pid PID [--filter TEXT]

CERTDIR is one made by certificates.py, with its CA's key. After each peer a good call must work, on
a new connection and on one that was there before; at the end the server's memory must be back.
"""
import contextlib
import random
import socket
import ssl
import struct
import sys
import threading
import time

from certificates import DOMAIN, Authority
from checks import ECHO, Checks, arguments, server_of
from homing_contract import tls_context
from raw_peer import (RawPeer, ServerProcess, Watch, expect_go_away, expect_refused, packet,
                      status_of)

RSS_GROWTH_MAX = 8 << 20
check = Checks()
lonely_check = Checks()  # Takes all there is of something: runs before the others.
slow_check = Checks()  # Waits for a limit of seconds: these run beside the others.


def sleeping(peer, seconds=3600):
    return peer.server.echo("UnaryRequest", delay={"seconds": seconds}).SerializeToString()


def open_unary(peer, stream_id, payload=b"", method="Unary", **fields):
    return peer.frame(stream_id=stream_id, method=ECHO + method, messages=[payload],
                      half_close=True, **fields)


def open_stream(peer, stream_id, *messages):
    return peer.frame(stream_id=stream_id, method=ECHO + "BidirectionalStream", messages=messages)


def still_good(peer, stream_id=1 << 20):
    """The connection must have survived."""
    peer.send(open_unary(peer, stream_id, method="Empty"))
    assert status_of(peer, stream_id)[0] == "OK"
    peer.close()


# Bytes that are not frames, and frames that break a rule of the connection: go-away, closed.

def broken(name, code, make):
    """Adds a check: what `make` gives for a fresh peer is answered by a go-away of this code."""
    def function(server, _):
        peer = RawPeer(server)
        peer.send(*make(peer))
        return expect_go_away(peer, code)
    function.__name__ = name
    check(function)


def invalid(name, make):
    broken(name, "INVALID_ARGUMENT", make)


broken("length_over_the_limit", "RESOURCE_EXHAUSTED", lambda p: [struct.pack(">I", (4 << 20) + 1)])
broken("length_of_4_gib", "RESOURCE_EXHAUSTED", lambda p: [b"\xff\xff\xff\xff"])
broken("http_instead_of_frames", "RESOURCE_EXHAUSTED", lambda p: [b"GET / HTTP/1.1\r\n\r\n"])
invalid("length_0", lambda p: [b"\0\0\0\0"])
invalid("garbage", lambda p: [packet(b"\xff" + random.Random(1).randbytes(500))])
invalid("field_longer_than_its_frame", lambda p: [packet(b"\x0d\1\0\0\0\x12\x7fa")])
invalid("deep_nesting_of_groups", lambda p: [packet(b"\xa3\x06" * 100_000)])
invalid("good_frame_then_garbage", lambda p: [open_unary(p, 1, sleeping(p)), packet(b"\xff" * 9)])
invalid("messages_with_id_0", lambda p: [p.frame(messages=[b"x"])])
invalid("method_with_id_0", lambda p: [open_unary(p, 0)])
invalid("half_close_with_id_0", lambda p: [p.frame(half_close=True)])
invalid("cancel_with_id_0", lambda p: [p.frame(cancel=True)])
invalid("ping_on_a_stream", lambda p: [open_stream(p, 1), p.frame(stream_id=1, ping={"id": 1})])
invalid("settings_on_a_stream", lambda p: [p.frame(
    stream_id=1, method=ECHO + "Empty", settings={"streams_max": 5})])
invalid("go_away_on_a_stream", lambda p: [open_stream(p, 1), p.frame(stream_id=1, go_away={})])
invalid("status_from_a_client", lambda p: [open_stream(p, 1), p.frame(stream_id=1, status={})])
invalid("trailers_from_a_client", lambda p: [
    open_stream(p, 1), p.frame(stream_id=1, trailers=[{"key": "a", "value": b"b"}])])
invalid("messages_for_an_unknown_stream", lambda p: [p.frame(stream_id=5, messages=[b"x"])])
invalid("cancel_for_an_unknown_stream", lambda p: [p.frame(stream_id=5, cancel=True)])
invalid("credit_for_an_unknown_stream", lambda p: [p.frame(stream_id=5, credit=1)])
invalid("id_used_twice", lambda p: [open_unary(p, 5, sleeping(p)), open_unary(p, 5, sleeping(p))])
invalid("id_below_the_last", lambda p: [open_unary(p, 5, sleeping(p)), open_unary(p, 4)])
invalid("id_of_an_ended_call_again", lambda p: [open_unary(p, 5, method="Empty")] * 2)
invalid("settings_late", lambda p: [open_stream(p, 1), p.frame(settings={"streams_max": 5})])
invalid("settings_twice", lambda p: [p.frame(settings={}), p.frame(settings={})])
invalid("frame_limit_too_small", lambda p: [p.frame(settings={"frame_bytes_max": 1000})])
invalid("frame_limit_too_large", lambda p: [p.frame(settings={"frame_bytes_max": 65 << 20})])
invalid("window_too_large", lambda p: [p.frame(settings={"connection_window": (1 << 64) - 1})])
invalid("credit_too_large", lambda p: [p.frame(credit=1 << 62), p.frame(credit=1 << 62)])
invalid("credit_that_overflows", lambda p: [p.frame(credit=(1 << 64) - 1)] * 2)
invalid("stream_credit_too_large", lambda p: [
    open_stream(p, 1), *[p.frame(stream_id=1, credit=1 << 62)] * 2])
broken("ping_flood", "RESOURCE_EXHAUSTED",
       lambda p: [p.frame(ping={"id": number}) for number in range(1000)])


@check
def truncated_frame(server, _):
    for end in ("close", "shutdown", "reset"):
        peer = RawPeer(server)
        peer.send(packet(bytes(1000))[:500])
        if end == "reset":
            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if end == "shutdown":
            peer.socket.settimeout(5)
            plain = peer.socket.unwrap()  # Returns when the server has said close_notify too.
            assert not plain.recv(1), "the server stays"
        peer.close()


# Broken rules of a call: it ends with a status, the connection goes on.

def refused_call(name, code, make, stream_id=1):
    def function(server, _):
        peer = RawPeer(server)
        peer.send(*make(peer))
        got, status = status_of(peer, stream_id)
        assert got == code, f"expected {code}, got {got}: {status.message}"
        still_good(peer)
        return status.message
    function.__name__ = name
    check(function)


def metadata(peer, *entries):
    return [open_unary(peer, 1, method="Empty", metadata=[
        {"key": key, "value": value} for key, value in entries])]


for call_name, call_entries in {
        "metadata_key_in_capitals": [("Key", b"v")], "metadata_key_empty": [("", b"v")],
        "metadata_key_too_long": [("k" * 65, b"v")], "metadata_key_with_space": [("a b", b"v")],
        "metadata_value_with_newline": [("key", b"a\nb")],
        "metadata_value_not_ascii": [("key", "ä".encode())]}.items():
    refused_call(call_name, "INVALID_ARGUMENT", lambda p, e=call_entries: metadata(p, *e))
refused_call("metadata_over_the_limit", "RESOURCE_EXHAUSTED",
             lambda p: metadata(p, ("key-bin", bytes(17 << 10))))
refused_call("metadata_of_many_entries_over_the_limit", "RESOURCE_EXHAUSTED",
             lambda p: metadata(p, *[("key", b"0123456789abc")] * 1025))
refused_call("method_name_over_the_limit", "INVALID_ARGUMENT",
             lambda p: [open_unary(p, 1, method="x" * 257)])
refused_call("unary_without_a_message", "INVALID_ARGUMENT", lambda p: [
    p.frame(stream_id=1, method=ECHO + "Unary", half_close=True)])
refused_call("unary_with_two_messages", "INVALID_ARGUMENT", lambda p: [
    p.frame(stream_id=1, method=ECHO + "Unary", messages=[b"", b""], half_close=True)])
refused_call("unary_without_half_close", "INVALID_ARGUMENT", lambda p: [
    p.frame(stream_id=1, method=ECHO + "Unary", messages=[b""])])


def late_part(peer, seconds):
    return peer.server.echo(
        "ServerStreamRequest", parts=[{"delay": {"seconds": seconds}}]).SerializeToString()


refused_call("messages_after_half_close", "INVALID_ARGUMENT", lambda p: [
    open_stream(p, 1, late_part(p, 3600)), p.frame(stream_id=1, half_close=True),
    p.frame(stream_id=1, messages=[b""])])
refused_call("messages_without_credit", "RESOURCE_EXHAUSTED", lambda p: [
    open_stream(p, 1, late_part(p, 3600)),
    *[p.frame(stream_id=1, messages=[bytes(64 << 10)])] * 14])


@check
def metadata_at_the_limit_is_accepted(server, _):
    peer = RawPeer(server)
    peer.send(*metadata(peer, ("key-bin", bytes((16 << 10) - 7))))
    assert status_of(peer, 1)[0] == "OK"
    still_good(peer)


@check
def more_streams_than_allowed(server, _):
    peer = RawPeer(server)
    peer.send(*[open_unary(peer, number, sleeping(peer)) for number in range(1, 1031)])
    for number in range(1025, 1031):
        got, status = status_of(peer, number)
        assert got == "RESOURCE_EXHAUSTED" and status.HasField("retry_after"), status
    peer.send(*[peer.frame(stream_id=number, cancel=True) for number in range(1, 11)])
    for number in range(2000, 2050):  # Until the ten cancelled handlers have really ended.
        peer.send(open_unary(peer, number, method="Empty"))
        if status_of(peer, number)[0] == "OK":
            return peer.close()
        time.sleep(0.05)
    raise AssertionError("cancelled calls keep their places")


@check
def rapid_reset(server, _):
    peer, sent = RawPeer(server), 0
    peer.socket.settimeout(20)
    try:
        for begin in range(1, 100_001, 500):
            peer.send(b"".join(
                open_unary(peer, number, sleeping(peer)) + peer.frame(stream_id=number, cancel=True)
                for number in range(begin, begin + 500)))
            sent += 500
    except OSError:
        pass
    message = expect_go_away(peer, "RESOURCE_EXHAUSTED", reset_is_fine=True)
    return f"after {sent} of 100,000: {message}"


def flood(server, process, method, tail):
    """Opens a call with a frame that ends in `tail`; what the server needs and answers."""
    peer, before = RawPeer(server), process.rss_bytes()
    peer.send(packet(peer.contract.Frame(
        stream_id=1, method=ECHO + method, half_close=True).SerializeToString() + tail))
    frames, ended = peer.frames(20, lambda frame: frame.HasField("status"))
    grown = process.rss_bytes() - before
    peer.close()
    assert frames, f"no answer, connection {ended or 'open'}"
    assert grown < 64 << 20, f"{grown >> 20} MiB for a frame of 4 MiB"
    last = frames[-1]
    code = last.go_away.status.code or last.status.code
    return f"+{grown >> 20} MiB, {peer.contract.codes[code].name}"


@check
def flood_of_empty_messages(server, process):
    """2 M messages of no bytes in one frame, which cost the sender no credit."""
    return flood(server, process, "ClientStream", b"\x2a\0" * 2_000_000)


@check
def flood_of_unknown_fields(server, process):
    return flood(server, process, "Empty", b"\x2a\0" + b"\xa0\x06\x01" * 1_300_000)


# Peers that may not come in: an alert or an end, and never a frame.

def refused_peer(name, certificate):
    def function(server, _):
        # A missing file would look like a refusal.
        assert (server.directory / f"{certificate}.pem").is_file(), "run certificates.py first"
        return expect_refused(lambda: RawPeer(server, certificate))
    function.__name__ = name
    check(function)


refused_peer("certificate_of_another_ca", "foreign-ca")
refused_peer("certificate_of_a_ca_of_the_same_name", "same-name-ca")
refused_peer("certificate_expired", "expired")
refused_peer("certificate_not_valid_yet", "early")
refused_peer("another_trust_domain", "foreign-domain")
refused_peer("uri_name_without_a_path", "no-path")
refused_peer("uri_name_of_another_scheme", "not-spiffe")
refused_peer("two_uri_names", "two-names")
refused_peer("no_uri_name", "no-name")


def client_context(server, **changes):
    context = tls_context(server.directory / "client.pem", server.directory / "client.key",
                          server.directory / "ca.pem")
    for name, value in changes.items():
        setattr(context, name, value)
    return context


@check
def no_client_certificate(server, _):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(server.directory / "ca.pem")
    context.set_alpn_protocols(["homing/1"])
    return expect_refused(lambda: RawPeer(server, context=context))


@check
def tls_1_2(server, _):
    context = client_context(
        server, minimum_version=ssl.TLSVersion.TLSv1_2, maximum_version=ssl.TLSVersion.TLSv1_2)
    return expect_refused(lambda: RawPeer(server, context=context))


@check
def no_application_protocol(server, _):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(server.directory / "ca.pem")
    context.load_cert_chain(server.directory / "client.pem", server.directory / "client.key")
    return expect_refused(lambda: RawPeer(server, context=context))


@check
def another_application_protocol(server, _):
    context = client_context(server)
    context.set_alpn_protocols(["h2", "homing/2"])
    return expect_refused(lambda: RawPeer(server, context=context))


@check
def no_tls_at_all(server, _):
    with socket.create_connection((server.host, server.port)) as tcp:
        tcp.settimeout(8)
        tcp.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            while tcp.recv(4096):
                pass


# Peers that stop half way.

@check
def half_a_tls_record_then_silence(server, process):
    connection = server.connect()
    connection.unary(ECHO + "Empty", server.echo("EmptyRequest"))
    call = connection.request(ECHO + "Unary", server.echo("UnaryRequest", payload=bytes(9000)))
    connection.tls.write(b"".join(connection._posted))
    connection._posted.clear()
    record = connection._out.read()
    connection.socket.send(record[:len(record) // 2])
    time.sleep(0.3)
    before = process.cpu_seconds()
    time.sleep(3)
    used = process.cpu_seconds() - before
    assert used <= 0.1, f"the server used {used:.2f} s of CPU in 3 s of silence"
    connection.socket.send(record[len(record) // 2:])
    assert len(call.answer().payload) == 9000
    return f"{used:.2f} s of CPU in 3 s"


@lonely_check
def unfinished_handshakes(server, process):
    witness = server.connect()
    hello, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        server.context().wrap_bio(hello, out).do_handshake()
    hello = out.read()
    before, watches = process.cpu_seconds(), []
    for number in range(400):
        tcp = socket.create_connection((server.host, server.port))
        if number % 4 == 0:
            tcp.sendall(hello[:number % len(hello)])
        elif number % 4 == 1:
            tcp.sendall(hello)  # The server answers, the client never finishes.
        watches.append(Watch(tcp, 15))
    witness.unary(ECHO + "Unary", server.echo("UnaryRequest", payload=b"meanwhile"))
    begin = time.monotonic()
    server.connect().unary(ECHO + "Empty", server.echo("EmptyRequest"))
    newcomer = time.monotonic() - begin
    for watch in watches:
        watch.join(16)
    ends = sorted(watch.closed_after or 99 for watch in watches)
    for watch in watches:
        watch.tcp.close()
    assert ends[-1] < 8, f"closed after {ends[0]:.1f} to {ends[-1]:.1f} s"
    witness.unary(ECHO + "Empty", server.echo("EmptyRequest"))
    # A good client that comes while they are all still open does not wait behind them.
    assert newcomer < 2, f"a new client's first answer took {newcomer:.1f} s"
    return f"closed after {ends[0]:.1f} to {ends[-1]:.1f} s, " \
           f"{process.cpu_seconds() - before:.2f} s of CPU"


@slow_check
def one_byte_a_second(server, _):
    """A frame begun must be finished within 10 s, also by a peer that never quite stops."""
    peer = RawPeer(server)
    data = peer.frame(stream_id=1, method=ECHO + "Unary", messages=[bytes(1000)])
    begin, frames, ended = time.monotonic(), [], None
    for byte in data[:25]:
        with contextlib.suppress(OSError):  # What the server said before is still to be read.
            peer.socket.sendall(bytes([byte]))
        more, ended = peer.frames(1)
        frames += more
        if ended:
            break
    took = time.monotonic() - begin
    assert ended, "the connection is still open after 25 s"
    codes = [peer.contract.codes[frame.go_away.status.code].name
             for frame in frames if frame.HasField("go_away")]
    assert codes == ["DEADLINE_EXCEEDED"], f"{ended} with {frames}"
    assert 8 < took < 14, f"closed after {took:.1f} s"
    return f"closed after {took:.1f} s"


def closed_by_server(process, peer):
    """Waits until the server has closed its end, which a peer that does not read cannot see."""
    begin = time.monotonic()
    while process.holds(peer):
        assert time.monotonic() - begin < 45, "still open after 45 s"
        time.sleep(0.2)
    peer.close()
    return f"closed after {time.monotonic() - begin:.1f} s"


@slow_check
def stream_that_is_never_read(server, process):
    """The server has all the credit it could wish for, but nobody reads from the socket."""
    peer = RawPeer(server, receive_buffer=4096)
    request = server.echo("ServerStreamRequest", parts=[{"payload_bytes": 64 << 10}] * 10_000)
    peer.send(peer.frame(settings={"stream_window": 1 << 40, "connection_window": 1 << 40}),
              open_unary(peer, 1, request.SerializeToString(), "ServerStream"))
    return closed_by_server(process, peer)


@slow_check
def answers_that_are_never_read(server, process):
    """48 MiB of answers for a peer that does not read."""
    peer = RawPeer(server, receive_buffer=4096)
    request = server.echo("UnaryRequest", response_bytes=1 << 20).SerializeToString()
    peer.send(peer.frame(settings={"connection_window": 1 << 40}),
              *[open_unary(peer, number, request) for number in range(1, 49)])
    return closed_by_server(process, peer)


@slow_check
def answers_without_credit(server, _):
    """The peer reads, but never gives credit for the connection: the answers pile up."""
    peer, begin = RawPeer(server), time.monotonic()
    request = server.echo("UnaryRequest", response_bytes=1 << 20).SerializeToString()
    peer.send(*[open_unary(peer, number, request) for number in range(1, 41)])
    frames, ended = peer.frames(45)
    assert ended, f"still open after 45 s, {len(frames)} frames"
    return f"{ended} after {time.monotonic() - begin:.1f} s"


@slow_check
def certificate_that_expires(server, _):
    """A session whose certificate has expired does not resume; its connection is drained."""
    Authority.load(server.directory).issue(
        server.directory, "short", [f"{DOMAIN}/client"], end=6)
    begin = time.monotonic()
    first = RawPeer(server, "short")
    first.send(open_unary(first, 1, method="Empty"))
    assert status_of(first, 1)[0] == "OK"
    second = RawPeer(server, "short", session=first.socket.session)
    second.send(open_unary(second, 1, method="Empty"))
    assert status_of(second, 1)[0] == "OK" and second.socket.session_reused, "not resumed"
    session = second.socket.session
    second.close()
    frames, ended = first.frames(begin + 9 - time.monotonic())
    time.sleep(max(0, begin + 9 - time.monotonic()))
    reason = expect_refused(lambda: RawPeer(server, "short", session=session))
    notices = [frame.go_away for frame in frames if frame.HasField("go_away")]
    assert notices and notices[0].status.code == 0 and ended, \
        f"its old connection got {frames}, {ended or 'open'}"
    return f"refused: {reason}"


class Beside(threading.Thread):
    """A slow check under way."""

    def __init__(self, function, *args):
        super().__init__(daemon=True)
        self.function, self.args, self.note, self.error = function, args, None, None
        self.start()

    def run(self):
        try:
            self.note = self.function(*self.args)
        except Exception as error:
            self.error = error

    def result(self):
        self.join(55)
        assert not self.is_alive(), "not over in time"
        if self.error:
            raise self.error
        return self.note


def warm_up(server):
    """Honest load on every loop of the server: allocators keep what was once needed."""
    for _ in range(8):
        connection = server.connect()
        connection.unary(ECHO + "Unary", server.echo("UnaryRequest", payload=bytes(3 << 20)))
        calls = [connection.request(ECHO + "Unary", server.echo(
            "UnaryRequest", payload=b"x", delay={"nanos": 50_000_000})) for _ in range(1000)]
        for call in calls:
            call.answer()
        connection.close()


def main():
    parser = arguments(__doc__)
    parser.add_argument("--pid", type=int, required=True)
    options = parser.parse_args()
    server, process = server_of(options), ServerProcess(options.pid)
    witness = server.connect()

    def good_calls():
        fresh = server.connect()
        for connection in (witness, fresh):
            response = connection.unary(ECHO + "Unary", server.echo("UnaryRequest", payload=b"ok"))
            assert response.payload == b"ok"
        fresh.close()

    def followed(function):
        def action():
            note = function(server, process)
            good_calls()
            return note
        return action

    for _ in range(100):
        good_calls()
    warm_up(server)
    before = process.rss_bytes()
    for name, function in lonely_check.select(options.filter).items():
        check.run_one(name, followed(function))
    slow = {name: Beside(function, server, process)
            for name, function in slow_check.select(options.filter).items()}
    for name, function in check.select(options.filter).items():
        check.run_one(name, followed(function))
        if not process.is_running():
            print(f"FAIL server_survives: it died of {name}")
            sys.exit(1)
    for name, beside in slow.items():
        check.run_one(name, beside.result)

    def memory_is_back():
        for _ in range(50):
            good_calls()
            grown = process.rss_bytes() - before
            if grown <= RSS_GROWTH_MAX:
                break
            time.sleep(0.1)
        assert grown <= RSS_GROWTH_MAX, f"{grown >> 10} KiB more than the {before >> 10} before"
        return f"{grown >> 10} KiB more than the {before >> 10} KiB before"
    check.run_one("memory_is_back", memory_is_back)
    check.finish()


if __name__ == "__main__":
    main()
