// SPDX-License-Identifier: Apache-2.0

extension Manager {
    /// The machine as a whole.
    package struct Machine: Codable, Hashable, Sendable {
        package var enabled: Bool
        package var system: String?
        package var driver: Bool
        package var version: String
        /// Pages, as are the other pools.
        package var memPoolSize: Int
        package var memPoolUsed: Int
        package var remapPoolSize: Int
        package var remapPoolUsed: Int
        /// The daemon is enabling the hypervisor, or will as soon as it can; nil: false.
        package var enabling: Bool?
        /// How long ago the pools were read, in µs; nil when they never were.
        package var poolsAge: Int?
        /// CPUs of Linux that the hypervisor parked after a violation; nil: none.
        package var lostCpus: [Int]?
        /// Accesses of devices that an IOMMU dropped; nil: none.
        package var deviceFaults: [DeviceFault]?
        /// The system with which the hypervisor was enabled, where that is known and is not ``system`` as it is now.
        package var inForce: String?
        /// How long things have taken since the daemon was started; nil: not known.
        package var timings: [Timing]?
        /// CPUs that the hypervisor took until the next boot, those of ``lostCpus`` among them; nil: none.
        package var losses: [LostCPU]?
        /// The enable that was tried last, where it failed and the hypervisor is not enabled since; nil: none.
        package var refusedEnable: RefusedEnable?
        /// How often an IOMMU had more to report than it could keep, so that ``deviceFaults`` are too few; nil: never.
        package var deviceFaultOverflows: Int?
        /// How often commands were refused since the daemon was started; nil: none was, or it is not known.
        package var refusals: [RefusalCount]?

        package init(
            enabled: Bool, system: String? = nil, driver: Bool, version: String, memPoolSize: Int, memPoolUsed: Int,
            remapPoolSize: Int, remapPoolUsed: Int, enabling: Bool? = nil, poolsAge: Int? = nil, lostCpus: [Int]? = nil,
            deviceFaults: [DeviceFault]? = nil, inForce: String? = nil, timings: [Timing]? = nil,
            losses: [LostCPU]? = nil, refusedEnable: RefusedEnable? = nil, deviceFaultOverflows: Int? = nil,
            refusals: [RefusalCount]? = nil
        ) {
            self.refusals = refusals
            self.deviceFaultOverflows = deviceFaultOverflows
            self.enabled = enabled
            self.system = system
            self.driver = driver
            self.version = version
            self.memPoolSize = memPoolSize
            self.memPoolUsed = memPoolUsed
            self.remapPoolSize = remapPoolSize
            self.remapPoolUsed = remapPoolUsed
            self.enabling = enabling
            self.poolsAge = poolsAge
            self.lostCpus = lostCpus
            self.deviceFaults = deviceFaults
            self.inForce = inForce
            self.timings = timings
            self.losses = losses
            self.refusedEnable = refusedEnable
        }
    }

    /// An enable that failed.
    package struct RefusedEnable: Codable, Hashable, Sendable {
        /// µs since 1970.
        package var at: Int
        /// The driver's error, as C names it; nil: it was not asked.
        package var errnoName: String?
        /// Why, and what to do.
        package var message: String
        /// What the hypervisor printed; nil: nothing, or it was not entered.
        package var console: [String]?

        package init(at: Int, errnoName: String? = nil, message: String, console: [String]? = nil) {
            self.at = at
            self.errnoName = errnoName
            self.message = message
            self.console = console
        }
    }

    /// A CPU that the hypervisor took until the next boot.
    package struct LostCPU: Codable, Hashable, Sendable {
        package var cpu: Int
        /// Whose it was; nil: not known.
        package var cell: String?
        /// Whether the hypervisor itself failed on it; else Linux did what it has no right to.
        package var stopped: Bool
        /// The console's line; nil: not known.
        package var reason: String?
        /// What that means, and what to do; nil: not known.
        package var meaning: String?
        /// The lines of the hypervisor's console about it; nil: not known.
        package var console: [String]?

        package init(
            cpu: Int, cell: String?, stopped: Bool, reason: String?, meaning: String?, console: [String]? = nil
        ) {
            self.console = console
            self.cpu = cpu
            self.cell = cell
            self.stopped = stopped
            self.reason = reason
            self.meaning = meaning
        }
    }

    /// How often a command was refused with one error number.
    package struct RefusalCount: Codable, Hashable, Sendable {
        /// As ``Timing/of`` names it.
        package var command: String
        /// As C names it; `none`: the driver was not asked, `other`: a number without a name here.
        package var errno: String
        package var count: Int

        package init(command: String, errno: String, count: Int) {
            self.command = command
            self.errno = errno
            self.count = count
        }
    }

    /// How often something was done, and how long it took: µs in total and at most.
    package struct Timing: Codable, Hashable, Sendable {
        package var of: String
        package var count: Int
        package var total: Int
        package var longest: Int
        /// Of commands: `done`, `unanswered` or `refused`; nil: of older daemons, which counted those that were done.
        package var result: String?

        package init(of: String, count: Int, total: Int, longest: Int, result: String? = nil) {
            self.of = of
            self.count = count
            self.total = total
            self.longest = longest
            self.result = result
        }
    }

    /// Accesses of a device to memory that it may not use, of one kind.
    package struct DeviceFault: Codable, Hashable, Sendable {
        package var device: String
        package var cell: String?
        package var address: Int?
        package var access: String?
        package var unit: Int
        package var code: Int
        package var count: Int
        package var last: Int

        package init(
            device: String, cell: String? = nil, address: Int? = nil, access: String? = nil, unit: Int, code: Int,
            count: Int,
            last: Int
        ) {
            self.device = device
            self.cell = cell
            self.address = address
            self.access = access
            self.unit = unit
            self.code = code
            self.count = count
            self.last = last
        }
    }

    /// A cell's communication region (the interface's name for it is short, since a method has the long one).
    package struct Region: Codable, Hashable, Sendable {
        /// The bits of the address as the inmate sees it: `UInt64(bitPattern: Int64(address))`.
        package var address: Int?
        package var abiRevision: Int
        package var state: String?
        package var stateNumber: Int?
        package var passive: Bool
        package var messageReplyTimeout: Int
        package var lastRequest: ShutdownRequest
        package var pciMmconfigBase: Int?
        package var pmTimerPort: Int?
        package var numberOfCpus: Int?
        package var tscKhz: Int?
        package var apicKhz: Int?
        package var consoleAddress: Int?
        package var flags: [String]

        package init(
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
    package struct ShutdownRequest: Codable, Hashable, Sendable {
        /// `approved`, `denied`, `timed-out` or `not-asked`.
        package var outcome: String
        /// µs since 1970.
        package var at: Int?
        /// How long Linux was stalled because it was not answered, in µs.
        package var stalled: Int?

        package init(
            outcome: String, at: Int? = nil, stalled: Int? = nil
        ) {
            self.outcome = outcome
            self.at = at
            self.stalled = stalled
        }
    }

    /// A counter of the hypervisor.
    package struct Statistic: Codable, Hashable, Sendable {
        package var name: String
        package var value: Int

        package init(
            name: String, value: Int
        ) {
            self.name = name
            self.value = value
        }
    }
}
