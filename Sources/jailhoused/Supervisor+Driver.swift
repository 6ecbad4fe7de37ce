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
            let runner = CommandRunner(
                hypervisor: hypervisor, files: files.reader, logger: logger,
                images: book[name]?.images ?? JudgedImages(),
                decidedOn: decidedOn, neighbours: neighbours, system: settings.system?.descriptor)
            let work = commandThread.runIfActive(eventLoop: eventLoop) {
                var runner = runner
                return (runner.run(command, name, definition), runner.images)
            }
            work.whenComplete { result in
                self.assumeIsolated { supervisor in
                    let (outcome, images) = (try? result.get()) ?? (.refused(.daemonEnds), runner.images)
                    // a definition that was read meanwhile has been judged with its images then
                    if supervisor.book[name]?.definition == definition { supervisor.book[name]?.images = images }
                    supervisor.finish(command, of: name, outcome)
                }
            }
        case .enable(let system):
            guard let source = book.systems[system.path] else { return }
            run { hypervisor throws(MachineRefusal) in try hypervisor.enable(source) }
        case .disable:
            run { hypervisor throws(MachineRefusal) in try hypervisor.disableAll() }
        }
    }

    private func run(_ body: @escaping @Sendable (HypervisorCommands) throws(MachineRefusal) -> Void) {
        let hypervisor = hypervisor
        let work = commandThread.runIfActive(eventLoop: eventLoop) { () -> MachineRefusal? in
            do throws(MachineRefusal) { try body(hypervisor) } catch { return error }
            return nil
        }
        work.whenComplete { result in
            self.assumeIsolated { supervisor in
                let refusal: MachineRefusal? =
                    switch result {
                    case .success(let refusal): refusal
                    case .failure: MachineRefusal(message: Refusal.daemonEnds.message)
                    }
                supervisor.finish(.machine(refusal))
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
        handle(.finished(end, look()), at: now)
        saveState()
        arm(at: now)
    }
}
