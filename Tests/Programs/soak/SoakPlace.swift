// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The directory of a soak: the daemon's configuration, its sockets, and the machine.
struct SoakPlace {
    let path: String
    let cells: [String]
    var machine: String { path + "/machine" }
    var configuration: String { path + "/etc" }
    var runtime: String { path + "/run" }
    var status: String { runtime + "/status" }

    /// The definitions' delay.
    static let delay = Duration.milliseconds(2)

    init(cells count: Int) throws {
        // on a tmpfs, as the real one is: the state file is synchronised at each restart
        path = "/dev/shm/soak-\(UUID().uuidString.prefix(8))"
        cells = (1...count).map { "cell\($0)" }
        try FileManager.default.createDirectory(
            atPath: configuration + "/cells", withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o755])
        let source = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let system = try String(contentsOf: source.appending(path: "configs/systems/q35.toml"), encoding: .utf8)
            .replacingOccurrences(of: "cpus = \"0-3\"", with: "cpus = \"0-7\"")
        try write(system, to: "system.toml")
        try write("system = \"\(configuration)/system.toml\"\npoll-interval = \"2 ms\"\n", to: "jailhoused.toml")
        // it is never executed: these cells do what they are told
        try Data(repeating: 0xf4, count: 4 << 10).write(to: URL(filePath: configuration + "/cells/image.bin"))
        for (number, cell) in cells.enumerated() { try write(definition(cell, number), to: "cells/\(cell).toml") }
    }

    func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }

    private func write(_ text: String, to name: String) throws {
        try text.write(toFile: configuration + "/" + name, atomically: false, encoding: .utf8)
    }

    private func definition(_ name: String, _ number: Int) -> String {
        """
        [cell]
        name = "\(name)"
        architecture = "x86"
        cpus = [\(number + 1)]
        passive-comm-region = true

        [[memory]]
        name = "ram"
        physical = 0x\(String(0x3a00_0000 + number << 20, radix: 16))
        virtual = 0x0
        size = "1 MiB"
        access = ["read", "write", "execute", "loadable"]

        [[memory]]
        name = "communication region"
        virtual = 0x100000
        size = "4 KiB"
        access = ["read", "write", "communication-region"]

        [[image]]
        path = "image.bin"
        address = 0x0

        [supervision]
        autostart = true
        restart = "always"
        delay = "2 ms"
        maximum-delay = "2 ms"
        limit = { attempts = 1000, within = "100 ms" }

        """
    }
}
