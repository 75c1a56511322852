"""Runs a command against a fresh `homing echo` and looks whether the server survived it.

    with_server.py HOMING CERTDIR COMMAND...

In the command `{port}` and `{pid}` stand for the server's. CERTDIR has echo.pem, echo.key, ca.pem.
Exits non-zero when the command fails, or when the server does not end in peace by SIGTERM.
"""
import pathlib
import select
import signal
import subprocess
import sys

READY = "listening on "


def start(homing, directory):
    """The server's process and port, once it takes connections."""
    server = subprocess.Popen(
        [homing, "echo", "--listen", "127.0.0.1:0", "--cert", directory / "echo.pem",
         "--key", directory / "echo.key", "--ca", directory / "ca.pem"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    ready = select.select([server.stdout], [], [], 30)[0]
    line = server.stdout.readline().decode() if ready else ""
    if not line.startswith(READY):
        server.kill()
        sys.exit(f"FAIL server_starts: it said {line!r}")
    return server, line.strip().rsplit(":", 1)[1]


def stop(server):
    """What is wrong with the way the server ends, or nothing."""
    if server.poll() is not None:
        return f"it had ended with {server.returncode}"
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(15)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
        return "it did not end within 15 s"
    return f"it ended with {server.returncode}" if server.returncode else ""


def main():
    homing, directory, command = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:]
    server, port = start(homing, directory)
    code, wrong = 1, ""
    try:
        command = [part.format(port=port, pid=server.pid) for part in command]
        code = subprocess.run(command).returncode
    finally:
        wrong = stop(server)
    print(f"FAIL server_ends_by_sigterm: {wrong}" if wrong else "PASS server_ends_by_sigterm")
    sys.exit(1 if wrong else code)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main()
