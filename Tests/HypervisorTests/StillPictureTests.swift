// SPDX-License-Identifier: Apache-2.0

import Supervision
import SystemCalls
import Testing

@testable import Hypervisor

@Suite("A still picture")
struct StillPictureTests {
    private let tree = Tree()
    private let view: HypervisorView

    init() {
        view = HypervisorView(directory: tree.directory)
        tree.addCell(0, "root", "running", cpus: "0")
        tree.addCell(1, "one", "running", cpus: "1")
        tree.addCell(2, "two", "running", cpus: "2-3")
        view.look()
    }

    private func isStill(_ picture: StillPicture) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: StillPicture.bufferSize, alignment: 16) { picture.isStill($0) }
    }

    /// Nil on file systems that do not count directories.
    private func picture() throws -> StillPicture? {
        guard let picture = view.stillPicture() else {
            let directory = try SystemCall.open(tree.directory + "/cells", 0)
            #expect(SystemCall.linkCount(of: directory.rawValue) != 5)
            return nil
        }
        #expect(isStill(picture))
        return picture
    }

    @Test("What nobody has changed is still")
    func still() throws {
        guard let picture = try picture() else { return }
        view.look()
        #expect(isStill(picture))
    }

    @Test(
        "Whatever means something to somebody is noticed",
        arguments: [
            ("cells/1/state", "failed\n"), ("cells/1/state", "running/locked\n"), ("cells/1/state", ""),
            ("cells/2/cpus_failed_list", "3\n"), ("enabled", "0\n"), ("enabled", ""),
        ])
    func changes(file: String, text: String) throws {
        guard let picture = try picture() else { return }
        tree.write(file, text)
        #expect(!isStill(picture))
    }

    @Test("Cells that come and go are noticed, also when another takes the place")
    func cells() throws {
        guard let picture = try picture() else { return }
        tree.addCell(3, "three", cpus: "4")
        #expect(!isStill(picture))
        tree.removeCell(3)
        #expect(isStill(picture))
        tree.removeCell(2)
        #expect(!isStill(picture))
        tree.addCell(3, "three", cpus: "2-3")
        #expect(!isStill(picture))
        tree.removeCell(3)
        tree.addCell(2, "two", "running", cpus: "2-3")
        #expect(!isStill(picture))
    }

    @Test("There is none of what could not be read")
    func unreadable() {
        tree.write("cells/1/state", "garbage\n")
        view.look()
        #expect(view.stillPicture() == nil)
        tree.write("enabled", "garbage\n")
        view.look()
        #expect(view.stillPicture() == nil)
    }

    @Test("While the hypervisor is disabled, enabling it is noticed")
    func disabled() throws {
        tree.write("enabled", "0\n")
        view.look()
        let picture = try #require(view.stillPicture())
        #expect(isStill(picture))
        tree.write("enabled", "1\n")
        #expect(!isStill(picture))
    }
}
