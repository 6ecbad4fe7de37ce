import FoundationEssentials
import Glibc
import SystemCalls

/// Standard output, as the user wants it.
struct Screen {
    let json: Bool
    let style: Style

    /// Writes text and a line break at once: a pipe's reader sees whole lines.
    func show(_ text: String) throws {
        try write(Array((text.hasSuffix("\n") ? text : text + "\n").utf8))
    }

    /// Writes bytes as they are.
    func write(_ bytes: [UInt8]) throws {
        do {
            try SystemCall.write(bytes, to: STDOUT_FILENO)
        } catch {
            throw CommandFailure(.failed, "cannot write to standard output: \(error.errno)")
        }
    }

    /// Shows a value as JSON or as text, as asked.
    func show(_ value: some Encodable, text: @autoclosure () -> String) throws {
        try show(json ? JSON.text(value) : text())
    }

    /// Shows one of many values that come one after the other: JSON on one line each.
    func showLine(_ value: some Encodable, text: @autoclosure () -> String) throws {
        try show(json ? JSON.text(value, oneLine: true) : text())
    }
}

/// The JSON that commands print: keys in alphabetical order.
enum JSON {
    static func text(_ value: some Encodable, oneLine: Bool = false) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if !oneLine { encoder.outputFormatting.insert(.prettyPrinted) }
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    /// A value that is null, not left out, when there is none: a script finds every key every time.
    @propertyWrapper
    struct OrNull<Value: Encodable>: Encodable {
        var wrappedValue: Value?

        init(wrappedValue: Value?) {
            self.wrappedValue = wrappedValue
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            if let wrappedValue {
                try container.encode(wrappedValue)
            } else {
                try container.encodeNil()
            }
        }
    }
}
