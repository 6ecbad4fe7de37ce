// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Supervision

/// The key `guest` of `[supervision]`: how the cell's operating system is asked to shut down, and says that it has.
package enum GuestService: Hashable, Sendable {
    /// Two words of shared memory, of which `jailhouse-guest` in the cell reads the first and writes the second.
    case words(GuestWords)
    /// A program that asks it: its path, and its arguments.
    case command([String])

    init(_ table: SourceTable) throws(ConfigurationError) {
        if let found = table.value("command") {
            let command = try found.list().map { value throws(ConfigurationError) in try value.string() }
            guard command.first?.hasPrefix("/") == true else {
                throw found.error(.invalidValue, "it must begin with the whole path of a program")
            }
            if let other = table.value("request") ?? table.value("answer") {
                throw other.error(.conflict, "\"command\" excludes \"request\" and \"answer\"")
            }
            self = .command(command)
            return
        }
        let request = try Self.address(try table.required("request"))
        let found = try table.required("answer")
        let answer = try Self.address(found)
        guard answer != request else { throw found.error(.conflict, "\"request\" and \"answer\" are one word") }
        self = .words(GuestWords(request: request, answer: answer))
    }

    private static func address(_ found: SourceValue) throws(ConfigurationError) -> UInt64 {
        let number = try found.number(in: 0...UInt64.max)
        guard number % 4 == 0 else { throw found.error(.invalidValue, "it must be a multiple of 4") }
        return number
    }
}

extension GuestService {
    /// Refuses words that one of the two cannot reach.
    ///
    /// - Parameter line: of a key path.
    func judge(in cell: CellDescriptor, line: (String) -> Int?) throws(ConfigurationError) {
        guard case .words(let words) = self else { return }
        try Self.judge(words.request, "request", .read, cell, line)
        try Self.judge(words.answer, "answer", .write, cell, line)
    }

    private static func judge(
        _ address: UInt64, _ key: String, _ right: MemoryRegion.Flags, _ cell: CellDescriptor, _ line: (String) -> Int?
    ) throws(ConfigurationError) {
        let isShared = cell.memoryRegions.contains { region in
            region.flags.isSuperset(of: [right, .rootShared]) && address >= region.physicalStart
                && address - region.physicalStart < region.size
        }
        guard !isShared else { return }
        let keyPath = "supervision.guest.\(key)"
        let verb = right == .read ? "reads" : "writes"
        throw ConfigurationError(
            .conflict,
            "no region that the cell \(verb) and Linux shares (access \"root-shared\") has the physical address "
                + "0x\(String(address, radix: 16))",
            line: line(keyPath), keyPath: keyPath)
    }
}

/// Where host and guest say to each other how things are: physical addresses of 32-bit words.
package struct GuestWords: Hashable, Sendable {
    /// Written by the host.
    package var request: UInt64
    /// Written by the guest.
    package var answer: UInt64

    /// What the host writes.
    package enum Request {
        package static let nothing: UInt32 = 0
        package static let shutDown: UInt32 = 0x4a48_0001
    }

    /// What the guest writes. Memory keeps what an earlier run left: only a change says something.
    package enum Answer: UInt32, Sendable {
        case listening = 0x4a48_0001
        case shuttingDown = 0x4a48_0002
        case hasShutDown = 0x4a48_0003
        case wantsReboot = 0x4a48_0004
    }
}
