// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import SystemCalls
import SystemPackage

/// Signatures by ssh-keygen(1), which every machine has that is reached by ssh.
enum SSHSignature {
    /// - Parameter key: the file of a private key, or of a public one whose private one an agent has.
    /// - Throws: ``CommandFailure``; what ssh-keygen says goes to standard error.
    static func make(of bytes: [UInt8], key: String) throws -> [UInt8] {
        try inDirectory { directory in
            let file = directory + "/manifest"
            try SystemCall.replaceFile(file, with: bytes)
            guard try run(["ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", SignedBundle.namespace, file]) == 0 else {
                throw CommandFailure(.failed, "ssh-keygen cannot sign with the key \(key)")
            }
            let signature = try SystemCall.contents(ofFile: file + ".sig")
            try requireEd25519(signature, remedy: "make one: ssh-keygen -t ed25519 -f FILE")
            return signature
        }
    }

    /// - Parameters:
    ///   - signers: a file in the form "ALLOWED SIGNERS" of ssh-keygen(1); a pipe will do.
    /// - Returns: whose signature it is.
    /// - Throws: ``CommandFailure`` unless it is one of theirs.
    static func signer(of bytes: [UInt8], signature: [UInt8], signers: String) throws -> String {
        try requireEd25519(signature, remedy: "have the bundle signed with such a key")
        let allowed: [UInt8]
        do throws(SystemCallError) {
            allowed = try SystemCall.contents(ofFile: signers, limit: InputFile.limit)
        } catch {
            throw CommandFailure(
                .failed,
                "cannot read \(signers): \(error.errno); it names whose bundles are taken, as ssh-keygen(1) says")
        }
        return try inDirectory { directory in
            // it is read several times, which a pipe is not
            let list = directory + "/signers"
            try SystemCall.replaceFile(list, with: allowed)
            let (file, mark, name) = (directory + "/manifest", directory + "/signature", directory + "/name")
            try SystemCall.replaceFile(file, with: bytes)
            try SystemCall.replaceFile(mark, with: signature)
            let find = ["ssh-keygen", "-Y", "find-principals", "-s", mark, "-f", list]
            guard try run(find, output: name) == 0 else {
                throw CommandFailure(.failed, "the signature is of nobody in \(signers)")
            }
            // a key may stand there several times, for other purposes as well
            let names = String(decoding: try SystemCall.contents(ofFile: name), as: UTF8.self).split(separator: "\n")
            for signer in names.map(String.init) {
                let verify = [
                    "ssh-keygen", "-q", "-Y", "verify", "-f", list, "-I", signer, "-n", SignedBundle.namespace,
                    "-s", mark,
                ]
                if try run(verify, input: file) == 0 { return signer }
            }
            throw CommandFailure(
                .failed,
                "the signature is not one of this bundle, or \(signers) allows that key another namespace than "
                    + SignedBundle.namespace)
        }
    }

    /// - Throws: ``CommandFailure`` for a key of another algorithm, some of which ssh-keygen(1) takes with fewer bits than
    ///   are safe.
    private static func requireEd25519(_ signature: [UInt8], remedy: String) throws {
        guard let name = algorithm(of: signature) else {
            throw CommandFailure(.failed, "\(SignedBundle.signaturePath) is no signature of ssh-keygen(1)")
        }
        // the second one has its key in a token
        guard ["ssh-ed25519", "sk-ssh-ed25519@openssh.com"].contains(name) else {
            throw CommandFailure(
                .failed, "the key of the signature is of the kind \(Text.printable(name)), not ssh-ed25519: \(remedy)")
        }
    }

    /// That of the key, as the signature names it; nil if it is none. Whether it is true, the verification says.
    ///
    /// Source: OpenSSH's PROTOCOL.sshsig, RFC 4251 section 5.
    static func algorithm(of signature: [UInt8]) -> String? {
        let lines = String(decoding: signature, as: UTF8.self).split(whereSeparator: \.isNewline)
        guard lines.first == "-----BEGIN SSH SIGNATURE-----",
            let end = lines.firstIndex(of: "-----END SSH SIGNATURE-----"),
            let blob = Data(base64Encoded: lines[1..<end].joined())
        else { return nil }
        var rest = Array(blob)[...]
        func take(_ count: Int) -> ArraySlice<UInt8>? {
            guard count <= rest.count else { return nil }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }
        func number() -> Int? { take(4)?.reduce(0) { $0 << 8 | Int($1) } }
        // magic and version, and then the public key, which begins with its algorithm
        guard take(6).map(Array.init) == Array("SSHSIG".utf8), number() == 1, number() != nil, let length = number(),
            let name = take(length)
        else { return nil }
        return String(decoding: name, as: UTF8.self)
    }

    private static func inDirectory<Value>(_ body: (String) throws -> Value) throws -> Value {
        do {
            let directory = try SystemCall.makeTemporaryDirectory("/tmp/jailhouse-bundle-")
            defer {
                for name in (try? SystemCall.names(inDirectory: directory)) ?? [] { unlink("\(directory)/\(name)") }
                rmdir(directory)
            }
            return try body(directory)
        } catch let error as SystemCallError {
            let isMissing = error.call == "posix_spawn" && error.errno == .noSuchFileOrDirectory
            let reason =
                isMissing
                ? "ssh-keygen is not installed (Debian and Ubuntu: apt install openssh-client)"
                : "cannot use ssh-keygen: \(error)"
            throw CommandFailure(.failed, reason)
        }
    }

    /// - Returns: the exit status.
    private static func run(
        _ words: [String], input: String = "/dev/null", output: String = "/dev/null"
    ) throws(SystemCallError) -> CInt {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // a passphrase is asked for on the terminal
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, input, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output, O_WRONLY | O_CREAT, 0o600)
        let arguments = words.map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        var child: pid_t = 0
        let failure = posix_spawnp(&child, words[0], &actions, nil, arguments, environ)
        guard failure == 0 else {
            throw SystemCallError(call: "posix_spawn", subject: words[0], errno: Errno(rawValue: failure))
        }
        var status: CInt = 0
        try SystemCall.result(of: "waitpid") { waitpid(child, &status, 0) }
        return status & 0x7f == 0 ? status >> 8 & 0xff : -1
    }
}
