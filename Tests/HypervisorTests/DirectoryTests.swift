// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemPackage
import Testing

@testable import SystemCalls

@Suite("Listing a directory") struct DirectoryTests {
    @Test("What cannot be listed to its end is an error, not a shorter list")
    func interrupted() throws {
        let directory = try #require(opendir("/proc/self"))
        defer { closedir(directory) }
        // from here on the kernel refuses to go on: what is open there is no directory any more
        let other = try SystemCall.open("/dev/null", O_RDONLY)
        #expect(dup2(other.rawValue, dirfd(directory)) >= 0)
        var count = 0
        let error = #expect(throws: SystemCallError.self) {
            try SystemCall.forEachName(in: directory, "/proc/self") { _ in count += 1 }
        }
        #expect(error?.call == "readdir")
        #expect(error?.errno == .notDirectory)
        #expect(count == 0)
    }

    @Test("The end of a directory is none")
    func end() throws {
        errno = EIO
        #expect(try SystemCall.numbers(inDirectory: "/proc").contains(Int(getpid())))
        #expect(try SystemCall.names(inDirectory: "/proc/self").contains("status"))
    }
}
