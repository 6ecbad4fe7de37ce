// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What a report says of the machine's Linux.
struct HostFacts {
    var hostName = ""
    /// `Linux 6.1.0-18-amd64 #1 SMP … x86_64`
    var kernel = ""
    var distribution: String?
    var processor: String?
    /// Words of the kernel's command line that concern the hypervisor; others may be secrets.
    var commandLine: [String] = []
    /// Files of /proc as they are, by name.
    var files: [(name: String, text: String)] = []

    private static let concerned = [
        "memmap", "mem", "iommu", "intel_iommu", "amd_iommu", "isolcpus", "nohz_full", "rcu_nocbs", "maxcpus",
        "nr_cpus",
        "console", "earlycon", "nmi_watchdog", "nox2apic", "intremap", "pci", "vga", "cma",
    ]

    init() {
        var name = utsname()
        if uname(&name) == 0 {
            hostName = Self.text(of: name.nodename)
            kernel =
                [
                    Self.text(of: name.sysname), Self.text(of: name.release), Self.text(of: name.version),
                    Self.text(of: name.machine),
                ]
                .joined(separator: " ")
        }
        distribution = Self.value("PRETTY_NAME", in: "/etc/os-release", separator: "=")
        processor = Self.value("model name", in: "/proc/cpuinfo", separator: ":")
        commandLine = (Self.read("/proc/cmdline") ?? "").split(whereSeparator: \.isWhitespace).map(String.init).filter {
            Self.concerned.contains(String($0.prefix { $0 != "=" }))
        }
        for file in ["iomem", "ioports", "interrupts"] {
            if let text = Self.read("/proc/" + file) { files.append((file, text)) }
        }
    }

    /// Of the driver, from sysfs; nil when it is built in, or not loaded.
    static var driverVersion: String? {
        read("/sys/module/jailhouse/srcversion").map { String($0.prefix { $0 != "\n" }) }
    }

    private static func read(_ path: String) -> String? {
        (try? InputFile.read(path)).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func value(_ key: String, in path: String, separator: Character) -> String? {
        for line in (read(path) ?? "").split(separator: "\n") {
            let parts = line.split(separator: separator, maxSplits: 1).map { part in
                String(part.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
            }
            if parts.count == 2, parts[0] == key { return parts[1].replacing("\"", with: "") }
        }
        return nil
    }

    /// A C array of characters.
    private static func text(of value: some Any) -> String {
        withUnsafeBytes(of: value) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
