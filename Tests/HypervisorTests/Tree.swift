// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import SystemCalls

/// A tree of plain files as the driver would show it.
final class Tree {
    let directory = NSTemporaryDirectory() + "hypervisor-view-\(UUID().uuidString)"

    init() {
        write("enabled", "1\n")
    }

    deinit {
        try? FileManager.default.removeItem(atPath: directory)
    }

    func write(_ path: String, _ text: String) {
        let url = URL(fileURLWithPath: directory + "/" + path)
        try? FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        if let handle = FileHandle(forWritingAtPath: url.path) {
            // in place: whoever holds the file open sees it, as in sysfs
            try? handle.truncate(atOffset: 0)
            handle.write(Data(text.utf8))
            try? handle.close()
        } else {
            _ = FileManager.default.createFile(atPath: url.path, contents: Data(text.utf8))
        }
    }

    func addCell(_ id: Int, _ name: String, _ state: String = "shut down", cpus: String = "3") {
        write("cells/\(id)/name", name + "\n")
        write("cells/\(id)/cpus_assigned_list", cpus + "\n")
        write("cells/\(id)/cpus_failed_list", "\n")
        write("cells/\(id)/statistics/vmexits_total", "7\n")
        write("cells/\(id)/statistics/cpu3/vmexits_management", "3\n")
        write("cells/\(id)/state", state + "\n")
    }

    func removeCell(_ id: Int) {
        for file in ["name", "cpus_assigned_list", "cpus_failed_list", "state"] { write("cells/\(id)/\(file)", "") }
        try? FileManager.default.removeItem(atPath: directory + "/cells/\(id)")
    }
}

/// Which files of some directories are read, by any program: inotify.
final class Reads {
    private let descriptor: CInt

    init(in directories: [String]) throws {
        descriptor = try SystemCall.result(of: "inotify_init1") { inotify_init1(CInt(IN_NONBLOCK)) }
        for directory in directories {
            try SystemCall.result(of: "inotify_add_watch", on: directory) {
                inotify_add_watch(descriptor, directory, UInt32(IN_ACCESS))
            }
        }
    }

    deinit { close(descriptor) }

    /// Those that were read since the last call.
    func names() throws -> Set<String> {
        var names: Set<String> = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
        var start = 0
        while start + MemoryLayout<inotify_event>.size <= count {
            let length = buffer.withUnsafeBytes {
                Int($0.loadUnaligned(fromByteOffset: start, as: inotify_event.self).len)
            }
            let name = buffer[(start + MemoryLayout<inotify_event>.size)...].prefix(length).prefix { $0 != 0 }
            // listing a directory is an access without a name
            if !name.isEmpty { names.insert(String(decoding: name, as: UTF8.self)) }
            start += MemoryLayout<inotify_event>.size + length
        }
        return names
    }
}
