"""Compares our codec with Google's on random, foreign and damaged encodings.

Usage: codec_check.py MIRROR [--count N] [--seed S]

1. What Google encodes we decode and encode again, and Google reads the same message: fields in any
   order, packed or not, in pieces, with fields we do not know in between.
2. Damaged bytes: both refuse, or both take them and agree. Where only one refuses, the reason must be
   one that `reason` or `laxness` knows: protobuf-c knows no groups, and takes no known field of another
   wire type; we want single messages in one piece; text counts only where it is not replaced.
3. The limits that the options state, at and past their edges.
"""

import argparse
import collections
import random
import struct
import subprocess
import sys

from google.protobuf.descriptor import FieldDescriptor as Field
from google.protobuf.message import DecodeError

from everything import fill
from homing_contract import PROTO_DIR, Contract

KINDS = {"homing.echo.v1.Everything": b"e", "homing.echo.v1.CartEvent": b"c",
         "homing.rpc.v1.Frame": b"f"}
VARINT, FIXED64, BYTES, START, END, FIXED32 = range(6)
WIRE_TYPES = {
    Field.TYPE_DOUBLE: FIXED64, Field.TYPE_FLOAT: FIXED32, Field.TYPE_FIXED64: FIXED64,
    Field.TYPE_SFIXED64: FIXED64, Field.TYPE_FIXED32: FIXED32, Field.TYPE_SFIXED32: FIXED32,
    Field.TYPE_STRING: BYTES, Field.TYPE_BYTES: BYTES, Field.TYPE_MESSAGE: BYTES}


class Mirror:
    """Our codec in a process of its own."""

    def __init__(self, path):
        self.process = subprocess.Popen(
            [path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, message_name, data):
        """The encoding that comes back and None, or None and the error."""
        self.process.stdin.write(KINDS[message_name] + struct.pack(">I", len(data)) + data)
        self.process.stdin.flush()
        header = self.process.stdout.read(5)
        if len(header) < 5:
            sys.exit(f"the mirror died of {message_name} {data.hex()}")
        answer = self.process.stdout.read(struct.unpack(">I", header[1:])[0])
        return (answer, None) if header[:1] == b"=" else (None, answer.decode())

    def close(self):
        self.process.stdin.close()
        return self.process.wait()


def varint(value):
    result = bytearray()
    while value >= 0x80:
        result.append(value & 0x7f | 0x80)
        value >>= 7
    return bytes(result + bytes([value]))


def read_varint(data, at):
    value = 0
    for shift in range(0, 70, 7):
        value |= (data[at] & 0x7f) << shift
        at += 1
        if data[at - 1] < 0x80:
            return value, at
    raise IndexError


def fields(data):
    """(number, wire type, start, value start, end) of each field; IndexError where they are damaged."""
    at = 0
    while at < len(data):
        start = at
        key, at = read_varint(data, at)
        value, kind = at, key & 7
        if kind == VARINT:
            _, at = read_varint(data, at)
        elif kind == FIXED64:
            at += 8
        elif kind == FIXED32:
            at += 4
        elif kind == BYTES:
            size, value = read_varint(data, at)
            at = value + size
        if at > len(data):
            raise IndexError
        yield key >> 3, kind, start, value, at


def shuffled(data, chance):
    """The same message with its fields in another order; those of one number or oneof keep theirs."""
    parts = [(number, data[start:end]) for number, _, start, _, end in fields(data)]
    order = [50 if 50 <= number <= 55 else number for number, _ in parts]
    groups = {key: [p for k, (_, p) in zip(order, parts) if k == key] for key in order}
    chance.shuffle(order)
    return b"".join(groups[key].pop(0) for key in order)


def unknown_field(chance):
    number = chance.choice([100, 1999, 2**20, 2**29 - 1])
    kind = chance.choice([VARINT, FIXED64, BYTES, FIXED32])
    value = {VARINT: varint(chance.getrandbits(chance.randrange(1, 65))),
             FIXED64: chance.randbytes(8), FIXED32: chance.randbytes(4),
             BYTES: b"\x05" + chance.randbytes(5)}[kind]
    return varint(number << 3 | kind) + value


def with_unknown_fields(data, chance):
    cuts = [start for _, _, start, _, _ in fields(data)] + [len(data)]
    for cut in sorted(chance.sample(cuts, min(3, len(cuts))), reverse=True):
        data = data[:cut] + unknown_field(chance) + data[cut:]
    return data


def unpacked(data, descriptor):
    """Lists of varints written one by one."""
    result = b""
    for number, kind, start, value, end in fields(data):
        field = descriptor.fields_by_number.get(number)
        if (field and field.is_repeated and kind == BYTES and field.type not in WIRE_TYPES):
            while value < end:
                _, following = read_varint(data, value)
                result += varint(number << 3) + data[value:following]
                value = following
        else:
            result += data[start:end]
    return result


def damaged(data, chance):
    data = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 5])):
        at = chance.randrange(len(data) + 1)
        action = chance.randrange(6)
        if action == 0 and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        elif action == 1 and at < len(data):
            data[at] = chance.choice([0, 0x7f, 0x80, 0xff])
        elif action == 2:
            del data[at:at + chance.randrange(1, 8)]
        elif action == 3:
            data[at:at] = chance.randbytes(chance.randrange(1, 5))
        elif action == 4:
            data[at:at] = data[at:at + chance.randrange(1, 30)]
        else:
            del data[at:]
    return bytes(data)


def reason(data, descriptor):
    """Why we refuse what Google takes; None where no reason is known."""
    seen = set()
    try:
        for number, kind, _, value, end in fields(data):
            if kind in (START, END):
                return "a group"
            field = descriptor.fields_by_number.get(number)
            if field is None:
                continue
            expected = WIRE_TYPES.get(field.type, VARINT)
            is_packed = field.is_repeated and kind == BYTES and expected != BYTES
            if kind != expected and not is_packed:
                return "a known field of another wire type"
            if field.type == Field.TYPE_MESSAGE:
                if number in seen and not field.is_repeated:
                    return "a field that holds one message stands twice"
                seen.add(number)
                if found := reason(data[value:end], field.message_type):
                    return found
    except IndexError:
        return None
    return None


def laxness(data, descriptor):
    """Why we take what Google refuses; None where no reason is known."""
    seen = set()
    try:
        for number, kind, start, value, end in fields(data):
            key, _ = read_varint(data, start)
            if number == 0 or key >= 2**32:
                return "a key of no field, in a message that needs no scan"
            field = descriptor.fields_by_number.get(number)
            if field is None:
                continue
            if field.type == Field.TYPE_STRING and not field.is_repeated:
                place = field.containing_oneof.name if field.containing_oneof else number
                if place in seen:
                    return "text that a later value replaces is not UTF-8"
                seen.add(place)
            if field.type == Field.TYPE_MESSAGE and kind == BYTES:
                if found := laxness(data[value:end], field.message_type):
                    return found
    except IndexError:
        return None
    return None


class Check:
    def __init__(self, mirror, contract):
        self.mirror, self.contract = mirror, contract
        self.counts = collections.Counter()
        self.failures = []

    def fail(self, what, data, detail=""):
        self.failures.append(what)
        if len(self.failures) <= 10:
            print(f"FAIL {what}: {detail} {data[:200].hex()}")

    def parse(self, name, data):
        message = self.contract.message(name)()
        try:
            message.ParseFromString(data)
        except DecodeError:
            return None
        message.DiscardUnknownFields()
        return message

    def same(self, what, name, data, expected):
        """Our answer to `data` is the message that Google reads in it."""
        answer, error = self.mirror.ask(name, data)
        if error is not None:
            self.fail(what, data, error)
            return
        got = self.parse(name, answer)
        # Compared as bytes, so that NaN equals itself and -0.0 does not equal 0.0.
        if got is None or got.SerializeToString(deterministic=True) != expected:
            self.fail(what, data, f"came back as {answer[:200].hex()} from")
            return
        self.counts[what] += 1

    def refused(self, what, name, data):
        _, error = self.mirror.ask(name, data)
        if error is None or not error.startswith("malformed"):
            self.fail(what, data, f"{error}")
        self.counts[what] += 1

    def valid(self, name, chance):
        message = self.contract.message(name)()
        fill(message, chance)
        if name.endswith("CartEvent"):
            message.store_id = message.store_id or 1
            message.cart_id = "c"
            message.contact_id = ""
            del message.items[1000:]
        for inner in [getattr(message, "message_value", None), getattr(message, "choice_inner", None),
                      *getattr(message, "message_list", [])]:
            if inner is not None and len(inner.text.encode()) > 4096:
                inner.text = ""
        return canonical(message)

    def taken(self, name, chance):
        message = self.valid(name, chance)
        data = message.SerializeToString(deterministic=True)
        self.same("encoded by Google", name, data, data)
        self.same("fields in another order", name, shuffled(data, chance), data)
        self.same("lists not packed", name, unpacked(data, message.DESCRIPTOR), data)
        self.same("fields not known", name, with_unknown_fields(data, chance), data)
        half = self.valid(name, chance).SerializeToString()
        both = self.parse(name, half + data)
        if why := reason(half + data, message.DESCRIPTOR):
            self.refused(f"two encodings in a row: {why}", name, half + data)
        else:
            self.same("two encodings in a row", name, half + data,
                      canonical(both).SerializeToString(deterministic=True))
        return data

    def broken(self, name, data):
        answer, error = self.mirror.ask(name, data)
        theirs = self.parse(name, data)
        if error is None and theirs is not None:
            got = self.parse(name, answer)
            expected = canonical(theirs).SerializeToString(deterministic=True)
            if got is None or got.SerializeToString(deterministic=True) != expected:
                self.fail("damaged, taken by both", data, f"as {answer[:200].hex()} from")
            self.counts["damaged: taken by both"] += 1
        elif error is None:
            if why := laxness(data, self.contract.pool.FindMessageTypeByName(name)):
                self.counts[f"damaged: taken by us alone: {why}"] += 1
            else:
                self.fail("damaged, taken by us alone", data)
        elif theirs is None:
            self.counts["damaged: refused by both"] += 1
        elif not error.startswith("malformed"):
            self.counts[f"damaged: refused by our rule {error.split()[0]}"] += 1
        elif why := reason(data, theirs.DESCRIPTOR):
            self.counts[f"damaged: refused by us alone: {why}"] += 1
        else:
            self.fail("damaged, refused by us alone", data, error)

    def limits(self, chance):
        name = "homing.echo.v1.CartEvent"
        for _ in range(200):
            message = self.contract.message(name)(
                store_id=chance.choice([0, 1]), cart_id="é" * chance.choice([0, 1, 32, 33]),
                contact_id="x" * chance.choice([0, 64, 65]))
            for _ in range(chance.choice([0, 999, 1000, 1001])):
                message.items.add(sku="s")
            expected = (
                "missing store_id" if message.store_id == 0
                else "missing cart_id" if not message.cart_id
                else "tooLong cart_id" if len(message.cart_id) > 32
                else "tooLong contact_id" if len(message.contact_id) > 64
                else "tooMany items" if len(message.items) > 1000 else None)
            _, error = self.mirror.ask(name, message.SerializeToString())
            if error != expected:
                self.fail("limits", b"", f"{error} instead of {expected}")
            self.counts["limits"] += 1


def canonical(message):
    """protobuf-c does not write a lone float or double -0.0, since it equals the default."""
    for field, value in message.ListFields():
        if field.is_repeated:
            if field.type == Field.TYPE_MESSAGE:
                for inner in value:
                    canonical(inner)
        elif field.type == Field.TYPE_MESSAGE:
            canonical(value)
        elif field.cpp_type in (Field.CPPTYPE_FLOAT, Field.CPPTYPE_DOUBLE):
            if value == 0 and not field.has_presence:
                message.ClearField(field.name)
    return message


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mirror")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    check = Check(Mirror(options.mirror), Contract())
    for number in range(options.count):
        name = list(KINDS)[0 if number % 4 else number // 4 % 3]
        data = check.taken(name, chance)
        for _ in range(10):
            check.broken(name, damaged(data, chance))
    check.limits(chance)
    if check.mirror.close() != 0:
        check.fail("the mirror's end", b"")
    for what, count in sorted(check.counts.items()):
        print(f"{count:7} {what}")
    if check.failures:
        print(f"codec check: {len(check.failures)} failures")
        return 1
    print(f"codec check: {sum(check.counts.values())} messages agree, seed {options.seed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
