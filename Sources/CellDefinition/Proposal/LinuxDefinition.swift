// SPDX-License-Identifier: Apache-2.0

/// The definition of a cell whose hardware another file has, with Linux in it.
package struct LinuxDefinition: Hashable, Sendable {
    /// Absolute paths.
    package var configuration: String
    package var kernel: String
    package var initrd: String?
    package var commandLine: String
    package var deviceTree: String?
    /// Nil: ``LinuxStart/defaultLoader``.
    package var loader: String?

    package init(
        configuration: String, kernel: String, initrd: String? = nil, commandLine: String = "",
        deviceTree: String? = nil, loader: String? = nil
    ) {
        self.loader = loader
        self.configuration = configuration
        self.kernel = kernel
        self.initrd = initrd
        self.commandLine = commandLine
        self.deviceTree = deviceTree
    }

    /// - Parameter mark: its first line, a comment.
    package func toml(mark: String) -> String {
        var lines = [
            mark, "", "configuration = \(SourceQuote.quoted(configuration))", "", "[[image]]",
            "path = \(SourceQuote.quoted(kernel))", "start = \"linux\"",
        ]
        if let initrd { lines.append("initrd = \(SourceQuote.quoted(initrd))") }
        lines.append("command-line = \(SourceQuote.quoted(commandLine))")
        if let deviceTree { lines.append("device-tree = \(SourceQuote.quoted(deviceTree))") }
        if let loader { lines.append("loader = \(SourceQuote.quoted(loader))") }
        lines += ["", "[supervision]", "restart = \"on-failure\""]
        return lines.map { $0 + "\n" }.joined()
    }
}

enum SourceQuote {
    /// As a string of TOML.
    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
