extension Manager {
    /// The machine as a whole.
    public struct Machine: Codable, Hashable, Sendable {
        public var enabled: Bool
        public var system: String?
        public var driver: Bool
        public var version: String
        /// Pages, as are the other pools.
        public var memPoolSize: Int
        public var memPoolUsed: Int
        public var remapPoolSize: Int
        public var remapPoolUsed: Int

        public init(
            enabled: Bool, system: String? = nil, driver: Bool, version: String, memPoolSize: Int, memPoolUsed: Int,
            remapPoolSize: Int, remapPoolUsed: Int
        ) {
            self.enabled = enabled
            self.system = system
            self.driver = driver
            self.version = version
            self.memPoolSize = memPoolSize
            self.memPoolUsed = memPoolUsed
            self.remapPoolSize = remapPoolSize
            self.remapPoolUsed = remapPoolUsed
        }
    }

    /// A cell's communication region (the interface's name for it is short, since a method has the long one).
    public struct Region: Codable, Hashable, Sendable {
        /// The bits of the address as the inmate sees it: `UInt64(bitPattern: Int64(address))`.
        public var address: Int?
        public var abiRevision: Int
        public var state: String?
        public var stateNumber: Int?
        public var passive: Bool
        public var messageReplyTimeout: Int
        public var lastRequest: ShutdownRequest
        public var pciMmconfigBase: Int?
        public var pmTimerPort: Int?
        public var numberOfCpus: Int?
        public var tscKhz: Int?
        public var apicKhz: Int?
        public var consoleAddress: Int?
        public var flags: [String]

        public init(
            address: Int? = nil, abiRevision: Int, state: String? = nil, stateNumber: Int? = nil, passive: Bool,
            messageReplyTimeout: Int, lastRequest: ShutdownRequest, pciMmconfigBase: Int? = nil,
            pmTimerPort: Int? = nil, numberOfCpus: Int? = nil, tscKhz: Int? = nil, apicKhz: Int? = nil,
            consoleAddress: Int? = nil, flags: [String] = []
        ) {
            self.address = address
            self.abiRevision = abiRevision
            self.state = state
            self.stateNumber = stateNumber
            self.passive = passive
            self.messageReplyTimeout = messageReplyTimeout
            self.lastRequest = lastRequest
            self.pciMmconfigBase = pciMmconfigBase
            self.pmTimerPort = pmTimerPort
            self.numberOfCpus = numberOfCpus
            self.tscKhz = tscKhz
            self.apicKhz = apicKhz
            self.consoleAddress = consoleAddress
            self.flags = flags
        }
    }

    /// What became of the last request to shut down.
    public struct ShutdownRequest: Codable, Hashable, Sendable {
        /// `approved`, `denied`, `timed-out` or `not-asked`.
        public var outcome: String
        /// µs since 1970.
        public var at: Int?

        public init(
            outcome: String, at: Int? = nil
        ) {
            self.outcome = outcome
            self.at = at
        }
    }

    /// A counter of the hypervisor.
    public struct Statistic: Codable, Hashable, Sendable {
        public var name: String
        public var value: Int

        public init(
            name: String, value: Int
        ) {
            self.name = name
            self.value = value
        }
    }
}
