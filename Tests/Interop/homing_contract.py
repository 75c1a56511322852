"""The contract as Python classes, the errors of a call and of a connection, and the TLS for it."""
import pathlib
import ssl
import subprocess
import tempfile

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PROTO_DIR = pathlib.Path(__file__).resolve().parents[2] / "proto"


class Contract:
    """The messages and methods that the .proto files declare, as classes made at run time."""

    def __init__(self, proto_dir=PROTO_DIR):
        names = [str(path.relative_to(proto_dir)) for path in sorted(proto_dir.rglob("*.proto"))]
        with tempfile.NamedTemporaryFile() as out:
            subprocess.run(["protoc", f"-I{proto_dir}", "--include_imports",
                            f"--descriptor_set_out={out.name}", *names], check=True)
            files = descriptor_pb2.FileDescriptorSet.FromString(out.read()).file
        self.pool = descriptor_pool.DescriptorPool()
        for file in files:
            self.pool.AddSerializedFile(file.SerializeToString())
        self.Frame = self.message("homing.rpc.v1.Frame")
        self.codes = self.pool.FindEnumTypeByName("homing.rpc.v1.Code").values_by_number

    def message(self, name):
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(name))


class RPCError(Exception):
    """A call's outcome other than OK. `local`: made here, not sent by the server."""

    def __init__(self, code, text, status=None, trailers=(), local=True):
        super().__init__(f"{code}: {text}")
        self.code, self.message, self.local = code, text, local
        self.status, self.trailers = status, trailers


class BrokenRule(Exception):
    """The server broke a rule of the connection, which is closed for it."""


class ConnectionClosed(Exception):
    """The connection ended; `clean` tells a close_notify from a cut."""

    def __init__(self, text, clean):
        super().__init__(text)
        self.clean = clean


def tls_context(certificate, key, authority):
    """TLS as §1 asks for it: 1.3 only, `homing/1`, both sides with a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # Identity is the URI name, checked after the handshake.
    context.load_verify_locations(authority)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["homing/1"])
    return context
