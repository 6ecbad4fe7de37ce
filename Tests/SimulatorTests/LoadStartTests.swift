// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Simulator
import Testing

/// `load`, `start`, and what can go wrong between them.
struct LoadStartTests {
    @Test func loadedAndStartedRuns() throws {
        var bench = try Bench.enabled()
        #expect(try bench.create(Samples.cell("rtems")) == .done)
        #expect(bench.load("rtems") == .done)
        #expect(bench.stored == [0x3a10_0000])
        bench.pass(.milliseconds(5))
        #expect(bench.start("rtems") == .done)
        bench.pass(.milliseconds(5))
        #expect(try bench.state("rtems") == "running")
        #expect(try bench.isAlive("rtems"))
        for line in ["Cell \"rtems\" can be loaded", "Started cell \"rtems\"", "CPU 3 received SIPI, vector 100"] {
            #expect(bench.console.contains(line + "\n"))
        }
    }

    @Test("An Arm machine has no SIPIs") func armStartsWithoutSIPI() throws {
        var bench = try Bench.enabledArm64()
        #expect(try bench.create(bench.arm64Cell()) == .done)
        #expect(bench.bringUp("rtems") == .done)
        #expect(bench.console.contains("Started cell \"rtems\""))
        #expect(!bench.console.contains("SIPI"), "\(bench.console)")
        // at the load, and at the start
        bench.pass(.milliseconds(5))
        let cell = try #require(bench.machine.sysfs.cells.first { $0.id == 1 })
        #expect(cell.attributes["statistics/vmexits_management"] == "2\n", "\(cell.attributes)")
    }

    @Test(
        "The hypervisor looks at the interrupts of its own distributor only",
        arguments: [
            (0, true), (32, true), (896, true), (33, false), (928, false), (1024, false),
        ] as [(UInt32, Bool)])
    func pinBases(of base: UInt32, isRight: Bool) throws {
        var bench = try Bench.enabledArm64()
        var cell = bench.arm64Cell()
        cell.interruptChips = [InterruptChip(address: 0x800_0000, pinBase: base)]
        #expect(try bench.create(cell) == (isRight ? .done : .refused(.invalid)))
        cell.name = "other"
        cell.interruptChips[0].address = 0x900_0000
        if !isRight { #expect(try bench.create(cell) == .done) }
    }

    @Test func everyOtherCreateLasts() throws {
        var bench = try Bench.enabledArm64(traps: [.slowCreates], timing: .measuredOnArm64)
        var times: [Duration] = []
        for _ in 0..<4 {
            let before = bench.machine.now
            #expect(try bench.create(bench.arm64Cell()) == .done)
            times.append(bench.machine.now - before)
            #expect(bench.destroy("rtems") == .done)
        }
        #expect(Set(times.map { $0 > .milliseconds(250) }) == [true, false])
        #expect(try #require(times.max()) > .seconds(4))
    }

    @Test func takesTheMeasuredTime() throws {
        var bench = try Bench.enabled()
        #expect(try bench.create(Samples.cell("rtems")) == .done)
        let commands: [(Request, Duration)] = [
            (.load(.name("rtems"), [Samples.image]), .milliseconds(5)), (.start(.name("rtems")), .milliseconds(6)),
            (.load(.name("rtems"), []), .milliseconds(7)), (.destroy(.name("rtems")), .milliseconds(63)),
        ]
        for (request, time) in commands {
            let before = bench.machine.now
            #expect(bench.perform(request) == .done)
            #expect(bench.machine.now - before == time)
        }
    }

    @Test func timingNoneTakesNone() throws {
        let bench = try Bench.running(Samples.cell("rtems"), settings: MachineSettings(timing: .none))
        #expect(bench.machine.now == .milliseconds(20))  // what the bench itself waited
    }

    @Test func idsAndNamesBothWork() throws {
        var bench = try Bench.enabled()
        #expect(try bench.create(Samples.cell("rtems")) == .done)
        #expect(bench.perform(.load(.id(1), [Samples.image])) == .done)
        #expect(bench.perform(.load(.id(2), [Samples.image])) == .refused(.notFound))
        #expect(bench.perform(.load(.name("nobody"), [])) == .refused(.notFound))
        #expect(bench.perform(.start(.name("nobody"))) == .refused(.notFound))
        #expect(bench.perform(.destroy(.name("nobody"))) == .refused(.notFound))
        #expect(bench.perform(.load(.id(0), [])) == .refused(.invalid))
        #expect(bench.perform(.start(.name("linux"))) == .refused(.invalid))
        #expect(bench.perform(.destroy(.name("linux"))) == .refused(.invalid))
    }

    @Test(
        arguments: [
            Request.Image(size: 0x1000, target: 0x80_0000), Request.Image(size: 0x10, target: 0x90_0000),
            Request.Image(size: 0x1001, target: 0x7f_f000), Request.Image(size: .max, target: 0),
            Request.Image(size: 1, target: 0xffff_ffff_ffff_ffff),
        ])
    func anImageThatDoesNotFitIsInvalidAndTheCellHasStopped(image: Request.Image) throws {
        var bench = try Bench.running(Samples.cell("rtems"))
        #expect(bench.load("rtems", [Samples.image, image]) == .refused(.invalid))
        #expect(try bench.state("rtems") == "shut down")
        #expect(try bench.isAlive("rtems") == false)
    }

    @Test func anImageMayFillItsRegion() throws {
        var bench = try Bench.running(Samples.cell("rtems"))
        #expect(bench.load("rtems", [Request.Image(size: 8 << 20, target: 0)]) == .done)
    }

    @Test func readOnlyMemoryCannotBeLoaded() throws {
        var cell = Samples.cell("rtems")
        cell.memoryRegions[0].flags = [.read, .execute, .loadable]
        var bench = try Bench.enabled()
        #expect(try bench.create(cell) == .done)
        #expect(bench.load("rtems") == .refused(.invalid))
    }

    @Test func loadWithoutImagesShutsDown() throws {
        var bench = try Bench.running(Samples.cell("rtems"))
        #expect(bench.load("rtems", []) == .done)
        #expect(try bench.state("rtems") == "shut down")
        #expect(bench.load("rtems", []) == .done)
        #expect(bench.reports.contains("shut down: cell \"rtems\""))
    }

    @Test func startOnARunningCellIsAResetThatDoesNotComeUp() throws {
        var bench = try Bench.running(Samples.cell("rtems"))
        #expect(bench.start("rtems") == .done)
        #expect(try bench.state("rtems") == "running")
        #expect(try bench.isAlive("rtems") == false)
    }

    @Test func startOnAFailedCellWithoutLoadDoesNotComeUp() throws {
        var bench = try Bench.running(Samples.cell("rtems"))
        try bench.inject("fail", into: "rtems")
        #expect(try bench.attribute("cpus_failed_list", of: "rtems") == "3")
        #expect(bench.start("rtems") == .done)
        #expect(try bench.state("rtems") == "running")
        #expect(try bench.attribute("cpus_failed_list", of: "rtems") == "")
        #expect(try bench.isAlive("rtems") == false)
        #expect(bench.bringUp("rtems") == .done)
        #expect(try bench.isAlive("rtems"))
    }

    @Test func shutDownAndStartWithoutLoadDoesNotComeUp() throws {
        var bench = try Bench.running(Samples.cell("rtems"))
        #expect(bench.load("rtems", []) == .done)
        bench.pass(.milliseconds(10))
        #expect(bench.start("rtems") == .done)
        #expect(try bench.isAlive("rtems") == false)
    }
}

/// The exits by which Linux can tell that a start was lost.
struct LostStartTests {
    @Test func aHealthyInmateHasFourExitsAndMakesNoMore() throws {
        var bench = try Bench.running(Samples.cell("rtems"))
        #expect(try bench.attribute("statistics/vmexits_total", of: "rtems") == "4")
        #expect(try bench.attribute("statistics/vmexits_management", of: "rtems") == "3")
        #expect(try bench.attribute("statistics/vmexits_cr", of: "rtems") == "1")
        #expect(try bench.attribute("statistics/cpu3/vmexits_total", of: "rtems") == "4")
        bench.pass(.seconds(3600))
        #expect(try bench.attribute("statistics/vmexits_total", of: "rtems") == "4")
    }

    @Test func theExitOfALoadIsCountedAMomentLater() throws {
        var bench = try Bench.enabled()
        #expect(try bench.create(Samples.cell("smp", cpus: [2, 3])) == .done)
        #expect(try bench.attribute("statistics/vmexits_management", of: "smp") == "2")
        #expect(bench.load("smp") == .done)
        #expect(try bench.attribute("statistics/vmexits_management", of: "smp") == "2")
        bench.pass(.microseconds(299))
        #expect(try bench.attribute("statistics/vmexits_management", of: "smp") == "2")
        bench.pass(.microseconds(701))
        #expect(try bench.attribute("statistics/cpu2/vmexits_management", of: "smp") == "2")
        #expect(try bench.attribute("statistics/cpu3/vmexits_management", of: "smp") == "2")
    }

    @Test func aForcedLostStartLooksLikeAStart() throws {
        var bench = try Bench.running(Samples.cell("rtems"))
        try bench.inject("lose-next-start", into: "rtems")
        #expect(bench.load("rtems") == .done)
        bench.pass(.milliseconds(10))
        let before = try bench.attribute("statistics/vmexits_management", of: "rtems")
        #expect(bench.start("rtems") == .done)
        bench.pass(.milliseconds(10))
        #expect(try bench.state("rtems") == "running")
        #expect(try bench.isAlive("rtems") == false)
        #expect(try bench.attribute("statistics/vmexits_management", of: "rtems") == before)
        // the image is still there: another start cures it, after Linux stood still for the timeout
        #expect(bench.start("rtems") == .done)
        bench.pass(.milliseconds(10))
        #expect(try bench.isAlive("rtems"))
        #expect(try bench.cell("rtems").lostStarts == 1)
    }

    @Test func whoSettlesLosesNoStart() throws {
        var bench = try Bench.running(
            Samples.cell("rtems", flags: .passiveCommunicationRegion), settings: MachineSettings(lostStarts: 1))
        for _ in 0..<600 {
            let before = try bench.cell("rtems").exits[3]
            #expect(bench.load("rtems") == .done)
            while try bench.cell("rtems").exits[3] == before {
                bench.pass(.microseconds(50))
            }
            bench.pass(.milliseconds(1))
            #expect(bench.start("rtems") == .done)
            #expect(try bench.isAlive("rtems"))
            bench.pass(.milliseconds(5))
        }
        #expect(try bench.cell("rtems").lostStarts == 0)
    }

    @Test func whoDoesNotSettleLosesSome() throws {
        var bench = try Bench.running(
            Samples.cell("rtems", flags: .passiveCommunicationRegion), settings: MachineSettings(lostStarts: 0.1))
        for _ in 0..<500 {
            #expect(bench.load("rtems") == .done)
            #expect(bench.start("rtems") == .done)
            bench.pass(.milliseconds(5))
        }
        #expect((20...90).contains(try bench.cell("rtems").lostStarts))
    }
}
