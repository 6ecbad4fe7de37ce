// SPDX-License-Identifier: Apache-2.0

extension Parameters {
    private typealias Offset = MonitorMemory.Parameter

    static var pins: UInt32 { word(Offset.pins) }
    static var pmTimerPort: UInt32 { word(Offset.pmTimerPort) }
}
