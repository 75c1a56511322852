"""A small client of the Homing protocol, written from proto/README.md and the .proto files alone.

It needs Python 3.11, the package `protobuf` and the compiler `protoc`. One thread does everything:
whoever has to wait runs the connection (`Connection.wait`) until what it waits for has come, and
what was sent before leaves with it. "§" in the comments is a section of proto/README.md.
"""
import select
import socket
import ssl
import struct
import time

from google.protobuf import message, message_factory

from homing_contract import BrokenRule, ConnectionClosed, RPCError

STREAM_WINDOW, CONNECTION_WINDOW, CREDIT_MAX = 256 << 10, 1 << 20, 1 << 62
FRAME_BYTES_MAX, STREAMS_MAX = 4 << 20, 1024


class Call:
    """One call of any kind: send and half_close, receive until None or RPCError, or cancel."""

    def __init__(self, connection, name, timeout, metadata):
        service, method = name.split("/")
        pool = connection.contract.pool
        output = pool.FindServiceByName(service).methods_by_name[method].output_type
        self.response_type = message_factory.GetMessageClass(output)
        self.connection, self.name, self.stream_id = connection, name, 0
        self.deadline = None if timeout is None else time.monotonic() + timeout
        self.metadata, self.trailers = None, []  # From the server: pairs of key and bytes.
        self.messages, self.ended, self.error = [], False, None
        self.credit, self.granted = connection.stream_window, connection.own_stream_window
        self._first, self._consumed, self._half_closed = metadata, 0, False

    @property
    def writable(self):
        return self.ended or self.credit > 0 and self.connection.credit > 0

    def _frame(self, may_send):
        """The call's first frame or a further one, once may_send() is true; None if it ended."""
        connection, first = self.connection, self.stream_id == 0
        left = None
        if first and self.deadline is not None:
            left = self.deadline - time.monotonic()
        if not connection.wait(lambda: may_send() and (
                not first or len(connection.calls) < connection.streams_max), left):
            self.finish(RPCError("DEADLINE_EXCEEDED", "the time was up before the call was sent"))
        if self.ended:
            return None
        if not first:
            return connection.contract.Frame(stream_id=self.stream_id)
        if connection.go_away:
            raise RPCError("UNAVAILABLE", "the server takes no new calls here")
        connection.stream_id += 1
        self.stream_id = connection.stream_id
        connection.calls[self.stream_id] = self
        frame = connection.contract.Frame(stream_id=self.stream_id, method=self.name)
        if self.deadline is not None:
            nanos = max(0, int((self.deadline - time.monotonic()) * 1e9))
            frame.timeout.seconds, frame.timeout.nanos = divmod(nanos, 10**9)
        for key, value in self._first:
            frame.metadata.add(key=key, value=value)
        return frame

    def send(self, request, last=False):
        """Sends a message; waits for credit before it. Sends nothing once the call has ended."""
        if frame := self._frame(lambda: self.writable):
            payload = request.SerializeToString()
            self.credit -= len(payload)
            self.connection.credit -= len(payload)
            frame.messages.append(payload)
            self._post(frame, last)

    def half_close(self):
        if not self._half_closed and (frame := self._frame(lambda: True)):
            self._post(frame, True)

    def start(self):
        """Opens the stream before there is a message."""
        if frame := self._frame(lambda: True):
            self._post(frame, False)

    def _post(self, frame, half_close):
        frame.half_close = self._half_closed = half_close
        self.connection.post(frame)

    def receive(self):
        """The next message, or None after OK. Raises RPCError for any other outcome."""
        self.connection.wait(lambda: self.messages or self.ended)
        if self.messages:
            payload = self.messages.pop(0)
            self.connection.consumed(len(payload))
            self._consumed += len(payload)
            if not self.ended and 2 * self._consumed > self.connection.own_stream_window:
                self.connection.post(self.connection.contract.Frame(
                    stream_id=self.stream_id, credit=self._consumed))
                self.granted += self._consumed
                self._consumed = 0
            return self.response_type.FromString(payload)
        if self.error:
            raise self.error
        return None

    def answer(self):
        """The one answer of a unary or client-streaming call."""
        response = self.receive()
        if response is None or self.receive() is not None:
            raise RPCError("INTERNAL", "not exactly one answer")
        return response

    def cancel(self, code="CANCELLED", text="cancelled by the caller"):
        if not self.ended:
            if self.stream_id:
                self.connection.post(self.connection.contract.Frame(
                    stream_id=self.stream_id, cancel=True))
            self.finish(RPCError(code, text))
            self.connection.turn(0)

    def finish(self, error=None):
        self.ended, self.error = True, error
        self.connection.calls.pop(self.stream_id, None)

    def on_frame(self, frame):
        if frame.method or frame.HasField("timeout") or frame.half_close or frame.cancel:
            raise BrokenRule("method, timeout, half_close or cancel from a server")
        size = sum(map(len, frame.messages))
        if self.metadata is None:
            self.metadata = [(entry.key, entry.value) for entry in frame.metadata]
        self.credit += frame.credit
        if frame.messages and self.granted <= 0:
            self.connection.consumed(size)
            return self.cancel("RESOURCE_EXHAUSTED", "the server sent without credit")
        self.granted -= size
        self.messages += frame.messages
        if frame.HasField("status"):
            self.trailers = [(entry.key, entry.value) for entry in frame.trailers]
            status, codes = frame.status, self.connection.contract.codes
            code = codes[status.code].name if status.code in codes else "UNKNOWN"  # §4
            self.finish(None if code == "OK" else RPCError(
                code, status.message, status, self.trailers, local=False))


class Connection:
    """One TLS connection to `server`, a URI name. `settings`: a Settings message to send."""

    def __init__(self, contract, host, port, context, server, settings=None, session=None):
        self.contract, self.calls, self.stream_id = contract, {}, 0
        self.closed = self.go_away = None  # An exception; the server's GoAway.
        self.stream_window, self.credit = STREAM_WINDOW, CONNECTION_WINDOW
        self.frame_bytes_max, self.streams_max = FRAME_BYTES_MAX, STREAMS_MAX
        self.own_stream_window = settings and settings.stream_window or STREAM_WINDOW
        self.own_window = settings and settings.connection_window or CONNECTION_WINDOW
        self.own_frame_bytes_max = settings and settings.frame_bytes_max or FRAME_BYTES_MAX
        self.granted, self._consumed, self._pings = self.own_window, 0, set()
        self.frames_heard, self._posted, self._read = 0, [], bytearray()
        self._in, self._out, self._cipher = ssl.MemoryBIO(), ssl.MemoryBIO(), bytearray()
        self.socket = socket.create_connection((host, port), timeout=5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.tls = context.wrap_bio(self._in, self._out, session=session)
        self._handshake(server)
        if settings:
            self.post(contract.Frame(settings=settings))

    def _handshake(self, server):
        end = time.monotonic() + 5
        while time.monotonic() < end:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._transfer(end - time.monotonic())
        names = [v for k, v in self.tls.getpeercert().get("subjectAltName", ()) if k == "URI"]
        if names != [server] or self.tls.selected_alpn_protocol() != "homing/1":
            raise ssl.SSLError(f"the server is {names}, not {server} speaking homing/1")

    def post(self, frame):
        body = frame.SerializeToString()
        if len(body) > self.frame_bytes_max:
            raise RPCError("RESOURCE_EXHAUSTED", f"a frame of {len(body)} bytes is too large")
        packet = struct.pack(">I", len(body)) + body
        answers_ping = frame.HasField("ping") and frame.ping.answer
        self._posted.insert(0 if answers_ping else len(self._posted), packet)

    def consumed(self, count):
        """Gives credit back for the connection, in portions of half the window."""
        self._consumed += count
        if 2 * self._consumed > self.own_window:
            self.post(self.contract.Frame(credit=self._consumed))
            self.granted += self._consumed
            self._consumed = 0

    def wait(self, done, timeout=None):
        """Runs the connection until done(). False when `timeout` (s) is over before; without a
        timeout half a minute is taken for a fault."""
        end = time.monotonic() + (30 if timeout is None else timeout)
        while not done():
            if self.closed:
                raise self.closed
            now = time.monotonic()
            if now >= end:
                if timeout is not None:
                    return False
                raise TimeoutError("nothing within 30 s")
            deadlines = [c.deadline for c in self.calls.values() if c.deadline is not None]
            self.turn(min([end, *deadlines]) - now)
        return True

    def turn(self, timeout):
        """Sends what was posted, reads what comes within `timeout` seconds, and runs it."""
        if self.closed:
            return
        try:
            if self._posted:  # All that is ready at once: few records (§2).
                packets, self._posted = b"".join(self._posted), []
                self.tls.write(packets)
            self._transfer(max(timeout, 0))
            self._decrypt()
        except (OSError, BrokenRule, ConnectionClosed) as error:
            self._end(error)
        for call in list(self.calls.values()):
            if call.deadline is not None and call.deadline <= time.monotonic():
                call.cancel("DEADLINE_EXCEEDED", "the time was up at the client")

    def _transfer(self, timeout):
        self._cipher += self._out.read()
        poll = select.poll()
        poll.register(self.socket, select.POLLIN | (select.POLLOUT if self._cipher else 0))
        for _, events in poll.poll(timeout * 1000):
            if events & select.POLLOUT:
                del self._cipher[:self.socket.send(self._cipher)]
            if events & ~select.POLLOUT:
                data = self.socket.recv(1 << 18)
                self._in.write(data) if data else self._in.write_eof()

    def _decrypt(self):
        try:
            while data := self.tls.read(1 << 18):
                self._read += data
                self._run_frames()
            raise ConnectionClosed("closed by the server", clean=True)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLEOFError:
            raise ConnectionClosed("cut by the server", clean=False) from None

    def _run_frames(self):
        while len(self._read) >= 4:
            end = 4 + struct.unpack_from(">I", self._read)[0]
            if not 4 < end <= 4 + self.own_frame_bytes_max:
                raise BrokenRule(f"a frame of {end - 4} bytes")
            if len(self._read) < end:
                return
            body, self._read = bytes(self._read[4:end]), self._read[end:]
            self.frames_heard += 1
            try:
                self._on_frame(self.contract.Frame.FromString(body))
            except message.DecodeError:
                raise BrokenRule("bytes that are not a Frame") from None

    def _on_frame(self, frame):
        if frame.messages:
            if self.granted <= 0:
                raise BrokenRule("messages without credit of the connection")
            self.granted -= sum(map(len, frame.messages))
        if frame.stream_id == 0:
            self._on_connection_frame(frame)
        elif any(map(frame.HasField, ("settings", "ping", "go_away"))):
            raise BrokenRule("connection fields with a stream id")
        elif frame.stream_id > self.stream_id:
            raise BrokenRule("a frame for a stream that was never opened")
        elif frame.stream_id in self.calls:
            self.calls[frame.stream_id].on_frame(frame)
        else:  # Late: dropped, but its messages count for the connection's credit (§3).
            self.consumed(sum(map(len, frame.messages)))

    def _on_connection_frame(self, frame):
        if frame.messages or frame.metadata or frame.HasField("status"):
            raise BrokenRule("stream fields with id 0")
        if frame.HasField("settings"):
            if self.frames_heard > 1:
                raise BrokenRule("late settings")
            self._on_settings(frame.settings)
        self.credit += frame.credit
        if self.credit > CREDIT_MAX:
            raise BrokenRule("too much credit")
        if frame.HasField("ping"):
            if frame.ping.answer:
                self._pings.discard(frame.ping.id)
            else:
                self.post(self.contract.Frame(ping={"id": frame.ping.id, "answer": True}))
        if frame.HasField("go_away"):
            self.go_away = frame.go_away
            for call in [c for i, c in self.calls.items() if i > frame.go_away.stream_id_last]:
                call.finish(RPCError("UNAVAILABLE", "not looked at: the server goes away"))

    def _on_settings(self, settings):
        self.frame_bytes_max = settings.frame_bytes_max or FRAME_BYTES_MAX
        self.streams_max = settings.streams_max or STREAMS_MAX
        self.credit += (settings.connection_window or CONNECTION_WINDOW) - CONNECTION_WINDOW
        change = (settings.stream_window or STREAM_WINDOW) - self.stream_window
        self.stream_window += change
        for call in self.calls.values():
            call.credit += change

    def _end(self, error):
        self.closed = error
        self.socket.close()
        for call in list(self.calls.values()):
            call.finish(RPCError("UNAVAILABLE", f"connection lost: {error}"))

    def ping(self, ping_id):
        """Asks whether the server lives; returns when it has answered."""
        self._pings.add(ping_id)
        self.post(self.contract.Frame(ping={"id": ping_id}))
        self.wait(lambda: ping_id not in self._pings)

    def call(self, name, timeout=None, metadata=()):
        """A call that is not sent yet; `timeout` in seconds, `metadata` pairs of key and bytes."""
        return Call(self, name, timeout, metadata)

    def request(self, name, request, timeout=None, metadata=()):
        """Sends a unary or server-streaming call; the answer is read from it later."""
        call = self.call(name, timeout, metadata)
        call.send(request, last=True)
        return call

    def unary(self, name, request, timeout=None, metadata=()):
        return self.request(name, request, timeout, metadata).answer()

    def close(self):
        """Leaves: close_notify, then FIN (§1). The server's own close_notify is not waited for."""
        self.turn(0)
        if not self.closed:
            try:
                self.tls.unwrap()
            except (ssl.SSLError, OSError):
                pass
            self._transfer(0)
            self._end(ConnectionClosed("closed here", clean=True))
