"""Seeded messages with every shape of field, and descriptors as reflection serves them."""
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import FieldDescriptor as Field

INTEGERS = {Field.TYPE_INT32: 31, Field.TYPE_SINT32: 31, Field.TYPE_SFIXED32: 31,
            Field.TYPE_INT64: 63, Field.TYPE_SINT64: 63, Field.TYPE_SFIXED64: 63}
UNSIGNED = {Field.TYPE_UINT32: 32, Field.TYPE_FIXED32: 32,
            Field.TYPE_UINT64: 64, Field.TYPE_FIXED64: 64}
LETTERS = "aZ9 \0\n~äß€漢😈\ufffd\U0010ffff"


def scalar(field, chance):
    if bits := INTEGERS.get(field.type):
        return chance.choice([0, 1, -1, 1 - 2**bits, 2**bits - 1, -2**bits,
                              chance.randrange(-2**bits, 2**bits)])
    if bits := UNSIGNED.get(field.type):
        return chance.choice([0, 1, 127, 128, 2**bits - 1, chance.randrange(2**bits)])
    if field.type == Field.TYPE_FLOAT:
        return chance.choice([0.0, -0.0, 1.5, float("inf"), -3.5e38 / 2, 1e-45])
    if field.type == Field.TYPE_DOUBLE:
        return chance.choice([0.0, -0.0, 0.1, float("-inf"), 1.7e308, 5e-324])
    if field.type == Field.TYPE_BOOL:
        return chance.random() < 0.5
    if field.type == Field.TYPE_STRING:
        return "".join(chance.choices(LETTERS, k=chance.choice([0, 1, 3, 200])))
    if field.type == Field.TYPE_BYTES:
        return chance.randbytes(chance.choice([0, 1, 16, 300]))
    if field.type == Field.TYPE_ENUM:  # Numbers that are not known are kept (§9).
        return chance.choice([0, 1, 2, -1, 77, 2**31 - 1, -2**31])
    raise AssertionError(f"a field of type {field.type}")


def fill_time(message, chance):
    """Times and spans within protobuf's documented ranges."""
    nanos = chance.choice([0, 1, 999_999_999, chance.randrange(10**9)])
    if message.DESCRIPTOR.name == "Timestamp":
        message.seconds = chance.choice(
            [0, -62_135_596_800, 253_402_300_799, chance.randrange(2**31)])
        message.nanos = nanos
    else:
        sign = chance.choice([1, -1])
        message.seconds = sign * chance.choice([0, 1, 315_576_000_000 - 1])
        message.nanos = sign * nanos
    message.SetInParent()


def fill_message(message, chance):
    if message.DESCRIPTOR.full_name.startswith("google.protobuf."):
        fill_time(message, chance)
    else:
        message.SetInParent()
        fill(message, chance)


def fill(message, chance):
    """Sets about half of the fields to values at and between the ends of their ranges."""
    for field in message.DESCRIPTOR.fields:
        if chance.random() < 0.5:
            continue
        if field.message_type and field.is_repeated:
            for _ in range(chance.choice([1, 2, 7])):
                fill_message(getattr(message, field.name).add(), chance)
        elif field.message_type:
            fill_message(getattr(message, field.name), chance)
        elif field.is_repeated:
            values = [scalar(field, chance) for _ in range(chance.choice([1, 2, 40]))]
            getattr(message, field.name).extend(values)
        else:
            setattr(message, field.name, scalar(field, chance))
    return message


def declares(files, service):
    """Whether these descriptors, imports first, load one by one and declare the service."""
    pool = descriptor_pool.DescriptorPool()
    for data in files:
        pool.AddSerializedFile(descriptor_pb2.FileDescriptorProto.FromString(
            data).SerializeToString())
    return pool.FindServiceByName(service).full_name == service
