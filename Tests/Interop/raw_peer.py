"""A peer that keeps no rule: raw frames on a TLS socket, and what the server makes of them."""
import pathlib
import socket
import ssl
import struct
import threading
import time

UNAUTHENTICATED = 16  # homing.rpc.v1.Code


def packet(body):
    return struct.pack(">I", len(body)) + body


class RawPeer:
    """One blocking TLS connection on which any bytes can be sent."""

    def __init__(self, server, name="client", context=None, session=None, receive_buffer=None):
        self.server = server
        self.contract = server.contract
        tcp = socket.socket()
        if receive_buffer:
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        tcp.settimeout(8)
        tcp.connect((server.host, server.port))
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.addresses = tcp.getpeername(), tcp.getsockname()
        self.socket = (context or server.context(name)).wrap_socket(
            tcp, session=session, suppress_ragged_eofs=False)
        self._read = b""

    def frame(self, **fields):
        return packet(self.contract.Frame(**fields).SerializeToString())

    def send(self, *packets, **fields):
        """Sends packets as they are, then a frame of these fields."""
        data = b"".join(packets) + (self.frame(**fields) if fields else b"")
        self.socket.sendall(data)

    def frames(self, seconds=5, until=None):
        """The frames that come within `seconds` or until one that `until` accepts, and how the
        connection ended: "closed", "cut", an alert's or error's name, or None while it is open."""
        frames, end = [], time.monotonic() + seconds
        while True:
            while len(self._read) >= 4:
                size = 4 + struct.unpack(">I", self._read[:4])[0]
                if len(self._read) < size:
                    break
                frames.append(self.contract.Frame.FromString(self._read[4:size]))
                self._read = self._read[size:]
                if until and until(frames[-1]):
                    return frames, None
            left = end - time.monotonic()
            if left <= 0:
                return frames, None
            try:
                self.socket.settimeout(left)
                data = self.socket.recv(1 << 16)
            except TimeoutError:
                return frames, None
            except ssl.SSLEOFError:
                return frames, "cut"
            except (ssl.SSLError, OSError) as error:
                return frames, getattr(error, "reason", None) or type(error).__name__
            if not data:
                return frames, "closed"
            self._read += data

    def close(self):
        self.socket.close()


def status_of(peer, stream_id, seconds=8):
    """The status that ends a stream; its code's name, its Status, and the frames before it."""
    frames, ended = peer.frames(seconds, lambda frame: frame.stream_id == stream_id
                                and frame.HasField("status"))
    last = frames[-1] if frames else None
    assert last is not None and last.stream_id == stream_id and last.HasField("status"), \
        f"no status for stream {stream_id}, connection {ended or 'open'}, last frame {last}"
    return peer.contract.codes[last.status.code].name, last.status


def expect_go_away(peer, code, seconds=5, reset_is_fine=False):
    """The server must say go-away with this code and close."""
    frames, ended = peer.frames(seconds)
    peer.close()
    assert ended, f"the connection is still open after {seconds} s; frames {frames}"
    notice = next((frame.go_away for frame in frames if frame.HasField("go_away")), None)
    if notice is None and reset_is_fine and ended in ("ConnectionResetError", "BrokenPipeError"):
        return "reset before the go-away could be read"
    assert notice is not None, f"{ended} without a go-away"
    got = peer.contract.codes[notice.status.code].name
    assert got == code, f"expected {code}, got {got}: {notice.status.message}"
    assert code == "OK" or notice.status.message, "the go-away names no rule"
    assert ended == "closed", f"go-away, but then {ended}"
    return notice.status.message


def expect_refused(connect, seconds=8):
    """The handshake must fail, or nothing but a go-away UNAUTHENTICATED and an end may follow it.
    Gives the alert, the go-away's message, or how the connection ended."""
    try:
        peer = connect()
        peer.send(stream_id=1, method="homing.echo.v1.Echo/Empty", messages=[b""], half_close=True)
    except (ssl.SSLError, OSError) as error:
        return getattr(error, "reason", None) or type(error).__name__
    frames, ended = peer.frames(seconds)
    peer.close()
    assert ended, f"the connection is still open after {seconds} s"
    for frame in frames:
        assert frame.HasField("go_away") and frame.go_away.status.code == UNAUTHENTICATED, \
            f"the server answered: {frame}"
    return f"{ended}, {frames[0].go_away.status.message}" if frames else ended


class Watch(threading.Thread):
    """Reads from a plain socket until it ends, to know when that was."""

    def __init__(self, tcp, seconds_max):
        super().__init__(daemon=True)
        self.tcp, self.seconds_max = tcp, seconds_max
        self.closed_after = None  # Seconds from the start of the watch.
        self.start()

    def run(self):
        begin = time.monotonic()
        self.tcp.settimeout(self.seconds_max)
        try:
            while self.tcp.recv(1 << 16):
                pass
        except TimeoutError:
            return
        except OSError:
            pass
        self.closed_after = time.monotonic() - begin


class ServerProcess:
    """What /proc says about the server."""

    def __init__(self, pid):
        self.directory = pathlib.Path(f"/proc/{pid}")

    def is_running(self):
        try:
            return ") Z " not in (self.directory / "stat").read_text()
        except FileNotFoundError:
            return False

    def cpu_seconds(self):
        fields = (self.directory / "stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def rss_bytes(self):
        for line in (self.directory / "status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) << 10
        raise AssertionError("no VmRSS")

    def holds(self, peer):
        """Whether the process still has its end of this peer's TCP connection open."""
        def key(address):
            host, port = address
            return f"{struct.unpack('<I', socket.inet_aton(host))[0]:08X}:{port:04X}"
        theirs, ours = map(key, peer.addresses)
        for line in (self.directory / "net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[1] == theirs and fields[2] == ours:
                return fields[9] != "0"  # The kernel alone holds a socket without inode.
        return False
