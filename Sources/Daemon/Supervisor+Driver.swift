// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition
import Hypervisor
import JailhouseInterface
import Logging
import NIOCore
import NIOPosix
import Supervision

/// The driver's work, on the one thread that may wait for it.
extension Supervisor {
    /// Gives the driver its work; its end comes back as an event.
    func give(_ work: DriverWork) {
        switch work {
        case .command(let command, let name, let decidedOn):
            let definition = book[name]?.definition
            let neighbours = book.cells.values.compactMap { cell in
                cell.name != name && view.sighting(of: cell.name)?.observation != nil ? cell.definition : nil
            }
            var images: ReadImages?
            if command == .load {
                images = imageReadings.take(name)
                // the definition may have been read again since
                guard let images, images.definition == definition else { return finish(command, of: name, .overtaken) }
                book[name]?.images = images.judged
            }
            let files = files
            let runner = CommandRunner(
                hypervisor: hypervisor, decidedOn: decidedOn, before: view.lastLook, images: images,
                evidence: evidence[name]?.arrival,
                neighbours: neighbours, system: settings.system?.descriptor,
                objection: { files.objection(toCreating: $0) })
            let work = commandThread.runIfActive(eventLoop: eventLoop) { runner.run(command, name, definition) }
            work.whenComplete { result in
                self.assumeIsolated { supervisor in
                    supervisor.finish(command, of: name, (try? result.get()) ?? .refused(.daemonEnds))
                }
            }
        case .enable(let system):
            guard let source = book.systems[system.path] else { return }
            let files = files
            run { hypervisor throws(MachineRefusal) in
                try hypervisor.enable(source, of: files)
                return .machine(nil)
            }
        case .disable:
            let before = view.lastLook
            run { hypervisor throws(MachineRefusal) in
                guard hypervisor.lookNow().hasSameCells(as: before, besides: nil) else { return .overtaken }
                try hypervisor.disableAll()
                return .machine(nil)
            }
        }
    }

    private func run(_ body: @escaping @Sendable (HypervisorCommands) throws(MachineRefusal) -> DriverEnd) {
        let hypervisor = hypervisor
        let work = commandThread.runIfActive(eventLoop: eventLoop) { () -> DriverEnd in
            do throws(MachineRefusal) { return try body(hypervisor) } catch { return .machine(error) }
        }
        work.whenComplete { result in
            self.assumeIsolated { supervisor in
                let daemonEnds = MachineRefusal(message: Refusal.daemonEnds.message)
                supervisor.finish((try? result.get()) ?? .machine(daemonEnds))
            }
        }
    }

    private func finish(_ command: Command, of name: String, _ outcome: Outcome) {
        if case .refused(let refusal) = outcome {
            logger.warning("\(refusal.message)", metadata: ["cell": "\(name)", "command": "\(command.rawValue)"])
        } else if command == .create || command == .destroy {
            book[name]?.isOutdated = false
        }
        finish(.command(outcome))
    }

    /// After every command, look.
    private func finish(_ end: DriverEnd) {
        let now = Clock.now()
        // a command may have changed the pools
        lockedFiles?.read()
        handle(.finished(end, look()), at: now)
        saveState()
        arm(at: now)
    }
}
