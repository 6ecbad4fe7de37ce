// SPDX-License-Identifier: Apache-2.0

/// The page that hypervisor and cell share (include/jailhouse/hypercall.h). Numbers are little endian.
package enum CommunicationRegion {
    package static let signature = "JHCOMM"
    package static let abiRevision: UInt16 = 2
    /// Until January 2020: releases v0.10 and v0.11. On x86 the layout is the same.
    package static let earlyABIRevision: UInt16 = 1

    /// Offsets in bytes.
    package enum Offset {
        package static let signature = 0
        /// u16
        package static let revision = 6
        /// u32, of ``CellState/number``
        package static let cellState = 8
        /// u32, of ``Message``
        package static let messageToCell = 12
        /// u32, of ``Reply``
        package static let replyFromCell = 16
        /// u32, of ``Flags``
        package static let flags = 20
        /// 32 bytes, laid out as the console of a cell configuration
        package static let console = 24
        /// u64
        package static let mmconfigBase = 56

        /// x86 only.
        package enum X86 {
            /// u16
            package static let pmTimerPort = 64
            /// u16
            package static let cpuCount = 66
            /// u32
            package static let tscKHz = 68
            /// u32; 0: the APIC timer runs in TSC-deadline mode
            package static let apicKHz = 72
        }

        /// Arm and Arm64 only.
        package enum Arm {
            /// u8
            package static let gicVersion = 64
            /// u64
            package static let gicDistributor = 72
            /// u64
            package static let gicCPUInterface = 80
            /// u64
            package static let gicRedistributor = 88
            /// u32
            package static let vpciInterruptBase = 96
        }
    }

    /// What the hypervisor sends; 0 is no message.
    package enum Message: UInt32, Hashable, Sendable {
        case shutdownRequest = 1
        case reconfigurationCompleted = 2
    }

    /// What a cell answers; 0 is no reply.
    package enum Reply: UInt32, Hashable, Sendable {
        case unknown = 1
        case requestDenied = 2
        case requestApproved = 3
        case messageReceived = 4
    }

    package enum Flags {
        package static let consoleOutputPermitted: UInt32 = 1
        package static let consoleOutputActive: UInt32 = 2
    }
}
