// SPDX-License-Identifier: Apache-2.0

import CSystemd
import Glibc
package import Logging

/// Writes log events to the journal, each metadata key as a field of its own.
///
/// `logger.warning("…", metadata: ["cell": "rtems"])` is found by `journalctl JAILHOUSE_CELL=rtems`.
///
/// | field | from |
/// | --- | --- |
/// | `MESSAGE` | the message, and the event's error after a colon |
/// | `PRIORITY` | the level, as syslog(3) counts: trace and debug 7 … critical 2 |
/// | `SYSLOG_IDENTIFIER` | the handler's identifier |
/// | `CODE_FILE`, `CODE_LINE`, `CODE_FUNC` | where it was logged |
/// | `MESSAGE_ID` | the kind: see ``MessageKind`` |
/// | `JAILHOUSE_…` | metadata: the key in upper case, `_` for what a field name cannot hold |
package struct JournalLogHandler: LogHandler {
    package var logLevel = Logger.Level.info
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    private let identifier: String

    /// - Parameter identifier: the program's name, as `journalctl -t` selects it.
    package init(identifier: String) {
        self.identifier = identifier
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let result = Self.send(fields(of: event))
        guard result < 0 else { return }
        // the journal did not take it; standard error leads there too, by another way
        var fallback = StandardErrorLogHandler(identifier: identifier)
        fallback.metadata = metadata
        fallback.metadataProvider = metadataProvider
        fallback.log(event: event)
    }

    /// The journal entry: `NAME=value`, one an element.
    func fields(of event: LogEvent) -> [String] {
        var fields = [
            "MESSAGE=\(messageText(of: event))",
            "PRIORITY=\(event.level.syslogPriority)",
            "SYSLOG_IDENTIFIER=\(identifier)",
            "CODE_FILE=\(event.file)",
            "CODE_LINE=\(event.line)",
            "CODE_FUNC=\(event.function)",
        ]
        for (key, value) in allMetadata(of: event, handler: self).sorted(by: { $0.key < $1.key }) {
            fields.append("\(key == MessageKind.metadataKey ? "MESSAGE_ID" : Self.fieldName(key))=\(value)")
        }
        return fields
    }

    /// `JAILHOUSE_` and the key in upper case. The journal takes A–Z, 0–9 and `_`, 64 at most.
    static func fieldName(_ key: String) -> String {
        let name = key.unicodeScalars.map { scalar -> Character in
            switch scalar {
            case "A"..."Z", "0"..."9": Character(scalar)
            case "a"..."z": Character(Unicode.Scalar(UInt8(scalar.value) - 32))
            default: "_"
            }
        }
        return String(("JAILHOUSE_" + String(name)).prefix(64))
    }

    /// sd_journal_sendv(3): 0, or a negative errno.
    private static func send(_ fields: [String]) -> CInt {
        var bytes = fields.joined()
        return bytes.withUTF8 { buffer in
            var offset = 0
            let vectors = fields.map { field in
                defer { offset += field.utf8.count }
                // the journal only reads through iov_base
                let start = UnsafeMutableRawPointer(mutating: buffer.baseAddress)?.advanced(by: offset)
                return iovec(iov_base: start, iov_len: field.utf8.count)
            }
            return sd_journal_sendv(vectors, CInt(vectors.count))
        }
    }
}

extension Logger.Level {
    /// The level as syslog(3) numbers it.
    var syslogPriority: CInt {
        switch self {
        case .trace, .debug: LOG_DEBUG
        case .info: LOG_INFO
        case .notice: LOG_NOTICE
        case .warning: LOG_WARNING
        case .error: LOG_ERR
        case .critical: LOG_CRIT
        }
    }
}

/// The message, and the event's error if it has one.
func messageText(of event: LogEvent) -> String {
    guard let error = event.error else { return event.message.description }
    return "\(event.message): \(error)"
}

/// The handler's metadata, its provider's over it, the event's over both.
func allMetadata(of event: LogEvent, handler: some LogHandler) -> Logger.Metadata {
    var merged = handler.metadata
    if let provided = handler.metadataProvider?.get() { merged.merge(provided) { $1 } }
    if let own = event.metadata { merged.merge(own) { $1 } }
    return merged
}
