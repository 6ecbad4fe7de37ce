import Glibc
import SystemCalls
import SystemPackage

/// Held by the one program that talks to the driver, until its process ends.
enum DaemonLock {
    /// - Parameter directory: made when it is not there.
    /// - Returns: whether this process holds it from now on; false when another one does.
    /// - Throws: `SystemCallError` when there can be no such file.
    static func take(in directory: String) throws(SystemCallError) -> Bool {
        if mkdir(directory, 0o755) != 0 && errno != EEXIST {
            throw SystemCallError(call: "mkdir", subject: directory, errno: Errno(rawValue: errno))
        }
        let path = directory + "/lock"
        let descriptor = try SystemCall.open(path, O_RDWR | O_CREAT, mode: 0o600)
        do {
            try SystemCall.result(of: "flock", on: path) { flock(descriptor.rawValue, LOCK_EX | LOCK_NB) }
        } catch {
            if error.errno == .wouldBlock { return false }
            throw error
        }
        // never closed: the lock would go with it
        _ = descriptor.release()
        return true
    }
}
