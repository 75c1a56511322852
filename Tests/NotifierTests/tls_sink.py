"""An SMTP server with TLS for tests: `tls_sink.py CERT KEY starttls|implicit [USER:PASSWORD]`.

Prints its port, then one line for each mail: `tls|clear AUTH RECIPIENT`. Ends with its parent.
"""

import base64
import os
import socket
import ssl
import sys
import threading
import time

cert, key, mode = sys.argv[1:4]
login = sys.argv[4] if len(sys.argv) > 4 else ""
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)


def serve(peer):
    secure, auth, recipient = False, "none", ""
    if mode == "implicit":
        peer = context.wrap_socket(peer, server_side=True)
        secure = True
    stream = peer.makefile("rwb")

    def say(text):
        stream.write(text.encode() + b"\r\n")
        stream.flush()

    say("220 sink")
    while line := stream.readline():
        words = line.decode().strip().split()
        command = words[0].upper() if words else ""
        if command == "EHLO":
            say("250-sink\r\n" + ("" if secure else "250-STARTTLS\r\n") + "250 AUTH PLAIN")
        elif command == "STARTTLS":
            say("220 go")
            stream.close()
            peer = context.wrap_socket(peer, server_side=True)
            stream, secure = peer.makefile("rwb"), True
        elif command == "AUTH":
            given = words[2] if len(words) > 2 else ""
            if not given:
                say("334 ")
                given = stream.readline().decode().strip()
            if base64.b64decode(given).decode().split("\0")[1:] == login.split(":"):
                auth = "auth"
                say("235 ok")
            else:
                say("535 wrong")
        elif command == "RCPT":
            recipient = line.decode().split("<")[1].split(">")[0]
            say("250 ok")
        elif command == "DATA":
            say("354 go on")
            while stream.readline().strip() != b".":
                pass
            say("250 taken")
            print("tls" if secure else "clear", auth, recipient, flush=True)
        elif command == "QUIT":
            say("221 bye")
            return
        else:
            say("250 ok")


def guarded(peer):
    try:
        serve(peer)
    except (OSError, ssl.SSLError):
        pass
    finally:
        peer.close()


def end_with_parent(parent):
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


threading.Thread(target=end_with_parent, args=(os.getppid(),), daemon=True).start()
for port in range(13_000, 30_000):
    listener = socket.socket()
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        continue
    break
listener.listen()
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=guarded, args=(listener.accept()[0],), daemon=True).start()
