// SPDX-License-Identifier: Apache-2.0

import Synchronization
import SystemCalls

/// QEMU's control socket (QMP): one JSON object a line. One caller at a time.
final class ControlChannel: Sendable {
    private let descriptor: CInt
    private let patience: Duration
    private let received = Mutex<[UInt8]>([])
    private let commands = Mutex(0)

    /// - Parameter descriptor: stays the caller's.
    init(descriptor: CInt, patience: Duration) {
        self.descriptor = descriptor
        self.patience = patience
    }

    /// QEMU's greeting, which comes when it is ready, and the handshake.
    func open() throws(CellMachineError) {
        while !(try line().contains("\"QMP\"")) {}
        try execute("qmp_capabilities")
    }

    /// Runs a command and gives its answer's line.
    ///
    /// - Parameters:
    ///   - arguments: a JSON object.
    ///   - passed: a descriptor, sent with it.
    ///   - event: the name of one that the command brings about; it is waited for, too.
    @discardableResult
    func execute(
        _ command: String, _ arguments: String? = nil, passing passed: CInt? = nil, until event: String? = nil
    ) throws(CellMachineError) -> String {
        // an answer that came too late for its command is not another's
        let number = commands.withLock { number in
            number += 1
            return number
        }
        try calling(.ended, "QEMU does not listen") { () throws(SystemCallError) in
            let given = arguments.map { ",\"arguments\":\($0)" } ?? ""
            let line = Array("{\"execute\":\"\(command)\"\(given),\"id\":\(number)}\n".utf8)
            if let passed {
                try SystemCall.send(line, with: passed, to: descriptor)
            } else {
                try SystemCall.send(line, to: descriptor)
            }
        }
        var answer: String?
        var hasHappened = event == nil
        while answer == nil || !hasHappened {
            let line = try line()
            if let event, line.contains("\"event\": \"\(event)\"") { hasHappened = true }
            guard line.contains("\"id\": \(number)}") || line.contains("\"id\": \(number),") else { continue }
            if line.contains("\"error\"") { throw CellMachineError(.emulator, "QEMU refuses \(command): \(line)") }
            answer = line
        }
        return answer ?? ""
    }

    private func line() throws(CellMachineError) -> String {
        let deadline = ContinuousClock.now + patience
        while true {
            let line = received.withLock { bytes -> [UInt8]? in
                guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
                defer { bytes.removeFirst(end + 1) }
                return Array(bytes[..<end])
            }
            if let line { return String(decoding: line, as: UTF8.self) }
            let more = try SystemCall.receive(descriptor, until: deadline)
            received.withLock { $0 += more }
        }
    }
}
