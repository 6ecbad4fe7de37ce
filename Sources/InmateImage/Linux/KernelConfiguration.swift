// SPDX-License-Identifier: Apache-2.0

/// The configuration that a Linux kernel was built with (Documentation/kbuild/kconfig.rst).
package struct KernelConfiguration: Hashable, Sendable {
    /// Those that are built in.
    private let options: Set<Substring>

    /// Around the configuration that CONFIG_IKCONFIG embeds, which gzip packed (kernel/configs.c).
    private static let mark = Array("IKCFG_ST".utf8)
    private static let mostBytes = 16 << 20

    /// As distributions have it in `/boot/config-VERSION`; nil for a file that is none.
    package init?(_ text: [UInt8]) {
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
        guard lines.contains(where: { $0.hasPrefix("CONFIG_") }) else { return nil }
        options = Set(lines.filter { $0.hasSuffix("=y") }.map { $0.dropLast(2) })
    }

    /// The one that a kernel has in itself; nil: it has none.
    ///
    /// - Parameter kernel: unpacked.
    package init?(embeddedIn kernel: [UInt8]) {
        guard let mark = kernel.firstIndex(of: Self.mark),
            let text = try? Gzip.unpack(kernel[(mark + Self.mark.count)...], limit: Self.mostBytes)
        else { return nil }
        self.init(text)
    }

    /// - Parameter option: with its prefix: `CONFIG_SMP`.
    package func hasBuiltIn(_ option: String) -> Bool { options.contains(option[...]) }
}

extension BzImage {
    /// The kernel's own program; nil where it is packed in a way that is not unpacked here.
    ///
    /// - Parameter file: the whole bzImage.
    package func unpacked(_ file: [UInt8]) -> [UInt8]? {
        guard let payload = payload(in: file) else { return nil }
        if Zstandard.isPacked(payload[...]) { return try? Zstandard.unpack(payload[...], limit: Arm64Kernel.mostBytes) }
        guard Gzip.isGzip(payload) else { return nil }
        return try? Gzip.unpack(payload, limit: Arm64Kernel.mostBytes)
    }
}

extension [UInt8] {
    /// Where these bytes are first.
    func firstIndex(of pattern: [UInt8]) -> Int? {
        guard let first = pattern.first, count >= pattern.count else { return nil }
        return withUnsafeBufferPointer { bytes in
            var index = 0
            let last = bytes.count - pattern.count
            while index <= last {
                if bytes[index] == first, bytes[index..<index + pattern.count].elementsEqual(pattern) { return index }
                index += 1
            }
            return nil
        }
    }
}
