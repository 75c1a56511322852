"""Compares our JSON mapping with Google's on random messages, in both directions.

Usage: json_check.py MIRROR [--count N] [--seed S]

For each message of homing.echo.v1.Everything:
1. Google's binary -> our JSON -> Google's parser gives the message back.
2. Google's JSON -> our binary -> Google's parser gives the message back.
3. Our JSON, as a value, is Google's.
Then inputs that must be taken or refused by both.
"""

import argparse
import base64
import json
import math
import random
import struct
import subprocess
import sys
import tempfile

from google.protobuf import json_format

from everything import fill
from homing_contract import PROTO_DIR, Contract

NAME = "homing.echo.v1.Everything"


class Mirror:
    """Our codec in a process of its own."""

    def __init__(self, path, descriptor_set):
        self.process = subprocess.Popen(
            [path, descriptor_set, NAME], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, kind, data):
        self.process.stdin.write(kind + struct.pack(">I", len(data)) + data)
        self.process.stdin.flush()
        header = self.process.stdout.read(5)
        if len(header) < 5:
            sys.exit("the mirror died")
        answer = self.process.stdout.read(struct.unpack(">I", header[1:])[0])
        return header[:1], answer

    def close(self):
        self.process.stdin.close()
        return self.process.wait()


NASTY = ["\"", "\\", "/", "\n", "\x00", "\x1f", "\x7f", "\x85", "e\u0301", "\u212a",
         "\u2028", "\ufeff", "\U0001f4ee", "\U0010ffff"]


def plain_nan(number):
    """JSON has one NaN; its other bits do not travel."""
    return math.nan if math.isnan(number) else number


def fill_harder(message, chance):
    """What the shared messages leave out: floats of any bits, text that JSON must escape."""
    if chance.random() < 0.5:
        return
    message.float_value = plain_nan(struct.unpack("<f", chance.randbytes(4))[0])
    message.double_value = plain_nan(struct.unpack("<d", chance.randbytes(8))[0])
    message.double_list.extend([math.nan, chance.uniform(-1, 1), float(chance.randrange(10**6))])
    message.string_list.append("".join(chance.choices(NASTY, k=9)))
    message.at_list.add(seconds=chance.randint(-62135596800, 253402300799), nanos=120_000_000)
    message.at_list.add(seconds=chance.randint(-62135596800, 253402300799), nanos=1_000)


def same(a, b):
    """Equal values; NaN equals itself, and numbers equal their other spelling."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) in (int, float) and type(b) in (int, float) and a == b or (
        type(a) is type(b) and a == b)


def as_value(text):
    """JSON as Python values; a float rounded to its 32 bits, of which either side may print spare digits."""
    value = json.loads(text)
    if type(value.get("floatValue")) in (int, float):
        value["floatValue"] = struct.unpack("<f", struct.pack("<f", value["floatValue"]))[0]
    return value


def check_message(mirror, everything, message, count):
    binary = message.SerializeToString(deterministic=True)
    kind, ours = mirror.ask(b"b", binary)
    assert kind == b"j", f"message {count}: refused: {ours.decode()}"
    back = json_format.Parse(ours.decode(), everything())
    again = back.SerializeToString(deterministic=True)
    assert again == binary, f"message {count}: our JSON reads back otherwise: {ours.decode()}"
    theirs = json_format.MessageToJson(message, ensure_ascii=count % 2 == 0)
    assert same(as_value(ours), as_value(theirs)), f"message {count}: {ours}, {theirs}"
    # Their names and ours, alternating.
    if count % 3 == 0:
        theirs = json_format.MessageToJson(message, preserving_proto_field_name=True)
    kind, ours = mirror.ask(b"j", theirs.encode())
    assert kind == b"b", f"message {count}: refused: {ours.decode()}: {theirs}"
    again = everything.FromString(ours).SerializeToString(deterministic=True)
    assert again == binary, f"message {count}: our binary reads back otherwise: {theirs}"


# Text, and whether it must be taken. Both sides must agree.
VECTORS = [
    ('{"int32Value": 1e5}', True), ('{"int32Value": 100000.0}', True),
    ('{"int32Value": 0.5}', False), ('{"int32Value": 2147483648}', False),
    ('{"int32Value": "-2147483648"}', True), ('{"int32Value": "12a"}', False),
    ('{"int32Value": " 1"}', False), ('{"int32Value": true}', False),
    ('{"int64Value": "9223372036854775807"}', True),
    ('{"int64Value": 9223372036854775808}', False),
    ('{"uint64Value": 18446744073709551615}', True), ('{"uint64Value": -1}', False),
    ('{"uint64Value": "18446744073709551616"}', False),
    ('{"boolValue": "true"}', False), ('{"boolValue": 1}', False),
    ('{"floatValue": 3.5e38}', False), ('{"floatValue": "Infinity"}', True),
    ('{"doubleValue": "NaN"}', True), ('{"doubleValue": "1.25"}', True),
    ('{"doubleValue": "x"}', False), ('{"stringValue": 1}', False),
    ('{"stringValue": null}', True), ('{"int32List": [null]}', False),
    ('{"int32List": null}', True), ('{"int32List": 1}', False),
    ('{"bytesValue": "-_8="}', True), ('{"bytesValue": "-_8"}', True),
    ('{"enumValue": "EVENT_KIND_CREATED"}', True), ('{"enumValue": 77}', True),
    ('{"enumValue": "CREATED"}', False),
    ('{"choiceText": "", "choiceNumber": 1}', False),
    ('{"choiceText": null, "choiceNumber": 1}', True),
    ('{"int32Value": 1, "int32Value": 2}', False),
    ('{"nothing": 1}', False), ('{"messageValue": [1]}', False), ('[1]', False), ('{', False),
    ('{"at": "2026-11-22T10:00:00.123456789+02:00"}', True),
    ('{"at": "0001-01-01T00:00:00Z"}', True), ('{"at": "9999-12-31T23:59:59.999999999Z"}', True),
    ('{"at": "2026-02-29T00:00:00Z"}', False), ('{"at": "2024-02-29T00:00:00Z"}', True),
    ('{"at": "2026-11-22 10:00:00Z"}', False), ('{"at": "2026-11-22T10:00:00"}', False),
    ('{"at": "10000-01-01T00:00:00Z"}', False), ('{"at": 5}', False),
    ('{"span": "1.5s"}', True), ('{"span": "-0.000000001s"}', True),
    ('{"span": "315576000001s"}', False), ('{"span": "1"}', False), ('{"span": 1}', False),
]


def check_vectors(mirror, everything):
    for text, is_taken in VECTORS:
        try:
            theirs = json_format.Parse(text, everything()).SerializeToString(deterministic=True)
        except json_format.ParseError:
            theirs = None
        assert (theirs is not None) == is_taken, f"Google's parser does not agree: {text}"
        kind, ours = mirror.ask(b"j", text.encode())
        assert (kind == b"b") == is_taken, f"{text}: {kind} {ours}"
        if is_taken:
            again = everything.FromString(ours).SerializeToString(deterministic=True)
            assert again == theirs, f"{text}: another message: {base64.b16encode(ours)}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mirror")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=20261122)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    everything = Contract().message(NAME)
    with tempfile.TemporaryDirectory() as folder:
        descriptor_set = folder + "/echo.pb"
        subprocess.run(
            ["protoc", f"-I{PROTO_DIR}", "--include_imports",
             f"--descriptor_set_out={descriptor_set}", "homing/echo/v1/echo.proto"], check=True)
        mirror = Mirror(arguments.mirror, descriptor_set)
        for count in range(arguments.count):
            message = everything()
            fill(message, chance)
            fill_harder(message, chance)
            check_message(mirror, everything, message, count)
        check_vectors(mirror, everything)
        assert mirror.close() == 0
    print(f"{arguments.count + len(VECTORS)} passed, 0 failed")


if __name__ == "__main__":
    main()
