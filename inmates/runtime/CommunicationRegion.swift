import _Volatile

/// The page through which a cell and the hypervisor talk, at the address that the link line gives.
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

    let address = communicationRegionAddress()

    /// Whether there is one: its signature, "JHCOMM".
    var isPresent: Bool { word(0) == 0x4f43_484a && word(4) & 0xffff == 0x4d4d }
    /// The layout's number; this file is written for 2.
    var revision: UInt32 { word(4) >> 16 }
    var pmTimerPort: UInt16 { UInt16(truncatingIfNeeded: word(64)) }
    /// What the hypervisor wants; nil when it is nothing that this file knows. To be read once for each answer: the
    /// next message may be there at the next look.
    var message: Message? { Message(rawValue: word(12)) }

    func set(state: State) { register(8).store(state.rawValue) }

    /// The message is cleared before its answer stands there; x86 keeps the order of stores.
    func reply(_ reply: Reply) {
        register(12).store(0)
        register(16).store(reply.rawValue)
    }

    private func word(_ offset: UInt) -> UInt32 { register(offset).load() }

    private func register(_ offset: UInt) -> VolatileMappedRegister<UInt32> {
        VolatileMappedRegister(unsafeBitPattern: UInt(address) + offset)
    }
}

@_extern(c, "communication_region_address") private func communicationRegionAddress() -> UInt32
