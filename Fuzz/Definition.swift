// SPDX-License-Identifier: Apache-2.0

@testable import CellConfiguration
import ConfigurationRules
@testable import CellDefinition
@testable import Supervision

// Coverage-guided fuzzing of the daemon's own files: cell definitions and settings.

private let cell = """
    [cell]
    name = "other"
    architecture = "x86"
    cpus = [2]

    [[memory]]
    name = "ram"
    physical = 0x3f000000
    virtual = 0x0
    size = "1 MiB"
    access = ["read", "write", "execute", "loadable"]
    """

private struct NotThere: Error {}

/// An input is the text of a definition and also that of settings. The only file besides is `x.cell`.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzDefinition(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = UnsafeBufferPointer(start: start, count: count)
    guard let text = String(validating: bytes, as: UTF8.self) else { return 0 }
    readDefinition(text)
    readSettings(text)
    return 0
}

private func readDefinition(_ text: String) {
    do throws(DefinitionError) {
        let definition = try CellDefinition(toml: text, path: "/cells/input.toml", readFile: file)
        let binary = must("its configuration is refused") {
            try ConfigurationFile(binary: definition.configuration)
        }
        guard case .cell(let descriptor) = binary else { fail("its configuration is a system's") }
        expect(descriptor.name == definition.name, "its configuration has another name")
        _ = definition.findings(system: nil)
        for image in definition.images { expect(image.path.hasPrefix("/"), "\(image.path) is relative") }
        check(definition.policy)
    } catch {
        expect(!error.message.isEmpty, "an error without words")
        let isInText = error.path == "/cells/input.toml"
        expect(!isInText || error.line != nil || error.keyPath != nil, "an error without a place: \(error)")
    }
}

/// Whatever was accepted, the delays grow from the first to the longest and the attempts have an end.
private func check(_ policy: SupervisionPolicy) {
    expect(policy.delay >= .zero && policy.delay <= policy.maximumDelay, "the delays: \(policy)")
    expect((1...1000).contains(policy.limit.attempts) && policy.limit.within > .zero, "the limit: \(policy)")
    expect(policy.stopTimeout >= .zero, "the timeout: \(policy)")
    var budget = RestartBudget()
    var last = Duration.zero
    let now = Moment(nanoseconds: 1 << 40)
    for _ in 0..<min(policy.limit.attempts, 70) {
        guard let delay = budget.delayOfNextRestart(at: now, policy: policy) else { fail("too few attempts") }
        expect(delay >= last && delay <= policy.maximumDelay, "\(delay) after \(last)")
        last = delay
    }
}

private func readSettings(_ text: String) {
    do throws(DefinitionError) {
        let settings = try DaemonSettings(toml: text, path: "/etc/input.toml")
        expect((.milliseconds(1) ... .seconds(10)).contains(settings.pollInterval), "\(settings.pollInterval)")
        if let system = settings.system { expect(system.hasPrefix("/"), "\(system) is relative") }
    } catch {
        expect(!error.message.isEmpty && error.line != nil, "an error without a place: \(error)")
    }
}

private func file(_ path: String) throws -> [UInt8] {
    guard path.hasSuffix("/x.cell") else { throw NotThere() }
    return Array(cell.utf8)
}
