// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import InmateImage

@Suite("Guest support of a Linux kernel") struct GuestSupportTests {
    @Test func aConfigurationSaysIt() {
        func support(_ text: String) -> GuestSupport? { KernelConfiguration(Array(text.utf8)).map(GuestSupport.init) }
        #expect(support("#\n# Linux/x86 6.1\nCONFIG_64BIT=y\nCONFIG_JAILHOUSE_GUEST=y\n") == .present)
        #expect(support("CONFIG_64BIT=y\n# CONFIG_JAILHOUSE_GUEST is not set\n") == .missing)
        #expect(support("CONFIG_64BIT=y\n") == .missing)
        #expect(support("something else") == nil)
    }

    @Test func aKernelSaysItItself() throws {
        func support(_ contents: [UInt8]) throws -> GuestSupport {
            let kernel = TestKernel.bzImage(payload: try InflateTests.gzip(contents))
            let unpacked = try #require(try BzImage(kernel).unpacked(kernel))
            return KernelConfiguration(embeddedIn: unpacked).map(GuestSupport.init) ?? GuestSupport(stringsOf: unpacked)
        }
        func configured(_ text: String) throws -> [UInt8] {
            Array("Jailhouse IKCFG_ST".utf8) + (try InflateTests.gzip(Array(text.utf8))) + Array("IKCFG_ED".utf8)
        }
        let zeros = [UInt8](repeating: 0, count: 5000)
        #expect(try support(zeros + Array("KVM\0Jailhouse\0Xen".utf8)) == .present)
        #expect(try support(zeros + Array("KVM\0jailhouse,cell\0Xen".utf8)) == .missing)
        #expect(try support(zeros + configured("CONFIG_JAILHOUSE_GUEST=y\n")) == .present)
        #expect(try support(configured("# CONFIG_JAILHOUSE_GUEST is not set\nCONFIG_X=y\n")) == .missing)
        // packed in another way, or not named at all
        for kernel in [TestKernel.bzImage(payload: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), TestKernel.bzImage()] {
            #expect(try BzImage(kernel).unpacked(kernel) == nil)
        }
    }

    @Test func theReleaseIsInTheSetup() throws {
        #expect(try BzImage(TestKernel.bzImage(release: "6.1.0-28-amd64")).release == "6.1.0-28-amd64")
        #expect(try BzImage(TestKernel.bzImage()).release == "")
    }
}
