// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Synchronization
import SystemCalls

/// For gdb: QEMU's stub, and what it cannot know of the cell.
extension CellMachine {
    /// Everything is stopped until the debugger continues it; a CPU that touches what is not the cell's is held at its
    /// instruction from then on.
    ///
    /// - Returns: a connection to QEMU's gdb stub.
    /// - Throws: ``CellMachineError`` `debugged` when it is being debugged already, `ended` or `emulator`.
    func attachDebugger() throws(CellMachineError) -> OwnedDescriptor {
        try status.withLock { status throws(CellMachineError) in
            guard !status.isDebugged else {
                throw CellMachineError(.debugged, "the cell is being debugged already")
            }
            return try attach(&status)
        }
    }

    func attach(_ status: inout Status) throws(CellMachineError) -> OwnedDescriptor {
        let pair = try calling(.emulator, "QEMU cannot be talked to") { () throws(SystemCallError) -> SocketPair in
            try SystemCall.socketPair()
        }
        let ours = OwnedDescriptor(adopting: pair.first)
        let theirs = OwnedDescriptor(adopting: pair.second)
        status.debuggers += 1
        let name = "debugger\(status.debuggers)"
        let control = emulator.control
        try control.execute("getfd", #"{"fdname":"\#(name)"}"#, passing: theirs.rawValue)
        try control.execute(
            "chardev-add",
            #"{"id":"\#(name)","backend":{"type":"socket","data":{"server":false,"addr":{"type":"fd","data":"#
                + #"{"str":"\#(name)"}}}}}"#)
        try serveDebugger("chardev:\(name)")
        area.set(MonitorMemory.Flag.holdsOnViolation, true)
        status.isDebugged = true
        return ours
    }

    /// The debugger is gone, and its breakpoints are removed: the cell goes on.
    func detachDebugger() {
        status.withLock { status in
            status.isDebugged = false
            status.isHeldByDebugger = false
            area.set(MonitorMemory.Flag.holdsOnViolation, settings.holdsOnViolation)
            area.releaseAll()
            do throws(CellMachineError) {
                try serveDebugger("none")
                try emulator.control.execute(status.isRunning ? "cont" : "stop")
            } catch {
                // QEMU's exit is reported by its own thread
                if error.code != .ended { emulator.terminate() }
            }
        }
    }

    private func serveDebugger(_ device: String) throws(CellMachineError) {
        let answer = try emulator.control.execute(
            "human-monitor-command", #"{"command-line":"gdbserver \#(device)"}"#)
        if answer.contains("Could not") || answer.contains("unknown command") {
            throw CellMachineError(.emulator, "QEMU has no gdb stub: \(answer)")
        }
    }

    /// Stops the world for a CPU that is held at its instruction; the cell counts as running.
    package func freeze() {
        status.withLock { status in
            if status.isRunning { _ = try? emulator.control.execute("stop") }
        }
    }

    /// Does something that lets QEMU execute, unless the cell is parked: then it goes on with its next start.
    ///
    /// - Returns: whether it has been done.
    func resume(_ body: () -> Void) -> Bool {
        status.withLock { status in
            status.isHeldByDebugger = false
            if status.isRunning { body() }
            return status.isRunning
        }
    }

    /// Does something that lets QEMU execute for a moment, unless the cell is parked.
    ///
    /// - Returns: whether it has been done.
    func whileRunning(_ body: () -> Void) -> Bool {
        status.withLock { status in
            if status.isRunning { body() }
            return status.isRunning
        }
    }

    /// The debugger has the cell standing still: its next start does not change that.
    func holdForDebugger() { status.withLock { $0.isHeldByDebugger = true } }

    /// Whether the machine lets the cell run.
    var isRunning: Bool { status.withLock { $0.isRunning } }

    /// Of the cell's own physical addresses.
    ///
    /// - Returns: the machine's address and how many bytes follow there; nil for what is no memory of the cell.
    func place(of address: UInt64) -> (address: UInt64, count: UInt64)? {
        for region in cell.memoryRegions where address >= region.virtualStart {
            let offset = address - region.virtualStart
            guard offset < region.size else { continue }
            if region.flags.contains(.communicationRegion) {
                return (area.base + UInt64(MonitorMemory.communicationRegion) + offset, region.size - offset)
            }
            let place = region.physicalStart + offset
            guard !region.flags.contains(.io),
                let address = layout.machineAddress(of: place, count: 1, size: settings.memorySize)
            else { return nil }
            return (address, region.size - offset)
        }
        return nil
    }
}
