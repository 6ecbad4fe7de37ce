// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition
import Hypervisor
import JailhouseInterface
import NIOCore
import NIOPosix
import Supervision
import Synchronization
import SystemCalls

/// One piece of the driver's work, with everything that it needs.
enum DriverJob: Sendable {
    case command(Command, of: String, CellDefinition?, CommandRunner)
    case enable(SystemSource, DefinitionFiles)
    /// All cells as they were when it was decided on.
    case disable(before: Look)
    /// Something has overtaken it.
    case nothing(DriverEnd)

    /// Blocks as long as the driver does.
    func run(_ hypervisor: HypervisorCommands) -> DriverEnd {
        do throws(MachineRefusal) {
            switch self {
            case .command(let command, let name, let definition, let runner):
                return .command(runner.run(command, name, definition))
            case .enable(let source, let files): try hypervisor.enable(source, of: files)
            case .disable(let before): guard try hypervisor.disableAll(before: before) else { return .overtaken }
            case .nothing(let end): return end
            }
            return .machine(nil)
        } catch {
            return .machine(error)
        }
    }

    /// How it ends when the daemon exits before its turn.
    var abandoned: DriverEnd {
        switch self {
        case .command: .command(.refused(.daemonEnds))
        case .enable, .disable: .machine(MachineRefusal(message: Refusal.daemonEnds.message))
        case .nothing(let end): end
        }
    }
}

extension MachineRefusal {
    static let noSystem = MachineRefusal(
        kind: .configuration, message: "the system configuration is not known any more")
}

/// The one thread that may wait for the driver.
struct DriverThread: Sendable {
    /// For jobs, so that their calls are noted.
    let hypervisor: HypervisorCommands
    private let thread = NIOThreadPool(numberOfThreads: 1)
    private let lastCall = LastCall()

    /// - Parameter precedence: of the thread.
    init(_ hypervisor: HypervisorCommands, precedence: Precedence = .none) {
        var hypervisor = hypervisor
        hypervisor.note = { [lastCall] in lastCall.note($0) }
        self.hypervisor = hypervisor
        thread.start()
        thread.submit { _ in try? precedence.take() }
    }

    /// - Returns: how the job ended, on the loop, and the call of the driver; nil: it was not called.
    func run(
        _ job: DriverJob, _ eventLoop: any EventLoop
    ) -> EventLoopFuture<(DriverEnd, HypervisorCommands.Call?)> {
        thread.runIfActive(eventLoop: eventLoop) { [hypervisor, lastCall] in (job.run(hypervisor), lastCall.take()) }
            .recover { _ in (job.abandoned, nil) }
    }

    private final class LastCall: Sendable {
        private let call = Mutex<HypervisorCommands.Call?>(nil)

        func note(_ new: HypervisorCommands.Call) { call.withLock { $0 = new } }

        func take() -> HypervisorCommands.Call? {
            call.withLock { call in
                defer { call = nil }
                return call
            }
        }
    }
}
