// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellConfiguration
import Glibc
import SystemCalls

@main
struct Scenarios: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scenarios",
        abstract: "Play scenarios on the machine whose /dev/jailhouse there is, and say where it differs.",
        discussion: """
            On the simulated machine: jailhouse-sim exec -- scenarios Tests/Programs/scenarios/*.toml. \
            On a real one: as root, with nothing else in the hypervisor. Exit status 1 when a scenario fails.
            """)

    @Option(help: "The system to enable the hypervisor with, if it is not.")
    var system = "configs/systems/q35.toml"

    @Option(help: "Where the cells' definitions are.")
    var definitions = "configs/cells"

    @Option(help: "Where the inmates are.")
    var inmates = "inmates/build"

    @Argument(help: "Scenario files.")
    var files: [String]

    func run() throws {
        // in a definition a relative path begins at its own directory
        guard let absolute = realpath(inmates, nil) else { throw ValidationError("There is no \(inmates).") }
        defer { free(absolute) }
        let inmates = String(cString: absolute)
        let text = String(decoding: try SystemCall.contents(ofFile: system, limit: 1 << 20), as: UTF8.self)
        let machine = try SystemDescriptor(toml: text, path: system)
        let target = try Target()
        try target.enableIfNeeded { try machine.binary() }
        print("on \(target.description):")
        var (passed, failed, skipped) = (0, 0, 0)
        for file in files {
            let text = String(decoding: try SystemCall.contents(ofFile: file, limit: 1 << 20), as: UTF8.self)
            let scenario = try Scenario(toml: text, path: file, for: machine.architecture)
            guard scenario.architectures.contains(machine.architecture) else { continue }
            guard target.isSimulated || !scenario.injects else {
                print("SKIP  \(scenario.name): something is injected, which only the simulated machine can do")
                skipped += 1
                continue
            }
            do {
                try Performance(scenario, on: target, definitions: definitions, inmates: inmates).play()
                print("PASS  \(scenario.name): \(scenario.title)")
                passed += 1
            } catch let difference as Performance.Difference {
                print("FAIL  \(scenario.name): \(difference)")
                failed += 1
            }
        }
        print("\(passed) passed, \(failed) failed, \(skipped) skipped")
        if failed > 0 { throw ExitCode(1) }
    }
}
