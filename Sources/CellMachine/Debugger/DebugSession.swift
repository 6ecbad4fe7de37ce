// SPDX-License-Identifier: Apache-2.0

import Synchronization
import SystemCalls

/// One debugger's look into a cell, during which everything is stopped.
package final class DebugSession: Sendable {
    private let machine: CellMachine
    private let architecture: String?
    private let stub: OwnedDescriptor

    fileprivate init(_ machine: CellMachine, _ architecture: String?, _ stub: consuming OwnedDescriptor) {
        self.machine = machine
        self.architecture = architecture
        self.stub = stub
    }

    /// Speaks gdb's remote protocol until the client goes, or the cell; blocks. The cell goes on afterwards.
    ///
    /// - Parameter client: a socket; stays the caller's.
    package func serve(_ client: CInt) {
        var dialogue = DebugDialogue(machine, as: architecture, stub: stub.rawValue, client: client)
        dialogue.serve()
    }

    deinit {
        machine.detachDebugger()
    }
}

extension CellMachine {
    /// Stops the cell for a debugger.
    ///
    /// - Parameter architecture: what gdb takes the cell's CPUs for, `i386` or `amd64`; nil: as they are now,
    ///   and always for Arm64.
    /// - Throws: ``CellMachineError`` `debugged` when there is a debugger already, `ended` or `emulator`.
    package func debug(as architecture: String?) throws(CellMachineError) -> DebugSession {
        DebugSession(self, architecture, try attachDebugger())
    }

    /// As ``start()``, with all CPUs standing at their first instruction, for a debugger.
    ///
    /// - Throws: as ``debug(as:)``.
    package func startDebugged(as architecture: String?) throws(CellMachineError) -> DebugSession {
        DebugSession(self, architecture, try startHeld())
    }
}
