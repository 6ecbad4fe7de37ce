// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellDefinition
import Glibc
import SystemCalls

/// Files as they would be if others were put in their places: nothing is written.
struct ProposedFiles: ConfigurationReader {
    /// `PATH=FILE`: what is to be at a path, and where it is now.
    struct Proposal: ExpressibleByArgument {
        let path: String
        let file: String

        init?(argument: String) {
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, !parts[0].isEmpty, !parts[0].hasSuffix("/"), !parts[1].isEmpty else { return nil }
            (path, file) = (parts[0], parts[1])
        }
    }

    private let present = TrustedFiles()
    /// The files to come, by the real paths of their places.
    private let files: [String: String]

    init(_ proposals: [Proposal]) {
        files = Dictionary(proposals.map { (Self.place($0.path), $0.file) }) { $1 }
    }

    func contents(_ path: String, limit: Int) throws -> [UInt8] {
        guard let file = files[Self.place(path)] else { return try present.contents(path, limit: limit) }
        try present.check(directory: Self.folder(of: path))
        return try SystemCall.contents(ofFile: file, limit: limit)
    }

    func check(directory: String) throws { try present.check(directory: directory) }

    func names(inDirectory path: String) throws -> [String] {
        let folder = (SystemCall.realPath(path) ?? path) + "/"
        let new = files.keys.filter { $0.hasPrefix(folder) }.map { String($0.dropFirst(folder.count)) }
        return Array(Set(try present.names(inDirectory: path) + new.filter { !$0.contains("/") }))
    }

    func has(_ path: String) -> Bool { files[Self.place(path)] != nil || access(path, F_OK) == 0 }

    /// A path without links; the file itself need not be there.
    private static func place(_ path: String) -> String {
        if let real = SystemCall.realPath(path) { return real }
        let folder = folder(of: path)
        let name = path.split(separator: "/").last ?? ""
        return (SystemCall.realPath(folder) ?? folder) + "/\(name)"
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
