// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import JailhouseInterface
package import Supervision
import SystemCalls
import SystemPackage

/// Gives the hypervisor commands and looks at sysfs afterwards: done is what shows there, not that a call returned 0.
/// Where sysfs cannot be read, the call's word has to do.
///
/// All of these block, some for long: they belong on a thread of their own.
package struct HypervisorCommands: Sendable {
    package let device: String
    package let sysfs: String

    /// What a command was decided on. It is judged when nothing is left to do but the call itself.
    package struct Premise {
        /// Which statistics ``holds`` needs, by the cell's name.
        package var curiosity: (String) -> Curiosity
        /// Whether the command may be given to a machine that shows this.
        package var holds: (Look) -> Bool
        /// Why the command must not be given after the console shows this, with the root cell's name; nil: it may.
        package var objection: ((_ console: String, _ rootCell: String) -> String?)?

        package init(
            _ curiosity: @escaping (String) -> Curiosity = { _ in [] },
            objection: ((_ console: String, _ rootCell: String) -> String?)? = nil,
            holds: @escaping (Look) -> Bool
        ) {
            self.curiosity = curiosity
            self.objection = objection
            self.holds = holds
        }
    }

    /// A call of the driver that has come back, whatever it answered.
    package struct Call: Hashable, Sendable {
        package let took: Duration
        /// An inmate let the hypervisor wait in vain meanwhile, as its console says.
        package let isUnanswered: Bool

        package init(took: Duration, isUnanswered: Bool) {
            self.took = took
            self.isUnanswered = isUnanswered
        }
    }

    /// Is told of each call, on the thread that gave it.
    package var note: (@Sendable (Call) -> Void)?

    package init(device: String = "/dev/jailhouse", sysfs: String = "/sys/devices/jailhouse") {
        self.device = device
        self.sysfs = sysfs
    }

    /// Enables the hypervisor.
    ///
    /// - Parameter configuration: a system configuration, whose length must be just what its counts need.
    package func enable(_ configuration: [UInt8]) throws(HypervisorError) {
        try check(configuration, .enable) { (bytes) throws(ConfigurationError) in
            try SystemDescriptor.encodedLength(file: bytes)
        }
        let device = try JailhouseDevice(path: device)
        _ = try timed(.enable, "", console: nil) { () throws(SystemCallError) in try device.enable(configuration) }
        let view = look()
        guard view.isEnabled || !view.isComplete else {
            throw HypervisorError(
                .noEffect, .enable, "enable was accepted and had no effect: see the kernel log")
        }
    }

    /// Disables the hypervisor, which first destroys all cells.
    package func disable(given premise: Premise? = nil) throws(HypervisorError) {
        let device = try JailhouseDevice(path: device)
        let before = try readConsole(.disable, "", premise)
        try refuseWithOfflineCPU()
        try lookLast(.disable, "", premise)
        _ = try timed(.disable, "", console: before) { () throws(SystemCallError) in try device.disable() }
        let view = look()
        guard !view.isEnabled || !view.isComplete else {
            throw HypervisorError(.noEffect, .disable, "disable was accepted, and the hypervisor is still enabled")
        }
    }

    /// Creates a cell.
    ///
    /// - Parameter configuration: its length must be just what its counts need: the driver hangs the machine over
    ///   one that is shorter.
    ///
    /// - Returns: how long Linux was stalled because another cell did not answer when it was notified; nil when all did.
    @discardableResult
    package func create(
        _ name: String, _ configuration: [UInt8], given premise: Premise? = nil
    ) throws(HypervisorError) -> Duration? {
        try check(configuration, .create) { (bytes) throws(ConfigurationError) in
            try CellDescriptor.encodedLength(header: bytes)
        }
        let device = try JailhouseDevice(path: device)
        let unanswered: Duration?
        do {
            unanswered = try call(.create, name, premise) { () throws(SystemCallError) in
                try device.create(configuration)
            }
        } catch {
            throw error.named(ofCPUsIn: configuration, look())
        }
        if look().sighting(of: name) == .absent {
            throw HypervisorError(
                .noEffect, .create,
                "create \(name): accepted, and no such cell appeared: the configuration is for another architecture")
        }
        return unanswered
    }

    /// Stops the cell, if it runs, and copies its images into its memory.
    ///
    /// - Returns: how long Linux was stalled because an inmate did not answer in time; nil when none was waited for in vain.
    @discardableResult
    package func load(
        _ cell: CellReference, _ images: [PreloadImage], given premise: Premise? = nil
    ) throws(HypervisorError) -> Duration? {
        let command: HypervisorCommand = images.isEmpty ? .shutDown : .load
        let device = try JailhouseDevice(path: device)
        let unanswered = try call(command, cell.name, premise) { () throws(SystemCallError) in
            try device.load(cell, images)
        }
        let seen = look().sighting(of: cell.name)
        guard seen == nil || seen?.observation?.state == .shutDown else {
            throw HypervisorError(
                .noEffect, command, "\(command.rawValue) \(cell.name): accepted, and the cell is not shut down")
        }
        return unanswered
    }

    /// Starts a cell from its reset address.
    ///
    /// - Returns: how long Linux was stalled because the inmate did not answer in time; nil when it was not so.
    @discardableResult
    package func start(
        _ cell: CellReference, given premise: Premise? = nil
    ) throws(HypervisorError) -> Duration? {
        let device = try JailhouseDevice(path: device)
        return try call(.start, cell.name, premise) { () throws(SystemCallError) in try device.start(cell) }
    }

    /// Destroys a cell.
    ///
    /// - Returns: how long Linux was stalled because an inmate did not answer in time; nil when none was waited for in vain.
    @discardableResult
    package func destroy(
        _ cell: CellReference, given premise: Premise? = nil
    ) throws(HypervisorError) -> Duration? {
        let device = try JailhouseDevice(path: device)
        let unanswered = try call(.destroy, cell.name, premise) { () throws(SystemCallError) in
            try device.destroy(cell)
        }
        if case .present(let observation) = look().sighting(of: cell.name), observation.id == cell.id {
            throw HypervisorError(.noEffect, .destroy, "destroy \(cell.name): accepted, and the cell is still there")
        }
        return unanswered
    }

    /// What a look at this moment shows.
    ///
    /// - Parameter curiosity: which statistics to read, by the cell's name.
    package func lookNow(_ curiosity: (String) -> Curiosity = { _ in [] }) -> Look {
        look(curiosity).lastLook
    }

    private func look(_ curiosity: (String) -> Curiosity = { _ in [] }) -> HypervisorView {
        let view = HypervisorView(directory: sysfs)
        view.look(curiosity)
        return view
    }

    private func check(
        _ configuration: [UInt8], _ command: HypervisorCommand,
        _ length: ([UInt8]) throws(ConfigurationError) -> Int
    ) throws(HypervisorError) {
        let needed: Int
        do {
            needed = try length(configuration)
        } catch {
            throw HypervisorError(.malformedConfiguration, command, "\(command.rawValue): \(error.message)")
        }
        guard needed == configuration.count else {
            throw HypervisorError(
                .malformedConfiguration, command,
                "\(command.rawValue): the configuration has \(configuration.count) bytes, its counts need \(needed)")
        }
    }

    /// A look that takes longer is old when it ends.
    private static let moment = Duration.milliseconds(2)

    /// Reads the console right before a command, and judges it: what it says now may not have reached the daemon yet.
    private func readConsole(
        _ command: HypervisorCommand, _ name: String, _ premise: Premise?
    ) throws(HypervisorError) -> String {
        let console = HypervisorConsole.tail(directory: sysfs)
        guard let judge = premise?.objection, let rootCell = HypervisorView(directory: sysfs).readRootCell()?.name,
            let objection = judge(console, rootCell)
        else { return console }
        let subject = name.isEmpty ? "" : " \(name)"
        throw HypervisorError(.objection, command, "cannot \(command.rawValue)\(subject): \(objection)")
    }

    /// The driver destroys all cells first, and then fails because of the CPU.
    private func refuseWithOfflineCPU() throws(HypervisorError) {
        let view = HypervisorView(directory: sysfs)
        guard let assigned = view.readRootCell()?.cpus, let online = view.onlineCPUs() else { return }
        let offline = assigned.filter { !online.contains($0) }
        guard !offline.isEmpty else { return }
        let first = offline[0]
        throw HypervisorError(
            .objection, .disable,
            """
            cannot disable: CPU \(CPUList.text(offline)) of Linux is offline; the driver would destroy all cells and then \
            fail. Bring it online first: echo 1 > /sys/devices/system/cpu/cpu\(first)/online
            """)
    }

    /// Looks when nothing is left to do but the call: what takes time (opening the device, reading the console, for
    /// which the driver's lock is waited for) has been done by then.
    private func lookLast(
        _ command: HypervisorCommand, _ name: String, _ premise: Premise?
    ) throws(HypervisorError) {
        let curiosity = premise?.curiosity ?? { _ in [] }
        let begin = ContinuousClock.now
        let view = look(curiosity)
        // the first look opens files, which may take long; another one only reads them
        if begin.duration(to: .now) > Self.moment { view.look(curiosity) }
        if let premise, !premise.holds(view.lastLook) {
            throw HypervisorError(.overtaken, command, "\(command.rawValue) \(name): something has changed meanwhile")
        }
        guard command == .create || command == .destroy else { return }
        // the hypervisor refuses, and only after it has asked the others
        let locked = view.guests.first { $0.observation.state == .runningLocked && $0.name != CellName(name) }
        guard let locked else { return }
        throw HypervisorError(
            .otherCellLocked, command,
            "\(command.rawValue) \(name): cell \(locked.label) is running/locked and must not be disturbed: "
                + "try again when it is not")
    }

    /// Looks last, gives the command, and notices whether an inmate let it wait: the driver answers 0 all the same, and
    /// only the console tells.
    private func call(
        _ command: HypervisorCommand, _ name: String, _ premise: Premise?,
        _ body: () throws(SystemCallError) -> Void
    ) throws(HypervisorError) -> Duration? {
        let before = try readConsole(command, name, premise)
        try lookLast(command, name, premise)
        let call: Call
        do { call = try timed(command, name, console: before, body) } catch {
            // the memory that it takes is the pools', which have what they had before it
            throw error.cause?.errno == .noMemory ? error.named(by: HypervisorView(directory: sysfs).pools()) : error
        }
        return call.isUnanswered ? call.took : nil
    }

    /// Gives the command, and notes the call, also of one that the driver refuses: it may have asked an inmate before.
    ///
    /// - Parameter console: what it showed before; nil: no inmate is asked.
    private func timed(
        _ command: HypervisorCommand, _ subject: String, console before: String?,
        _ body: () throws(SystemCallError) -> Void
    ) throws(HypervisorError) -> Call {
        let began = ContinuousClock.now
        var failure: HypervisorError?
        do throws(SystemCallError) { try body() } catch {
            failure = HypervisorError(command, on: subject, error)
        }
        let took = ContinuousClock.now - began
        let news = before.map { HypervisorConsole.news(before: $0, after: HypervisorConsole.tail(directory: sysfs)) }
        let isUnanswered = news?.contains("Timeout expired while waiting for reply") == true
        let call = Call(took: took, isUnanswered: isUnanswered)
        note?(call)
        if let failure { throw failure }
        return call
    }
}
