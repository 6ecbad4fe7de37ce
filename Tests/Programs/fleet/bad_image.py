# SPDX-License-Identifier: Apache-2.0
"""Makes of a 32-bit ELF image one whose first instruction writes the I/O port of the CMOS clock: bad_image.py OLD NEW"""
import struct
import sys

OUT_0X70 = b"\xe6\x70"
source, target = sys.argv[1:]
with open(source, "rb") as file:
    image = bytearray(file.read())
entry, table = struct.unpack_from("<II", image, 24)
size, count = struct.unpack_from("<HH", image, 42)
for header in range(table, table + size * count, size):
    kind, offset, address, _, length = struct.unpack_from("<IIIII", image, header)
    if kind == 1 and address <= entry < address + length:
        place = offset + entry - address
        image[place:place + len(OUT_0X70)] = OUT_0X70
        break
else:
    sys.exit("no segment has the entry")
with open(target, "wb") as file:
    file.write(image)
