// SPDX-License-Identifier: Apache-2.0

import CCellMachine
import Synchronization
import SystemCalls

/// How the monitors of one machine's cells wake each other.
///
/// On x86 by what QEMU's ivshmem-doorbell devices need of each other: an event descriptor a cell, which
/// wakes its owner, and an unused page of memory. QEMU expects a server that hands them out
/// (its docs/specs/ivshmem-spec.rst); all are made beforehand, so that what is written to the socket once is enough.
///
/// On Arm64, where QEMU's machine has no messages without an ITS, by way of this process.
enum DoorbellExchange {
    private struct Exchange {
        var bells: [CInt]
        var memory: CInt
    }

    /// Of Arm64 cells, by machine and slot.
    private static let listeners = Mutex<[String: [Int: @Sendable () -> Void]]>([:])

    // they stay open as long as the process lives: a few a machine
    private static let all = Mutex<[String: Exchange]>([:])
    private static let protocolVersion: Int64 = 0
    private static let memoryFollows: Int64 = -1

    /// - Parameter machine: what the cells that can ring each other have in common.
    /// - Returns: a socket, both ends the caller's. The second, QEMU's, holds all that it will read; it reads
    ///   only as long as the first is open.
    static func join(_ machine: String, slot: Int) throws(CellMachineError) -> SocketPair {
        try calling(.emulator, "cells cannot be connected") { () throws(SystemCallError) -> SocketPair in
            let exchange = try all.withLock { all throws(SystemCallError) in
                if let exchange = all[machine] { return exchange }
                let exchange = try make()
                all[machine] = exchange
                return exchange
            }
            let pair = try SystemCall.socketPair()
            try SystemCall.send(message(protocolVersion), to: pair.first)
            try SystemCall.send(message(Int64(slot)), to: pair.first)
            try SystemCall.send(message(memoryFollows), with: exchange.memory, to: pair.first)
            for (peer, bell) in exchange.bells.enumerated() {
                try SystemCall.send(message(Int64(peer)), with: bell, to: pair.first)
            }
            return pair
        }
    }

    /// - Parameter hear: called on any thread whenever the slot's monitor is rung; replaces the one before.
    static func listen(_ machine: String, slot: Int, _ hear: @escaping @Sendable () -> Void) {
        listeners.withLock { $0[machine, default: [:]][slot] = hear }
    }

    /// As a monitor rings another.
    static func ring(_ machine: String, slot: Int) {
        if let hear = listeners.withLock({ $0[machine]?[slot] }) { return hear() }
        guard let bell = all.withLock({ $0[machine]?.bells[slot] }) else { return }
        doorbell_ring(bell)
    }

    private static func make() throws(SystemCallError) -> Exchange {
        let memory = try SystemCall.result(of: "memfd_create") { nameless_memory_create(4096) }
        var bells: [CInt] = []
        for _ in 0..<MonitorMemory.slotLimit {
            bells.append(try SystemCall.result(of: "eventfd") { doorbell_create() })
        }
        return Exchange(bells: bells, memory: memory)
    }

    private static func message(_ number: Int64) -> [UInt8] { withUnsafeBytes(of: number.littleEndian, Array.init) }
}
