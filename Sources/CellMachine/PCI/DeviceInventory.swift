// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// The devices in a QEMU's PCI slots, as it reports on its control socket (`query-pci`).
struct DeviceInventory {
    struct BaseAddress: Hashable {
        var number: Int
        var isMemory: Bool
        var is64Bit: Bool
        /// In bytes, a power of two.
        var size: UInt64
    }

    /// By bus, device and function.
    private(set) var baseAddresses: [UInt16: [BaseAddress]] = [:]

    init(answer: String) throws(CellMachineError) {
        let decoded: Answer
        do {
            decoded = try JSONDecoder().decode(Answer.self, from: Data(answer.utf8))
        } catch {
            throw CellMachineError(.emulator, "QEMU's list of PCI devices cannot be read: \(error)")
        }
        for device in decoded.return.flatMap(\.devices) {
            let function = UInt16(device.bus << 8 | device.slot << 3 | device.function)
            // 6 is the ROM
            baseAddresses[function] = device.regions.filter { $0.bar < 6 }.map {
                BaseAddress(
                    number: $0.bar, isMemory: $0.type == "memory", is64Bit: $0.memType64 ?? false, size: $0.size)
            }
        }
    }

    private struct Answer: Decodable {
        var `return`: [Bus]
    }

    private struct Bus: Decodable {
        var devices: [Device]
    }

    private struct Device: Decodable {
        var bus: Int
        var slot: Int
        var function: Int
        var regions: [Region]
    }

    private struct Region: Decodable {
        var bar: Int
        var type: String
        var size: UInt64
        var memType64: Bool?

        enum CodingKeys: String, CodingKey {
            case bar, type, size
            case memType64 = "mem_type_64"
        }
    }
}
