// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Foundation
import Simulator

/// A client of the device that shares no code with this package: Python, with the numbers written down again.
struct ForeignClient {
    let environment: [String: String]

    static let isAvailable = FileManager.default.isExecutableFile(atPath: interpreter)
    private static let interpreter = "/usr/bin/python3"

    /// Runs Python that has the names of ``prelude``, and gives what it prints.
    func run(_ script: String, files: [String: [UInt8]] = [:]) throws -> [String] {
        let directory = try TemporaryDirectory()
        for (name, bytes) in files { try Data(bytes).write(to: URL(filePath: directory.path + "/" + name)) }
        let output = try Command.run(
            [ForeignClient.interpreter, "-c", ForeignClient.prelude + script], environment: environment,
            in: directory.path)
        return output.text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    private static let prelude = """
        import ctypes, errno, fcntl, os, signal, struct, subprocess, sys, threading, time
        # a test runner's threads block signals, and children inherit that
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        SYSFS = '/sys/devices/jailhouse/'
        libc = ctypes.CDLL(None, use_errno=True)

        def ioctl(fd, request, argument=None):
            data = None if argument is None else ctypes.create_string_buffer(argument, len(argument))
            if libc.ioctl(fd, ctypes.c_ulong(request), data) >= 0: return 'ok'
            return errno.errorcode[ctypes.get_errno()]

        def address(data):
            buffer = ctypes.create_string_buffer(data, max(1, len(data)))
            keep.append(buffer)
            return ctypes.addressof(buffer)
        keep = []

        def cell(which):
            return struct.pack('<iI32s', which, 0, b'') if isinstance(which, int) \\
                else struct.pack('<iI32s', -1, 0, which.encode())

        def contents(path): return open(path, 'rb').read()
        def device(flags=os.O_RDWR): return os.open('/dev/jailhouse', flags)
        def enable(fd, data): return ioctl(fd, 0x40080000, data)
        def disable(fd): return ioctl(fd, 1)
        def create(fd, data, size=None):
            size = len(data) if size is None else size
            return ioctl(fd, 0x40100002, struct.pack('<QII', address(data), size, 0))
        def load(fd, which, *images):
            described = [struct.pack('<QQQQ', address(data), len(data), target, 0) for data, target in images]
            return ioctl(fd, 0x40300003, cell(which) + struct.pack('<II', len(images), 0) + b''.join(described))
        def start(fd, which): return ioctl(fd, 0x40280004, cell(which))
        def destroy(fd, which): return ioctl(fd, 0x40280005, cell(which))
        def attribute(path): return open(SYSFS + path).read()
        def cells(): return sorted(os.listdir(SYSFS + 'cells'))
        def read(fd, size=4096):
            try: return os.read(fd, size)
            except OSError as error: return errno.errorcode[error.errno]

        """
}

/// A directory that goes with its owner.
final class TemporaryDirectory {
    let path: String

    init() throws {
        path = "/tmp/sim-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }
}

/// A program, by its path, that is run to its end.
struct Command {
    struct Output {
        var status: Int32
        var text: String
        var errors: String
    }

    static func run(
        _ words: [String], environment: [String: String] = [:], in directory: String = "/"
    ) throws -> Output {
        let process = Process()
        process.executableURL = URL(filePath: words[0])
        process.arguments = Array(words.dropFirst())
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.currentDirectoryURL = URL(filePath: directory)
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        let complaints = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Output(
            status: process.terminationStatus, text: String(decoding: text, as: UTF8.self),
            errors: String(decoding: complaints, as: UTF8.self))
    }
}
