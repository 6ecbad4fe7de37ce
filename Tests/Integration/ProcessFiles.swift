// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Synchronization

/// What `/proc` tells of a process.
struct ProcessFiles: Sendable {
    let identifier: pid_t

    /// In bytes.
    var residentMemory: Int {
        let text = (try? String(contentsOfFile: "/proc/\(identifier)/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) << 10
    }

    /// In seconds, of all its threads.
    var processorTime: Double {
        let text = (try? String(contentsOfFile: "/proc/\(identifier)/stat", encoding: .utf8)) ?? ""
        // behind the name, which may have anything in it, the 12th and the 13th
        let numbers = text.split(separator: ")").last?.split(separator: " ").dropFirst(11).prefix(2) ?? []
        return numbers.compactMap { Double($0) }.reduce(0, +) / Double(sysconf(CInt(_SC_CLK_TCK)))
    }

    /// How many are open.
    var descriptors: Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(identifier)/fd"))?.count ?? 0
    }

    /// The process whose program has this name and one of whose arguments is this one.
    static func find(_ program: String, argument: String) throws -> ProcessFiles {
        for name in try FileManager.default.contentsOfDirectory(atPath: "/proc") {
            guard let identifier = pid_t(name),
                let line = FileManager.default.contents(atPath: "/proc/\(name)/cmdline")
            else { continue }
            let words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            if words.first?.hasSuffix(program) == true, words.contains(argument) {
                return ProcessFiles(identifier: identifier)
            }
        }
        throw TooLate(description: "there is no \(program) with \(argument)")
    }
}

/// Set once.
final class Flag: Sendable {
    private let value = Mutex(false)

    var isSet: Bool { value.withLock { $0 } }
    func set() { value.withLock { $0 = true } }
}

/// Work that blocks, on a thread of its own: the few threads of the concurrent part are for what does not.
final class BackgroundWork<Value: Sendable>: Sendable {
    private let stream: AsyncStream<Value>

    init(_ body: @escaping @Sendable () -> Value) {
        let (stream, end) = AsyncStream.makeStream(of: Value.self)
        self.stream = stream
        Thread.detachNewThread {
            end.yield(body())
            end.finish()
        }
    }

    /// To be asked for once.
    var value: Value {
        get async {
            for await value in stream { return value }
            preconditionFailure("asked for twice")
        }
    }
}
