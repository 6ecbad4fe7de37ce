// SPDX-License-Identifier: Apache-2.0

@testable import CellConfiguration
@testable import ConfigurationRules

// Coverage-guided fuzzing of everything that reads configurations.

/// An input is a compiled configuration or TOML source, as `jailhouse-ctl` and the daemon take either. Nothing may
/// trap, and what is accepted must come back the same, byte for byte.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzConfiguration(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let contents = Array(UnsafeBufferPointer(start: start, count: count))
    guard let file = try? ConfigurationFile(contents: contents, path: "input") else { return 0 }
    if ConfigurationFile.isBinary(contents) {
        expect(binary(of: file, "accepted"), contents, "what was read is not what is written")
        lookAtAll(of: file)
    }
    // a source may ask for what its own revision cannot have
    guard let compiled = binary(of: file) else { return 0 }
    for variant in FormatVariant.allCases {
        guard let other = binary(of: file, as: variant) else { continue }
        do throws(ConfigurationError) {
            let again = try ConfigurationFile(binary: other)
            expect(binary(of: again, "read again"), other, "layout \(variant.rawValue) does not come back")
        } catch {
            // with surplus bytes, no layout fits exactly, and a fork's may fit by chance
            if ![.foreign, .length].contains(error.code) || surplus(of: file).isEmpty {
                fail("layout \(variant.rawValue): \(error)")
            }
        }
    }
    for text in Set([file.toml(), stated(file).toml()]) {
        do throws(ConfigurationError) {
            let again = try ConfigurationFile(toml: text, path: "decompiled")
            expect(binary(of: again, "decompiled"), compiled, "compiled again it differs:\n\(text)")
            guard again.toml() == text else { fail("decompiled twice it differs:\n\(text)\n\(again.toml())") }
        } catch {
            fail("its own source is refused: \(error)\n\(text)")
        }
    }
    return 0
}

/// The rules must have an answer for whatever can be said.
private func lookAtAll(of file: ConfigurationFile) {
    switch file {
    case .cell(let cell): _ = cell.findings()
    case .system(let system):
        _ = system.findings()
        _ = system.findings(ofCell: system.rootCell)
    }
}

/// As if somebody had said the architecture that was guessed: a guess is guessed anew whenever its source is read.
private func stated(_ file: ConfigurationFile) -> ConfigurationFile {
    switch file {
    case .cell(var cell):
        cell.isArchitectureGuessed = false
        return .cell(cell)
    case .system(var system):
        system.rootCell.isArchitectureGuessed = false
        return .system(system)
    }
}

private func surplus(of file: ConfigurationFile) -> [UInt8] {
    switch file {
    case .cell(let cell): cell.surplus
    case .system(let system): system.rootCell.surplus
    }
}

/// In a layout, or in the file's own; nil when that cannot have it.
private func binary(of file: ConfigurationFile, as variant: FormatVariant? = nil) -> [UInt8]? {
    do throws(ConfigurationError) {
        return if let variant { try file.binary(as: variant) } else { try file.binary() }
    } catch {
        if error.code != .inexpressible { fail("it cannot be written: \(error)") }
        return nil
    }
}

private func binary(of file: ConfigurationFile, _ what: String) -> [UInt8] {
    do throws(ConfigurationError) {
        return try file.binary()
    } catch {
        fail("what is \(what) cannot be written: \(error)")
    }
}

private func expect(_ bytes: [UInt8], _ expected: [UInt8], _ message: String) {
    if bytes != expected { fail("\(message)\n\(bytes)\n\(expected)") }
}
