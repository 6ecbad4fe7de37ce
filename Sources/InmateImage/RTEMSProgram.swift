// SPDX-License-Identifier: Apache-2.0

/// What is known of a program that was built with RTEMS, from its symbols (the linker script and the
/// sources of RTEMS's PC board support).
package struct RTEMSProgram: Hashable, Sendable {
    /// Which RTEMS it is.
    package enum Port: String, Hashable, Sendable {
        case stock
        /// The port to Jailhouse of 2016: it reads the PM timer's port in the communication region, answers no
        /// message, and takes its time from the x2APIC.
        case jailhouse2016
        /// Linked with the layer of `inmates/rtems`: it needs no hardware of a PC, answers messages, and is told by its
        /// command line what it cannot find out.
        case layer
    }

    /// What the program takes for its heap and its stacks, behind what is loaded.
    package enum WorkArea: Hashable, Sendable {
        /// Up to an address that was linked into it.
        case bounded(start: UInt64, end: UInt64)
        /// As far as it finds memory by writing to it, from the top of 2 GiB downwards.
        case probed(start: UInt64)
    }

    package var port: Port
    /// The symbol or section by which it was recognised; nil when the definition says it.
    package var evidence: String?
    /// Nil when its symbols do not tell.
    package var workArea: WorkArea?
    /// Where the program looks for the communication region; nil when it knows none.
    package var communicationRegion: UInt64?
    /// x86: the hardware of a PC that it drives.
    package var legacyDevices: [LegacyDevice]

    /// Where the 2016 port looks for the communication region.
    package static let regionOf2016: UInt64 = 0x90_0000
    /// Where the layer for Arm64 looks for it, as upstream's cells have it.
    package static let regionOnArm: UInt64 = 0x8000_0000
    /// The memory that the 2016 port assumes.
    package static let memoryOf2016: UInt64 = 0x80_0000
}

extension RTEMSProgram {
    /// The symbols that say something here.
    static let wantedSymbols = Set(
        identifyingSymbols + [
            portOf2016, layer, "WorkAreaBase", "RamSize", "bsp_section_work_begin", "bsp_section_work_end",
        ]
            + devices.flatMap(\.symbols)
    )

    private static let identifyingSymbols = ["_RTEMS_version", "rtems_initialize_executive", "bsp_start", "boot_card"]
    private static let identifyingSections = [".rtemsroset", ".rtemsrwset", ".rtemsstack"]
    private static let portOf2016 = "jailhs_pmtmr_port"
    private static let layer = "jailhouse_layer_revision"

    /// Whether an image is linked with the layer of `inmates/rtems`.
    package static func hasLayer(_ image: [UInt8]) -> Bool {
        guard ELFFile.isELF(image), let file = try? ELFFile(image) else { return false }
        return ELFSymbols(image, file.format, wanted: [layer]).symbols[layer] != nil
    }

    /// Nil for a program that neither shows it nor is declared as one.
    init?(_ names: ELFSymbols, machine: ELFFile.Machine, isDeclared: Bool) {
        let has = { names.symbols[$0] != nil }
        // other programs have a `bsp_start`, too
        let symbol = RTEMSProgram.identifyingSymbols.first { has($0) && ($0 != "bsp_start" || has("WorkAreaBase")) }
        evidence = symbol ?? RTEMSProgram.identifyingSections.first(where: names.sections.contains)
        guard isDeclared || evidence != nil else { return nil }
        let port: Port =
            has(RTEMSProgram.portOf2016) ? .jailhouse2016 : has(RTEMSProgram.layer) ? .layer : .stock
        self.port = port
        workArea = RTEMSProgram.workArea(names, port)
        // the layer's default address
        communicationRegion =
            port == .stock ? nil : machine == .aarch64 ? RTEMSProgram.regionOnArm : RTEMSProgram.regionOf2016
        legacyDevices =
            machine == .i386
            ? RTEMSProgram.devices.compactMap { device in
                guard device.ports.contains(port) else { return nil }
                let symbol = device.symbols.first(where: has)
                guard symbol != nil || (device.isCertain && !names.hasTable) else { return nil }
                var found = device.device
                found.evidence = symbol
                return found
            } : []
    }

    private static func workArea(_ names: ELFSymbols, _ port: Port) -> WorkArea? {
        // as the boards of other processors name it: their RamSize counts from where their RAM begins
        if let start = names.symbols["bsp_section_work_begin"]?.value,
            let end = names.symbols["bsp_section_work_end"]?.value
        {
            return .bounded(start: start, end: end)
        }
        if let start = names.symbols["WorkAreaBase"]?.value {
            if port == .jailhouse2016 { return .bounded(start: start, end: memoryOf2016) }
            guard let end = names.symbols["RamSize"]?.value else { return nil }
            return end == 0xffff_ffff ? .probed(start: start) : .bounded(start: start, end: end)
        }
        return nil
    }
}

extension RTEMSProgram {
    private struct KnownDevice {
        var device: LegacyDevice
        var symbols: [String]
        /// Those that drive it.
        var ports: Set<Port> = [.stock, .jailhouse2016]
        /// Driven by every program, so that a stripped one is taken to drive it.
        var isCertain = false
    }

    private static let devices: [KnownDevice] = [
        KnownDevice(
            device: LegacyDevice(
                name: "interrupt controllers 8259A", ports: [0x20...0x21, 0xa0...0xa1], evidence: nil,
                firstAccess: "Invalid PIO write, port: 21",
                occasion: "when interrupts are set up or the first one comes"
            ),
            symbols: [
                "BSP_dispatch_isr", "i8259a_imr_cache", "i8259a_cache", "BSP_i8259a_irq_update_master_imr",
                "BSP_irq_enable_at_i8259a",
            ],
            isCertain: true
        ),
        KnownDevice(
            device: LegacyDevice(
                name: "interrupt trigger registers ELCR", ports: [0x4d0...0x4d1],
                evidence: nil, firstAccess: "Invalid PIO read, port: 4d0", occasion: "when interrupts are set up"
            ),
            symbols: ["elcr_probe", "elcr_read_trigger"], isCertain: true
        ),
        KnownDevice(
            device: LegacyDevice(
                name: "BIOS, in real mode", ports: [], evidence: nil, firstAccess: "",
                occasion: "when it begins"),
            symbols: ["vesa_realmode_bootup_init", "BIOSDIRQ", "i386_Real_interrupt_call"], ports: [.stock]
        ),
        KnownDevice(
            device: LegacyDevice(
                name: "timer 8254", ports: [0x40...0x43], evidence: nil,
                firstAccess: "Invalid PIO write, port: 43", occasion: "when its clock starts"
            ),
            symbols: ["pc386_get_timecount_i8254", "pc386_clock_click_count"], ports: [.stock]
        ),
        KnownDevice(
            device: LegacyDevice(
                name: "VGA display", ports: [0x3d4...0x3d5], evidence: nil,
                firstAccess: "Invalid PIO write, port: 3d4", occasion: "when it sets up its screen"
            ),
            symbols: ["_IBMPC_initVideo", "_IBMPC_outch"], ports: [.stock]
        ),
        KnownDevice(
            device: LegacyDevice(
                name: "VGA display, at port 0 because no BIOS told another", ports: [0x0...0x1], evidence: nil,
                firstAccess: "Invalid PIO write, port: 0", occasion: "when it writes to its screen"
            ),
            symbols: ["_IBMPC_initVideo", "_IBMPC_outch"], ports: [.jailhouse2016]
        ),
        KnownDevice(
            device: LegacyDevice(
                name: "keyboard controller", ports: [0x64...0x64], evidence: nil,
                firstAccess: "Invalid PIO write, port: 64",
                occasion: "when it ends and resets the machine"
            ),
            symbols: ["bsp_reset"], ports: [.stock]
        ),
        KnownDevice(
            device: LegacyDevice(
                name: "serial interface COM1", ports: [0x3f8...0x3ff], evidence: nil,
                firstAccess: "Invalid PIO read, port: 3fd", occasion: "with its first output", isLinux: false
            ),
            symbols: ["BSP_outch", "legacy_uart_probe"]
        ),
    ]
}
