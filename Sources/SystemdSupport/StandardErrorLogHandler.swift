// SPDX-License-Identifier: Apache-2.0

import Glibc
package import Logging
import SystemCalls

/// Writes log events to standard error, a short line each, for a person who started the program by hand:
/// `jailhoused: warning: rtems failed (cell=rtems state=failed)`.
package struct StandardErrorLogHandler: LogHandler {
    package var logLevel = Logger.Level.info
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    private let identifier: String

    /// - Parameter identifier: the program's name, which begins each line.
    package init(identifier: String) {
        self.identifier = identifier
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        // one write, so that the lines of two threads do not mix; nobody is left to hear of a failure
        try? SystemCall.write(Array(line(for: event).utf8), to: STDERR_FILENO)
    }

    /// The line, with its line break.
    func line(for event: LogEvent) -> String {
        var line = "\(identifier): "
        if event.level != .info && event.level != .notice { line += "\(event.level): " }
        line += messageText(of: event)
        let metadata = allMetadata(of: event, handler: self)
            .filter { $0.key != MessageKind.metadataKey }.sorted { $0.key < $1.key }
        if !metadata.isEmpty {
            line += " (" + metadata.map { "\($0.key)=\($0.value)" }.joined(separator: " ") + ")"
        }
        return Self.printable(line) + "\n"
    }

    /// Control characters escaped: what a cell printed must neither forge a line nor reach a terminal raw.
    private static func printable(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            if scalar.properties.generalCategory == .control {
                result += scalar.escaped(asASCII: true)
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
