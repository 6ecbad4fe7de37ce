// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import ControlInterface
import ControlServer
import Glibc
import Hypervisor
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import SystemCalls
import SystemdSupport
import UnixSignals

/// What the program `jailhoused` does.
package struct DaemonProgram {
    package static let version = Product.version

    /// Before the process exits because it could not begin.
    private static let pauseAfterFailure = Duration.seconds(1)

    private let configuration: String
    private let runtime: String
    private let logLevel: Logger.Level

    /// - Parameters:
    ///   - configuration: the directory of `jailhoused.toml` and `cells/`.
    ///   - runtime: the directory of the sockets and the state file.
    package init(configuration: String, runtime: String, verbose: Bool = false) {
        // clients see these paths, and have a working directory of their own
        self.configuration = Self.absolute(configuration)
        self.runtime = Self.absolute(runtime)
        logLevel = verbose ? .debug : .info
        // libdispatch logs each thread whose priority it may not set: see SystemCallFilter= in jailhoused.service
        setenv("LIBDISPATCH_LOG", "NO", 0)
    }

    private var machine: MachineFiles {
        MachineFiles(credentials: getenv("CREDENTIALS_DIRECTORY").map { String(cString: $0) })
    }

    /// Prints what is wrong with the configuration.
    ///
    /// - Returns: whether it can be used.
    package func check() -> Bool {
        ConfigurationTest(files: DefinitionFiles(directory: configuration, machine: machine)).run()
    }

    /// Stops all cells and disables the hypervisor, through the daemon or without one, and prints the result.
    ///
    /// - Returns: whether nothing is left.
    package func shutDownAll(within limit: Duration) async -> Bool {
        ignoreSignals()
        let logger = makeLogger()
        let end = MachineEnd(
            runtime: runtime, lock: DaemonLock(device: HypervisorCommands().device), limit: limit
        ) {
            // a cell can be asked to shut down whatever has become of its image
            makeSupervisor(logger, DefinitionFiles(directory: configuration, judgesImages: false))
        }
        return await end.run()
    }

    /// Supervises the cells and serves clients until SIGTERM or SIGINT.
    ///
    /// - Throws: ``StartError`` when it cannot begin; it has been logged.
    package func run() async throws {
        ignoreSignals()
        let logger = makeLogger()
        var sockets: [ListeningSocket] = []
        let supervisor: Supervisor
        let files = DefinitionFiles(directory: configuration, machine: machine)
        do {
            sockets = try ControlSockets.open(in: runtime)
            supervisor = makeSupervisor(logger, files)
            try await supervisor.begin()
        } catch {
            logger.record(.daemonFailed, "\(error)")
            for socket in sockets { if let path = socket.path { unlink(path) } }
            // a service manager starts it again, without a limit: see jailhoused.service
            if getenv("NOTIFY_SOCKET") != nil { SystemCall.sleep(for: Self.pauseAfterFailure) }
            throw error
        }
        let reloads = Reloads(of: supervisor, files)
        let server = Server(
            sockets: sockets,
            service: ManagerService(
                supervisor: supervisor, reloads: reloads, info: VarlinkServiceInfo(version: Product.version),
                logger: logger),
            logger: logger)
        let services = ServiceGroup(
            // ended from the last on: first the supervisor, which answers all requests that still wait
            services: [server, SupervisionService(supervisor: supervisor, reloads: reloads)],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: libraryLogger())
        try await services.run()
    }

    /// A client that disconnects in the middle of a reply, or a reload before there is anything to reload, must not end
    /// the process.
    private func ignoreSignals() {
        for number in [SIGPIPE, SIGHUP] { signal(number, SIG_IGN) }
    }

    private func makeSupervisor(_ logger: Logger, _ files: DefinitionFiles) -> Supervisor {
        Supervisor(
            eventLoop: MultiThreadedEventLoopGroup(numberOfThreads: 1).next(), hypervisor: HypervisorCommands(),
            files: files, stateFile: StateFile(path: runtime + "/state.json"), logger: logger, precedence: .granted)
    }

    private func makeLogger() -> Logger {
        let isJournal = standardErrorIsJournal()
        LoggingSystem.bootstrap { label in
            if isJournal { return JournalLogHandler(identifier: label) }
            return StandardErrorLogHandler(identifier: label)
        }
        var logger = Logger(label: "jailhoused")
        logger.logLevel = logLevel
        return logger
    }

    /// The service group's own messages are for debugging.
    private func libraryLogger() -> Logger {
        var logger = Logger(label: "jailhoused")
        logger.logLevel = logLevel == .debug ? .debug : .error
        return logger
    }

    private static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let directory = getcwd(nil, 0) else { return path }
        defer { free(directory) }
        return String(cString: directory) + "/" + path
    }
}

/// How long clients' last calls may take once the supervisor has ended: one may read from a file system that hangs.
private let exitLimit = Duration.seconds(3)

/// Exits within ``exitLimit`` whatever hangs.
private func exitSoon() {
    let thread = BackgroundThread {
        SystemCall.sleep(for: exitLimit)
        exit(EXIT_SUCCESS)
    }
    thread?.detach()
}

/// Ties the supervisor to the life of the process: READY at first, SIGHUP to reload, an orderly end.
private struct SupervisionService: Service {
    let supervisor: Supervisor
    let reloads: Reloads

    func run() async throws {
        let hangUps = await UnixSignalsSequence(trapping: .sighup)
        ServiceManager.isReady()
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                for await _ in hangUps { await reloads.runSoon() }
            }
            try await gracefulShutdown()
            ServiceManager.isStopping()
            await supervisor.end()
            exitSoon()
            tasks.cancelAll()
        }
    }
}
