// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Commands

@Suite("Bundles")
struct BundleTests {
    private static let files: [TarFile.Entry] = [
        .init(path: "cells/rtems.toml", contents: Array("x = 1\n".utf8)),
        .init(path: "images/rtems.exe", contents: [UInt8](repeating: 7, count: 1000)),
    ]

    @Test(
        "The hash is that of FIPS 180-4",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
            (String(repeating: "a", count: 1_000), "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3"),
        ])
    func hash(text: String, expected: String) { #expect(SHA256.hex(Array(text.utf8)) == expected) }

    @Test("An archive is read as it was written, by tar as well")
    func archive() throws {
        let archive = TarFile(Self.files)
        #expect(try TarFile(bytes: archive.bytes) == archive)
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try Data(archive.bytes).write(to: URL(filePath: directory + "/a.tar"))
        let tar = Process()
        tar.executableURL = URL(filePath: "/usr/bin/tar")
        tar.arguments = ["-xf", "a.tar"]
        tar.currentDirectoryURL = URL(filePath: directory)
        try tar.run()
        tar.waitUntilExit()
        for file in Self.files {
            #expect(try Array(Data(contentsOf: URL(filePath: "\(directory)/\(file.path)"))) == file.contents)
        }
    }

    @Test("What is cut off, damaged or no plain file is refused")
    func malformed() throws {
        let bytes = TarFile(Self.files).bytes
        for length in stride(from: 0, to: bytes.count - 1024, by: 100) {
            #expect(throws: TarFile.Malformed.self) { try TarFile(bytes: Array(bytes[..<length])) }
        }
        for (offset, byte) in [(156, UInt8(ascii: "2")), (0, UInt8(ascii: "X")), (124, UInt8(ascii: "7"))] {
            var damaged = bytes
            damaged[offset] = byte
            #expect(throws: TarFile.Malformed.self) { try TarFile(bytes: damaged) }
        }
        #expect(throws: TarFile.Malformed.self) { try TarFile(bytes: TarFile(Self.files + Self.files).bytes) }
        // what other archivers fill the last record with, and what is nobody's
        #expect(try TarFile(bytes: bytes + [UInt8](repeating: 0, count: 9000)).entries == Self.files)
        for behind in [Array("x".utf8), [UInt8](repeating: 0, count: 511) + [1], bytes] {
            #expect(throws: TarFile.Malformed.self) { try TarFile(bytes: bytes + behind) }
        }
    }

    @Test(
        "A file goes nowhere else",
        arguments: [
            "../cells/x.toml", "cells/../../x", "/cells/x", "cells/", "cells//x", "cells/.hidden", "x.toml",
            "cells/a b", "cells/a\nb", "units/x", "cells/sub/x.toml", "cells/" + String(repeating: "a", count: 100),
        ])
    func path(path: String) {
        #expect(SignedBundle.problem(of: path) != nil)
        #expect(throws: CommandFailure.self) {
            try SignedBundle(files: Self.files + [.init(path: path, contents: [])])
        }
    }

    @Test("No file is a directory of another one")
    func nested() {
        #expect(throws: CommandFailure.self) {
            try SignedBundle(files: Self.files + [.init(path: "images/rtems.exe/x", contents: [])])
        }
    }

    @Test(
        "A bundle is judged with the system that it brings, whatever is in force; settings that cannot be read are no excuse"
    )
    func systems() throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let configs = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let system = try Array(Data(contentsOf: URL(filePath: "/\(configs)/configs/systems/q35.toml")))
        let cell = Array(
            """
            [cell]
            name = "a"
            architecture = "x86"
            cpus = [3]
            passive-comm-region = true

            [[memory]]
            physical = 0x3a000000
            virtual = 0x0
            size = "1 MiB"
            access = ["read", "write", "execute", "loadable"]

            """.utf8)
        func bundle(_ system: [UInt8]) throws -> SignedBundle {
            try SignedBundle(files: [
                .init(path: "cells/a.toml", contents: cell), .init(path: "systems/q35.toml", contents: system),
            ])
        }
        let store = BundleStore(directory: directory)
        let lock = try store.locked()
        defer { withExtendedLifetime(lock) {} }
        let settings = directory + "/jailhoused.toml"
        try "system = \"cells/../systems/q35.toml\"\n".write(toFile: settings, atomically: true, encoding: .utf8)
        let (good, bad) = (try bundle(system), try bundle(Array("broken = [\n".utf8)))
        try store.unpack(good)
        try store.unpack(bad)
        func errors(_ bundle: SignedBundle) throws -> [String] {
            try store.findings(of: bundle.id).filter(\.hasErrors).map { $0.text(.plain) }
        }
        // the first one of all, and then the others from either
        for inForce in [nil, good.id, bad.id] {
            if let inForce { try store.use(inForce) }
            #expect(try errors(good) == [], "\(inForce ?? "none")")
            #expect(try !errors(bad).isEmpty, "\(inForce ?? "none")")
        }
        // however the directory, and the system in it, are named: one file is judged once, as it will be
        let name = directory.split(separator: "/").last ?? ""
        for other in [directory + "/", "\(directory)/../\(name)", "//" + directory.dropFirst()] {
            let files = try BundleStore(directory: other).findings(of: bad.id).map(\.file)
            #expect(files.count == 2 && Set(files).count == 2, "\(files)")
            try "system = \"\(other)/cells/../systems/q35.toml\"\n".write(
                toFile: settings, atomically: true, encoding: .utf8)
            #expect(try errors(bad).count == 1 && errors(good) == [], "\(other)")
        }
        try "".write(toFile: settings, atomically: true, encoding: .utf8)
        #expect(try !errors(bad).isEmpty, "a system that no setting names")
        try "nonsense = 1\n".write(toFile: settings, atomically: true, encoding: .utf8)
        #expect(throws: CommandFailure.self) { try store.findings(of: good.id) }
        try FileManager.default.removeItem(atPath: settings)
        #expect(try errors(good) == [], "no settings at all")
        try FileManager.default.createSymbolicLink(atPath: settings, withDestinationPath: "/nowhere/at/all")
        let failure = #expect(throws: CommandFailure.self) { try store.findings(of: good.id) }
        #expect(failure?.message.contains("jailhoused.toml") == true)
        #expect(failure?.message.contains("CommandFailure(") == false, "\(failure?.message ?? "")")
    }

    @Test("What is refused leaves everything as it was: both bundles, or the directory without one")
    func restore() throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try FileManager.default.createDirectory(atPath: directory + "/cells", withIntermediateDirectories: false)
        let store = BundleStore(directory: directory)
        let lock = try store.locked()
        defer { withExtendedLifetime(lock) {} }
        let bundles = try ["1", "2", "3"].map {
            try SignedBundle(files: Self.files + [.init(path: "images/x", contents: Array($0.utf8))])
        }
        for bundle in bundles { try store.unpack(bundle) }
        let none = store.links
        try store.use(bundles[0].id)
        #expect(store.links == .init(current: bundles[0].id))
        try store.restore(none)
        let left = try FileManager.default.contentsOfDirectory(atPath: directory + "/cells")
        #expect(store.links == none && left.isEmpty)
        try store.use(bundles[0].id)
        try store.use(bundles[1].id)
        let before = store.links
        #expect(before == .init(current: bundles[1].id, previous: bundles[0].id))
        try store.use(bundles[2].id)
        try store.restore(before)
        #expect(store.links == before && store.isIntact(bundles[0].id))
        store.prune()
        #expect(!store.isIntact(bundles[2].id) && store.isIntact(bundles[1].id))
    }

    @Test("A file that is not that of the manifest is noticed")
    func manifest() throws {
        let bundle = try SignedBundle(files: Self.files)
        #expect(try SignedBundle(archive: bundle.archive.bytes).files == Self.files)
        var archive = bundle.archive
        archive.entries[3].contents[500] = 8
        #expect(throws: CommandFailure.self) { try SignedBundle(archive: archive.bytes) }
        var more = bundle.archive
        more.entries.append(.init(path: "images/more", contents: []))
        #expect(throws: CommandFailure.self) { try SignedBundle(archive: more.bytes) }
    }
}
