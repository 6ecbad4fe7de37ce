// SPDX-License-Identifier: Apache-2.0

/// The end of what the hypervisor has printed since it was enabled last, as it was read piece by piece.
package struct ConsoleLog: Sendable {
    /// Bytes that are kept.
    package static let kept = 64 << 10
    /// What sysfs shows of it, in bytes.
    package static let ring = 2 << 10

    package private(set) var text = ""
    private var bytes: [UInt8] = []

    private static let beginning = Array("Initializing Jailhouse hypervisor".utf8)

    package init() {}

    /// Adds what was read.
    package mutating func add(_ news: String) {
        guard !news.isEmpty else { return }
        let old = bytes.count
        bytes += news.utf8
        // an earlier life of the hypervisor explains nothing of this one
        let from = max(0, old - Self.beginning.count)
        if let begin = Self.last(Self.beginning, in: bytes[from...]) { bytes.removeFirst(begin) }
        if bytes.count > Self.kept { bytes = Array(Self.wholeLines(bytes.suffix(Self.kept))) }
        text = String(decoding: bytes, as: UTF8.self)
    }

    /// Its last lines: what was added last and, before it, as much as the ring holds.
    package func tail(with news: String) -> String {
        let count = Self.ring + news.utf8.count
        return bytes.count <= count ? text : String(decoding: Self.wholeLines(bytes.suffix(count)), as: UTF8.self)
    }

    private static func wholeLines(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return bytes }
        return bytes[(end + 1)...]
    }

    private static func last(_ wanted: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.count >= wanted.count else { return nil }
        return (bytes.startIndex...bytes.endIndex - wanted.count).last { bytes[$0...].starts(with: wanted) }
    }
}
