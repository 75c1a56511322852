"""Calls a running `homing echo` with the Python client: every kind of call and every outcome.

    client_check.py HOST PORT CERTDIR [--filter TEXT]

CERTDIR has ca.pem, client.pem and client.key; the server is spiffe://homing.test/echo. Prints a
line `PASS name` or `FAIL name` for each check; exits non-zero when one failed.
"""
import random
import ssl
import struct
import time

import everything
from checks import ECHO, Checks, arguments, refused, server_of

check = Checks()


def parts(*sizes, seconds=0):
    return [{"payload_bytes": size, "delay": {"seconds": seconds}} for size in sizes]


def received(call):
    """The payload sizes of all messages until the call's end."""
    sizes = []
    while (response := call.receive()) is not None:
        sizes.append(len(response.payload))
    return sizes


def settle(connection, seconds=0.3):
    """Lets the connection run until nothing has come for a while."""
    heard = -1
    while heard != connection.frames_heard:
        heard = connection.frames_heard
        connection.wait(lambda: connection.frames_heard != heard, seconds)


def slow(server, seconds):
    return server.echo("UnaryRequest", payload=b"late", delay={
        "seconds": int(seconds), "nanos": int(seconds % 1 * 1e9)})


@check
def empty_unary(server):
    server.connect().unary(ECHO + "Empty", server.echo("EmptyRequest"))


@check
def unary(server):
    connection = server.connect()
    payload = random.Random(1).randbytes(1000)
    response = connection.unary(ECHO + "Unary", server.echo("UnaryRequest", payload=payload))
    assert response.payload == payload
    response = connection.unary(ECHO + "Unary", server.echo("UnaryRequest", response_bytes=77))
    assert response.payload == bytes(77)
    connection.close()


@check
def large_unary_3_mib(server):
    connection = server.connect()
    payload = random.Random(2).randbytes(3 << 20)
    for _ in range(3):
        response = connection.unary(ECHO + "Unary", server.echo("UnaryRequest", payload=payload))
        assert response.payload == payload


@check
def publish_and_publish_async(server):
    connection = server.connect()
    for method in ("Publish", "PublishAsync"):
        ack = connection.unary(ECHO + method, server.cart_event())
        assert ack.ByteSize() > 0


@check
def pipelined_1000_out_of_order(server):
    connection, chance = server.connect(), random.Random(3)
    calls, finished = [], []
    for index in range(1000):
        request = server.echo("UnaryRequest", payload=b"%d " % index * chance.randrange(1, 1500))
        if index % 10 == 0:
            request.delay.nanos = 30_000_000
        calls.append((index, request.payload, connection.request(ECHO + "Unary", request)))
    waiting = dict((index, call) for index, _, call in calls)
    while waiting:
        connection.wait(lambda: any(call.ended for call in waiting.values()))
        for index in [index for index, call in waiting.items() if call.ended]:
            call = waiting.pop(index)
            assert call.answer().payload == calls[index][1], f"call {index} got another's answer"
            finished.append(index)
    assert finished != sorted(finished), "the sleeping calls held up the others"
    assert connection.stream_id == 1000


@check
def more_calls_than_streams(server):
    connection = server.connect()
    calls = [connection.request(ECHO + "Unary", slow(server, 0.2)) for _ in range(1500)]
    assert all(call.answer().payload == b"late" for call in calls)


@check
def client_streaming(server):
    connection = server.connect()
    call = connection.call(ECHO + "ClientStream")
    sizes = [0, 1, 27182, 8, 1828, 45904, 600 << 10, 2 << 20, 3]
    for size in sizes:
        call.send(server.echo("ClientStreamRequest", payload=bytes(size)))
    call.half_close()
    response = call.answer()
    assert (response.payload_bytes, response.messages) == (sum(sizes), len(sizes)), response


@check
def client_streaming_many_messages_in_a_frame(server):
    connection = server.connect()
    call = connection.call(ECHO + "ClientStream")
    call.start()
    payload = server.echo("ClientStreamRequest", payload=b"abc").SerializeToString()
    frame = server.contract.Frame(stream_id=call.stream_id, messages=[payload] * 500)
    frame.half_close = True
    connection.post(frame)
    response = call.answer()
    assert (response.payload_bytes, response.messages) == (1500, 500), response


@check
def client_streaming_without_messages(server):
    call = server.connect().call(ECHO + "ClientStream")
    call.half_close()
    assert call.answer().messages == 0


@check
def server_streaming(server):
    connection = server.connect()
    sizes = [31415, 9, 2653, 700 << 10, 58979, 2 << 20, 1]
    call = connection.request(ECHO + "ServerStream", server.echo(
        "ServerStreamRequest", parts=parts(*sizes)))
    assert received(call) == sizes
    call = connection.request(ECHO + "ServerStream", server.echo(
        "ServerStreamRequest", parts=parts(0, 0), payload=b"same"))
    assert received(call) == [4, 4]
    assert received(connection.request(ECHO + "ServerStream", server.echo(
        "ServerStreamRequest"))) == []


@check
def bidirectional_ping_pong(server):
    call = server.connect().call(ECHO + "BidirectionalStream")
    for size in (31415, 9, 400 << 10, 2653, 58979):
        call.send(server.echo("ServerStreamRequest", parts=parts(size), payload=bytes(size)))
        assert len(call.receive().payload) == size
    call.half_close()
    assert call.receive() is None


@check
def bidirectional_without_messages(server):
    call = server.connect().call(ECHO + "BidirectionalStream")
    call.start()
    call.half_close()
    assert call.receive() is None


@check
def error_status_with_details(server):
    connection = server.connect()
    status = server.contract.message("homing.rpc.v1.Status")(
        code=9, message="test status message", retry_after={"seconds": 3, "nanos": 5})
    status.field_violations.add(field="lines[3].sku", description="too long")
    request = server.echo("UnaryRequest", response_status=status)
    error = refused("FAILED_PRECONDITION", lambda: connection.unary(ECHO + "Unary", request))
    assert error.status == status and not error.local, error.status
    call = connection.request(ECHO + "ServerStream", server.echo(
        "ServerStreamRequest", parts=parts(5, 6), response_status=status))
    assert [len(call.receive().payload) for _ in range(2)] == [5, 6]
    assert refused("FAILED_PRECONDITION", call.receive).status == status
    call = connection.call(ECHO + "BidirectionalStream")
    call.send(server.echo("ServerStreamRequest", parts=parts(5), response_status=status))
    assert len(call.receive().payload) == 5
    assert refused("FAILED_PRECONDITION", call.receive).status == status


@check
def special_status_message(server):
    text = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
    connection = server.connect()
    error = refused("UNKNOWN", lambda: connection.unary(ECHO + "Unary", server.echo(
        "UnaryRequest", response_status={"code": 2, "message": text})))
    assert error.message == text, repr(error.message)


@check
def every_status_code(server):
    connection = server.connect()
    for number, value in server.contract.codes.items():
        if number:
            refused(value.name, lambda: connection.unary(ECHO + "Unary", server.echo(
                "UnaryRequest", response_status={"code": number})))


@check
def unimplemented_method_and_service(server):
    connection = server.connect()
    refused("UNIMPLEMENTED", lambda: connection.unary(
        ECHO + "Unimplemented", server.echo("EmptyRequest")))
    for name in (ECHO + "NoSuch", "homing.none.v1.None/Empty", "nonsense", "/", "a/b/c"):
        call = connection.call(ECHO + "Empty")
        call.name = name
        call.send(server.echo("EmptyRequest"), last=True)
        refused("UNIMPLEMENTED", call.answer)
    connection.unary(ECHO + "Empty", server.echo("EmptyRequest"))


@check
def deadline_at_the_client(server):
    connection, begin = server.connect(), time.monotonic()
    error = refused("DEADLINE_EXCEEDED", lambda: connection.unary(
        ECHO + "Unary", slow(server, 20), timeout=0.2))
    assert error.local or error.status.code == 4
    assert 0.15 < time.monotonic() - begin < 2
    connection.unary(ECHO + "Empty", server.echo("EmptyRequest"), timeout=5)


@check
def deadline_at_the_server(server):
    connection, begin = server.connect(), time.monotonic()
    late_part = server.echo("ServerStreamRequest", parts=[{"delay": {"seconds": 20}}])
    for name, request in (
            ("Unary", slow(server, 20)),
            ("ServerStream", late_part),
            ("BidirectionalStream", server.echo("ServerStreamRequest"))):
        call = connection.call(ECHO + name, timeout=0.2)
        call.send(request, last=name != "BidirectionalStream")
        call.deadline = None  # This client does not give up by itself.
        assert not refused("DEADLINE_EXCEEDED", call.answer).local
    assert 0.5 < time.monotonic() - begin < 4
    return f"{time.monotonic() - begin - 0.6:.3f} s late in three calls"


@check
def timeout_of_zero_is_over_at_once(server):
    connection = server.connect()
    for seconds in (0, -1):
        call = connection.call(ECHO + "Unary")
        call.start()
        frame = server.contract.Frame(stream_id=call.stream_id, method=ECHO + "Unary")
        frame.timeout.seconds = seconds
        frame.timeout.SetInParent()
        frame.messages.append(slow(server, 20).SerializeToString())
        frame.half_close = True
        connection._posted.clear()  # This frame goes in place of the call's own first one.
        connection.post(frame)
        assert not refused("DEADLINE_EXCEEDED", call.answer).local


@check
def cancel_after_begin(server):
    connection = server.connect()
    for name in ("ClientStream", "BidirectionalStream"):
        call = connection.call(ECHO + name)
        call.start()
        connection.turn(0)
        call.cancel()
        refused("CANCELLED", call.receive)
    connection.unary(ECHO + "Empty", server.echo("EmptyRequest"))


@check
def cancel_after_first_response(server):
    connection = server.connect()
    call = connection.call(ECHO + "BidirectionalStream")
    call.send(server.echo("ServerStreamRequest", parts=parts(31415, 100_000, 100_000)))
    assert len(call.receive().payload) == 31415
    call.cancel()
    refused("CANCELLED", call.receive)
    connection.unary(ECHO + "Empty", server.echo("EmptyRequest"))


@check
def cancelled_calls_free_their_place(server):
    connection = server.connect()
    for _ in range(2):
        calls = [connection.request(ECHO + "Unary", slow(server, 50)) for _ in range(450)]
        connection.turn(0.1)
        for call in calls:
            call.cancel()
    for _ in range(3):  # 900 are cancelled: had they kept their places, these would be refused.
        for call in [connection.request(ECHO + "Unary", slow(server, 0.05)) for _ in range(900)]:
            call.answer()


@check
def metadata_comes_back(server):
    connection = server.connect()
    binary = bytes(range(256))
    sent = [("echo-initial", b"test_initial_metadata_value"), ("echo-initial", b"again ~ !"),
            ("unrelated", b"x"), ("echo-trailing-bin", binary), ("echo-trailing-bin", b"")]
    initial = [value for key, value in sent if key == "echo-initial"]
    trailing = [value for key, value in sent if key == "echo-trailing-bin"]
    call = connection.request(ECHO + "Unary", server.echo("UnaryRequest", payload=b"x"),
                              metadata=sent)
    call.answer()
    assert [v for k, v in call.metadata if k == "echo-initial"][:1] == initial[:1], call.metadata
    assert [v for k, v in call.trailers if k == "echo-trailing-bin"][:1] == trailing[:1]
    assert not any(key == "unrelated" for key, _ in call.metadata + call.trailers)


@check
def slow_stream_stalls_alone_and_resumes(server):
    connection = server.connect()
    sizes = [64 << 10] * 40
    call = connection.request(ECHO + "ServerStream", server.echo(
        "ServerStreamRequest", parts=parts(*sizes)))
    settle(connection)
    stalled = len(call.messages)
    assert 4 <= stalled <= 5, f"{stalled} messages of 64 KiB came through a window of 256 KiB"
    for _ in range(20):
        connection.unary(ECHO + "Unary", server.echo("UnaryRequest", payload=bytes(5000)))
    connection.ping(1)
    assert len(call.messages) == stalled and not call.ended
    assert received(call) == sizes


@check
def slow_reader_at_the_server_stalls_the_sender(server):
    connection = server.connect()
    call = connection.call(ECHO + "BidirectionalStream")
    call.send(server.echo("ServerStreamRequest", parts=parts(1, seconds=1)))
    big, sent = server.echo("ServerStreamRequest", payload=bytes(64 << 10)), 0
    while connection.wait(lambda: call.writable, 0.2) and not call.ended:
        call.send(big)
        sent += 1
    assert 4 <= sent <= 6, f"{sent} messages of 64 KiB went through a window of 256 KiB"
    connection.unary(ECHO + "Empty", server.echo("EmptyRequest"))
    for _ in range(20):
        call.send(big)
    call.half_close()
    assert received(call) == [1]


@check
def small_and_large_windows(server):
    for stream, whole in ((1, 1), (1000, 5000), (1 << 16, 1 << 40), (1 << 40, 1 << 40)):
        connection = server.connect(settings=server.settings(
            stream_window=stream, connection_window=whole))
        sizes = [10_000, 0, 1, 300 << 10, 5, 1 << 20, 7]
        call = connection.request(ECHO + "ServerStream", server.echo(
            "ServerStreamRequest", parts=parts(*sizes)))
        assert received(call) == sizes, f"window {stream}, {whole}"
        assert connection.unary(ECHO + "Unary", server.echo(
            "UnaryRequest", response_bytes=1000)).payload == bytes(1000)


@check
def settings_limit_the_servers_frames(server):
    connection = server.connect(settings=server.settings(frame_bytes_max=64 << 10))
    assert received(connection.request(ECHO + "ServerStream", server.echo(
        "ServerStreamRequest", parts=parts(60_000, 60_000)))) == [60_000, 60_000]
    call = connection.request(ECHO + "Unary", server.echo("UnaryRequest", response_bytes=200_000))
    try:  # The answer has no frame to travel in: the call fails, the connection goes on.
        call.answer()
        raise AssertionError("an answer larger than the frame limit came")
    except Exception as error:
        assert not connection.closed, connection.closed
        assert getattr(error, "code", "") in ("RESOURCE_EXHAUSTED", "INTERNAL"), error


@check
def ping_is_answered(server):
    connection = server.connect()
    call = connection.request(ECHO + "Unary", slow(server, 0.3))
    for ping_id in (1, 0, (1 << 64) - 1):
        connection.ping(ping_id)
    assert not call.ended
    call.answer()


@check
def late_messages_are_dropped(server):
    connection = server.connect()
    call = connection.call(ECHO + "BidirectionalStream")
    call.send(server.echo("ServerStreamRequest", response_status={"code": 10}))
    connection.turn(0.2)
    late = server.echo("ServerStreamRequest", payload=bytes(100_000)).SerializeToString()
    for _ in range(30):  # 3 MB: the connection's credit must come back for them.
        connection.wait(lambda: connection.credit > 0)
        connection.credit -= len(late)
        connection.post(server.contract.Frame(stream_id=call.stream_id, messages=[late]))
    connection.post(server.contract.Frame(stream_id=call.stream_id, cancel=True, credit=5))
    refused("ABORTED", call.receive)
    connection.unary(ECHO + "Unary", server.echo("UnaryRequest", payload=bytes(2 << 20)))


@check
def unknown_fields_and_empty_frames_are_ignored(server):
    connection = server.connect()
    frame = server.contract.Frame(stream_id=1, method=ECHO + "Empty", messages=[b""],
                                  half_close=True).SerializeToString()
    unknown = bytes([0xA0, 0x06, 0x01]) + bytes([0xA2, 0x06, 0x03]) + b"abc"
    call = connection.call(ECHO + "Empty")
    call.start()
    connection._posted.clear()  # The frame with unknown fields goes in place of its first one.
    nothing = struct.pack(">I", len(unknown)) + unknown
    body = unknown + frame + unknown
    connection._posted.append(nothing + struct.pack(">I", len(body)) + body + nothing)
    call.answer()


@check
def frames_in_single_byte_records(server):
    connection = server.connect()
    call = connection.call(ECHO + "Unary")
    call.send(server.echo("UnaryRequest", payload=b"slowly"), last=True)
    packets, connection._posted = b"".join(connection._posted), []
    for byte in packets:
        connection.tls.write(bytes([byte]))
        connection.turn(0)
    assert call.answer().payload == b"slowly"


@check
def refused_without_the_role(server):
    connection = server.connect()
    refused("PERMISSION_DENIED", lambda: connection.unary(
        ECHO + "Whoami", server.echo("WhoamiRequest", store="acme")))


@check
def field_limits_are_enforced(server):
    connection = server.connect()
    for expected, event in (
            ("store_id", server.echo("CartEvent", cart_id="x")),
            ("cart_id", server.echo("CartEvent", store_id=1)),
            ("cart_id", server.cart_event(cart_id="x" * 65)),
            ("contact_id", server.cart_event(contact_id="ä" * 33)),
            ("items", server.cart_event(items=[{}] * 1001))):
        for method in ("Publish", "PublishAsync"):
            error = refused("INVALID_ARGUMENT", lambda: connection.unary(ECHO + method, event))
            fields = [violation.field for violation in error.status.field_violations]
            assert expected in fields, f"{expected}: {error} {fields}"
    connection.unary(ECHO + "Publish", server.cart_event(cart_id="\0" * 64, contact_id="ä" * 32))


@check
def invalid_text_and_bad_bytes_are_refused(server):
    connection = server.connect()
    good = server.cart_event().SerializeToString()
    for expected, payload in (
            ("cart_id", good + b"\x12\x02\xc3\x28"),
            ("items[1].sku", good + b"\x2a\x03\x0a\x01\xff"),
            ("", b"\xff"), ("", b"\x07"), ("", good + b"\x12\x7f"),
            ("", good + b"\x2a\x03\x0a\x05a")):
        call = connection.call(ECHO + "Publish")
        call.start()
        connection._posted.clear()
        connection.post(server.contract.Frame(
            stream_id=call.stream_id, method=ECHO + "Publish", messages=[payload], half_close=True))
        error = refused("INVALID_ARGUMENT", call.answer)
        if expected:
            fields = [violation.field for violation in error.status.field_violations]
            assert expected in fields, f"{expected}: {error} {fields}"
    connection.unary(ECHO + "Publish", server.cart_event())


@check
def mirror_keeps_every_shape_of_field(server):
    connection = server.connect()
    message_type = server.contract.message("homing.echo.v1.Everything")
    for seed in range(300):
        sent = everything.fill(message_type(), random.Random(seed))
        for name in ("float_value", "double_value"):
            if getattr(sent, name) == 0:  # Not every library tells -0.0 from an absent field.
                sent.ClearField(name)
        got = connection.unary(ECHO + "Mirror", sent)
        different = [field.name for field in message_type.DESCRIPTOR.fields
                     if getattr(got, field.name) != getattr(sent, field.name)]
        assert got == sent, f"seed {seed}: {different}"


@check
def health(server):
    connection, name = server.connect(), "homing.health.v1.Health/"
    request = server.contract.message("homing.health.v1.CheckRequest")
    for service in ("", "homing.echo.v1.Echo"):
        assert connection.unary(name + "Check", request(service=service)).status == 1
    refused("NOT_FOUND", lambda: connection.unary(name + "Check", request(service="none")))
    services = connection.unary(name + "List", server.contract.message(
        "homing.health.v1.ListRequest")()).services
    names = [entry.service for entry in services]
    assert names == sorted(names) and names[0] == "" and "homing.echo.v1.Echo" in names, names
    for service, status in (("homing.echo.v1.Echo", 1), ("none", 3)):
        watch = connection.request(name + "Watch", request(service=service))
        assert watch.receive().status == status
        assert not connection.wait(lambda: watch.ended, 0.1)
        watch.cancel()


@check
def reflection(server):
    connection, name = server.connect(), "homing.reflection.v1.Reflection/"
    messages = server.contract.message
    services = list(connection.unary(
        name + "ListServices", messages("homing.reflection.v1.ListServicesRequest")()).services)
    assert services == sorted(services) and "homing.echo.v1.Echo" in services, services
    request = messages("homing.reflection.v1.DescribeRequest")
    for symbol in ("homing.echo.v1.Echo", "homing.echo.v1.Echo.Unary", "homing.echo.v1.Echo/Unary",
                   "homing.echo.v1.Everything.Inner", "homing.echo.v1.EventKind"):
        files = connection.unary(name + "Describe", request(symbol=symbol)).files
        assert everything.declares(files, "homing.echo.v1.Echo"), symbol
    refused("NOT_FOUND", lambda: connection.unary(name + "Describe", request(symbol="no.Such")))
    refused("INVALID_ARGUMENT", lambda: connection.unary(name + "Describe", request()))


@check
def session_is_resumed(server):
    first = server.connect()
    first.unary(ECHO + "Empty", server.echo("EmptyRequest"))
    second = server.connect(session=first.tls.session)
    second.unary(ECHO + "Empty", server.echo("EmptyRequest"))
    assert second.tls.session_reused and not first.tls.session_reused


@check
def client_refuses_another_identity(server):
    try:
        server.connect(server="spiffe://homing.test/other")
    except ssl.SSLError:
        return
    raise AssertionError("connected to a server of another name")


@check
def aes_128_gcm_is_preferred(server):
    connection = server.connect()
    assert connection.tls.version() == "TLSv1.3"
    assert connection.tls.cipher()[0] == "TLS_AES_128_GCM_SHA256", connection.tls.cipher()


@check
def close_is_answered_with_close_notify(server):
    connection = server.connect()
    connection.unary(ECHO + "Empty", server.echo("EmptyRequest"))
    end = time.monotonic() + 2
    while time.monotonic() < end:
        try:
            connection.tls.unwrap()  # Returns when both sides' close_notify have been seen.
            return
        except ssl.SSLWantReadError:
            connection._transfer(end - time.monotonic())
    raise AssertionError("no close_notify within 2 s")


if __name__ == "__main__":
    options = arguments(__doc__).parse_args()
    check.run(options.filter, server_of(options))
    check.finish()
