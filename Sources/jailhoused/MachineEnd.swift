import ControlInterface
import Glibc
import Supervision
import SystemCalls

/// `jailhoused --shut-down-all`: what is done before the machine goes down, in a limited time.
///
/// The daemon does it, so that one program talks to the driver; when there is none, this process is that program.
struct MachineEnd {
    let runtime: String
    let limit: Duration
    let makeSupervisor: () -> Supervisor

    /// - Returns: whether nothing was left.
    func run() async -> Bool {
        let deadline = Clock.now() + limit
        var problem: (any Error)?
        while Clock.now() < deadline {
            do {
                let isAlone = (try? DaemonLock.take(in: runtime)) ?? false
                let left = deadline - Clock.now()
                return report(isAlone ? try await alone(within: left) : try ask(within: left))
            } catch ManagerError.noDriver, ControlError.manager(.noDriver) {
                say("there is no hypervisor")
                return true
            } catch {
                // the lock's holder may be dying, or have too many clients
                problem = error
                usleep(100_000)
            }
        }
        say("NOTHING WAS STOPPED: \(problem.map { "\($0)" } ?? "the time is over")")
        return false
    }

    /// Has the daemon do it; a little sooner, so that it can answer.
    private func ask(within limit: Duration) throws -> Manager.ShutDownAll.Reply {
        let client = try ControlClient(socket: runtime + "/control")
        try client.limitWaiting(to: limit)
        let answerTime = min(limit / 10, .seconds(1))
        return try client.call(Manager.ShutDownAll.self, .init(timeout: (limit - answerTime).microseconds))
    }

    private func alone(within limit: Duration) async throws -> Manager.ShutDownAll.Reply {
        let supervisor = makeSupervisor()
        await supervisor.begin(onlyToEnd: true)
        let reply = try await supervisor.shutDownAll(within: limit)
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
