// SPDX-License-Identifier: Apache-2.0

/// Definitions and images that belong together, with a manifest of their hashes and its signature.
///
/// A tar archive. Its first file is the manifest, in the form of sha256sum(1), its second the signature of the manifest
/// by `ssh-keygen -Y sign`; then come the files that the manifest names: `cells/*.toml`, `images/*`, `systems/*`.
struct SignedBundle: Hashable {
    static let manifestPath = "SHA256SUMS"
    static let signaturePath = "SHA256SUMS.sig"
    /// What a signature is for, so that one of something else does not pass: ssh-keygen(1), "-n".
    static let namespace = "jailhoused-bundle-1"
    /// All files together, in bytes.
    static let limit = 256 << 20
    private static let folders = ["cells", "images", "systems"]

    let files: [TarFile.Entry]
    var signature: [UInt8] = []

    /// - Throws: ``CommandFailure`` for a path that a bundle cannot have, and without a definition.
    init(files: [TarFile.Entry]) throws {
        for file in files {
            if let problem = Self.problem(of: file.path) { throw CommandFailure(.failed, "'\(file.path)' \(problem)") }
        }
        let paths = Set(files.map(\.path))
        for file in files {
            let parts = file.path.split(separator: "/")
            for count in 1..<max(1, parts.count) where paths.contains(parts.prefix(count).joined(separator: "/")) {
                throw CommandFailure(
                    .failed,
                    "'\(file.path)' is in '\(parts.prefix(count).joined(separator: "/"))', which is a file of the bundle"
                )
            }
        }
        guard files.contains(where: { $0.path.hasPrefix("cells/") && $0.path.hasSuffix(".toml") }) else {
            throw CommandFailure(.failed, "there is no definition: a bundle has cells/NAME.toml")
        }
        self.files = files.sorted { $0.path < $1.path }
    }

    var manifest: [UInt8] {
        Array(files.map { "\(SHA256.hex($0.contents))  \($0.path)\n" }.joined().utf8)
    }

    /// Names it: equal files have equal names.
    var id: String { Self.id(ofManifest: manifest) }

    static func id(ofManifest manifest: [UInt8]) -> String { String(SHA256.hex(manifest).prefix(16)) }

    var archive: TarFile {
        TarFile(
            [
                .init(path: Self.manifestPath, contents: manifest),
                .init(path: Self.signaturePath, contents: signature),
            ] + files)
    }

    /// Reads an archive and compares its files with the manifest. Whose signature it is, ``SSHSignature`` says.
    ///
    /// - Throws: ``CommandFailure``
    init(archive bytes: [UInt8]) throws {
        let entries: [TarFile.Entry]
        do throws(TarFile.Malformed) {
            entries = try TarFile(bytes: bytes).entries
        } catch {
            throw CommandFailure(.failed, "this is no bundle: \(error.message)")
        }
        guard entries.count > 2, entries[0].path == Self.manifestPath, entries[1].path == Self.signaturePath else {
            throw CommandFailure(.failed, "this is no bundle: it begins with no manifest and signature")
        }
        try self.init(files: Array(entries[2...]))
        signature = entries[1].contents
        guard manifest == entries[0].contents else {
            throw CommandFailure(.failed, "the files are not those of the manifest")
        }
    }

    /// Nil if a file may be there.
    static func problem(of path: String) -> String? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard path.utf8.count < 100 else { return "is too long: a path has at most 99 bytes" }
        guard parts.count >= 2, folders.contains(String(parts[0])) else {
            return "is not in \(folders.joined(separator: ", "))"
        }
        if parts[0] == "cells", parts.count > 2, path.hasSuffix(".toml") {
            return "would not be read: definitions are in cells itself"
        }
        let allowed = parts.allSatisfy { part in
            !part.isEmpty && !part.hasPrefix(".")
                && part.utf8.allSatisfy { byte in
                    switch byte {
                    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2b, 0x2d, 0x2e, 0x5f: true
                    default: false
                    }
                }
        }
        return allowed ? nil : "has a name with other characters than letters, digits, '+', '-', '.' and '_'"
    }
}
