// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Glibc
import JailhouseInterface
import Supervision
import SystemCalls

/// `jailhoused --shut-down-all`: what is done before the machine goes down, in a limited time.
///
/// The daemon does it, so that one program gives commands to the driver; when there is none, this process does. A daemon
/// that has not finished when half of the time is over is killed.
struct MachineEnd {
    let runtime: String
    let lock: DaemonLock
    let limit: Duration
    let makeSupervisor: () -> Supervisor

    /// Between two requests to a daemon that does not answer yet, and between two looks whether it has exited.
    private static let pause = Duration.milliseconds(50)

    /// - Returns: whether nothing was left.
    func run() async -> Bool {
        let began = Clock.now()
        let (half, deadline) = (began + limit / 2, began + limit)
        var isBegun = false
        do {
            switch try askDaemon(until: half, isBegun: &isBegun) {
            case .done(let reply): return report(reply)
            case .noAnswer where !takeOver(until: deadline):
                sayNotDone("the daemon does not answer and cannot be killed", isBegun: isBegun)
                return false
            case .noAnswer, .noDaemon: return report(try await alone(until: deadline))
            }
        } catch FleetFailure.noDriver, ManagerError.noDriver, ControlError.manager(.noDriver) {
            say("no hypervisor")
            return true
        } catch {
            sayNotDone(error.sentence, isBegun: isBegun)
            return false
        }
    }

    /// A daemon that was asked may have stopped some cells before it hung.
    private func sayNotDone(_ reason: String, isBegun: Bool) {
        say("\(isBegun ? "NOT ALL CELLS MAY BE STOPPED" : "NOTHING WAS STOPPED"): \(reason)")
    }

    private enum Asked {
        case done(Manager.ShutDownAll.Reply)
        /// This process has the lock.
        case noDaemon
        case noAnswer
    }

    /// - Parameter isBegun: whether a daemon may have stopped cells.
    private func askDaemon(until end: Moment, isBegun: inout Bool) throws -> Asked {
        while Clock.now() < end {
            if takeLock() { return .noDaemon }
            do {
                let client = try ControlClient(socket: runtime + "/control")
                let left = end - Clock.now()
                try client.limitWaiting(to: left)
                // a little sooner, so that it can answer
                let timeout = left - min(left / 10, .seconds(1))
                return .done(
                    try client.call(Manager.ShutDownAll.self, .init(timeout: timeout.microseconds, endOfMachine: true)))
            } catch ControlError.manager(.limitExceeded) {
                SystemCall.sleep(for: Self.pause)
            } catch ControlError.manager(.beingShutDown) {
                // another client asked before, with another limit
                isBegun = true
                SystemCall.sleep(for: Self.pause)
            } catch ControlError.manager(let error) {
                throw error
            } catch ControlError.noAnswer, ControlError.disconnected {
                isBegun = true
                SystemCall.sleep(for: Self.pause)
            } catch {
                // it may be exiting, or have too many clients
                SystemCall.sleep(for: Self.pause)
            }
        }
        return .noAnswer
    }

    /// Kills a daemon that is still there; its service manager starts none at the end of the machine.
    ///
    /// - Returns: whether the lock is this process's.
    private func takeOver(until deadline: Moment) -> Bool {
        for number in [SIGTERM, SIGKILL] {
            let patience = min(Clock.now() + limit / 10, deadline)
            while Clock.now() < patience {
                if takeLock() { return true }
                _ = lock.signalHolder(number)
                SystemCall.sleep(for: Self.pause)
            }
        }
        return takeLock()
    }

    /// Not again once it is taken: this process would find it held.
    ///
    /// - Returns: whether no other process gives commands to the driver from now on.
    private func takeLock() -> Bool {
        switch try? lock.take() {
        case .taken, .noDriver: true
        case .held, nil: false
        }
    }

    private func alone(until deadline: Moment) async throws -> Manager.ShutDownAll.Reply {
        let supervisor = makeSupervisor()
        try await supervisor.begin(onlyToEnd: true)
        let result = try await supervisor.shutDownAll(within: deadline - Clock.now(), endOfMachine: true)
        await supervisor.end()
        return Manager.ShutDownAll.Reply(result)
    }

    private func report(_ reply: Manager.ShutDownAll.Reply) -> Bool {
        reply.lines.forEach(say)
        return reply.left.isEmpty && reply.disabled
    }

    /// Unbuffered, for the console.
    private func say(_ line: String) {
        try? SystemCall.write(Array((line + "\n").utf8), to: STDOUT_FILENO)
    }
}
