// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import Testing

@Suite("Who may write what the daemon acts upon") struct FileTrustTests {
    private typealias Permissions = FileTrust.Permissions

    /// The daemon's user is 990; root's directory.
    private func refusal(
        owner: UInt32 = 0, group: UInt32 = 0, _ mode: UInt32, in directory: (UInt32, UInt32, UInt32) = (0, 0, 0o755),
        reader: FileTrust = FileTrust(user: 990)
    ) -> UntrustedFile? {
        let directory = Permissions(owner: directory.0, group: directory.1, mode: directory.2)
        do {
            try reader.check(
                Permissions(owner: owner, group: group, mode: mode), at: "/images/a.exe", in: ("/images", directory))
            return nil
        } catch {
            return error
        }
    }

    @Test("Root and the reader may", arguments: [0, 990] as [UInt32])
    func owners(owner: UInt32) {
        #expect(refusal(owner: owner, group: 100, 0o755) == nil)
        #expect(refusal(owner: owner, group: 100, 0o600) == nil)
    }

    @Test("A foreign owner may not, of the file or of what it is in")
    func foreignOwner() {
        #expect(refusal(owner: 1000, 0o644)?.message == "/images/a.exe belongs to the user 1000, who can change it")
        let link = Permissions(owner: 1000, group: 0, mode: 0o777)
        #expect(throws: UntrustedFile.self) { try FileTrust(user: 990).check(entry: link, at: "/images", in: nil) }
    }

    @Test("Everybody and groups may not, root's and the daemon's included")
    func others() {
        #expect(
            refusal(0o666)?.description
                == "/images/a.exe: error JH0911: everybody may write /images/a.exe (mode 0666); "
                + "any user who can change a definition, a configuration or an image, or replace it or a directory or "
                + "link on the way to it, controls the cell and with it the whole machine: the daemon does not use the "
                + "file; "
                + "chmod go-w /images/a.exe")
        #expect(refusal(owner: 990, 0o602) != nil)
        #expect(refusal(group: 100, 0o664)?.message == "the group 100 may write /images/a.exe (mode 0664)")
        #expect(refusal(group: 0, 0o664) != nil)
        #expect(refusal(group: 990, 0o664) != nil)
        #expect(refusal(group: 0, 0o664, reader: FileTrust(user: 0)) != nil)
    }

    @Test("The directory counts, but for what nobody can take away from one such as /tmp")
    func directories() {
        let open = refusal(0o644, in: (0, 0, 0o777))
        #expect(open?.message.hasPrefix("everybody may replace /images/a.exe: ") == true)
        #expect(open?.remedy == "chmod go-w /images")
        #expect(refusal(0o644, in: (0, 50, 0o775)) != nil)
        #expect(refusal(0o644, in: (0, 990, 0o775)) != nil)
        #expect(refusal(0o644, in: (0, 0, 0o1777)) == nil)
        #expect(refusal(owner: 990, 0o644, in: (0, 0, 0o1777)) == nil)
        #expect(refusal(owner: 1000, 0o644, in: (0, 0, 0o1777))?.remedy == "chown root /images/a.exe")
    }
}
