// SPDX-License-Identifier: Apache-2.0

extension SystemDescriptor {
    /// From a system's TOML source; every mistake in it is an error with its place.
    ///
    /// - Parameter path: the file's name, for errors.
    package init(toml: String, path: String) throws(ConfigurationError) {
        let document = try SourceDocument(toml: toml, path: path)
        self.init(rootCell: CellDescriptor(name: ""))
        var file = SourceFile(reading: document.root)
        try code(&file)
        try document.finish()
    }

    /// The line of each key path of a system's TOML source, by the indexes of the descriptor's lists: what a link adds to them
    /// is in the line of its table. Empty when it cannot be read.
    package static func lines(toml: String, path: String) -> [String: Int] {
        guard let document = try? SourceDocument(toml: toml, path: path) else { return [:] }
        var system = SystemDescriptor(rootCell: CellDescriptor(name: ""))
        var file = SourceFile(reading: document.root)
        // what is wrong in it has been said: the lines up to there count
        try? system.code(&file)
        return document.lines
    }

    /// Its TOML source: nothing at its default value, and compiled again it is the same byte for byte.
    package func toml() -> String {
        SourceFile.text { file throws(ConfigurationError) in
            var copy = self
            copy.rootCell = copy.rootCell.withRegionNames(knowing: namedPlaces)
            try copy.code(&file)
        }
    }

    mutating func code(_ file: inout SourceFile) throws(ConfigurationError) {
        var keys = SystemKeys(
            architecture: architecture, isArchitectureGuessed: rootCell.isArchitectureGuessed, format: format,
            flags: flags)
        try file.table("system", &keys, required: true)
        if file.isReading && keys.isArchitectureGuessed {
            let isArm = try file.hasKey(in: "platform", of: ArmPlatform(), butNotOf: X86Platform())
            keys.architecture = isArm ? .arm : .x86
        }
        flags = keys.flags
        format = keys.format
        rootCell.format = keys.format
        if keys.architecture != architecture {
            architecture = keys.architecture
            rootCell.architecture = keys.architecture
            platform.specific = Platform.Specific(for: keys.architecture)
        }
        var memory = HypervisorMemoryKeys(region: hypervisorMemory, format: format)
        try file.table("hypervisor-memory", &memory, required: true)
        hypervisorMemory = memory.region
        var console = DebugConsoleKeys(console: debugConsole, interrupt: consoleInterrupt)
        try file.table("debug-console", &console)
        (debugConsole, consoleInterrupt) = (console.console, console.interrupt)
        try file.table("platform", &platform)
        try file.list("iommu", &platform.iommuUnits, limit: Platform.iommuUnitLimit)
        var root = RootCellKeys(cell: rootCell, header: rootCellHeader)
        try file.table("root-cell", &root, required: true)
        rootCell = root.cell
        rootCellHeader = root.header
        try rootCell.codeLists(&file)
        rootCell.isArchitectureGuessed = keys.isArchitectureGuessed
        if file.isReading && keys.isArchitectureGuessed && architecture != .x86 {
            architecture = typicalArmArchitecture
            rootCell.architecture = architecture
        }
    }
}

/// The table `[system]`.
private struct SystemKeys: SourceRecord {
    var architecture: Architecture
    var isArchitectureGuessed: Bool
    var format: FormatVariant
    var flags: SystemDescriptor.Flags

    mutating func code(_ coder: inout SourceCoder) throws(ConfigurationError) {
        let said = try coder.architecture("architecture", architecture, &format, isGuessed: isArchitectureGuessed)
        if coder.isReading {
            isArchitectureGuessed = said.architecture == nil
            architecture = said.architecture ?? architecture
        }
        try coder.flag("virtual-debug-console", &flags, .virtualDebugConsole)
        try coder.otherBits("other-flags", &flags.rawValue, named: SystemDescriptor.Flags.virtualDebugConsole.rawValue)
    }
}

/// The table `[debug-console]`: a cell's has no interrupt of its own, but a pin.
private struct DebugConsoleKeys: SourceRecord {
    var console: Console
    var interrupt: UInt32

    mutating func code(_ coder: inout SourceCoder) throws(ConfigurationError) {
        try console.code(&coder)
        try coder.decimal("interrupt", &interrupt)
    }
}

/// The table `[hypervisor-memory]`: unlike a cell's memory it is seen nowhere else.
private struct HypervisorMemoryKeys: SourceRecord {
    var region: MemoryRegion
    let format: FormatVariant

    mutating func code(_ coder: inout SourceCoder) throws(ConfigurationError) {
        try coder.hexadecimal("physical", &region.physicalStart, default: nil)
        try coder.size("size", &region.size, default: nil)
        try coder.hexadecimal("virtual", &region.virtualStart)
        var bits = region.bits(in: format)
        try coder.hexadecimal("flags", &bits)
        if coder.isReading { region.set(bits, in: format) }
    }
}

extension Platform: SourceRecord {
    var variants: [Platform] {
        [Architecture.x86, .arm].map { Platform(specific: Specific(for: $0)) }
    }

    mutating func code(_ coder: inout SourceCoder) throws(ConfigurationError) {
        try coder.hexadecimal("mmconfig-base", &mmconfigBase)
        try coder.hexadecimal("mmconfig-end-bus", &mmconfigEndBus)
        try coder.decimal("virtual-pci", &virtualPCI)
        try coder.hexadecimal("pci-domain", &pciDomain)
        switch specific {
        case .x86(var part):
            try part.code(&coder)
            specific = .x86(part)
        case .arm(var part):
            try part.code(&coder)
            specific = .arm(part)
        }
        try coder.bytes("reserved-bytes", &reserved, limit: 168)
    }
}

extension X86Platform: SourceRecord {
    mutating func code(_ coder: inout SourceCoder) throws(ConfigurationError) {
        try coder.hexadecimal("pm-timer-port", &pmTimerPort)
        try coder.word("apic-mode", &apicMode.rawValue, Words.apicModes, default: 0)
        try coder.decimal("vtd-interrupt-limit", &vtdInterruptLimit)
        try coder.decimal("tsc-khz", &tscKHz)
        try coder.decimal("apic-khz", &apicKHz)
        try coder.hexadecimal("padding", &padding)
    }
}

extension ArmPlatform: SourceRecord {
    mutating func code(_ coder: inout SourceCoder) throws(ConfigurationError) {
        try coder.decimal("gic-version", &gicVersion)
        try coder.decimal("maintenance-interrupt", &maintenanceInterrupt)
        try coder.hexadecimal("gicd-base", &gicdBase)
        try coder.hexadecimal("gicc-base", &giccBase)
        try coder.hexadecimal("gich-base", &gichBase)
        try coder.hexadecimal("gicv-base", &gicvBase)
        try coder.hexadecimal("gicr-base", &gicrBase)
        try coder.hexadecimal("padding", &padding)
    }
}
