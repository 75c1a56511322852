"""Certificates for the interop tests: a CA, a server, a client, and clients that must be refused.

    certificates.py DIR      writes DIR/ca.pem, ca.key and for each name NAME.pem, NAME.key

The good names are `echo` (the server) and `client`, as `homing certs` would make them.
"""
import datetime
import pathlib
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DOMAIN = "spiffe://homing.test"


def write(directory, name, certificate, key):
    (directory / f"{name}.pem").write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM))
    (directory / f"{name}.key").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))


class Authority:
    """A CA that signs whatever it is asked for, wrong certificates too."""

    def __init__(self, name="homing interop CA"):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._builder(self.name, self.key, -3600, 86400).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True).add_extension(
            x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False).sign(
                self.key, hashes.SHA256())

    def _builder(self, subject, key, begin, end):
        now = datetime.datetime.now(datetime.timezone.utc)
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(self.name)
                .public_key(key.public_key()).serial_number(x509.random_serial_number())
                .not_valid_before(now + datetime.timedelta(seconds=begin))
                .not_valid_after(now + datetime.timedelta(seconds=end)))

    def issue(self, directory, name, uris, begin=-3600, end=86400):
        """Writes NAME.pem and NAME.key; valid from `begin` to `end` seconds from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = [x509.UniformResourceIdentifier(uri) for uri in uris] + [x509.DNSName(name)]
        certificate = (
            self._builder(subject, key, begin, end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                critical=False)
            .sign(self.key, hashes.SHA256()))
        write(directory, name, certificate, key)

    @classmethod
    def load(cls, directory):
        """The CA whose ca.pem and ca.key lie in the directory."""
        authority = cls.__new__(cls)
        authority.key = serialization.load_pem_private_key(
            (directory / "ca.key").read_bytes(), password=None)
        authority.certificate = x509.load_pem_x509_certificate(
            (directory / "ca.pem").read_bytes())
        authority.name = authority.certificate.subject
        return authority


def make(directory):
    directory.mkdir(parents=True, exist_ok=True)
    authority = Authority()
    write(directory, "ca", authority.certificate, authority.key)
    authority.issue(directory, "echo", [f"{DOMAIN}/echo"])
    authority.issue(directory, "client", [f"{DOMAIN}/client"])
    authority.issue(directory, "expired", [f"{DOMAIN}/client"], begin=-7200, end=-60)
    authority.issue(directory, "early", [f"{DOMAIN}/client"], begin=3600)
    authority.issue(directory, "foreign-domain", ["spiffe://other.test/client"])
    authority.issue(directory, "no-path", ["spiffe://homing.test/"])
    authority.issue(directory, "not-spiffe", ["https://homing.test/client"])
    authority.issue(directory, "two-names", [f"{DOMAIN}/client", f"{DOMAIN}/other"])
    authority.issue(directory, "no-name", [])
    Authority("another CA").issue(directory, "foreign-ca", [f"{DOMAIN}/client"])
    Authority("homing interop CA").issue(directory, "same-name-ca", [f"{DOMAIN}/client"])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    make(pathlib.Path(sys.argv[1]))
