// Addresses in messages.

func hexadecimal(_ number: some FixedWidthInteger & UnsignedInteger) -> String {
    "0x" + String(number, radix: 16)
}

/// `0x900000–0x900fff`; the last address is included.
func rangeText(_ start: UInt64, _ last: UInt64) -> String {
    "\(hexadecimal(start))–\(hexadecimal(last))"
}
