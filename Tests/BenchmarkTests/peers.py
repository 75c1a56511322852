"""The servers that the RPC benchmark compares, how each is started, and what drives it.

Built here: the C limit server, the load generator and the counter of allocations (peers/). Taken as
they are: Debian's redis-server, and from the folder that HOMING_PEERS names the Thrift and gRPC
servers (bin/thrift_server, bin/grpc_server, bin/grpc-swift-server, bin/grpc_loadgen, tls/,
request.bin, thrift_request.bin). What is missing is reported as not installed.
"""
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / ".build" / "peers"
SOURCES = pathlib.Path(__file__).resolve().parent / "peers"
MESSAGES = ROOT / "Shared" / "CMessages"
ANCHORS = pathlib.Path(os.environ.get("HOMING_PEERS", "/nonexistent"))
# The first two cores that we may run on; a lone core is shared.
SERVER_CORE, CLIENT_CORE = map(str, (sorted(os.sched_getaffinity(0)) * 2)[:2])
PUBLISH, PUBLISH_ASYNC = "homing.echo.v1.Echo/Publish", "homing.echo.v1.Echo/PublishAsync"

# Every program that leaves the choice to OpenSSL gets the same version and cipher.
OPENSSL_CONFIGURATION = """openssl_conf = init
[init]
ssl_conf = ssl
[ssl]
system_default = system
[system]
MinProtocol = TLSv1.3
Ciphersuites = TLS_AES_128_GCM_SHA256
"""


def build(homing):
    """Compiles the C programs and makes certificates, request and configuration."""
    BUILD.mkdir(parents=True, exist_ok=True)
    compiler = shutil.which("clang") or shutil.which("gcc")
    flags = ["-O2", "-g", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wno-missing-braces"]
    generated = [MESSAGES / "homing/echo/v1/echo.pb-c.c", MESSAGES / "homing/rpc/v1/frame.pb-c.c",
                 *sorted((MESSAGES / "google").rglob("*.pb-c.c"))]
    libraries = ["-lssl", "-lcrypto"]
    subprocess.run([compiler, *flags, "-o", BUILD / "loadgen", SOURCES / "loadgen.c", *libraries],
                   check=True)
    subprocess.run([compiler, *flags, "-shared", "-fPIC", "-o", BUILD / "malloc_count.so",
                    SOURCES / "malloc_count.c"], check=True)
    subprocess.run([compiler, *flags, f"-I{MESSAGES / 'include'}", "-o", BUILD / "limit_server",
                    SOURCES / "limit_server.c", *generated, "-lprotobuf-c", *libraries],
                   check=True)
    with open(SOURCES.parent / "cart_event.textproto") as text, \
            open(BUILD / "request.bin", "wb") as out:
        subprocess.run(["protoc", f"-I{ROOT / 'proto'}", "--encode=homing.echo.v1.CartEvent",
                        "homing/echo/v1/echo.proto"], stdin=text, stdout=out, check=True)
    with open(SOURCES.parent / "record.textproto") as text, open(BUILD / "record.bin", "wb") as out:
        subprocess.run(["protoc", f"-I{ROOT / 'proto'}", "--encode=homing.cart_tracker.v1.RecordRequest",
                        "homing/cart_tracker/v1/events.proto"], stdin=text, stdout=out, check=True)
    (BUILD / "openssl.cnf").write_text(OPENSSL_CONFIGURATION)
    shutil.rmtree(BUILD / "tls", ignore_errors=True)
    subprocess.run([homing, "certs", "--out", BUILD / "tls", "--name", "echo", "--name", "client"],
                   check=True, stdout=subprocess.DEVNULL)


def environment():
    return dict(os.environ, OPENSSL_CONF=str(BUILD / "openssl.cnf"))


def pair(name, directory=None):
    directory = directory or BUILD / "tls"
    return ["--cert", directory / f"{name}.pem", "--key", directory / f"{name}.key",
            "--ca", directory / "ca.pem"]


def free_port(ports=iter(range(21000 + os.getpid() % 4000, 32000))):
    """A port below the range that the kernel gives to clients."""
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass
    raise RuntimeError("no free port")


class Server:
    """A running server, pinned to its core; `command` is called with the port it shall take."""

    def __init__(self, command, label):
        self.port = free_port()
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            ["taskset", "-c", SERVER_CORE, *map(str, command(self.port))],
            stdout=self.log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            env=environment())
        self.label, self.pid = label, self.process.pid
        try:
            self._await()
        except RuntimeError:
            self.stop()
            raise

    def _await(self):
        for _ in range(150):
            if self.process.poll() is not None:
                self.log.seek(0)
                raise RuntimeError(f"{self.label} ended: {self.log.read(500)!r}")
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.5).close()
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"{self.label} does not listen")

    def resident_bytes(self):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) << 10
        raise RuntimeError(f"{self.label} has no VmRSS")

    def cpu_us(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * 1e6 / os.sysconf("SC_CLK_TCK")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def run_client(command, seconds_max=90):
    """Runs a generator on the other core; its last line is the JSON of the measurement."""
    done = subprocess.run(
        ["taskset", "-c", CLIENT_CORE, *map(str, command)], capture_output=True, text=True,
        env=environment(), timeout=seconds_max, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise RuntimeError(f"{pathlib.Path(command[0]).name}: {done.stderr[-300:].strip()}")
    return done.stdout.strip().splitlines()[-1]


def loadgen(server, *more, method=PUBLISH, payload=None, tls=None):
    """One run of our load generator."""
    return json.loads(run_client([
        BUILD / "loadgen", "--port", server.port, "--server-pid", server.pid,
        "--payload", payload or BUILD / "request.bin", "--method", method,
        *pair("client", tls), *more]))


def frames_client(method):
    def drive(server, conns, out, secs):
        return loadgen(server, "--conns", conns, "--out", out, "--secs", secs, method=method)
    return drive


def drive_thrift(server, conns, out, secs):
    return loadgen(server, "--raw", "--conns", conns, "--out", out, "--secs", secs,
                   payload=ANCHORS / "thrift_request.bin", tls=ANCHORS / "tls")


def drive_grpc(server, conns, out, secs):
    row = json.loads(run_client([
        ANCHORS / "bin/grpc_loadgen", server.port, ANCHORS / "tls", ANCHORS / "request.bin",
        conns, out, secs, "0.7", "grpc", server.pid]))
    return {"rate": row["rps"], "server_us": row["srv_us"],
            "p50_us": row["p50_us"], "p99_us": row["p99_us"]}


def drive_redis(server, conns, out, secs):
    """redis-benchmark runs a count of SETs of 200 bytes, so a first run finds the rate."""
    def sets(count):
        before = server.cpu_us()
        line = run_client([
            "redis-benchmark", "-h", "127.0.0.1", "-p", server.port, "--tls",
            "--cert", BUILD / "tls/client.pem", "--key", BUILD / "tls/client.key",
            "--cacert", BUILD / "tls/ca.pem", "--tls-ciphersuites", "TLS_AES_128_GCM_SHA256",
            "-t", "set", "-d", 200, "-r", 100000, "-c", conns, "-P", out, "-n", count, "--csv"])
        columns = [column.strip('"') for column in line.split(",")]
        return {"rate": float(columns[1]), "server_us": (server.cpu_us() - before) / count,
                "p50_us": float(columns[4]) * 1e3, "p99_us": float(columns[6]) * 1e3}
    first = sets(5000 if conns == out == 1 else 20000)
    return sets(max(20000, int(first["rate"] * secs)))


@dataclasses.dataclass
class Peer:
    """A server of the comparison: how to start it, what drives it, which files it needs."""
    name: str
    title: str
    command: object
    drive: object
    needs: list = dataclasses.field(default_factory=list)

    def missing(self):
        return [str(path) for path in self.needs if not shutil.which(str(path))]


def ours(homing):
    return lambda port: [homing, "echo", "--listen", f"127.0.0.1:{port}", "--threads", 1,
                         *pair("echo")]


def limit(mode):
    return lambda port: [BUILD / "limit_server", "--mode", mode, "--port", port, *pair("echo")]


def redis(port):
    tls = BUILD / "tls"
    return ["redis-server", "--port", 0, "--tls-port", port, "--bind", "127.0.0.1",
            "--tls-cert-file", tls / "echo.pem", "--tls-key-file", tls / "echo.key",
            "--tls-ca-cert-file", tls / "ca.pem", "--tls-protocols", "TLSv1.3",
            "--tls-ciphersuites", "TLS_AES_128_GCM_SHA256", "--tls-auth-clients", "yes",
            "--appendonly", "no", "--save", "", "--daemonize", "no", "--dir", BUILD]


def anchor(program, *more):
    return lambda port: [ANCHORS / "bin" / program, port, ANCHORS / "tls", *more]


def peers(homing):
    """In the order of a round; the first is what the others are set against."""
    binaries = ANCHORS / "bin"
    return [
        Peer("limit", "C echo (limit)", limit("echo"), frames_client(PUBLISH)),
        Peer("arena", "C protobuf-c arena", limit("arena"), frames_client(PUBLISH)),
        Peer("ours", "ours, sync handler", ours(homing), frames_client(PUBLISH)),
        Peer("ours_async", "ours, async handler", ours(homing), frames_client(PUBLISH_ASYNC)),
        Peer("redis", "Redis with TLS", redis, drive_redis,
             ["redis-server", "redis-benchmark"]),
        Peer("thrift", "Thrift C++", anchor("thrift_server"), drive_thrift,
             [binaries / "thrift_server"]),
        Peer("grpc_cpp", "gRPC C++", anchor("grpc_server", "--async"), drive_grpc,
             [binaries / "grpc_server", binaries / "grpc_loadgen"]),
        Peer("grpc_swift", "grpc-swift-2", anchor("grpc-swift-server", "1"), drive_grpc,
             [binaries / "grpc-swift-server", binaries / "grpc_loadgen"]),
    ]
