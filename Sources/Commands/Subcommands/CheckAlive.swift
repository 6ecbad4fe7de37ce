// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellDefinition
import ControlInterface
import Glibc
import SystemCalls

struct CheckAlive: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-alive",
        abstract: "Look for a cell's sign of life from outside, and tell the daemon.",
        discussion: """
            Does what the liveness rule of the cell's definition says, of the kinds heartbeat (a word of memory that \
            must change), probe (TCP, UDP or ICMP), command (a program that must exit with 0) and console with a file (a \
            serial line on which the cell prints; the last words of a Linux there say how it ended). The daemon has no \
            network and runs no programs: jailhouse-check@CELL.service does this for it, with --follow.

            With --follow it also does what the definition's key "guest" says: while the cell is being stopped, its \
            Linux is asked to shut down, and the daemon learns when it has; and when it does so by itself.

            The exit status is 1 if there was no sign of life. A check that cannot be made (a program that is missing, \
            memory that this user may not read) says nothing about the cell, and nothing is reported.

            Example: jailhouse-ctl check-alive rtems
            """
    )

    @OptionGroup var options: DaemonOptions

    @Argument(help: "The cell's name.", completion: .cellNames)
    var cell: String

    @Flag(help: "Check again and again, while the cell runs.")
    var follow = false

    @Option(help: "The file of physical memory for a heartbeat that no UIO device has.")
    var memory = "/dev/mem"

    func run() throws {
        var watch = Watch(cell: cell, memory: memory)
        guard follow else { return try once(&watch) }
        while true {
            // a daemon that is being restarted, or a definition that is being edited, passes
            var pause = Duration.seconds(1)
            do {
                let cell = try describe()
                pause = try watch.take(cell)
                if let result = watch.look(cell), try isOfItsLife(result, watch) { try report(result, &watch) }
                if let news = watch.lookAtGuest(cell) { try report(news, of: cell.life, &watch) }
            } catch let failure as CommandFailure {
                watch.say("\(failure.message)")
            }
            SystemCall.sleep(for: pause)
        }
    }

    private func describe() throws -> Manager.Details {
        try options.daemon.call(Manager.Describe.self, .init(cell: cell)).details
    }

    private func once(_ watch: inout Watch) throws {
        let details = try describe()
        let pause = try watch.take(details)
        guard details.cell.runs else { throw CommandFailure(.notRunning, "\(cell) does not run") }
        var result = watch.look(details)
        if result == nil {
            SystemCall.sleep(for: pause)
            result = watch.look(details)
        }
        guard let result else { return }
        if case .unable = result { throw CommandFailure(.failed, result.sentence) }
        try report(result, &watch)
        if result != .alive { throw ExitCode.failure }
    }

    /// Last words may be those of the life before, when the cell was started again while they were read.
    private func isOfItsLife(_ result: LifeCheck.Result, _ watch: Watch) throws -> Bool {
        guard case .ended = result, !watch.hasSeenBoot else { return true }
        return watch.isSameLife(try describe())
    }

    private func report(_ result: LifeCheck.Result, _ watch: inout Watch) throws {
        let request: Manager.Alive.Parameters
        if case .ended(let how, let line) = result {
            request = .init(cell: cell, reason: watch.lastLines ?? line, ended: how, life: watch.heardLife)
        } else {
            guard let isAlive = result.isAlive else { return watch.say(result.sentence) }
            request = .init(cell: cell, alive: isAlive, reason: result.reason)
        }
        let reply = try options.daemon.call(Manager.Alive.self, request)
        watch.say(result.sentence)
        if let message = reply.message { watch.say(message) }
    }

    /// - Parameter life: the cell's when its guest was looked at.
    private func report(_ news: GuestCheck.News, of life: Int?, _ watch: inout Watch) throws {
        switch news {
        case .asked: watch.say("its guest is asked to shut down")
        case .unable(let reason): watch.say(reason)
        case .ended(let how):
            let reply = try options.daemon.call(Manager.Alive.self, .init(cell: cell, ended: how, life: life))
            watch.say("its guest has ended: \(how)")
            if let message = reply.message { watch.say(message) }
        }
    }

    /// One cell, and what was said of it last.
    private struct Watch {
        let cell: String
        let memory: String
        private var check: LifeCheck?
        private var guest: GuestCheck?
        private var said = ""

        /// The run of the cell that was looked at last; nil: it did not run.
        private(set) var heardLife: Int?

        init(cell: String, memory: String) {
            (self.cell, self.memory) = (cell, memory)
        }

        /// Reads its definition, which may have changed.
        ///
        /// - Returns: the pause between two looks.
        mutating func take(_ details: Manager.Details) throws -> Duration {
            guard let path = details.definition else {
                throw CommandFailure(.failed, "\(cell) has no definition")
            }
            guard case .definition(let definition) = try DaemonFile(explaining: InputFile(path)) else {
                throw CommandFailure(.failed, "\(path) is no definition of a cell")
            }
            let files = MachineMemoryFiles(file: memory)
            let check = definition.liveness.flatMap { LifeCheck($0, isLinux: definition.isLinux, memory: files) }
            guard check != nil || definition.guest != nil else {
                throw CommandFailure(
                    .failed,
                    "\(path) has no liveness rule of kind heartbeat, probe or command, nor a console's file, nor a guest to ask"
                )
            }
            if self.check?.rule != check?.rule || self.check?.isLinux != check?.isLinux { self.check = check }
            if guest?.service != definition.guest { guest = definition.guest.map { GuestCheck($0, memory: files) } }
            return check?.rule.every ?? .seconds(1)
        }

        /// A cell that is not there has no guest: what its memory holds is of no one.
        mutating func lookAtGuest(_ details: Manager.Details) -> GuestCheck.News? {
            guard details.cell.state != nil else { return nil }
            return guest?.look(isToEnd: details.cell.condition == "stopping", life: details.life)
        }

        mutating func look(_ details: Manager.Details) -> LifeCheck.Result? {
            guard details.cell.runs else {
                check?.pass()
                heardLife = nil
                return nil
            }
            defer { heardLife = details.life }
            return check?.look(isNewLife: heardLife.map { $0 != details.life } ?? false)
        }

        /// Whether the cell is in the life that was looked at.
        func isSameLife(_ details: Manager.Details) -> Bool { heardLife != nil && heardLife == details.life }

        /// Of its Linux, the one that says how it ended last; nil: none are known.
        var lastLines: String? { check.map(\.recent.text).flatMap { $0.isEmpty ? nil : $0 } }

        var hasSeenBoot: Bool { check?.hasSeenBoot == true }

        /// What has not changed is not said again.
        mutating func say(_ text: String) {
            guard text != said else { return }
            said = text
            // a pipe to the journal gets each line at once
            try? SystemCall.write(
                Array("\(Text.printable(cell)): \(Text.printable(text))\n".utf8), to: STDOUT_FILENO)
        }
    }
}
