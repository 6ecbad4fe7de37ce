import ControlInterface
import Glibc
import Supervision
import SystemCalls

/// `jailhoused --shut-down-all`: what is done before the machine goes down, in a limited time.
///
/// The daemon does it, so that one program talks to the driver; when there is none, this process is that program. A
/// daemon that has not done it when half of the time is over is ended.
struct MachineEnd {
    let runtime: String
    let limit: Duration
    let makeSupervisor: () -> Supervisor

    /// How often a daemon that does not answer yet is asked, and its end looked for.
    private static let pause = Duration.milliseconds(50)

    private var lock: DaemonLock { DaemonLock(directory: runtime) }

    /// - Returns: whether nothing was left.
    func run() async -> Bool {
        let began = Clock.now()
        let (half, deadline) = (began + limit / 2, began + limit)
        var isBegun = false
        do {
            switch try askDaemon(until: half, isBegun: &isBegun) {
            case .done(let reply): return report(reply)
            case .noAnswer where !takeOver(until: deadline):
                sayNotDone("the daemon does not answer, and cannot be ended", isBegun: isBegun)
                return false
            case .noAnswer, .noDaemon: return report(try await alone(until: deadline))
            }
        } catch ManagerError.noDriver, ControlError.manager(.noDriver) {
            say("there is no hypervisor")
            return true
        } catch {
            sayNotDone(error.sentence, isBegun: isBegun)
            return false
        }
    }

    /// A daemon that was asked may have stopped some before it fell silent.
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
                return .done(try client.call(Manager.ShutDownAll.self, .init(timeout: timeout.microseconds)))
            } catch ControlError.manager(.limitExceeded) {
                SystemCall.sleep(for: Self.pause)
            } catch ControlError.manager(.beingShutDown) {
                // somebody asked before, with another limit
                isBegun = true
                SystemCall.sleep(for: Self.pause)
            } catch ControlError.manager(let error) {
                throw error
            } catch ControlError.noAnswer, ControlError.disconnected {
                isBegun = true
                SystemCall.sleep(for: Self.pause)
            } catch {
                // it may be dying, or have too many clients
                SystemCall.sleep(for: Self.pause)
            }
        }
        return .noAnswer
    }

    /// Ends a daemon that is still there; its service manager starts none at the machine's end.
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

    /// Once only: this process would be kept away as any other.
    private func takeLock() -> Bool {
        (try? lock.take()) ?? false
    }

    private func alone(until deadline: Moment) async throws -> Manager.ShutDownAll.Reply {
        let supervisor = makeSupervisor()
        try await supervisor.begin(onlyToEnd: true)
        let reply = try await supervisor.shutDownAll(within: deadline - Clock.now())
        await supervisor.end()
        return reply
    }

    private func report(_ reply: Manager.ShutDownAll.Reply) -> Bool {
        reply.lines.forEach(say)
        return reply.left.isEmpty && reply.disabled
    }

    /// At once, for the console.
    private func say(_ line: String) {
        try? SystemCall.write(Array((line + "\n").utf8), to: STDOUT_FILENO)
    }
}
