// SPDX-License-Identifier: Apache-2.0

import ControlInterface

/// One value of each wire type with everything in it, and one with nothing that may be absent.
enum Samples {
    static let big = Int.max

    static let cell = Manager.Cell(
        name: "rtems", id: 1, state: "running", condition: "degraded", cpus: [2, 3], failedCpus: [3], restarts: 2,
        since: 1_790_000_000_123_456, sinceMonotonic: big, defined: true)
    static let bareCell = Manager.Cell(
        name: "zelle ä\u{1F600}", condition: "absent", restarts: 0, since: 0, sinceMonotonic: 0, defined: true)
    static let failure = Manager.Failure(
        at: 1, reason: "FATAL: \"x\"\n", state: "failed", failedCpus: [3], console: ["a\u{1b}[31m", ""],
        vmExits: big, managementExits: 2)
    static let bareFailure = Manager.Failure(at: 1, reason: "")
    static let request = Manager.ShutdownRequest(outcome: "denied", at: 5, stalled: 6)
    static let bareRequest = Manager.ShutdownRequest(outcome: "not-asked")
    static let supervision = Manager.Supervision(
        desired: "running", restart: "on-failure", delay: 100_000, maximumDelay: 30_000_000, attempts: 2,
        attemptLimit: 5, limitWithin: 60_000_000, nextRestart: 7, stopTimeout: 5_000_000, autostart: true)
    static let bareSupervision = Manager.Supervision(
        desired: "stopped", restart: "never", delay: 0, maximumDelay: 0, attempts: 0, attemptLimit: 1, limitWithin: 1,
        stopTimeout: 0, autostart: false)
    static let configuration = Manager.Configuration(
        path: "/p", data: "AAECAw==", regions: ["RAM", ""],
        images: [.init(path: "/i", entry: 0x1000, parts: [.init(name: "segment 1", start: Int.min, size: 5)])])
    static let details = Manager.Details(
        cell: cell, definition: "/etc/jailhoused/cells/rtems.toml", problem: "p", images: ["/a", "/b"],
        supervision: supervision, lastFailure: failure, console: ["x"], vmExits: 4, lastShutdown: request,
        accepted: ["JH0901: x"], liveness: liveness, failureCounts: [failureCount],
        deviceFaults: [deviceFault], hint: "h", outdated: true, history: [.init(at: 7, condition: "running")],
        started: 8, life: 9)
    static let failureCount = Manager.FailureCount(kind: "violation", count: 3)
    static let liveness = Manager.Liveness(
        kind: "console", within: 5, afterStart: 6, restarts: true, lastSign: 7, silentSince: 8)
    static let bareLiveness = Manager.Liveness(kind: "console", within: 5, afterStart: 6, restarts: false)
    static let bareDetails = Manager.Details(cell: bareCell)
    static let machine = Manager.Machine(
        enabled: true, system: "/etc/jailhoused/q35.toml", driver: true, version: "0.1", memPoolSize: 979,
        memPoolUsed: 214, remapPoolSize: 131072, remapPoolUsed: 65541, enabling: true, poolsAge: 5, lostCpus: [1],
        deviceFaults: [deviceFault], inForce: "/etc/jailhoused/old.toml", timings: [timing],
        losses: [lostCPU], refusedEnable: refusedEnable, deviceFaultOverflows: 2,
        refusals: [refusalCount])
    static let refusalCount = Manager.RefusalCount(command: "enable", errno: "EIO", count: 3)
    static let refusedEnable = Manager.RefusedEnable(at: 7, errnoName: "EIO", message: "m", console: ["x"])
    static let bareRefusedEnable = Manager.RefusedEnable(at: 7, message: "m")
    static let lostCPU = Manager.LostCPU(cpu: 1, cell: "q35", stopped: false, reason: "r", meaning: "m", console: ["x"])
    static let bareLostCPU = Manager.LostCPU(cpu: 1, cell: nil, stopped: true, reason: nil, meaning: nil)
    static let timing = Manager.Timing(of: "start", count: 3, total: 700, longest: 500, result: "done")
    static let bareTiming = Manager.Timing(of: "poll-lateness", count: 3, total: 700, longest: 500)
    static let deviceFault = Manager.DeviceFault(
        device: "00:02.0", cell: "rtems", address: 0x2000_0000, access: "write", unit: 0, code: 5, count: 3, last: 7)
    static let bareDeviceFault = Manager.DeviceFault(
        device: "00:02.0", unit: 0, code: 5, count: 3, last: 7)
    static let bareMachine = Manager.Machine(
        enabled: false, driver: false, version: "0.1", memPoolSize: 0, memPoolUsed: 0, remapPoolSize: 0,
        remapPoolUsed: 0)
    static let region = Manager.Region(
        address: Int(bitPattern: 0xffff_ffff_0090_0000), abiRevision: 2, state: "running", stateNumber: 0,
        passive: false, messageReplyTimeout: 1_000_000, lastRequest: request, pciMmconfigBase: 0xb000_0000,
        pmTimerPort: 0x608, numberOfCpus: 1, tscKhz: 3_000_000, apicKhz: 0, consoleAddress: 0x3f8,
        flags: ["debug-putc-permitted"])
    static let bareRegion = Manager.Region(
        abiRevision: 2, passive: true, messageReplyTimeout: 0, lastRequest: bareRequest)
    static let change = Manager.Change(
        at: 9, kind: "condition", cell: cell, previous: "running", message: "m", missed: 0)
    static let bareChange = Manager.Change(at: 9, kind: "current", cell: bareCell, message: "m", missed: 3)
    static let statistic = Manager.Statistic(name: "cpu3/vmexits_mmio", value: big)

    static let finding = Manager.Finding(
        rule: "JH0101", severity: "error", path: "/p", line: 1, location: "l", message: "m", consequence: "c",
        remedy: "r")
    static let bareFinding = Manager.Finding(severity: "note", message: "m")

    static let leftCell = Manager.LeftCell(cell: "c", message: "m")

    static let managerErrors: [ManagerError] = [
        .cellNotFound(cell: "rtms", nearest: "rtems", message: "m"), .noDriver(message: "m"),
        .notEnabled(message: "m"), .alreadyEnabled(message: "m"), .foreignCell(cell: "c", message: "m"),
        .definitionInvalid(cell: "c", path: "/p", message: "m"),
        .commandFailed(cell: "c", command: "create", errno: 16, errnoName: "EBUSY", message: "m"),
        .shutdownDenied(cell: "c", message: "m"), .startFailed(cell: "c", message: "m"),
        .superseded(cell: "c", message: "m"),
        .permissionDenied(method: "Start", message: "m"), .limitExceeded(limit: "calls", message: "m"),
    ]

    static let serviceErrors: [ServiceError] = [
        .interfaceNotFound(interface: "a.b"), .methodNotFound(method: "a.b.C"), .methodNotImplemented(method: "a.b.C"),
        .invalidParameter(parameter: "cell"), .permissionDenied, .expectedMore,
    ]
}
