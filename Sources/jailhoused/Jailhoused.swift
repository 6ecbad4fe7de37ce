import ArgumentParser
import ControlInterface
import Glibc
import Hypervisor
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import SystemCalls
import SystemdSupport
import UnixSignals

/// The daemon.
@main
struct Jailhoused: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "jailhoused",
        abstract: "Looks after the cells of the Jailhouse hypervisor: starts, watches and restarts them.",
        discussion: """
            Reads jailhoused.toml and cells/*.toml, enables the hypervisor if a system is configured, starts the cells \
            with autostart, adopts those that run, and answers jailhouse-ctl. SIGHUP reads the definitions again; \
            SIGTERM leaves the cells running and goes.

            Example: jailhoused --check --configuration /etc/jailhoused
            """,
        version: version)

    @Flag(help: "Read the configuration, say what is wrong with it, and end: 0 if nothing is, else 1.")
    var check = false

    @Flag(
        help: """
            Stop all cells that can be stopped and disable the hypervisor, through the daemon or, when none runs, \
            without; say what was left, and end: 0 if nothing was, else 1.
            """)
    var shutDownAll = false

    @Option(help: ArgumentHelp("How long --shut-down-all may take, 1 to 600.", valueName: "seconds"))
    var within = 30

    @Option(help: ArgumentHelp("Where jailhoused.toml and cells/ are.", valueName: "directory"))
    var configuration = "/etc/jailhoused"

    @Option(help: ArgumentHelp("Where the sockets and the state file are.", valueName: "directory"))
    var runtime = "/run/jailhoused"

    @Flag(help: "Log every detail.")
    var verbose = false

    func validate() throws {
        guard (1...600).contains(within) else { throw ValidationError("--within must be from 1 to 600.") }
    }

    func run() async throws {
        if check { return try ConfigurationTest(files: DefinitionFiles(directory: configuration)).run() }

        // a client that goes in the middle of a reply must not take the daemon along
        // a reload that comes before there is anything to reload ends nothing
        for number in [SIGPIPE, SIGHUP] { signal(number, SIG_IGN) }
        let logger = makeLogger()
        if shutDownAll {
            let end = MachineEnd(runtime: runtime, limit: .seconds(within)) {
                // a cell can be asked whatever has become of its image
                makeSupervisor(logger, DefinitionFiles(directory: configuration, judgesImages: false))
            }
            guard await end.run() else { throw ExitCode.failure }
            return
        }
        let sockets: [ControlServer.Socket]
        do {
            try holdLock(logger)
            sockets = try ControlSockets.open(in: runtime)
        } catch {
            logger.critical("\(error)")
            throw ExitCode.failure
        }
        let clients = MultiThreadedEventLoopGroup(numberOfThreads: sockets.count)
        let supervisor = makeSupervisor(logger, DefinitionFiles(directory: configuration))
        do {
            try await supervisor.begin()
        } catch {
            logger.critical("\(error)")
            throw ExitCode.failure
        }

        let server = ControlServer(
            sockets: sockets,
            service: ManagerService(
                supervisor: supervisor, info: VarlinkServiceInfo(version: Self.version), logger: logger),
            group: clients, logger: logger)
        let services = ServiceGroup(
            // ended from the last on: first the supervisor, which answers whoever still waits
            services: [server, SupervisionService(supervisor: supervisor)],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: quietLogger())
        try await services.run()
    }

    private func makeSupervisor(_ logger: Logger, _ files: DefinitionFiles) -> Supervisor {
        let commandThread = NIOThreadPool(numberOfThreads: 1)
        commandThread.start()
        return Supervisor(
            eventLoop: MultiThreadedEventLoopGroup(numberOfThreads: 1).next(), commandThread: commandThread,
            hypervisor: HypervisorCommands(), files: files,
            stateFile: StateFile(path: runtime + "/state.json"), logger: logger)
    }

    /// Keeps other daemons away as long as this process lives.
    private func holdLock(_ logger: Logger) throws(StartError) {
        let isHeld: Bool
        do {
            isHeld = try DaemonLock(directory: runtime).take()
        } catch {
            return logger.warning("nothing keeps a second daemon away: \(error)")
        }
        guard isHeld else { throw StartError("another daemon works with \(runtime): stop it first") }
    }

    private func makeLogger() -> Logger {
        let isJournal = standardErrorIsJournal()
        LoggingSystem.bootstrap { label in
            if isJournal { return JournalLogHandler(identifier: label) }
            return StandardErrorLogHandler(identifier: label)
        }
        var logger = Logger(label: "jailhoused")
        logger.logLevel = verbose ? .debug : .info
        return logger
    }

    /// The service group's own remarks are for those who debug it.
    private func quietLogger() -> Logger {
        var logger = Logger(label: "jailhoused")
        logger.logLevel = verbose ? .debug : .error
        return logger
    }
}

/// Ties the supervisor to the life of the process: READY at first, SIGHUP to reload, an orderly end.
struct SupervisionService: Service {
    let supervisor: Supervisor

    func run() async throws {
        let hangUps = await UnixSignalsSequence(trapping: .sighup)
        await supervisor.isReady()
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                for await _ in hangUps { _ = await supervisor.reload() }
            }
            try await gracefulShutdown()
            ServiceManager.isStopping()
            await supervisor.end()
            tasks.cancelAll()
        }
    }
}
