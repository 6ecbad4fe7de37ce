// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import Foundation
import InmateImage
import TestSupport
import Testing

@testable import CellDefinition

/// What `new-cell --linux` proposes passes `check`.
@Suite("Proposals for Linux cells") struct LinuxProposalTests {
    private struct NoSuchFile: Error {}

    private func system(_ name: String) throws -> SystemDescriptor {
        let url = ShippedConfigurationTests.folder.appendingPathComponent("systems/\(name).toml")
        return try SystemDescriptor(toml: String(decoding: try Data(contentsOf: url), as: UTF8.self), path: name)
    }

    private func findings(
        _ system: SystemDescriptor, _ kernel: [UInt8], initrd: String? = nil, memory: UInt64? = nil,
        interrupt: UInt32? = nil
    ) throws -> [Finding] {
        let request = LinuxProposal.Request(
            .init(imagePath: "/boot/kernel", cpus: CPUSet([2, 3]), memory: memory), initrd: initrd,
            serialInterrupt: interrupt)
        let toml = try LinuxProposal(request, kernel: kernel, system: system, others: []).toml()
        let definition = try CellDefinition(toml: toml, path: "/linux.toml") { _ in throw NoSuchFile() }
        return definition.findings(system: system)
            + definition.placed(in: system).imageFindings { path in
                switch path {
                case "/boot/kernel": return kernel
                case "/initrd": return Array("070701".utf8) + [UInt8](repeating: 7, count: 100_000)
                case LinuxStart.defaultLoader: return [UInt8](repeating: 0x90, count: 64)
                default: throw NoSuchFile()
                }
            }
    }

    @Test func onAPC() throws {
        let q35 = try system("q35")
        // Linux of the root cell has COM1, too, as the shipped definition is told
        func rest(_ findings: [Finding]) -> [Finding] { findings.filter { $0.rule != "JH1505" } }
        #expect(rest(try findings(q35, TestKernel.bzImage())) == [])
        #expect(
            rest(try findings(q35, TestKernel.bzImage(initialSize: 0x180_0000), initrd: "/initrd", memory: 48 << 20))
                == [])
        #expect(throws: DefinitionError.self) { try findings(q35, TestKernel.arm64()) }
        #expect(throws: DefinitionError.self) { try findings(q35, TestKernel.bzImage(), memory: 8 << 20) }
        #expect(throws: DefinitionError.self) { try findings(q35, TestKernel.bzImage(), memory: 1 << 40) }
    }

    @Test func theLoaderMayBeElsewhere() throws {
        func text(_ name: String, _ kernel: [UInt8]) throws -> String {
            let request = LinuxProposal.Request(
                .init(imagePath: "/boot/kernel", cpus: CPUSet([2, 3])), serialInterrupt: 33, loader: "/built/loader.bin"
            )
            return try LinuxProposal(request, kernel: kernel, system: system(name), others: []).toml()
        }
        #expect(try text("q35", TestKernel.bzImage()).contains("\nloader = \"/built/loader.bin\"\n"))
        #expect(throws: DefinitionError.self) { try text("qemu-arm64", TestKernel.arm64()) }
    }

    /// A mini-UART has part of a page.
    @Test func onARaspberryPi() throws {
        var board = try system("rpi4")
        board.rootCell.memoryRegions[1].size = 0x40_0000 + (64 << 20)
        board.hypervisorMemory.physicalStart += 64 << 20
        board.rootCell.memoryRegions[2].physicalStart += 64 << 20
        #expect(try findings(board, TestKernel.arm64(), interrupt: 125).filter { $0.severity == .error } == [])
    }

    /// What is asked for, besides the loader's block.
    @Test func theRAMIsWhatWasAskedFor() throws {
        func text(_ name: String, _ kernel: [UInt8], _ memory: UInt64?, _ interrupts: [UInt64: UInt32] = [:]) throws
            -> String
        {
            var request = LinuxProposal.Request(.init(imagePath: "/boot/kernel", cpus: CPUSet([2, 3]), memory: memory))
            request.interrupts = interrupts
            return try LinuxProposal(request, kernel: kernel, system: system(name), others: []).toml()
        }
        #expect(try text("q35", TestKernel.bzImage(), nil).contains("size = \"64 MiB\""))
        #expect(try text("q35", TestKernel.bzImage(), 48 << 20).contains("size = \"48 MiB\""))
        // the machine's own device tree knows the serial port
        let arm = try text("qemu-arm64", TestKernel.arm64(), 128 << 20, [0x900_0000: 33])
        #expect(arm.contains("size = \"128 MiB\"") && arm.contains("pins = [33]") && arm.contains("an SMMU does"))
        // so does the system's configuration
        #expect(try text("qemu-arm64", TestKernel.arm64(), nil, [0x901_0000: 34]).contains("pins = [33]"))
        // 252 MiB are free: half of it is offered, which fits with the block
        do {
            _ = try text("qemu-arm64", TestKernel.arm64(), 252 << 20, [0x900_0000: 33])
            Issue.record("there is no room for it")
        } catch let error as DefinitionError {
            #expect(error.remedy.contains("--memory \"128 MiB\""), "\(error)")
        }
    }

    @Test func onArm64() throws {
        let virtual = try system("qemu-arm64")
        #expect(try findings(virtual, TestKernel.arm64(), initrd: "/initrd", interrupt: 33) == [])
        // the last record of pins begins at 896
        #expect(try findings(virtual, TestKernel.arm64(), interrupt: 1000).filter { $0.severity == .error } == [])
        for interrupt: UInt32 in [1, 30, 1020] {
            #expect(throws: DefinitionError.self) { try findings(virtual, TestKernel.arm64(), interrupt: interrupt) }
        }
        var unknown = virtual
        unknown.consoleInterrupt = 0
        #expect(throws: DefinitionError.self) { try findings(unknown, TestKernel.arm64()) }
        #expect(throws: DefinitionError.self) { try findings(virtual, TestKernel.bzImage(), interrupt: 33) }
    }
}
