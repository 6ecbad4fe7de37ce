// SPDX-License-Identifier: Apache-2.0

/// Whether a Linux kernel for x86 can be a guest of Jailhouse (CONFIG_JAILHOUSE_GUEST). One that cannot dies at its first
/// access to the PC's interrupt controller.
package enum GuestSupport: Hashable, Sendable {
    case present
    case missing
    /// Neither its configuration nor its strings can be seen.
    case hidden

    package static let option = "CONFIG_JAILHOUSE_GUEST"
    /// As the guest support calls its hypervisor (arch/x86/kernel/jailhouse.c).
    private static let signature = Array("Jailhouse".utf8)
    /// Around the configuration that CONFIG_IKCONFIG embeds, which gzip packed (kernel/configs.c).
    private static let configurationMark = Array("IKCFG_ST".utf8)
    private static let mostBytes = Arm64Kernel.mostBytes

    /// By a kernel's configuration, as distributions have it in `/boot/config-VERSION`; nil for a file that is none.
    package init?(configuration: [UInt8]) {
        let text = String(decoding: configuration, as: UTF8.self)
        let lines = text.split(separator: "\n")
        guard lines.contains(where: { $0.hasPrefix("CONFIG_") }) else { return nil }
        self = lines.contains { $0 == Self.option + "=y" } ? .present : .missing
    }

    /// By the kernel itself, as far as it can be unpacked.
    package init(kernel: [UInt8]) {
        guard let image = try? BzImage(kernel), let payload = image.payload(in: kernel), Gzip.isGzip(payload),
            let unpacked = try? Gzip.unpack(payload, limit: Self.mostBytes)
        else {
            self = .hidden
            return
        }
        if let mark = unpacked.firstIndex(of: Self.configurationMark),
            let text = try? Gzip.unpack(unpacked[(mark + Self.configurationMark.count)...], limit: 16 << 20),
            let answer = GuestSupport(configuration: text)
        {
            self = answer
        } else {
            self = unpacked.firstIndex(of: Self.signature) == nil ? .missing : .present
        }
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
