// SPDX-License-Identifier: Apache-2.0

import Synchronization
import SystemCalls
import Testing

@testable import Daemon

@Suite("Memory for images")
struct ImageMemoryTests {
    @Test("One large image at a time, any number of small ones")
    func places() {
        let memory = ImageMemory()
        var first = memory.place(for: 900 << 20, within: .zero)
        #expect(first != nil)
        #expect(memory.place(for: 900 << 20, within: .milliseconds(10)) == nil)
        let small = (0..<100).compactMap { _ in memory.place(for: 1 << 20, within: .zero) }
        #expect(small.count == 100)
        first = nil
        #expect(memory.place(for: 900 << 20, within: .zero) != nil)
    }

    @Test("A large image that hangs makes way for another after its time, twice at most")
    func hung() {
        let memory = ImageMemory(patience: .milliseconds(20))
        let places = (0..<3).map { _ in memory.place(for: 900 << 20, within: .seconds(10)) }
        #expect(places.allSatisfy { $0 != nil })
        #expect(memory.place(for: 900 << 20, within: .milliseconds(60)) == nil)
        let patient = ImageMemory()
        let first = patient.place(for: 900 << 20, within: .zero)
        #expect(patient.place(for: 900 << 20, within: .milliseconds(10)) == nil)
        withExtendedLifetime((places, first)) {}
    }

    @Test("Who waits has the place when it is given back")
    func waiting() throws {
        let memory = ImageMemory()
        let first = Mutex(memory.place(for: 900 << 20, within: .zero))
        let began = Bell()
        let thread = try #require(
            BackgroundThread {
                began.ring()
                SystemCall.sleep(for: .milliseconds(20))
                first.withLock { $0 = nil }
            })
        began.wait(atMost: nil)
        #expect(memory.place(for: 900 << 20, within: .seconds(10)) != nil)
        thread.join()
    }

    @Test("Work that hangs is not waited for longer than the limit, and its result is dropped")
    func limited() throws {
        let release = Bell()
        #expect(try LimitedWork.run(within: .seconds(10)) { 7 } == 7)
        let result = try LimitedWork.run(within: .milliseconds(10)) { () -> Int in
            release.wait(atMost: nil)
            return 7
        }
        #expect(result == nil)
        release.ring()
        #expect(throws: ImagesNotRead.self) {
            _ = try LimitedWork.run(within: .seconds(10)) { () -> Int in throw ImagesNotRead(message: "no") }
        }
    }

    @Test("The holder of a lock is found among all locks")
    func lockHolder() {
        let locks = """
            1: POSIX  ADVISORY  WRITE 509 fe:00:5359225 1073741824 1073742335
            2: FLOCK  ADVISORY  WRITE 510 00:06:416 0 EOF
            3: FLOCK  ADVISORY  READ 511 00:06:416 0 EOF
            4: FLOCK  ADVISORY  WRITE 512 00:06:4160 0 EOF
            4: -> FLOCK  ADVISORY  WRITE 513 00:06:416 0 EOF

            """
        #expect(DaemonLock.holders(ofInode: 416, in: locks) == [510])
    }
}
