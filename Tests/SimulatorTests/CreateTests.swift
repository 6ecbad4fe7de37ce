// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Simulator
import Testing

/// `create`, case for case as it was seen on the real thing.
struct CreateTests {
    @Test func takesCPUsAndStaysShutDown() throws {
        var bench = try Bench.enabled()
        let before = bench.machine.now
        #expect(try bench.create(Samples.cell("rtems")) == .done)
        #expect(bench.machine.now - before == .milliseconds(58))
        #expect(try bench.state("rtems") == "shut down")
        #expect(try bench.cell("rtems").id == 1)
        #expect(try bench.attribute("cpus_assigned_list", of: "rtems") == "3")
        #expect(try bench.attribute("cpus_assigned", of: "rtems") == "8")
        #expect(try bench.attribute("cpus_assigned_list", of: "linux") == "0-2")
        #expect(bench.machine.onlineCPUs == [0, 1, 2])
        #expect(bench.console.contains("Created cell \"rtems\"\n"))
        #expect(bench.console.contains("Page pool usage after cell creation: mem "))
    }

    @Test func eachFurtherCPUCostsMore() throws {
        var bench = try Bench.enabled()
        let before = bench.machine.now
        #expect(try bench.create(Samples.cell("smp", cpus: [2, 3])) == .done)
        #expect(bench.machine.now - before == .milliseconds(108))
    }

    @Test func isInvalidWhileItLasts() throws {
        var bench = try Bench.enabled()
        _ = bench.machine.submit(.create(try Samples.cell("rtems").binary()))
        bench.pass(.milliseconds(30))
        #expect(try bench.state("rtems") == "invalid")
        bench.pass(.milliseconds(28))
        #expect(try bench.state("rtems") == "shut down")
    }

    @Test func whileDisabledIsInvalid() throws {
        var bench = Bench()
        #expect(try bench.create(Samples.cell("rtems")) == .refused(.invalid))
    }

    @Test(arguments: [0, 8, 131]) func shorterThanTheHeaderIsInvalid(length: Int) throws {
        var bench = try Bench.enabled()
        let bytes = try Samples.cell("rtems").binary()
        #expect(bench.perform(.create(Array(bytes.prefix(length)))) == .refused(.invalid))
    }

    @Test func shorterThanItsCountsHangsTheMachine() throws {
        var bench = try Bench.enabled()
        let bytes = try Samples.cell("rtems").binary()
        #expect(bench.perform(.create(bytes.dropLast())) == .hangs)
        #expect(bench.reports.contains { $0.hasPrefix("FROZEN: create of cell \"rtems\": ") })
        // nothing else goes on either
        #expect(bench.perform(.disable) == .hangs)
        bench.machine.thaw()
        bench.pass(.seconds(1))
        #expect(bench.machine.sysfs.cells.isEmpty)
    }

    @Test(arguments: [[0, 0, 0x20, 0], [0xff, 0xff, 0xff, 0xff]] as [[UInt8]])
    func absurdCountsHangTheMachineToo(regions: [UInt8]) throws {
        var bench = try Bench.enabled()
        var bytes = try Samples.cell("rtems").binary()
        bytes.replaceSubrange(52..<56, with: regions)
        #expect(bench.perform(.create(bytes)) == .hangs)
    }

    @Test func longerThanNeededIsAccepted() throws {
        var bench = try Bench.enabled()
        let bytes = try Samples.cell("rtems").binary()
        #expect(bench.perform(.create(bytes + [UInt8](repeating: 0xff, count: 100))) == .done)
    }

    @Test func moreThan64KiBIsTooBig() throws {
        var bench = try Bench.enabled()
        var cell = Samples.cell("rtems")
        cell.memoryRegions += (0..<2100).map { MemoryRegion(physicalStart: UInt64($0) << 12, size: 4096, flags: .read) }
        #expect(try bench.create(cell) == .refused(.tooBig))
        // the CPU is Linux's again, and the next create is not disturbed
        #expect(bench.machine.onlineCPUs == [0, 1, 2, 3])
        #expect(try bench.create(Samples.cell("rtems")) == .done)
    }

    typealias Change = @Sendable (inout CellDescriptor) -> Void
    static let refusedLinks: [(Refusal, Change)] = [
        (.invalid, { $0.pciDevices[0].sharedMemoryPeers = 3 }), (.invalid, { $0.pciDevices[0].msixVectors = 17 }),
        (.invalid, { $0.pciDevices[0].sharedMemoryID = 12 }),
        (.invalid, { $0.interruptChips = [InterruptChip(address: 0xfec0_0000, id: 0xff00, pinBase: 32, pins: [36])] }),
        (.outOfRange, { $0.pciDevices.append(PCIDevice(iommu: 8, address: PCIAddress(rawValue: 0x20))) }),
        (.busy, { $0.pciDevices[0].sharedMemoryID = 1 }),
    ]

    @Test(arguments: refusedLinks.indices) func whatTheHypervisorRefuses(index: Int) throws {
        func cell(_ name: String, _ cpu: Int, id: UInt8, at physical: UInt64) -> CellDescriptor {
            var cell = Samples.cell(name, cpus: [cpu], at: physical)
            cell.memoryRegions += [MemoryRegion](repeating: MemoryRegion(), count: 4)
            cell.pciDevices = [
                PCIDevice(
                    kind: .sharedMemory, address: PCIAddress(rawValue: 0x70), firstSharedMemoryRegion: 2,
                    sharedMemoryID: id, sharedMemoryPeers: 2)
            ]
            return cell
        }
        var bench = try Bench.enabled()
        #expect(try bench.create(cell("one", 2, id: 1, at: 0x3b00_0000)) == .done)
        let sound = cell("two", 3, id: 0, at: 0x3a00_0000)
        var refused = sound
        let (refusal, change) = Self.refusedLinks[index]
        change(&refused)
        #expect(try bench.create(refused) == .refused(refusal))
        #expect(try bench.create(sound) == .done)
    }

    @Test func wrongSignatureOrRevisionIsInvalid() throws {
        var bench = try Bench.enabled()
        let bytes = try Samples.cell("rtems").binary()
        #expect(bench.perform(.create([UInt8(ascii: "X")] + bytes.dropFirst())) == .refused(.invalid))
        let old = try Samples.cell("rtems").binary(revision: .revision13)
        #expect(bench.perform(.create(old)) == .refused(.invalid))
        var other = bytes
        other[6] = 12
        #expect(bench.perform(.create(other)) == .refused(.invalid))
        #expect(bench.perform(.create(try Samples.system().binary())) == .refused(.invalid))
    }

    @Test(arguments: [1, 2, 9] as [UInt8]) func wrongArchitectureReturnsZeroAndDoesNothing(number: UInt8) throws {
        var bench = try Bench.enabled()
        var bytes = try Samples.cell("rtems").binary()
        bytes[5] = number
        #expect(bench.perform(.create(bytes)) == .done)
        #expect(bench.machine.cells.map(\.name) == ["linux"])
        #expect(bench.reports.contains { $0.contains("architecture") })
    }

    @Test func aTakenNameExists() throws {
        var bench = try Bench.enabled()
        #expect(try bench.create(Samples.cell("rtems")) == .done)
        #expect(try bench.create(Samples.cell("rtems", cpus: [2])) == .refused(.exists))
        #expect(try bench.create(Samples.cell("linux", cpus: [2])) == .refused(.exists))
    }

    @Test(arguments: [[3], [7], [3, 4]]) func aTakenOrMissingCPUIsBusy(cpus: [Int]) throws {
        var bench = try Bench.enabled()
        #expect(try bench.create(Samples.cell("rtems")) == .done)
        #expect(try bench.create(Samples.cell("other", cpus: cpus)) == .refused(.busy))
        #expect(bench.machine.cells.map(\.name) == ["linux", "rtems"])
    }

    @Test func aRefusedCellShowsForAMoment() throws {
        var bench = try Bench.enabled()
        _ = bench.machine.submit(.create(try Samples.cell("other", cpus: [9]).binary()))
        bench.pass(.zero)
        #expect(try bench.state("other") == "invalid")
        bench.pass(.milliseconds(1))
        #expect(bench.machine.cells.map(\.name) == ["linux"])
    }

    @Test func cpu0IsInvalid() throws {
        var bench = try Bench.enabled()
        #expect(try bench.create(Samples.cell("rtems", cpus: [0, 3])) == .refused(.invalid))
        #expect(bench.machine.onlineCPUs == [0, 1, 2, 3])
    }

    @Test func noCPUAndNoNameAreAccepted() throws {
        var bench = try Bench.enabled()
        #expect(try bench.create(Samples.cell("", cpus: [])) == .done)
        #expect(try bench.state("") == "shut down")
    }

    @Test(arguments: [0x3a00_0000, 0x3f00_0000, 0x2000_0000, 0x3a00_0123, 0xffff_0000_0000] as [UInt64])
    func memoryIsNotChecked(address: UInt64) throws {
        var bench = try Bench.enabled()
        #expect(try bench.create(Samples.cell("rtems")) == .done)
        #expect(try bench.create(Samples.cell("other", cpus: [2], at: address)) == .done)
    }

    @Test func theKernelsMemoryEndsLinux() throws {
        var bench = try Bench.enabled()
        #expect(try bench.create(Samples.cell("rtems", at: 0x180_0000)) == .hangs)
        #expect(bench.reports.last?.contains("kernel") == true)
    }

    @Test func isNotPermittedWhileAnotherIsLocked() throws {
        var bench = try Bench.running(Samples.cell("rtems"))
        try bench.inject("lock", into: "rtems")
        #expect(try bench.state("rtems") == "running/locked")
        #expect(try bench.create(Samples.cell("other", cpus: [2])) == .refused(.notPermitted))
        #expect(bench.machine.onlineCPUs == [0, 1, 2])
        #expect(try bench.attribute("cpus_assigned_list", of: "linux") == "0-2")
        try bench.inject("unlock", into: "rtems")
        #expect(try bench.create(Samples.cell("other", cpus: [2])) == .done)
    }

    @Test func theLowestFreeIDIsUsedAgain() throws {
        var bench = try Bench.enabled()
        for (name, cpu) in [("a", 1), ("b", 2), ("c", 3)] {
            #expect(try bench.create(Samples.cell(name, cpus: [cpu])) == .done)
        }
        #expect(bench.destroy("b") == .done)
        #expect(try bench.create(Samples.cell("d", cpus: [2])) == .done)
        #expect(bench.machine.cells.map(\.id) == [0, 1, 3, 2])
        #expect(try bench.cell("d").id == 2)
    }
}
