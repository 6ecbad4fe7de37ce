// SPDX-License-Identifier: Apache-2.0

// Coverage-guided fuzzing of what reads a bundle before its signature is verified.

/// An input is an archive, as it is; and once more with its headers' sums put right, which chance would not find.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzBundle(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    read(bytes)
    read(summed(bytes))
    return 0
}

/// The error of ``SignedBundle``, which in the command ends the process.
struct CommandFailure: Error {
    enum Status { case failed }

    let message: String

    init(_: Status, _ message: String) {
        self.message = message
    }
}

private func read(_ bytes: [UInt8]) {
    guard let tar = try? TarFile(bytes: bytes) else { return }
    expect(tar.entries.reduce(0) { $0 + $1.contents.count } <= bytes.count, "more was read than there is")
    guard tar.entries.allSatisfy({ SignedBundle.problem(of: $0.path) == nil }) else { return }
    for entry in tar.entries {
        expect(!entry.path.hasPrefix("/") && !entry.path.contains(".."), "\(entry.path) leads elsewhere")
    }
    let again = must("an archive cannot be read again") { try TarFile(bytes: tar.bytes) }
    expect(again == tar, "the archive is another one when it is written and read")
    guard let bundle = try? SignedBundle(files: tar.entries) else { return }
    let read = must("a bundle cannot be read again") { try SignedBundle(archive: bundle.archive.bytes) }
    expect(read.files == bundle.files && read.id == bundle.id, "the bundle is another one")
}

/// The archive with sums that are right as far as its sizes can be followed.
private func summed(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    var position = 0
    while position + 512 <= bytes.count {
        let sum = (0..<512).reduce(0) { $0 + ((148..<156).contains($1) ? 32 : Int(bytes[position + $1])) }
        let digits = Array(String(sum, radix: 8).utf8)
        for (index, byte) in ([UInt8](repeating: 0x30, count: 6 - digits.count) + digits + [0, 32]).enumerated() {
            bytes[position + 148 + index] = byte
        }
        let size = bytes[position + 124..<position + 136].prefix { $0 != 0 }.filter { $0 != 32 }
        guard let length = Int(String(decoding: size, as: UTF8.self), radix: 8), (0...bytes.count).contains(length)
        else { break }
        position += 512 + (length + 511) / 512 * 512
    }
    return bytes
}
