// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import JailhouseInterface
import Supervision
import SystemCalls
import SystemPackage

/// What only the daemon knows, kept for its successor: a small file below `/run`, replaced atomically. It does not hold
/// the state of cells: that is read from the kernel.
struct StateFile: Sendable {
    let path: String

    struct Contents: Hashable, Sendable, Codable {
        var version = 1
        /// A file of another boot is ignored.
        var bootID = ""
        /// The hypervisor was disabled on request: it is not enabled again until that is requested.
        var isDisabledByRequest = false
        /// All was shut down for the end of the machine. After a soft-reboot (systemctl soft-reboot) the boot and this
        /// file are the same, and a daemon that begins then begins as in a new boot; nil: false.
        var isEndedWithMachine: Bool?
        var cells: [String: LifecycleMemory] = [:]
        var failures: [String: [FailureRecord]] = [:]
        /// Names of cells in the order of their last start; nil: no daemon has recorded it.
        var startOrder: [String]?
        /// Names of cells that were considered dead when the end of the machine was requested, and not started since.
        var silentCells: Set<String>?
        /// CPUs of Linux that the hypervisor parked, ascending; nil: none.
        var lostCPUs: [Int]?
        /// CPUs on which the hypervisor itself failed, ascending; nil: none.
        var stoppedCPUs: [Int]?
        /// What the cells that exist were created with, by their names; nil: not known of any.
        var created: [String: CreatedCell.Record]?
        /// What the hypervisor was enabled with; nil: not known.
        var system: SystemInForce.Record?
    }

    enum Reading: Sendable {
        case none
        case contents(Contents)
        /// Nothing can be read now, for want of descriptors or memory.
        case shortage(String)
        /// It cannot be used; why.
        case unusable(String)
    }

    /// - Parameter bootID: this boot's.
    func read(bootID: String) -> Reading {
        let bytes: [UInt8]
        do {
            bytes = try SystemCall.contents(ofFile: path, limit: 16 << 20)
        } catch {
            if error.isShortage { return .shortage("\(error)") }
            return error.errno == .noSuchFileOrDirectory ? .none : .unusable("\(error)")
        }
        return Self.reading(of: bytes, bootID: bootID)
    }

    static func reading(of bytes: [UInt8], bootID: String) -> Reading {
        guard let contents = try? JSONDecoder().decode(Contents.self, from: Data(bytes)) else {
            return .unusable("it is damaged or was written by another version")
        }
        guard contents.version == 1 else { return .unusable("it was written by another version") }
        guard contents.bootID == bootID else { return .none }
        return .contents(contents)
    }

    func write(_ contents: Contents) throws(SystemCallError) {
        // strings, numbers and arrays always encode
        guard let bytes = Self.bytes(of: contents) else { return }
        try SystemCall.replaceFile(path, with: bytes, mode: 0o600)
    }

    static func bytes(of contents: Contents) -> [UInt8]? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return (try? encoder.encode(contents)).map { Array($0) }
    }

    /// The kernel's name for this boot; without one all boots are one.
    ///
    /// - Throws: ``StartError`` when it cannot be read now. Taken for another boot's, what an earlier daemon knew would be
    ///   forgotten, and cells started that somebody stopped.
    static func bootID(path: String = "/proc/sys/kernel/random/boot_id") throws(StartError) -> String {
        do {
            let bytes = try SystemCall.contents(ofFile: path, limit: 4096)
            return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        } catch {
            if error.errno == .noSuchFileOrDirectory { return "" }
            throw StartError("cannot read the boot ID: \(error)")
        }
    }
}
