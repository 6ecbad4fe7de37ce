// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import ControlServer
import JailhouseInterface
import Logging
import NIOPosix
import Supervision
import SystemdSupport

/// The codec in front of the ``Supervisor``: decodes and checks a call, has it carried out, encodes the reply.
struct ManagerService: CallService {
    let supervisor: Supervisor
    let reloads: Reloads
    let info: VarlinkServiceInfo
    let logger: Logger
    private let readings = (ofAdministrators: Turns(2), ofReaders: Turns(1, rests: true))
    /// A check takes long: it has turns of its own, so that it delays no other reading.
    private let checks = (ofAdministrators: Turns(1), ofReaders: Turns(1, rests: true))
    private let refusals = RareLog.Pace(burst: 50)
    /// Checks definitions for clients: a check takes long, and any user may request one.
    private let checkThread = NIOThreadPool(numberOfThreads: 1)

    init(supervisor: Supervisor, reloads: Reloads, info: VarlinkServiceInfo, logger: Logger) {
        self.supervisor = supervisor
        self.reloads = reloads
        self.info = info
        self.logger = logger
        checkThread.start()
    }

    private static let sendNothing: Send = { _ in }

    func reply(to limit: LimitReached) -> [UInt8] {
        VarlinkReply.message(ManagerError.limitExceeded(limit: limit.limit, message: limit.message))
    }

    /// In which clients' messages are decoded and their calls that only read are answered. Those of readers run one at a
    /// time, and at most half of the time: so a processor is left for supervision.
    func turns(_ access: Access) -> Turns {
        access == .everything ? readings.ofAdministrators : readings.ofReaders
    }

    func answer(_ call: VarlinkCall, from peer: Peer, _ access: Access, send: @escaping Send) async throws {
        let send = call.oneway ? Self.sendNothing : send
        if let reply = info.reply(to: call) { return try await send(reply) }
        guard let called = Manager.Method(named: call.method) else { return }
        let method = called.type
        if method.changesSomething && access == .reading {
            let answer = Answer(
                subject: subject(of: call, method),
                refusal: ManagerError.permissionDenied(
                    method: method.name,
                    message:
                        "\(method.name) is not permitted on the status socket, which is read-only: use the control "
                        + "socket, as root or as a member of group jailhouse-admin"))
            if let suppressed = refusals.next() { note(method, answer, for: peer, suppressed: suppressed) }
            return try await send(answer.bytes)
        }
        switch called {
        case .watch: try await watch(call, send)
        case .console: try await console(call, access, send)
        case .check:
            let turns = access == .everything ? checks.ofAdministrators : checks.ofReaders
            try await send(turns.take { await reply(to: call, called) }.bytes)
        default:
            if method.changesSomething {
                let answer = await PendingCall.$asker.withValue(peer) { await reply(to: call, called) }
                // signs of life come every second
                if called != .alive || answer.refusal != nil { note(method, answer, for: peer) }
                try await send(answer.bytes)
            } else {
                try await send(turns(access).take { await reply(to: call, called) }.bytes)
            }
        }
    }

    private func reply(to call: VarlinkCall, _ method: Manager.Method) async -> Answer {
        typealias M = Manager
        return switch method {
        case .list: await reply(call, M.List.self) { _ in await supervisor.inventory().list() }
        case .describe:
            await reply(call, M.Describe.self) { asked in
                .init(details: try await supervisor.inventory(statisticsOf: asked.cell).describe(asked.cell))
            }
        case .enable:
            await reply(call, M.Enable.self) {
                try await enable($0.configuration)
                return Nothing()
            }
        case .disable:
            await reply(call, M.Disable.self) {
                try await supervisor.ask(.disable(others: $0.others ?? false))
                return Nothing()
            }
        case .create:
            await reply(call, M.Create.self) { try await request(.create, $0.cell) }
        case .start:
            await reply(call, M.Start.self) { try await request(.start, $0.cell) }
        case .stop:
            await reply(call, M.Stop.self) { try await request(.stop, $0.cell) }
        case .restart:
            await reply(call, M.Restart.self) { try await request(.restart, $0.cell) }
        case .destroy:
            await reply(call, M.Destroy.self) { try await request(.destroy, $0.cell) }
        case .resetFailed:
            await reply(call, M.ResetFailed.self) {
                if let name = $0.cell { _ = try await supervisor.inventory().known(name) }
                await supervisor.resetFailed($0.cell)
                return Nothing()
            }
        case .alive:
            await reply(call, M.Alive.self) { asked in
                try await supervisor.inventory().requireLife(of: asked.cell)
                guard let word = asked.ended else {
                    await supervisor.hear(
                        asked.alive == false ? .silence : .sign, of: asked.cell, reason: asked.reason)
                    return await supervisor.inventory().replyAboutLife(of: asked.cell)
                }
                guard let end = GuestEnd(rawValue: word) else {
                    throw ServiceError.invalidParameter(parameter: "ended")
                }
                let before = await supervisor.inventory().replyAboutEnd(of: asked.cell)
                guard await supervisor.hear(.ended(end), of: asked.cell, reason: asked.reason, life: asked.life) else {
                    let now = await supervisor.inventory().replyAboutLife(of: asked.cell)
                    return M.CellReply(cell: now.cell, message: "that was an earlier run of it")
                }
                let after = await supervisor.inventory().replyAboutLife(of: asked.cell)
                return M.CellReply(cell: after.cell, message: before)
            }
        case .reload: await reply(call, M.Reload.self) { _ in M.Reload.Reply(await reloads.run()) }
        case .shutDownAll:
            await reply(call, M.ShutDownAll.self) {
                let result = try await supervisor.shutDownAll(
                    within: .microseconds($0.timeout ?? M.ShutDownAll.standardTimeout),
                    endOfMachine: $0.endOfMachine ?? false)
                let reply = M.ShutDownAll.Reply(result)
                for line in reply.lines { logger.record(.shutdownStep, "\(line)") }
                return reply
            }
        case .communicationRegion:
            await reply(call, M.CommunicationRegion.self) {
                .init(region: try await supervisor.inventory().region($0.cell))
            }
        case .statistics:
            await reply(call, M.Statistics.self) { asked in
                .init(statistics: try await supervisor.inventory(statisticsOf: asked.cell).statistics(asked.cell))
            }
        case .failures:
            await reply(call, M.Failures.self) { .init(failures: try await supervisor.inventory().failures($0.cell)) }
        case .configurations:
            await reply(call, M.Configurations.self) { _ in await supervisor.inventory().configurations() }
        case .check:
            await reply(call, M.Check.self) { try await check($0.path) }
        // these answer with streams
        case .watch, .console: Answer(refusal: ServiceError.methodNotImplemented(method: call.method))
        }
    }

    private func reply<Method: ManagerMethod>(
        _ call: VarlinkCall, _ method: Method.Type, _ body: (Method.Parameters) async throws -> Method.Reply
    ) async -> Answer {
        var subject: String?
        do {
            let parameters = try call.parameters(of: method)
            subject = (parameters as? any NamesSubject)?.subject
            return Answer(subject: subject, bytes: try VarlinkReply.message(of: method, await body(parameters)))
        } catch let error as ServiceError {
            return Answer(subject: subject, refusal: error)
        } catch let failure as FleetFailure {
            return Answer(subject: subject, refusal: await supervisor.inventory().error(failure))
        } catch {
            return Answer(subject: subject, refusal: ManagerError(any: error))
        }
    }

    /// Has a cell carry out a request, and others what must be done for it before and after.
    private func request(_ request: Request, _ name: String) async throws -> Manager.CellReply {
        try await supervisor.inventory().requireLife(of: name)
        let unanswered = try await supervisor.ask(.cell(request, name))
        return await supervisor.inventory().reply(about: name, unanswered: unanswered)
    }

    /// - Parameter path: of a system configuration; nil for the configured one.
    private func enable(_ path: String?) async throws {
        let fleet = await supervisor.inventory().fleet
        guard fleet.hasDriver else { throw FleetFailure.noDriver }
        guard !fleet.isEnabled else { throw FleetFailure.alreadyEnabled }
        guard let path else { return try await supervisor.enable(nil) }
        // the file system that it is on may hang
        let files = supervisor.files
        let system = try await withCheckedThrowingContinuation { read in
            LimitedWork.start {
                try files.system(at: path)
            } end: {
                read.resume(with: $0)
            }
        }
        try await supervisor.enable(system)
    }

    /// What is wrong with the configuration directory, or with one system or definition in it.
    ///
    /// It reads many files, some of them large: on a thread of its own, beside the supervision. Any user may request it,
    /// so it takes no more memory than small images do.
    private func check(_ path: String?) async throws -> Manager.Check.Reply {
        var files = supervisor.files
        files.largestImage = ImageMemory.small
        return try await checkThread.runIfActive { [files] in Manager.Check.Reply(files.load(), about: path) }
    }

    /// What the hypervisor printed, as the supervision reads it: no client waits for the driver.
    private func console(_ call: VarlinkCall, _ access: Access, _ send: Send) async throws {
        let follows: Bool
        do {
            follows = try call.parameters(of: Manager.Console.self).follow ?? true
        } catch {
            return try await send(VarlinkReply.message(error))
        }
        let console = await supervisor.console(follows: follows)
        do {
            for await reply in console.replies {
                // the last one of those that are there
                let isLast = !follows && reply.text.isEmpty
                let message = try await turns(access).take {
                    try VarlinkReply.message(of: Manager.Console.self, reply, continues: !isLast)
                }
                try await send(message)
            }
        } catch {
            if let id = console.id { await supervisor.unfollow(id) }
            throw error
        }
        if let id = console.id { await supervisor.unfollow(id) }
    }

    private func watch(_ call: VarlinkCall, _ send: Send) async throws {
        let watch: (id: Int, changes: AsyncStream<Manager.Change>)
        do {
            watch = try await supervisor.watch(call.parameters(of: Manager.Watch.self).cell)
        } catch let error as ServiceError {
            return try await send(VarlinkReply.message(error))
        } catch {
            return try await send(VarlinkReply.message(ManagerError(any: error)))
        }
        do {
            for await change in watch.changes {
                try await send(VarlinkReply.message(of: Manager.Watch.self, .init(change: change), continues: true))
            }
        } catch {
            await supervisor.unwatch(watch.id)
            throw error
        }
        await supervisor.unwatch(watch.id)
    }
}
