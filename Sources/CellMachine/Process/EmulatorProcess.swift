// SPDX-License-Identifier: Apache-2.0

import CCellMachine
import Glibc
import Synchronization
import SystemCalls
import SystemPackage

/// A QEMU process and the thread that started it. The thread hears what QEMU says; the kernel ends QEMU when the
/// thread ends, even by the death of our process.
final class EmulatorProcess: Sendable {
    /// What the thread hears.
    enum News: Sendable {
        /// The monitor has written events.
        case bell
        case serial([UInt8])
        /// With what QEMU wrote to its standard error.
        case ended(String)
    }

    let control: ControlChannel
    let memory: MemoryChannel
    private let ours: Ends
    private let ports: [Network.Port]
    /// Kept open for QEMU's doorbell.
    private let exchange: OwnedDescriptor?
    private let hear: @Sendable (News) -> Void
    /// Bytes of COM1 are reported in their order, whichever thread reads them.
    private let serialTurn = Mutex(())
    private let state = Mutex(State())
    private let started = Bell()
    private let ended = Bell()

    private struct State {
        var child: pid_t?
        var failure: CellMachineError?
        var thread: pthread_t?
    }

    /// Our ends of QEMU's descriptors.
    private struct Ends: ~Copyable, Sendable {
        let control: OwnedDescriptor
        let bell: OwnedDescriptor
        let serial: OwnedDescriptor
        let memory: OwnedDescriptor
        let errors: OwnedDescriptor
    }

    /// Starts QEMU and waits until it answers.
    ///
    /// - Parameter hear: called on the thread, the last time with ``News/ended(_:)``; with ``News/serial(_:)`` also
    ///   on those that call ``hearSerial()``.
    init(
        _ arguments: any EmulatorCommand, hear: @escaping @Sendable (News) -> Void
    ) throws(CellMachineError) {
        self.hear = hear
        // in the order of EmulatorArguments.Descriptor, standard error last
        let theirs = ChildEnds()
        func connected() throws(CellMachineError) -> OwnedDescriptor {
            let pair = try calling(.emulator, "QEMU cannot be talked to") { () throws(SystemCallError) -> SocketPair in
                try SystemCall.socketPair()
            }
            theirs.append(pair.second)
            return OwnedDescriptor(adopting: pair.first)
        }
        let control = try connected()
        let bell = try connected()
        let serial = try connected()
        let memory = try connected()
        var ports: [Network.Port] = []
        var hasThread = false
        defer {
            // else the thread does it
            if !hasThread { for port in ports { port.unplug() } }
        }
        for cable in arguments.networks {
            let (port, descriptor) = try Network.plug(into: "\(arguments.settings.directory)/\(cable)")
            ports.append(port)
            theirs.append(descriptor)
        }
        if let slot = arguments.doorbellSlot {
            let pair = try DoorbellExchange.join(arguments.settings.directory, slot: slot)
            exchange = OwnedDescriptor(adopting: pair.first)
            theirs.append(pair.second)
        } else {
            exchange = nil
        }
        self.ports = ports
        self.control = ControlChannel(descriptor: control.rawValue, patience: arguments.settings.patience)
        self.memory = MemoryChannel(descriptor: memory.rawValue, patience: arguments.settings.patience)
        ours = Ends(control: control, bell: bell, serial: serial, memory: memory, errors: try connected())
        let command = [arguments.settings.emulator] + arguments.list
        guard let thread = BackgroundThread({ [self] in live(command, theirs) }) else {
            throw CellMachineError(.emulator, "the system has no thread left")
        }
        hasThread = true
        thread.detach()
        started.wait(atMost: nil)
        if let failure = state.withLock({ $0.failure }) { throw failure }
        do {
            try self.control.open()
        } catch {
            let reason = terminate()
            throw CellMachineError(error.code, reason.isEmpty ? error.message : reason, cause: error.cause)
        }
    }

    /// The process's number; nil when it has ended.
    var processID: pid_t? { state.withLock { $0.child } }

    /// To the cell's COM1; what its buffers cannot take is lost.
    func sendSerial(_ bytes: [UInt8]) {
        _ = bytes.withUnsafeBytes {
            send(ours.serial.rawValue, $0.baseAddress, $0.count, CInt(MSG_DONTWAIT | MSG_NOSIGNAL))
        }
    }

    /// To the monitor's bell. What its buffer cannot take is not needed: the monitor has not looked yet.
    func ringBell() {
        var byte: UInt8 = 1
        _ = send(ours.bell.rawValue, &byte, 1, CInt(MSG_DONTWAIT | MSG_NOSIGNAL))
    }

    /// Reports all that the cell has written to COM1 until now, on the caller's thread.
    func hearSerial() {
        serialTurn.withLock { _ in
            while true {
                let bytes = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
                    count = max(0, recv(ours.serial.rawValue, buffer.baseAddress, buffer.count, CInt(MSG_DONTWAIT)))
                }
                if bytes.isEmpty { return }
                hear(.serial(bytes))
            }
        }
    }

    /// Ends QEMU and waits until it is gone, unless this is its own thread. - Returns: what its last words were.
    @discardableResult
    func terminate() -> String {
        let isOwnThread = state.withLock { state in
            if let child = state.child { kill(child, SIGKILL) }
            return state.thread.map { pthread_equal($0, pthread_self()) != 0 } ?? false
        }
        guard !isOwnThread else { return "" }
        ended.wait(atMost: nil)
        ended.ring()
        return state.withLock { $0.failure?.message ?? "" }
    }

    // MARK: the thread

    private func live(_ command: [String], _ theirs: ChildEnds) {
        let child = start(command, theirs.numbers)
        theirs.close()
        state.withLock {
            $0.thread = pthread_self()
            $0.child = child
        }
        started.ring()
        defer {
            for port in ports { port.unplug() }
            ended.ring()
        }
        guard let child else { return }
        let words = listen()
        // it may have closed its sockets and still be there
        kill(child, SIGKILL)
        var information = siginfo_t()
        _ = try? SystemCall.result(of: "waitid") { waitid(P_PID, id_t(child), &information, WEXITED | WNOWAIT) }
        let text = EmulatorProcess.lastWords(words)
        state.withLock {
            // from here on its number may be another's, which must not be signalled
            waitpid(child, nil, 0)
            $0.child = nil
            $0.failure = CellMachineError(.ended, text)
        }
        hear(.ended(text))
    }

    private func start(_ command: [String], _ theirs: [CInt]) -> pid_t? {
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
        arguments.append(nil)
        defer { for argument in arguments { free(argument) } }
        let count = CInt(theirs.count - 1)
        let child = child_process_start(command[0], &arguments, theirs, count, theirs[Int(count)])
        guard child < 0 else { return child }
        let cause = SystemCallError(call: "exec", subject: command[0], errno: Errno(rawValue: errno))
        state.withLock { $0.failure = CellMachineError(.emulator, "QEMU cannot be started", cause: cause) }
        return nil
    }

    /// Until QEMU closes its sockets. - Returns: its standard error.
    private func listen() -> [UInt8] {
        var words: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 0x1_0000)
        let descriptors =
            // what an inmate printed before it failed is heard first
            [ours.serial.rawValue, ours.bell.rawValue, ours.errors.rawValue] + ports.map { $0.descriptor.rawValue }
        while true {
            var polled = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            guard poll(&polled, nfds_t(polled.count), -1) >= 0 || errno == EINTR else { return words }
            for index in polled.indices where polled[index].revents != 0 {
                if index == 0 {
                    hearSerial()
                    continue
                }
                let count = buffer.withUnsafeMutableBytes { (try? SystemCall.read(descriptors[index], into: $0)) ?? 0 }
                switch index {
                case 1 where count == 0: return words + rest(of: ours.errors.rawValue)
                case 1: hear(.bell)
                case 2 where words.count < 4096: words += buffer[..<count]
                case 3... where count > 0:
                    buffer.withUnsafeBytes { ports[index - 3].forward(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
                default: break
                }
            }
        }
    }

    private func rest(of descriptor: CInt) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &buffer, buffer.count, CInt(MSG_DONTWAIT))
        return Array(buffer[..<max(0, count)])
    }

    /// The last line of standard error that is not empty.
    private static func lastWords(_ bytes: [UInt8]) -> String {
        let line = bytes.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }).last
        return line.map { String(decoding: $0, as: UTF8.self) } ?? "QEMU was ended from outside"
    }
}

/// Descriptors for a child: closed here when it has them, and when it never got them.
private final class ChildEnds: Sendable {
    private let list = Mutex<[CInt]>([])

    var numbers: [CInt] { list.withLock { $0 } }

    func append(_ descriptor: CInt) { list.withLock { $0.append(descriptor) } }

    func close() {
        list.withLock { list in
            for descriptor in list { _ = Glibc.close(descriptor) }
            list = []
        }
    }

    deinit {
        close()
    }
}
