// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
package import ConfigurationRules
package import DeviceTree
package import SystemCalls
import SystemPackage

/// Reads what Linux says of a machine in `/proc` and `/sys`, for the rules that compare configurations with it.
package struct MachineFiles: Sendable {
    /// What the paths begin with: empty for this machine, else the directory that its files were copied to.
    package let root: String
    /// A directory with `ioports` and `iomem` as the administrator sees them: for everybody else the files in `/proc` have
    /// no addresses.
    let credentials: String?

    private static let limit = 16 << 20
    /// Of the device tree.
    private static let depthLimit = 16
    private static let propertyLimit = 1 << 20

    /// - Parameter credentials: systemd's `$CREDENTIALS_DIRECTORY`, where the unit loads both files; nil: there is none.
    package init(root: String = "", credentials: String? = nil) {
        self.credentials = credentials
        self.root = root.hasSuffix("/") ? String(root.dropLast()) : root
    }

    /// Everything that can be read; what cannot is left out.
    ///
    /// - Throws: `SystemCallError` when there is neither `proc/ioports` nor `proc/iomem`.
    package func machine() throws(SystemCallError) -> RunningMachine {
        var (ports, memory) = (try credential("ioports"), try credential("iomem"))
        if ports == nil { ports = try optionalText("/proc/ioports") }
        if memory == nil { memory = try ports == nil ? text("/proc/iomem") : optionalText("/proc/iomem") }
        var machine = RunningMachine(ioports: ports ?? "", iomem: memory ?? "")
        machine.name = trimmed(readable("/sys/class/dmi/id/product_name"))
        machine.serialConsoles = RunningMachine.serialConsoles(
            consoles: readable("/proc/consoles"), commandLine: readable("/proc/cmdline"))
        machine.hasPCProcessors = RunningMachine.hasPCProcessors(cpuInfo: readable("/proc/cpuinfo"))
        machine.hasIntelProcessors = RunningMachine.hasIntelProcessors(cpuInfo: readable("/proc/cpuinfo"))
        machine.translatesByVTD = RunningMachine.translatesByVTD(commandLine: readable("/proc/cmdline"))
        machine.runsAtEL2 = RunningMachine.runsAtEL2(
            cpuInfo: readable("/proc/cpuinfo"), commandLine: readable("/proc/cmdline"))
        machine.keptMemory = RunningMachine.KeptMemory(commandLine: readable("/proc/cmdline"))
        machine.keptMemory.firmware = firmwareMemory()
        machine.pciDevices = Set(
            ((try? SystemCall.names(inDirectory: root + "/sys/bus/pci/devices")) ?? []).filter { $0.count == 12 })
        machine.interrupts = RunningMachine.interrupts(in: readable("/proc/interrupts"))
        // cells take CPUs offline
        if trimmed(readable("/sys/devices/jailhouse/enabled")) != "1" {
            machine.onlineCPUs = try? CPUSet(list: trimmed(readable("/sys/devices/system/cpu/online")))
        }
        machine.affinities = affinities()
        readPlatformBus(into: &machine)
        if let tree = deviceTree() { machine.read(tree) }
        return machine
    }

    /// The drivers of PCI devices, by the links of sysfs: `00:1f.2` → `ahci`.
    package func pciDrivers() -> [String: String] {
        let directory = root + "/sys/bus/pci/devices"
        var drivers: [String: String] = [:]
        for name in (try? SystemCall.names(inDirectory: directory)) ?? [] {
            guard let target = try? SystemCall.target(ofLink: "\(directory)/\(name)/driver"),
                let driver = target.split(separator: "/").last
            else { continue }
            // without the domain
            drivers[String(name.dropFirst(5))] = String(driver)
        }
        return drivers
    }

    private func text(_ path: String) throws(SystemCallError) -> String {
        String(decoding: try SystemCall.contents(ofFile: root + path, limit: Self.limit), as: UTF8.self)
    }

    /// Nil when the service manager has not passed it.
    private func credential(_ name: String) throws(SystemCallError) -> String? {
        guard let credentials else { return nil }
        do throws(SystemCallError) {
            let bytes = try SystemCall.contents(ofFile: "\(credentials)/\(name)", limit: Self.limit)
            return String(decoding: bytes, as: UTF8.self)
        } catch {
            if error.errno == .noSuchFileOrDirectory { return nil }
            throw error
        }
    }

    private func optionalText(_ path: String) throws(SystemCallError) -> String? {
        do throws(SystemCallError) {
            return try text(path)
        } catch {
            if error.errno == .noSuchFileOrDirectory { return nil }
            throw error
        }
    }

    /// Empty when it cannot be read.
    private func readable(_ path: String) -> String { (try? text(path)) ?? "" }

    private func trimmed(_ text: String) -> String {
        String(text.prefix { !$0.isNewline })
    }

    /// The firmware's own list of RAM, which Linux keeps as it got it.
    private func firmwareMemory() -> [ClosedRange<UInt64>] {
        let directory = "/sys/firmware/memmap"
        let entries = (try? SystemCall.names(inDirectory: root + directory)) ?? []
        return entries.compactMap { entry -> ClosedRange<UInt64>? in
            let number = { (name: String) in
                UInt64(trimmed(readable("\(directory)/\(entry)/\(name)")).dropFirst(2), radix: 16)
            }
            guard trimmed(readable("\(directory)/\(entry)/type")) == "System RAM", let first = number("start"),
                let last = number("end"), first <= last
            else { return nil }
            return first...last
        }.sorted { $0.lowerBound < $1.lowerBound }
    }

    /// `/sys/devices/system/cpu/cpu2/of_node` is the processor's node (Linux, drivers/base/cpu.c).
    private func affinities() -> [Int: UInt64] {
        let directory = root + "/sys/devices/system/cpu"
        var found: [Int: UInt64] = [:]
        for name in (try? SystemCall.names(inDirectory: directory)) ?? [] where name.hasPrefix("cpu") {
            guard let number = Int(name.dropFirst(3)),
                let register = try? SystemCall.contents(ofFile: "\(directory)/\(name)/of_node/reg", limit: 64),
                [4, 8].contains(register.count)
            else { continue }
            found[number] = register.reduce(0) { $0 << 8 | UInt64($1) }
        }
        return found
    }

    private func readPlatformBus(into machine: inout RunningMachine) {
        let devices = root + "/sys/bus/platform/devices"
        for name in ((try? SystemCall.names(inDirectory: devices)) ?? []).sorted() {
            guard let target = try? SystemCall.target(ofLink: "\(devices)/\(name)/driver"),
                let driver = target.split(separator: "/").last
            else { continue }
            machine.drivenDevices.insert(name)
            if let device = RunningMachine.UsedDevice(platformDevice: name, driver: String(driver)) {
                machine.usedDevices.append(device)
            }
        }
    }

    // MARK: The device tree

    /// The tree of files that Linux makes of the firmware's description, or else the firmware's own form, which root can
    /// read; nil where there is neither, as on a PC.
    package func deviceTree() -> DeviceNode? {
        let base = root + "/sys/firmware/devicetree/base"
        if let names = try? SystemCall.names(inDirectory: base), !names.isEmpty { return node("", at: base, depth: 0) }
        let blob = try? SystemCall.contents(ofFile: root + "/sys/firmware/fdt", limit: Self.limit)
        return blob.flatMap { DeviceNode(blob: $0) }
    }

    private func node(_ name: String, at directory: String, depth: Int) -> DeviceNode {
        var node = DeviceNode(name: name)
        guard depth < Self.depthLimit, let names = try? SystemCall.names(inDirectory: directory) else { return node }
        for name in names.sorted() {
            let path = directory + "/" + name
            guard let status = try? SystemCall.status(ofFile: path) else { continue }
            if status.kind == .directory {
                node.children.append(self.node(name, at: path, depth: depth + 1))
            } else if let contents = try? SystemCall.contents(ofFile: path, limit: Self.propertyLimit) {
                node.properties[name] = contents
            }
        }
        return node
    }
}
