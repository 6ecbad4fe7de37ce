// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemCalls

/// A directory of plain files that shows a ``SysfsTree``.
///
/// A reader that keeps a file open sees it change, because files are written in place; while its length changes, what is
/// too much is newlines, so that a reader does not see the end of another text behind it. A reader that Linux
/// interrupts between a file's length and its bytes may still see half of a text, once: a plain file cannot do better,
/// the real sysfs does, and its reader ignores unknown text until the next look. A cell's directory
/// appears whole, by being renamed into `cells/`; one that goes has its files emptied first, for those who have
/// them open. (The real sysfs answers them ENODEV, which a plain file cannot.)
struct SysfsDirectory {
    private let path: String
    private let temporary: String
    private var shown = SysfsTree()
    /// Directories of cells that went, emptied: while they exist, no new one has their numbers. The real sysfs counts up.
    private var buried: [String] = []
    private static let graves = 32

    /// - Parameter path: the directory, which is made; its parents must exist.
    init(path: String) throws(SystemCallError) {
        self.path = path
        // beside it, so that a rename can bring it in
        temporary = path + ".new"
        try SystemCall.makeDirectory(path)
        try SystemCall.makeDirectory(path + "/cells")
        try SystemCall.createFile(path + "/core", with: [], mode: 0o400)
        var parent = path + "/.."
        for name in ["system", "cpu"] {
            parent += "/" + name
            try SystemCall.makeDirectory(parent)
        }
    }

    /// `/sys/devices/system/cpu`
    private var processors: String { path + "/../system/cpu" }

    /// Changes what has changed since the last time.
    mutating func show(_ tree: SysfsTree) throws(SystemCallError) {
        guard tree != shown else { return }
        for (name, text) in tree.attributes where shown.attributes[name] != text {
            try SysfsDirectory.write(text, to: "\(path)/\(name)", replacing: shown.attributes[name])
        }
        for (name, text) in tree.processors where shown.processors[name] != text {
            try SysfsDirectory.write(text, to: "\(processors)/\(name)", replacing: shown.processors[name])
        }
        for name in shown.attributes.keys where tree.attributes[name] == nil {
            SysfsDirectory.remove("\(path)/\(name)")
        }
        for cell in shown.cells where !tree.cells.contains(where: { $0.incarnation == cell.incarnation }) {
            try remove(cell)
        }
        for cell in tree.cells {
            if let old = shown.cells.first(where: { $0.incarnation == cell.incarnation }) {
                try change(old, to: cell)
            } else {
                try add(cell)
            }
        }
        shown = tree
    }

    private func directory(_ cell: SysfsTree.Cell) -> String { "\(path)/cells/\(cell.id)" }

    private func add(_ cell: SysfsTree.Cell) throws(SystemCallError) {
        try SystemCall.makeDirectory(temporary)
        try SystemCall.makeDirectory(temporary + "/statistics")
        for cpuDirectory in cell.directories { try SystemCall.makeDirectory("\(temporary)/\(cpuDirectory)") }
        for (name, text) in cell.attributes {
            try SysfsDirectory.write(text, to: "\(temporary)/\(name)", replacing: nil)
        }
        let directory = directory(cell)
        try SystemCall.result(of: "rename", on: directory) { rename(temporary, directory) }
    }

    private func change(_ old: SysfsTree.Cell, to cell: SysfsTree.Cell) throws(SystemCallError) {
        guard old != cell else { return }
        let directory = directory(cell)
        for new in cell.directories.subtracting(old.directories) {
            try SystemCall.makeDirectory("\(directory)/\(new)")
        }
        for name in cell.order where old.attributes[name] != cell.attributes[name] {
            guard let text = cell.attributes[name] else { continue }
            try SysfsDirectory.write(text, to: "\(directory)/\(name)", replacing: old.attributes[name])
        }
        for name in old.attributes.keys where cell.attributes[name] == nil {
            SysfsDirectory.remove("\(directory)/\(name)")
        }
        for gone in old.directories.subtracting(cell.directories) {
            SystemCall.removeTree("\(directory)/\(gone)")
        }
    }

    private mutating func remove(_ cell: SysfsTree.Cell) throws(SystemCallError) {
        // out of sight at once, then emptied for readers that have it open
        let directory = directory(cell)
        let grave = "\(path).gone-\(cell.incarnation)"
        try SystemCall.result(of: "rename", on: directory) { rename(directory, grave) }
        for name in cell.attributes.keys { SysfsDirectory.empty("\(grave)/\(name)") }
        for name in SystemCall.names(in: grave) { SystemCall.removeTree("\(grave)/\(name)") }
        buried.append(grave)
        if buried.count > SysfsDirectory.graves { SystemCall.removeTree(buried.removeFirst()) }
    }

    /// A reader that has it open sees it empty.
    private static func remove(_ path: String) {
        empty(path)
        _ = unlink(path)
    }

    private static func empty(_ path: String) {
        _ = truncate(path, 0)
    }

    private static func write(
        _ text: String, to path: String, replacing old: String?
    ) throws(SystemCallError) {
        // written in place later, by a simulator that need not be root
        guard let old else { return try SystemCall.createFile(path, with: RawText.bytes(text), mode: 0o644) }
        let descriptor = try SystemCall.open(path, O_WRONLY)
        let (written, before) = (RawText.bytes(text), RawText.bytes(old).count)
        let length = written.count
        let growth = length - before
        let newlines = [UInt8](repeating: UInt8(ascii: "\n"), count: abs(growth))
        // the length and the text are never changed at once: a reader could see the one without the other
        if growth > 0 {
            try SystemCall.result(of: "pwrite", on: path) {
                pwrite(descriptor.rawValue, newlines, growth, off_t(before))
            }
        }
        let bytes = written + (growth < 0 ? newlines : [])
        try SystemCall.result(of: "pwrite", on: path) { pwrite(descriptor.rawValue, bytes, bytes.count, 0) }
        if growth < 0 {
            try SystemCall.result(of: "ftruncate", on: path) { ftruncate(descriptor.rawValue, off_t(length)) }
        }
    }
}

extension SysfsTree.Cell {
    /// In which its attributes change: a cell never shows `failed` without the CPUs for which it failed.
    var order: [String] {
        let names = attributes.keys.sorted()
        let others = names.filter { $0 != "state" }
        guard names.count > others.count else { return others }
        return attributes["state"]?.hasPrefix("failed") == true ? others + ["state"] : ["state"] + others
    }

    /// The directories of its CPUs.
    fileprivate var directories: Set<String> {
        Set(
            attributes.keys.compactMap { name in
                guard let end = name.lastIndex(of: "/") else { return nil }
                let directory = String(name[..<end])
                return directory == "statistics" ? nil : directory
            })
    }
}
