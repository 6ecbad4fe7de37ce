// SPDX-License-Identifier: Apache-2.0

import _Volatile

/// The page through which a cell and the hypervisor talk, at the address that the link line or the command line gives.
struct CommunicationRegion {
    enum State: UInt32 {
        case running = 0, runningLocked, shutDown, failed, interfaceMismatch
    }

    enum Message: UInt32 {
        case nothing = 0, shutdownRequest, reconfigurationCompleted
    }

    enum Reply: UInt32 {
        case unknown = 1, denied, approved, received
    }

    /// What the cell may print on.
    struct Console {
        /// 0: there is none. 2: an 8250.
        var type: UInt32
        var address: UInt32
        /// Of its clock; 0: it is set up already.
        var divider: UInt32
        var isInMemory: Bool
        /// In bytes.
        var registerDistance: UInt32
    }

    let address = communicationRegionAddress()

    /// Whether there is one: its signature, "JHCOMM".
    var isPresent: Bool { word(0) == 0x4f43_484a && word(4) & 0xffff == 0x4d4d }
    /// Of its page: nothing is there.
    var lastWord: UInt32 { word(0xffc) }
    /// The layout's number; this file is written for 2.
    var revision: UInt32 { word(4) >> 16 }
    /// What the hypervisor wants; nil when it is nothing that this file knows. To be read once for each answer: the
    /// next message may be there at the next look.
    var message: Message? { Message(rawValue: word(12)) }
    var mayUseVirtualConsole: Bool { word(20) & 1 != 0 }
    var isVirtualConsoleActive: Bool { word(20) & 2 != 0 }
    var console: Console {
        Console(
            type: word(36) & 0xffff, address: word(24), divider: word(40),
            isInMemory: word(36) & 0x1_0000 != 0, registerDistance: word(36) & 0x2_0000 != 0 ? 4 : 1
        )
    }
    /// 0 when the machine has no such window.
    var mmconfigBase: UInt64 { UInt64(word(60)) << 32 | UInt64(word(56)) }
    var pmTimerPort: UInt16 { UInt16(truncatingIfNeeded: word(64)) }
    var processors: UInt32 { word(64) >> 16 }
    var tscKHz: UInt32 { word(68) }
    /// Without a divider; 0 when Linux uses the deadline timer.
    var apicTimerKHz: UInt32 { word(72) }

    func set(state: State) { set(rawState: state.rawValue) }
    func set(rawState: UInt32) { register(8).store(rawState) }

    /// The message is cleared before its answer stands there.
    func reply(_ reply: Reply) {
        register(12).store(0)
        storeBarrier()
        register(16).store(reply.rawValue)
    }

    func word(_ offset: UInt) -> UInt32 { register(offset).load() }

    /// 64 bits, which of an address are enough in a program of any width.
    func wide(_ offset: UInt) -> UInt {
        UInt(truncatingIfNeeded: UInt64(word(offset + 4)) << 32 | UInt64(word(offset)))
    }

    private func register(_ offset: UInt) -> VolatileMappedRegister<UInt32> {
        VolatileMappedRegister(unsafeBitPattern: UInt(address) + offset)
    }
}

@_extern(c, "communication_region_address") private func communicationRegionAddress() -> UInt32

/// Other processors see the stores before it first. x86 keeps their order by itself.
private func storeBarrier() {
    #if arch(arm64)
        memoryBarrier()
    #endif
}

#if arch(arm64)
    @_extern(c, "memory_barrier") private func memoryBarrier()
#endif
