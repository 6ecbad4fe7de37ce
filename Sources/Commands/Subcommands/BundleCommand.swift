// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ConfigurationRules
import ControlInterface
import Glibc
import SystemCalls

struct BundleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bundle",
        abstract: "Make, verify and install signed bundles of definitions and images.",
        discussion: """
            A bundle is a tar archive with a manifest of hashes and a signature of it by ssh-keygen. It is installed as a \
            whole or not at all, after the rules of 'check' have been applied; the one before is kept for 'rollback'.

            Running cells are not touched: 'restart' has a cell use its new image.

            Example: jailhouse-ctl bundle create plant --key ~/.ssh/id_ed25519 -o plant.bundle
            Example: jailhouse-ctl bundle install plant.bundle && jailhouse-ctl restart rtems
            """,
        subcommands: [CreateBundle.self, VerifyBundle.self, InstallBundle.self, RollBack.self])
}

struct CreateBundle: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a bundle of a directory and sign it.",
        discussion: """
            The directory has cells/NAME.toml, and what these need in images and systems. Definitions name their images \
            relative to themselves: path = "../images/rtems.exe". Equal files make equal bundles, which may have 256 MiB.

            Example: jailhouse-ctl bundle create plant --key ~/.ssh/id_ed25519 -o plant.bundle
            """)

    @OptionGroup var options: FileOptions

    @Argument(help: "The directory.", completion: .directory)
    var directory: String

    @Option(
        help: ArgumentHelp("The key: a private one, or a public one of an agent.", valueName: "file"),
        completion: .file())
    var key: String

    @Option(name: .shortAndLong, help: "The result (default: standard output).", completion: .file())
    var output: String?

    func run() throws {
        let target = OutputFile(output)
        try target.refuseTerminal()
        var bundle = try SignedBundle(files: Self.files(below: directory, ""))
        bundle.signature = try SSHSignature.make(of: bundle.manifest, key: key)
        try target.write(bundle.archive.bytes, to: options.screen)
    }

    private static func files(below directory: String, _ path: String) throws -> [TarFile.Entry] {
        let names: [String]
        do throws(SystemCallError) {
            names = try SystemCall.names(inDirectory: "\(directory)/\(path)")
        } catch {
            throw CommandFailure(.failed, "cannot read \(directory)/\(path): \(error.errno)")
        }
        return try names.sorted().flatMap { name -> [TarFile.Entry] in
            let inner = path.isEmpty ? name : "\(path)/\(name)"
            let file = "\(directory)/\(inner)"
            var information = stat()
            guard lstat(file, &information) == 0 else {
                throw CommandFailure(.failed, "cannot read \(file)")
            }
            switch information.st_mode & S_IFMT {
            case S_IFDIR: return try files(below: directory, inner)
            case S_IFREG: return [.init(path: inner, contents: try InputFile(file, limit: SignedBundle.limit).contents)]
            default:
                throw CommandFailure(
                    .failed, "\(file) is neither a directory nor a plain file: put the file itself there")
            }
        }
    }
}

/// Options of what trusts a bundle.
struct BundleOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Whose bundles are taken, in the form of ssh-keygen(1).", valueName: "file"), completion: .file())
    var signers = "/etc/jailhoused/allowed_signers"

    @Argument(help: "The bundle; - is standard input.", completion: .file())
    var bundle: String

    /// - Throws: ``CommandFailure`` unless it is whole and signed.
    func verified() throws -> (bundle: SignedBundle, signer: String) {
        let bundle = try SignedBundle(archive: try InputFile(bundle, limit: SignedBundle.limit).contents)
        // whoever may write it says whose bundles are taken
        if let finding = FilePermissions.findings(ofFile: signers).first {
            throw CommandFailure(.failed, "nothing is done: \(finding.message): \(finding.remedy)")
        }
        let signer = try SSHSignature.signer(of: bundle.manifest, signature: bundle.signature, signers: signers)
        return (bundle, signer)
    }
}

struct VerifyBundle: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Verify whose bundle it is, and that it is whole.",
        discussion: """
            With --json: an object with id, signer and files.

            Example: jailhouse-ctl bundle verify plant.bundle --signers allowed_signers
            """)

    @OptionGroup var options: FileOptions
    @OptionGroup var source: BundleOptions

    private struct Outcome: Encodable {
        let id: String
        let signer: String
        let files: [String]
    }

    func run() throws {
        let (bundle, signer) = try source.verified()
        let outcome = Outcome(id: bundle.id, signer: signer, files: bundle.files.map(\.path))
        try options.screen.show(
            outcome,
            text: "\(bundle.id), signed by \(Text.printable(signer))\n"
                + outcome.files.map { "  \($0)" }.joined(separator: "\n"))
    }
}

/// What has bundles and a daemon.
struct StoreOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The configuration directory.", valueName: "directory"), completion: .directory)
    var directory = "/etc/jailhoused"

    @Flag(help: "Leave the daemon alone: its next reload has the definitions.")
    var noReload = false

    var store: BundleStore { BundleStore(directory: directory) }

    /// Makes a bundle that is unpacked and checked the one in force, and has the daemon read its definitions. If the daemon
    /// refuses one of them, or a socket that was named leads to none, everything is as it was before.
    ///
    /// - Returns: what changed.
    func use(_ id: String, _ options: LocalDaemonOptions) throws -> String {
        let before = store.links
        try store.use(id)
        guard !noReload else { return "not reloaded" }
        do {
            let reply = try options.daemon.call(Manager.Reload.self)
            if reply.problems.isEmpty { return Reload.text(reply) }
            let problems = reply.problems.map { "\n  \(Text.printable($0))" }.joined()
            try store.restore(before)
            _ = try options.daemon.call(Manager.Reload.self)
            let result = before.current.map { "\($0) is in force again" } ?? "no bundle is in force, as before"
            throw CommandFailure(.failed, "the daemon refuses definitions of the bundle; \(result):" + problems)
        } catch let failure as CommandFailure where failure.status == .noDaemon {
            guard options.namedSocket == nil else {
                try store.restore(before)
                throw CommandFailure(
                    .noDaemon, "nothing is changed: \(failure.message); without a daemon: --no-reload")
            }
            return "no daemon runs: it reads them when it starts"
        }
    }

    /// - Throws: ``CommandFailure`` when the rules find an error in a bundle that is unpacked.
    func judge(_ id: String) throws {
        let checked = try store.findings(of: id)
        guard checked.contains(where: \.hasErrors) else { return }
        let text = checked.filter(\.hasErrors).map { $0.text(.plain) }.joined(separator: "\n")
        throw CommandFailure(.failed, "nothing is installed: 'check' finds errors\n" + text)
    }
}

/// What `install` and `rollback` have done.
struct BundleInForce: Encodable {
    let id: String
    @JSON.OrNull var signer: String?
    /// What the daemon says of it.
    let outcome: String
}

struct InstallBundle: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install",
        abstract: "Verify, check and install a bundle, and have the daemon read its definitions.",
        discussion: """
            Nothing is changed if the signature is of nobody in --signers, if a file is not that of the manifest, or if \
            'check' finds an error. If the daemon refuses a definition, the bundle before is used again. The exit status \
            is 1 then. With --json: an object with id, signer and outcome.

            Example: jailhouse-ctl bundle install plant.bundle && jailhouse-ctl restart rtems
            """)

    @OptionGroup var options: LocalDaemonOptions
    @OptionGroup var source: BundleOptions
    @OptionGroup var target: StoreOptions

    func validate() throws {
        guard options.host.isEmpty else {
            throw ValidationError(
                "a bundle is installed on its machine: ssh HOST jailhouse-ctl bundle install - < BUNDLE")
        }
    }

    func run() throws {
        let (bundle, signer) = try source.verified()
        let store = target.store
        let lock = try store.locked()
        defer { withExtendedLifetime(lock) {} }
        // one that is not used is not left
        defer { store.prune() }
        try store.unpack(bundle)
        try target.judge(bundle.id)
        for file in store.foreignFiles(of: bundle.id) {
            let text = "jailhouse-ctl: \(Text.printable(file)) is not in the bundle: the signature says nothing of it\n"
            try SystemCall.write(Array(text.utf8), to: STDERR_FILENO)
        }
        let outcome = try target.use(bundle.id, options)
        try options.screen.show(
            BundleInForce(id: bundle.id, signer: signer, outcome: outcome),
            text: "\(bundle.id), signed by \(Text.printable(signer)), is in force\n\(outcome)")
    }
}

struct RollBack: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Use the bundle before again.",
        discussion: """
            A second rollback undoes the first. Its files are compared with the manifest first, and 'check' is applied, as by \
            'install'.

            Example: jailhouse-ctl bundle rollback && jailhouse-ctl restart rtems
            """)

    @OptionGroup var options: LocalDaemonOptions
    @OptionGroup var target: StoreOptions

    func validate() throws {
        guard options.host.isEmpty else {
            throw ValidationError("a bundle is rolled back on its machine: ssh HOST jailhouse-ctl bundle rollback")
        }
    }

    func run() throws {
        let store = target.store
        guard store.current != nil || store.previous != nil else {
            throw CommandFailure(
                .failed, "no bundle is installed in \(Text.printable(target.directory)): there is none to go back to")
        }
        let lock = try store.locked()
        defer { withExtendedLifetime(lock) {} }
        guard let previous = store.previous, previous != store.current else {
            throw CommandFailure(.failed, "there is no bundle before the one in force")
        }
        guard store.isIntact(previous) else {
            throw CommandFailure(
                .failed,
                "\(store.place(of: previous)) is not as it was signed: install that bundle again; nothing is changed")
        }
        try target.judge(previous)
        let outcome = try target.use(previous, options)
        try options.screen.show(
            BundleInForce(id: previous, signer: nil, outcome: outcome), text: "\(previous) is in force\n\(outcome)")
    }
}
