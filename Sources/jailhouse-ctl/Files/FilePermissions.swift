import CellConfiguration
import CellDefinition
import Glibc
import SystemCalls

/// Whether the daemon would trust a file, as far as that can be seen from here.
enum FilePermissions {
    /// - Parameters:
    ///   - location: the key that names the file; empty for a file that nobody names.
    /// - Returns: nothing for a file that cannot be looked at, which is said elsewhere.
    static func findings(ofFile path: String, at location: String = "") -> [Finding] {
        guard let descriptor = try? SystemCall.open(path, O_RDONLY | O_NONBLOCK),
            let status = try? SystemCall.status(of: descriptor.rawValue, named: path), status.kind == .regular
        else { return [] }
        let directory = SystemCall.directory(of: descriptor.rawValue).flatMap { path in
            (try? SystemCall.status(ofFile: path)).map { (path: path, permissions: FileTrust.Permissions($0)) }
        }
        do {
            try FileTrust(user: geteuid()).check(FileTrust.Permissions(status), at: path, in: directory)
            return []
        } catch {
            return [error.finding(at: location)]
        }
    }
}

extension FileTrust.Permissions {
    fileprivate init(_ status: FileStatus) {
        self.init(owner: status.owner, group: status.group, mode: status.mode)
    }
}
