"""Reads mails that MailTests wrote (HOMING_MAILS=FOLDER) with Python's email: mail_check.py FOLDER.

Each FOLDER/N.eml must give back what FOLDER/N.json says, in two alternatives, with the same headers in every mail.
"""

import email
import email.header
import email.policy
import json
import pathlib
import sys

HEADERS = [
    "Date", "From", "To", "Reply-To", "Subject", "Message-ID", "Content-Language", "Auto-Submitted",
    "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID", "MIME-Version", "Content-Type",
]


def check(path: pathlib.Path) -> None:
    raw = path.read_bytes()
    expected = json.loads(path.with_suffix(".json").read_text())
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert [name for name, _ in message.items()] == HEADERS, message.keys()
    assert not message.defects, message.defects
    for name in HEADERS:
        assert not message[name].defects, (name, message[name].defects)
    sender = message["From"].addresses
    assert len(sender) == 1 and sender[0].addr_spec == expected["from"], sender
    # By the older decoder: the newer one keeps the space between two encoded words in a display name.
    older = email.message_from_bytes(raw, policy=email.policy.compat32)["From"].replace("\r\n", "")
    name, _, _ = older.rpartition(" <")
    if name.startswith('"'):
        name = name[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    else:
        name = str(email.header.make_header(email.header.decode_header(name)))
    assert name == expected["from_name"], (name, expected["from_name"])
    assert [address.addr_spec for address in message["To"].addresses] == [expected["to"]]
    assert message["Subject"] == expected["subject"], (message["Subject"], expected["subject"])
    assert message["Date"].datetime is not None
    assert message["List-Unsubscribe"].startswith("<https://") and message["List-Unsubscribe"].endswith(">")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message.get_content_type() == "multipart/alternative"
    parts = list(message.iter_parts())
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    for part, name in zip(parts, ("text", "html")):
        assert not part.defects, part.defects
        assert part.get_content_charset() == "utf-8"
        content = part.get_content().replace("\r\n", "\n")
        wanted = expected[name] if expected[name].endswith("\n") else expected[name] + "\n"
        if name == "html":
            # The picture that tells of an opening was added before the body's end.
            head, _, tail = content.partition("<img src=\"https://go.moebel.example/o/")
            assert tail, "no picture for openings"
            content = head + tail.partition(">")[2]
        assert content == wanted, (path.name, name, content, wanted)


def main() -> None:
    mails = sorted(pathlib.Path(sys.argv[1]).glob("*.eml"))
    assert len(mails) >= 10, "no mails were written"
    for path in mails:
        check(path)
    print(f"{len(mails)} mails read back")


if __name__ == "__main__":
    main()
