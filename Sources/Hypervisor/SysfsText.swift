// SPDX-License-Identifier: Apache-2.0

import Glibc
import JailhouseInterface
import SystemCalls
import SystemPackage

/// The texts that the driver puts below `/sys/devices/jailhouse`; nil for what is not such a text. Each ends with a
/// newline: one without is a part of another.
enum SysfsText {
    static func number(_ bytes: some Sequence<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        var hasDigits = false
        var ended = false
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9") where !ended:
                let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
                let (sum, overflowed) = tenfold.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
                if overflow || overflowed { return nil }
                value = sum
                hasDigits = true
            case UInt8(ascii: "\n"): ended = true
            default: return nil
            }
        }
        return hasDigits && ended ? value : nil
    }

    static func state(_ bytes: some Sequence<UInt8>) -> CellState? {
        line(bytes).flatMap(CellState.init(rawValue:))
    }

    /// The text before the final newline, which may be anything.
    static func bytes(ofLine bytes: some Sequence<UInt8>) -> [UInt8]? {
        var content = Array(bytes)
        return content.popLast() == UInt8(ascii: "\n") ? content : nil
    }

    /// A text of one line, without its end.
    static func line(_ bytes: some Sequence<UInt8>) -> String? {
        var content = Array(bytes)
        guard content.popLast() == UInt8(ascii: "\n") else { return nil }
        guard !content.isEmpty, !content.contains(UInt8(ascii: "\n")), !content.contains(0) else { return nil }
        return String(validating: content, as: UTF8.self)
    }

    /// A CPU list such as `3-5,8`, ascending as the kernel prints it; one newline alone is the empty list.
    static func cpuList(_ bytes: some Sequence<UInt8>) -> [Int]? {
        guard let text = String(validating: Array(bytes), as: UTF8.self), text.hasSuffix("\n") else { return nil }
        return CPUList.parse(text.dropLast())
    }
}
