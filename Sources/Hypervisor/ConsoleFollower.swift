// SPDX-License-Identifier: Apache-2.0

/// Whether the hypervisor's console can be read.
package enum ConsoleState: String, Hashable, Sendable {
    /// There is no `/dev/jailhouse`, or it may not be opened.
    case noDriver = "no-driver"
    /// The hypervisor is not enabled. What it printed before is read all the same.
    case disabled
    /// The system configuration does not have the flag virtual-debug-console.
    case notPermitted = "not-permitted"
    case readable
}

/// Reads the console from where it was read last, across enable and disable.
///
/// The device gives each open file a position of its own. It returns the rest of an earlier log before the present one,
/// as long as it is read at least once in between, and says how much the ring has lost: `<missed N bytes of console log>`.
/// Each reading takes the driver's lock.
package struct ConsoleFollower: Sendable {
    /// What was read at once.
    package struct News: Hashable, Sendable {
        package var text: String
        package var state: ConsoleState
        /// Whether it begins with all that is kept, of which an earlier reading may have had some: the device was opened anew.
        package var isFromBeginning = false

        package init(text: String = "", state: ConsoleState, isFromBeginning: Bool = false) {
            self.text = text
            self.state = state
            self.isFromBeginning = isFromBeginning
        }
    }

    /// A ``ConsoleReader`` that can be shared.
    private final class Source: Sendable {
        let reader: ConsoleReader

        init(_ reader: consuming ConsoleReader) {
            self.reader = reader
        }
    }

    /// The ring has 2 KB: whatever prints faster than it is read does not hold the reader indefinitely.
    private static let mostReads = 16

    private let device: String
    private var source: Source?

    package init(device: String = "/dev/jailhouse") {
        self.device = device
    }

    /// - Parameter isEnabled: as sysfs shows it: the device does not say so while there is an earlier log to read.
    package mutating func read(isEnabled: Bool) -> News {
        var text = ""
        let isNew = source == nil
        do throws(HypervisorError) {
            let source: Source
            if let known = self.source { source = known } else { source = Source(try ConsoleReader(path: device)) }
            self.source = source
            for _ in 0..<Self.mostReads {
                let part = try source.reader.read()
                if part.isEmpty { break }
                text += part
            }
            return News(text: text, state: isEnabled ? .readable : .disabled, isFromBeginning: isNew)
        } catch {
            if self.source == nil { return News(state: .noDriver) }
            switch error.code {
            case .noPermission: return News(text: text, state: .notPermitted, isFromBeginning: isNew)
            case .disabled: return News(text: text, state: .disabled, isFromBeginning: isNew)
            default:
                source = nil
                return News(text: text, state: isEnabled ? .readable : .disabled, isFromBeginning: isNew)
            }
        }
    }
}
