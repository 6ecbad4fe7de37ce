// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// What check mode says of what the daemon would refuse.
extension AnsibleTests {
    /// The module's message, or its whole output where there is none.
    private static func message(_ output: String) -> String {
        guard let match = output.firstMatch(of: /"msg": "((?:[^"\\]|\\.)*)"/) else { return output }
        let text = match.1.replacing("\\\"", with: "\"").replacing("\\n", with: "\n")
        // this is said by the real run alone
        return text.split(separator: "; the definition and image before").first.map(String.init) ?? String(text)
    }

    /// Everything below the machine's configuration, and the image.
    private static func files(_ fleet: Fleet) async throws -> String {
        let etc = fleet.machines[0].directory.url.appending(path: "etc").path
        return try await Program.run([
            "sh", "-ec", "find '\(etc)' -ls; sha256sum '\(etc)'/cells/* '\(fleet.path("image-0.exe"))'",
        ]).output
    }

    /// Runs the module in check mode, which must touch nothing, and then without: both must refuse alike.
    private static func bothRefuse(_ fleet: Fleet, _ arguments: String, _ words: String) async throws {
        let before = (try await files(fleet), try await fleet.machines[0].state().cells)
        let foreseen = message(try await fleet.cell(arguments, "--check"))
        #expect(foreseen.contains(words), "\(foreseen)")
        #expect(try await files(fleet) == before.0)
        #expect(try await fleet.machines[0].state().cells == before.1)
        let said = message(try await fleet.cell(arguments))
        #expect(foreseen == said)
    }

    @Test("Check mode refuses what the daemon would, in its words, and touches nothing")
    func foresight() async throws {
        let fleet = try await Self.fleet()
        let machine = fleet.machines[0]
        let image = fleet.path("image-0.exe")
        let good = try Data(contentsOf: URL(filePath: image))
        try good.prefix(300).write(to: URL(filePath: fleet.path("short.exe")))
        try Data("no program".utf8).write(to: URL(filePath: fleet.path("text.exe")))
        for (file, words) in [("short.exe", "JH0802"), ("text.exe", "JH0805")] {
            let other = "image=\(fleet.path(file)) image_path=\(image) "
            try await Self.bothRefuse(fleet, other, words)
            try await Self.bothRefuse(
                fleet, other + Self.definition(fleet, ("cpus = [3]", "cpus = [2]")), words)
        }
        try await Self.bothRefuse(fleet, Self.definition(fleet, ("cpus = [3]", "cpus = [77]")), "CPU 77")
        try await Self.bothRefuse(fleet, Self.definition(fleet, ("cpus = [3]", "cpsu = [3]")), "cpsu")
        try await Self.bothRefuse(
            fleet, Self.definition(fleet, ("name = \"rtems\"", "name = \"other\"")), "does not read")
        try await Self.bothRefuse(fleet, Self.definition(fleet) + "name=other", "both define the cell rtems")
        try await Self.bothRefuse(
            fleet, Self.definition(fleet, ("cpus = [3]", "cpus = [2]")) + "directory=\(fleet.path("none"))",
            "No such file or directory")
        for state in ["running", "restarted"] {
            try await Self.bothRefuse(fleet, "name=nosuch state=\(state)", "there is no cell nosuch")
        }
        // what would be done is said as before
        let two = try await fleet.cell(Self.definition(fleet, ("cpus = [3]", "cpus = [2]")), "--check")
        #expect(two.contains("CHANGED"), "\(two)")
        try (good + Data("2".utf8)).write(to: URL(filePath: fleet.path("new.exe")))
        let new = try await fleet.cell("image=\(fleet.path("new.exe")) image_path=\(image)", "--check")
        #expect(new.contains("CHANGED"), "\(new)")

        // a cell of nobody's
        let etc = machine.directory.url.appending(path: "etc/cells/rtems.toml")
        let text = try String(contentsOf: etc, encoding: .utf8)
        try FileManager.default.removeItem(at: etc)
        #expect(try await machine.control("reload").status == 0)
        for state in ["restarted", "stopped", "absent"] {
            try await Self.bothRefuse(fleet, "state=\(state)", "rtems has no definition")
        }
        try machine.write(text, toCell: "rtems")
        #expect(try await machine.control("reload").status == 0)
        #expect(try await machine.control("disable").status == 0)
        try await Self.bothRefuse(fleet, "state=running", "the hypervisor is not enabled")
    }
}
