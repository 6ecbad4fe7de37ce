import Glibc
import SystemCalls
import SystemPackage

/// Held by the one program that talks to the driver, until its process ends.
struct DaemonLock: Sendable {
    /// Where the file is.
    let directory: String

    private var path: String { directory + "/lock" }

    /// - Returns: whether this process holds it from now on; false when another one does.
    /// - Throws: `SystemCallError` when there can be no such file.
    func take() throws(SystemCallError) -> Bool {
        if mkdir(directory, 0o755) != 0 && errno != EEXIST {
            throw SystemCallError(call: "mkdir", subject: directory, errno: Errno(rawValue: errno))
        }
        let descriptor = try SystemCall.open(path, O_RDWR | O_CREAT, mode: 0o600)
        do {
            try SystemCall.result(of: "flock", on: path) { flock(descriptor.rawValue, LOCK_EX | LOCK_NB) }
        } catch {
            if error.errno == .wouldBlock { return false }
            throw error
        }
        // without room for its name it is held all the same
        _ = ftruncate(descriptor.rawValue, 0)
        try? SystemCall.write(Array("\(getpid())\n".utf8), to: descriptor.rawValue)
        // never closed: the lock would go with it
        _ = descriptor.release()
        return true
    }

    /// Sends the process that holds the lock a signal.
    ///
    /// - Returns: false when it cannot be told who that is, or it may not be signalled.
    func signalHolder(_ number: CInt) -> Bool {
        guard let bytes = try? SystemCall.contents(ofFile: path, limit: 64),
            let process = pid_t(String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)),
            process > 1, process != getpid()
        else { return false }
        return kill(process, number) == 0
    }
}
