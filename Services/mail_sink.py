"""A mail server that delivers nothing: what it takes lies in a folder, one file a mail.

    mail_sink.py --folder FOLDER [--listen HOST:PORT]

SMTP by aiosmtpd (Debian: python3-aiosmtpd), without TLS and without a password: for demonstrations on one machine and
within one network of containers. A mail is answered with 250 once its file has its name, `000001-RECIPIENT.eml`.
Prints `listening on HOST:PORT` and runs until SIGTERM.
"""

import argparse
import asyncio
import pathlib
import re
import signal

from aiosmtpd.smtp import SMTP

SIZE_MAX = 32 << 20


class Folder:
    """Writes each mail into a file of its own, in the order in which they came."""

    def __init__(self, path):
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        for half in path.glob(".*.part"):
            half.unlink()
        numbers = [int(file.name[:6]) for file in path.glob("[0-9]" * 6 + "-*.eml")]
        self.count = max(numbers, default=0)

    async def handle_DATA(self, _server, _session, envelope):
        self.count += 1
        recipient = re.sub(r"[^A-Za-z0-9@._+-]", "_", envelope.rcpt_tos[0])[:100]
        name = f"{self.count:06}-{recipient}"
        part = self.path / f".{name}.part"
        part.write_bytes(envelope.original_content)
        part.rename(self.path / f"{name}.eml")
        return "250 2.0.0 kept"


async def serve(options):
    host, port = options.listen.rsplit(":", 1)
    loop = asyncio.get_running_loop()
    folder = Folder(options.folder)
    server = await loop.create_server(
        lambda: SMTP(folder, data_size_limit=SIZE_MAX, enable_SMTPUTF8=True, hostname="sink.invalid", loop=loop),
        host.strip("[]"), int(port))
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    print(f"listening on {host}:{server.sockets[0].getsockname()[1]}", flush=True)
    await end.wait()
    server.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--listen", default="127.0.0.1:2525", metavar="HOST:PORT")
    asyncio.run(serve(parser.parse_args()))
